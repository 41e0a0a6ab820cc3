//! One line of a file of queries.
//!
//! **Invariant:** fields that are not of a query (an id, the relevant answers, a category) are
//! passed over: sets of questions come with all sorts of them. Used by `commands`.

use memlith_json::{Embeddings, reason};
use serde::Deserialize;

/// A question to the file.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Query {
    /// Words to find.
    #[serde(alias = "query")]
    pub(crate) text: Option<String>,
    /// Where to look, in place of what the command line says.
    pub(crate) namespace: Option<String>,
    /// What to look among, in place of what the command line says.
    pub(crate) filter: Option<String>,
    #[serde(alias = "vector")]
    embedding: Option<Embeddings>,
}

impl Query {
    /// Reads a line.
    pub(crate) fn parse(line: &[u8]) -> Result<Query, String> {
        serde_json::from_slice(line).map_err(|e| reason(&e))
    }

    /// Its own vector in this space, taken out of it.
    pub(crate) fn take_vector(&mut self, space: &str) -> Option<Vec<f32>> {
        match self.embedding.take()? {
            Embeddings::Plain(vector) => Some(vector),
            Embeddings::BySpace(spaces) => {
                spaces.into_iter().find(|(name, _)| name == space).map(|(_, vector)| vector)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_fields_are_passed_over() {
        let line =
            br#"{"id": 1, "text": "t", "namespace": "n", "filter": "tag:x", "relevant": [1]}"#;
        let query = Query::parse(line).unwrap();
        let fields = (query.text.unwrap(), query.namespace.unwrap(), query.filter.unwrap());
        assert_eq!(fields, ("t".to_owned(), "n".to_owned(), "tag:x".to_owned()));
    }

    #[test]
    fn a_vector_may_come_along() {
        let mut plain = Query::parse(br#"{"vector": [1, 2.5]}"#).unwrap();
        assert_eq!(plain.take_vector("default"), Some(vec![1.0, 2.5]));
        let mut named = Query::parse(br#"{"embedding": {"a": [1], "b": [2]}}"#).unwrap();
        assert_eq!(named.take_vector("b"), Some(vec![2.0]));
        assert!(Query::parse(b"{\"text\": 1}").is_err());
    }
}
