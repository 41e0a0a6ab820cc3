//! Ours: the text index of `memlith-index`, sealed into one segment.

use super::documents::Corpus;
use super::{HITS, Mode, Searcher};
use crate::Failure;
use memlith_index::text::{Analyzer, Query, TextIndex, TextView};
use std::path::Path;
use std::sync::Arc;

struct Memlith {
    view: TextView,
    bytes: u64,
}

pub(super) fn build(
    corpus: &Corpus,
    with_positions: bool,
    folder: &Path,
) -> Result<Box<dyn Searcher>, Failure> {
    let mut index = TextIndex::new(Analyzer::default().keep_positions(with_positions));
    for (ordinal, text) in (0..).zip(&corpus.texts) {
        index.insert(ordinal, text, 1)?;
    }
    let sealed = index.seal().ok_or("there are no documents")?.finish()?;
    let bytes = sealed.image.len() as u64;
    // As others do, it ends on the disk.
    std::fs::write(folder.join("text"), &sealed.image)?;
    index.adopt(&sealed.receipt, 1, Arc::new(sealed.image))?;
    Ok(Box::new(Memlith { view: index.view(1), bytes }))
}

impl Searcher for Memlith {
    fn search(&self, terms: &[String], mode: Mode) -> Result<usize, Failure> {
        let text = terms.join(" ");
        let query = match mode {
            Mode::Any => Query::words(&text),
            Mode::All => Query::all_words(&text),
        };
        Ok(self.view.search(&query, HITS, None, &mut || true)?.len())
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }
}
