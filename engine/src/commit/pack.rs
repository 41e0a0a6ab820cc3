//! Tables written anew, every page as full as its rows allow.
//!
//! redb divides a page that is full in the middle. Where commits add a row or a few behind all others,
//! as each does to the log and to the memories, the pages before the last one stay half empty.

use super::committer::{Committer, Repair};
use crate::Result;
use crate::rows::guarded;
use crate::schema::{self, Bytes, Table};
use redb::{ReadableTable, ReadableTableMetadata, TableStats, WriteTransaction};
use std::ops::Bound;

/// A table is written anew if no row lies in this part of its pages.
const LOOSE_SHARE: u64 = 4;
/// Others are too small to be worth a commit.
const LEAST_BYTES: u64 = 256 << 10;

impl Committer {
    /// Writes the tables anew whose pages are much emptier than they need be, each in a commit of its
    /// own; their old pages are then free. Reads all pages; writers wait meanwhile.
    pub(crate) fn pack_tables(&self) -> Result<()> {
        for table in self.loose_tables()? {
            self.maintain(Repair::Walk, |transaction| pack(transaction, table))?;
        }
        Ok(())
    }

    fn loose_tables(&self) -> Result<Vec<Bytes>> {
        let ours = [schema::LOG, schema::OUTCOMES, schema::ACCESSES, schema::EMBEDDINGS];
        guarded(|| {
            let transaction = self.begin_write()?;
            let mut loose = Vec::new();
            for table in Table::ALL.map(Table::definition).into_iter().chain(ours) {
                if is_loose(&transaction.open_table(table)?.stats()?) {
                    loose.push(table);
                }
            }
            transaction.abort()?;
            Ok(loose)
        })
    }
}

fn is_loose(stats: &TableStats) -> bool {
    let empty = stats.fragmented_bytes();
    let all = stats.stored_bytes() + stats.metadata_bytes() + empty;
    all >= LEAST_BYTES && empty >= all / LOOSE_SHARE
}

fn pack(transaction: &WriteTransaction, table: Bytes) -> Result<()> {
    {
        let rows = transaction.open_table(table)?;
        let mut packed = transaction.open_table(schema::PACKED)?;
        let mut end = packed.upper_bound_mut(Bound::<&[u8]>::Unbounded)?;
        for row in rows.iter()? {
            let (key, value) = row?;
            end.insert_before(key.value(), value.value())?;
        }
        end.close()?;
    }
    transaction.delete_table(table)?;
    Ok(transaction.rename_table(schema::PACKED, table)?)
}

#[cfg(test)]
mod tests {
    use crate::file::crash::Rng;
    use crate::{NewMemory, Options};

    #[test]
    fn tables_whose_pages_are_half_empty_are_packed_and_say_the_same() {
        let db = Options::new().threads(false).in_memory().unwrap();
        // Keys that come out of order divide pages in the middle.
        let mut random = Rng::new(1);
        let names: Vec<String> = (0..6_000).map(|_| format!("{:032x}", random.next())).collect();
        for name in &names {
            db.remember(NewMemory::new(name.as_str()).external_id(name.as_str())).unwrap();
        }
        let committer = &db.core.committer;
        assert!(!committer.loose_tables().unwrap().is_empty());
        let (before, _) = committer.table_use().unwrap();
        db.compact(&mut |_, _| ()).unwrap();
        assert!(committer.loose_tables().unwrap().is_empty());
        let (after, _) = committer.table_use().unwrap();
        assert!(after < before, "{before} bytes of pages became {after}");
        assert!(db.verify(&mut |_| ()).unwrap().is_clean());
        let found = db.read().unwrap().get_external("default", &names[0]).unwrap();
        assert_eq!(found.unwrap().content, names[0]);
    }
}
