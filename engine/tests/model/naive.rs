//! A file as maps: what every call must do, written as plainly as possible.
//!
//! **Invariant:** a call that fails leaves the model as it was. Costs do not matter here.

use super::record::{Record, as_set};
use memlith::{DEFAULT_SPACE, ErrorKind, Filter, MemoryId, Metric, NewMemory, Patch, Upsert};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) type Told<T> = Result<T, ErrorKind>;

#[derive(Clone, Debug)]
pub(crate) struct Naive {
    pub(crate) records: BTreeMap<u64, Record>,
    pub(crate) spaces: BTreeMap<String, (usize, Metric)>,
    pub(crate) indexes: BTreeSet<String>,
    pub(crate) next: u64,
    pub(crate) clock_ms: i64,
    pub(crate) last_commit_ms: i64,
}

impl Naive {
    pub(crate) fn new(clock_ms: i64) -> Self {
        Naive {
            records: BTreeMap::new(),
            spaces: BTreeMap::new(),
            indexes: BTreeSet::new(),
            next: 1,
            clock_ms,
            last_commit_ms: i64::MIN,
        }
    }

    /// The numbers to choose from: those that are there, the last one given, and the next.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.records.keys().copied().chain([self.next - 1, self.next]).collect()
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.clock_ms.max(self.last_commit_ms)
    }

    pub(crate) fn get(&self, id: u64) -> Option<&Record> {
        self.records.get(&id).filter(|r| r.is_live(self.now_ms()))
    }

    fn holder(&self, namespace: &str, external: &str) -> Option<&Record> {
        self.records
            .values()
            .find(|r| r.namespace == namespace && r.external_id.as_deref() == Some(external))
    }

    pub(crate) fn get_external(&self, namespace: &str, external: &str) -> Option<&Record> {
        self.holder(namespace, external).filter(|r| r.is_live(self.now_ms()))
    }

    pub(crate) fn matching<'a>(
        &'a self,
        namespace: Option<&'a str>,
        filter: Option<&'a Filter>,
    ) -> impl Iterator<Item = &'a Record> {
        let now_ms = self.now_ms();
        self.records.values().filter(move |r| {
            r.is_live(now_ms)
                && namespace.is_none_or(|n| r.namespace == n)
                && filter.is_none_or(|f| f.matches(*r, now_ms))
        })
    }

    /// Counts a read of memories that are there.
    pub(crate) fn touch(&mut self, ids: impl IntoIterator<Item = u64>) {
        let now_ms = self.now_ms();
        for id in ids {
            if let Some(record) = self.records.get_mut(&id) {
                record.accesses += 1;
                record.accessed_ms = record.accessed_ms.max(Some(now_ms));
            }
        }
    }

    pub(crate) fn remember(&mut self, new: &NewMemory) -> Told<u64> {
        self.create(new, None, None)
    }

    fn create(
        &mut self,
        new: &NewMemory,
        supersedes: Option<u64>,
        inherited: Option<&str>,
    ) -> Told<u64> {
        let mut record = Record::of_new(self.next, new, self.now_ms());
        record.supersedes = supersedes;
        check_record(&record)?;
        let made = self.check_vectors(&new.vectors)?;
        if let Some(external) = new.external_id.as_deref().filter(|e| inherited != Some(*e)) {
            match self.holder(&new.namespace, external) {
                Some(holder) if holder.is_live(self.now_ms()) => {
                    return Err(ErrorKind::AlreadyExists);
                }
                Some(holder) => drop(self.forget(holder.id)),
                None => {}
            }
        }
        self.spaces.extend(made);
        record.vectors = new.vectors.iter().cloned().collect();
        self.records.insert(self.next, record);
        self.next += 1;
        Ok(self.next - 1)
    }

    pub(crate) fn upsert(&mut self, new: &NewMemory) -> Told<Upsert> {
        let external = new.external_id.as_deref().ok_or(ErrorKind::InvalidInput)?;
        let Some(old) = self.get_external(&new.namespace, external).cloned() else {
            return self.remember(new).map(|id| Upsert::Created(MemoryId(id)));
        };
        let mut record = Record::of_new(old.id, new, self.now_ms());
        record.created_ms = new.created_ms.unwrap_or(old.created_ms);
        record.supersedes = old.supersedes;
        record.superseded_by = old.superseded_by;
        record.superseded_ms = old.superseded_ms;
        (record.accesses, record.accessed_ms) = (old.accesses, old.accessed_ms);
        if record.content == old.content {
            record.vectors.clone_from(&old.vectors);
        }
        let id = MemoryId(old.id);
        let is_changed = self.replace(&old, record, &new.vectors)?;
        Ok(if is_changed { Upsert::Updated(id) } else { Upsert::Unchanged(id) })
    }

    pub(crate) fn update(&mut self, id: u64, patch: &Patch) -> Told<bool> {
        let Some(old) = self.get(id).cloned() else { return Ok(false) };
        let mut record = patched(&old, patch);
        let mut given = Vec::new();
        for (space, vector) in &patch.vectors {
            match vector {
                Some(vector) => given.push((space.clone(), vector.clone())),
                None if self.spaces.contains_key(space) => drop(record.vectors.remove(space)),
                None => return Err(ErrorKind::NotFound),
            }
        }
        if record.content != old.content {
            record.vectors.clear();
        }
        self.replace(&old, record, &given)?;
        Ok(true)
    }

    pub(crate) fn update_many(
        &mut self,
        namespace: Option<&str>,
        filter: &Filter,
        patch: &Patch,
    ) -> Told<u64> {
        let ids: Vec<u64> = self.matching(namespace, Some(filter)).map(|r| r.id).collect();
        let mut changed = self.clone();
        for id in &ids {
            changed.update(*id, patch)?;
        }
        *self = changed;
        Ok(ids.len() as u64)
    }

    pub(crate) fn supersede(&mut self, old: u64, new: &NewMemory) -> Told<u64> {
        let record = self.get(old).ok_or(ErrorKind::NotFound)?;
        if record.superseded_by.is_some() {
            return Err(ErrorKind::AlreadyExists);
        }
        let external = record.external_id.clone().filter(|_| record.namespace == new.namespace);
        let id = self.create(new, Some(old), external.as_deref())?;
        let now_ms = self.now_ms();
        let record = self.records.get_mut(&old).expect("it is there");
        record.superseded_by = Some(id);
        record.superseded_ms = Some(now_ms);
        record.updated_ms = now_ms;
        if external.is_some() && new.external_id == external {
            record.external_id = None;
        }
        Ok(id)
    }

    pub(crate) fn forget(&mut self, id: u64) -> bool {
        let now_ms = self.now_ms();
        let Some(gone) = self.records.remove(&id) else { return false };
        if gone.is_live(now_ms)
            && let Some(old) = gone.supersedes.and_then(|id| self.records.get_mut(&id))
        {
            (old.superseded_by, old.superseded_ms, old.updated_ms) = (None, None, now_ms);
        }
        if let Some(new) = gone.superseded_by.and_then(|id| self.records.get_mut(&id)) {
            (new.supersedes, new.updated_ms) = (None, now_ms);
        }
        gone.is_live(now_ms)
    }

    /// What a commit does in the end, where no thread does it.
    pub(crate) fn forget_expired(&mut self) {
        let now_ms = self.now_ms();
        let expired = self.records.values().filter(|r| !r.is_live(now_ms));
        let ids: Vec<u64> = expired.map(|r| r.id).collect();
        for id in ids {
            self.forget(id);
        }
    }

    pub(crate) fn forget_where(&mut self, namespace: Option<&str>, filter: &Filter) -> u64 {
        let ids: Vec<u64> = self.matching(namespace, Some(filter)).map(|r| r.id).collect();
        ids.iter().filter(|id| self.forget(**id)).count() as u64
    }

    pub(crate) fn create_space(
        &mut self,
        name: &str,
        dimension: usize,
        metric: Metric,
    ) -> Told<()> {
        if self.spaces.contains_key(name) {
            return Err(ErrorKind::AlreadyExists);
        }
        self.spaces.insert(name.into(), (dimension, metric));
        Ok(())
    }

    pub(crate) fn drop_space(&mut self, name: &str) -> Told<()> {
        self.spaces.remove(name).ok_or(ErrorKind::NotFound)?;
        let now_ms = self.now_ms();
        for record in self.records.values_mut() {
            if record.vectors.remove(name).is_some() && record.is_live(now_ms) {
                record.updated_ms = now_ms;
            }
        }
        Ok(())
    }

    pub(crate) fn index(&mut self, path: &str) -> Told<()> {
        if path.is_empty() {
            return Err(ErrorKind::InvalidInput);
        }
        if self.indexes.insert(path.into()) { Ok(()) } else { Err(ErrorKind::AlreadyExists) }
    }

    pub(crate) fn drop_index(&mut self, path: &str) -> Told<()> {
        if self.indexes.remove(path) { Ok(()) } else { Err(ErrorKind::NotFound) }
    }

    /// Makes `record`, with the vectors given over its own, take the place of `old`.
    fn replace(
        &mut self,
        old: &Record,
        mut record: Record,
        given: &[(String, Vec<f32>)],
    ) -> Told<bool> {
        check_record(&record)?;
        let made = self.check_vectors(given)?;
        self.spaces.extend(made);
        record.vectors.extend(given.iter().cloned());
        record.updated_ms = old.updated_ms;
        // Of numbers that are equal the text may still differ.
        let is_same = record == *old && has_same_text(&record.metadata, &old.metadata);
        if !is_same {
            record.updated_ms = self.now_ms();
            self.records.insert(old.id, record);
        }
        Ok(!is_same)
    }

    /// The space that comes to be with these vectors, if they are right.
    fn check_vectors(
        &self,
        vectors: &[(String, Vec<f32>)],
    ) -> Told<Option<(String, (usize, Metric))>> {
        let mut made = None;
        for (at, (name, vector)) in vectors.iter().enumerate() {
            if vectors[..at].iter().any(|(other, _)| other == name) {
                return Err(ErrorKind::InvalidInput);
            }
            let space = match self.spaces.get(name) {
                Some(space) => *space,
                None if name == DEFAULT_SPACE && !vector.is_empty() => {
                    made = Some((name.clone(), (vector.len(), Metric::Cosine)));
                    (vector.len(), Metric::Cosine)
                }
                None if name == DEFAULT_SPACE => return Err(ErrorKind::InvalidInput),
                None => return Err(ErrorKind::NotFound),
            };
            if vector.len() != space.0 {
                return Err(ErrorKind::DimensionMismatch);
            }
            let is_zero = vector.iter().all(|x| *x == 0.0);
            if vector.iter().any(|x| !x.is_finite()) || is_zero && space.1 == Metric::Cosine {
                return Err(ErrorKind::InvalidInput);
            }
        }
        Ok(made)
    }
}

fn patched(old: &Record, patch: &Patch) -> Record {
    let p = patch.clone();
    let mut new = old.clone();
    new.content = p.content.unwrap_or(new.content);
    new.kind = p.kind.unwrap_or(new.kind);
    new.importance = p.importance.unwrap_or(new.importance);
    new.valence = p.valence.unwrap_or(new.valence);
    new.priority = p.priority.unwrap_or(new.priority);
    new.agent = p.agent.unwrap_or(new.agent);
    new.session = p.session.unwrap_or(new.session);
    new.project = p.project.unwrap_or(new.project);
    new.channel = p.channel.unwrap_or(new.channel);
    new.source = p.source.unwrap_or(new.source);
    new.created_ms = p.created_ms.unwrap_or(new.created_ms);
    new.expires_ms = p.expires_ms.unwrap_or(new.expires_ms);
    let mut tags = p.tags.unwrap_or(new.tags);
    tags.extend(p.add_tags);
    tags.retain(|tag| !p.remove_tags.contains(tag));
    new.tags = as_set(tags);
    if let Some(change) = &p.metadata {
        new.metadata = merged(new.metadata, change);
    }
    new
}

fn has_same_text(a: &Value, b: &Value) -> bool {
    let [a, b] = [a, b].map(Value::to_string);
    a == b
}

/// RFC 7396, as its pseudo-code has it.
fn merged(target: Value, patch: &Value) -> Value {
    let Value::Object(patch) = patch else { return patch.clone() };
    let mut target = match target {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    for (name, value) in patch {
        let old = target.remove(name);
        if !value.is_null() {
            target.insert(name.clone(), merged(old.unwrap_or_default(), value));
        }
    }
    Value::Object(target)
}

fn check_record(record: &Record) -> Told<()> {
    let labels = [
        &record.kind,
        &record.agent,
        &record.session,
        &record.project,
        &record.channel,
        &record.source,
    ];
    let labels = labels.into_iter().flatten().chain(&record.tags).chain([&record.namespace]);
    for label in labels {
        match label.len() {
            0 => return Err(ErrorKind::InvalidInput),
            1..=512 => {}
            _ => return Err(ErrorKind::LimitExceeded),
        }
    }
    let numbers = [record.priority, record.created_ms, record.expires_ms.unwrap_or(0)];
    let is_right = !numbers.contains(&i64::MIN)
        && (0.0..=1.0).contains(&record.importance)
        && (-1.0..=1.0).contains(&record.valence)
        && (record.metadata.is_object() || record.metadata.is_null());
    if is_right { Ok(()) } else { Err(ErrorKind::InvalidInput) }
}
