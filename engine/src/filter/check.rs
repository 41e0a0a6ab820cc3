//! The limits of a filter and what may be asked of which path.
//!
//! **Invariant:** the parser and [`Filter::validate`] apply the same rules, so what parses
//! validates, and what validates prints to text that parses.
//!
//! Used by the parser for what it reads and by the engine for what a program built.

use super::{
    AttributeType, Filter, FilterError, Op, Path, Predicate, Value,
    error::{Fault, Found, Reason, Word},
};
use std::{fmt, ops::Bound};

/// The most bytes of a filter as text, both as it is given and as it is printed.
pub const MAX_BYTES: usize = 64 * 1024;

/// The most levels of nesting; a single test is one.
pub const MAX_DEPTH: usize = 64;

/// The most tests and groups (`and`, `or`, `not`) together.
pub const MAX_NODES: usize = 4096;

/// The most values of one `in` list.
pub const MAX_VALUES: usize = 1024;

/// The most tests by regular expressions: each takes its time and its memory.
pub const MAX_REGEXES: usize = 32;

/// The most keys of one metadata path.
pub const MAX_PATH_KEYS: usize = 64;

/// What there is of a filter so far.
#[derive(Default)]
pub(super) struct Size {
    nodes: usize,
    regexes: usize,
}

impl Size {
    pub(super) fn add_node(&mut self) -> Result<(), Reason> {
        self.nodes += 1;
        if self.nodes > MAX_NODES { Err(Reason::TooManyNodes) } else { Ok(()) }
    }

    pub(super) fn add_regex(&mut self) -> Result<(), Reason> {
        self.regexes += 1;
        if self.regexes > MAX_REGEXES { Err(Reason::TooManyRegexes) } else { Ok(()) }
    }
}

impl Filter {
    /// Checks the limits and types of the language, which a filter built in Rust can break.
    ///
    /// What the parser returns is valid. The engine calls this for every filter it is given.
    pub fn validate(&self) -> Result<(), FilterError> {
        let mut size = Size::default();
        self.check_shape(1, &mut size).map_err(|reason| about("", reason))?;
        self.check_printed_len().map_err(|reason| about("", reason))?;
        self.check_predicates()
    }

    fn check_shape(&self, depth: usize, size: &mut Size) -> Result<(), Reason> {
        if depth > MAX_DEPTH {
            return Err(Reason::TooDeep);
        }
        size.add_node()?;
        match self {
            Filter::And(terms) | Filter::Or(terms) => {
                terms.iter().try_for_each(|term| term.check_shape(depth + 1, size))
            }
            Filter::Not(term) => term.check_shape(depth + 1, size),
            Filter::Test(Predicate { op: Op::Matches(_), .. }) => size.add_regex(),
            Filter::All | Filter::None | Filter::Test(_) => Ok(()),
        }
    }

    fn check_predicates(&self) -> Result<(), FilterError> {
        match self {
            Filter::And(terms) | Filter::Or(terms) => {
                terms.iter().try_for_each(Filter::check_predicates)
            }
            Filter::Not(term) => term.check_predicates(),
            Filter::Test(predicate) => {
                predicate.check().map_err(|reason| about(&predicate.to_string(), reason))
            }
            Filter::All | Filter::None => Ok(()),
        }
    }

    /// Printing can lengthen a filter, by escapes for one.
    pub(super) fn check_printed_len(&self) -> Result<(), Reason> {
        struct Count(usize);
        impl fmt::Write for Count {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                self.0 += text.len();
                Ok(())
            }
        }
        let mut count = Count(0);
        // Counting does not fail, and neither does printing.
        let _ = fmt::write(&mut count, format_args!("{self}"));
        if count.0 > MAX_BYTES { Err(Reason::TooLong { found: count.0 }) } else { Ok(()) }
    }
}

/// The error of a filter that has no text but what is printed of it.
fn about(printed: &str, reason: Reason) -> FilterError {
    FilterError::new(printed, Fault { at: 0, reason })
}

impl Predicate {
    fn check(&self) -> Result<(), Reason> {
        let path = &self.path;
        if let Path::Meta(keys) = path {
            match keys.len() {
                0 => return Err(Reason::MetaWithoutKey),
                1..=MAX_PATH_KEYS => {}
                _ => return Err(Reason::TooManyKeys),
            }
        }
        match &self.op {
            Op::In(values) if values.len() > MAX_VALUES => Err(Reason::TooManyValues),
            Op::In(values) => {
                path.admits_equality()?;
                values.iter().try_for_each(|value| path.admits(value))
            }
            Op::Range { lo: Bound::Unbounded, hi: Bound::Unbounded } => Err(Reason::Unbounded),
            Op::Range { lo, hi } => {
                path.admits_order()?;
                [lo, hi].into_iter().filter_map(bound_value).try_for_each(|value| {
                    path.admits(value)?;
                    value.check_ordered()
                })
            }
            Op::Eq(value) => path.admits_equality().and_then(|()| path.admits(value)),
            Op::Contains(value) => path.admits_contains().and_then(|()| path.admits(value)),
            Op::Matches(_) => path.admits_regex(),
            Op::Exists => Ok(()),
        }
    }
}

impl Path {
    /// Whether the value can be found there.
    fn admits(&self, value: &Value) -> Result<(), Reason> {
        match (self.value_type(), value) {
            (_, Value::Number(number)) if !number.is_finite() => Err(Reason::NumberTooLarge),
            (Some(AttributeType::Time), Value::Time(time)) if !time.is_printable() => {
                Err(self.wrong_type(Found::Type("this one")))
            }
            (None, Value::Time(_)) => Err(Reason::TimeInMetadata),
            (
                Some(AttributeType::Label | AttributeType::Labels | AttributeType::Text),
                Value::Text(_),
            )
            | (Some(AttributeType::Number), Value::Number(_))
            | (Some(AttributeType::Time), Value::Time(_))
            | (Some(AttributeType::Flag), Value::Bool(_))
            | (None, _) => Ok(()),
            _ => Err(self.wrong_type(Found::Type(value.type_name()))),
        }
    }

    /// Whether values there are ordered.
    pub(super) fn admits_order(&self) -> Result<(), Reason> {
        match self.value_type() {
            Some(AttributeType::Label | AttributeType::Labels) => {
                Err(Reason::NotOrdered { what: "a label" })
            }
            Some(AttributeType::Flag) => Err(Reason::NotOrdered { what: "true or false" }),
            Some(AttributeType::Text) => Err(Reason::NotCompared { path: Word::new(self) }),
            Some(AttributeType::Number | AttributeType::Time) | None => Ok(()),
        }
    }

    /// Whether values there are compared whole.
    pub(super) fn admits_equality(&self) -> Result<(), Reason> {
        match self.value_type() {
            Some(AttributeType::Text) => Err(Reason::NotCompared { path: Word::new(self) }),
            _ => Ok(()),
        }
    }

    /// Whether something can lie in a value there. The parser reads `tag contains x` as `tag:x`.
    pub(super) fn admits_contains(&self) -> Result<(), Reason> {
        match self.value_type() {
            None | Some(AttributeType::Text) => Ok(()),
            Some(_) => Err(Reason::NotAList { path: Word::new(self) }),
        }
    }

    /// Whether there are texts.
    pub(super) fn admits_regex(&self) -> Result<(), Reason> {
        match self.value_type() {
            Some(AttributeType::Number | AttributeType::Time | AttributeType::Flag) => {
                Err(Reason::NotText { path: Word::new(self) })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn wrong_type(&self, found: Found) -> Reason {
        let expected = match self.value_type() {
            Some(AttributeType::Label | AttributeType::Labels | AttributeType::Text) => "a text",
            Some(AttributeType::Number) => "a number",
            Some(AttributeType::Time) => {
                "a time (2025-01-31, 2025-01-31T12:00:00Z, now, now-7d; years -9999 to 9999)"
            }
            Some(AttributeType::Flag) => "true or false",
            None => "a text, a number, true, false or null",
        };
        Reason::WrongType { path: Word::new(self), expected, found }
    }
}

impl Value {
    /// Whether it can bound a range.
    pub(super) fn check_ordered(&self) -> Result<(), Reason> {
        match self {
            Value::Null | Value::Bool(_) => Err(Reason::NotOrdered { what: self.type_name() }),
            Value::Number(_) | Value::Text(_) | Value::Time(_) => Ok(()),
        }
    }
}

pub(super) fn bound_value(bound: &Bound<Value>) -> Option<&Value> {
    match bound {
        Bound::Included(value) | Bound::Excluded(value) => Some(value),
        Bound::Unbounded => None,
    }
}
