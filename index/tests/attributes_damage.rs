//! Whatever an image's bytes are, reading and changing it ends in an answer or an error.

#![expect(clippy::unwrap_used, reason = "an error where none belongs fails the test")]

use std::ops::Bound;
use std::sync::Arc;

use memlith_index::attributes::{Attributes, ColumnId, Entry, FieldId, Order};
use memlith_index::image::ImageError;
use proptest::prelude::*;

const TAG: FieldId = FieldId(1);
const SESSION: FieldId = FieldId(2);
const ROWS: u64 = 300;

/// Every kind of posting and column: long and short, dense, sparse, absent, and rows that are gone.
fn image() -> Vec<u8> {
    let mut attributes = Attributes::new(3);
    for id in 1..=ROWS {
        let ordinal = attributes.push(id).unwrap();
        let session = (id / 4).to_be_bytes();
        let mut labels = vec![(SESSION, session.as_slice()), (TAG, b"all".as_slice())];
        if id % 3 == 0 {
            labels.push((TAG, b"third"));
        }
        let columns = [(ColumnId(0), id as i64), (ColumnId(2), -(id as i64))];
        attributes.set(ordinal, &Entry { id, labels: &labels, columns: &columns }).unwrap();
    }
    for ordinal in (0..ROWS as u32).step_by(7) {
        attributes.remove(ordinal).unwrap();
    }
    attributes.write_image().unwrap()
}

/// Asks for everything there is; an error from one question does not spare the next.
fn exercise(image: Vec<u8>) -> Result<(), ImageError> {
    let mut attributes = Attributes::from_image(Arc::new(image))?;
    let mut first_error = Ok(());
    let mut note = |answer: Result<(), ImageError>| {
        if first_error.is_ok() {
            first_error = answer;
        }
    };
    note(attributes.validate());
    note(attributes.digest().map(drop));
    note(attributes.write_image().map(drop));
    let live = attributes.live();
    for field in [TAG, SESSION, FieldId(9)] {
        note(attributes.any(field).map(drop));
        note(attributes.label(field, b"all").map(drop));
        note(attributes.label_range(field, Bound::Unbounded, Bound::Unbounded).map(drop));
        match attributes.labels(field, Bound::Excluded(b"a")) {
            Ok(labels) => labels.for_each(|label| note(label.map(drop))),
            Err(error) => note(Err(error)),
        }
    }
    for column in (0..4).map(ColumnId) {
        note(attributes.range(column, 3..=200, &live).map(drop));
        note(attributes.top(column, &live, 10, Order::Descending, Some((Some(9), 9))).map(drop));
    }
    for id in [0, 1, ROWS, u64::MAX] {
        note(attributes.ordinal_of(id).map(drop));
    }
    for ordinal in [0, 63, 64, 299] {
        if let Ok(Some(id)) = attributes.id_of(ordinal) {
            let labels = [(TAG, b"third".as_slice()), (TAG, b"new")];
            note(attributes.clone().set(ordinal, &Entry { id, labels: &labels, columns: &[] }));
        }
        note(attributes.clone().add_labels(ordinal, &[(TAG, b"new")]).map(drop));
        note(attributes.clone().remove(ordinal).map(drop));
    }
    note(attributes.clone().push(ROWS + 1).map(drop));
    note(attributes.drop_field(TAG));
    note(attributes.write_image().map(drop));
    first_error
}

#[test]
fn an_undamaged_image_passes() {
    assert_eq!(exercise(image()), Ok(()));
}

#[test]
fn a_shorter_or_longer_image_does_not_open() {
    let image = image();
    for len in (0..image.len()).step_by(37).chain([image.len() - 1]) {
        assert!(Attributes::from_image(Arc::new(image[..len].to_vec())).is_err(), "{len} bytes");
    }
    let longer = [image.as_slice(), &[0]].concat();
    assert!(Attributes::from_image(Arc::new(longer)).is_err());
}

#[test]
fn another_kind_or_version_is_named() {
    let mut image = image();
    image[7] += 1;
    let error = Attributes::from_image(Arc::new(image)).err();
    assert_eq!(error, Some(ImageError::WrongFormat { expected: "attribute image 2" }));
}

/// Rows that take no byte would let a short image make a reader gather as many bits as it claims.
#[test]
fn more_rows_than_bytes_do_not_open() {
    let mut image = Attributes::new(3).write_image().unwrap();
    image[8..12].copy_from_slice(&0xbb_0000_u32.to_le_bytes());
    let error = Attributes::from_image(Arc::new(image)).err();
    assert_eq!(error, Some(ImageError::Inconsistent { what: "ids ascend with ordinals" }));
}

#[test]
fn every_damaged_header_byte_is_survived() {
    let image = image();
    for at in 0..110 {
        for byte in [0, 1, 0x7f, 0x80, 0xff] {
            let mut image = image.clone();
            image[at] = byte;
            // Some bytes are such already: only that it ends matters here.
            drop(exercise(image));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_damage_is_survived(
        writes in proptest::collection::vec(
            (any::<prop::sample::Index>(), prop_oneof![
                any::<[u8; 1]>().prop_map(|bytes| bytes.to_vec()),
                any::<[u8; 4]>().prop_map(|bytes| bytes.to_vec()),
                Just(vec![0xff; 8]),
                Just(vec![0; 8]),
                Just(vec![0xff, 0xff, 0xff, 0x7f]),
            ]),
            1..4,
        ),
    ) {
        let mut image = image();
        for (at, bytes) in writes {
            let at = at.index(image.len() - bytes.len());
            image[at..at + bytes.len()].copy_from_slice(&bytes);
        }
        drop(exercise(image));
    }
}
