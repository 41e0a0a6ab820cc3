//! Tree to text.
//!
//! **Invariant:** what is printed parses, and prints the same again. It parses to the tree that
//! was printed, if that is valid and no group in it has fewer than two terms; a group of one
//! prints as its term, one of none as `all` or `none`.
//!
//! Used through `Display`.

use super::{AttributeType, Filter, Op, Path, Predicate, Value, lexer};
use std::{
    fmt::{self, Display, Formatter, Write as _},
    ops::Bound,
};

impl Display for Filter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match sole(self) {
            Filter::All => f.write_str("all"),
            Filter::None => f.write_str("none"),
            Filter::And(terms) => group(f, terms, " and ", "all"),
            Filter::Or(terms) => group(f, terms, " or ", "none"),
            Filter::Not(term) => negation(f, term),
            Filter::Test(predicate) => predicate.fmt(f),
        }
    }
}

/// The term that a group of one stands for.
fn sole(filter: &Filter) -> &Filter {
    match filter {
        Filter::And(terms) | Filter::Or(terms) if terms.len() == 1 => sole(&terms[0]),
        _ => filter,
    }
}

fn group(f: &mut Formatter<'_>, terms: &[Filter], joint: &str, empty: &str) -> fmt::Result {
    let [first, others @ ..] = terms else {
        return f.write_str(empty);
    };
    term(f, first)?;
    for other in others {
        f.write_str(joint)?;
        term(f, other)?;
    }
    Ok(())
}

/// A filter inside another: a group of several terms goes into parentheses.
fn term(f: &mut Formatter<'_>, filter: &Filter) -> fmt::Result {
    match sole(filter) {
        Filter::And(terms) | Filter::Or(terms) if terms.len() > 1 => write!(f, "({filter})"),
        _ => filter.fmt(f),
    }
}

fn negation(f: &mut Formatter<'_>, negated: &Filter) -> fmt::Result {
    let Filter::Test(Predicate { path, op }) = sole(negated) else {
        f.write_str("not ")?;
        return term(f, negated);
    };
    match op {
        Op::Exists => write!(f, "missing {path}"),
        Op::Eq(_) if is_bare_flag(path, op) => write!(f, "not {path}"),
        Op::Eq(value) => {
            write!(f, "{path} != ")?;
            operand(f, path, value)
        }
        Op::In(values) => {
            write!(f, "{path} not ")?;
            list(f, path, values)
        }
        // It would parse without the parentheses, but people would read it otherwise.
        Op::Range { lo, hi } if !is_unbounded(lo) && !is_unbounded(hi) => {
            write!(f, "not ({negated})")
        }
        Op::Range { .. } | Op::Contains(_) | Op::Matches(_) => write!(f, "not {negated}"),
    }
}

impl Display for Predicate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match &self.op {
            Op::Exists => write!(f, "exists {path}"),
            Op::Eq(_) if is_bare_flag(path, &self.op) => path.fmt(f),
            Op::Eq(value) => {
                write!(f, "{path}{}", if holds_labels(path) { ":" } else { " = " })?;
                operand(f, path, value)
            }
            Op::In(values) => {
                write!(f, "{path} ")?;
                list(f, path, values)
            }
            Op::Contains(value) => {
                write!(f, "{path} contains ")?;
                operand(f, path, value)
            }
            Op::Matches(regex) => write!(f, "{path} matches {regex}"),
            Op::Range { lo, hi } => range(f, path, lo, hi),
        }
    }
}

fn range(f: &mut Formatter<'_>, path: &Path, lo: &Bound<Value>, hi: &Bound<Value>) -> fmt::Result {
    let sides = [(lo, " >= ", " > "), (hi, " <= ", " < ")];
    if is_unbounded(lo) && is_unbounded(hi) {
        return write!(f, "exists {path}");
    }
    path.fmt(f)?;
    for (i, (bound, included, excluded)) in sides.into_iter().enumerate() {
        let (sign, value) = match bound {
            Bound::Included(value) => (included, value),
            Bound::Excluded(value) => (excluded, value),
            Bound::Unbounded => continue,
        };
        if i == 1 && !is_unbounded(lo) {
            f.write_str(" and")?;
        }
        f.write_str(sign)?;
        operand(f, path, value)?;
    }
    Ok(())
}

fn list(f: &mut Formatter<'_>, path: &Path, values: &[Value]) -> fmt::Result {
    f.write_str("in (")?;
    for (i, value) in values.iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        operand(f, path, value)?;
    }
    f.write_char(')')
}

/// A value beside its path: labels need no quotes around plain words, even around digits.
fn operand(f: &mut Formatter<'_>, path: &Path, value: &Value) -> fmt::Result {
    match value {
        Value::Text(text) if holds_labels(path) && lexer::is_bare_value(text) => f.write_str(text),
        _ => value.fmt(f),
    }
}

fn is_unbounded(bound: &Bound<Value>) -> bool {
    matches!(bound, Bound::Unbounded)
}

fn holds_labels(path: &Path) -> bool {
    matches!(path.value_type(), Some(AttributeType::Label | AttributeType::Labels))
}

/// `superseded`, without `= true`.
fn is_bare_flag(path: &Path, op: &Op) -> bool {
    path.value_type() == Some(AttributeType::Flag) && *op == Op::Eq(Value::Bool(true))
}

impl Display for Path {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Path::Attribute(attribute) => attribute.fmt(f),
            Path::Meta(keys) => {
                f.write_str("meta")?;
                for key in keys {
                    f.write_char('.')?;
                    if lexer::is_bare_key(key) { f.write_str(key)? } else { quoted(f, key)? }
                }
                Ok(())
            }
        }
    }
}

impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("null"),
            Value::Bool(flag) => flag.fmt(f),
            Value::Number(number) => number.fmt(f),
            Value::Text(text) => quoted(f, text),
            Value::Time(time) => time.fmt(f),
        }
    }
}

/// The text in quotes, with the escapes of JSON.
fn quoted(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}
