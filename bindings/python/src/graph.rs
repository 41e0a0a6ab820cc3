//! The knowledge graph: JSON goes in and comes out, and `python/memlith/graph.py` makes of it what it is.

use crate::control::Cancellation;
use crate::convert::{json_of, json_to};
use crate::error::{Failure, failure};
use crate::progress::Progress;
use memlith::{Graph, GraphTx, View};
use memlith_json::{
    Change, GraphError, Question, WriteError, analyse, ask, ask_tx, write_node_link,
};
use pyo3::prelude::*;
use serde_json::Value;

impl From<GraphError> for Failure {
    fn from(error: GraphError) -> Self {
        match error {
            GraphError::Engine(error) => error.into(),
            GraphError::Invalid(why) => crate::error::invalid(why).into(),
            GraphError::Stopped => {
                failure("deadline_exceeded", "the analysis was stopped before it was done").into()
            }
        }
    }
}

fn question(name: &str) -> PyResult<Question> {
    Question::from_name(name)
        .ok_or_else(|| crate::error::invalid(format!("there is no question {name:?}")))
}

/// The graph of a namespace, until it is cancelled, if it can be.
pub(crate) fn until(
    view: &View,
    namespace: &str,
    cancellation: Option<&Bound<'_, Cancellation>>,
) -> Graph {
    let graph = view.graph(namespace);
    match cancellation {
        Some(cancellation) => graph.cancellation(&cancellation.get().0),
        None => graph,
    }
}

/// An answer to a question.
pub(crate) fn answer<'py>(
    graph: &Graph,
    name: &str,
    request: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let (py, asked, request) = (request.py(), question(name)?, json_of(request)?);
    let answer = py.detach(|| ask(graph, asked, request));
    json_to(py, &answer.map_err(Failure::from)?)
}

/// The same as a transaction sees it.
pub(crate) fn answer_tx(
    graph: &mut GraphTx<'_, '_>,
    name: &str,
    request: Value,
) -> PyResult<Value> {
    Ok(ask_tx(graph, question(name)?, request).map_err(Failure::from)?)
}

/// An analysis of the graph as a whole; what `progress` raises ends it, and is raised.
pub(crate) fn analysis<'py>(
    graph: &Graph,
    request: &Bound<'py, PyAny>,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let (py, mut progress) = (request.py(), Progress::of(request.py(), progress)?);
    let (told, request) = (&mut progress, json_of(request)?);
    let answer = py.detach(|| {
        analyse(graph, request, &mut |part| {
            told.tell((part * 1e3) as u64, 1_000);
            !told.has_failed()
        })
    });
    progress.finish()?;
    json_to(py, &answer.map_err(Failure::from)?)
}

/// All of it as node-link JSON.
pub(crate) fn document(view: &View, namespace: &str) -> PyResult<String> {
    let mut document = Vec::new();
    write_node_link(&view.graph(namespace), &mut document).map_err(|e| match e {
        WriteError::Engine(e) => Failure::from(e),
        WriteError::Output(e) => failure("internal", &e.to_string()).into(),
    })?;
    String::from_utf8(document).map_err(|e| failure("internal", &e.to_string()))
}

/// A change that is to be made.
pub(crate) fn change_of(change: &Bound<'_, PyAny>) -> PyResult<Change> {
    Ok(Change::read(json_of(change)?).map_err(Failure::from)?)
}

/// The graph of a namespace of something, as a class of `memlith.graph`.
pub(crate) fn graph<'py>(
    class: &str,
    of: &Bound<'py, PyAny>,
    namespace: Option<&str>,
    cancellation: Option<&Bound<'py, Cancellation>>,
) -> PyResult<Bound<'py, PyAny>> {
    let namespace = namespace.unwrap_or(memlith::DEFAULT_NAMESPACE);
    let module = of.py().import("memlith.graph")?;
    match cancellation {
        Some(cancellation) => module.call_method1(class, (of, namespace, cancellation)),
        None => module.call_method1(class, (of, namespace)),
    }
}
