//! A query as terms to look up.
//!
//! **Invariant:** terms that say the same are one, as often as they were said; they ascend.

use super::{MAX_QUERY_BYTES, MAX_QUERY_TERMS, MAX_TYPOS, Occur, Pattern, Query};
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

impl Resolved {
    /// What `query` says under `analyzer`.
    pub(in crate::text) fn new(query: &Query, analyzer: &Analyzer) -> Self {
        let mut said = [(); 3].map(|()| BTreeMap::<Kind, f64>::new());
        let mut left = MAX_QUERY_TERMS;
        for clause in query.clauses() {
            let said = &mut said[match clause.occur {
                Occur::Should => 0,
                Occur::Must => 1,
                Occur::MustNot => 2,
            }];
            let mut say = |kind| {
                if let Some(count) = said.get_mut(&kind) {
                    *count += 1.0;
                } else if left > 0 {
                    left -= 1;
                    said.insert(kind, 1.0);
                }
            };
            match &clause.pattern {
                Pattern::Prefix(text) => {
                    let prefix = analyzer.beginning(cut(text));
                    if !prefix.is_empty() {
                        say(Kind::Prefix(prefix));
                    }
                }
                Pattern::Fuzzy { word, typos } => {
                    let word = analyzer.word(cut(word));
                    if !word.is_empty() {
                        say(Kind::Fuzzy(word, (*typos).min(MAX_TYPOS)));
                    }
                }
                Pattern::Words(text) => {
                    let text = cut(text);
                    // Whoever asks for nothing but such words means them.
                    let is_wanted = |word: &str| {
                        clause.occur != Occur::Should || !analyzer.is_function_word(word)
                    };
                    let (mut has_other, mut has_any) = (false, false);
                    analyzer.analyze(text, |token| {
                        has_any = true;
                        has_other |= is_wanted(&text[token.range]);
                    });
                    analyzer.analyze(text, |token| {
                        if is_wanted(&text[token.range]) || has_any && !has_other {
                            say(Kind::Term(token.term.to_owned()));
                        }
                    });
                }
                Pattern::Phrase(text) => {
                    let mut terms = Vec::new();
                    analyzer.analyze(cut(text), |token| {
                        if terms.len() < MAX_QUERY_TERMS {
                            terms.push(PhraseTerm {
                                term: token.term.to_owned(),
                                offset: token.position,
                            });
                        }
                    });
                    match terms.as_mut_slice() {
                        [] => {}
                        [one] => say(Kind::Term(std::mem::take(&mut one.term))),
                        _ => say(Kind::Phrase(terms)),
                    }
                }
            }
        }
        let leaves = |said: BTreeMap<Kind, f64>| {
            said.into_iter().map(|(kind, said)| Leaf { kind, said }).collect::<Vec<_>>()
        };
        let [optional, required, excluded] = said.map(leaves);
        let required = required.into_iter().map(|leaf| vec![leaf]).collect();
        Self { optional, required, excluded }
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

    #[test]
    fn function_words_count_where_they_are_all_there_is() {
        let english = Analyzer::default().stem(Some(Language::English));
        let wanted = |query: Query| {
            let resolved = Resolved::new(&query, &english);
            resolved.wanted().map(|leaf| format!("{:?}", leaf.kind)).collect::<Vec<_>>()
        };
        assert_eq!(wanted(Query::words("What's the NAME of it?")), [r#"Term("name")"#]);
        assert_eq!(wanted(Query::words("The Who")), [r#"Term("the")"#, r#"Term("who")"#]);
        assert_eq!(wanted(Query::all_words("the name")), [r#"Term("name")"#, r#"Term("the")"#]);
        assert_eq!(wanted(Query::parse("\"the name\" is")).len(), 2);
    }
}
