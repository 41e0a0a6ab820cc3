//! The one writer of the file: makes sets durable, folds them, and publishes the View.
//!
//! **Invariant:** whoever changes the file holds redb's write transaction first and the state lock
//! second. The View that is published last shows exactly the commits that the state counts.

use super::group::Store;
use super::links::{Linked, write_links};
use super::log::{ChangeKind, GENESIS, LogRow, Model};
use super::seal::Sealings;
use super::shield::Failure;
use super::tables::Tables;
use super::unit::{JustWritten, Unit};
use super::vectors::{Written, name_segments};
use super::write_set::{Durability, NewRow, WriteSet};
use crate::catalog::Catalog;
use crate::derived::Indexes;
use crate::error::Detail;
use crate::file::Container;
use crate::ids::{MAX_NUMBER, MemoryId, Seq};
use crate::planted::{self, Defect};
use crate::rows::{self, Pinned, guarded};
use crate::schema::{self, Table, log_key, read_u64};
use crate::sealed::{SealedVectors, Unnamed};
use crate::sync::{Instant, Mutex};
use crate::view::{View, Views};
use crate::{Error, ErrorKind, Result};
use redb::{ReadableTable, WriteTransaction};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Where the chain of the log ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    pub(crate) seq: Seq,
    pub(crate) hash: [u8; 32],
    pub(crate) time_ms: i64,
    pub(crate) next_memory: MemoryId,
}

impl Chain {
    const EMPTY: Chain =
        Chain { seq: Seq(0), hash: GENESIS, time_ms: i64::MIN, next_memory: MemoryId(1) };

    /// The end of the log that `rows` show.
    pub(crate) fn load(rows: &Pinned) -> Result<Chain> {
        let decode = |log: &rows::Opened| match log.last()? {
            Some((key, last)) => {
                LogRow::decode(last.value()).map(|row| Some((read_u64(key.value()), row)))
            }
            None => Ok(None),
        };
        let Some((key, row)) = rows.read(schema::LOG, decode)? else { return Ok(Chain::EMPTY) };
        if key != Some(row.seq.0) || row.seq.0.max(row.next_memory) > MAX_NUMBER {
            let found = format!("{} and {}", row.seq, row.next_memory);
            return Err(Error::corruption("log", "numbers that can be counted on from", found));
        }
        let again = u64::from(planted::is(Defect::IdGivenAgain) && row.next_memory > 1);
        Ok(Chain {
            seq: row.seq,
            hash: row.hash,
            time_ms: row.time_ms,
            next_memory: MemoryId(row.next_memory - again),
        })
    }
}

/// What the committer changes with every commit.
pub(crate) struct State {
    pub(crate) chain: Chain,
    pub(crate) indexes: Indexes,
    pub(crate) sealed: Arc<SealedVectors>,
    pub(super) linked: Linked,
    /// The number of the sealed segment that was begun last.
    last_segment: u32,
    /// Bytes committed without a sync since the last durable commit.
    pub(super) relaxed_bytes: u64,
    /// Would opening after a crash now have to walk the tables?
    pub(super) needs_walk: bool,
}

impl State {
    /// Goes on with these edges having links.
    pub(super) fn set_linked(&mut self, linked: Linked) {
        self.linked = linked;
        if linked.is_complete() {
            self.indexes.knowledge.may_be_let_go();
        }
    }

    /// A number for a sealed segment, above those of all that were begun before.
    pub(super) fn take_number(&mut self) -> Result<u32> {
        let used_up =
            Detail::Limit { what: "sealed segments", found: 1 << 32, limit: (1 << 32) - 1 };
        self.last_segment = self.last_segment.checked_add(1).ok_or(used_up)?;
        Ok(self.last_segment)
    }
}

pub(crate) struct CommitterSettings {
    /// Relaxed commits are made durable after so many bytes at the latest.
    pub(crate) relaxed_bytes: u64,
    /// Images up to this size lie in rows.
    pub(crate) max_inline_image: usize,
    /// Vectors are sealed once their rows have so many bytes.
    pub(crate) seal_bytes: u64,
    /// So many texts lie in memory before a segment is made of them.
    pub(crate) tail_texts: u64,
    /// What the adjacency of the graph may take.
    pub(crate) graph_bytes: u64,
    /// So many of one space in one commit never become rows.
    pub(crate) bulk_bytes: u64,
}

/// A file that has been opened far enough to be written to.
pub(crate) struct Opened {
    pub(crate) database: Tables,
    /// What went wrong below the database.
    pub(crate) failure: Failure,
    pub(crate) container: Container,
    pub(crate) chain: Chain,
    pub(crate) sealed: Arc<SealedVectors>,
    pub(crate) linked: Linked,
    pub(crate) indexes: Indexes,
}

/// The writer of an open file.
pub(crate) struct Committer {
    pub(super) database: Tables,
    pub(super) failure: Failure,
    container: Container,
    pub(super) state: Mutex<State>,
    pub(crate) views: Views,
    pub(super) settings: CommitterSettings,
    /// The newest commit that survives power loss.
    pub(super) durable: AtomicU64,
    /// What the commit of the last unit took, without its writes and its fold.
    commit_us: AtomicU64,
    /// Memories deleted whose pages nobody has seen to.
    pub(super) deleted: AtomicU64,
    /// Bytes that are free and that nothing could give back, when it was last tried.
    pub(crate) stuck: AtomicU64,
    /// Held by whoever replaces the indexes as a whole.
    pub(super) replacing: Mutex<()>,
    pub(super) sealing: Sealings,
}

/// The indexes in figures.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IndexStats {
    /// Changes folded since the images were written.
    pub(crate) unsaved: u64,
    /// Of them, those of edges.
    pub(crate) unsaved_edges: u64,
    /// Vectors linked since then: as much work would be lost.
    pub(crate) newly_linked: u64,
    /// Ordinals given to memories and nodes, dead ones included.
    pub(crate) ordinals: u64,
    /// Edges there are.
    pub(crate) edges: u64,
    /// Memory beyond the images.
    pub(crate) heap_bytes: u64,
    /// Of it, what has changed in the adjacency of the graph.
    pub(crate) graph_delta_bytes: u64,
}

impl IndexStats {
    /// What an opening would have to do again, in changes.
    pub(crate) fn unsaved_work(&self) -> u64 {
        self.unsaved.max(self.newly_linked)
    }
}

/// What a writer learns about its commit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Receipt {
    pub(crate) seq: Seq,
}

impl Store for Committer {
    type Set = WriteSet;
    type Receipt = Receipt;
    type Error = Error;

    fn commit(&self, sets: &[Arc<WriteSet>]) -> Result<Vec<Receipt>> {
        guarded(|| {
            let transaction = self.begin_write()?;
            let unit = Unit::new(sets);
            let mut segments = Vec::new();
            for table in Table::ALL {
                segments.extend(match &unit {
                    Unit::One(set) => {
                        let rows = set.rows(table).iter().map(|(key, value)| (key.bytes(), value));
                        self.write_table(&transaction, table, rows)?
                    }
                    Unit::Many { rows } => {
                        self.write_table(&transaction, table, rows[table as usize].iter().copied())?
                    }
                });
            }
            if planted::is(Defect::RowsApart) {
                self.commit_rows(transaction)?;
                return self.finish(self.begin_write()?, segments, (sets, &unit));
            }
            self.finish(transaction, segments, (sets, &unit))
        })
        // The indexes may have folded a part: nothing is to be published any more.
        .inspect_err(|_| self.container.latch())
    }

    fn unit_cost(&self) -> Duration {
        Duration::from_micros(self.commit_us.load(Ordering::Relaxed))
    }

    fn size_bytes(set: &WriteSet) -> usize {
        set.size_bytes()
    }
}

impl Committer {
    pub(crate) fn new(opened: Opened, settings: CommitterSettings, views: Views) -> Result<Self> {
        let Opened { database, failure, container, chain, sealed, linked, indexes } = opened;
        let last_segment = sealed.last_number();
        let (relaxed_bytes, needs_walk) = (0, false);
        let state =
            State { chain, indexes, sealed, linked, last_segment, relaxed_bytes, needs_walk };
        let committer = Committer {
            durable: AtomicU64::new(chain.seq.0),
            commit_us: AtomicU64::new(0),
            deleted: AtomicU64::new(0),
            stuck: AtomicU64::new(0),
            database,
            failure,
            container,
            state: Mutex::new(state),
            views,
            settings,
            replacing: Mutex::new(()),
            sealing: Sealings::default(),
        };
        committer.publish(&committer.state.lock())?;
        Ok(committer)
    }

    /// The newest View.
    pub(crate) fn current(&self) -> View {
        self.views.current()
    }

    pub(crate) fn container(&self) -> &Container {
        &self.container
    }

    /// The newest commit that survives power loss.
    pub(crate) fn durable_seq(&self) -> Seq {
        Seq(self.durable.load(Ordering::Acquire))
    }

    /// Bytes that relaxed commits have not made durable yet.
    pub(crate) fn is_sync_due(&self) -> bool {
        self.state.lock().relaxed_bytes >= self.settings.relaxed_bytes
    }

    pub(crate) fn has_relaxed(&self) -> bool {
        let seq = self.state.lock().chain.seq;
        // Asked for behind the lock: a commit makes both under it.
        self.durable_seq() < seq
    }

    /// How large the indexes are, and how much of them is in no image.
    pub(crate) fn index_stats(&self) -> IndexStats {
        let state = self.state.lock();
        IndexStats {
            unsaved: state.indexes.unsaved,
            unsaved_edges: state.indexes.unsaved_edges,
            newly_linked: state.indexes.newly_linked(),
            ordinals: state.indexes.ordinals(),
            edges: state.indexes.knowledge.edges(),
            heap_bytes: state.indexes.heap_bytes(),
            graph_delta_bytes: state.indexes.knowledge.delta_bytes() as u64,
        }
    }

    /// Begins the one write transaction there can be; waits for the one before.
    pub(crate) fn begin_write(&self) -> Result<WriteTransaction> {
        self.failure.check()?;
        self.database.begin_write()
    }

    /// Writes rows of one table, in key order. What vectors become in their place are segments, to
    /// be committed with the transaction.
    pub(crate) fn write_table<'a>(
        &self,
        transaction: &WriteTransaction,
        table: Table,
        rows: impl ExactSizeIterator<Item = Written<'a>>,
    ) -> Result<Vec<Unnamed>> {
        if table == Table::Vectors {
            return self.write_vectors(transaction, &rows.collect::<Vec<_>>());
        }
        guarded(|| write_rows(transaction, table, rows))?;
        Ok(Vec::new())
    }

    /// Commits a set whose rows are in `transaction` already, or in these segments.
    pub(crate) fn commit_direct(
        &self,
        transaction: WriteTransaction,
        segments: Vec<Unnamed>,
        set: &Arc<WriteSet>,
    ) -> Result<Receipt> {
        let receipts = guarded(|| {
            self.finish(transaction, segments, (std::slice::from_ref(set), &Unit::One(set)))
        })
        .inspect_err(|_| self.container.latch())?;
        receipts.first().copied().ok_or_else(|| Error::invalid("write set", "must not be empty"))
    }

    /// The one place where a transaction of the running handle is committed.
    pub(super) fn commit_rows(&self, transaction: WriteTransaction) -> Result<()> {
        transaction.commit()?;
        if planted::is(Defect::FailureIgnored) {
            return Ok(());
        }
        self.failure.check()
    }

    /// Appends the log rows, commits, folds, publishes.
    fn finish(
        &self,
        mut transaction: WriteTransaction,
        segments: Vec<Unnamed>,
        (sets, unit): (&[Arc<WriteSet>], &Unit<'_>),
    ) -> Result<Vec<Receipt>> {
        let mut state = self.state.lock();
        let wanted = sets.iter().map(|s| s.durability).max().unwrap_or_default();
        let bytes: u64 = sets.iter().map(|s| s.size_bytes() as u64).sum();
        let is_durable = wanted == Durability::Durable
            || state.relaxed_bytes + bytes >= self.settings.relaxed_bytes;
        set_durability(&mut transaction, is_durable, Repair::Walk);
        let mut chain = state.chain;
        let receipts = append_log(&transaction, &mut chain, sets)?;
        write_links(&transaction, state.linked, sets)?;
        let deleted = drop_accesses(&transaction, sets)?;
        self.deleted.fetch_add(deleted, Ordering::Relaxed);
        let named = name_segments(&mut state, &transaction, segments)?;
        let start = Instant::now();
        self.commit_rows(transaction)?;
        self.commit_us.store(start.elapsed().as_micros() as u64, Ordering::Relaxed);

        if !named.is_empty() {
            state.sealed = Arc::new(state.sealed.exchanged(&[], &named));
        }
        state.chain = chain;
        state.needs_walk = true;
        state.relaxed_bytes = if is_durable { 0 } else { state.relaxed_bytes + bytes };
        if is_durable || planted::is(Defect::RelaxedCalledDurable) {
            self.durable.store(chain.seq.0, Ordering::Release);
        }
        let rows = self.rows(&state)?;
        if sets.iter().any(|s| s.touches_catalog()) {
            state.indexes.adopt_catalog(chain.seq, Catalog::load(&rows)?, &rows)?;
        }
        for set in sets {
            state.indexes.knowledge.expect(set.edges.removed());
            let written = JustWritten::new(unit, &rows, named.is_empty());
            state.indexes.fold(chain.seq, set.changes(), &written)?;
        }
        self.views.publish(rows, &state.indexes, chain, bytes);
        Ok(receipts)
    }

    /// Makes every relaxed commit durable.
    pub(crate) fn sync(&self) -> Result<()> {
        if self.has_relaxed() {
            self.maintain(Repair::Walk, |_| Ok(()))?;
        }
        Ok(())
    }

    /// Would opening after a crash now have to walk the tables?
    pub(crate) fn needs_walk(&self) -> bool {
        self.state.lock().needs_walk
    }

    /// Makes opening after a crash quick, for as long as nobody commits: for idle moments.
    pub(crate) fn rest(&self) -> Result<()> {
        if self.needs_walk() {
            self.maintain(Repair::Stored, |_| Ok(()))?;
        }
        Ok(())
    }

    /// The rows as they are now.
    pub(super) fn rows(&self, state: &State) -> Result<Pinned> {
        Ok(Pinned::new(self.database.begin_read()?, state.sealed.clone()))
    }

    /// The same, for who does not hold the state.
    pub(super) fn newest_rows(&self) -> Result<Pinned> {
        self.rows(&self.state.lock())
    }

    /// Reads every page that the tables reach, those of redb's own tables included; returns how
    /// many rows' pages there are. Writers wait meanwhile.
    pub(crate) fn read_all_pages(&self) -> Result<u64> {
        guarded(|| {
            let transaction = self.begin_write()?;
            let stats = transaction.stats()?;
            transaction.abort()?;
            Ok(stats.leaf_pages() + stats.branch_pages())
        })
    }

    /// Runs a durable transaction that changes no fact of any user, and so has no log row.
    pub(crate) fn maintain<T>(
        &self,
        repair: Repair,
        work: impl FnOnce(&WriteTransaction) -> Result<T>,
    ) -> Result<T> {
        self.with_state(repair, |_, transaction, _| {
            let done = work(&transaction)?;
            self.commit_rows(transaction)?;
            Ok(done)
        })
    }

    /// Makes the indexes, as they are now, those of the newest View.
    pub(super) fn publish(&self, state: &State) -> Result<()> {
        let rows = self.rows(state)?;
        self.views.publish(rows, &state.indexes, state.chain, 0);
        Ok(())
    }

    /// The newest View, and the number of a segment that is written from it: whatever is committed
    /// behind that View gets a higher one.
    pub(super) fn begin_segment(&self) -> Result<(View, u32)> {
        let mut state = self.state.lock();
        Ok((self.current(), state.take_number()?))
    }

    /// Gives `work` the state and a durable transaction that it must commit.
    pub(super) fn with_state<T>(
        &self,
        repair: Repair,
        work: impl FnOnce(&mut State, WriteTransaction, &Tables) -> Result<T>,
    ) -> Result<T> {
        let mut transaction = self.begin_write()?;
        set_durability(&mut transaction, true, repair);
        let mut state = self.state.lock();
        let done = guarded(|| work(&mut state, transaction, &self.database))
            // What contradicts itself is nothing to build on.
            .inspect_err(|e| {
                if e.kind() == ErrorKind::Corruption {
                    self.container.latch();
                }
            })?;
        state.relaxed_bytes = 0;
        state.needs_walk = repair == Repair::Walk;
        self.durable.store(state.chain.seq.0, Ordering::Release);
        self.publish(&state)?;
        Ok(done)
    }
}

/// What opening after a crash does to learn which pages are free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repair {
    /// It walks the tables: seconds for a large file, nothing for the commit.
    Walk,
    /// It reads what the commit stored: milliseconds, for a second sync in the commit.
    Stored,
}

fn set_durability(transaction: &mut WriteTransaction, is_durable: bool, repair: Repair) {
    let is_durable = is_durable && !planted::is(Defect::AcknowledgedEarly);
    let durability = if is_durable { redb::Durability::Immediate } else { redb::Durability::None };
    // Refused only while a persistent savepoint is changed, which never happens here.
    let _ = transaction.set_durability(durability);
    transaction.set_quick_repair(repair == Repair::Stored);
}

/// So many rows are asked whether they lie behind all others, where they are put down one behind the other.
const APPENDED: usize = 16;

/// Writes rows of ascending keys.
pub(super) fn write_rows<'a>(
    transaction: &WriteTransaction,
    table: Table,
    rows: impl ExactSizeIterator<Item = (&'a [u8], &'a NewRow)>,
) -> Result<()> {
    if rows.len() == 0 {
        return Ok(());
    }
    let mut open = transaction.open_table(table.definition())?;
    let last = match rows.len() {
        0..APPENDED => None,
        // No key is without bytes: of an empty table all are behind.
        _ => Some(open.last()?.map(|(key, _)| key.value().to_vec()).unwrap_or_default()),
    };
    let mut rows = rows.peekable();
    let is_within = |(key, _): &Written<'a>| last.as_deref().is_none_or(|last| *key <= last);
    while let Some((key, value)) = rows.next_if(is_within) {
        match value {
            Some(value) => drop(open.insert(key, value.as_ref())?),
            None => drop(open.remove(key)?),
        }
    }
    if rows.peek().is_some() {
        let mut end = open.upper_bound_mut(Bound::<&[u8]>::Unbounded)?;
        for (key, value) in rows {
            if let Some(value) = value {
                end.insert_before(key, value.as_ref())?;
            }
        }
        end.close()?;
    }
    Ok(())
}

/// Removes the access counts of memories that are gone; returns how many these are.
fn drop_accesses(transaction: &WriteTransaction, sets: &[Arc<WriteSet>]) -> Result<u64> {
    let mut count = 0;
    let mut gone = sets
        .iter()
        .flat_map(|set| set.changes())
        .filter(|c| c.model == Model::Memory && c.kind == ChangeKind::Deleted)
        .peekable();
    if gone.peek().is_some() {
        let mut table = transaction.open_table(schema::ACCESSES)?;
        for change in gone {
            table.remove(schema::memory_key(MemoryId(change.id)).as_slice())?;
            count += 1;
        }
    }
    Ok(count)
}

fn append_log(
    transaction: &WriteTransaction,
    chain: &mut Chain,
    sets: &[Arc<WriteSet>],
) -> Result<Vec<Receipt>> {
    let mut log = transaction.open_table(schema::LOG)?;
    let mut receipts = Vec::with_capacity(sets.len());
    for set in sets {
        let mut row = LogRow {
            seq: Seq(chain.seq.0 + 1),
            time_ms: set.now_ms.max(chain.time_ms),
            previous: chain.hash,
            next_memory: set.next_memory,
            actor: set.options.actor.clone(),
            reason: set.options.reason.clone(),
            changes: set.changes().copied().collect(),
            hash: GENESIS,
        };
        let bytes = row.seal();
        if receipts.is_empty() || !planted::is(Defect::LogRowSkipped) {
            log.insert(log_key(row.seq).as_slice(), bytes.as_slice())?;
        }
        if let Some(key) = &set.options.idempotency_key {
            let mut outcomes = transaction.open_table(schema::OUTCOMES)?;
            let value = [row.seq.0.to_le_bytes(), row.time_ms.to_le_bytes()].concat();
            outcomes.insert(key.as_bytes(), value.as_slice())?;
        }
        *chain = Chain {
            seq: row.seq,
            hash: row.hash,
            time_ms: row.time_ms,
            next_memory: MemoryId(row.next_memory),
        };
        receipts.push(Receipt { seq: row.seq });
    }
    Ok(receipts)
}
