//! The tree of a filter.
//!
//! **Invariant:** two-valued. Every node is true or false of a record, never unknown, so `not`
//! is plain negation and the laws of De Morgan hold for the planner.
//!
//! Built by the parser and by the functions in `build`; matched on by the planner.

use super::{Path, Regex, Value};
use std::ops::Bound;

/// Which records to keep.
///
/// Read one from text with [`str::parse`], or build one: [`Filter::tag`], [`Filter::on`],
/// [`Filter::meta`], joined by [`and`](Filter::and), [`or`](Filter::or) and `!`. `Display` prints
/// the canonical text.
///
/// The tree is public for planners. One built by hand may break the limits or the types of the
/// language; [`validate`](Filter::validate) tells, and the engine asks it of every filter it is
/// given. Printing, evaluation and dropping recurse once per level, so a program that nests
/// groups in a loop should validate as it goes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Filter {
    /// Every record.
    All,
    /// No record.
    None,
    /// Records that every term keeps; all of them, where there is no term.
    And(Vec<Filter>),
    /// Records that some term keeps; none of them, where there is no term.
    Or(Vec<Filter>),
    /// Records that the term does not keep.
    Not(Box<Filter>),
    /// Records of which the predicate is true.
    Test(Predicate),
}

/// One test of one path.
#[derive(Clone, Debug, PartialEq)]
pub struct Predicate {
    /// Where to look.
    pub path: Path,
    /// What must hold there.
    pub op: Op,
}

/// What must hold of the value at a path. All are false where there is no value.
///
/// There is no "not equal" and no "missing": they are [`Filter::Not`] of [`Op::Eq`] and of
/// [`Op::Exists`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Op {
    /// It is this value; for labels of which a record has several, it is among them.
    Eq(Value),
    /// It is one of these; for several labels, one of them is among these.
    In(Vec<Value>),
    /// It lies within the bounds. Times, numbers and metadata texts are ordered.
    Range {
        /// The lower bound.
        lo: Bound<Value>,
        /// The upper bound.
        hi: Bound<Value>,
    },
    /// It is a metadata list and holds this value; or it is the content or a metadata text, and has this
    /// text somewhere in it.
    Contains(Value),
    /// It is a text that has a match of this somewhere in it; for several labels, one of them is.
    Matches(Regex),
    /// There is a value; in metadata, `null` counts as one.
    Exists,
}
