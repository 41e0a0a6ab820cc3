//! A query as terms to look up.
//!
//! In several languages a word is several terms, of which one is enough where it is required.
//!
//! **Invariant:** terms that say the same are one, as often as they were said; they ascend. What languages say
//! alike is said once, so that one language among others that agree with it changes nothing.

use super::{Clause, MAX_QUERY_BYTES, MAX_QUERY_TERMS, MAX_TYPOS, Occur, Pattern, Query};
use crate::text::analysis::Analyzer;
use crate::text::search::PhraseTerm;
use std::collections::BTreeMap;

/// What has one list of documents.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::text) enum Kind {
    Term(String),
    Phrase(Vec<PhraseTerm>),
    /// Terms that begin so.
    Prefix(String),
    /// Terms that differ from one by so many letters.
    Fuzzy(String, u8),
}

/// Something to look up, and what it counts.
#[derive(Clone, Debug)]
pub(in crate::text) struct Leaf {
    pub(in crate::text) kind: Kind,
    /// How often the query says it.
    pub(in crate::text) said: f64,
}

/// A query in terms.
#[derive(Clone, Debug, Default)]
pub(in crate::text) struct Resolved {
    pub(in crate::text) optional: Vec<Leaf>,
    /// A document needs a leaf of each.
    pub(in crate::text) required: Vec<Vec<Leaf>>,
    pub(in crate::text) excluded: Vec<Leaf>,
}

/// What a query says, and how often.
struct Said {
    optional: BTreeMap<Kind, f64>,
    /// Of each group a document needs one.
    required: BTreeMap<Vec<Kind>, f64>,
    excluded: BTreeMap<Kind, f64>,
    /// Leaves that there is still room for.
    left: usize,
}

impl Said {
    /// Takes in what is said once, in all the ways in which languages say it.
    fn say(&mut self, occur: Occur, mut ways: Vec<Kind>) {
        ways.sort_unstable();
        ways.dedup();
        let said = match occur {
            Occur::Should => &mut self.optional,
            Occur::MustNot => &mut self.excluded,
            Occur::Must => {
                let leaves = ways.len();
                if leaves > 0 {
                    note(&mut self.required, ways, leaves, &mut self.left);
                }
                return;
            }
        };
        for way in ways {
            note(said, way, 1, &mut self.left);
        }
    }

    /// Takes in the words of a text.
    fn say_words(&mut self, occur: Occur, text: &str, analyzers: &[Analyzer]) {
        let is_wanted = |word: &str| {
            occur != Occur::Should || !analyzers.iter().any(|a| a.is_function_word(word))
        };
        let mut words = Vec::new();
        if let Some(any) = analyzers.first() {
            any.words(text, |range, _| {
                let word = &text[range];
                let ways = in_all(analyzers, |a| not_empty(a.word(word)).map(Kind::Term));
                if !ways.is_empty() {
                    words.push((ways, is_wanted(word)));
                }
            });
        }
        // Whoever asks for nothing but words of grammar means them.
        let has_wanted = words.iter().any(|(_, is_wanted)| *is_wanted);
        for (ways, is_wanted) in words {
            if is_wanted || !has_wanted {
                self.say(occur, ways);
            }
        }
    }
}

/// Notes that something of so many leaves is said once more; nothing new that there is no room for.
fn note<T: Ord>(said: &mut BTreeMap<T, f64>, what: T, leaves: usize, left: &mut usize) {
    if let Some(count) = said.get_mut(&what) {
        *count += 1.0;
    } else if let Some(rest) = left.checked_sub(leaves) {
        *left = rest;
        said.insert(what, 1.0);
    }
}

fn in_all(analyzers: &[Analyzer], way: impl Fn(&Analyzer) -> Option<Kind>) -> Vec<Kind> {
    analyzers.iter().filter_map(way).collect()
}

fn not_empty(term: String) -> Option<String> {
    (!term.is_empty()).then_some(term)
}

/// The words of a text in a row, if there are any.
fn in_a_row(text: &str, analyzer: &Analyzer) -> Option<Kind> {
    let mut terms = Vec::new();
    analyzer.analyze(text, |token| {
        if terms.len() < MAX_QUERY_TERMS {
            terms.push(PhraseTerm { term: token.term.to_owned(), offset: token.position });
        }
    });
    if terms.len() > 1 {
        return Some(Kind::Phrase(terms));
    }
    terms.pop().map(|one| Kind::Term(one.term))
}

impl Resolved {
    /// What `query` says under any of `analyzers`, which differ in their language alone.
    pub(in crate::text) fn new(query: &Query, analyzers: &[Analyzer]) -> Self {
        let mut said = Said {
            optional: BTreeMap::new(),
            required: BTreeMap::new(),
            excluded: BTreeMap::new(),
            left: MAX_QUERY_TERMS,
        };
        for Clause { occur, pattern } in query.clauses() {
            let ways = match pattern {
                Pattern::Words(text) => {
                    said.say_words(*occur, cut(text), analyzers);
                    continue;
                }
                Pattern::Phrase(text) => in_all(analyzers, |a| in_a_row(cut(text), a)),
                Pattern::Prefix(text) => {
                    in_all(analyzers, |a| not_empty(a.beginning(cut(text))).map(Kind::Prefix))
                }
                Pattern::Fuzzy { word, typos } => {
                    let typos = (*typos).min(MAX_TYPOS);
                    let fuzzy = |word| Kind::Fuzzy(word, typos);
                    in_all(analyzers, |a| not_empty(a.word(cut(word))).map(fuzzy))
                }
            };
            said.say(*occur, ways);
        }
        let leaves = |said: BTreeMap<Kind, f64>| {
            said.into_iter().map(|(kind, said)| Leaf { kind, said }).collect::<Vec<_>>()
        };
        let group = |(kinds, said): (Vec<Kind>, f64)| {
            kinds.into_iter().map(|kind| Leaf { kind, said }).collect()
        };
        let Said { optional, required, excluded, .. } = said;
        let required = required.into_iter().map(group).collect();
        Self { optional: leaves(optional), required, excluded: leaves(excluded) }
    }

    /// What a document is found for.
    pub(in crate::text) fn wanted(&self) -> impl Iterator<Item = &Leaf> {
        self.optional.iter().chain(self.required.iter().flatten())
    }
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_QUERY_BYTES)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Language;
    use std::slice;

    #[test]
    fn function_words_count_where_they_are_all_there_is() {
        let english = Analyzer::default().stem(Some(Language::English));
        let wanted = |query: Query| {
            let resolved = Resolved::new(&query, slice::from_ref(&english));
            resolved.wanted().map(|leaf| format!("{:?}", leaf.kind)).collect::<Vec<_>>()
        };
        assert_eq!(wanted(Query::words("What's the NAME of it?")), [r#"Term("name")"#]);
        assert_eq!(wanted(Query::words("The Who")), [r#"Term("the")"#, r#"Term("who")"#]);
        assert_eq!(wanted(Query::all_words("the name")), [r#"Term("name")"#, r#"Term("the")"#]);
        assert_eq!(wanted(Query::parse("\"the name\" is")).len(), 2);
    }

    #[test]
    fn a_word_is_every_stem_that_languages_give_it() {
        let analyzers =
            [Language::English, Language::German].map(|l| Analyzer::default().stem(Some(l)));
        let said = |text: &str| {
            let Resolved { optional, required, .. } =
                Resolved::new(&Query::parse(text), &analyzers);
            let show = |leaf: &Leaf| format!("{:?} {}", leaf.kind, leaf.said);
            let groups = required.iter().map(|group| group.iter().map(show).collect::<Vec<_>>());
            (optional.iter().map(show).collect::<Vec<_>>(), groups.collect::<Vec<_>>())
        };
        let optional = |text| said(text).0;
        assert_eq!(optional("Hotel Hotels"), [r#"Term("hotel") 2"#]);
        assert_eq!(optional("walking"), [r#"Term("walk") 1"#, r#"Term("walking") 1"#]);
        // What is grammar in one of them says as little as in that one alone.
        assert_eq!(optional("the Hotel"), [r#"Term("hotel") 1"#]);
        let ways = vec![r#"Term("walk") 2"#.to_owned(), r#"Term("walking") 2"#.to_owned()];
        assert_eq!(said("+walking +walking"), (vec![], vec![ways]));
    }
}
