//! Tags of the vectors, for filters as people set them.

use crate::Failure;
use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    tags: Vec<String>,
}

/// Reads gzipped JSON lines: line `i` has the tags of row `i`.
pub(crate) fn read(path: &Path) -> Result<BTreeMap<String, Vec<u32>>, Failure> {
    let lines = BufReader::new(MultiGzDecoder::new(File::open(path)?)).lines();
    let mut rows_of: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for (row, line) in (0..).zip(lines) {
        let line: Line = serde_json::from_str(&line?)?;
        for tag in line.tags {
            rows_of.entry(tag).or_default().push(row);
        }
    }
    Ok(rows_of)
}
