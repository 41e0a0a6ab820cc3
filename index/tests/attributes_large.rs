//! Sets of many pages, in every form a page can take, against plain bitmaps.

#![expect(clippy::unwrap_used, reason = "an error where none belongs fails the test")]

use std::sync::Arc;

use memlith_index::attributes::{Attributes, ColumnId, Entry, FieldId};
use roaring::RoaringBitmap;

const ROWS: u32 = 150_000;
const FIELD: FieldId = FieldId(0);
const COLUMN: ColumnId = ColumnId(0);

/// Labels whose rows are all, dense, scattered, rare, one long run, and a few of a second page.
fn has(label: u8, ordinal: u32) -> bool {
    match label {
        b'a' => true,
        b'b' => ordinal.wrapping_mul(2_654_435_761) >> 31 == 0,
        b'c' => ordinal.is_multiple_of(97),
        b'd' => ordinal % 60_000 == 1,
        b'e' => (70_000..90_000).contains(&ordinal),
        _ => ordinal < 100 || (70_000..70_020).contains(&ordinal),
    }
}

fn set(attributes: &mut Attributes, ordinal: u32, has: impl Fn(u8) -> bool) {
    let labels: Vec<_> = (b'a'..=b'f').filter(|&label| has(label)).map(|label| [label]).collect();
    let labels: Vec<_> = labels.iter().map(|label| (FIELD, label.as_slice())).collect();
    let id = u64::from(ordinal) + 1;
    let columns = [(COLUMN, i64::from(ordinal / 10))];
    attributes.set(ordinal, &Entry { id, labels: &labels, columns: &columns }).unwrap();
}

fn expect(attributes: &Attributes, has: impl Fn(u8, u32) -> bool) {
    for label in b'a'..=b'f' {
        let expected: RoaringBitmap = (0..ROWS).filter(|&ordinal| has(label, ordinal)).collect();
        assert_eq!(attributes.label(FIELD, &[label]).unwrap(), expected, "label {label}");
        assert_eq!(attributes.label_len(FIELD, &[label]).unwrap(), expected.len());
    }
    attributes.validate().unwrap();
}

#[test]
fn many_pages_keep_their_ordinals_through_changes_views_and_images() {
    let mut attributes = Attributes::new(1);
    for ordinal in 0..ROWS {
        attributes.push(u64::from(ordinal) + 1).unwrap();
        set(&mut attributes, ordinal, |label| has(label, ordinal));
    }
    let view = attributes.clone();
    let reopened = Attributes::from_image(Arc::new(attributes.write_image().unwrap())).unwrap();

    assert!(reopened.heap_bytes() < attributes.heap_bytes() / 50, "an image stays where it is");

    // Inverting every second row tears the long runs into short ones.
    let inverted = |ordinal: u32| ordinal.is_multiple_of(2) && (60_000..140_000).contains(&ordinal);
    // The last label loses the page.
    let has_now = |label, ordinal| match label {
        b'f' => has(label, ordinal) && !(60_000..140_000).contains(&ordinal),
        _ => has(label, ordinal) != inverted(ordinal),
    };
    let mut images = Vec::new();
    for mut attributes in [attributes, reopened] {
        for ordinal in (0..ROWS).filter(|&row| inverted(row) || has(b'f', row)) {
            set(&mut attributes, ordinal, |label| has_now(label, ordinal));
        }
        expect(&attributes, has_now);
        images.push(attributes.write_image().unwrap());
    }
    assert!(images[0] == images[1], "an image does not depend on the way there");
    expect(&Attributes::from_image(Arc::new(images.remove(0))).unwrap(), has_now);
    expect(&view, has);
}

/// A page that was read as runs and shrank to where runs and an array are equally long.
#[test]
fn a_page_is_written_in_one_form_whichever_it_had() {
    let mut attributes = Attributes::new(1);
    for ordinal in 0..100 {
        attributes.push(u64::from(ordinal) + 1).unwrap();
        set(&mut attributes, ordinal, |label| label == b'a');
    }
    let reopened = Attributes::from_image(Arc::new(attributes.write_image().unwrap())).unwrap();
    let [direct, reopened] = [attributes, reopened].map(|mut attributes| {
        let kept = [0, 1, 2, 10, 11, 20, 21];
        for ordinal in (0..100).filter(|ordinal| !kept.contains(ordinal)) {
            assert!(attributes.remove(ordinal).unwrap());
        }
        attributes.write_image().unwrap()
    });
    assert!(direct == reopened);
}

#[test]
fn ranges_are_exact_whether_pages_are_scanned_or_picked_from() {
    let mut attributes = Attributes::new(1);
    for ordinal in 0..ROWS {
        attributes.push(u64::from(ordinal) + 1).unwrap();
        set(&mut attributes, ordinal, |_| false);
    }
    let image = Attributes::from_image(Arc::new(attributes.write_image().unwrap())).unwrap();
    let dense: RoaringBitmap =
        (0..70_000).chain([131_071, 131_072, ROWS - 1, ROWS, 1 << 31]).collect();
    let sparse: RoaringBitmap = (0..ROWS).step_by(50).chain([ROWS - 1, u32::MAX]).collect();
    for within in [&dense, &sparse] {
        for range in [i64::MIN..=i64::MAX, 6_500..=13_107, 14_999..=14_999, 15_000..=i64::MAX] {
            let expected: RoaringBitmap = within
                .iter()
                .filter(|&row| row < ROWS && range.contains(&i64::from(row / 10)))
                .collect();
            assert_eq!(attributes.range(COLUMN, range.clone(), within).unwrap(), expected);
            assert_eq!(image.range(COLUMN, range.clone(), within).unwrap(), expected);
        }
    }
}
