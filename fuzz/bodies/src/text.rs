//! Any bytes are the image of a text index or are refused; whatever opens answers or says what is
//! wrong, and can be written to and stored again.

use memlith_index::text::{Analyzer, Occur, Pattern, Query, TextIndex};
use roaring::RoaringBitmap;
use std::sync::Arc;

/// Bytes as the image of a text index. Tells whether it opened.
pub(crate) fn open(bytes: &[u8]) -> bool {
    let mut image = bytes.to_vec();
    // It changes with the compiler's Unicode tables, and nobody would guess it.
    if let Some(fingerprint) = image.get_mut(8..16) {
        fingerprint.copy_from_slice(&Analyzer::default().fingerprint().to_le_bytes());
    }
    let image = Arc::new(image);
    let Ok(mut index) = TextIndex::from_image(image, Analyzer::default()) else { return false };
    let within: RoaringBitmap = (0..60).collect();
    let words = Query::words("the word1 again");
    let all = Query::all_words("the again").with(Occur::MustNot, Pattern::Words("word2".into()));
    let phrase = Query::default().with(Occur::Should, Pattern::Phrase("the word3".into()));
    for seq in 2..4 {
        let view = index.view(seq);
        for query in [&words, &all, &phrase] {
            let _ = view.search(query, 5, None, &mut || true);
            let _ = view.search(query, 5, Some(&within), &mut || true);
            let _ = view.scores(query, &within, &mut || true);
            let _ = view.matched_terms(query, 6);
        }
        let _ = view.for_each_live(|_, _| {});
        let _ = view.for_each_posting(|_, _, _| {});
        if view.validate().is_ok() {
            let again = view.write_image().expect("what is whole can be stored");
            let again = TextIndex::from_image(Arc::new(again), Analyzer::default());
            let again = again.expect("what is stored reads back").view(seq);
            assert_eq!(again.digest().ok(), view.digest().ok());
        }
        let _ = index.insert(9, "the new text", seq);
        let _ = index.remove(12, seq);
    }
    let _ = index.write_image(4);
    // What lies in memory as a second segment, and then both as one.
    for _ in 0..2 {
        let Some(compaction) = index.seal().or_else(|| index.merge()) else { break };
        let Ok(compacted) = compaction.finish() else { break };
        let _ = index.adopt(&compacted.receipt, 1, Arc::new(compacted.image));
        let _ = index.view(5).search(&words, 5, None, &mut || true);
    }
    true
}
