//! The knowledge graph: what changes it, and what it can be asked.

mod ask;
mod batch;
mod write;

pub use ask::*;
pub use batch::*;
pub use write::*;

use crate::error::Failure;
use crate::status::ml_status;
use crate::views::ml_str;
use memlith::DEFAULT_NAMESPACE;
use memlith_json::GraphError;

fn namespace<'a>(ns: ml_str) -> Result<&'a str, Failure> {
    Ok(ns.optional("ns")?.unwrap_or(DEFAULT_NAMESPACE))
}

impl From<GraphError> for Failure {
    fn from(error: GraphError) -> Self {
        match error {
            GraphError::Engine(error) => error.into(),
            GraphError::Invalid(why) => Failure::invalid(why),
            GraphError::Stopped => {
                let message = "the deadline passed before the analysis was done";
                Failure::new(ml_status::ML_DEADLINE_EXCEEDED, message)
            }
        }
    }
}
