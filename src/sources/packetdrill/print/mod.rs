//! The syntax tree as text, in the one style that synfin writes.
//!
//! What is printed reads back as the same tree, but for the spans, `asked`, and times below a microsecond, which the
//! language has none of. Beside: packets ([`packet`]), system calls ([`call`]).

mod call;
mod packet;
#[cfg(test)]
pub(super) mod tests;

use std::fmt;
use std::time::Duration;

use super::syntax::{Event, Script, ScriptOption, Time, What};

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for option in &self.options {
            writeln!(f, "{}", option.value)?;
        }
        if !self.options.is_empty() {
            writeln!(f)?;
        }
        if let Some(init) = &self.init {
            writeln!(f, "`{}`\n", init.value)?;
        }
        for event in &self.events {
            writeln!(f, "{event}")?;
        }
        if let Some(cleanup) = &self.cleanup {
            writeln!(f, "\n`{}`", cleanup.value)?;
        }
        Ok(())
    }
}

impl fmt::Display for ScriptOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, value } = self;
        write!(f, "--{name}")?;
        match value {
            None => Ok(()),
            Some(value) if name == "define" || !needs_quotes(value) => write!(f, "={value}"),
            Some(value) => write!(f, "=\"{value}\""),
        }
    }
}

fn needs_quotes(value: &str) -> bool {
    value.is_empty() || value.contains(|c: char| c.is_ascii_whitespace()) || value.contains("//") || value.contains("/*")
}

/// One line, or as many as its code has; the time right-aligned before what happens.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut time = self.time.value.to_string();
        if let What::Call(call) = &self.what.value
            && let Some(end) = &call.end
        {
            time += &format!("...{}", seconds(end.value, "0"));
        }
        write!(f, "{time:>5} {}", self.what.value)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (since_start, since_before) = (|time| seconds(time, "0"), |time| seconds(time, ""));
        match *self {
            Self::Absolute(at) => f.write_str(&since_start(at)),
            Self::Relative(after) => write!(f, "+{}", since_before(after)),
            Self::Any => f.write_str("*"),
            Self::Range(from, to) => write!(f, "{}~{}", since_start(from), since_start(to)),
            Self::RelativeRange(from, to) => write!(f, "+{}~+{}", since_before(from), since_before(to)),
        }
    }
}

/// As packetdrill writes times: microseconds at most, without zeros at the end; `whole` stands for no whole second.
fn seconds(time: Duration, whole: &str) -> String {
    let (seconds, micros) = (time.as_secs(), time.subsec_micros());
    if micros == 0 {
        return seconds.to_string();
    }
    let whole = if seconds == 0 { whole.to_owned() } else { seconds.to_string() };
    format!("{whole}.{}", format!("{micros:06}").trim_end_matches('0'))
}

/// What happens, without its time; a call without `...END`.
impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Packet(packet) => packet.fmt(f),
            Self::Call(call) => call.fmt(f),
            Self::Command(command) => write!(f, "`{}`", command.value),
            Self::Code(code) => {
                let code = &code.value;
                let space = |newline: bool| if newline { "" } else { " " };
                write!(f, "%{{{}{code}{}}}%", space(code.starts_with('\n')), space(code.ends_with('\n')))
            }
        }
    }
}

/// Things behind each other, with something between them.
fn join<T: fmt::Display>(f: &mut fmt::Formatter<'_>, between: &str, things: impl IntoIterator<Item = T>) -> fmt::Result {
    for (position, thing) in things.into_iter().enumerate() {
        if position > 0 {
            f.write_str(between)?;
        }
        write!(f, "{thing}")?;
    }
    Ok(())
}
