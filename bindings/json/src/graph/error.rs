//! Why a graph gives no answer.

use crate::values::reason;

/// Why a graph gives no answer, or is not changed.
#[derive(Debug)]
pub enum GraphError {
    /// The engine says so.
    Engine(memlith::Error),
    /// The request is wrong, in words.
    Invalid(String),
    /// Whoever was told of the progress stopped it, or its deadline passed.
    Stopped,
}

impl From<memlith::Error> for GraphError {
    fn from(error: memlith::Error) -> Self {
        GraphError::Engine(error)
    }
}

impl From<serde_json::Error> for GraphError {
    fn from(error: serde_json::Error) -> Self {
        GraphError::Invalid(reason(&error))
    }
}

impl From<String> for GraphError {
    fn from(why: String) -> Self {
        GraphError::Invalid(why)
    }
}
