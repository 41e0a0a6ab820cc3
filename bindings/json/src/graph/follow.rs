//! Which edges a walk follows, as an object.
//!
//! **Invariant:** an unknown field is refused by its name.

use crate::Time;
use memlith::{Direction, Filter, Follow, When};
use serde::Deserialize;
use std::time::Duration;

/// `{"direction": "out", "kinds": ["knows"], "min_weight": 0.5, "filter": "kind:person", "edge_filter":
/// "meta.since > 2020", "when": "now", "max_work": 100000, "deadline_ms": 50}`, all of it optional.
/// `direction` may also be `in` or `both`, `when` also `any` or a time.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct FollowJson {
    direction: Way,
    kinds: Vec<String>,
    min_weight: Option<f32>,
    filter: Option<String>,
    edge_filter: Option<String>,
    when: Option<WhenJson>,
    max_work: Option<u64>,
    deadline_ms: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Way {
    #[default]
    Out,
    In,
    Both,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "\"when\" must be \"now\", \"any\" or a time")]
enum WhenJson {
    Word(WhenWord),
    At(Time),
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WhenWord {
    Now,
    Any,
}

impl FollowJson {
    pub(super) fn read(self) -> Result<Follow, String> {
        let mut follow = Follow::new().kinds(self.kinds);
        follow.direction = match self.direction {
            Way::Out => Direction::Out,
            Way::In => Direction::In,
            Way::Both => Direction::Both,
        };
        follow.min_weight = self.min_weight.unwrap_or(follow.min_weight);
        follow.filter = self.filter.as_deref().map(|text| filter("filter", text)).transpose()?;
        follow.edge_filter =
            self.edge_filter.as_deref().map(|text| filter("edge_filter", text)).transpose()?;
        follow.when = match self.when {
            None | Some(WhenJson::Word(WhenWord::Now)) => When::Now,
            Some(WhenJson::Word(WhenWord::Any)) => When::Any,
            Some(WhenJson::At(Time(at))) => When::At(at),
        };
        follow.max_work = self.max_work.unwrap_or(follow.max_work);
        follow.deadline = self.deadline_ms.map(Duration::from_millis);
        Ok(follow)
    }

    /// The same of an edge of a pattern, which has no say in nodes and bounds.
    pub(super) fn read_edge(self) -> Result<Follow, String> {
        let has_bounds = self.max_work.is_some() || self.deadline_ms.is_some();
        if self.filter.is_some() || has_bounds {
            return Err(
                "\"follow\" of a pattern: nodes have filters, and the pattern has bounds".into()
            );
        }
        self.read()
    }
}

/// A filter, in a field.
pub(super) fn filter(field: &str, text: &str) -> Result<Filter, String> {
    text.parse().map_err(|e| format!("{field:?}: {e}"))
}
