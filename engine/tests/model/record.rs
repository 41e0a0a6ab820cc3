//! A memory as the naive model keeps it.
//!
//! **Invariant:** holds everything that a caller can read of a memory, so that comparing two
//! records compares all of it.

use memlith::filter::{Attribute, Number, Subject};
use memlith::{Memory, Metric, NewMemory, Result, View};
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    pub(crate) id: u64,
    pub(crate) namespace: String,
    pub(crate) external_id: Option<String>,
    pub(crate) content: String,
    pub(crate) kind: Option<String>,
    pub(crate) importance: f32,
    pub(crate) valence: f32,
    pub(crate) priority: i64,
    pub(crate) metadata: Value,
    pub(crate) tags: Vec<String>,
    pub(crate) agent: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) project: Option<String>,
    pub(crate) channel: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
    pub(crate) expires_ms: Option<i64>,
    pub(crate) supersedes: Option<u64>,
    pub(crate) superseded_by: Option<u64>,
    pub(crate) superseded_ms: Option<i64>,
    pub(crate) vectors: BTreeMap<String, Vec<f32>>,
    pub(crate) accesses: u64,
    pub(crate) accessed_ms: Option<i64>,
}

impl Record {
    /// What `new` becomes when it is remembered at `now_ms`, before it has vectors.
    pub(crate) fn of_new(id: u64, new: &NewMemory, now_ms: i64) -> Self {
        Record {
            id,
            namespace: new.namespace.clone(),
            external_id: new.external_id.clone(),
            content: new.content.clone(),
            kind: new.kind.clone(),
            importance: new.importance,
            valence: new.valence,
            priority: new.priority,
            metadata: new.metadata.clone(),
            tags: as_set(new.tags.clone()),
            agent: new.agent.clone(),
            session: new.session.clone(),
            project: new.project.clone(),
            channel: new.channel.clone(),
            source: new.source.clone(),
            created_ms: new.created_ms.unwrap_or(now_ms),
            updated_ms: now_ms,
            expires_ms: new.expires_ms,
            supersedes: None,
            superseded_by: None,
            superseded_ms: None,
            vectors: BTreeMap::new(),
            accesses: 0,
            accessed_ms: None,
        }
    }

    /// What the engine shows, without vectors.
    pub(crate) fn shown(memory: &Memory) -> Self {
        let m = memory.clone();
        Record {
            id: m.id.0,
            namespace: m.namespace,
            external_id: m.external_id,
            content: m.content,
            kind: m.kind,
            importance: m.importance,
            valence: m.valence,
            priority: m.priority,
            metadata: m.metadata,
            tags: m.tags,
            agent: m.agent,
            session: m.session,
            project: m.project,
            channel: m.channel,
            source: m.source,
            created_ms: m.created_ms,
            updated_ms: m.updated_ms,
            expires_ms: m.expires_ms,
            supersedes: m.supersedes.map(|id| id.0),
            superseded_by: m.superseded_by.map(|id| id.0),
            superseded_ms: m.superseded_ms,
            vectors: m.spaces.into_iter().map(|space| (space, Vec::new())).collect(),
            accesses: m.accesses,
            accessed_ms: m.accessed_ms,
        }
    }

    /// What the engine shows, with every vector that it names.
    pub(crate) fn read(view: &View, memory: &Memory) -> Result<Self> {
        let mut record = Record::shown(memory);
        for (space, vector) in &mut record.vectors {
            *vector = view.vector(memory.id, space)?.unwrap_or_default();
        }
        Ok(record)
    }

    /// As a transaction shows it: names of spaces instead of vectors, and no accesses.
    pub(crate) fn in_transaction(&self) -> Self {
        let vectors = self.vectors.keys().map(|space| (space.clone(), Vec::new())).collect();
        Record { vectors, accesses: 0, accessed_ms: None, ..self.clone() }
    }

    pub(crate) fn is_live(&self, now_ms: i64) -> bool {
        self.expires_ms.is_none_or(|at| at > now_ms)
    }
}

pub(crate) fn as_set(mut tags: Vec<String>) -> Vec<String> {
    tags.sort();
    tags.dedup();
    tags
}

impl Subject for Record {
    fn any_label(&self, attribute: Attribute, test: &mut dyn FnMut(&str) -> bool) -> bool {
        let single = match attribute {
            Attribute::Tag => return self.tags.iter().any(|tag| test(tag)),
            Attribute::Space => return self.vectors.keys().any(|space| test(space)),
            Attribute::Namespace => return test(&self.namespace),
            Attribute::Content => return test(&self.content),
            Attribute::Kind => &self.kind,
            Attribute::Agent => &self.agent,
            Attribute::Session => &self.session,
            Attribute::Project => &self.project,
            Attribute::Channel => &self.channel,
            Attribute::Source => &self.source,
            Attribute::Id => &self.external_id,
            _ => unreachable!("{attribute} is no label"),
        };
        single.as_ref().is_some_and(|label| test(label))
    }

    fn number(&self, attribute: Attribute) -> Option<Number> {
        Some(match attribute {
            Attribute::Importance => f64::from(self.importance).into(),
            Attribute::Valence => f64::from(self.valence).into(),
            Attribute::Priority => self.priority.into(),
            Attribute::Accesses => self.accesses.into(),
            _ => unreachable!("{attribute} is no number"),
        })
    }

    fn time_ms(&self, attribute: Attribute) -> Option<i64> {
        match attribute {
            Attribute::Created => Some(self.created_ms),
            Attribute::Updated => Some(self.updated_ms),
            Attribute::Expires => self.expires_ms,
            Attribute::Accessed => self.accessed_ms,
            _ => unreachable!("{attribute} is no time"),
        }
    }

    fn flag(&self, _: Attribute) -> Option<bool> {
        Some(self.superseded_by.is_some())
    }

    fn metadata(&self) -> Option<&Value> {
        Some(&self.metadata)
    }
}

/// How near two vectors are, from the definition of the metric.
pub(crate) fn nearness(metric: Metric, a: &[f32], b: &[f32]) -> f64 {
    let wide = |v: &[f32]| v.iter().map(|x| f64::from(*x)).collect::<Vec<_>>();
    let (a, b) = (wide(a), wide(b));
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    match metric {
        Metric::Cosine => dot(&a, &b) / (dot(&a, &a).sqrt() * dot(&b, &b).sqrt()),
        Metric::Dot => dot(&a, &b),
        Metric::L2 => -a.iter().zip(&b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt(),
        _ => unreachable!("a metric that no space here has"),
    }
}
