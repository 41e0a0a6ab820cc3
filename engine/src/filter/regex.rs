//! Regular expressions of filters.
//!
//! **Invariant:** a search takes time in proportion to the text, whatever the expression is, and an
//! expression takes at most [`MAX_AUTOMATON_BYTES`]; two are equal if they are written alike.
//!
//! Made by the parser and by programs; the planner asks which words every match has.

use super::FilterError;
use super::error::{Fault, Reason};
use regex_automata::meta;
use regex_syntax::hir::{Hir, HirKind};
use std::fmt::{self, Write as _};
use std::sync::Arc;

/// The most memory of what an expression is compiled to, in bytes. The time of a search is bounded by this
/// times the length of the text.
const MAX_AUTOMATON_BYTES: usize = 256 << 10;
/// The most memory in which a search remembers where it has been, in bytes.
const MAX_CACHE_BYTES: usize = 1 << 20;

/// A regular expression, in the syntax of the crate [`regex`](https://docs.rs/regex/latest/regex/#syntax):
/// no look-around and no back-references. It is looked for anywhere in a text, and case counts unless it
/// says `(?i)`.
///
/// ```
/// use memlith::filter::Regex;
/// let regex = Regex::new(r"(?i)error \d+")?;
/// assert!(regex.is_match("what is Error 42?"));
/// assert!(Regex::new("(").is_err());
/// # Ok::<(), memlith::filter::FilterError>(())
/// ```
#[derive(Clone)]
pub struct Regex(Arc<Compiled>);

struct Compiled {
    /// Slashes in it stand by themselves.
    pattern: String,
    automaton: meta::Regex,
    /// Texts that every match has in it.
    literals: Vec<String>,
}

impl Regex {
    /// Compiles an expression.
    ///
    /// # Errors
    /// What is wrong with it; also if what it is compiled to takes more than 256 KiB.
    pub fn new(pattern: &str) -> Result<Self, FilterError> {
        Self::compile(pattern).map_err(|reason| FilterError::new(pattern, Fault { at: 0, reason }))
    }

    pub(super) fn compile(pattern: &str) -> Result<Self, Reason> {
        let pattern = without_escaped_slashes(pattern)?;
        let bad = |why: String| {
            // The last line says what is wrong; those before it draw where.
            let last = why.lines().last().unwrap_or_default();
            Reason::BadRegex { why: last.trim_start_matches("error: ").to_owned() }
        };
        let hir = regex_syntax::parse(&pattern).map_err(|e| bad(e.to_string()))?;
        let config = meta::Config::new()
            .nfa_size_limit(Some(MAX_AUTOMATON_BYTES))
            .hybrid_cache_capacity(MAX_CACHE_BYTES);
        let automaton = meta::Builder::new().configure(config).build_from_hir(&hir);
        let automaton = automaton.map_err(|e| match e.size_limit() {
            Some(limit) => bad(format!("compiled it takes more than {limit} bytes")),
            None => bad(e.to_string()),
        })?;
        let mut literals = Vec::new();
        collect_literals(&hir, &mut literals);
        Ok(Regex(Arc::new(Compiled { pattern, automaton, literals })))
    }

    /// Is there a match anywhere in the text?
    pub fn is_match(&self, text: &str) -> bool {
        self.0.automaton.is_match(text)
    }

    /// The expression.
    pub fn as_str(&self) -> &str {
        &self.0.pattern
    }

    /// Texts that everything which matches has in it.
    pub(crate) fn literals(&self) -> &[String] {
        &self.0.literals
    }
}

/// The expression with `\/` as `/`, which is the same, and the one form in which it is kept.
fn without_escaped_slashes(pattern: &str) -> Result<String, Reason> {
    let mut plain = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, false) => plain.push(c),
            (_, true) => match chars.next() {
                Some('/') => plain.push('/'),
                Some(escaped) => plain.extend([c, escaped]),
                None => {
                    return Err(Reason::BadRegex { why: "it ends with a backslash".into() });
                }
            },
        }
    }
    Ok(plain)
}

fn collect_literals(hir: &Hir, into: &mut Vec<String>) {
    match hir.kind() {
        HirKind::Literal(literal) => {
            into.extend(std::str::from_utf8(&literal.0).ok().map(str::to_owned));
        }
        HirKind::Capture(capture) => collect_literals(&capture.sub, into),
        HirKind::Repetition(repetition) if repetition.min > 0 => {
            collect_literals(&repetition.sub, into);
        }
        HirKind::Concat(parts) => parts.iter().for_each(|part| collect_literals(part, into)),
        HirKind::Empty
        | HirKind::Class(_)
        | HirKind::Look(_)
        | HirKind::Repetition(_)
        | HirKind::Alternation(_) => {}
    }
}

impl PartialEq for Regex {
    fn eq(&self, other: &Self) -> bool {
        self.0.pattern == other.0.pattern
    }
}

impl Eq for Regex {}

/// Between slashes, as the language has it.
impl fmt::Display for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('/')?;
        let mut is_escaped = false;
        for c in self.0.pattern.chars() {
            if c == '/' && !is_escaped {
                f.write_char('\\')?;
            }
            is_escaped = c == '\\' && !is_escaped;
            f.write_char(c)?;
        }
        f.write_char('/')
    }
}

impl fmt::Debug for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_in_every_match() {
        let literals = |pattern: &str| Regex::new(pattern).unwrap().literals().to_vec();
        assert_eq!(literals("the quick fox"), ["the quick fox"]);
        assert_eq!(literals(r"(the quick) \d+ brown( fox)?"), ["the quick", " ", " brown"]);
        assert_eq!(literals("(ab c )+|d"), Vec::<String>::new());
        assert_eq!(literals("(?:ab c ){2}d*"), ["ab c "]);
        assert_eq!(literals("(?i)ab"), Vec::<String>::new());
    }

    #[test]
    fn a_slash_is_the_same_with_a_backslash_and_without() {
        let regex = Regex::new(r"a\/b\\/c").unwrap();
        assert_eq!(regex.as_str(), r"a/b\\/c");
        assert_eq!(regex.to_string(), r"/a\/b\\\/c/");
        assert_eq!(regex, Regex::new(r"a/b\\\/c").unwrap());
        assert!(regex.is_match(r"a/b\/c"));
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let error = Regex::new(r"(\w{100}){100}").unwrap_err();
        assert!(error.message().contains("takes more than"), "{error}");
        let error = Regex::new(&"(".repeat(10_000)).unwrap_err();
        assert!(error.message().contains("no regular expression"), "{error}");
        assert!(Regex::new("(?x)a # b\\").is_err());
    }
}
