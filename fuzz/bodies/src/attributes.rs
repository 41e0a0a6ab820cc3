//! Any bytes are the image of attributes or are refused; whatever opens answers or says what is
//! wrong, and can be written to and stored again.

use memlith_index::attributes::{Attributes, ColumnId, Entry, FieldId, Order};
use std::ops::Bound;
use std::sync::Arc;

/// Bytes as the image of attributes. Tells whether it opened.
pub(crate) fn open(bytes: &[u8]) -> bool {
    let Ok(mut attributes) = Attributes::from_image(Arc::new(bytes.to_vec())) else { return false };
    // Each question for itself: an error from one must not spare the others.
    let _ = attributes.digest();
    if attributes.validate().is_ok() {
        let again = attributes.write_image().expect("what is whole can be stored");
        let again = Attributes::from_image(Arc::new(again)).expect("what is stored reads back");
        assert_eq!(again.digest().ok(), attributes.digest().ok());
    }
    let live = attributes.live();
    for field in (0..4).map(FieldId) {
        let _ = attributes.any(field);
        let _ = attributes.label(field, b"all");
        let _ = attributes.label_range(field, Bound::Unbounded, Bound::Unbounded);
        if let Ok(labels) = attributes.labels(field, Bound::Excluded(b"a")) {
            labels.for_each(drop);
        }
    }
    for column in (0..4).map(ColumnId) {
        let _ = attributes.range(column, -1..=200, &live);
        let _ = attributes.top(column, &live, 10, Order::Descending, Some((Some(9), 9)));
    }
    for ordinal in [0, 63, 64] {
        if let Ok(Some(id)) = attributes.id_of(ordinal) {
            let labels = [(FieldId(1), b"third".as_slice()), (FieldId(2), b"new")];
            let _ = attributes.set(ordinal, &Entry { id, labels: &labels, columns: &[] });
            let _ = attributes.ordinal_of(id);
        }
        let _ = attributes.remove(ordinal);
    }
    let _ = attributes.push(u64::MAX);
    let _ = attributes.drop_field(FieldId(1));
    let _ = attributes.write_image();
    true
}
