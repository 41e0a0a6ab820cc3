//! Segments of text: what lies in memory becomes one, and several of a size become one.
//!
//! ```text
//! state locked: which parts -> their segment, beside readers and writers -> state locked: it takes over
//! ```
//!
//! **Invariant:** no answer changes, so neither rows nor the log hear of it. A segment stays in memory until a
//! checkpoint stores it; a crash before that costs the time to make it again. What was made of indexes that
//! have been replaced meanwhile is dropped.

use super::committer::Committer;
use crate::Result;

/// Postings of a step, between which the work can be given up.
const STEP: usize = 64 << 10;

impl Committer {
    /// Why a segment of text is to be made, if one is.
    pub(crate) fn text_due(&self) -> Option<&'static str> {
        let state = self.state.lock();
        state.indexes.texts().into_iter().find_map(|text| text.is_due(self.settings.tail_texts))
    }

    /// Makes a segment of text, and gives up when `goes_on` says no. Returns its bytes; `None` if there was
    /// none to be made, or none was.
    pub(crate) fn text_step(&self, goes_on: &mut dyn FnMut() -> bool) -> Result<Option<u64>> {
        self.failure.check()?;
        let begun = {
            let mut state = self.state.lock();
            let mut texts = state.indexes.texts_mut().into_iter().enumerate();
            let tail = self.settings.tail_texts;
            texts.find_map(|(which, text)| Some((which, text.begin_segment(tail)?)))
        };
        let Some((which, mut segment)) = begun else { return Ok(None) };
        while !segment.step(STEP)? {
            if !goes_on() {
                return Ok(None);
            }
        }
        let made = segment.finish()?;
        let bytes = made.image.len() as u64;
        let mut state = self.state.lock();
        let is_of_it = state.indexes.texts_mut()[which].adopt(made);
        if !is_of_it {
            return Ok(None);
        }
        self.publish(&state)?;
        Ok(Some(bytes))
    }
}

#[cfg(test)]
mod tests {
    use crate::derived::ImageRow;
    use crate::{Db, MemoryId, NewMemory, Options, Recall};
    use std::collections::BTreeMap;

    const TAIL: usize = 8_192;

    fn tags(db: &Db) -> Vec<u64> {
        db.read().unwrap().versions().text.segments().map(|segment| segment.tag).collect()
    }

    fn remember(db: &Db, round: usize) -> Vec<MemoryId> {
        let new = |n| NewMemory::new(format!("round{round} word{}", n % 100));
        db.remember_batch((0..TAIL).map(new).collect()).unwrap()
    }

    /// The images of segments, by name.
    fn stored(db: &Db) -> BTreeMap<String, ImageRow> {
        let mut images = ImageRow::load_all(&db.read().unwrap().rows().unwrap()).unwrap();
        images.retain(|name, _| name.starts_with("text/"));
        images
    }

    #[test]
    fn what_lies_in_memory_is_sealed_and_segments_of_a_size_are_merged() {
        let db = Options::new().threads(false).in_memory().unwrap();
        for round in 0..5 {
            remember(&db, round);
            let view = db.read().unwrap();
            assert_eq!(view.versions().text.live(), ((round + 1) * TAIL) as u64);
            let found = db.recall(&Recall::new().text(format!("round{round}")).limit(9)).unwrap();
            assert_eq!(found.hits.len(), 9);
        }
        // Four were made, and merged behind the fifth commit.
        assert_eq!(tags(&db), [4]);
        db.remember(NewMemory::new("one more")).unwrap();
        assert_eq!(tags(&db), [4, 5]);
        assert!(db.verify(&mut |_| {}).unwrap().is_clean());
    }

    #[test]
    fn a_checkpoint_writes_only_segments_that_are_new() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lith");
        let db = Options::new().threads(false).open(&path).unwrap();
        let ids = remember(&db, 0);
        db.checkpoint().unwrap();
        let before = stored(&db);
        assert_eq!(before.len(), 1);
        for id in &ids[..50] {
            db.forget(*id).unwrap();
        }
        db.remember(NewMemory::new("something new")).unwrap();
        db.checkpoint().unwrap();
        let after = stored(&db);
        assert_eq!(after.len(), 2);
        for (name, row) in &before {
            assert_eq!(after[name].place, row.place, "{name}");
        }
        db.close().unwrap();

        let db = Options::new().threads(false).open(&path).unwrap();
        assert_eq!(tags(&db).len(), 2);
        let count = |text: &str| {
            let found = db.recall(&Recall::new().text(text).limit(10_000)).unwrap();
            found.hits.len()
        };
        assert_eq!((count("round0"), count("new")), (TAIL - 50, 1));
        assert!(db.verify(&mut |_| {}).unwrap().is_clean());
        db.rebuild(&mut |_, _| {}).unwrap();
        assert_eq!((stored(&db).len(), count("round0")), (1, TAIL - 50));
    }
}
