//! What the words in a system call mean: numbers, constants, structures as they lie in memory.

use super::stop::Stop;
use super::symbols::{Kind, System};
use crate::nearest::nearest;
use crate::sources::packetdrill::syntax::{Expression, Field, Span, Spanned};
use crate::worlds::stack::Constant;

/// A number that is written, whatever way.
pub(super) fn number(expression: &Spanned<Expression>, system: System) -> Result<i64, Stop> {
    constant(expression, None, system).map(|constant| constant.value)
}

/// A constant that is written by name, by number, or as several joined.
pub(super) fn constant(expression: &Spanned<Expression>, kind: Option<Kind>, system: System) -> Result<Constant, Stop> {
    let plain = |value: i64| kind.map_or(Constant { value, names: Vec::new() }, |kind| system.numbered(value, kind));
    match &expression.value {
        Expression::Integer(value) => Ok(plain(*value)),
        Expression::Hex(value) => Ok(plain(value.cast_signed())),
        Expression::Word(name) => system.named(name).ok_or_else(|| {
            let hint = nearest(name, system.names()).map_or_else(String::new, |near| format!("; is it {near}?"));
            Stop::unsupported(expression.span, format!("the constant {name}{hint}"))
        }),
        Expression::Or(parts) => {
            let mut joined = Constant::default();
            for part in parts {
                let Constant { value, names } = constant(part, kind, system)?;
                joined.value |= value;
                joined.names.extend(names);
            }
            Ok(joined)
        }
        Expression::Not(inner) => Ok(plain(!number(inner, system)?)),
        Expression::Apply(name, arguments) => match (name.as_str(), arguments.as_slice()) {
            ("htons" | "htonl" | "u32" | "u64" | "ptr" | "fd" | "u16" | "u8", [one]) => constant(one, kind, system),
            _ => Err(Stop::unsupported(expression.span, format!("{name}() as a number"))),
        },
        Expression::List(items) if items.len() == 1 => constant(&items[0], kind, system),
        Expression::Ellipsis => Err(Stop::error(expression.span, "expected a number, found ...: there is no obvious one")),
        Expression::Text(_) | Expression::List(_) | Expression::Record(_) | Expression::Address(_) => {
            Err(Stop::error(expression.span, "expected a number"))
        }
    }
}

/// The field of this name.
pub(super) fn field<'a>(fields: &'a [Field], name: &str) -> Option<&'a Spanned<Expression>> {
    fields.iter().find(|field| field.name.as_ref().is_some_and(|known| known.value == name)).map(|field| &field.value)
}

/// The structure that is written.
pub(super) fn record<'a>(expression: &'a Spanned<Expression>, what: &str) -> Result<&'a [Field], Stop> {
    match &expression.value {
        Expression::Record(fields) => Ok(fields),
        _ => Err(Stop::error(expression.span, format!("expected {what} in braces"))),
    }
}

/// An option's value as it lies in memory; `len` octets of it where it is `...`.
pub(super) fn option_octets(expression: &Spanned<Expression>, len: Option<u32>, system: System) -> Result<Vec<u8>, Stop> {
    Ok(match &expression.value {
        Expression::Ellipsis => vec![0; len.unwrap_or(4).min(MOST_OCTETS) as usize],
        Expression::Text(text) => text.as_bytes().to_vec(),
        Expression::Address(address) => match address {
            std::net::IpAddr::V4(address) => address.octets().to_vec(),
            std::net::IpAddr::V6(address) => address.octets().to_vec(),
        },
        Expression::List(items) => {
            let mut octets = Vec::new();
            let size = if items.len() == 1 { width(len) } else { 4 };
            for item in items {
                if let Expression::Text(_) | Expression::Record(_) | Expression::Address(_) = item.value {
                    octets.extend(option_octets(item, len, system)?);
                } else {
                    octets.extend(&number(item, system)?.to_le_bytes()[..size]);
                }
            }
            octets
        }
        Expression::Record(fields) => structure(expression.span, fields, system)?,
        Expression::Apply(name, arguments) if name == "inet_addr" || name == "inet6_addr" => match arguments.as_slice() {
            [Spanned { value: Expression::Text(text), span }] => match text.parse::<std::net::IpAddr>() {
                Ok(std::net::IpAddr::V4(address)) => address.octets().to_vec(),
                Ok(std::net::IpAddr::V6(address)) => address.octets().to_vec(),
                Err(_) => return Err(Stop::error(*span, "expected an IP address")),
            },
            _ => return Err(Stop::error(expression.span, format!("expected {name}(\"ADDRESS\")"))),
        },
        Expression::Integer(_)
        | Expression::Hex(_)
        | Expression::Word(_)
        | Expression::Or(_)
        | Expression::Not(_)
        | Expression::Apply(..) => number(expression, system)?.to_le_bytes()[..width(len)].to_vec(),
    })
}

/// Most octets of an option's value.
const MOST_OCTETS: u32 = 65536;

/// Octets of a number that is as long as the process says.
fn width(len: Option<u32>) -> usize {
    match len {
        Some(1) => 1,
        Some(2) => 2,
        Some(8) => 8,
        _ => 4,
    }
}

/// The structures of options and control messages, native order: `struct linger`, `struct timeval`, FreeBSD's
/// `tcp_function_set`, `struct sock_extended_err`.
fn structure(span: Span, fields: &[Field], system: System) -> Result<Vec<u8>, Stop> {
    let named = |name: &str| field(fields, name);
    let int = |name: &str| named(name).map_or(Ok(0), |value| number(value, system));
    if named("onoff").is_some() || named("linger").is_some() {
        let int = |name: &str| int(name).map(i64::to_le_bytes);
        return Ok([&int("onoff")?[..4], &int("linger")?[..4]].concat());
    }
    if named("tv_sec").is_some() {
        return Ok([int("tv_sec")?.to_le_bytes(), int("tv_usec")?.to_le_bytes()].concat());
    }
    if let Some(Spanned { value: Expression::Text(name), .. }) = named("function_set_name") {
        let mut octets = name.as_bytes().to_vec();
        octets.resize(FUNCTION_NAME, 0);
        octets.extend(&int("pcbcnt")?.to_le_bytes()[..4]);
        return Ok(octets);
    }
    if named("ee_errno").is_some() || named("ee_origin").is_some() {
        // struct sock_extended_err.
        let octet = |name: &str| int(name).map(|value| value.to_le_bytes()[0]);
        let word = |name: &str| int(name).map(i64::to_le_bytes);
        let octets = [octet("ee_origin")?, octet("ee_type")?, octet("ee_code")?, octet("ee_pad")?];
        return Ok([&word("ee_errno")?[..4], &octets, &word("ee_info")?[..4], &word("ee_data")?[..4]].concat());
    }
    let words: Vec<_> = fields.iter().filter_map(|field| field.name.as_ref()).map(|name| name.value.as_str()).collect();
    Err(Stop::unsupported(span, format!("a structure with {}", words.join(", "))))
}

/// `TCP_FUNCTION_NAME_LEN_MAX` of FreeBSD.
const FUNCTION_NAME: usize = 32;

/// The number that lies in memory, as long as it is.
pub(super) fn number_in(octets: &[u8]) -> Option<i64> {
    Some(match *octets {
        [a] => i64::from(a),
        [a, b] => i64::from(u16::from_le_bytes([a, b])),
        [a, b, c, d] => i64::from(i32::from_le_bytes([a, b, c, d])),
        [a, b, c, d, e, f, g, h] => i64::from_le_bytes([a, b, c, d, e, f, g, h]),
        _ => return None,
    })
}
