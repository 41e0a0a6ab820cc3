//! Why a filter was refused, and where.
//!
//! **Invariant:** an error shows at most [`EXCERPT_CHARS`] characters of the filter, whatever its
//! length, on one line, with the caret under the character that its column names.
//!
//! Made by the parser and by validation; read by everyone.

use super::{check, path};
use std::fmt;

/// How much of the filter an error shows.
const EXCERPT_CHARS: usize = 72;

/// Where the caret stands at most, so that what follows it is seen too.
const CARET_CHARS: usize = 48;

/// How much of a word a message repeats.
const WORD_CHARS: usize = 32;

/// Why a filter was refused, and where.
///
/// `Display` gives the message and the place, then the line of the filter with a caret:
///
/// ```
/// let error = "importence >= 0.5".parse::<memlith::filter::Filter>().unwrap_err();
/// assert_eq!(error.column(), 1);
/// assert_eq!(
///     error.to_string(),
///     "unknown attribute `importence`; did you mean `importance`? (column 1)\n  \
///      importence >= 0.5\n  \
///      ^",
/// );
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct FilterError(Box<Report>);

#[derive(Clone, PartialEq, Eq)]
struct Report {
    reason: Reason,
    line: usize,
    column: usize,
    excerpt: String,
    caret: usize,
}

impl FilterError {
    /// An error at the byte `at` of `source`.
    pub(super) fn new(source: &str, fault: Fault) -> Self {
        let at = source.floor_char_boundary(fault.at);
        let before = &source[..at];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        let chars_before = source[line_start..at].chars().count();
        let (excerpt, caret) = excerpt(&source[line_start..], chars_before);
        let column = chars_before + 1;
        FilterError(Box::new(Report { reason: fault.reason, line, column, excerpt, caret }))
    }

    /// The column of the fault in its line, in characters from 1.
    ///
    /// For a filter that was built and not parsed this and [`line`](Self::line) are those of the
    /// excerpt that `Display` shows.
    pub fn column(&self) -> usize {
        self.0.column
    }

    /// The line of the fault, from 1.
    pub fn line(&self) -> usize {
        self.0.line
    }

    /// What is wrong, without the place.
    pub fn message(&self) -> String {
        self.0.reason.to_string()
    }
}

/// The part of the first line of `text` around its character `caret`, and where that lies in it.
fn excerpt(text: &str, caret: usize) -> (String, usize) {
    let skipped = caret.saturating_sub(CARET_CHARS);
    let mut rest = text.chars().take_while(|c| *c != '\n').skip(skipped);
    let mut shown = String::new();
    if skipped > 0 {
        shown.push('…');
        rest.next();
    }
    for c in rest.by_ref().take(EXCERPT_CHARS - 2) {
        shown.push(if c.is_control() { ' ' } else { c });
    }
    if rest.next().is_some() {
        shown.push('…');
    }
    (shown, caret - skipped)
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { reason, line, column, excerpt, caret } = &*self.0;
        match (excerpt.as_str(), line) {
            ("", _) => return reason.fmt(f),
            (_, 1) => write!(f, "{reason} (column {column})")?,
            _ => write!(f, "{reason} (line {line}, column {column})")?,
        }
        write!(f, "\n  {excerpt}\n  {:caret$}^", "")
    }
}

impl fmt::Debug for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for FilterError {}

/// A reason and the byte of the source it is about.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) reason: Reason,
}

/// What a filter was refused for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Reason {
    #[error("the filter is empty; write `all` to keep everything")]
    Empty,
    #[error("the filter has {found} bytes, the limit is {}", check::MAX_BYTES)]
    TooLong { found: usize },
    #[error("the filter is nested deeper than {}", check::MAX_DEPTH)]
    TooDeep,
    #[error("the filter has more than {} tests and groups", check::MAX_NODES)]
    TooManyNodes,
    #[error("the list has more than {} values", check::MAX_VALUES)]
    TooManyValues,
    #[error("the path has more than {} keys", check::MAX_PATH_KEYS)]
    TooManyKeys,
    #[error("unknown attribute `{name}`; {}", suggestion(name))]
    UnknownAttribute { name: Word },
    #[error("`meta` needs a key: `meta.lang`")]
    MetaWithoutKey,
    #[error("expected {expected}, found {found}")]
    Expected { expected: &'static str, found: Found },
    #[error("`{found}` is written `{instead}` here")]
    Foreign { found: &'static str, instead: &'static str },
    #[error("`{word}` is a word of the language; quote it to use it as a value")]
    Reserved { word: Word },
    #[error("the text has no closing quote")]
    UnclosedText,
    #[error("unknown escape; a text knows \\\" \\' \\\\ \\/ \\b \\f \\n \\r \\t and \\uXXXX")]
    UnknownEscape,
    #[error("`{path}` is {expected}; {found} is not")]
    WrongType { path: Word, expected: &'static str, found: Found },
    #[error("the number is too large")]
    NumberTooLarge,
    #[error("metadata holds no times; write a date, or quote the word")]
    TimeInMetadata,
    #[error("{what} has no order; times, numbers and metadata texts have")]
    NotOrdered { what: &'static str },
    #[error("`{path}` holds one value; `contains` is for tags, spaces, metadata and the content")]
    NotAList { path: Word },
    #[error("`{path}` is not compared but looked into: `contains \"…\"` or `matches /…/`")]
    NotCompared { path: Word },
    #[error("`{path}` holds no text; `matches` is for labels, metadata and the content")]
    NotText { path: Word },
    #[error("the regular expression has no closing `/`")]
    UnclosedRegex,
    #[error("no regular expression: {why}")]
    BadRegex { why: String },
    #[error("the filter has more than {} regular expressions", check::MAX_REGEXES)]
    TooManyRegexes,
    #[error("the range has two {side} bounds")]
    SameSide { side: &'static str },
    #[error("the range has no bound")]
    Unbounded,
}

fn suggestion(name: &Word) -> String {
    if let Some(near) = path::nearest_name(&name.0) {
        return format!("did you mean `{near}`?");
    }
    let known: Vec<_> = path::Attribute::ALL.iter().map(|known| known.name()).collect();
    format!("known are {} and `meta.` with a key", known.join(", "))
}

/// A word of the filter, cut to what a message can bear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word(String);

impl Word {
    pub(super) fn new(text: impl fmt::Display) -> Self {
        let text = text.to_string();
        let mut word: String =
            text.chars().take(WORD_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect();
        if text.chars().nth(WORD_CHARS).is_some() {
            word.push('…');
        }
        Word(word)
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What stood where something else was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Word(Word),
    Text(Word),
    Type(&'static str),
    End,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Found::Word(word) => write!(f, "`{word}`"),
            Found::Text(word) => write!(f, "the text \"{word}\""),
            Found::Type(name) => f.write_str(name),
            Found::End => f.write_str("the end"),
        }
    }
}
