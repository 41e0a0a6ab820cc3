//! Memories in an order that import can take.
//!
//! **Invariant:** a memory that supersedes another stands behind it, so that importing the lines in
//! order restores the link; each memory has an id that is unique among the lines of its namespace.

use super::{PAGE, output};
use crate::commands::get::embedding;
use crate::input::DerivedIds;
use crate::output::table::grouped;
use crate::output::{Bar, MemoryLine, Outcome, write_json_line};
use memlith::{List, Memory, MemoryId, View};
use std::collections::HashMap;
use std::io::Write;

/// Writes memories line by line.
pub(super) struct LineWriter<'a, W> {
    view: &'a View,
    out: &'a mut W,
    with_vectors: bool,
    derived_ids: DerivedIds,
    /// Ids derived for memories that another one supersedes.
    superseded: HashMap<MemoryId, String>,
    written: u64,
    bar: Bar,
}

impl<'a, W: Write> LineWriter<'a, W> {
    pub(super) fn new(view: &'a View, out: &'a mut W, with_vectors: bool) -> Self {
        LineWriter {
            view,
            out,
            with_vectors,
            derived_ids: DerivedIds::default(),
            superseded: HashMap::new(),
            written: 0,
            bar: Bar::over_bytes(None),
        }
    }

    /// Writes every memory of the list, and says how many these are.
    pub(super) fn all_of(mut self, list: &List) -> Outcome<u64> {
        let mut later = Vec::new();
        let mut page = self.view.list(list)?;
        loop {
            for memory in &page.memories {
                if memory.supersedes.is_some() {
                    later.push(memory.id);
                } else {
                    self.write(memory)?;
                }
            }
            let Some(cursor) = page.next else { break };
            page = self.view.list(&list.clone().after(cursor))?;
        }
        // What supersedes is younger than what it supersedes, and numbers rise with age.
        later.sort_unstable();
        for ids in later.chunks(PAGE) {
            for memory in self.view.get_many(ids)?.into_iter().flatten() {
                self.write(&memory)?;
            }
        }
        Ok(self.written)
    }

    fn write(&mut self, memory: &Memory) -> Outcome {
        let id = match &memory.external_id {
            Some(id) => id.clone(),
            None => self.derived_id(memory)?,
        };
        let supersedes = match memory.supersedes {
            Some(older) => self.id_of(older)?,
            None => None,
        };
        let mut line = MemoryLine::new(&id, memory).supersedes(supersedes.as_deref());
        if self.with_vectors {
            line = line.embedding(embedding(self.view, memory)?);
        }
        write_json_line(self.out, &line).map_err(output)?;
        self.written += 1;
        self.bar.at(self.written, || format!("{} memories", grouped(self.written)));
        Ok(())
    }

    /// An id as import would derive it, but for one that is taken.
    fn derived_id(&mut self, memory: &Memory) -> Outcome<String> {
        loop {
            let id = self.derived_ids.next(&memory.namespace, &memory.content);
            if self.view.get_external(&memory.namespace, &id)?.is_none() {
                if memory.superseded_by.is_some() {
                    self.superseded.insert(memory.id, id.clone());
                }
                return Ok(id);
            }
        }
    }

    /// The id that a memory was, or would be, exported under.
    fn id_of(&self, id: MemoryId) -> Outcome<Option<String>> {
        if let Some(derived) = self.superseded.get(&id) {
            return Ok(Some(derived.clone()));
        }
        Ok(self.view.get(id)?.and_then(|memory| memory.external_id))
    }
}
