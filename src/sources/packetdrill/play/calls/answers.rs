//! What a call returned, against what its line says.

use super::messages::{control_message, epoll_event};
use crate::sources::packetdrill::play::clock::{Moment, seconds};
use crate::sources::packetdrill::play::mismatch::Difference;
use crate::sources::packetdrill::play::settings::Settings;
use crate::sources::packetdrill::play::stop::Stop;
use crate::sources::packetdrill::play::symbols::System;
use crate::sources::packetdrill::play::values::{field, number, number_in, option_octets};
use crate::sources::packetdrill::syntax::{Expression, Field, Spanned, SystemCall};
use crate::worlds::stack::{Answer, Output};

/// What a line expects beside the result.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::sources::packetdrill::play) enum Expects<'a> {
    /// Nothing.
    Nothing,
    /// A descriptor, which the script calls by the number it writes.
    Descriptor,
    /// An option's value and its length.
    Value { value: &'a Spanned<Expression>, len: &'a Spanned<Expression> },
    /// A number in memory.
    Number(&'a Spanned<Expression>),
    /// `revents` of each entry.
    Poll(Vec<&'a Spanned<Expression>>),
    /// What `epoll_wait` tells.
    Epoll(Vec<&'a Spanned<Expression>>),
    /// Two descriptors.
    Pair(&'a Spanned<Expression>, &'a Spanned<Expression>),
    /// What comes with a message.
    Message { flags: Option<&'a Spanned<Expression>>, control: Option<&'a Spanned<Expression>> },
}

/// TCP_INFO's numbers by name, where they are asked for.
pub(in crate::sources::packetdrill::play) type Info<'a> = &'a mut dyn FnMut() -> Result<Vec<(&'static str, i64)>, Stop>;

/// What differs between a call's line and what it returned: the result, then errno, then what lies in memory.
pub(in crate::sources::packetdrill::play) fn check(
    call: &SystemCall,
    answer: &Answer,
    expects: &Expects<'_>,
    settings: &Settings,
    info: Info<'_>,
) -> Result<Vec<Difference>, Stop> {
    let system = settings.system;
    let mut differences = Vec::new();
    let actual = match answer.errno {
        Some(errno) => format!("{} {errno}", answer.result),
        None => answer.result.to_string(),
    };
    let errno = call.errno.as_ref().map(|expected| {
        let known = system.named(&expected.value);
        known.ok_or_else(|| Stop::unsupported(expected.span, format!("the errno {}", expected.value))).map(|known| (&expected.value, known))
    });
    let errno = errno.transpose()?;
    if call.result.value != Expression::Ellipsis {
        let expected = number(&call.result, system)?;
        let any = matches!(expects, Expects::Descriptor) && expected >= 0;
        if if any { answer.result < 0 } else { answer.result != expected } {
            let errno = errno.map_or_else(String::new, |(name, _)| format!(" {name}"));
            differences.push(Difference::new("result", format!("{expected}{errno}"), &actual));
            return Ok(differences);
        }
    }
    if let Some((name, known)) = errno
        && !answer.errno.is_some_and(|errno| known.has(errno.name()))
    {
        let actual = answer.errno.map_or("none", crate::worlds::Errno::name);
        differences.push(Difference::new("errno", name, actual));
    }
    if answer.result >= 0 {
        memory(answer, expects, settings, info, &mut differences)?;
    }
    Ok(differences)
}

fn memory(
    answer: &Answer,
    expects: &Expects<'_>,
    settings: &Settings,
    info: Info<'_>,
    differences: &mut Vec<Difference>,
) -> Result<(), Stop> {
    let system = settings.system;
    let missing =
        |expression: &Spanned<Expression>| Stop::unsupported(expression.span, "what the call wrote, which the stack does not tell");
    match (expects, &answer.output) {
        (Expects::Nothing | Expects::Descriptor | Expects::Pair(..), _) => {}
        (Expects::Value { value, len }, Output::Value(octets)) => {
            option_value(value, octets, system, info, differences)?;
            if len.value != Expression::Ellipsis {
                let expected = number(len, system)?;
                if usize::try_from(expected) != Ok(octets.len()) {
                    differences.push(Difference::new("optlen", expected, octets.len()));
                }
            }
        }
        (Expects::Value { value, .. }, _) => return Err(missing(value)),
        (Expects::Number(expression), output) => {
            if expression.value == Expression::Ellipsis {
                return Ok(());
            }
            let Output::Number(actual) = output else { return Err(missing(expression)) };
            let expected = number(expression, system)?;
            if expected != *actual {
                differences.push(Difference::new("value", expected, actual));
            }
        }
        (Expects::Poll(expected), output) => {
            let Output::Poll(actual) = output else { return expected.first().map_or(Ok(()), |first| Err(missing(first))) };
            for (index, expression) in expected.iter().enumerate() {
                let wanted = number(expression, system)?;
                let there = actual.get(index).copied().unwrap_or_default();
                if wanted != i64::from(there) {
                    differences.push(Difference::new(format!("revents of entry {index}"), hex(wanted), hex(there.into())));
                }
            }
        }
        (Expects::Epoll(expected), output) => {
            let Output::Epoll(actual) = output else { return expected.first().map_or(Ok(()), |first| Err(missing(first))) };
            for (index, (expression, there)) in expected.iter().zip(actual).enumerate() {
                let (events, data) = epoll_event(expression, system)?;
                if events.value != i64::from(there.events) {
                    differences.push(Difference::new(format!("events of entry {index}"), hex(events.value), hex(there.events.into())));
                }
                if data != there.data {
                    differences.push(Difference::new(format!("data of entry {index}"), data, there.data));
                }
            }
        }
        (Expects::Message { flags, control }, output) => {
            let Some(first) = flags.or(*control) else { return Ok(()) };
            let Output::Message { flags: actual, control: messages } = output else { return Err(missing(first)) };
            if let Some(flags) = flags.filter(|flags| flags.value != Expression::Ellipsis) {
                let expected = number(flags, system)?;
                if expected != i64::from(*actual) {
                    differences.push(Difference::new("msg_flags", hex(expected), hex((*actual).into())));
                }
            }
            if let Some(Spanned { value: Expression::List(items), .. }) = control {
                if items.len() != messages.len() {
                    differences.push(Difference::new("control messages", items.len(), messages.len()));
                }
                for (index, (item, message)) in items.iter().zip(messages).enumerate() {
                    let (level, kind, data) = control_message(item, system)?;
                    let pairs = [("cmsg_level", level.value, message.level.value), ("cmsg_type", kind.value, message.kind.value)];
                    for (name, expected, actual) in pairs {
                        if expected != actual {
                            differences.push(Difference::new(format!("{name} of message {index}"), expected, actual));
                        }
                    }
                    if let Some(moment) = scm_time(data, system)? {
                        time_stamp(index, moment, &message.data, settings, differences);
                    } else if data.value != Expression::Ellipsis {
                        octets(&format!("cmsg_data of message {index}"), data, &message.data, system, differences)?;
                    }
                }
            }
        }
    }
    Ok(())
}

/// `{scm_sec=0, scm_nsec=10000000}`: when, counted from the beginning of the script.
fn scm_time(data: &Spanned<Expression>, system: System) -> Result<Option<Moment>, Stop> {
    let Expression::Record(fields) = &data.value else { return Ok(None) };
    let (seconds, nanos) = (field(fields, "scm_sec"), field(fields, "scm_nsec"));
    if seconds.is_none() && nanos.is_none() {
        return Ok(None);
    }
    let part = |part: Option<&Spanned<Expression>>| -> Result<u64, Stop> {
        let value = part.map_or(Ok(0), |part| number(part, system))?;
        u64::try_from(value).map_err(|_| Stop::error(data.span, "expected a time after the beginning of the script"))
    };
    Ok(Some(Moment::At(part(seconds)?.saturating_mul(1_000_000).saturating_add(part(nanos)? / 1000))))
}

/// A `struct timespec` in memory, the first of several, against the moment that is written for it.
fn time_stamp(index: usize, moment: Moment, actual: &[u8], settings: &Settings, differences: &mut Vec<Difference>) {
    let word = |at: usize| actual.get(at..at + 8).and_then(|octets| octets.first_chunk()).map_or(0, |octets| u64::from_ne_bytes(*octets));
    let actual = word(0).saturating_mul(1_000_000).saturating_add(word(8) / 1000);
    if let Err(expected) = moment.check(actual, None, settings) {
        differences.push(Difference::new(format!("time of message {index}"), expected, format!("{} s", seconds(actual))));
    }
}

fn hex(value: i64) -> String {
    format!("{value:#x}")
}

/// The value of an option against what is written for it.
fn option_value(
    value: &Spanned<Expression>,
    actual: &[u8],
    system: System,
    info: Info<'_>,
    differences: &mut Vec<Difference>,
) -> Result<(), Stop> {
    match &value.value {
        Expression::Ellipsis => Ok(()),
        Expression::Text(text) => {
            let end = actual.iter().position(|octet| *octet == 0).unwrap_or(actual.len());
            let there = String::from_utf8_lossy(&actual[..end]);
            if there != text.as_str() {
                differences.push(Difference::new("value", format!("{text:?}"), format!("{there:?}")));
            }
            Ok(())
        }
        Expression::List(items) => match items.as_slice() {
            [one] => option_value(one, actual, system, info, differences),
            _ => octets("value", value, actual, system, differences),
        },
        Expression::Record(fields) if fields.iter().any(is_info) => {
            let numbers = info()?;
            for Field { name, value, .. } in fields {
                let Some(name) = name else { continue };
                let actual = numbers.iter().find(|(known, _)| *known == name.value).map(|(_, actual)| *actual);
                let actual = actual.ok_or_else(|| Stop::unsupported(name.span, format!("{} of this stack", name.value)))?;
                if value.value != Expression::Ellipsis && number(value, system)? != actual {
                    differences.push(Difference::new(&name.value, number(value, system)?, actual));
                }
            }
            Ok(())
        }
        _ => octets("value", value, actual, system, differences),
    }
}

fn is_info(field: &Field) -> bool {
    field.name.as_ref().is_some_and(|name| name.value.starts_with("tcpi_"))
}

/// Octets in memory against what is written: as numbers where that is one.
fn octets(name: &str, value: &Spanned<Expression>, actual: &[u8], system: System, differences: &mut Vec<Difference>) -> Result<(), Stop> {
    if let Expression::Record(_) | Expression::List(_) | Expression::Apply(..) | Expression::Address(_) | Expression::Text(_) = value.value
    {
        let len = u32::try_from(actual.len()).ok();
        let expected = option_octets(value, len, system)?;
        // Behind an error stands the address of who reported it.
        let is_error = matches!(&value.value, Expression::Record(fields) if field(fields, "ee_errno").is_some());
        let actual = if is_error { actual.get(..expected.len()).unwrap_or(actual) } else { actual };
        if expected != actual {
            let spell = |octets: &[u8]| octets.iter().take(SHOWN).map(|octet| format!("{octet:02x}")).collect::<String>();
            match (value, structure_words(&expected), structure_words(actual)) {
                (Spanned { value: Expression::Record(_), .. }, Some(expected), Some(actual)) => {
                    differences.push(Difference::new(name, expected, actual));
                }
                _ => differences.push(Difference::new(name, spell(&expected), spell(actual))),
            }
        }
        return Ok(());
    }
    let expected = number(value, system)?;
    let there = number_in(actual).or_else(|| actual.first_chunk::<4>().map(|four| i64::from(i32::from_le_bytes(*four))));
    if there != Some(expected) {
        differences.push(Difference::new(name, expected, there.map_or_else(|| "nothing".to_owned(), |there| there.to_string())));
    }
    Ok(())
}

/// Most octets of a value that are shown.
const SHOWN: usize = 16;

/// The integers a structure consists of.
fn structure_words(octets: &[u8]) -> Option<String> {
    let (words, []) = octets.as_chunks::<4>() else { return None };
    let words: Vec<_> = words.iter().take(4).map(|word| i32::from_le_bytes(*word).to_string()).collect();
    Some(format!("{{{}}}", words.join(", ")))
}
