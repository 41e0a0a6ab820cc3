//! The reader of redb's trees against redb itself.

use super::page::{
    Leaf, PAGE_LEN, Page, PageNumber, Tree, commit_slots, longest_at, table_definition,
};
use super::tree::{Found, Step, Trees, Walked, scan};
use crate::file::sim::SimDisk;
use crate::file::{Container, Settings, Wreck};
use proptest::prelude::*;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use std::collections::BTreeMap;
use std::sync::Arc;

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

const TABLES: [TableDefinition<'_, &[u8], &[u8]>; 2] =
    [TableDefinition::new("a"), TableDefinition::new("b")];

/// What one transaction does to a table: values by key, `None` to remove.
#[derive(Clone, Debug)]
struct Batch {
    table: usize,
    changes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    compacts: bool,
}

fn batch() -> impl Strategy<Value = Batch> {
    let key = prop_oneof![
        4 => (0..400_u64).prop_map(|id| id.to_be_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ];
    let length =
        prop_oneof![20 => 0..600_usize, 1 => 3_000..9_000_usize, 1 => 60_000..70_000_usize];
    let value = (length, any::<u8>()).prop_map(|(len, byte)| vec![byte; len]);
    let change = (key, prop::option::weighted(0.8, value));
    let changes = prop::collection::vec(change, 1..120);
    (0..2_usize, changes, prop::bool::weighted(0.1)).prop_map(|(table, changes, compacts)| Batch {
        table,
        changes,
        compacts,
    })
}

/// Runs batches on a new file. Returns what is left on its disk, and the rows as redb has them.
fn run(batches: &[Batch]) -> (SimDisk, [Rows; 2]) {
    let disk = SimDisk::default();
    let settings = Settings { chunk_bytes: 16 << 10, ..Settings::default() };
    let container = Container::create_on(Arc::new(disk.clone()), &settings).unwrap();
    let mut tables = Database::builder().create_with_backend(container.backend()).unwrap();
    for batch in batches {
        let tx = tables.begin_write().unwrap();
        for definition in TABLES {
            tx.open_table(definition).unwrap();
        }
        for (key, value) in &batch.changes {
            let mut table = tx.open_table(TABLES[batch.table]).unwrap();
            match value {
                Some(value) => drop(table.insert(&key[..], &value[..]).unwrap()),
                None => drop(table.remove(&key[..]).unwrap()),
            }
        }
        tx.commit().unwrap();
        if batch.compacts {
            tables.compact().unwrap();
        }
    }
    let read = tables.begin_read().unwrap();
    let rows = TABLES.map(|definition| {
        let table = read.open_table(definition).unwrap();
        let rows = table.iter().unwrap().map(|row| {
            let (key, value) = row.unwrap();
            (key.value().to_vec(), value.value().to_vec())
        });
        rows.collect()
    });
    drop(read);
    drop(tables);
    (disk, rows)
}

/// The roots of the tables of the newest commit.
fn roots(wreck: &Wreck) -> BTreeMap<String, Tree> {
    let header = wreck.read(0, PAGE_LEN, None).unwrap();
    let slots = commit_slots(&header).map(|slot| slot.expect("both are valid"));
    let newest = slots.into_iter().max_by_key(|slot| slot.transaction).unwrap();
    let rows = walk(wreck, newest.tables);
    let entry = |(name, value): (Vec<u8>, Vec<u8>)| {
        (String::from_utf8(name).unwrap(), table_definition(&value).expect("a table"))
    };
    rows.into_iter().map(entry).collect()
}

fn walk(wreck: &Wreck, root: Tree) -> Rows {
    let mut rows = Rows::new();
    let each = &mut |step: Step<'_>| {
        let Step::Row(row) = step else { panic!("a gap in a sound file") };
        let at = row.value_at();
        assert_eq!(at.read(wreck).as_deref(), Some(row.value));
        assert!(rows.insert(row.key.to_vec(), row.value.to_vec()).is_none());
        Ok(())
    };
    Trees::new(wreck).walk(root, &mut Walked::default(), each).unwrap();
    rows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn trees_read_as_redb_reads_them(batches in prop::collection::vec(batch(), 1..12)) {
        let (disk, rows) = run(&batches);
        let wreck = Wreck::of(Arc::new(disk)).unwrap();
        let roots = roots(&wreck);
        let mut trees = Trees::new(&wreck);
        for (name, rows) in ["a", "b"].into_iter().zip(rows) {
            let root = roots[name];
            prop_assert_eq!(&walk(&wreck, root), &rows);
            prop_assert_eq!(root.map_or(0, |root| root.len), rows.len() as u64);
            prop_assert!(trees.is_whole(root));
            for (key, value) in &rows {
                prop_assert_eq!(trees.get(root, key), Found::Value(value.clone()));
            }
            prop_assert_eq!(trees.get(root, b"no such key, and a long one"), Found::Absent);
            let last = rows.last_key_value().map(|(_, value)| Found::Value(value.clone()));
            prop_assert_eq!(trees.last(root), last.unwrap_or(Found::Absent));
        }
    }

    #[test]
    fn every_row_is_in_some_leaf(batches in prop::collection::vec(batch(), 1..6)) {
        let (disk, rows) = run(&batches);
        let wreck = Wreck::of(Arc::new(disk)).unwrap();
        let mut found = std::collections::BTreeSet::new();
        scan(&wreck, &mut |_| {}, &mut |leaf| {
            found.extend(leaf.rows().map(|row| (row.key.to_vec(), row.value.to_vec())));
        });
        for row in rows.into_iter().flatten() {
            prop_assert!(found.contains(&row), "{:?}", row.0);
        }
    }

    #[test]
    fn a_changed_page_is_a_gap_and_nothing_else_changes(
        batches in prop::collection::vec(batch(), 1..6),
        places in prop::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 1..8),
    ) {
        let (disk, rows) = run(&batches);
        let mut bytes = disk.bytes();
        // Behind the header slots.
        let from = 64 << 10;
        for (at, flip) in places {
            let at = from + at.index(bytes.len() - from);
            bytes[at] ^= flip;
        }
        let wreck = Wreck::of(Arc::new(SimDisk::new(bytes))).unwrap();
        let header = wreck.read(0, PAGE_LEN, None).unwrap();
        let newest = commit_slots(&header).into_iter().flatten().max_by_key(|s| s.transaction);
        let mut roots = BTreeMap::new();
        Trees::new(&wreck).walk(newest.and_then(|s| s.tables), &mut Walked::default(), &mut |step| {
            if let Step::Row(row) = step {
                roots.insert(row.key.to_vec(), table_definition(row.value));
            }
            Ok(())
        }).unwrap();
        let is_older = commit_slots(&header).iter().any(Option::is_none);
        for (name, rows) in [b"a", b"b"].into_iter().zip(rows) {
            let Some(root) = roots.get(&name[..]).copied().flatten().flatten() else { continue };
            let mut gaps: Vec<(Vec<u8>, Option<Vec<u8>>)> = Vec::new();
            let mut found = Rows::new();
            Trees::new(&wreck).walk(Some(root), &mut Walked::default(), &mut |step| {
                match step {
                    Step::Row(row) => drop(found.insert(row.key.to_vec(), row.value.to_vec())),
                    Step::Gap(after, up_to) => {
                        gaps.push((after.unwrap_or_default().to_vec(), up_to.map(<[u8]>::to_vec)));
                    }
                }
                Ok(())
            }).unwrap();
            if is_older {
                continue;
            }
            for (key, value) in &rows {
                let in_gap = gaps.iter().any(|(after, up_to)| {
                    (key > after || after.is_empty()) && up_to.as_ref().is_none_or(|up| key <= up)
                });
                match found.get(key) {
                    Some(read) => prop_assert_eq!(read, value),
                    None => prop_assert!(in_gap, "{:?} is neither there nor in a gap", key),
                }
            }
            prop_assert!(found.keys().all(|key| rows.contains_key(key)));
        }
    }

    #[test]
    fn any_bytes_are_a_page_or_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..600), kind in 0..4_u8) {
        if let Some(first) = bytes.first_mut() {
            *first = kind;
        }
        if let Some(page) = Page::parse(&bytes) {
            page.checksum();
            match page {
                Page::Leaf(leaf) => drop(leaf.rows().count()),
                Page::Branch(branch) => {
                    for i in 0..=branch.children() {
                        let _ = (branch.child(i), branch.key(i));
                    }
                    prop_assert!(branch.child_for(b"key") < branch.children());
                }
            }
        }
        if let Some(leaf) = Leaf::parse_damaged(&bytes) {
            for row in leaf.rows() {
                prop_assert!(row.key.end <= bytes.len() && row.value.end <= bytes.len());
            }
        }
        let _ = (commit_slots(&bytes), table_definition(&bytes));
    }
}

#[test]
fn a_page_lies_where_redb_puts_it() {
    let number = |order: u64, region: u64, index: u64| {
        // The bytes of a root: page, checksum, length.
        let bytes = [(order << 59 | region << 20 | index).to_le_bytes(), [0; 8]].concat();
        let definition = [&[3][..], &[0; 8], &[1], &bytes, &[0; 16], &[0; 30]].concat();
        table_definition(&definition).flatten().map(|root| root.page)
    };
    let place = |order, region, index| number(order, region, index).and_then(PageNumber::place);
    assert_eq!(place(0, 0, 0), Some((4096, 4096)));
    assert_eq!(place(2, 0, 3), Some((4096 + 3 * 4 * 4096, 4 * 4096)));
    assert_eq!(place(0, 1, 1), Some((4096 + (4 << 30) + 4096, 4096)));
    assert_eq!(place(20, 1, 0), Some((4096 + (4 << 30), 4 << 30)));
    assert_eq!(place(21, 0, 0), None);
    assert_eq!(longest_at(4096), 4 << 30);
    assert_eq!(longest_at(4096 + 3 * 4 * 4096), 4 * 4096);
    assert_eq!(longest_at(4096 + 5 * 4096), 4096);
}
