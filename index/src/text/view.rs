//! The index as it was at one sequence.
//!
//! **Invariant:** a view answers the same for ever, whatever the writer does meanwhile: it pins
//! how many entries the tail had, and an entry that dies later dies at a later sequence.

use super::analysis::Analyzer;
use super::bm25::{Bm25, Collection, Formula, Scorer};
use super::part::PartAt;
use super::query::{Kind, Leaf, Occur, Query, Resolved};
use super::sealed::Sealed;
use super::search::{
    Clauses, Collector, Cursor, Everything, Group, List, MemoryList, Meter, Search, TextHit, Top,
    near, phrase, with_prefix,
};
use super::tail::{Tail, TailAt};
use super::writer::Segment;
use crate::image::ImageError;
use roaring::RoaringBitmap;
use std::collections::BTreeSet;
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

/// A tail that takes no more documents.
#[derive(Clone)]
pub(super) struct Frozen {
    pub(super) tail: Arc<Tail>,
    pub(super) entries: u32,
}

/// What the writer and its views share.
#[derive(Clone)]
pub(super) struct Parts {
    pub(super) analyzer: Analyzer,
    pub(super) sealed: Vec<Arc<Sealed>>,
    /// Tails that are to become segments, the oldest first.
    pub(super) frozen: Vec<Frozen>,
    pub(super) tail: Arc<Tail>,
}

/// What a view pins.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pin {
    pub(super) seq: u64,
    /// Entries of the tail.
    pub(super) entries: u32,
    pub(super) collection: Collection,
}

/// The live documents at one sequence. Cheap to clone; any number may be held and used at once.
#[derive(Clone)]
pub struct TextView {
    pub(super) parts: Arc<Parts>,
    pub(super) pin: Pin,
    parameters: Bm25,
}

/// A leaf in each part, and how many live documents have it.
struct Found<'a> {
    said: f64,
    lists: Vec<Option<List<'a>>>,
    frequency: u64,
}

/// How much less a word counts for each letter that it differs by.
const TYPO_SHARE: f64 = 0.5;

impl<'a> Found<'a> {
    /// Looks in each part for something that is said so often.
    fn look(
        said: f64,
        parts: &[PartAt<'a>],
        mut list: impl FnMut(&PartAt<'a>) -> Result<Option<(List<'a>, u64)>, TextError>,
    ) -> Result<Self, TextError> {
        let mut found = Found { said, lists: Vec::with_capacity(parts.len()), frequency: 0 };
        for part in parts {
            let (list, frequency) = list(part)?.unzip();
            found.frequency += frequency.unwrap_or(0);
            found.lists.push(list);
        }
        Ok(found)
    }

    /// Several terms, as if they were one.
    fn any_of(
        said: f64,
        terms: &[String],
        parts: &[PartAt<'a>],
        meter: &mut Meter<'_>,
    ) -> Result<Self, TextError> {
        Self::look(said, parts, |part| {
            let mut lists = Vec::new();
            for term in terms {
                lists.extend(part.list(term, meter)?.map(|(list, _)| list));
            }
            Ok(counted(MemoryList::of_any(lists.iter(), |entry| part.is_live(entry), meter)?))
        })
    }
}

/// A list and how many documents it has, if it has any.
fn counted<'a>(list: MemoryList) -> Option<(List<'a>, u64)> {
    let frequency = list.entries.len() as u64;
    (frequency > 0).then_some((List::Memory(list), frequency))
}

/// Where a leaf is found; in several ways, if some of them count less.
fn look_up<'a>(
    leaf: &Leaf,
    parts: &[PartAt<'a>],
    meter: &mut Meter<'_>,
) -> Result<Vec<Found<'a>>, TextError> {
    let said = leaf.said;
    Ok(match &leaf.kind {
        Kind::Term(term) => vec![Found::look(said, parts, |part| part.list(term, meter))?],
        Kind::Phrase(terms) => {
            vec![Found::look(said, parts, |part| Ok(counted(phrase(part, terms, meter)?)))?]
        }
        Kind::Prefix(prefix) => {
            let terms = with_prefix(parts, prefix, meter)?;
            vec![Found::any_of(said, &terms, parts, meter)?]
        }
        Kind::Fuzzy(word, typos) => {
            let near = near(parts, word, *typos, meter)?;
            let mut found = Vec::new();
            for same in near.chunk_by(|a, b| a.1 == b.1) {
                let said = said * TYPO_SHARE.powi(i32::from(same[0].1));
                let terms: Vec<_> = same.iter().map(|(term, _)| term.clone()).collect();
                found.push(Found::any_of(said, &terms, parts, meter)?);
            }
            found
        }
    })
}

/// Cursors over the lists of one part.
fn cursors<'a>(
    leaves: &mut [Found<'a>],
    part: usize,
    scorer: &Scorer,
) -> Result<Vec<Cursor<'a>>, ImageError> {
    leaves
        .iter_mut()
        .filter_map(|found| {
            let weight = scorer.weight(found.said, found.frequency);
            found.lists[part].take().map(|list| Cursor::new(list, weight, scorer))
        })
        .collect()
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
        Ok(self.find(ordinal)?.is_some())
    }

    /// The segments, to be kept and given to [`TextIndex::from_segments`](super::TextIndex::from_segments).
    /// What lies in memory is in none of them.
    pub fn segments(&self) -> impl Iterator<Item = Segment> {
        self.parts.sealed.iter().map(|sealed| sealed.segment(self.pin.seq))
    }

    /// The best `k` documents for `query`: by descending score, then ascending ordinal; only those in
    /// `filter`, if there is one. Filters change no score; a word that the query repeats weighs as often
    /// as it stands there.
    ///
    /// Asks `keep_going` every few thousand postings.
    ///
    /// # Errors
    /// [`TextError::Stopped`] once `keep_going` says no.
    pub fn search(
        &self,
        query: &Query,
        k: usize,
        filter: Option<&RoaringBitmap>,
        keep_going: &mut dyn FnMut() -> bool,
    ) -> Result<Vec<TextHit>, TextError> {
        if k == 0 || filter.is_some_and(RoaringBitmap::is_empty) {
            return Ok(Vec::new());
        }
        let mut top = Top::new(k);
        self.run(query, filter, &mut top, &mut Meter::new(keep_going))?;
        Ok(top.into_hits())
    }

    /// The scores of those among `ordinals` that `query` finds, by ascending ordinal; the others score
    /// zero.
    ///
    /// # Errors
    /// [`TextError::Stopped`] once `keep_going` says no.
    pub fn scores(
        &self,
        query: &Query,
        ordinals: &RoaringBitmap,
        keep_going: &mut dyn FnMut() -> bool,
    ) -> Result<Vec<(u32, f32)>, TextError> {
        let mut scores = Everything::default();
        if !ordinals.is_empty() {
            self.run(query, Some(ordinals), &mut scores, &mut Meter::new(keep_going))?;
        }
        let Everything(mut scores) = scores;
        scores.sort_unstable_by_key(|&(ordinal, _)| ordinal);
        Ok(scores)
    }

    /// The scores of those among `ordinals`, by ascending ordinal, that each thing gives by itself which
    /// `query` wants: a word, a phrase, a beginning. They add up to those of [`scores`](Self::scores).
    ///
    /// # Errors
    /// [`TextError::Stopped`] once `keep_going` says no.
    pub fn scores_by_term(
        &self,
        query: &Query,
        ordinals: &RoaringBitmap,
        keep_going: &mut dyn FnMut() -> bool,
    ) -> Result<Vec<Vec<(u32, f32)>>, TextError> {
        let meter = &mut Meter::new(keep_going);
        let resolved = self.resolve(query);
        let parts: Vec<PartAt<'_>> = self.parts().filter(|part| part.entries() > 0).collect();
        let mut wanted = Vec::new();
        for leaf in resolved.wanted() {
            wanted.extend(look_up(leaf, &parts, meter)?);
        }
        let scorer = self.scorer(wanted.iter().map(|found| (found.said, found.frequency)));
        let mut by_term = Vec::with_capacity(wanted.len());
        for found in &mut wanted {
            let mut own = Everything::default();
            for (at, &part) in parts.iter().enumerate() {
                let optional = cursors(std::slice::from_mut(found), at, &scorer)?;
                let clauses = Clauses { required: vec![], optional, excluded: vec![] };
                let filter = Some(ordinals);
                Search { part, scorer: &scorer, filter, meter }.run(clauses, &mut own)?;
            }
            own.0.sort_unstable_by_key(|&(ordinal, _)| ordinal);
            by_term.push(own.0);
        }
        Ok(by_term)
    }

    /// Those among `ordinals` that have all that `query` requires and nothing that it excludes, whether
    /// they have any other word of it or not.
    ///
    /// # Errors
    /// [`TextError::Stopped`] once `keep_going` says no.
    pub fn admitted(
        &self,
        query: &Query,
        mut ordinals: RoaringBitmap,
        keep_going: &mut dyn FnMut() -> bool,
    ) -> Result<RoaringBitmap, TextError> {
        for clause in query.clauses() {
            let is_required = match clause.occur {
                Occur::Should => continue,
                Occur::Must => true,
                Occur::MustNot => false,
            };
            let occur = if is_required { Occur::Must } else { Occur::Should };
            let alone = query.alone(occur, clause.pattern.clone());
            // Signs without a letter ask for nothing.
            if self.resolve(&alone).wanted().next().is_none() {
                continue;
            }
            let have = self.scores(&alone, &ordinals, keep_going)?;
            let have = have.into_iter().map(|(ordinal, _)| ordinal).collect::<RoaringBitmap>();
            if is_required {
                ordinals &= have;
            } else {
                ordinals -= have;
            }
        }
        Ok(ordinals)
    }

    /// The terms of `query` that the document has, ascending and in their folded form.
    pub fn matched_terms(&self, query: &Query, ordinal: u32) -> Result<Vec<String>, TextError> {
        let Some((part, entry)) = self.find(ordinal)? else { return Ok(Vec::new()) };
        let mut keep_going = || true;
        let meter = &mut Meter::new(&mut keep_going);
        let scorer = self.scorer(std::iter::empty());
        let resolved = self.resolve(query);
        let parts = [part];
        let mut terms = BTreeSet::new();
        for leaf in resolved.wanted() {
            match &leaf.kind {
                Kind::Term(term) => drop(terms.insert(term.clone())),
                Kind::Phrase(parts) => terms.extend(parts.iter().map(|part| part.term.clone())),
                Kind::Prefix(prefix) => terms.extend(with_prefix(&parts, prefix, meter)?),
                Kind::Fuzzy(word, typos) => {
                    terms.extend(near(&parts, word, *typos, meter)?.into_iter().map(|near| near.0));
                }
            }
        }
        let mut matched = Vec::new();
        for term in terms {
            if let Some((list, _)) = part.list(&term, meter)?
                && Cursor::new(list, 0.0, &scorer)?.tf_of(entry, &scorer)? > 0
            {
                matched.push(term);
            }
        }
        Ok(matched)
    }

    /// A query as terms of the index.
    fn resolve(&self, query: &Query) -> Resolved {
        Resolved::new(query, &query.analyzers(&self.parts.analyzer))
    }

    /// The parts of the index; each live document lies in one.
    pub(super) fn parts(&self) -> impl Iterator<Item = PartAt<'_>> {
        let Pin { seq, entries, .. } = self.pin;
        let Parts { sealed, frozen, tail, .. } = &*self.parts;
        let sealed = sealed.iter().map(move |sealed| PartAt::Sealed { sealed, seq });
        let frozen = frozen.iter().map(move |Frozen { tail, entries }| TailAt {
            tail,
            entries: *entries,
            seq,
        });
        sealed.chain(frozen.chain([TailAt { tail, entries, seq }]).map(PartAt::Tail))
    }

    /// Where a live document lies.
    fn find(&self, ordinal: u32) -> Result<Option<(PartAt<'_>, u32)>, ImageError> {
        for part in self.parts() {
            if let Some(entry) = part.find(ordinal)? {
                return Ok(Some((part, entry)));
            }
        }
        Ok(None)
    }

    /// Scores terms that are said so often and that so many documents have.
    fn scorer(&self, terms: impl Iterator<Item = (f64, u64)>) -> Scorer {
        Scorer::new(Formula::new(self.parameters, self.pin.collection), terms)
    }

    /// Hands every document that the query finds and the collector wants to the collector.
    fn run(
        &self,
        query: &Query,
        filter: Option<&RoaringBitmap>,
        collector: &mut impl Collector,
        meter: &mut Meter<'_>,
    ) -> Result<(), TextError> {
        let resolved = self.resolve(query);
        let parts: Vec<PartAt<'_>> = self.parts().filter(|part| part.entries() > 0).collect();
        let mut find = |leaves: &[Leaf]| {
            let mut found = Vec::with_capacity(leaves.len());
            for leaf in leaves {
                found.extend(look_up(leaf, &parts, meter)?);
            }
            Ok::<_, TextError>(found)
        };
        let mut required = Vec::with_capacity(resolved.required.len());
        for group in &resolved.required {
            let group = find(group)?;
            if group.iter().all(|found| found.frequency == 0) {
                return Ok(());
            }
            required.push(group);
        }
        let mut optional = find(&resolved.optional)?;
        let mut excluded = find(&resolved.excluded)?;

        let counted = optional.iter().chain(required.iter().flatten());
        let scorer = self.scorer(counted.map(|found| (found.said, found.frequency)));
        for (at, &part) in parts.iter().enumerate() {
            let mut groups = Vec::with_capacity(required.len());
            for group in &mut required {
                groups.push(Group::new(cursors(group, at, &scorer)?));
            }
            let clauses = Clauses {
                required: groups,
                optional: cursors(&mut optional, at, &scorer)?,
                excluded: cursors(&mut excluded, at, &scorer)?,
            };
            Search { part, scorer: &scorer, filter, meter }.run(clauses, collector)?;
        }
        Ok(())
    }
}
