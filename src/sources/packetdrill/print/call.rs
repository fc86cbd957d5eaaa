//! System calls as text.

use std::fmt;

use super::super::syntax::{Expression, Field, SystemCall};
use super::join;

/// Without `...END`, which stands before its name behind the time.
impl fmt::Display for SystemCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.name.value)?;
        join(f, ", ", self.arguments.iter().map(|argument| &argument.value))?;
        write!(f, ") = {}", self.result.value)?;
        if let Some(errno) = &self.errno {
            write!(f, " {}", errno.value)?;
        }
        if let Some(note) = &self.note {
            write!(f, " ({note})")?;
        }
        Ok(())
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ellipsis => f.write_str("..."),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Hex(value) => write!(f, "0x{value:x}"),
            Self::Word(word) => f.write_str(word),
            Self::Text(text) => write!(f, "\"{text}\""),
            Self::Or(parts) => join(f, "|", parts.iter().map(|part| &part.value)),
            Self::Not(value) => write!(f, "~{}", value.value),
            Self::Apply(name, arguments) => {
                write!(f, "{name}(")?;
                join(f, ", ", arguments.iter().map(|argument| &argument.value))?;
                f.write_str(")")
            }
            Self::List(values) => {
                f.write_str("[")?;
                join(f, ", ", values.iter().map(|value| &value.value))?;
                f.write_str("]")
            }
            Self::Record(fields) => {
                f.write_str("{")?;
                join(f, ", ", fields)?;
                f.write_str("}")
            }
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, count, value } = self;
        if let Some(name) = name {
            f.write_str(&name.value)?;
            if let Some(count) = count {
                write!(f, "({})", count.value)?;
            }
            f.write_str("=")?;
        }
        write!(f, "{}", value.value)
    }
}
