//! The constants of a filter.
//!
//! **Invariant:** values of different types are neither equal nor ordered; integers are compared
//! exactly, with each other and with fractions, whatever their size.
//!
//! Used by every part of the language and by the planner.

use super::Time;
use std::cmp::Ordering;

/// A constant that a path is compared with.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// The `null` of metadata.
    Null,
    /// True or false.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text. Compared code point by code point, ordered likewise.
    Text(String),
    /// A point in time.
    Time(Time),
}

impl Value {
    /// How the two are ordered; `None` for different types, and for times of which one is given
    /// relative to the present and the other is not.
    pub fn compare(&self, other: &Value) -> Option<Ordering> {
        match (self, other) {
            (Value::Null, Value::Null) => Some(Ordering::Equal),
            (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
            (Value::Number(a), Value::Number(b)) => a.partial_cmp(b),
            (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
            (Value::Time(a), Value::Time(b)) => a.compare(*b),
            _ => None,
        }
    }

    /// What it is, for messages.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::Text(_) => "a text",
            Value::Time(_) => "a time",
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Value::Bool(flag)
    }
}

impl From<Time> for Value {
    fn from(time: Time) -> Self {
        Value::Time(time)
    }
}

impl<N: Into<Number>> From<N> for Value {
    fn from(number: N) -> Self {
        Value::Number(number.into())
    }
}

/// A number: an integer from `i64::MIN` to `u64::MAX` exactly, or any other as an `f64`.
///
/// It has no `Hash` and no total order because a NaN can be built, though not parsed.
#[derive(Clone, Copy, Debug)]
pub struct Number(Repr);

#[derive(Clone, Copy, Debug)]
enum Repr {
    /// Also every float that is an integer and small enough to be exact, so that one number has
    /// one form.
    Integer(i128),
    Float(f64),
}

/// Up to here every integer is an `f64`.
const EXACT_IN_FLOAT: f64 = 9_007_199_254_740_992.0;

/// Beyond the integers that a [`Number`] holds.
const BEYOND_INTEGERS: f64 = 1e38;

impl Number {
    /// The nearest `f64`.
    pub fn to_f64(self) -> f64 {
        match self.0 {
            Repr::Integer(n) => n as f64,
            Repr::Float(n) => n,
        }
    }

    /// The number as an `i64`, where it is one.
    pub fn to_i64(self) -> Option<i64> {
        match self.0 {
            Repr::Integer(n) => i64::try_from(n).ok(),
            Repr::Float(_) => None,
        }
    }

    /// The number rounded to the nearest `f32`: what a path of
    /// [single precision](super::Path::is_single_precision) compares with.
    #[must_use]
    pub fn round_to_f32(self) -> Self {
        f64::from(self.to_f64() as f32).into()
    }

    /// Whether it is neither a NaN nor infinite.
    pub fn is_finite(self) -> bool {
        self.to_f64().is_finite()
    }

    /// The number of a metadata value.
    pub fn from_json(number: &serde_json::Number) -> Option<Self> {
        let exact = number.as_i64().map(Number::from).or_else(|| number.as_u64().map(Number::from));
        exact.or_else(|| number.as_f64().map(Number::from))
    }

    /// Reads a number as JSON writes it. `Some(Err(()))` is one too large.
    pub(super) fn parse(word: &str) -> Option<Result<Self, ()>> {
        if !is_json_number(word) {
            return None;
        }
        if let Ok(n) = word.parse::<i64>() {
            return Some(Ok(n.into()));
        }
        if let Ok(n) = word.parse::<u64>() {
            return Some(Ok(n.into()));
        }
        let n: f64 = word.parse().ok()?;
        Some(if n.is_finite() { Ok(n.into()) } else { Err(()) })
    }
}

/// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`. So `007` is no number but a text:
/// the code of a metadata field keeps its zeros.
fn is_json_number(word: &str) -> bool {
    let mut rest = word.strip_prefix('-').unwrap_or(word).as_bytes();
    let digits = |rest: &mut &[u8]| {
        let n = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let run = &rest[..n];
        *rest = &rest[n..];
        (n, run.first() == Some(&b'0'))
    };
    let (n, leads_with_zero) = digits(&mut rest);
    if n == 0 || (n > 1 && leads_with_zero) {
        return false;
    }
    if let [b'.', after @ ..] = rest {
        rest = after;
        if digits(&mut rest).0 == 0 {
            return false;
        }
    }
    if let [b'e' | b'E', after @ ..] = rest {
        rest = after.strip_prefix(b"+").or(after.strip_prefix(b"-")).unwrap_or(after);
        if digits(&mut rest).0 == 0 {
            return false;
        }
    }
    rest.is_empty()
}

impl From<i64> for Number {
    fn from(n: i64) -> Self {
        Number(Repr::Integer(n.into()))
    }
}

impl From<i32> for Number {
    fn from(n: i32) -> Self {
        i64::from(n).into()
    }
}

impl From<u64> for Number {
    fn from(n: u64) -> Self {
        Number(Repr::Integer(n.into()))
    }
}

impl From<f64> for Number {
    fn from(n: f64) -> Self {
        if n.abs() <= EXACT_IN_FLOAT && n.fract() == 0.0 {
            Number(Repr::Integer(n as i128))
        } else {
            Number(Repr::Float(n))
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self.0, other.0) {
            (Repr::Integer(a), Repr::Integer(b)) => Some(a.cmp(&b)),
            (Repr::Float(a), Repr::Float(b)) => a.partial_cmp(&b),
            (Repr::Integer(a), Repr::Float(b)) => compare_integer(a, b),
            (Repr::Float(a), Repr::Integer(b)) => compare_integer(b, a).map(Ordering::reverse),
        }
    }
}

/// Exact: rounding the integer to a float would make large neighbours equal.
fn compare_integer(a: i128, b: f64) -> Option<Ordering> {
    if b.is_nan() {
        None
    } else if b.abs() >= BEYOND_INTEGERS {
        Some(if b > 0.0 { Ordering::Less } else { Ordering::Greater })
    } else {
        let whole = b.trunc() as i128;
        Some(a.cmp(&whole).then_with(|| 0.0.partial_cmp(&b.fract()).unwrap_or(Ordering::Equal)))
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Repr::Integer(n) => write!(f, "{n}"),
            // The shortest form that reads back the same; large and small ones with an exponent.
            Repr::Float(n) => write!(f, "{n:?}"),
        }
    }
}
