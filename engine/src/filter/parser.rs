//! Text to tree.
//!
//! **Invariant:** it recurses at most [`MAX_DEPTH`] levels, whatever the text, and allocates no
//! more than a small multiple of the text's length, which [`MAX_BYTES`] bounds.
//!
//! Entered through `str::parse`.

use super::{
    AttributeType, Filter, FilterError, MAX_BYTES, MAX_DEPTH, MAX_PATH_KEYS, MAX_VALUES, Number,
    Op, Path, Predicate, Regex, Time, Value,
    check::Size,
    error::{Fault, Reason, Word},
    lexer::{Lexer, Literal, is_reserved},
    path::Attribute,
};
use std::{ops::Bound, str::FromStr};

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(source: &str) -> Result<Self, FilterError> {
        parse(source).map_err(|fault| FilterError::new(source, fault))
    }
}

fn parse(source: &str) -> Result<Filter, Fault> {
    if source.len() > MAX_BYTES {
        return Err(Fault { at: MAX_BYTES, reason: Reason::TooLong { found: source.len() } });
    }
    let mut parser = Parser { lexer: Lexer::new(source), size: Size::default(), nesting: 0 };
    if parser.lexer.peek().is_none() {
        return Err(Fault { at: 0, reason: Reason::Empty });
    }
    let (filter, _) = parser.any_of()?;
    match parser.lexer.peek() {
        None => {}
        Some('&') => return Err(parser.foreign("&", "and")),
        Some('|') => return Err(parser.foreign("|", "or")),
        Some(_) => return Err(parser.lexer.expected("`and`, `or` or the end")),
    }
    filter.check_printed_len().map_err(|reason| Fault { at: 0, reason })?;
    Ok(filter)
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    size: Size,
    /// Parentheses and `not`s that are open.
    nesting: usize,
}

/// A filter and how many levels deep it is.
type Part = (Filter, usize);

/// Joins two or more terms.
type Group = fn(Vec<Filter>) -> Filter;

/// A comparison that bounds from one side.
enum Side {
    Below(Bound<Value>),
    Above(Bound<Value>),
}

impl Parser<'_> {
    fn any_of(&mut self) -> Result<Part, Fault> {
        self.joined("or", Filter::Or, Self::all_of)
    }

    fn all_of(&mut self) -> Result<Part, Fault> {
        self.joined("and", Filter::And, Self::negatable)
    }

    fn joined(
        &mut self,
        keyword: &str,
        group: Group,
        term: fn(&mut Self) -> Result<Part, Fault>,
    ) -> Result<Part, Fault> {
        let at = self.lexer.at();
        let (first, mut depth) = term(self)?;
        if !self.lexer.keyword(keyword) {
            return Ok((first, depth));
        }
        let mut terms = vec![first];
        loop {
            let (next, next_depth) = term(self)?;
            terms.push(next);
            depth = depth.max(next_depth);
            if !self.lexer.keyword(keyword) {
                return self.node(at, group(terms), depth + 1);
            }
        }
    }

    fn negatable(&mut self) -> Result<Part, Fault> {
        let at = self.lexer.at();
        if self.lexer.keyword("not") {
            let (term, depth) = self.nested(at, Self::negatable)?;
            self.node(at, Filter::Not(Box::new(term)), depth + 1)
        } else if self.lexer.take("(") {
            let part = self.nested(at, Self::any_of)?;
            if self.lexer.take(")") {
                Ok(part)
            } else {
                Err(self.lexer.expected("`)`, `and` or `or`"))
            }
        } else {
            self.single()
        }
    }

    fn nested(
        &mut self,
        at: usize,
        inner: fn(&mut Self) -> Result<Part, Fault>,
    ) -> Result<Part, Fault> {
        if self.nesting == MAX_DEPTH {
            return Err(Fault { at, reason: Reason::TooDeep });
        }
        self.nesting += 1;
        let part = inner(self);
        self.nesting -= 1;
        part
    }

    /// Counts a finished node.
    fn node(&mut self, at: usize, filter: Filter, depth: usize) -> Result<Part, Fault> {
        self.size.add_node().map_err(|reason| Fault { at, reason })?;
        if depth > MAX_DEPTH {
            return Err(Fault { at, reason: Reason::TooDeep });
        }
        Ok((filter, depth))
    }

    /// A filter that is neither joined nor negated nor in parentheses.
    fn single(&mut self) -> Result<Part, Fault> {
        let at = self.lexer.at();
        let filter = if self.lexer.keyword("all") {
            Filter::All
        } else if self.lexer.keyword("none") {
            Filter::None
        } else if self.lexer.keyword("exists") {
            Filter::Test(Predicate { path: self.path()?, op: Op::Exists })
        } else if self.lexer.keyword("missing") {
            let exists = Predicate { path: self.path()?, op: Op::Exists };
            return self.negated_test(at, exists);
        } else {
            let path = self.path()?;
            return self.test(at, path);
        };
        self.node(at, filter, 1)
    }

    fn negated_test(&mut self, at: usize, test: Predicate) -> Result<Part, Fault> {
        let (test, depth) = self.node(at, Filter::Test(test), 1)?;
        self.node(at, Filter::Not(Box::new(test)), depth + 1)
    }

    fn path(&mut self) -> Result<Path, Fault> {
        const EXPECTED: &str = "an attribute, `meta.`, `not` or `(`";
        let at = self.lexer.at();
        let name = self.lexer.name();
        if name.eq_ignore_ascii_case("meta") {
            return self.meta_path(at);
        }
        if let Some(attribute) = Attribute::from_name(name) {
            return Ok(attribute.into());
        }
        self.lexer.back_to(at);
        match self.lexer.peek() {
            Some('!') => Err(self.foreign("!", "not")),
            _ if name.is_empty() || is_reserved(name) => Err(self.lexer.expected(EXPECTED)),
            _ => Err(Fault { at, reason: Reason::UnknownAttribute { name: Word::new(name) } }),
        }
    }

    /// The keys after `meta`, which starts at `at`.
    fn meta_path(&mut self, at: usize) -> Result<Path, Fault> {
        let mut keys = Vec::new();
        while self.lexer.take_adjacent(".") {
            if keys.len() == MAX_PATH_KEYS {
                return Err(Fault { at, reason: Reason::TooManyKeys });
            }
            keys.push(self.lexer.key()?.into_owned());
        }
        if keys.is_empty() {
            return Err(Fault { at, reason: Reason::MetaWithoutKey });
        }
        Ok(Path::Meta(keys))
    }

    /// What is asked of `path`, which starts at `at`.
    fn test(&mut self, at: usize, path: Path) -> Result<Part, Fault> {
        let sign_at = self.lexer.at();
        for (foreign, ours) in [("==", "="), ("<>", "!=")] {
            if self.lexer.take(foreign) {
                return Err(Fault { at: sign_at, reason: instead(foreign, ours) });
            }
        }
        let fault = |reason| Fault { at: sign_at, reason };
        if self.lexer.take("!=") {
            path.admits_equality().map_err(fault)?;
            let op = Op::Eq(self.value(&path)?);
            return self.negated_test(at, Predicate { path, op });
        }
        if self.lexer.keyword("not") {
            if !self.lexer.keyword("in") {
                return Err(self.lexer.expected("`in`"));
            }
            path.admits_equality().map_err(fault)?;
            let op = Op::In(self.values(&path)?);
            return self.negated_test(at, Predicate { path, op });
        }
        let op = if self.lexer.take(":") || self.lexer.take("=") {
            path.admits_equality().map_err(fault)?;
            Op::Eq(self.value(&path)?)
        } else if matches!(self.lexer.peek(), Some('<' | '>')) {
            path.admits_order().map_err(fault)?;
            self.range(&path)?
        } else if self.lexer.keyword("between") {
            path.admits_order().map_err(fault)?;
            self.between(&path)?
        } else if self.lexer.keyword("in") {
            path.admits_equality().map_err(fault)?;
            Op::In(self.values(&path)?)
        } else if self.lexer.keyword("contains") {
            if path.value_type() == Some(AttributeType::Labels) {
                Op::Eq(self.value(&path)?)
            } else {
                path.admits_contains().map_err(fault)?;
                Op::Contains(self.value(&path)?)
            }
        } else if self.lexer.keyword("matches") {
            path.admits_regex().map_err(fault)?;
            self.size.add_regex().map_err(fault)?;
            let at = self.lexer.at();
            let pattern = self.lexer.regex()?;
            Op::Matches(Regex::compile(pattern).map_err(|reason| Fault { at, reason })?)
        } else if path.value_type() == Some(AttributeType::Flag) {
            Op::Eq(Value::Bool(true))
        } else {
            return Err(self.lexer.expected("a comparison (`:`, `=`, `>=`, `in`, …)"));
        };
        self.node(at, Filter::Test(Predicate { path, op }), 1)
    }

    fn range(&mut self, path: &Path) -> Result<Op, Fault> {
        let first = self.side(path)?;
        let at = self.lexer.at();
        let goes_on = self.lexer.keyword("and") && matches!(self.lexer.peek(), Some('<' | '>'));
        if !goes_on {
            self.lexer.back_to(at);
            return Ok(match first {
                Side::Above(lo) => Op::Range { lo, hi: Bound::Unbounded },
                Side::Below(hi) => Op::Range { lo: Bound::Unbounded, hi },
            });
        }
        let at = self.lexer.at();
        match (first, self.side(path)?) {
            (Side::Above(lo), Side::Below(hi)) | (Side::Below(hi), Side::Above(lo)) => {
                Ok(Op::Range { lo, hi })
            }
            (Side::Above(_), _) => Err(Fault { at, reason: Reason::SameSide { side: "lower" } }),
            (Side::Below(_), _) => Err(Fault { at, reason: Reason::SameSide { side: "upper" } }),
        }
    }

    fn between(&mut self, path: &Path) -> Result<Op, Fault> {
        let lo = Bound::Included(self.ordered(path)?);
        if !self.lexer.keyword("and") {
            return Err(self.lexer.expected("`and` and the upper bound"));
        }
        Ok(Op::Range { lo, hi: Bound::Included(self.ordered(path)?) })
    }

    fn side(&mut self, path: &Path) -> Result<Side, Fault> {
        Ok(if self.lexer.take(">=") {
            Side::Above(Bound::Included(self.ordered(path)?))
        } else if self.lexer.take(">") {
            Side::Above(Bound::Excluded(self.ordered(path)?))
        } else if self.lexer.take("<=") {
            Side::Below(Bound::Included(self.ordered(path)?))
        } else if self.lexer.take("<") {
            Side::Below(Bound::Excluded(self.ordered(path)?))
        } else {
            return Err(self.lexer.expected("`<`, `<=`, `>` or `>=`"));
        })
    }

    /// A value that can bound a range.
    fn ordered(&mut self, path: &Path) -> Result<Value, Fault> {
        let at = self.lexer.at();
        let value = self.value(path)?;
        value.check_ordered().map_err(|reason| Fault { at, reason })?;
        Ok(value)
    }

    fn values(&mut self, path: &Path) -> Result<Vec<Value>, Fault> {
        if !self.lexer.take("(") {
            return Err(self.lexer.expected("`(` and the values"));
        }
        let mut values = Vec::new();
        if self.lexer.take(")") {
            return Ok(values);
        }
        loop {
            let at = self.lexer.at();
            if values.len() == MAX_VALUES {
                return Err(Fault { at, reason: Reason::TooManyValues });
            }
            values.push(self.value(path)?);
            if self.lexer.take(")") {
                return Ok(values);
            }
            if !self.lexer.take(",") {
                return Err(self.lexer.expected("`,` or `)`"));
            }
        }
    }

    fn value(&mut self, path: &Path) -> Result<Value, Fault> {
        let literal = self.lexer.literal()?;
        let at = literal.at;
        typed(path, literal).map_err(|reason| Fault { at, reason })
    }

    fn foreign(&mut self, found: &'static str, should_be: &'static str) -> Fault {
        Fault { at: self.lexer.at(), reason: instead(found, should_be) }
    }
}

fn instead(found: &'static str, instead: &'static str) -> Reason {
    Reason::Foreign { found, instead }
}

/// The value that a literal stands for where `path` is compared with it.
fn typed(path: &Path, literal: Literal<'_>) -> Result<Value, Reason> {
    let Some(value_type) = path.value_type() else {
        return meta_value(literal);
    };
    let value = match value_type {
        AttributeType::Label | AttributeType::Labels | AttributeType::Text => {
            return Ok(Value::Text(literal.text.into_owned()));
        }
        // No text can be meant, so a date in quotes is a date.
        AttributeType::Time => Time::parse(&literal.text).map(Value::Time),
        _ if literal.is_quoted => None,
        AttributeType::Number => number(&literal.text)?,
        AttributeType::Flag => flag(&literal.text),
    };
    value.ok_or_else(|| path.wrong_type(literal.found()))
}

fn meta_value(literal: Literal<'_>) -> Result<Value, Reason> {
    if literal.is_quoted {
        Ok(Value::Text(literal.text.into_owned()))
    } else if let Some(value) = number(&literal.text)?.or_else(|| flag(&literal.text)) {
        Ok(value)
    } else if literal.text.eq_ignore_ascii_case("null") {
        Ok(Value::Null)
    } else if Time::parse_relative(&literal.text).is_some() {
        Err(Reason::TimeInMetadata)
    } else {
        Ok(Value::Text(literal.text.into_owned()))
    }
}

fn number(word: &str) -> Result<Option<Value>, Reason> {
    match Number::parse(word) {
        Some(Ok(number)) => Ok(Some(number.into())),
        Some(Err(())) => Err(Reason::NumberTooLarge),
        None => Ok(None),
    }
}

fn flag(word: &str) -> Option<Value> {
    if word.eq_ignore_ascii_case("true") {
        Some(Value::Bool(true))
    } else if word.eq_ignore_ascii_case("false") {
        Some(Value::Bool(false))
    } else {
        None
    }
}
