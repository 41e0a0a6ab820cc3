//! Reads what people type; the documentation of [`Pattern`] has the signs.
//!
//! **Invariant:** any string is a query. A sign counts only where it stands at the beginning or end of a
//! word; anywhere else it is a character like others, so that `well-known`, `C++` and `src/*.rs` are what
//! they look like. A quote without an end is none.

use super::{Clause, MAX_QUERY_BYTES, MAX_TYPOS, Occur, Pattern, Query};

impl Query {
    /// What a text means that somebody typed; [`Pattern`] has the signs.
    ///
    /// ```
    /// use memlith_index::text::{Occur, Pattern, Query};
    ///
    /// let query = Query::parse("+berlin -\"new york\" restaur* recomendation~");
    /// let found: Vec<_> = query.clauses().iter().map(|c| (c.occur, &c.pattern)).collect();
    /// assert_eq!(found[0], (Occur::Must, &Pattern::Words("berlin".into())));
    /// assert_eq!(found[1], (Occur::MustNot, &Pattern::Phrase("new york".into())));
    /// assert_eq!(found[2], (Occur::Should, &Pattern::Prefix("restaur".into())));
    /// assert!(matches!(found[3].1, Pattern::Fuzzy { typos: 2, .. }));
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut query = Self::default();
        let mut rest = &text[..text.floor_char_boundary(MAX_QUERY_BYTES)];
        // Words without a sign stay together: those that were written as one are found as one.
        let mut plain = String::new();
        loop {
            rest = rest.trim_start();
            let Some(first) = rest.chars().next() else { break };
            let (occur, signed) = match first {
                '+' => (Occur::Must, &rest[1..]),
                '-' => (Occur::MustNot, &rest[1..]),
                _ => (Occur::Should, rest),
            };
            if let Some((phrase, behind)) = quoted(signed) {
                query.push(Clause { occur, pattern: Pattern::Phrase(phrase.to_owned()) });
                rest = behind;
                continue;
            }
            let end = signed.find(char::is_whitespace).unwrap_or(signed.len());
            let (word, behind) = signed.split_at(end);
            rest = behind;
            match (occur, pattern(word)) {
                (Occur::Should, Pattern::Words(word)) => {
                    plain.push_str(&word);
                    plain.push(' ');
                }
                // A sign by itself is none.
                _ if word.is_empty() => {}
                (occur, pattern) => query.push(Clause { occur, pattern }),
            }
        }
        if !plain.is_empty() {
            plain.pop();
            query.push(Clause { occur: Occur::Should, pattern: Pattern::Words(plain) });
        }
        query
    }
}

/// The text between the quotes that `text` begins with, and what comes behind.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let open = text.chars().next()?;
    let close = match open {
        '"' => '"',
        '“' | '„' => '”',
        '«' => '»',
        _ => return None,
    };
    let inside = &text[open.len_utf8()..];
    let end = inside.find(|c| c == close || (open == '„' && c == '“'))?;
    let width = inside[end..].chars().next().map_or(0, char::len_utf8);
    Some((&inside[..end], &inside[end + width..]))
}

/// What a word with its signs looks for.
fn pattern(word: &str) -> Pattern {
    let is_word = |stem: &str| stem.ends_with(char::is_alphanumeric);
    if let Some(stem) = word.strip_suffix('*').filter(|stem| is_word(stem)) {
        return Pattern::Prefix(stem.to_owned());
    }
    if let Some((stem, typos)) = word.rsplit_once('~').filter(|(stem, _)| is_word(stem)) {
        let typos = match typos {
            "" => Some(MAX_TYPOS),
            digits => digits.parse().ok().filter(|&typos| typos <= MAX_TYPOS),
        };
        if let Some(typos) = typos {
            return Pattern::Fuzzy { word: stem.to_owned(), typos };
        }
    }
    Pattern::Words(word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Vec<(Occur, Pattern)> {
        Query::parse(text).clauses().iter().map(|c| (c.occur, c.pattern.clone())).collect()
    }

    fn words(text: &str) -> Pattern {
        Pattern::Words(text.into())
    }

    #[test]
    fn signs_within_words_are_characters() {
        for text in ["well-known C++ a+b src/*.rs 5-3 ~ 2* 3", "what is 2 * 3", "x~y a~9 **"] {
            let clauses = parsed(text);
            assert!(clauses.iter().all(|(occur, _)| *occur == Occur::Should), "{clauses:?}");
        }
        assert_eq!(parsed("a - b + c"), [(Occur::Should, words("a b c"))]);
        assert_eq!(parsed("say \"what"), [(Occur::Should, words("say \"what"))]);
    }

    #[test]
    fn quotes_of_several_languages_hold_phrases() {
        for text in ["\"a b\"", "“a b”", "„a b“", "«a b»"] {
            assert_eq!(parsed(text), [(Occur::Should, Pattern::Phrase("a b".into()))], "{text}");
        }
        assert_eq!(
            parsed("-\"\"x"),
            [(Occur::MustNot, Pattern::Phrase(String::new())), (Occur::Should, words("x")),]
        );
    }

    #[test]
    fn typos_are_one_or_two() {
        let fuzzy = |typos| Pattern::Fuzzy { word: "wrod".into(), typos };
        assert_eq!(parsed("wrod~"), [(Occur::Should, fuzzy(2))]);
        assert_eq!(parsed("+wrod~1"), [(Occur::Must, fuzzy(1))]);
        assert_eq!(parsed("wrod~3"), [(Occur::Should, words("wrod~3"))]);
    }
}
