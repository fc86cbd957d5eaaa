//! ICMP by the names a script has for it, per family (RFC 792, RFC 4443).

use super::stop::Stop;
use crate::nearest::nearest;
use crate::sources::packetdrill::syntax::Spanned;

/// Names of types and of their codes.
struct Type {
    name: &'static str,
    number: u8,
    codes: &'static [(&'static str, u8)],
}

const fn of(name: &'static str, number: u8, codes: &'static [(&'static str, u8)]) -> Type {
    Type { name, number, codes }
}

static V4: &[Type] = &[
    of("echo_reply", 0, &[]),
    of(
        "unreachable",
        3,
        &[
            ("net_unreachable", 0),
            ("host_unreachable", 1),
            ("protocol_unreachable", 2),
            ("port_unreachable", 3),
            ("frag_needed", 4),
            ("source_route_failed", 5),
            ("net_unknown", 6),
            ("host_unknown", 7),
            ("source_host_isolated", 8),
            ("net_prohibited", 9),
            ("host_prohibited", 10),
            ("net_unreachable_for_tos", 11),
            ("host_unreachable_for_tos", 12),
            ("packet_filtered", 13),
            ("precedence_violation", 14),
            ("precedence_cutoff", 15),
        ],
    ),
    of("source_quench", 4, &[]),
    of("redirect", 5, &[]),
    of("echo_request", 8, &[]),
    of(
        "time_exceeded",
        11,
        &[("exc_ttl", 0), ("ttl_exceeded", 0), ("ttl_exceeded_in_transit", 0), ("exc_fragtime", 1), ("frag_reass_exceeded", 1)],
    ),
    of("parameter_problem", 12, &[]),
];

static V6: &[Type] = &[
    of(
        "unreachable",
        1,
        &[
            ("no_route", 0),
            ("admin_prohibited", 1),
            ("not_neighbour", 2),
            ("address_unreachable", 3),
            ("port_unreachable", 4),
            // The names of IPv4 for what comes nearest.
            ("net_unreachable", 0),
            ("packet_filtered", 1),
            ("host_unreachable", 3),
        ],
    ),
    of("packet_too_big", 2, &[]),
    of(
        "time_exceeded",
        3,
        &[
            ("exc_hoplimit", 0),
            ("hop_limit_exceeded", 0),
            ("exceeded_hop_limit", 0),
            ("exceeded_hop_limit_in_transit", 0),
            ("ttl_exceeded_in_transit", 0),
            ("exc_fragtime", 1),
            ("frag_reass_exceeded", 1),
        ],
    ),
    of("parameter_problem", 4, &[("hdr_field", 0), ("unknown_next_header", 1), ("unk_nexthdr", 1), ("unk_option", 2)]),
    of("echo_request", 128, &[]),
    of("echo_reply", 129, &[]),
    of("redirect", 137, &[]),
];

/// The numbers of a type and a code in words.
pub(super) fn numbers(kind: &Spanned<String>, code: Option<&Spanned<String>>, ipv6: bool) -> Result<(u8, u8), Stop> {
    let types = if ipv6 { V6 } else { V4 };
    let family = if ipv6 { "ICMPv6" } else { "ICMP" };
    let found = types.iter().find(|known| known.name == kind.value);
    let number = found.map(|known| known.number).or_else(|| numbered(&kind.value, "type_")).ok_or_else(|| {
        let hint = nearest(&kind.value, types.iter().map(|known| known.name)).map_or_else(String::new, |near| format!("; is it {near}?"));
        Stop::unsupported(kind.span, format!("{family} has no type {}{hint}", kind.value))
    })?;
    let Some(code) = code else { return Ok((number, 0)) };
    let codes = types.iter().find(|known| known.number == number).map_or(&[][..], |known| known.codes);
    let named = codes.iter().find(|(name, _)| *name == code.value).map(|(_, number)| *number);
    let code_number = named.or_else(|| numbered(&code.value, "code_")).ok_or_else(|| {
        let hint = nearest(&code.value, codes.iter().map(|(name, _)| *name)).map_or_else(String::new, |near| format!("; is it {near}?"));
        Stop::unsupported(code.span, format!("{family} {} has no code {}{hint}", kind.value, code.value))
    })?;
    Ok((number, code_number))
}

fn numbered(name: &str, prefix: &str) -> Option<u8> {
    name.strip_prefix(prefix)?.parse().ok()
}

/// The names that types have in either family.
pub(in super::super) fn types() -> impl Iterator<Item = &'static str> + Clone {
    V4.iter().chain(V6).map(|known| known.name)
}

/// The names that codes have in either family.
pub(in super::super) fn codes() -> impl Iterator<Item = &'static str> + Clone {
    V4.iter().chain(V6).flat_map(|known| known.codes).map(|(name, _)| *name)
}

/// The names of a type and a code.
pub(in crate::sources::packetdrill) fn names(kind: u8, code: u8, ipv6: bool) -> (String, Option<String>) {
    let found = (if ipv6 { V6 } else { V4 }).iter().find(|known| known.number == kind);
    let name = found.map_or_else(|| format!("type_{kind}"), |known| known.name.to_owned());
    let named = found.and_then(|known| known.codes.iter().find(|(_, number)| *number == code));
    let code = match named {
        Some((name, _)) => Some((*name).to_owned()),
        None if code == 0 => None,
        None => Some(format!("code_{code}")),
    };
    (name, code)
}

/// Whether `mtu` stands in the message, and how: behind two octets of zero in IPv4.
pub(super) const fn says_mtu(kind: u8, code: u8, ipv6: bool) -> bool {
    if ipv6 { kind == 2 } else { kind == 3 && code == 4 }
}

/// Whether it is an echo, which quotes nothing.
pub(super) const fn is_echo(kind: u8, ipv6: bool) -> bool {
    if ipv6 { kind == 128 || kind == 129 } else { kind == 0 || kind == 8 }
}
