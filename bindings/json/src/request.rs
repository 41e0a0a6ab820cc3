//! A recall as an object.
//!
//! **Invariant:** an unknown field is refused by its name, and what is not said has the default of
//! [`Recall`].

use crate::time::Time;
use crate::values::{Embeddings, reason};
use memlith::filter::Attribute;
use memlith::{AsOf, Cut, DEFAULT_SPACE, Filter, Fusion, Likeness, Recall, SearchEffort, Seq};
use serde::Deserialize;
use std::collections::BTreeMap;
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
    collapse: Option<Collapse>,
    max_tokens: Option<usize>,
    snippet: Option<usize>,
    neighbours: usize,
    weights: Weights,
    situation: BTreeMap<String, Tie>,
    boosts: Vec<Boost>,
    reciprocal_rank: Option<f32>,
    half_life_seconds: Option<f64>,
    include_superseded: bool,
    as_of: Option<AsOfJson>,
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
    valence: Option<f32>,
    accesses: Option<f32>,
    context: Option<f32>,
    neighbourhood: Option<f32>,
}

/// What a field of the situation is worth.
#[derive(Deserialize)]
#[serde(untagged)]
enum Tie {
    Filter(String),
    Boost(TieBoost),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TieBoost {
    is: String,
    boost: f32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Boost {
    filter: String,
    weight: f32,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Collapse {
    Switch(bool),
    From(Thresholds),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Thresholds {
    words: Option<f32>,
    vector: Option<f32>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum AsOfJson {
    Seq(u64),
    Time(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum CutJson {
    OfBest(f32),
    Word(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Effort {
    Ef(usize),
    Word(String),
}

impl Effort {
    pub(crate) fn read(self) -> Result<SearchEffort, String> {
        match self {
            Effort::Ef(ef) => Ok(SearchEffort::Ef(ef)),
            Effort::Word(word) => effort(&word),
        }
    }
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
/// `k` of that way to fuse legs. `as_of` is a time (RFC 3339, or a date) or the number of a commit;
/// `collapse` is `true`, or an object with a threshold for `words` or `vector`.
///
/// `situation` says where the request comes from, by `session`, `channel`, `agent`, `project`, `source`,
/// `kind` or `tag`: a text is a filter, `{"is": "chat", "boost": 0.3}` lifts what matches. `boosts` does that
/// with any filter: `[{"filter": "tag:work", "weight": 0.2}]`. The others are named as the fields of
/// [`Recall`] are.
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
    recall.filter = fields.filter.map(|filter| parsed("filter", &filter)).transpose()?;
    for (name, tie) in fields.situation {
        let attribute = situated(&name)?;
        match tie {
            Tie::Filter(label) => {
                let all = recall.filter.take().unwrap_or(Filter::All);
                recall.filter = Some(all.and(Filter::on(attribute).is(label)));
            }
            Tie::Boost(TieBoost { is, boost }) => {
                recall = recall.boost(Filter::on(attribute).is(is), boost);
            }
        }
    }
    for Boost { filter, weight } in fields.boosts {
        recall = recall.boost(parsed("boosts", &filter)?, weight);
    }
    recall.as_of = fields.as_of.map(as_of).transpose()?;
    recall.limit = fields.limit.unwrap_or(recall.limit);
    recall.offset = fields.offset;
    recall.min_score = fields.min_score;
    recall.cut = fields.cut.map(cut).transpose()?;
    recall.signs = fields.signs;
    recall.diversity = fields.diversity;
    recall.collapse = match fields.collapse {
        None | Some(Collapse::Switch(false)) => None,
        Some(Collapse::Switch(true)) => Some(Likeness::default()),
        Some(Collapse::From(Thresholds { words, vector })) => {
            let usual = Likeness::default();
            Some(Likeness::new(words.unwrap_or(usual.words), vector.unwrap_or(usual.vector)))
        }
    };
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
    recall.weights.valence = fields.weights.valence.unwrap_or(recall.weights.valence);
    recall.weights.accesses = fields.weights.accesses.unwrap_or(recall.weights.accesses);
    recall.weights.context = fields.weights.context.unwrap_or(recall.weights.context);
    recall.weights.neighbourhood =
        fields.weights.neighbourhood.unwrap_or(recall.weights.neighbourhood);
    if let Some(seconds) = fields.half_life_seconds {
        recall.half_life = Duration::try_from_secs_f64(seconds)
            .map_err(|_| "\"half_life_seconds\": must be a positive number".to_owned())?;
    }
    recall.include_superseded = fields.include_superseded;
    recall.explain = fields.explain;
    if let Some(effort) = fields.effort {
        recall.effort = effort.read()?;
    }
    recall.deadline = fields.deadline_ms.map(Duration::from_millis);
    Ok(recall)
}

fn parsed(field: &str, filter: &str) -> Result<Filter, String> {
    filter.parse().map_err(|e| format!("\"{field}\": {e}"))
}

/// What a field of the situation looks at.
///
/// # Errors
/// In words, if there is no such field.
pub fn situated(name: &str) -> Result<Attribute, String> {
    const KNOWN: [Attribute; 7] = [
        Attribute::Session,
        Attribute::Channel,
        Attribute::Agent,
        Attribute::Project,
        Attribute::Source,
        Attribute::Kind,
        Attribute::Tag,
    ];
    KNOWN.into_iter().find(|attribute| attribute.name() == name).ok_or_else(|| {
        let known: Vec<_> = KNOWN.iter().map(|attribute| attribute.name()).collect();
        format!("\"situation\": {name:?} is none of {}", known.join(", "))
    })
}

fn as_of(as_of: AsOfJson) -> Result<AsOf, String> {
    match as_of {
        AsOfJson::Seq(seq) => Ok(AsOf::Seq(Seq(seq))),
        AsOfJson::Time(text) => match Time::parse(&text) {
            Some(time) => Ok(AsOf::Time(time.0)),
            None => Err(format!("\"as_of\": {text:?} is no time")),
        },
    }
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
            "weights": {"context": 0, "valence": 0.1, "accesses": 0.2, "neighbourhood": 0.4},
            "collapse": {"words": 0.5},
            "as_of": "1970-01-02", "filter": "kind:plan", "boosts": [{"filter": "tag:a", "weight": 0.4}],
            "situation": {"channel": {"is": "chat", "boost": 0.3}, "session": "monday"}}"#;
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
            .valence(0.1)
            .accesses(0.2)
            .neighbourhood(0.4)
            .collapse(Likeness::new(0.5, 0.97))
            .as_of(AsOf::Time(86_400_000))
            .filter(Filter::kind("plan").and(Filter::session("monday")))
            .boost(Filter::channel("chat"), 0.3)
            .boost(Filter::tag("a"), 0.4);
        assert_eq!(recall_from_json(text).unwrap(), expected);
        assert_eq!(recall_from_json(br#"{"cut": "gap"}"#).unwrap().cut, Some(Cut::Gap));
        let seq = recall_from_json(br#"{"as_of": 7, "collapse": true}"#).unwrap();
        assert_eq!((seq.as_of, seq.collapse), (Some(AsOf::Seq(Seq(7))), Some(Likeness::default())));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, word) in [
            (&br#"{"limt": 1}"#[..], "limt"),
            (br#"{"filter": "and"}"#, "filter"),
            (br#"{"effort": "hard"}"#, "hard"),
            (br#"{"cut": "half"}"#, "half"),
            (br#"{"as_of": "soon"}"#, "soon"),
            (br#"{"situation": {"mood": "good"}}"#, "mood"),
            (br#"{"boosts": [{"filter": "and", "weight": 1}]}"#, "boosts"),
            (br#"{"half_life_seconds": -1}"#, "half_life_seconds"),
            (b"[1]", "invalid"),
        ] {
            let message = recall_from_json(text).unwrap_err();
            assert!(message.contains(word), "{message}");
        }
    }
}
