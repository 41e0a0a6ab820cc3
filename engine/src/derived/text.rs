//! The words of memories, over their content.
//!
//! **Invariant:** every live memory has one entry, of its present content.

use super::{Derived, Folded};
use crate::Result;
use crate::commit::log::Aspects;
use crate::ids::Seq;
use crate::rows::Rows;
use memlith_index::image::SharedSource;
use memlith_index::text::{Analyzer, Bm25, Language, TextIndex, TextView};

/// Chosen by measurement on judged sets: decision 0018.
const RANKING: Bm25 = Bm25 { k1: 1.2, b: 0.5, rarity: 1.5 };

/// What counts as the same word.
pub(crate) fn analyzer() -> Analyzer {
    Analyzer::default().stem(Some(Language::English))
}

/// The writer of the text index.
pub(crate) struct ContentIndex(TextIndex);

impl Default for ContentIndex {
    fn default() -> Self {
        ContentIndex(TextIndex::new(analyzer()))
    }
}

impl ContentIndex {
    pub(crate) const NAME: &str = "text";

    pub(crate) fn open(image: SharedSource) -> Result<Self> {
        Ok(ContentIndex(TextIndex::from_image(image, analyzer())?))
    }

    pub(crate) fn version(&self, seq: Seq) -> TextView {
        self.0.view(seq.0).with_parameters(RANKING)
    }
}

impl Derived for ContentIndex {
    fn name(&self) -> String {
        Self::NAME.into()
    }

    fn fold(&mut self, seq: Seq, change: &Folded<'_>, _: &dyn Rows) -> Result<()> {
        match change.row {
            Some(row) if change.aspects.has(Aspects::CONTENT) => {
                self.0.insert(change.ordinal, &row.content, seq.0)?;
            }
            Some(_) => {}
            None => drop(self.0.remove(change.ordinal, seq.0)?),
        }
        Ok(())
    }

    fn heap_bytes(&self) -> usize {
        self.0.heap_bytes()
    }
}
