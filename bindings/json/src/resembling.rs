//! What something new resembles.

use memlith::Resemblance;
use serde::Serialize;

/// A memory that says the same, and how alike it is.
#[derive(Serialize)]
pub struct ResemblanceJson {
    number: u64,
    words: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    vector: Option<f32>,
}

impl From<Resemblance> for ResemblanceJson {
    fn from(found: Resemblance) -> Self {
        let Resemblance { id, words, vector, .. } = found;
        ResemblanceJson { number: id.0, words, vector }
    }
}
