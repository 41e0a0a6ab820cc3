//! A query: the distinct terms of a text, each as often as it says it.
//!
//! **Invariant:** terms are distinct and ascend, so that the order of words changes no score by a
//! bit. Any string is a query; one without words finds nothing.

use super::analysis::Analyzer;
use std::collections::BTreeMap;

/// Distinct terms of a query that are looked up; those that come later are ignored.
pub const MAX_QUERY_TERMS: usize = 1024;

/// How much of a query is read, in bytes: enough for the terms above.
const MAX_QUERY_BYTES: usize = 64 << 10;

/// Distinct terms, ascending, with the times that each was said.
pub(super) fn terms(analyzer: &Analyzer, query: &str) -> Vec<(String, u32)> {
    let mut terms = BTreeMap::<String, u32>::new();
    analyzer.analyze(&query[..query.floor_char_boundary(MAX_QUERY_BYTES)], |term| {
        if let Some(count) = terms.get_mut(term) {
            *count += 1;
        } else if terms.len() < MAX_QUERY_TERMS {
            terms.insert(term.to_owned(), 1);
        }
    });
    terms.into_iter().collect()
}
