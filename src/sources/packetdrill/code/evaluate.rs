//! Statements carried out.

use std::collections::HashMap;

use super::parse::{Expression, FORMAT, Statement, What};
use super::value::{Operator, Value, formatted};
use super::{CodeError, Fault};

type Names = HashMap<String, Value>;

/// Most names there may be, those that a script is given among them.
const MOST_NAMES: usize = 10_000;

/// Carries out one statement.
pub(super) fn carry_out(names: &mut Names, statement: &Statement) -> Result<(), CodeError> {
    match statement {
        Statement::Nothing => {}
        Statement::Evaluate(expression) => {
            value_of(names, expression)?;
        }
        Statement::Assign(name, expression) => {
            let value = value_of(names, expression)?;
            let unsupported = |words: &str| Err(CodeError::new(expression.span.clone(), Fault::Unsupported(format!("{words} in code"))));
            if value.is_heavy() {
                return unsupported("a value that large");
            }
            if names.len() >= MOST_NAMES && !names.contains_key(name) {
                return unsupported("that many names");
            }
            names.insert(name.clone(), value);
        }
        Statement::If(condition, hangs) => {
            if value_of(names, condition)?.is_true() {
                hangs.iter().try_for_each(|statement| carry_out(names, statement))?;
            }
        }
        Statement::Assert(condition, message) => {
            if !value_of(names, condition)?.is_true() {
                let message = message.as_ref().map(|message| value_of(names, message)).transpose()?;
                return Err(CodeError::new(condition.span.clone(), Fault::Untrue(untrue(names, condition, message.as_ref()))));
            }
        }
    }
    Ok(())
}

/// The values of what an assertion speaks of, and what it says besides.
fn untrue(names: &Names, condition: &Expression, message: Option<&Value>) -> String {
    let mut spoken = Vec::new();
    names_in(condition, &mut spoken);
    let values: Vec<_> = spoken.iter().filter_map(|name| names.get(*name).map(|value| format!("{name} is {value}"))).collect();
    let mut text = values.join(", ");
    if let Some(message) = message {
        let said = message.to_string();
        if !values.iter().any(|value| value.ends_with(&format!(" is {said}"))) {
            text += &format!("{}it says: {said}", if text.is_empty() { "" } else { "; " });
        }
    }
    if text.is_empty() { "it never is".to_owned() } else { text }
}

fn names_in<'a>(expression: &'a Expression, names: &mut Vec<&'a str>) {
    match &expression.what {
        What::Name(name) => {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        What::Int(_) | What::Float(_) | What::Text(_) => {}
        What::Tuple(all) | What::Joined(all) | What::Call(_, all) => all.iter().for_each(|one| names_in(one, names)),
        What::Not(one) | What::Negative(one) | What::Inverted(one) => names_in(one, names),
        What::Both(a, b) | What::Either(a, b) | What::Operate(a, _, b) => {
            names_in(a, names);
            names_in(b, names);
        }
        What::Compare(first, others) => {
            names_in(first, names);
            for (_, other) in others {
                names_in(other, names);
            }
        }
        What::Choose(three) => three.iter().for_each(|one| names_in(one, names)),
    }
}

fn value_of(names: &Names, expression: &Expression) -> Result<Value, CodeError> {
    let unsupported = |words: String| CodeError::new(expression.span.clone(), Fault::Unsupported(format!("{words} in code")));
    Ok(match &expression.what {
        What::Name(name) => names.get(name).cloned().ok_or_else(|| unsupported(format!("the name {name}")))?,
        What::Int(value) => Value::Int(*value),
        What::Float(value) => Value::Float(*value),
        What::Text(text) => Value::Text(text.clone()),
        What::Tuple(all) => Value::Tuple(values_of(names, all)?),
        What::Joined(all) => Value::Text(values_of(names, all)?.iter().map(Value::to_string).collect()),
        What::Call(name, arguments) => {
            call(name, &values_of(names, arguments)?).ok_or_else(|| unsupported(format!("such a call of {name}")))?
        }
        What::Not(one) => Value::Bool(!value_of(names, one)?.is_true()),
        What::Negative(one) => Value::Int(0).operate(Operator::Subtract, &value_of(names, one)?).map_err(unsupported)?,
        What::Inverted(one) => {
            let value = value_of(names, one)?;
            Value::Int(!value.as_int().ok_or_else(|| unsupported(format!("~ of {}", value.kind())))?)
        }
        What::Both(a, b) => {
            let first = value_of(names, a)?;
            if first.is_true() { value_of(names, b)? } else { first }
        }
        What::Either(a, b) => {
            let first = value_of(names, a)?;
            if first.is_true() { first } else { value_of(names, b)? }
        }
        What::Operate(a, operator, b) => value_of(names, a)?.operate(*operator, &value_of(names, b)?).map_err(unsupported)?,
        What::Compare(first, others) => {
            let mut left = value_of(names, first)?;
            for (comparison, other) in others {
                let right = value_of(names, other)?;
                if !left.compare(*comparison, &right).map_err(unsupported)? {
                    return Ok(Value::Bool(false));
                }
                left = right;
            }
            Value::Bool(true)
        }
        What::Choose(three) => {
            let [condition, yes, no] = three.as_ref();
            if value_of(names, condition)?.is_true() { value_of(names, yes)? } else { value_of(names, no)? }
        }
    })
}

fn values_of(names: &Names, all: &[Expression]) -> Result<Vec<Value>, CodeError> {
    all.iter().map(|one| value_of(names, one)).collect()
}

/// The functions that snippets call; `None` for others and for arguments they do not take.
fn call(name: &str, arguments: &[Value]) -> Option<Value> {
    use super::value::Comparison::{Greater, Less};
    let extreme = |comparison| {
        let candidates = match arguments {
            [Value::Tuple(values)] => values.as_slice(),
            values => values,
        };
        let (first, others) = candidates.split_first()?;
        others.iter().try_fold(first.clone(), |best, next| Some(if next.compare(comparison, &best).ok()? { next.clone() } else { best }))
    };
    match (name, arguments) {
        ("print", _) => Some(Value::Nothing),
        ("min", _) => extreme(Less),
        ("max", _) => extreme(Greater),
        ("abs", [Value::Float(value)]) => Some(Value::Float(value.abs())),
        ("abs", [value]) => value.as_int()?.checked_abs().map(Value::Int),
        ("int", [Value::Text(text)]) => text.trim().parse().ok().map(Value::Int),
        #[expect(clippy::cast_possible_truncation, reason = "as far as 128 bits go; the rest is not finite")]
        ("int", [Value::Float(value)]) => value.is_finite().then_some(Value::Int(*value as i128)),
        ("int", [value]) => value.as_int().map(Value::Int),
        ("float", [value]) => value.as_float().map(Value::Float),
        ("bool", [value]) => Some(Value::Bool(value.is_true())),
        ("str", [value]) => Some(Value::Text(value.to_string())),
        (FORMAT, [Value::Text(format), values @ ..]) => formatted(format, values).map(Value::Text),
        ("hex", [value]) => {
            value.as_int().map(|value| Value::Text(format!("{}{:#x}", if value < 0 { "-" } else { "" }, value.unsigned_abs())))
        }
        ("len", [Value::Text(text)]) => Some(Value::Int(text.chars().count() as i128)),
        ("len", [Value::Tuple(values)]) => Some(Value::Int(values.len() as i128)),
        _ => None,
    }
}
