//! Images: opened in place, refused when they are not ours, and harmless when they lie.

#![expect(clippy::unwrap_used, reason = "an error where none should be fails the test")]

use memlith_index::image::ImageError;
use memlith_index::text::{Analyzer, Query, TextIndex};
use proptest::prelude::*;
use std::sync::Arc;

fn image() -> Vec<u8> {
    let mut index = TextIndex::new(Analyzer::default());
    for i in 0..40 {
        let text = format!("word{} the the fooBar E{i} {}", i % 4, "again ".repeat(i as usize % 3));
        index.insert(i * 3, &text, 1).unwrap();
    }
    index.write_image(1).unwrap()
}

/// One with lists of several blocks.
fn large_image() -> Vec<u8> {
    let mut index = TextIndex::new(Analyzer::default());
    for i in 0..400 {
        let text = format!("the word{} {} own{i}", i % 3, "again ".repeat(i as usize % 4));
        index.insert(i * 2, &text, 1).unwrap();
    }
    index.write_image(1).unwrap()
}

/// Does all that can be done with an image; errors are fine, panics are not.
fn use_all(image: Vec<u8>) -> Result<(), ImageError> {
    let mut index = TextIndex::from_image(Arc::new(image), Analyzer::default())?;
    for seq in 2..4 {
        let view = index.view(seq);
        let ordinals = (0..60).collect();
        // Each for itself: an error of one must not spare the others.
        let _ = view.search(&Query::words("the word1 e7 foo"), 5, None, &mut || true);
        let _ = view.search(&Query::words("again nothing"), 5, Some(&ordinals), &mut || true);
        let _ = view.scores(&Query::words("the word2"), &ordinals, &mut || true);
        for query in ["+the +word1", "\"the word2\"", "+\"the the\" -word1", "wor*", "wrod1~ +e7~"]
        {
            let _ = view.search(&Query::parse(query), 5, None, &mut || true);
            let _ = view.matched_terms(&Query::parse(query), 6);
        }
        let _ = view.matched_terms(&Query::words("the foobar"), 6);
        let _ = view.contains(9);
        let _ = view.for_each_posting(|_, _, _| {});
        let _ = view.digest();
        let _ = view.validate();
        let _ = view.write_image();
        let _ = index.insert(9, "the new text", seq);
        let _ = index.remove(12, seq);
    }
    // What lies in memory as a second segment, and both as one.
    if let Some(compaction) = index.seal()
        && let Ok(compacted) = compaction.finish()
    {
        let _ = index.adopt(&compacted.receipt, 1, Arc::new(compacted.image));
        let _ = index.merge().map(memlith_index::text::Compaction::finish);
    }
    index.view(4).validate()
}

#[test]
fn an_image_holds_what_was_written() {
    let bytes = image();
    assert_eq!(bytes, image());
    let index = TextIndex::from_image(Arc::new(bytes.clone()), Analyzer::default()).unwrap();
    assert_eq!((index.live(), index.dead()), (40, 0));
    assert_eq!(index.write_image(1).unwrap(), bytes);
    assert_eq!(use_all(bytes), Ok(()));
}

#[test]
fn an_empty_index_has_an_image() {
    let bytes = TextIndex::new(Analyzer::default()).write_image(1).unwrap();
    let index = TextIndex::from_image(Arc::new(bytes), Analyzer::default()).unwrap();
    assert_eq!(index.live(), 0);
    assert!(index.view(1).search(&Query::words("x"), 1, None, &mut || true).unwrap().is_empty());
}

#[test]
fn an_image_of_other_rules_is_refused() {
    let other = Analyzer::default().fold_accents(false);
    let refused = TextIndex::from_image(Arc::new(image()), other);
    assert!(matches!(refused.err(), Some(ImageError::WrongFormat { .. })));
    let refused =
        TextIndex::from_image(Arc::new(b"not an image at all".repeat(9)), Analyzer::default());
    assert!(matches!(refused.err(), Some(ImageError::WrongFormat { .. })));
}

#[test]
fn a_cut_or_padded_image_is_refused() {
    let image = image();
    for len in 0..image.len() {
        assert!(use_all(image[..len].to_vec()).is_err(), "{len}");
    }
    assert!(use_all([&image[..], &[0]].concat()).is_err());
}

#[test]
fn no_changed_byte_causes_a_panic() {
    let image = image();
    for at in 0..image.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut changed = image.clone();
            changed[at] ^= change;
            let _ = use_all(changed);
        }
    }
}

#[test]
fn a_wrong_length_is_found_by_validation() {
    let mut image = image();
    // The first document's length, behind the header and a byte for each ordinal.
    image[80 + 40] += 1;
    let index = TextIndex::from_image(Arc::new(image), Analyzer::default()).unwrap();
    assert!(matches!(index.view(1).validate(), Err(ImageError::Inconsistent { .. })));
}

proptest! {
    #[test]
    fn no_overwritten_field_causes_a_panic(
        at in 0..2000_usize,
        bytes in prop::collection::vec(prop::sample::select(vec![0x00, 0x01, 0x7f, 0x80, 0xff]), 1..24),
    ) {
        let mut image = image();
        let at = at % (image.len() - bytes.len());
        image[at..at + bytes.len()].copy_from_slice(&bytes);
        let _ = use_all(image);
    }
}

proptest! {
    #[test]
    fn no_overwritten_field_of_a_large_image_causes_a_panic(
        at in any::<prop::sample::Index>(),
        bytes in prop::collection::vec(prop::sample::select(vec![0x00, 0x01, 0x7f, 0x80, 0xff]), 1..12),
    ) {
        let mut image = large_image();
        let at = at.index(image.len() - bytes.len());
        image[at..at + bytes.len()].copy_from_slice(&bytes);
        let _ = use_all(image);
    }
}

#[test]
fn a_total_that_no_documents_can_have_is_refused() {
    let mut image = image();
    image[32..40].fill(0xff);
    let refused = TextIndex::from_image(Arc::new(image), Analyzer::default());
    assert!(matches!(refused.err(), Some(ImageError::Inconsistent { .. })));
}
