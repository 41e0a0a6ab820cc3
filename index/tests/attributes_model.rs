//! The attribute index against a naive model: a map from ordinal to id, labels and cells.

#![expect(clippy::unwrap_used, reason = "an error where none belongs fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use memlith_index::attributes::{Attributes, ColumnId, Entry, FieldId, Order, Row};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use roaring::RoaringBitmap;

/// The last field number there is has no successor that would end its labels.
const FIELDS: [FieldId; 4] = [FieldId(0), FieldId(1), FieldId(7), FieldId(u8::MAX)];
const COLUMNS: u8 = 3;

type Label = (FieldId, Vec<u8>);

/// What the index should say, in a form too simple to be wrong.
#[derive(Clone, Default)]
struct Model {
    ids: Vec<u64>,
    live: BTreeMap<u32, (BTreeSet<Label>, BTreeMap<ColumnId, i64>)>,
}

/// Some rows: `rows` of them from `at` on (modulo the count), `stride` apart.
#[derive(Clone, Copy, Debug)]
struct Spread {
    at: usize,
    rows: usize,
    stride: usize,
}

#[derive(Clone, Debug)]
enum Step {
    Push { rows: usize, gap: u64 },
    Set { on: Spread, labels: BTreeSet<Label>, cells: Vec<(ColumnId, i64)> },
    Remove { on: Spread },
    Add { on: Spread, labels: BTreeSet<Label> },
    Drop { field: FieldId },
    View,
    Reopen,
}

fn label() -> impl Strategy<Value = Label> {
    let bytes = prop_oneof![
        8 => vec(0..3_u8, 0..3),
        1 => vec(any::<u8>(), 0..4),
        1 => Just(vec![0xff; 3]),
    ];
    (prop::sample::select(&FIELDS), bytes)
}

fn spread() -> impl Strategy<Value = Spread> {
    (0..1_000_usize, 1..90_usize, 1..5_usize).prop_map(|(at, rows, stride)| Spread {
        at,
        rows,
        stride,
    })
}

fn step() -> impl Strategy<Value = Step> {
    let value = prop_oneof![
        6 => -3..4_i64,
        1 => any::<i64>(),
        1 => Just(i64::MIN),
        1 => Just(i64::MAX),
    ];
    let cell = ((0..COLUMNS).prop_map(ColumnId), value);
    prop_oneof![
        3 => (1..150_usize, 1..4_u64).prop_map(|(rows, gap)| Step::Push { rows, gap }),
        8 => (spread(), btree_set(label(), 0..5), vec(cell, 0..4))
            .prop_map(|(on, labels, cells)| Step::Set { on, labels, cells }),
        3 => spread().prop_map(|on| Step::Remove { on }),
        2 => (spread(), btree_set(label(), 0..3)).prop_map(|(on, labels)| Step::Add { on, labels }),
        1 => prop::sample::select(&FIELDS).prop_map(|field| Step::Drop { field }),
        2 => Just(Step::View),
        2 => Just(Step::Reopen),
    ]
}

fn borrowed(labels: &BTreeSet<Label>) -> Vec<(FieldId, &[u8])> {
    labels.iter().map(|(field, label)| (*field, label.as_slice())).collect()
}

fn reopened(attributes: &Attributes) -> Attributes {
    let image = attributes.write_image().unwrap();
    let reopened = Attributes::from_image(Arc::new(image.clone())).unwrap();
    assert!(reopened.write_image().unwrap() == image, "an image writes itself again");
    reopened
}

impl Model {
    fn rows(&self, on: Spread) -> Vec<u32> {
        let Some(first) = on.at.checked_rem(self.ids.len()) else { return Vec::new() };
        let rows = (first..self.ids.len()).step_by(on.stride).take(on.rows);
        rows.map(|row| row as u32).collect()
    }

    fn apply(&mut self, step: &Step, attributes: &mut Attributes) {
        match step {
            Step::Push { rows, gap } => {
                for _ in 0..*rows {
                    let id = self.ids.last().copied().unwrap_or_default() + gap;
                    assert_eq!(attributes.push(id).unwrap(), self.ids.len() as u32);
                    self.ids.push(id);
                }
            }
            Step::Set { on, labels, cells } => {
                for ordinal in self.rows(*on) {
                    let id = self.ids[ordinal as usize];
                    let entry = Entry { id, labels: &borrowed(labels), columns: cells };
                    attributes.set(ordinal, &entry).unwrap();
                    let mut cells: BTreeMap<_, _> = cells.iter().copied().collect();
                    cells.retain(|_, cell| *cell != i64::MIN);
                    self.live.insert(ordinal, (labels.clone(), cells));
                }
            }
            Step::Remove { on } => {
                for ordinal in self.rows(*on) {
                    let was_live = self.live.remove(&ordinal).is_some();
                    assert_eq!(attributes.remove(ordinal).unwrap(), was_live);
                }
            }
            Step::Add { on, labels } => {
                for ordinal in self.rows(*on) {
                    let is_live = attributes.add_labels(ordinal, &borrowed(labels)).unwrap();
                    let row = self.live.get_mut(&ordinal);
                    assert_eq!(is_live, row.is_some());
                    if let Some(row) = row {
                        row.0.extend(labels.iter().cloned());
                    }
                }
            }
            Step::Drop { field } => {
                attributes.drop_field(*field).unwrap();
                for (labels, _) in self.live.values_mut() {
                    labels.retain(|label| label.0 != *field);
                }
            }
            Step::View | Step::Reopen => {}
        }
    }

    fn having(&self, is_wanted: impl Fn(&Label) -> bool) -> RoaringBitmap {
        let rows = self.live.iter().filter(|(_, row)| row.0.iter().any(&is_wanted));
        rows.map(|(&ordinal, _)| ordinal).collect()
    }

    fn cell(&self, column: ColumnId, ordinal: u32) -> Option<i64> {
        self.live.get(&ordinal)?.1.get(&column).copied()
    }

    fn check(&self, attributes: &Attributes) {
        attributes.validate().unwrap();
        assert_eq!(attributes.next_ordinal() as usize, self.ids.len());
        assert_eq!(attributes.live(), self.live.keys().copied().collect());
        assert_eq!(attributes.live_len(), self.live.len() as u64);
        self.check_rows(attributes);
        for field in FIELDS {
            self.check_labels(attributes, field);
            self.check_label_ranges(attributes, field);
        }
        for column in (0..COLUMNS).map(ColumnId) {
            self.check_ranges(attributes, column);
            self.check_order(attributes, column, Order::Ascending);
            self.check_order(attributes, column, Order::Descending);
        }
    }

    fn check_rows(&self, attributes: &Attributes) {
        for (ordinal, &id) in (0..).zip(&self.ids) {
            assert_eq!(attributes.id_of(ordinal).unwrap(), Some(id));
            assert_eq!(attributes.ordinal_of(id).unwrap(), Some(ordinal));
            assert_eq!(attributes.is_live(ordinal), self.live.contains_key(&ordinal));
            for column in (0..COLUMNS).map(ColumnId) {
                let cell = attributes.cell(column, ordinal).unwrap();
                assert_eq!(cell, self.cell(column, ordinal));
            }
        }
        let unknown = self.ids.last().copied().unwrap_or_default() + 1;
        assert_eq!(attributes.ordinal_of(unknown).unwrap(), None);
        assert_eq!(attributes.id_of(self.ids.len() as u32).unwrap(), None);
        let rows: Vec<Row> = attributes.rows().collect::<Result<_, _>>().unwrap();
        let expected = self.live.iter().map(|(&ordinal, (labels, cells))| Row {
            id: self.ids[ordinal as usize],
            labels: labels.iter().cloned().collect(),
            columns: cells.iter().map(|(&column, &cell)| (column, cell)).collect(),
        });
        assert_eq!(rows, expected.collect::<Vec<_>>());
    }

    /// Listings, also those that are taken up behind each label, and the rows of each label.
    fn check_labels(&self, attributes: &Attributes, field: FieldId) {
        assert_eq!(attributes.any(field).unwrap(), self.having(|label| label.0 == field));
        let mut expected = BTreeMap::new();
        for label in self.live.values().flat_map(|row| &row.0).filter(|label| label.0 == field) {
            *expected.entry(label.1.clone()).or_insert(0_u64) += 1;
        }
        let expected: Vec<_> = expected.into_iter().collect();
        let list = |start: Bound<&[u8]>| -> Vec<(Vec<u8>, u64)> {
            let labels = attributes.labels(field, start).unwrap().map(Result::unwrap);
            labels.map(|(label, len)| (label.to_vec(), len)).collect()
        };
        assert_eq!(list(Bound::Unbounded), expected);
        for (at, (label, len)) in expected.iter().enumerate() {
            assert_eq!(list(Bound::Excluded(label)), expected[at + 1..]);
            let rows = attributes.label(field, label).unwrap();
            assert_eq!(rows, self.having(|known| known.0 == field && known.1 == *label));
            assert_eq!(rows.len(), *len);
            assert_eq!(attributes.label_len(field, label).unwrap(), *len);
        }
        assert!(attributes.label(field, b"never").unwrap().is_empty());
        assert_eq!(attributes.label_len(field, b"never").unwrap(), 0);
    }

    fn check_label_ranges(&self, attributes: &Attributes, field: FieldId) {
        let bounds: [Bound<&[u8]>; 6] = [
            Bound::Unbounded,
            Bound::Included(&[]),
            Bound::Included(&[1]),
            Bound::Excluded(&[1]),
            Bound::Excluded(&[1, 2]),
            Bound::Included(&[0xff; 3]),
        ];
        for start in bounds {
            for end in bounds {
                let range: (Bound<&[u8]>, Bound<&[u8]>) = (start, end);
                let is_inside =
                    |label: &Label| label.0 == field && range.contains(label.1.as_slice());
                let found = attributes.label_range(field, start, end).unwrap();
                assert_eq!(found, self.having(is_inside), "{start:?} to {end:?}");
            }
        }
    }

    fn check_ranges(&self, attributes: &Attributes, column: ColumnId) {
        let all: RoaringBitmap = self.live.keys().copied().collect();
        let some: RoaringBitmap = all.iter().step_by(3).chain([1 << 20]).collect();
        for within in [&all, &some] {
            for range in [i64::MIN..=i64::MAX, -1..=2, 0..=0, i64::MIN..=-2, 3..=i64::MAX] {
                let is_inside = |&ordinal: &u32| {
                    self.cell(column, ordinal).is_some_and(|cell| range.contains(&cell))
                };
                let expected: RoaringBitmap = within.iter().filter(is_inside).collect();
                assert_eq!(attributes.range(column, range.clone(), within).unwrap(), expected);
            }
        }
    }

    /// Pages give the whole order, each row once, also behind a row that is there no longer.
    fn check_order(&self, attributes: &Attributes, column: ColumnId, order: Order) {
        let mut within: RoaringBitmap =
            self.live.keys().copied().filter(|row| row % 5 != 1).collect();
        let mut expected: Vec<u32> = within.iter().collect();
        expected.sort_by_key(|&ordinal| {
            let cell = self.cell(column, ordinal);
            let (value, place) = (i128::from(cell.unwrap_or_default()), i128::from(ordinal));
            match order {
                Order::Ascending => (cell.is_none(), value, place),
                Order::Descending => (cell.is_none(), -value, -place),
            }
        });
        let position = |row: u32| Some((self.cell(column, row), self.ids[row as usize]));
        let page_len = expected.len() / 3 + 1;
        let mut listed = Vec::new();
        loop {
            let after = listed.last().and_then(|&last| position(last));
            let page = attributes.top(column, &within, page_len, order, after).unwrap();
            if page.is_empty() {
                break;
            }
            assert_eq!(page.len(), page_len.min(expected.len() - listed.len()));
            listed.extend(page);
        }
        assert_eq!(listed, expected);
        if let Some((&gone, rest)) = expected.split_first() {
            within.remove(gone);
            let found = attributes.top(column, &within, usize::MAX, order, position(gone)).unwrap();
            assert_eq!(found, rest);
        }
    }

    /// The live rows alone, numbered anew.
    fn rebuilt(&self) -> Attributes {
        let mut attributes = Attributes::new(COLUMNS);
        for (&ordinal, (labels, cells)) in &self.live {
            let id = self.ids[ordinal as usize];
            let ordinal = attributes.push(id).unwrap();
            let cells: Vec<_> = cells.iter().map(|(&column, &cell)| (column, cell)).collect();
            let entry = Entry { id, labels: &borrowed(labels), columns: &cells };
            attributes.set(ordinal, &entry).unwrap();
        }
        attributes
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 384, ..ProptestConfig::default() })]

    #[test]
    fn any_history_reads_as_the_model_and_views_never_change(steps in vec(step(), 1..24)) {
        let mut model = Model::default();
        let mut attributes = Attributes::new(COLUMNS);
        let mut views = Vec::new();
        for step in &steps {
            model.apply(step, &mut attributes);
            match step {
                Step::View => views.push((attributes.clone(), model.clone())),
                Step::Reopen => attributes = reopened(&attributes),
                _ => {}
            }
        }
        model.check(&attributes);
        model.check(&reopened(&attributes));
        prop_assert_eq!(attributes.digest().unwrap(), model.rebuilt().digest().unwrap());
        for (view, model) in views {
            model.check(&view);
        }
    }

    #[test]
    fn the_image_does_not_depend_on_the_way_there(steps in vec(step(), 1..16)) {
        let mut model = Model::default();
        let (mut direct, mut reopening) = (Attributes::new(COLUMNS), Attributes::new(COLUMNS));
        for step in &steps {
            let image = reopening.write_image().unwrap();
            model.clone().apply(step, &mut reopening);
            model.apply(step, &mut direct);
            if reopening.is_image() {
                prop_assert!(reopening.write_image().unwrap() == image);
            }
            reopening = reopened(&reopening);
            prop_assert_eq!(reopening.is_image(), reopening.next_ordinal() > 0);
        }
        prop_assert!(direct.write_image().unwrap() == reopening.write_image().unwrap());
    }
}

#[test]
fn one_label_or_cell_more_changes_the_digest() {
    let digest = |labels: &[(FieldId, &[u8])], columns: &[(ColumnId, i64)]| {
        let mut attributes = Attributes::new(COLUMNS);
        let ordinal = attributes.push(9).unwrap();
        attributes.set(ordinal, &Entry { id: 9, labels, columns }).unwrap();
        attributes.digest().unwrap()
    };
    let digests = [
        digest(&[], &[]),
        digest(&[(FieldId(0), b"a")], &[]),
        digest(&[(FieldId(1), b"a")], &[]),
        digest(&[(FieldId(0), b"a"), (FieldId(0), b"")], &[]),
        digest(&[], &[(ColumnId(0), 0)]),
        digest(&[], &[(ColumnId(1), 0)]),
        digest(&[], &[(ColumnId(1), 1)]),
    ];
    assert_eq!(BTreeSet::from(digests).len(), digests.len());
}
