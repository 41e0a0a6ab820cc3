//! The legs that find candidates: text and vector.
//!
//! **Invariant:** a leg scores only what is in scope, exactly, and says so if it could not run.

use super::context::Turns;
use super::fuse::LegScores;
use super::{Deadline, Leg, Recall};
use crate::catalog::Space;
use crate::derived::{KnowledgeView, Versions};
use crate::error::Detail;
use crate::graph_options::SearchEffort;
use crate::ids::SpaceId;
use crate::memory::{DEFAULT_SPACE, check_vector};
use crate::rows::SpaceVectors;
use crate::view::View;
use crate::{Error, Result};
use memlith_index::attributes::Attributes;
use memlith_index::text::{Query, TextError};
use memlith_index::vectors::{Effort, Found, Search, SearchError, SearchLimits, VectorView};
use roaring::RoaringBitmap;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// The part of the `ef` of a space that a fast search keeps.
const FAST_SHARE: usize = 3;

/// An ordinal and how a leg scored it.
pub(super) type Scored = (u32, f32);

/// A query of one leg, ready to run.
pub(super) enum Probe<'a> {
    Text(Query),
    Vector(VectorProbe<'a>),
}

/// A query of one vector space.
pub(crate) struct VectorProbe<'a> {
    pub(super) name: &'a str,
    pub(super) target: Target<'a>,
    pub(super) query: Cow<'a, [f32]>,
    pub(super) effort: Effort,
    scan_below: usize,
}

/// What a leg says of the turns around candidates.
pub(super) enum Told {
    /// Of each term.
    ByTerm(Vec<Vec<Scored>>),
    Whole(Vec<Scored>),
}

impl Told {
    /// The scores by ordinal.
    pub(super) fn scores(&self) -> Vec<Scored> {
        match self {
            Told::Whole(scores) => scores.clone(),
            Told::ByTerm(terms) => {
                let mut all: Vec<Scored> = terms.iter().flatten().copied().collect();
                // Stable: of one ordinal the terms are added in their order.
                all.sort_by_key(|(ordinal, _)| *ordinal);
                let sum = |own: &[Scored]| own.iter().fold(0.0, |sum, (_, score)| sum + score);
                all.chunk_by(|a, b| a.0 == b.0).map(|own| (own[0].0, sum(own))).collect()
            }
        }
    }

    /// What each receives from those around it, in the unit of the leg's scores.
    pub(super) fn lent(self, turns: &Turns, scores: &LegScores) -> Vec<Scored> {
        match self {
            Told::ByTerm(terms) => turns.lent_by_term(&terms),
            Told::Whole(mut near) => {
                for (_, score) in &mut near {
                    *score = scores.place(*score);
                }
                let mut lent = turns.lent_by_best(&near);
                for (_, part) in &mut lent {
                    *part *= scores.span();
                }
                lent
            }
        }
    }
}

impl Probe<'_> {
    pub(super) fn leg(&self) -> Leg {
        match self {
            Probe::Text(_) => Leg::Text,
            Probe::Vector(_) => Leg::Vector,
        }
    }

    /// Of a vector leg.
    pub(super) fn space(&self) -> Option<&str> {
        match self {
            Probe::Text(_) => None,
            Probe::Vector(vector) => Some(vector.name),
        }
    }

    /// The space of a vector leg, and how long its vectors are.
    pub(super) fn vectors(&self) -> Option<(SpaceId, usize)> {
        match self {
            Probe::Text(_) => None,
            Probe::Vector(vector) => Some((vector.target.id, vector.query.len())),
        }
    }

    /// The best `k` in scope, best first, and how they were found.
    pub(super) fn best(
        &self,
        view: &View,
        k: usize,
        scope: &RoaringBitmap,
        deadline: &Deadline,
    ) -> Result<(Vec<Scored>, Option<&'static str>)> {
        let mut keep_going = || !deadline.has_passed();
        match self {
            Probe::Text(query) => {
                let hits = view.versions().text.search(query, k, Some(scope), &mut keep_going);
                let scored =
                    hits.map_err(text_error)?.iter().map(|h| (h.ordinal, h.score)).collect();
                Ok((scored, None))
            }
            Probe::Vector(vector) => {
                let found = vector.best(view, k, narrowing(view, scope), deadline)?;
                let scored = found.hits.iter().map(|h| (h.ordinal, h.score)).collect();
                Ok((scored, Some(found.plan.strategy.name())))
            }
        }
    }

    /// What this leg says of all members of `turns`.
    pub(super) fn tell(&self, view: &View, turns: &Turns, deadline: &Deadline) -> Result<Told> {
        let members = turns.members();
        Ok(match self {
            Probe::Text(query) => {
                let mut keep_going = || !deadline.has_passed();
                let terms = view.versions().text.scores_by_term(query, &members, &mut keep_going);
                Told::ByTerm(terms.map_err(text_error)?)
            }
            Probe::Vector(_) => Told::Whole(self.scores(view, &members, deadline)?),
        })
    }

    /// The scores of given ordinals; those without one are left out.
    pub(super) fn scores(
        &self,
        view: &View,
        ordinals: &RoaringBitmap,
        deadline: &Deadline,
    ) -> Result<Vec<Scored>> {
        match self {
            Probe::Text(query) => {
                let mut keep_going = || !deadline.has_passed();
                view.versions().text.scores(query, ordinals, &mut keep_going).map_err(text_error)
            }
            Probe::Vector(VectorProbe { target, query, .. }) => {
                let rows = view.rows()?;
                let vectors = rows.vectors_of(target.id)?;
                let ordinals: Vec<u32> = ordinals.iter().collect();
                let mut fetch = |ordinal, out: &mut [f32]| target.fetch(&vectors, ordinal, out);
                let hits = target.index.score_of(&ordinals, query, &mut fetch);
                let hits = hits.map_err(search_error)?;
                Ok(hits.iter().map(|h| (h.ordinal, h.score)).collect())
            }
        }
    }
}

impl<'a> VectorProbe<'a> {
    pub(crate) fn new(
        name: &'a str,
        target: Target<'a>,
        query: Cow<'a, [f32]>,
        effort: SearchEffort,
    ) -> Result<Self> {
        let space = target.space;
        check_vector(space, &query)?;
        let (effort, scan_below) = (effort_of(space, effort), space.graph.scan_below);
        Ok(VectorProbe { name, target, query, effort, scan_below })
    }

    /// The nearest `k` that the filter keeps.
    pub(crate) fn best(
        &self,
        view: &View,
        k: usize,
        filter: Option<&RoaringBitmap>,
        deadline: &Deadline,
    ) -> Result<Found> {
        let mut keep_going = || !deadline.has_passed();
        let limits = SearchLimits::keep_going(&mut keep_going);
        let Self { target, query, effort, scan_below, .. } = self;
        let (effort, scan_below) = (*effort, *scan_below);
        let search = Search { query, k, filter, effort, scan_below };
        target.nearest(view, search, limits)
    }
}

/// The vectors of a space to look in: those of memories, or those of nodes.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(super) id: SpaceId,
    pub(super) space: &'a Space,
    pub(super) index: &'a VectorView,
    /// Whose they are, by ordinal.
    owners: &'a Attributes,
}

impl<'a> Target<'a> {
    /// Those of memories in the space of this name; `None` if there is none.
    pub(super) fn find(view: &'a View, name: &str) -> Result<Option<Self>> {
        let Versions { vectors, attributes, .. } = view.versions();
        Target::among((vectors, attributes), view, name)
    }

    pub(super) fn require(view: &'a View, name: &str) -> Result<Self> {
        Target::find(view, name)?.ok_or_else(|| Error::not_found("vector space", name))
    }

    /// Those of nodes likewise.
    pub(crate) fn require_of_nodes(view: &'a View, name: &str) -> Result<Self> {
        let KnowledgeView { vectors, nodes, .. } = &view.versions().knowledge;
        let found = Target::among((vectors, nodes), view, name)?;
        found.ok_or_else(|| Error::not_found("vector space", name))
    }

    fn among(
        (indexes, owners): (&'a BTreeMap<SpaceId, VectorView>, &'a Attributes),
        view: &'a View,
        name: &str,
    ) -> Result<Option<Self>> {
        let Some((id, space)) = view.versions().catalog.space(name) else { return Ok(None) };
        let missing = || Error::corruption("index", "an index for every space", name);
        let index = indexes.get(id).ok_or_else(missing)?;
        Ok(Some(Target { id: *id, space, index, owners }))
    }

    /// The nearest vectors, which are read from the view.
    pub(super) fn nearest(
        &self,
        view: &View,
        search: Search<'_>,
        limits: SearchLimits<'_>,
    ) -> Result<Found> {
        let rows = view.rows()?;
        let vectors = rows.vectors_of(self.id)?;
        let mut fetch = |ordinal, out: &mut [f32]| self.fetch(&vectors, ordinal, out);
        self.index.find(search, limits, &mut fetch).map_err(search_error)
    }

    fn fetch(&self, vectors: &SpaceVectors<'_>, ordinal: u32, out: &mut [f32]) -> Result<()> {
        let unknown =
            || Error::corruption("index", "an ordinal that was given", ordinal.to_string());
        if !vectors.read(self.owners.id_of(ordinal)?.ok_or_else(unknown)?, out)? {
            return Err(Error::corruption("vector row", "the vector of an index entry", "none"));
        }
        Ok(())
    }
}

/// A leg that was asked for but cannot run.
pub(super) struct NotRun {
    pub(super) leg: Leg,
    pub(super) space: Option<String>,
    pub(super) why: &'static str,
}

/// The probes of a request, and the legs that were asked for but cannot run.
pub(super) fn probes<'a>(
    view: &'a View,
    request: &'a Recall,
) -> Result<(Vec<Probe<'a>>, Vec<NotRun>)> {
    let (mut probes, mut not_run) = (Vec::new(), Vec::new());
    if let Some(query) = view.query_of(request).filter(|_| request.weights.text > 0.0) {
        probes.push(Probe::Text(query));
    }
    if !request.seeks() || request.weights.vector <= 0.0 {
        return Ok((probes, not_run));
    }
    let named = request.spaces().map(|(name, _)| name.unwrap_or(DEFAULT_SPACE));
    check_distinct(named)?;
    for (name, vector) in request.spaces() {
        match vector_probe(view, request, name, vector)? {
            Ok(probe) => probes.push(Probe::Vector(probe)),
            Err(why) => {
                let space = Some(name.unwrap_or(DEFAULT_SPACE).to_owned());
                not_run.push(NotRun { leg: Leg::Vector, space, why });
            }
        }
    }
    Ok((probes, not_run))
}

const NO_VECTOR: &str = "no query vector was given, and the space has no embedder";

/// Refuses a space that is named twice: it would count twice.
pub(super) fn check_distinct<'a>(mut spaces: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut seen = BTreeSet::new();
    if spaces.all(|space| seen.insert(space)) {
        return Ok(());
    }
    Err(Error::invalid("vector spaces of a request", "must be named once at most"))
}

fn vector_probe<'a>(
    view: &'a View,
    request: &'a Recall,
    space: Option<&'a str>,
    vector: Option<&'a [f32]>,
) -> Result<Result<VectorProbe<'a>, &'static str>> {
    let name = space.unwrap_or(DEFAULT_SPACE);
    let Some(target) = Target::find(view, name)? else {
        if space.is_some() {
            return Err(Error::not_found("vector space", name));
        }
        return Ok(Err("no memory has a vector yet"));
    };
    let query = match (vector, &request.text) {
        (Some(vector), _) => Cow::Borrowed(vector),
        (None, Some(text)) => match embedded(view, name, text)? {
            Ok(made) => Cow::Owned(made),
            Err(why) => return Ok(Err(why)),
        },
        (None, None) => return Ok(Err(NO_VECTOR)),
    };
    VectorProbe::new(name, target, query, request.effort).map(Ok)
}

/// What the embedder of a space makes of a text, or why there is none to make anything of it.
pub(crate) fn embedded(
    view: &View,
    space: &str,
    text: &str,
) -> Result<Result<Vec<f32>, &'static str>> {
    let catalog = &view.versions().catalog;
    match view.shared().embedders.serving(catalog, space)? {
        Some(embedder) => {
            let made = view.shared().embeddings.embed(&**embedder, &[text], view)?.pop();
            Ok(Ok(made.map(|made| made.vector).unwrap_or_default()))
        }
        None if catalog.successor(space).is_some() => {
            Ok(Err("no query vector was given, and the space is still that of an embedder which \
             is not at hand"))
        }
        None => Ok(Err(NO_VECTOR)),
    }
}

/// What the index is asked for.
pub(super) fn effort_of(space: &Space, effort: SearchEffort) -> Effort {
    match effort {
        SearchEffort::Exact => Effort::Exact,
        SearchEffort::Ef(ef) => Effort::Ef(ef),
        SearchEffort::Fast => Effort::Ef(space.graph.ef.div_ceil(FAST_SHARE)),
        SearchEffort::Balanced => Effort::Ef(space.graph.ef),
    }
}

/// A scope as a filter: none, if it leaves nothing out.
pub(super) fn narrowing<'a>(view: &View, scope: &'a RoaringBitmap) -> Option<&'a RoaringBitmap> {
    (scope.len() < view.versions().attributes.live_len()).then_some(scope)
}

pub(crate) fn text_error(e: TextError) -> Error {
    match e {
        TextError::Stopped => Detail::Deadline { doing: "searching text" }.into(),
        TextError::Image(e) => e.into(),
        other => Error::corruption("text index", "a readable index", other.to_string()),
    }
}

fn search_error(e: SearchError<Error>) -> Error {
    match e {
        SearchError::Stopped => Detail::Deadline { doing: "searching vectors" }.into(),
        SearchError::Fetch { source, .. } => source,
        SearchError::Image(e) => e.into(),
        other => Error::corruption("vector index", "a readable index", other.to_string()),
    }
}
