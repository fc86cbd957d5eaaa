//! Values, and what operators make of them.

use std::cmp::Ordering;
use std::fmt;

/// The most that a value may weigh which a snippet builds: it is copied wherever its name stands.
const HEAVIEST: usize = 1 << 10;

/// A value as Python has it.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// `None`.
    Nothing,
    /// `True`, `False`.
    Bool(bool),
    /// An integer.
    Int(i128),
    /// A floating-point number.
    Float(f64),
    /// A text.
    Text(String),
    /// `(a, b)` and `[a, b]`.
    Tuple(Vec<Self>),
}

/// An operator between two values that gives a third one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
    Power,
    And,
    Or,
    Xor,
    ShiftLeft,
    ShiftRight,
}

/// A comparison.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}

impl Value {
    /// Whether it counts as true.
    pub fn is_true(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::Tuple(values) => !values.is_empty(),
        }
    }

    /// Of which kind it is, as Python calls it.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Nothing => "None",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Text(_) => "str",
            Self::Tuple(_) => "tuple",
        }
    }

    /// Whether it holds more than a snippet may build: values and characters, those of tuples in tuples too.
    pub(super) fn is_heavy(&self) -> bool {
        self.weighed(HEAVIEST).is_none()
    }

    /// What is left of so much room.
    fn weighed(&self, room: usize) -> Option<usize> {
        let room = room.checked_sub(1)?;
        match self {
            Self::Nothing | Self::Bool(_) | Self::Int(_) | Self::Float(_) => Some(room),
            Self::Text(text) => room.checked_sub(text.len()),
            Self::Tuple(values) => values.iter().try_fold(room, |room, value| value.weighed(room)),
        }
    }

    /// As an integer, which a truth value is too.
    pub(super) const fn as_int(&self) -> Option<i128> {
        match self {
            Self::Int(value) => Some(*value),
            Self::Bool(value) => Some(*value as i128),
            Self::Nothing | Self::Float(_) | Self::Text(_) | Self::Tuple(_) => None,
        }
    }

    /// As a floating-point number, which an integer is too.
    #[expect(clippy::cast_precision_loss, reason = "as Python rounds")]
    pub(super) fn as_float(&self) -> Option<f64> {
        match self {
            Self::Float(value) => Some(*value),
            _ => self.as_int().map(|value| value as f64),
        }
    }

    /// What the operator gives; an error in words if it gives nothing.
    pub(super) fn operate(&self, operator: Operator, other: &Self) -> Result<Self, String> {
        let refused = || format!("{operator:?} between {} and {}", self.kind(), other.kind());
        match (self, operator) {
            (Self::Text(format), Operator::Remainder) => return filled(format, other).map(Self::Text),
            (Self::Text(text), Operator::Add) => {
                let Self::Text(more) = other else { return Err(refused()) };
                if text.len() + more.len() > HEAVIEST {
                    return Err("a text that long".to_owned());
                }
                return Ok(Self::Text(format!("{text}{more}")));
            }
            _ => {}
        }
        if let (Some(a), Some(b)) = (self.as_int(), other.as_int()) {
            return whole(a, operator, b).ok_or_else(|| format!("{operator:?} of {a} and {b}"));
        }
        match (self.as_float(), other.as_float()) {
            (Some(a), Some(b)) => broken(a, operator, b).ok_or_else(refused),
            _ => Err(refused()),
        }
    }

    /// Whether the comparison holds; an error in words if the two cannot be compared.
    pub(super) fn compare(&self, comparison: Comparison, other: &Self) -> Result<bool, String> {
        let order = || self.order(other).ok_or_else(|| format!("an order between {} and {}", self.kind(), other.kind()));
        Ok(match comparison {
            Comparison::Equal => self.equals(other),
            Comparison::Unequal => !self.equals(other),
            Comparison::Less => order()? == Ordering::Less,
            Comparison::LessOrEqual => order()? != Ordering::Greater,
            Comparison::Greater => order()? == Ordering::Greater,
            Comparison::GreaterOrEqual => order()? != Ordering::Less,
            Comparison::In => self.is_in(other)?,
            Comparison::NotIn => !self.is_in(other)?,
        })
    }

    fn is_in(&self, other: &Self) -> Result<bool, String> {
        match (self, other) {
            (_, Self::Tuple(values)) => Ok(values.iter().any(|value| self.equals(value))),
            (Self::Text(part), Self::Text(whole)) => Ok(whole.contains(part.as_str())),
            _ => Err(format!("in between {} and {}", self.kind(), other.kind())),
        }
    }

    fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tuple(a), Self::Tuple(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.equals(b)),
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Nothing, Self::Nothing) => true,
            _ => self.order(other) == Some(Ordering::Equal),
        }
    }

    fn order(&self, other: &Self) -> Option<Ordering> {
        if let (Self::Text(a), Self::Text(b)) = (self, other) {
            return Some(a.cmp(b));
        }
        match (self.as_int(), other.as_int()) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => self.as_float()?.partial_cmp(&other.as_float()?),
        }
    }
}

fn whole(a: i128, operator: Operator, b: i128) -> Option<Value> {
    // Python rounds down, and gives the rest the sign of the divisor.
    let floor = || {
        let quotient = a.checked_div(b)?;
        let down = a.checked_rem(b)? != 0 && (a < 0) != (b < 0);
        quotient.checked_sub(i128::from(down))
    };
    let bits = || u32::try_from(b).ok().filter(|bits| *bits < 127);
    Some(Value::Int(match operator {
        Operator::Add => a.checked_add(b)?,
        Operator::Subtract => a.checked_sub(b)?,
        Operator::Multiply => a.checked_mul(b)?,
        Operator::Divide => return broken(Value::Int(a).as_float()?, operator, Value::Int(b).as_float()?),
        Operator::FloorDivide => floor()?,
        Operator::Remainder => a.checked_sub(floor()?.checked_mul(b)?)?,
        Operator::Power => a.checked_pow(u32::try_from(b).ok()?)?,
        Operator::And => a & b,
        Operator::Or => a | b,
        Operator::Xor => a ^ b,
        Operator::ShiftLeft => a.checked_mul(1_i128.checked_shl(bits()?)?)?,
        Operator::ShiftRight => a >> bits()?,
    }))
}

fn broken(a: f64, operator: Operator, b: f64) -> Option<Value> {
    let nonzero = || (b != 0.0).then_some(b);
    Some(Value::Float(match operator {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide => a / nonzero()?,
        Operator::FloorDivide => (a / nonzero()?).floor(),
        Operator::Remainder => a - (a / nonzero()?).floor() * b,
        Operator::Power => a.powf(b),
        Operator::And | Operator::Or | Operator::Xor | Operator::ShiftLeft | Operator::ShiftRight => return None,
    }))
}

/// `format % values`, as far as it only says something: widths and precisions are passed over.
fn filled(format: &str, values: &Value) -> Result<String, String> {
    let values = match values {
        Value::Tuple(values) => values.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut values = values.iter();
    let mut text = String::new();
    let mut rest = format.chars();
    while let Some(character) = rest.next() {
        if character != '%' {
            text.push(character);
            continue;
        }
        let conversion = rest.find(|character| character.is_alphabetic() || *character == '%');
        match conversion {
            Some('%') => text.push('%'),
            Some('x') => {
                let value = values.next().and_then(Value::as_int).ok_or("%x of what is no integer")?;
                text += &format!("{value:x}");
            }
            Some(_) => text += &values.next().ok_or("more signs than values in a text")?.to_string(),
            None => return Err("a % at the end of a text".to_owned()),
        }
        if text.len() > HEAVIEST {
            return Err("a text that long".to_owned());
        }
    }
    Ok(text)
}

/// `format.format(values)`, as far as it only says something: how wide and how precise is passed over.
pub(super) fn formatted(format: &str, values: &[Value]) -> Option<String> {
    let mut text = String::new();
    let mut next = 0;
    for part in parts(format)? {
        match part {
            Part::Plain(plain) => text.push(plain),
            Part::Field("") => {
                text += &values.get(next)?.to_string();
                next += 1;
            }
            Part::Field(index) => text += &values.get(index.parse::<usize>().ok()?)?.to_string(),
        }
        if text.len() > HEAVIEST {
            return None;
        }
    }
    Some(text)
}

/// A part of a text with fields.
pub(super) enum Part<'a> {
    /// A character that stands for itself.
    Plain(char),
    /// What stands in `{ }`, without how it is to be written.
    Field(&'a str),
}

/// The parts of a text with fields; `None` if a brace has no other.
pub(super) fn parts(format: &str) -> Option<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    let mut rest = format;
    while let Some(character) = rest.chars().next() {
        let behind = &rest[character.len_utf8()..];
        rest = behind;
        match character {
            '{' | '}' if behind.starts_with(character) => {
                parts.push(Part::Plain(character));
                rest = &behind[1..];
            }
            '{' => {
                let (inside, after) = behind.split_once('}')?;
                let end = inside.char_indices().find(|(at, sign)| *sign == ':' || (*sign == '!' && !inside[at + 1..].starts_with('=')));
                parts.push(Part::Field(inside[..end.map_or(inside.len(), |(at, _)| at)].trim()));
                rest = after;
            }
            '}' => return None,
            plain => parts.push(Part::Plain(plain)),
        }
    }
    Some(parts)
}

impl fmt::Display for Value {
    /// As Python prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => write!(f, "None"),
            Self::Bool(true) => write!(f, "True"),
            Self::Bool(false) => write!(f, "False"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Text(text) => f.write_str(text),
            Self::Tuple(values) => {
                write!(f, "(")?;
                for (index, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if index > 0 { ", " } else { "" })?;
                }
                write!(f, ")")
            }
        }
    }
}
