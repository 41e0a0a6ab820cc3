//! What has changed since the image was written.
//!
//! An *entry* is an edge that came, linked into the list of its source and into that of its target,
//! newest first. Changes are counted; what goes is marked with the number of the change that ended it,
//! in tables beside the image and beside the entries. Who meets an entry comes from one of its ends, so
//! that it keeps their difference alone; intervals, which few edges have, lie in a table too.
//!
//! ```text
//!   out heads          entries                                  dead out slots of the image
//!   node 4 --> entry 7: to 4 + 5, next out 2, next in 5           slot 130: change 12
//!              entry 2: to 4 - 3, next out -, next in -
//! ```
//!
//! **Invariant:** an entry is whole before a head names it, and is never changed. A node whose list in the image lost something, or that has an entry, has a head.

use std::sync::atomic::{AtomicI64, AtomicU16, AtomicU32, Ordering};

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
    /// Its target less its source.
    ends: AtomicU32,
    ordinal: AtomicU32,
    weight: AtomicU32,
    edge_type: AtomicU16,
    next_out: AtomicU32,
    next_in: AtomicU32,
}

const _: () = assert!(size_of::<Entry>() == 24, "most of what a change takes in memory");

#[derive(Default)]
struct StoredValidity {
    from: AtomicI64,
    until: AtomicI64,
}

/// See the module.
pub(super) struct Delta {
    entries: Chunks<Entry>,
    validities: Chunks<StoredValidity>,
    /// Entry that does not always hold -> its validity.
    valid: Table,
    /// Entry -> the change that ended it.
    dead: Table,
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
    /// The node at the other end, met at `owner` on this side.
    #[inline]
    pub(super) fn other(&self, side: Side, owner: u32) -> u32 {
        match side {
            Side::Out => owner.wrapping_add(get(&self.ends)),
            Side::In => owner.wrapping_sub(get(&self.ends)),
        }
    }

    pub(super) fn edge_type(&self) -> u16 {
        self.edge_type.load(Ordering::Relaxed)
    }

    pub(super) fn ordinal(&self) -> u32 {
        get(&self.ordinal)
    }

    pub(super) fn weight(&self) -> f32 {
        f32::from_bits(get(&self.weight))
    }

    /// What it is known by, met at its source.
    pub(super) fn key(&self, source: u32) -> EdgeKey {
        let (edge_type, target) = (self.edge_type(), self.other(Side::Out, source));
        EdgeKey { source, edge_type, target, ordinal: self.ordinal() }
    }
}

impl Delta {
    pub(super) fn new() -> Self {
        Self {
            entries: Chunks::new(),
            validities: Chunks::new(),
            valid: Table::new(),
            dead: Table::new(),
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

    fn dead_slots(&self, side: Side) -> &Table {
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
        self.dead_slots(side).get(slot) < changes
    }

    pub(super) fn entry(&self, number: u32) -> Option<&Entry> {
        self.entries.get(number)
    }

    /// Had entry `number` died by the time `changes` had been made?
    pub(super) fn is_dead_entry(&self, number: u32, changes: u32) -> bool {
        !self.dead.is_empty() && self.dead.get(number) < changes
    }

    /// When the edge of entry `number` holds.
    pub(super) fn validity(&self, number: u32) -> Validity {
        let at = if self.valid.is_empty() { NONE } else { self.valid.get(number) };
        let stored = if at == NONE { None } else { self.validities.get(at) };
        stored.map_or(Validity::ALWAYS, |stored| Validity {
            from: stored.from.load(Ordering::Relaxed),
            until: stored.until.load(Ordering::Relaxed),
        })
    }

    /// The first instant behind `instant` at which an edge of any entry begins or ends to hold.
    pub(super) fn next_change(&self, instant: i64) -> Option<i64> {
        let intervals = self.valid.iter().map(|(number, _)| self.validity(number));
        let changes = intervals.flat_map(|Validity { from, until }| [from, until]);
        changes.filter(|&change| change > instant && change != i64::MAX).min()
    }

    /// Calls `found` with every entry below `entries`, its number and its source, node by node.
    pub(super) fn for_each(&self, entries: u32, mut found: impl FnMut(u32, u32, &Entry)) {
        for (node, _) in self.out_heads.iter() {
            let list = self.list(Side::Out, node).filter(|&(number, _)| number < entries);
            list.for_each(|(number, entry)| found(number, node, entry));
        }
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

    /// Which list is shorter: that of what leaves `source`, or that of what enters `target`? Costs what it does.
    pub(super) fn shorter(&self, source: u32, target: u32) -> Side {
        let mut leaving = self.list(Side::Out, source);
        let mut entering = self.list(Side::In, target);
        loop {
            if leaving.next().is_none() {
                return Side::Out;
            }
            if entering.next().is_none() {
                return Side::In;
            }
        }
    }

    /// Writes entry `number` and links it in. `validities` counts those there are.
    pub(super) fn push(&self, number: u32, edge: &Edge, validities: &mut u32) {
        let entry = self.entries.slot(number);
        set(&entry.ends, edge.key.target.wrapping_sub(edge.key.source));
        set(&entry.ordinal, edge.key.ordinal);
        set(&entry.weight, edge.weight.to_bits());
        entry.edge_type.store(edge.key.edge_type, Ordering::Relaxed);
        if edge.valid != Validity::ALWAYS {
            let stored = self.validities.slot(*validities);
            stored.from.store(edge.valid.from, Ordering::Relaxed);
            stored.until.store(edge.valid.until, Ordering::Relaxed);
            self.valid.store(number, *validities);
            *validities += 1;
        }
        set(&entry.next_out, self.out_heads.get(edge.key.source));
        set(&entry.next_in, self.in_heads.get(edge.key.target));
        self.out_heads.store(edge.key.source, number);
        self.in_heads.store(edge.key.target, number);
    }

    /// Ends entry `number` by change `change`.
    pub(super) fn kill_entry(&self, number: u32, change: u32) {
        self.dead.store(number, change);
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
            &self.valid,
            &self.dead,
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
