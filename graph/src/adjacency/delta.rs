//! What has changed since the image was written.
//!
//! An *entry* is an edge that came, linked into the list of its source and into that of its target,
//! newest first. Changes are counted; what goes is marked with the number of the change that ended it,
//! in tables beside the image and in the entries themselves.
//!
//! ```text
//!   out heads          entries                                  dead out slots of the image
//!   node 4 --> entry 7: 4 -> 9, next out 2, next in 5, died -     slot 130: change 12
//!              entry 2: 4 -> 1, next out -, next in -, died 9
//! ```
//!
//! **Invariant:** an entry is whole before a head names it, and is never changed but for its death. A
//! node whose list in the image lost something, or that has an entry, has a head.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use super::chunks::Chunks;
use super::edge::{Edge, EdgeKey, Side, Validity};
use super::table::{NONE, Table};

/// A head, or the end of a list, of a node that lost records of the image.
const TOUCHED: u32 = NONE - 1;

/// The most entries of a delta, and the most changes.
pub(super) const MAX_CHANGES: u32 = 1 << 31;

/// See the module. All of it is atomic, so that readers need no lock.
#[derive(Default)]
pub(super) struct Entry {
    source: AtomicU32,
    target: AtomicU32,
    edge_type: AtomicU32,
    ordinal: AtomicU32,
    weight: AtomicU32,
    /// Number among the validities, or zero for always.
    validity: AtomicU32,
    next_out: AtomicU32,
    next_in: AtomicU32,
    /// Number of the change that ended it, plus one; zero while it lives.
    died: AtomicU32,
}

#[derive(Default)]
struct StoredValidity {
    from: AtomicI64,
    until: AtomicI64,
}

/// See the module.
pub(super) struct Delta {
    entries: Chunks<Entry>,
    validities: Chunks<StoredValidity>,
    out_heads: Table,
    in_heads: Table,
    /// Slot of the image -> the change that ended its edge.
    dead_out: Table,
    dead_in: Table,
    /// Node -> the change that brought it.
    born: Table,
    /// Node -> the change that took it.
    gone: Table,
}

fn get(number: &AtomicU32) -> u32 {
    number.load(Ordering::Relaxed)
}

fn set(number: &AtomicU32, value: u32) {
    number.store(value, Ordering::Relaxed);
}

impl Entry {
    /// Had it died by the time `changes` had been made?
    pub(super) fn is_dead(&self, changes: u32) -> bool {
        let died = self.died.load(Ordering::Acquire);
        died != 0 && died <= changes
    }

    pub(super) fn key(&self) -> EdgeKey {
        EdgeKey {
            source: get(&self.source),
            edge_type: get(&self.edge_type) as u16,
            target: get(&self.target),
            ordinal: get(&self.ordinal),
        }
    }

    pub(super) fn weight(&self) -> f32 {
        f32::from_bits(get(&self.weight))
    }
}

impl Delta {
    pub(super) fn new() -> Self {
        Self {
            entries: Chunks::new(),
            validities: Chunks::new(),
            out_heads: Table::new(),
            in_heads: Table::new(),
            dead_out: Table::new(),
            dead_in: Table::new(),
            born: Table::new(),
            gone: Table::new(),
        }
    }

    fn heads(&self, side: Side) -> &Table {
        match side {
            Side::Out => &self.out_heads,
            Side::In => &self.in_heads,
        }
    }

    fn dead(&self, side: Side) -> &Table {
        match side {
            Side::Out => &self.dead_out,
            Side::In => &self.dead_in,
        }
    }

    /// Did the list of `node` ever change?
    #[inline]
    pub(super) fn has_touched(&self, side: Side, node: u32) -> bool {
        self.heads(side).get(node) != NONE
    }

    /// Had the edge in `slot` of the image died by the time `changes` had been made?
    #[inline]
    pub(super) fn is_dead(&self, side: Side, slot: u32, changes: u32) -> bool {
        self.dead(side).get(slot) < changes
    }

    pub(super) fn entry(&self, number: u32) -> Option<&Entry> {
        self.entries.get(number)
    }

    pub(super) fn edge(&self, number: u32) -> Option<Edge> {
        let entry = self.entry(number)?;
        let valid = match get(&entry.validity) {
            0 => Validity::ALWAYS,
            number => self.validities.get(number - 1).map_or(Validity::ALWAYS, |stored| Validity {
                from: stored.from.load(Ordering::Relaxed),
                until: stored.until.load(Ordering::Relaxed),
            }),
        };
        Some(Edge { key: entry.key(), weight: entry.weight(), valid })
    }

    /// Numbers of the entries of a node, newest first, also of those that died.
    pub(super) fn list(&self, side: Side, node: u32) -> impl Iterator<Item = (u32, &Entry)> {
        let mut next = self.heads(side).get(node);
        std::iter::from_fn(move || {
            let number = next;
            let entry = if number < TOUCHED { self.entries.get(number)? } else { return None };
            next = match side {
                Side::Out => get(&entry.next_out),
                Side::In => get(&entry.next_in),
            };
            Some((number, entry))
        })
    }

    /// Writes entry `number` and links it in. `validities` counts those there are.
    pub(super) fn push(&self, number: u32, edge: &Edge, validities: &mut u32) {
        let entry = self.entries.slot(number);
        set(&entry.source, edge.key.source);
        set(&entry.target, edge.key.target);
        set(&entry.edge_type, u32::from(edge.key.edge_type));
        set(&entry.ordinal, edge.key.ordinal);
        set(&entry.weight, edge.weight.to_bits());
        if edge.valid != Validity::ALWAYS {
            let stored = self.validities.slot(*validities);
            stored.from.store(edge.valid.from, Ordering::Relaxed);
            stored.until.store(edge.valid.until, Ordering::Relaxed);
            *validities += 1;
            set(&entry.validity, *validities);
        }
        set(&entry.next_out, self.out_heads.get(edge.key.source));
        set(&entry.next_in, self.in_heads.get(edge.key.target));
        self.out_heads.store(edge.key.source, number);
        self.in_heads.store(edge.key.target, number);
    }

    /// Ends entry `number` by change `change`.
    pub(super) fn kill_entry(&self, number: u32, change: u32) {
        self.entries.slot(number).died.store(change + 1, Ordering::Release);
    }

    /// Ends the edge of the image in these slots by change `change`.
    pub(super) fn kill_slots(&self, key: EdgeKey, (out, incoming): (u32, u32), change: u32) {
        self.dead_out.store(out, change);
        self.dead_in.store(incoming, change);
        for (side, node) in [(Side::Out, key.source), (Side::In, key.target)] {
            if !self.has_touched(side, node) {
                self.heads(side).store(node, TOUCHED);
            }
        }
    }

    /// Out slots of the image whose edges died by change `since` or later.
    pub(super) fn dead_since(&self, since: u32) -> impl Iterator<Item = u32> {
        self.dead_out.iter().filter(move |&(_, change)| change >= since).map(|(slot, _)| slot)
    }

    /// Had the node come, behind the image, by the time `changes` had been made?
    pub(super) fn is_born(&self, node: u32, changes: u32) -> bool {
        self.born.get(node) < changes
    }

    /// Had the node gone by then?
    pub(super) fn is_gone(&self, node: u32, changes: u32) -> bool {
        !self.gone.is_empty() && self.gone.get(node) < changes
    }

    pub(super) fn bear_node(&self, node: u32, change: u32) {
        self.born.store(node, change);
    }

    pub(super) fn take_node(&self, node: u32, change: u32) {
        self.gone.store(node, change);
    }

    /// Nodes that came by change `since` or later, ascending.
    pub(super) fn born_since(&self, since: u32) -> impl Iterator<Item = u32> {
        self.born.iter().filter(move |&(_, change)| change >= since).map(|(node, _)| node)
    }

    /// Nodes that went by change `since` or later, ascending.
    pub(super) fn gone_since(&self, since: u32) -> impl Iterator<Item = u32> {
        self.gone.iter().filter(move |&(_, change)| change >= since).map(|(node, _)| node)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let tables = [
            &self.out_heads,
            &self.in_heads,
            &self.dead_out,
            &self.dead_in,
            &self.born,
            &self.gone,
        ];
        let tables: usize = tables.into_iter().map(Table::heap_bytes).sum();
        self.entries.heap_bytes() + self.validities.heap_bytes() + tables
    }
}
