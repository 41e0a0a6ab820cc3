//! Any bytes are the image of a vector index or are refused; whatever opens answers or says what is
//! wrong, and can be written to and stored again.

use memlith_index::vectors::{Effort, Search, SearchLimits, VectorIndex};
use roaring::RoaringBitmap;
use std::sync::Arc;

/// Bytes as the image of a vector index, over full vectors that contradict its codes. Tells whether it opened.
pub(crate) fn open(bytes: &[u8]) -> bool {
    let Ok(mut index) = VectorIndex::from_image(Arc::new(bytes.to_vec())) else { return false };
    let mut fetch = |ordinal: u32, vector: &mut [f32]| {
        vector.fill(1.0 + ordinal as f32);
        if ordinal % 7 == 6 { Err("no such vector") } else { Ok(()) }
    };
    let query = vec![0.5; index.dimension()];
    let within: RoaringBitmap = (0..600).collect();
    for seq in 0..2 {
        let view = index.view(seq);
        for (k, filter) in [(1, None), (50, Some(&within))] {
            let _ = view.search(&query, k, filter, SearchLimits::none(), &mut fetch);
            let search = Search { query: &query, k, filter, effort: Effort::Ef(1), scan_below: 0 };
            let _ = view.find(search, SearchLimits::none(), &mut fetch);
        }
        let _ = view.coverage();
        let _ = view.contains(4);
        let _ = view.matches(4, &query);
        let _ = view.score_of(&[0, 4, 6], &query, &mut fetch);
        let mut codes = 0;
        if view.for_each_code(|_, _| codes += 1).is_ok() {
            assert_eq!(codes, view.live());
        }
        let _ = view.validate();
        let _ = view.link(20, &mut || true);
        let _ = index.write_image(seq);
        let _ = index.remove(2, 1);
        let _ = index.insert(4, &query, 1);
    }
    true
}
