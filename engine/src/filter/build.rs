//! Filters built in Rust.
//!
//! **Invariant:** joining never makes a group inside a group of the same kind, nor one of fewer
//! than two terms.
//!
//! For anyone; the engine validates what it is given.

use super::{Attribute, AttributeType, Filter, Op, Path, Predicate, Regex, Value};
use std::ops::Bound;

impl Filter {
    /// Records with this tag.
    ///
    /// ```
    /// use memlith::filter::Filter;
    ///
    /// let filter = Filter::tag("noun.animal").and(!Filter::kind("verb"));
    /// assert_eq!(filter.to_string(), "tag:noun.animal and kind != verb");
    /// ```
    pub fn tag(tag: impl Into<String>) -> Self {
        Self::labelled(Attribute::Tag, tag)
    }

    /// Records of this kind.
    pub fn kind(kind: impl Into<String>) -> Self {
        Self::labelled(Attribute::Kind, kind)
    }

    /// Records written by this agent.
    pub fn agent(agent: impl Into<String>) -> Self {
        Self::labelled(Attribute::Agent, agent)
    }

    /// Records of this session.
    pub fn session(session: impl Into<String>) -> Self {
        Self::labelled(Attribute::Session, session)
    }

    /// Records of this project.
    pub fn project(project: impl Into<String>) -> Self {
        Self::labelled(Attribute::Project, project)
    }

    /// Records that came in by this channel.
    pub fn channel(channel: impl Into<String>) -> Self {
        Self::labelled(Attribute::Channel, channel)
    }

    /// Records taken from this source.
    pub fn source(source: impl Into<String>) -> Self {
        Self::labelled(Attribute::Source, source)
    }

    /// Records of this namespace.
    pub fn namespace(namespace: impl Into<String>) -> Self {
        Self::labelled(Attribute::Namespace, namespace)
    }

    /// The records with this external id.
    pub fn id(id: impl Into<String>) -> Self {
        Self::labelled(Attribute::Id, id)
    }

    /// Records with an embedding in this vector space.
    pub fn space(space: impl Into<String>) -> Self {
        Self::labelled(Attribute::Space, space)
    }

    fn labelled(attribute: Attribute, label: impl Into<String>) -> Self {
        Path::from(attribute).is(label.into())
    }

    /// A path to ask something of, which makes a filter.
    ///
    /// ```
    /// use memlith::filter::{Attribute, Filter, Time};
    /// use std::time::Duration;
    ///
    /// let day = Duration::from_secs(24 * 60 * 60);
    /// let filter = Filter::on(Attribute::Created)
    ///     .at_least(Time::ago(7 * day))
    ///     .and(Filter::on(Attribute::Importance).at_least(0.5));
    /// assert_eq!(filter.to_string(), "created >= now-7d and importance >= 0.5");
    /// ```
    pub fn on(path: impl Into<Path>) -> Path {
        path.into()
    }

    /// A path into the metadata, with keys joined by dots, to ask something of.
    ///
    /// ```
    /// use memlith::filter::Filter;
    ///
    /// let filter = Filter::meta("lang").is("en").or(Filter::meta("a.tags").contains(7));
    /// assert_eq!(filter.to_string(), "meta.lang = \"en\" or meta.a.tags contains 7");
    /// ```
    pub fn meta(dotted: &str) -> Path {
        Path::meta(dotted)
    }

    /// Records that both keep.
    #[must_use]
    pub fn and(self, other: Filter) -> Self {
        Self::all_of([self, other])
    }

    /// Records that either keeps.
    #[must_use]
    pub fn or(self, other: Filter) -> Self {
        Self::any_of([self, other])
    }

    /// Records that every one keeps; every record, if there is none.
    pub fn all_of(filters: impl IntoIterator<Item = Filter>) -> Self {
        let mut terms = Vec::new();
        for filter in filters {
            match filter {
                Filter::All => {}
                // The first is taken over as it is, so that chains of `and` stay linear.
                Filter::And(inner) if terms.is_empty() => terms = inner,
                Filter::And(inner) => terms.extend(inner),
                other => terms.push(other),
            }
        }
        group(terms, Filter::And, Filter::All)
    }

    /// Records that some one keeps; no record, if there is none.
    ///
    /// ```
    /// use memlith::filter::Filter;
    ///
    /// let filter = Filter::any_of(["a", "b"].map(Filter::session));
    /// assert_eq!(filter.to_string(), "session:a or session:b");
    /// ```
    pub fn any_of(filters: impl IntoIterator<Item = Filter>) -> Self {
        let mut terms = Vec::new();
        for filter in filters {
            match filter {
                Filter::None => {}
                Filter::Or(inner) if terms.is_empty() => terms = inner,
                Filter::Or(inner) => terms.extend(inner),
                other => terms.push(other),
            }
        }
        group(terms, Filter::Or, Filter::None)
    }
}

fn group(mut terms: Vec<Filter>, group: fn(Vec<Filter>) -> Filter, empty: Filter) -> Filter {
    match terms.len() {
        0 => empty,
        1 => terms.remove(0),
        _ => group(terms),
    }
}

impl std::ops::Not for Filter {
    type Output = Filter;

    /// Records that the filter does not keep.
    fn not(self) -> Filter {
        Filter::Not(Box::new(self))
    }
}

/// Questions to a path. Each makes a filter; where there is no value, all but
/// [`is_not`](Path::is_not) and [`missing`](Path::missing) keep nothing.
impl Path {
    fn test(self, op: Op) -> Filter {
        Filter::Test(Predicate { path: self, op })
    }

    /// It is this value, or has this label.
    pub fn is(self, value: impl Into<Value>) -> Filter {
        self.test(Op::Eq(value.into()))
    }

    /// It is not this value, is of another type, or is not there.
    pub fn is_not(self, value: impl Into<Value>) -> Filter {
        !self.is(value)
    }

    /// It is one of these values, or has one of these labels.
    pub fn one_of<V: Into<Value>>(self, values: impl IntoIterator<Item = V>) -> Filter {
        self.test(Op::In(values.into_iter().map(Into::into).collect()))
    }

    /// It is this or more.
    pub fn at_least(self, value: impl Into<Value>) -> Filter {
        self.test(Op::Range { lo: Bound::Included(value.into()), hi: Bound::Unbounded })
    }

    /// It is this or less.
    pub fn at_most(self, value: impl Into<Value>) -> Filter {
        self.test(Op::Range { lo: Bound::Unbounded, hi: Bound::Included(value.into()) })
    }

    /// It is more than this.
    pub fn above(self, value: impl Into<Value>) -> Filter {
        self.test(Op::Range { lo: Bound::Excluded(value.into()), hi: Bound::Unbounded })
    }

    /// It is less than this.
    pub fn below(self, value: impl Into<Value>) -> Filter {
        self.test(Op::Range { lo: Bound::Unbounded, hi: Bound::Excluded(value.into()) })
    }

    /// It is the first, the second, or between the two.
    pub fn between(self, lo: impl Into<Value>, hi: impl Into<Value>) -> Filter {
        let (lo, hi) = (Bound::Included(lo.into()), Bound::Included(hi.into()));
        self.test(Op::Range { lo, hi })
    }

    /// It is a list in the metadata, or the labels of the record, and this is among them; or it is the
    /// content, or a text in the metadata, and has this text somewhere in it.
    pub fn contains(self, value: impl Into<Value>) -> Filter {
        match self.value_type() {
            Some(AttributeType::Labels) => self.is(value),
            _ => self.test(Op::Contains(value.into())),
        }
    }

    /// It is a text that has a match of the regular expression somewhere in it.
    ///
    /// ```
    /// use memlith::filter::{Attribute, Filter, Regex};
    ///
    /// let code = Regex::new(r"\bE\d{4}\b")?;
    /// let filter = Filter::on(Attribute::Content).matches(code);
    /// let written: Filter = r"content matches /\bE\d{4}\b/".parse()?;
    /// assert_eq!(filter, written);
    /// # Ok::<(), memlith::filter::FilterError>(())
    /// ```
    pub fn matches(self, regex: Regex) -> Filter {
        self.test(Op::Matches(regex))
    }

    /// There is a value; in metadata, `null` counts as one.
    pub fn exists(self) -> Filter {
        self.test(Op::Exists)
    }

    /// There is no value.
    pub fn missing(self) -> Filter {
        !self.exists()
    }
}
