//! tantivy, with its default tokenizer, merged into one segment.

use super::documents::Corpus;
use super::{HITS, Mode, Searcher};
use crate::Failure;
use std::path::{Path, PathBuf};
use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, Occur, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::{Index, TantivyDocument, Term};

/// Bytes before it writes a segment: all in one, if they fit.
const BUDGET: usize = 1 << 30;

struct Tantivy {
    field: Field,
    searcher: tantivy::Searcher,
    folder: PathBuf,
}

pub(super) fn build(
    corpus: &Corpus,
    with_positions: bool,
    folder: &Path,
) -> Result<Box<dyn Searcher>, Failure> {
    let record = if with_positions {
        IndexRecordOption::WithFreqsAndPositions
    } else {
        IndexRecordOption::WithFreqs
    };
    let indexing = TextFieldIndexing::default().set_index_option(record).set_tokenizer("default");
    let mut schema = Schema::builder();
    let options = TextOptions::default().set_indexing_options(indexing);
    let field = schema.add_text_field("text", options);
    let index = Index::create_in_dir(folder, schema.build())?;
    let mut writer = index.writer_with_num_threads(1, BUDGET)?;
    for text in &corpus.texts {
        let mut document = TantivyDocument::default();
        document.add_text(field, text);
        writer.add_document(document)?;
    }
    writer.commit()?;
    let segments = index.searchable_segment_ids()?;
    if segments.len() > 1 {
        writer.merge(&segments).wait()?;
    }
    writer.garbage_collect_files().wait()?;
    writer.wait_merging_threads()?;
    let searcher = index.reader()?.searcher();
    Ok(Box::new(Tantivy { field, searcher, folder: folder.to_path_buf() }))
}

impl Searcher for Tantivy {
    fn search(&self, terms: &[String], mode: Mode) -> Result<usize, Failure> {
        let occur = match mode {
            Mode::Any => Occur::Should,
            Mode::All => Occur::Must,
        };
        let clauses = terms.iter().map(|term| {
            let term = Term::from_field_text(self.field, term);
            let query = TermQuery::new(term, IndexRecordOption::WithFreqs);
            (occur, Box::new(query) as Box<dyn Query>)
        });
        let query = BooleanQuery::new(clauses.collect());
        let top = TopDocs::with_limit(HITS).order_by_score();
        Ok(self.searcher.search(&query, &top)?.len())
    }

    fn bytes(&self) -> u64 {
        let files = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        files.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum()
    }
}
