//! Nodes by words: what they are called, and what is said of them.
//!
//! **Invariant:** what a transaction wrote is found by the next read; scores depend on the words of all
//! nodes of the file alone, however they lie in segments.

use super::Node;
use super::read::Graph;
use super::walk::MAX_WALKED;
use crate::error::check_limit;
use crate::filter::Filter;
use crate::ids::NodeId;
use crate::recall::text_error;
use crate::{Error, Result};
use memlith_index::text::Query;
use std::time::Duration;

/// Which nodes to look for: ten of any, by words, unless it says more.
///
/// ```
/// # let db = memlith::Options::new().in_memory()?;
/// use memlith::{NewNode, NodeSearch};
/// let graph = db.graph("default");
/// graph.upsert_node(NewNode::new("ada").kind("person").name("Ada Lovelace"))?;
/// graph.upsert_node(NewNode::new("lovelace").kind("crater"))?;
/// let people = NodeSearch::new("Lovelace").filter("kind:person".parse()?);
/// let found = graph.read()?.search(&people)?;
/// assert_eq!((found.len(), &*found[0].node.external_id), (1, "ada"));
/// # Ok::<(), memlith::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NodeSearch {
    /// Words that occur in the external id, the name, an alias, or a text at a declared path of the
    /// properties ([`WriteTx::index_metadata`](crate::WriteTx::index_metadata)).
    pub text: String,
    /// Read the signs in the text; see [`Recall::signs`](crate::Recall::signs).
    pub signs: bool,
    /// Only nodes that match.
    pub filter: Option<Filter>,
    /// Answers at most; 10 unless given.
    pub limit: usize,
    /// Give up after this time, with an error.
    pub deadline: Option<Duration>,
}

impl NodeSearch {
    /// Ten nodes by these words.
    pub fn new(text: impl Into<String>) -> Self {
        NodeSearch { text: text.into(), signs: false, filter: None, limit: 10, deadline: None }
    }

    /// Reads the signs in the text.
    #[must_use]
    pub fn signs(mut self, signs: bool) -> Self {
        self.signs = signs;
        self
    }

    /// Finds only nodes that match.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Sets how many answers there are at most.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Gives up after this time.
    #[must_use]
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(limit);
        self
    }
}

/// A node that was found by words.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FoundNode {
    /// The node.
    pub node: Node,
    /// BM25 of the words.
    pub score: f32,
    /// Which of them it has, as they are indexed.
    pub matched_terms: Vec<String>,
}

impl Graph {
    /// The nodes of the namespace that words say the most of, best first.
    ///
    /// # Errors
    /// [`DeadlineExceeded`](crate::ErrorKind::DeadlineExceeded) if the time ran out.
    pub fn search(&self, request: &NodeSearch) -> Result<Vec<FoundNode>> {
        let NodeSearch { text, filter, limit, .. } = request;
        check_limit("limit of a search", *limit, MAX_WALKED)?;
        let deadline = self.deadline(request.deadline);
        deadline.check("searching the graph")?;
        let mut scope = match filter {
            Some(filter) => {
                filter.validate()?;
                self.matching_nodes(filter, &deadline)?.0
            }
            None => self.all_nodes()?,
        };
        let knowledge = &self.view.versions().knowledge;
        let mut keep_going = || !deadline.has_passed();
        let language = self.view.text_settings().language_in(&self.namespace);
        let query = if request.signs { Query::parse(text) } else { Query::words(text) };
        let query = query.in_languages([language]);
        if request.signs {
            let admitted = knowledge.words.admitted(&query, scope, &mut keep_going);
            scope = deadline.explain(admitted.map_err(text_error))?;
        }
        let hits = knowledge.words.search(&query, *limit, Some(&scope), &mut keep_going);
        let mut found = Vec::new();
        for hit in deadline.explain(hits.map_err(text_error))? {
            let missing = || Error::corruption("text index", "nodes that there are", "another");
            let id = knowledge.nodes.id_of(hit.ordinal)?.ok_or_else(missing)?;
            let node = self.node(NodeId(id))?.ok_or_else(missing)?;
            let matched_terms = knowledge.words.matched_terms(&query, hit.ordinal);
            let matched_terms = matched_terms.map_err(text_error)?;
            found.push(FoundNode { node, score: hit.score, matched_terms });
        }
        Ok(found)
    }
}
