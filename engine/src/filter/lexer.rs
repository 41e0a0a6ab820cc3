//! The characters of a filter as words, texts and signs.
//!
//! **Invariant:** it never moves past the end or into the middle of a character. What a word is
//! depends on where it stands: a name ends at `:`, a value may hold one (`12:30:00Z`). So there
//! is no stream of tokens; the parser asks for what may come next.
//!
//! Used by the parser; the printer asks it which words need no quotes.

use super::error::{Fault, Found, Reason, Word};
use std::borrow::Cow;

pub(super) struct Lexer<'a> {
    source: &'a str,
    at: usize,
}

/// A value as it is written.
pub(super) struct Literal<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) is_quoted: bool,
    pub(super) at: usize,
}

impl Literal<'_> {
    pub(super) fn found(&self) -> Found {
        let word = Word::new(&self.text);
        if self.is_quoted { Found::Text(word) } else { Found::Word(word) }
    }
}

/// What names of attributes and bare keys of metadata are made of.
fn is_key_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '/' | '@')
}

/// What bare values are made of.
fn is_value_char(c: char) -> bool {
    is_key_char(c) || matches!(c, '.' | ':' | '+')
}

/// Words that hold a filter together. They need quotes as values, so that `tag: and kind:verb`
/// is a missing value and not a tag.
pub(super) fn is_reserved(word: &str) -> bool {
    ["and", "or", "not", "in"].iter().any(|reserved| reserved.eq_ignore_ascii_case(word))
}

/// Whether the key may be written without quotes.
pub(super) fn is_bare_key(key: &str) -> bool {
    !key.is_empty() && key.chars().all(is_key_char)
}

/// Whether the text may be written without quotes where only a text is expected.
pub(super) fn is_bare_value(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(':')
        && text.chars().all(is_value_char)
        && !is_reserved(text)
}

impl<'a> Lexer<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Lexer { source, at: 0 }
    }

    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    /// Where the next word or sign starts.
    pub(super) fn at(&mut self) -> usize {
        let is_there = self.rest().as_bytes().first().is_some_and(u8::is_ascii_graphic);
        if !is_there {
            self.at = self.source.len() - self.rest().trim_start().len();
        }
        self.at
    }

    /// Goes back to a place that [`at`](Self::at) gave.
    pub(super) fn back_to(&mut self, at: usize) {
        self.at = at;
    }

    /// The next character that is not space.
    pub(super) fn peek(&mut self) -> Option<char> {
        self.at();
        self.rest().chars().next()
    }

    /// Takes the sign if it comes next.
    pub(super) fn take(&mut self, sign: &str) -> bool {
        self.at();
        self.take_adjacent(sign)
    }

    /// Takes the sign if it comes next, without space before it.
    pub(super) fn take_adjacent(&mut self, sign: &str) -> bool {
        let is_next = self.rest().starts_with(sign);
        if is_next {
            self.at += sign.len();
        }
        is_next
    }

    fn take_while(&mut self, is_wanted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let (word, _) = rest.split_at(rest.find(|c| !is_wanted(c)).unwrap_or(rest.len()));
        self.at += word.len();
        word
    }

    /// Takes a name; it is empty if none comes next.
    pub(super) fn name(&mut self) -> &'a str {
        self.at();
        self.take_while(is_key_char)
    }

    /// Takes the keyword, in any case, if it comes next.
    pub(super) fn keyword(&mut self, keyword: &str) -> bool {
        self.at();
        let is_next = self.rest().split_at_checked(keyword.len()).is_some_and(|(word, behind)| {
            word.eq_ignore_ascii_case(keyword) && !behind.starts_with(is_key_char)
        });
        if is_next {
            self.at += keyword.len();
        }
        is_next
    }

    /// Takes a key of metadata, which follows its dot without space.
    pub(super) fn key(&mut self) -> Result<Cow<'a, str>, Fault> {
        if let Some(quote) = self.quote() {
            return self.text(quote).map(Cow::Owned);
        }
        match self.take_while(is_key_char) {
            "" => Err(self.expected("a key of the metadata")),
            key => Ok(Cow::Borrowed(key)),
        }
    }

    /// Takes a value.
    pub(super) fn literal(&mut self) -> Result<Literal<'a>, Fault> {
        let at = self.at();
        if let Some(quote) = self.quote() {
            return Ok(Literal { text: self.text(quote)?.into(), is_quoted: true, at });
        }
        let word = self.take_while(is_value_char);
        if is_reserved(word) {
            return Err(Fault { at, reason: Reason::Reserved { word: Word::new(word) } });
        }
        if !is_bare_value(word) {
            self.at = at;
            return Err(self.expected("a value"));
        }
        Ok(Literal { text: word.into(), is_quoted: false, at })
    }

    /// Takes a regular expression between slashes; one in it stands behind a backslash.
    pub(super) fn regex(&mut self) -> Result<&'a str, Fault> {
        if !self.take("/") {
            return Err(self.expected("`/` and a regular expression"));
        }
        let opened_at = self.at - 1;
        let start = self.at;
        loop {
            self.take_while(|c| c != '/' && c != '\\');
            let pattern = &self.source[start..self.at];
            if self.take_adjacent("/") {
                return Ok(pattern);
            }
            self.take_adjacent("\\");
            let Some(c) = self.rest().chars().next() else {
                return Err(Fault { at: opened_at, reason: Reason::UnclosedRegex });
            };
            self.at += c.len_utf8();
        }
    }

    fn quote(&self) -> Option<char> {
        self.rest().chars().next().filter(|c| matches!(c, '"' | '\''))
    }

    /// Takes a text in quotes, with the escapes of JSON.
    fn text(&mut self, quote: char) -> Result<String, Fault> {
        let opened_at = self.at;
        self.at += quote.len_utf8();
        let mut text = String::new();
        loop {
            text.push_str(self.take_while(|c| c != quote && c != '\\'));
            let at = self.at;
            if self.take_adjacent("\\") {
                let c = self.escape().ok_or(Fault { at, reason: Reason::UnknownEscape })?;
                text.push(c);
            } else if self.rest().is_empty() {
                return Err(Fault { at: opened_at, reason: Reason::UnclosedText });
            } else {
                self.at += quote.len_utf8();
                return Ok(text);
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        self.at += c.len_utf8();
        match c {
            '"' | '\'' | '\\' | '/' => Some(c),
            'b' => Some('\u{8}'),
            'f' => Some('\u{c}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'u' => match self.utf16_unit()? {
                // JSON writes a character beyond the first 65,536 as two of these.
                high @ 0xD800..=0xDBFF => {
                    let low = self.take_adjacent("\\u").then(|| self.utf16_unit())??;
                    char::decode_utf16([high, low]).next()?.ok()
                }
                unit => char::from_u32(unit.into()),
            },
            _ => None,
        }
    }

    fn utf16_unit(&mut self) -> Option<u16> {
        let digits = self.rest().get(..4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
        self.at += digits.len();
        u16::from_str_radix(digits, 16).ok()
    }

    /// The fault that something else comes next.
    pub(super) fn expected(&mut self, expected: &'static str) -> Fault {
        let mut at = self.at();
        let found = match (self.take_while(is_value_char), self.rest().chars().next()) {
            ("", None) => {
                at = self.source.trim_end().len();
                Found::End
            }
            ("", Some(sign)) => Found::Word(Word::new(sign)),
            (word, _) => Found::Word(Word::new(word)),
        };
        self.at = at;
        Fault { at, reason: Reason::Expected { expected, found } }
    }
}
