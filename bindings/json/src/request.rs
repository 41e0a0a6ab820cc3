//! A recall as an object.
//!
//! **Invariant:** an unknown field is refused by its name, and what is not said has the default of
//! [`Recall`].

use crate::values::{Embeddings, reason};
use memlith::{Cut, DEFAULT_SPACE, Fusion, Recall, SearchEffort};
use serde::Deserialize;
use std::time::Duration;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Fields {
    #[serde(alias = "query")]
    text: Option<String>,
    #[serde(alias = "embedding")]
    vector: Option<Embeddings>,
    space: Option<String>,
    also_embedded_in: Vec<String>,
    namespace: Option<String>,
    filter: Option<String>,
    limit: Option<usize>,
    offset: usize,
    min_score: Option<f32>,
    cut: Option<CutJson>,
    signs: bool,
    diversity: f32,
    max_tokens: Option<usize>,
    snippet: Option<usize>,
    neighbours: usize,
    weights: Weights,
    reciprocal_rank: Option<f32>,
    half_life_seconds: Option<f64>,
    include_superseded: bool,
    explain: bool,
    effort: Option<Effort>,
    deadline_ms: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Weights {
    text: Option<f32>,
    vector: Option<f32>,
    recency: Option<f32>,
    importance: Option<f32>,
    context: Option<f32>,
    neighbourhood: Option<f32>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum CutJson {
    OfBest(f32),
    Word(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Effort {
    Ef(usize),
    Word(String),
}

/// Reads a request:
///
/// ```
/// let recall = memlith_json::recall_from_json(
///     br#"{"text": "kettle", "vector": [0.8, 0.6], "filter": "kind:plan", "limit": 3,
///          "weights": {"recency": 0.2}, "half_life_seconds": 86400, "effort": "exact"}"#,
/// )?;
/// assert_eq!(recall.limit, 3);
/// # Ok::<(), String>(())
/// ```
///
/// `vector` is an array, of `space` or the default one, or an object of arrays by space;
/// `also_embedded_in` names spaces whose embedders make the vector of the text. `effort` is `"fast"`,
/// `"balanced"`, `"exact"` or a number. `cut` is a share of the best score, or `"gap"`; `reciprocal_rank` the
/// `k` of that way to fuse legs. The others are named as the fields of [`Recall`] are.
///
/// # Errors
/// In words: what is wrong with which field.
pub fn recall_from_json(text: &[u8]) -> Result<Recall, String> {
    let fields: Fields = serde_json::from_slice(text).map_err(|e| reason(&e))?;
    let mut recall = Recall::new();
    recall.text = fields.text;
    recall.space = fields.space;
    match fields.vector {
        None => {}
        Some(Embeddings::Plain(vector)) => recall.vector = Some(vector),
        Some(Embeddings::BySpace(spaces)) => {
            let first = recall.space.clone().unwrap_or_else(|| DEFAULT_SPACE.to_owned());
            for (space, vector) in spaces {
                if space == first {
                    recall.vector = Some(vector);
                } else {
                    recall.also.push((space, Some(vector)));
                }
            }
        }
    }
    recall.also.extend(fields.also_embedded_in.into_iter().map(|space| (space, None)));
    recall.namespace = fields.namespace;
    recall.filter = match fields.filter {
        None => None,
        Some(filter) => Some(filter.parse().map_err(|e| format!("\"filter\": {e}"))?),
    };
    recall.limit = fields.limit.unwrap_or(recall.limit);
    recall.offset = fields.offset;
    recall.min_score = fields.min_score;
    recall.cut = fields.cut.map(cut).transpose()?;
    recall.signs = fields.signs;
    recall.diversity = fields.diversity;
    recall.max_tokens = fields.max_tokens;
    recall.snippet = fields.snippet;
    recall.neighbours = fields.neighbours;
    if let Some(k) = fields.reciprocal_rank {
        recall.fusion = Fusion::ReciprocalRank { k };
    }
    recall.weights.text = fields.weights.text.unwrap_or(recall.weights.text);
    recall.weights.vector = fields.weights.vector.unwrap_or(recall.weights.vector);
    recall.weights.recency = fields.weights.recency.unwrap_or(recall.weights.recency);
    recall.weights.importance = fields.weights.importance.unwrap_or(recall.weights.importance);
    recall.weights.context = fields.weights.context.unwrap_or(recall.weights.context);
    recall.weights.neighbourhood =
        fields.weights.neighbourhood.unwrap_or(recall.weights.neighbourhood);
    if let Some(seconds) = fields.half_life_seconds {
        recall.half_life = Duration::try_from_secs_f64(seconds)
            .map_err(|_| "\"half_life_seconds\": must be a positive number".to_owned())?;
    }
    recall.include_superseded = fields.include_superseded;
    recall.explain = fields.explain;
    recall.effort = match fields.effort {
        None => recall.effort,
        Some(Effort::Ef(ef)) => SearchEffort::Ef(ef),
        Some(Effort::Word(word)) => effort(&word)?,
    };
    recall.deadline = fields.deadline_ms.map(Duration::from_millis);
    Ok(recall)
}

fn cut(cut: CutJson) -> Result<Cut, String> {
    match cut {
        CutJson::OfBest(share) => Ok(Cut::OfBest(share)),
        CutJson::Word(word) if word == "gap" => Ok(Cut::Gap),
        CutJson::Word(word) => {
            Err(format!("\"cut\": {word:?} is neither \"gap\" nor a share of the best score"))
        }
    }
}

/// The effort of a name: `fast`, `balanced` or `exact`.
///
/// # Errors
/// In words, if it is none of these.
pub fn effort(word: &str) -> Result<SearchEffort, String> {
    match word {
        "fast" => Ok(SearchEffort::Fast),
        "balanced" => Ok(SearchEffort::Balanced),
        "exact" => Ok(SearchEffort::Exact),
        _ => Err(format!("\"effort\": {word:?} is not fast, balanced, exact or a number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_said_is_every_default() {
        assert_eq!(recall_from_json(b"{}").unwrap(), Recall::new());
    }

    #[test]
    fn vectors_by_space_are_legs_of_their_own() {
        let text = br#"{"space": "b", "vector": {"a": [1], "b": [2, 3]}, "effort": 40}"#;
        let expected = Recall::new().space("b").vector([2.0, 3.0]).also_in("a", [1.0]);
        assert_eq!(recall_from_json(text).unwrap(), expected.effort(SearchEffort::Ef(40)));
    }

    #[test]
    fn what_an_answer_is_to_be_like_is_read() {
        let text =
            br#"{"text": "tea -green", "signs": true, "offset": 10, "cut": 0.5, "diversity": 0.3,
            "max_tokens": 500, "snippet": 120, "neighbours": 1, "reciprocal_rank": 60,
            "weights": {"context": 0, "neighbourhood": 0.4}}"#;
        let expected = Recall::new()
            .text("tea -green")
            .signs(true)
            .offset(10)
            .cut(Cut::OfBest(0.5))
            .diversity(0.3)
            .max_tokens(500)
            .snippet(120)
            .neighbours(1)
            .fusion(Fusion::ReciprocalRank { k: 60.0 })
            .context(0.0)
            .neighbourhood(0.4);
        assert_eq!(recall_from_json(text).unwrap(), expected);
        assert_eq!(recall_from_json(br#"{"cut": "gap"}"#).unwrap().cut, Some(Cut::Gap));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, word) in [
            (&br#"{"limt": 1}"#[..], "limt"),
            (br#"{"filter": "and"}"#, "filter"),
            (br#"{"effort": "hard"}"#, "hard"),
            (br#"{"cut": "half"}"#, "half"),
            (br#"{"half_life_seconds": -1}"#, "half_life_seconds"),
            (b"[1]", "invalid"),
        ] {
            let message = recall_from_json(text).unwrap_err();
            assert!(message.contains(word), "{message}");
        }
    }
}
