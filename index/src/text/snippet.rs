//! The piece of a text that shows best why a query found it.
//!
//! **Invariant:** ranges lie within the text, on boundaries of characters; marks ascend, do not touch one
//! another, and lie within the snippet.

use super::analysis::Analyzer;
use super::query::{Automaton, Kind, Query, Resolved, Verdict};
use std::ops::Range;
use std::slice;

/// A piece of a text, and what of it a query is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snippet {
    /// The piece, in bytes of the text.
    pub range: Range<usize>,
    /// Words that the query is about, in bytes of the text.
    pub marks: Vec<Range<usize>>,
}

/// Something that a word may match.
enum Matcher<'a> {
    Term(&'a str),
    Prefix(&'a str),
    Near(Automaton),
}

impl Matcher<'_> {
    fn matches(&mut self, term: &str) -> bool {
        match self {
            Matcher::Term(own) => term == *own,
            Matcher::Prefix(prefix) => term.starts_with(*prefix),
            Matcher::Near(automaton) => matches!(automaton.look_at(term), Verdict::Near(_)),
        }
    }
}

impl Analyzer {
    /// The piece of `text`, of about `max_bytes`, with the most different words that `query` is about,
    /// then with the most such words, then the first. Words stay whole where they can. A text that fits is
    /// its own snippet; one without such a word begins with its snippet. The words of both are brought to the
    /// stems of this analyzer, whatever languages the query asks in.
    ///
    /// ```
    /// use memlith_index::text::{Analyzer, Query};
    ///
    /// let text = "We met in spring. The spare key lies under the third flower pot, as always.";
    /// let snippet = Analyzer::default().snippet(&Query::words("where is the spare key"), text, 40);
    /// assert_eq!(&text[snippet.range], "The spare key lies under the third");
    /// let marked: Vec<_> = snippet.marks.iter().map(|mark| &text[mark.clone()]).collect();
    /// assert_eq!(marked, ["The", "spare", "key", "the"]);
    /// ```
    pub fn snippet(&self, query: &Query, text: &str, max_bytes: usize) -> Snippet {
        let matches = self.matches(query, text);
        let marks = merged(&matches);
        if text.len() <= max_bytes {
            return Snippet { range: 0..text.len(), marks };
        }
        let best = densest(&matches, max_bytes);
        let range = widened(text, best, max_bytes);
        let marks = marks.into_iter().filter(|m| range.start <= m.start && m.end <= range.end);
        Snippet { marks: marks.collect(), range }
    }

    /// Where the text has what, by where it begins.
    fn matches(&self, query: &Query, text: &str) -> Vec<(Range<usize>, usize)> {
        let resolved = Resolved::new(query, slice::from_ref(self));
        let mut wanted = Vec::new();
        for leaf in resolved.wanted() {
            match &leaf.kind {
                Kind::Term(term) => wanted.push(Matcher::Term(term)),
                Kind::Phrase(parts) => {
                    wanted.extend(parts.iter().map(|part| Matcher::Term(&part.term)));
                }
                Kind::Prefix(prefix) => wanted.push(Matcher::Prefix(prefix)),
                Kind::Fuzzy(word, typos) => {
                    wanted.push(Matcher::Near(Automaton::new(word, *typos)));
                }
            }
        }
        let mut matches = Vec::new();
        self.analyze(text, |token| {
            let at = wanted.iter_mut().position(|wanted| wanted.matches(token.term));
            matches.extend(at.map(|at| (token.range.clone(), at)));
        });
        matches.sort_by_key(|(range, _)| (range.start, range.end));
        matches
    }
}

/// What is matched, with what overlaps or touches as one.
fn merged(matches: &[(Range<usize>, usize)]) -> Vec<Range<usize>> {
    let mut marks: Vec<Range<usize>> = Vec::new();
    for (range, _) in matches {
        match marks.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => marks.push(range.clone()),
        }
    }
    marks
}

/// The stretch of at most `max_bytes` with the most different matches.
fn densest(matches: &[(Range<usize>, usize)], max_bytes: usize) -> Range<usize> {
    let kinds = matches.iter().map(|&(_, kind)| kind + 1).max().unwrap_or(0);
    let (mut counts, mut different, mut from) = (vec![0_usize; kinds], 0, 0);
    let mut best = (0, 0, 0..0);
    for (to, (range, kind)) in matches.iter().enumerate() {
        counts[*kind] += 1;
        different += usize::from(counts[*kind] == 1);
        while from < to && range.end.saturating_sub(matches[from].0.start) > max_bytes {
            let left = &mut counts[matches[from].1];
            *left -= 1;
            different -= usize::from(*left == 0);
            from += 1;
        }
        if (different, to - from) > (best.0, best.1) || best.2.is_empty() {
            best = (different, to - from, matches[from].0.start..range.end);
        }
    }
    best.2
}

/// `within` in the middle of about `max_bytes`, cut between words.
fn widened(text: &str, within: Range<usize>, max_bytes: usize) -> Range<usize> {
    let room = max_bytes.saturating_sub(within.len());
    let start = within.start.saturating_sub(room / 2);
    let end = (start + max_bytes.max(within.len())).min(text.len());
    let start = end.saturating_sub(max_bytes.max(within.len())).min(start);
    let (start, end) = (text.ceil_char_boundary(start), text.floor_char_boundary(end));
    let (start, end) = (start.min(within.start), end.max(within.end.min(text.len())));
    // A word that was cut is left out, unless all would be.
    let is_cut = |at: usize| {
        let around = (text[..at].chars().next_back(), text[at..].chars().next());
        matches!(around, (Some(a), Some(b)) if !a.is_whitespace() && !b.is_whitespace())
    };
    let start = match text[start..within.start.max(start)].find(char::is_whitespace) {
        Some(blank) if is_cut(start) => start + blank,
        _ => start,
    };
    let end = match text[within.end.min(end)..end].rfind(char::is_whitespace) {
        Some(blank) if is_cut(end) => within.end.min(end) + blank,
        _ => end,
    };
    let piece = &text[start..end];
    let start = start + (piece.len() - piece.trim_start().len());
    start..start + piece.trim().len()
}
