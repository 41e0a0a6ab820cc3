//! Requests: recalls, searches for neighbours, listings.

use crate::control::Cancellation;
use crate::convert::{duration_of, time_of};
use crate::error::{Failure, invalid};
use crate::tokens::Raised;
use crate::vectors::{matrix_of, vector_of};
use memlith::{
    AsOf, Context, Cut, Filter, Fusion, Likeness, List, Nearest, Order, Recall, SearchEffort, Seq,
    Space,
};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use std::time::Duration;

/// Keyword arguments that are looked up by name.
struct Asked<'a, 'py>(&'a Bound<'py, PyDict>);

impl<'py> Asked<'_, 'py> {
    fn get(&self, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(self.0.get_item(name)?.filter(|value| !value.is_none()))
    }

    fn text(&self, name: &str) -> PyResult<Option<String>> {
        self.get(name)?.map(|value| value.extract()).transpose()
    }

    fn float(&self, name: &str) -> PyResult<Option<f32>> {
        self.get(name)?.map(|value| value.extract()).transpose()
    }

    fn deadline(&self) -> PyResult<Option<Duration>> {
        self.get("deadline")?.map(|value| duration_of(&value, "deadline")).transpose()
    }

    fn cancellation(&self) -> PyResult<Option<memlith::Cancellation>> {
        self.get("cancellation")?.as_ref().map(cancellation_of).transpose()
    }
}

/// A filter in its language.
pub(crate) fn filter_of(text: &str) -> PyResult<Filter> {
    let parsed: memlith::Result<Filter> = text.parse::<Filter>().map_err(Into::into);
    Ok(parsed.map_err(Failure::from)?)
}

pub(crate) fn effort_of(value: &Bound<'_, PyAny>) -> PyResult<SearchEffort> {
    if let Ok(ef) = value.extract::<usize>() {
        return Ok(SearchEffort::Ef(ef));
    }
    memlith_json::effort(value.cast::<PyString>()?.to_str()?).map_err(invalid)
}

fn cancellation_of(value: &Bound<'_, PyAny>) -> PyResult<memlith::Cancellation> {
    Ok(value.cast::<Cancellation>()?.get().0.clone())
}

fn cut_of(value: &Bound<'_, PyAny>) -> PyResult<Cut> {
    if let Ok(share) = value.extract::<f32>() {
        return Ok(Cut::OfBest(share));
    }
    match value.cast::<PyString>()?.to_str()? {
        "gap" => Ok(Cut::Gap),
        word => {
            Err(invalid(format!("cut: {word:?} is neither \"gap\" nor a share of the best score")))
        }
    }
}

/// What `recall` asks for.
pub(crate) fn recall(
    text: Option<String>,
    asked: Option<&Bound<'_, PyDict>>,
) -> PyResult<(Recall, Raised)> {
    let (mut recall, mut raised) = (Recall::new(), Raised::default());
    recall.text = text;
    let Some(asked) = asked else { return Ok((recall, raised)) };
    // A part of it is a filter, beside the one that is given.
    let mut situation: Vec<(Bound<'_, PyAny>, Bound<'_, PyAny>)> = Vec::new();
    for (name, value) in asked {
        let name = name.cast::<PyString>()?.to_str()?;
        if value.is_none() {
            continue;
        }
        match name {
            "vector" => recall.vector = Some(vector_of(&value)?),
            "space" => recall.space = Some(value.extract()?),
            "also" => {
                for (space, vector) in value.cast::<PyDict>()? {
                    let vector = if vector.is_none() { None } else { Some(vector_of(&vector)?) };
                    recall.also.push((space.extract()?, vector));
                }
            }
            "namespace" => recall.namespace = Some(value.extract()?),
            "filter" => recall.filter = Some(filter_of(value.cast::<PyString>()?.to_str()?)?),
            "limit" => recall.limit = value.extract()?,
            "offset" => recall.offset = value.extract()?,
            "min_score" => recall.min_score = Some(value.extract()?),
            "cut" => recall.cut = Some(cut_of(&value)?),
            "signs" => recall.signs = value.extract()?,
            "diversity" => recall.diversity = value.extract()?,
            "max_tokens" => recall.max_tokens = Some(value.extract()?),
            "tokens" => (recall.tokens, raised) = Raised::by(value),
            "snippet" => recall.snippet = Some(value.extract()?),
            "neighbours" => recall.neighbours = value.extract()?,
            "reciprocal_rank" => {
                recall.fusion = Fusion::ReciprocalRank { k: value.extract()? };
            }
            "weights" => weights(&mut recall, value.cast::<PyDict>()?)?,
            "boosts" => {
                for (filter, weight) in value.cast::<PyDict>()? {
                    let filter = filter_of(filter.cast::<PyString>()?.to_str()?)?;
                    recall.boosts.push((filter, weight.extract()?));
                }
            }
            "situation" => situation.extend(value.cast::<PyDict>()?),
            "collapse" => recall.collapse = likeness_of(&value)?,
            "as_of" => recall.as_of = Some(as_of(&value)?),
            "half_life" => recall.half_life = duration_of(&value, name)?,
            "include_superseded" => recall.include_superseded = value.extract()?,
            "explain" => recall.explain = value.extract()?,
            "effort" => recall.effort = effort_of(&value)?,
            "deadline" => recall.deadline = Some(duration_of(&value, name)?),
            "cancellation" => recall.cancellation = Some(cancellation_of(&value)?),
            _ => return Err(unknown("recall", name)),
        }
    }
    for (name, value) in situation {
        let attribute = memlith_json::situated(name.extract()?).map_err(invalid)?;
        if let Ok((label, weight)) = value.extract::<(String, f32)>() {
            recall.boosts.push((Filter::on(attribute).is(label), weight));
        } else {
            let all = recall.filter.take().unwrap_or(Filter::All);
            recall.filter = Some(all.and(Filter::on(attribute).is(value.extract::<String>()?)));
        }
    }
    Ok((recall, raised))
}

/// `True`, or the thresholds that are not the usual ones.
pub(crate) fn likeness_of(value: &Bound<'_, PyAny>) -> PyResult<Option<Likeness>> {
    let usual = Likeness::default();
    if let Ok(is_wanted) = value.extract::<bool>() {
        return Ok(is_wanted.then_some(usual));
    }
    let given = value.cast::<PyDict>()?;
    check_names("collapse", given, &["words", "vector"])?;
    let given = Asked(given);
    let words = given.float("words")?.unwrap_or(usual.words);
    Ok(Some(Likeness::new(words, given.float("vector")?.unwrap_or(usual.vector))))
}

/// The number of a commit, or a time.
fn as_of(value: &Bound<'_, PyAny>) -> PyResult<AsOf> {
    match value.extract::<u64>() {
        Ok(seq) => Ok(AsOf::Seq(Seq(seq))),
        Err(_) => Ok(AsOf::Time(time_of(value, "as_of")?)),
    }
}

fn weights(recall: &mut Recall, given: &Bound<'_, PyDict>) -> PyResult<()> {
    for (name, weight) in given {
        let name = name.cast::<PyString>()?.to_str()?;
        let place = match name {
            "text" => &mut recall.weights.text,
            "vector" => &mut recall.weights.vector,
            "recency" => &mut recall.weights.recency,
            "importance" => &mut recall.weights.importance,
            "valence" => &mut recall.weights.valence,
            "accesses" => &mut recall.weights.accesses,
            "context" => &mut recall.weights.context,
            "neighbourhood" => &mut recall.weights.neighbourhood,
            _ => return Err(unknown("weights", name)),
        };
        *place = weight.extract()?;
    }
    Ok(())
}

fn unknown(what: &str, name: &str) -> PyErr {
    let message = format!("{what} got an unexpected keyword argument {name:?}");
    pyo3::exceptions::PyTypeError::new_err(message)
}

/// What `nearest` asks for.
pub(crate) fn nearest(
    vectors: &Bound<'_, PyAny>,
    asked: Option<&Bound<'_, PyDict>>,
) -> PyResult<Nearest> {
    let mut nearest = Nearest::to_each(matrix_of(vectors)?.into_rows());
    let Some(asked) = asked else { return Ok(nearest) };
    check_names(
        "nearest",
        asked,
        &[
            "space",
            "namespace",
            "filter",
            "limit",
            "min_score",
            "effort",
            "include_superseded",
            "deadline",
            "cancellation",
            "also",
        ],
    )?;
    let asked = Asked(asked);
    nearest.space = asked.text("space")?;
    nearest.namespace = asked.text("namespace")?;
    nearest.filter = asked.text("filter")?.map(|text| filter_of(&text)).transpose()?;
    nearest.min_score = asked.float("min_score")?;
    if let Some(limit) = asked.get("limit")? {
        nearest.limit = limit.extract()?;
    }
    if let Some(effort) = asked.get("effort")? {
        nearest.effort = effort_of(&effort)?;
    }
    if let Some(include) = asked.get("include_superseded")? {
        nearest.include_superseded = include.extract()?;
    }
    nearest.deadline = asked.deadline()?;
    nearest.cancellation = asked.cancellation()?;
    if let Some(also) = asked.get("also")? {
        for (space, vectors) in also.cast::<PyDict>()? {
            let rows = matrix_of(&vectors)?.into_rows();
            nearest = nearest.also_each_in(space.extract::<String>()?, rows);
        }
    }
    Ok(nearest)
}

/// What `context` asks for.
pub(crate) fn context(
    session: Option<String>,
    text: Option<String>,
    asked: Option<&Bound<'_, PyDict>>,
) -> PyResult<(Context, Raised)> {
    let (mut context, mut raised) = (Context::default(), Raised::default());
    (context.session, context.text) = (session, text);
    let Some(asked) = asked else { return Ok((context, raised)) };
    for (name, value) in asked {
        let name = name.cast::<PyString>()?.to_str()?;
        if value.is_none() {
            continue;
        }
        match name {
            "vector" => context.vector = Some(vector_of(&value)?),
            "channel" => context.channel = Some(value.extract()?),
            "namespace" => context.namespace = Some(value.extract()?),
            "filter" => context.filter = Some(filter_of(value.cast::<PyString>()?.to_str()?)?),
            "limit" => context.limit = value.extract()?,
            "max_tokens" => context.max_tokens = value.extract()?,
            "tokens" => (context.tokens, raised) = Raised::by(value),
            "deadline" => context.deadline = Some(duration_of(&value, name)?),
            "cancellation" => context.cancellation = Some(cancellation_of(&value)?),
            _ => return Err(unknown("context", name)),
        }
    }
    Ok((context, raised))
}

/// What `list` asks for.
pub(crate) fn list(asked: Option<&Bound<'_, PyDict>>) -> PyResult<List> {
    let mut list = List::new();
    let Some(asked) = asked else { return Ok(list) };
    check_names(
        "list",
        asked,
        &["namespace", "filter", "order", "page", "after", "deadline", "cancellation"],
    )?;
    let asked = Asked(asked);
    list.namespace = asked.text("namespace")?;
    list.filter = asked.text("filter")?.map(|text| filter_of(&text)).transpose()?;
    if let Some(order) = asked.text("order")? {
        list.order = match &*order {
            "newest" => Order::Newest,
            "oldest" => Order::Oldest,
            "updated" => Order::Updated,
            "importance" => Order::Importance,
            "priority" => Order::Priority,
            _ => {
                let orders = "newest, oldest, updated, importance or priority";
                return Err(invalid(format!("order: must be {orders}")));
            }
        };
    }
    if let Some(page) = asked.get("page")? {
        list.limit = page.extract::<usize>()?.max(1);
    }
    if let Some(after) = asked.text("after")? {
        list.after = Some(after.parse().map_err(Failure::from)?);
    }
    list.deadline = asked.deadline()?;
    list.cancellation = asked.cancellation()?;
    Ok(list)
}

fn check_names(what: &str, asked: &Bound<'_, PyDict>, known: &[&str]) -> PyResult<()> {
    for name in asked.keys() {
        let name = name.cast::<PyString>()?.to_str()?;
        if !known.contains(&name) {
            return Err(unknown(what, name));
        }
    }
    Ok(())
}

/// What a vector space is to be.
pub(crate) fn space(
    name: &str,
    dimension: usize,
    asked: Option<&Bound<'_, PyDict>>,
) -> PyResult<Space> {
    let mut space = Space::new(name, dimension);
    let Some(asked) = asked else { return Ok(space) };
    for (name, value) in asked {
        let name = name.cast::<PyString>()?.to_str()?;
        if value.is_none() {
            continue;
        }
        match name {
            "metric" => {
                let metric = value.extract::<String>()?;
                space.metric = memlith::Metric::from_name(&metric)
                    .ok_or_else(|| invalid("metric: must be cosine, dot or l2"))?;
            }
            "embedder" => space.embedder = Some(value.extract()?),
            "precision" => {
                let precision = value.extract::<String>()?;
                space.precision = memlith::Precision::from_name(&precision)
                    .ok_or_else(|| invalid("precision: must be f32 or f16"))?;
            }
            "m" => space.graph.m = value.extract()?,
            "ef_construction" => space.graph.ef_construction = value.extract()?,
            "ef" => space.graph.ef = value.extract()?,
            "link_from" => space.graph.link_from = value.extract()?,
            "scan_below" => space.graph.scan_below = value.extract()?,
            "clip" => space.clip = value.extract()?,
            _ => return Err(unknown("a space", name)),
        }
    }
    Ok(space)
}
