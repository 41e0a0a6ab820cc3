//! The legs that find candidates: text and vector.
//!
//! **Invariant:** a leg scores only what is in scope, exactly, and says so if it could not run.

use super::{Deadline, Leg, LegOutcome, Recall};
use crate::derived::read_vector;
use crate::embed::embed;
use crate::error::Detail;
use crate::ids::{MemoryId, SpaceId};
use crate::memory::{DEFAULT_SPACE, check_embedder, check_vector};
use crate::rows::{Pinned, Rows};
use crate::schema::{Table, vector_key};
use crate::view::View;
use crate::{Error, Result};
use memlith_index::text::TextError;
use memlith_index::vectors::{SearchError, SearchLimits, VectorView};
use roaring::RoaringBitmap;

/// An ordinal and how a leg scored it.
pub(super) type Scored = (u32, f32);

/// A query of one leg, ready to run.
pub(super) enum Probe<'a> {
    Text(&'a str),
    Vector { space: SpaceId, index: &'a VectorView, query: Vec<f32> },
}

impl Probe<'_> {
    pub(super) fn leg(&self) -> Leg {
        match self {
            Probe::Text(_) => Leg::Text,
            Probe::Vector { .. } => Leg::Vector,
        }
    }

    /// The best `k` in scope, best first.
    pub(super) fn best(
        &self,
        view: &View,
        k: usize,
        scope: &RoaringBitmap,
        deadline: &Deadline,
    ) -> Result<Vec<Scored>> {
        let mut keep_going = || !deadline.has_passed();
        match self {
            Probe::Text(text) => {
                let hits = view.versions().text.search(text, k, Some(scope), &mut keep_going);
                Ok(hits.map_err(text_error)?.iter().map(|h| (h.ordinal, h.score)).collect())
            }
            Probe::Vector { space, index, query } => {
                let rows = view.rows()?;
                let limits = SearchLimits::keep_going(&mut keep_going);
                let mut fetch = |ordinal, out: &mut [f32]| fetch(view, &rows, *space, ordinal, out);
                let hits = index.search(query, k, Some(scope), limits, &mut fetch);
                Ok(hits.map_err(search_error)?.iter().map(|h| (h.ordinal, h.score)).collect())
            }
        }
    }

    /// The scores of given ordinals; those without one are left out.
    pub(super) fn scores(
        &self,
        view: &View,
        ordinals: &RoaringBitmap,
        deadline: &Deadline,
    ) -> Result<Vec<Scored>> {
        match self {
            Probe::Text(text) => {
                let mut keep_going = || !deadline.has_passed();
                view.versions().text.scores(text, ordinals, &mut keep_going).map_err(text_error)
            }
            Probe::Vector { space, index, query } => {
                let rows = view.rows()?;
                let ordinals: Vec<u32> = ordinals.iter().collect();
                let mut fetch = |ordinal, out: &mut [f32]| fetch(view, &rows, *space, ordinal, out);
                let hits = index.score_of(&ordinals, query, &mut fetch).map_err(search_error)?;
                Ok(hits.iter().map(|h| (h.ordinal, h.score)).collect())
            }
        }
    }
}

/// A leg that was asked for but cannot run.
pub(super) type NotRun = (Leg, LegOutcome);

/// The probes of a request, and the legs that were asked for but cannot run.
pub(super) fn probes<'a>(
    view: &'a View,
    request: &'a Recall,
) -> Result<(Vec<Probe<'a>>, Vec<NotRun>)> {
    let (mut probes, mut not_run) = (Vec::new(), Vec::new());
    if let Some(text) = request.text.as_deref().filter(|_| request.weights.text > 0.0) {
        probes.push(Probe::Text(text));
    }
    let wants_vector = request.vector.is_some() || request.text.is_some();
    if wants_vector && request.weights.vector > 0.0 {
        match vector_probe(view, request)? {
            Ok(probe) => probes.push(probe),
            Err(why) => not_run.push((Leg::Vector, LegOutcome::NotRun { why })),
        }
    }
    Ok((probes, not_run))
}

fn vector_probe<'a>(view: &'a View, request: &Recall) -> Result<Result<Probe<'a>, &'static str>> {
    let catalog = &view.versions().catalog;
    let name = request.space.as_deref().unwrap_or(DEFAULT_SPACE);
    let Some((id, space)) = catalog.space(name) else {
        if request.space.is_some() {
            return Err(Error::not_found("vector space", name));
        }
        return Ok(Err("no memory has a vector yet"));
    };
    let query = match (&request.vector, view.shared().embedders.get(name), &request.text) {
        (Some(vector), _, _) => vector.clone(),
        (None, Some(embedder), Some(text)) => {
            check_embedder(space, embedder.identity())?;
            embed(&**embedder, &[text])?.pop().unwrap_or_default()
        }
        _ => return Ok(Err("no query vector was given, and the space has no embedder")),
    };
    check_vector(space, &query)?;
    let missing = || Error::corruption("index", "an index for every space", name);
    let index = view.versions().vectors.get(id).ok_or_else(missing)?;
    Ok(Ok(Probe::Vector { space: *id, index, query }))
}

fn fetch(view: &View, rows: &Pinned, space: SpaceId, ordinal: u32, out: &mut [f32]) -> Result<()> {
    let id: MemoryId = view.id_of(ordinal)?;
    let missing = || Error::corruption("vector row", "the vector of an index entry", "none");
    let bytes = rows.get(Table::Vectors, &vector_key(space, id))?.ok_or_else(missing)?;
    read_vector(&bytes, out).ok_or_else(missing)
}

fn text_error(e: TextError) -> Error {
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
