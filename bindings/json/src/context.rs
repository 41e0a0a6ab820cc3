//! What a prompt is made of: the request and what was gathered, as objects.
//!
//! **Invariant:** an unknown field of a request is refused by its name.

use crate::shown_id;
use crate::values::reason;
use memlith::{Context, Gathered, Memory};
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Fields {
    session: Option<String>,
    text: Option<String>,
    vector: Option<Vec<f32>>,
    channel: Option<String>,
    namespace: Option<String>,
    filter: Option<String>,
    limit: Option<usize>,
    max_tokens: Option<usize>,
    deadline_ms: Option<u64>,
}

/// Reads a request, in which fields are named as those of [`Context`] are:
///
/// ```
/// let request = br#"{"session": "today", "text": "what shall I cook?", "max_tokens": 2000}"#;
/// assert_eq!(memlith_json::context_from_json(request)?.max_tokens, 2_000);
/// # Ok::<(), String>(())
/// ```
///
/// # Errors
/// In words: what is wrong with which field.
pub fn context_from_json(text: &[u8]) -> Result<Context, String> {
    let fields: Fields = serde_json::from_slice(text).map_err(|e| reason(&e))?;
    let mut context = Context::default();
    context.session = fields.session;
    context.text = fields.text;
    context.vector = fields.vector;
    context.channel = fields.channel;
    context.namespace = fields.namespace;
    context.filter = match fields.filter {
        None => None,
        Some(filter) => Some(filter.parse().map_err(|e| format!("\"filter\": {e}"))?),
    };
    context.limit = fields.limit.unwrap_or(context.limit);
    context.max_tokens = fields.max_tokens.unwrap_or(context.max_tokens);
    context.deadline = fields.deadline_ms.map(Duration::from_millis);
    Ok(context)
}

/// What was gathered: `{"recent": [{"id", "number", "text"}], "similar": [{"id", "number", "text", "score"}],
/// "channel": […], "tokens", "seq", "us"}`.
#[derive(Serialize)]
pub struct GatheredJson<'a> {
    recent: Vec<MemoryJson<'a>>,
    similar: Vec<MemoryJson<'a>>,
    channel: Vec<MemoryJson<'a>>,
    tokens: usize,
    seq: u64,
    us: u64,
}

#[derive(Serialize)]
struct MemoryJson<'a> {
    id: String,
    number: u64,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f32>,
}

impl<'a> GatheredJson<'a> {
    /// Of this.
    pub fn new(gathered: &'a Gathered) -> Self {
        let each = |memories: &'a [Memory]| memories.iter().map(|m| memory(m, None)).collect();
        let similar = gathered.similar.iter().map(|hit| memory(&hit.memory, Some(hit.score)));
        GatheredJson {
            recent: each(&gathered.recent),
            similar: similar.collect(),
            channel: each(&gathered.channel),
            tokens: gathered.tokens,
            seq: gathered.seq.0,
            us: gathered.micros,
        }
    }
}

fn memory(memory: &Memory, score: Option<f32>) -> MemoryJson<'_> {
    let (text, agent) = (memory.content.as_str(), memory.agent.as_deref());
    MemoryJson { id: shown_id(memory), number: memory.id.0, text, agent, score }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_read_and_the_rest_is_the_default() {
        assert_eq!(context_from_json(b"{}").unwrap(), Context::default());
        let text = br#"{"session": "s", "text": "t", "vector": [1], "channel": "c", "limit": 3}"#;
        let expected = Context::of("s").text("t").vector([1.0]).channel("c").limit(3);
        assert_eq!(context_from_json(text).unwrap(), expected);
        assert!(context_from_json(br#"{"sesion": "s"}"#).unwrap_err().contains("sesion"));
    }
}
