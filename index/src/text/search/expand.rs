//! The terms that a pattern stands for.
//!
//! **Invariant:** what is found depends on the terms that live documents have, not on the parts that they
//! lie in: each part gives its first terms, and the first of all of them count.

use super::meter::Meter;
use crate::text::image::TermCursor;
use crate::text::part::PartAt;
use crate::text::query::{Automaton, Verdict};
use crate::text::view::TextError;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Terms that a beginning stands for at most: the first ones, ascending.
const MAX_WITH_PREFIX: usize = 1024;

/// Terms that a word with typos stands for at most: the nearest and then the most frequent ones.
const MAX_NEAR: usize = 64;

/// Terms that are passed by one after the other before they are jumped over.
const MAX_STEPS: usize = 16;

/// The live terms that begin with `prefix`.
pub(in crate::text) fn with_prefix(
    parts: &[PartAt<'_>],
    prefix: &str,
    meter: &mut Meter<'_>,
) -> Result<Vec<String>, TextError> {
    let mut all = BTreeSet::new();
    for part in parts {
        let mut found = BTreeSet::new();
        match part {
            PartAt::Sealed { sealed, .. } => {
                let mut cursor = TermCursor::seek(&sealed.image, prefix.as_bytes())?;
                while found.len() < MAX_WITH_PREFIX
                    && let Some((term, _)) = cursor.next(&sealed.image)?
                    && term.starts_with(prefix)
                {
                    meter.spend(8)?;
                    if part.list(term, meter)?.is_some() {
                        found.insert(term.to_owned());
                    }
                }
            }
            PartAt::Tail(tail) => {
                for term in tail.tail.terms.names(|term| term.starts_with(prefix)) {
                    if part.list(&term, meter)?.is_some() {
                        found.insert(term.to_string());
                    }
                }
            }
        }
        all.extend(found.into_iter().take(MAX_WITH_PREFIX));
    }
    Ok(all.into_iter().take(MAX_WITH_PREFIX).collect())
}

/// The live terms that differ from `word` by at most `typos` letters, and by how many they do.
pub(in crate::text) fn near(
    parts: &[PartAt<'_>],
    word: &str,
    typos: u8,
    meter: &mut Meter<'_>,
) -> Result<Vec<(String, u8)>, TextError> {
    let mut all = BTreeMap::<String, (u8, u64)>::new();
    let mut automaton = Automaton::new(word, typos);
    for part in parts {
        let mut found = Vec::new();
        match part {
            PartAt::Sealed { sealed, .. } => {
                let mut cursor = TermCursor::default();
                let (mut dead, mut steps) = (Vec::new(), 0);
                while let Some((term, _)) = cursor.next(&sealed.image)? {
                    meter.spend(8)?;
                    if !dead.is_empty() && term.as_bytes().starts_with(&dead) {
                        steps += 1;
                        if steps > MAX_STEPS {
                            if !make_successor(&mut dead) {
                                break;
                            }
                            cursor = TermCursor::seek(&sealed.image, &dead)?;
                            dead.clear();
                        }
                        continue;
                    }
                    match automaton.look_at(term) {
                        Verdict::Near(distance) => found.push((term.to_owned(), distance)),
                        Verdict::Far => {}
                        Verdict::Dead(bytes) => {
                            dead.clear();
                            dead.extend_from_slice(&term.as_bytes()[..bytes]);
                            steps = 0;
                        }
                    }
                }
            }
            PartAt::Tail(tail) => {
                for term in tail.tail.terms.names(|_| true) {
                    meter.spend(8)?;
                    if let Verdict::Near(distance) = automaton.look_at(&term) {
                        found.push((term.to_string(), distance));
                    }
                }
            }
        }
        for (term, distance) in found {
            if let Some((_, frequency)) = part.list(&term, meter)? {
                all.entry(term).or_insert((distance, 0)).1 += frequency;
            }
        }
    }
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_by(|(a, (a_far, a_many)), (b, (b_far, b_many))| {
        (a_far, Reverse(a_many), a).cmp(&(b_far, Reverse(b_many), b))
    });
    all.truncate(MAX_NEAR);
    Ok(all.into_iter().map(|(term, (distance, _))| (term, distance)).collect())
}

/// Makes `prefix` the least bytes above all that begin with it; false if there are none.
fn make_successor(prefix: &mut Vec<u8>) -> bool {
    while let Some(last) = prefix.pop() {
        if last < u8::MAX {
            prefix.push(last + 1);
            return true;
        }
    }
    false
}
