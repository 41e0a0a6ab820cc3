//! The index as it was at one sequence.
//!
//! **Invariant:** a view answers the same for ever, whatever the writer does meanwhile: it pins
//! how many entries the tail had, and an entry that dies later dies at a later sequence.

use super::analysis::Analyzer;
use super::bm25::{Bm25, Collection, Formula};
use super::image::Postings;
use super::part::{Sealed, SealedAt};
use super::postings::PostingList;
use super::query;
use super::score::{Cursor, Meter, score};
use super::tail::{Tail, TailAt};
use super::top::{TextHit, Top};
use crate::image::ImageError;
use roaring::RoaringBitmap;
use std::sync::Arc;

/// Why a query has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// The image could not be read.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The caller's `keep_going` said no.
    #[error("the query was stopped before it was done")]
    Stopped,
}

/// What the writer and its views share.
pub(super) struct Parts {
    pub(super) analyzer: Analyzer,
    pub(super) sealed: Option<Sealed>,
    pub(super) tail: Tail,
}

/// What a view pins.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pin {
    pub(super) seq: u64,
    /// Entries of the tail.
    pub(super) entries: u32,
    pub(super) collection: Collection,
    /// Entries of the image that had died.
    pub(super) sealed_dead: u32,
    /// Entries of the tail that had died.
    pub(super) tail_dead: u32,
}

/// The live documents at one sequence. Cheap to clone; any number may be held and used at once.
#[derive(Clone)]
pub struct TextView {
    pub(super) parts: Arc<Parts>,
    pub(super) pin: Pin,
    parameters: Bm25,
}

/// A query term and where its postings lie.
struct Term<'a> {
    name: String,
    weight: f64,
    sealed: Option<Postings<'a>>,
    tail: Option<PostingList>,
}

impl TextView {
    pub(super) fn new(parts: Arc<Parts>, pin: Pin) -> Self {
        Self { parts, pin, parameters: Bm25::default() }
    }

    /// The same view, scoring with other parameters. Values outside their range count as the
    /// nearest one inside.
    #[must_use]
    pub fn with_parameters(self, parameters: Bm25) -> Self {
        Self { parameters, ..self }
    }

    /// Live documents.
    pub fn live(&self) -> u64 {
        self.pin.collection.documents
    }

    /// Is the document live?
    pub fn contains(&self, ordinal: u32) -> Result<bool, ImageError> {
        Ok(self.tail().find(ordinal).is_some() || self.find_sealed(ordinal)?.is_some())
    }

    /// The best `k` documents that have a term of `query`: by descending score, then ascending
    /// ordinal; only those in `filter`, if there is one. Filters change no score; a word that the
    /// query repeats weighs as often as it stands there. Any string is a query.
    ///
    /// Visits every posting of every term, and asks `keep_going` every few thousand.
    ///
    /// # Errors
    /// [`TextError::Stopped`] once `keep_going` says no.
    pub fn search(
        &self,
        query: &str,
        k: usize,
        filter: Option<&RoaringBitmap>,
        keep_going: &mut dyn FnMut() -> bool,
    ) -> Result<Vec<TextHit>, TextError> {
        if k == 0 || filter.is_some_and(RoaringBitmap::is_empty) {
            return Ok(Vec::new());
        }
        let mut top = Top::new(k);
        self.score_all(query, keep_going, |hit| {
            if top.takes(hit) && filter.is_none_or(|filter| filter.contains(hit.ordinal)) {
                top.keep(hit);
            }
        })?;
        Ok(top.into_hits())
    }

    /// The scores of those among `ordinals` that have a term of `query`, by ascending ordinal;
    /// the others score zero.
    ///
    /// # Errors
    /// [`TextError::Stopped`] once `keep_going` says no.
    pub fn scores(
        &self,
        query: &str,
        ordinals: &RoaringBitmap,
        keep_going: &mut dyn FnMut() -> bool,
    ) -> Result<Vec<(u32, f32)>, TextError> {
        let mut scores = Vec::new();
        if !ordinals.is_empty() {
            self.score_all(query, keep_going, |hit| {
                if ordinals.contains(hit.ordinal) {
                    scores.push((hit.ordinal, hit.score));
                }
            })?;
        }
        scores.sort_unstable_by_key(|&(ordinal, _)| ordinal);
        Ok(scores)
    }

    /// The terms of `query` that the document has, ascending and in their folded form.
    pub fn matched_terms(&self, query: &str, ordinal: u32) -> Result<Vec<String>, ImageError> {
        let in_tail = self.tail().find(ordinal).map(|(entry, _)| entry);
        let in_sealed = match in_tail {
            Some(_) => None,
            None => self.find_sealed(ordinal)?,
        };
        let mut matched = Vec::new();
        for term in self.lookup(query)? {
            let is_match = if let Some(entry) = in_tail {
                term.tail.is_some_and(|list| list.contains(entry))
            } else if let (Some(entry), Some(mut postings)) = (in_sealed, term.sealed) {
                let found = postings.find(|p| p.as_ref().map_or(true, |p| p.entry >= entry));
                found.transpose()?.is_some_and(|p| p.entry == entry)
            } else {
                false
            };
            if is_match {
                matched.push(term.name);
            }
        }
        Ok(matched)
    }

    pub(super) fn tail(&self) -> TailAt<'_> {
        TailAt { tail: &self.parts.tail, entries: self.pin.entries, seq: self.pin.seq }
    }

    pub(super) fn sealed(&self) -> Option<SealedAt<'_>> {
        self.parts.sealed.as_ref().map(|sealed| SealedAt { sealed, seq: self.pin.seq })
    }

    /// The live entry of `ordinal` in the image.
    fn find_sealed(&self, ordinal: u32) -> Result<Option<u32>, ImageError> {
        let Some(SealedAt { sealed, seq }) = self.sealed() else { return Ok(None) };
        let found = sealed.image.find(ordinal)?.map(|(entry, _)| entry);
        Ok(found.filter(|&entry| sealed.deaths.is_live(entry, seq)))
    }

    /// The terms of `query` and their postings, not yet weighed beyond the times they were said.
    fn lookup(&self, query: &str) -> Result<Vec<Term<'_>>, ImageError> {
        query::terms(&self.parts.analyzer, query)
            .into_iter()
            .map(|(name, said)| {
                let sealed = match &self.parts.sealed {
                    Some(sealed) => sealed.image.postings(&name)?,
                    None => None,
                };
                let tail = self.parts.tail.terms.postings(&name);
                Ok(Term { name, weight: f64::from(said), sealed, tail })
            })
            .collect()
    }

    /// How many live documents have the term. Stored counts are exact until the first death.
    fn frequency(&self, term: &Term<'_>, meter: &mut Meter<'_>) -> Result<u64, TextError> {
        let mut live = 0;
        if let (Some(postings), Some(part)) = (&term.sealed, self.sealed()) {
            if self.pin.sealed_dead == 0 {
                live += u64::from(postings.left());
            } else {
                for posting in postings.clone() {
                    live += u64::from(part.sealed.deaths.is_live(posting?.entry, part.seq));
                    meter.spend(1)?;
                }
            }
        }
        if let Some(list) = &term.tail {
            let part = self.tail();
            if self.pin.tail_dead == 0 {
                live += list.count_below(part.entries);
            } else {
                for posting in part.postings(list) {
                    let slot = part.tail.slots.get(posting?.entry);
                    live += u64::from(slot.is_some_and(|slot| slot.is_live(part.seq)));
                    meter.spend(1)?;
                }
            }
        }
        Ok(live)
    }

    /// Every document with a positive score, in no particular order.
    fn score_all(
        &self,
        query: &str,
        keep_going: &mut dyn FnMut() -> bool,
        mut found: impl FnMut(TextHit),
    ) -> Result<(), TextError> {
        let meter = &mut Meter::new(keep_going);
        let formula = Formula::new(self.parameters, self.pin.collection);
        let mut terms = self.lookup(query)?;
        for term in &mut terms {
            term.weight *= formula.weight(self.frequency(term, meter)?);
        }
        let mut found = |ordinal, score: f64| {
            let score = score as f32;
            if score > 0.0 {
                found(TextHit { ordinal, score });
            }
        };
        if let Some(sealed) = self.sealed() {
            let cursors = terms
                .iter_mut()
                .filter_map(|term| Some(Cursor::new(term.weight, term.sealed.take()?)))
                .collect::<Result<_, _>>()?;
            score(&sealed, cursors, &formula, meter, &mut found)?;
        }
        let tail = self.tail();
        let cursors = terms
            .iter()
            .filter_map(|term| Some((term.weight, term.tail.as_ref()?)))
            .map(|(weight, list)| Cursor::new(weight, tail.postings(list)))
            .collect::<Result<_, _>>()?;
        score(&tail, cursors, &formula, meter, &mut found)
    }
}
