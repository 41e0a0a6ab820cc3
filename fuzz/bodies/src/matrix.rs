//! Any bytes are an `.npy` matrix or are refused.

use memlith_cli::fuzzing;

/// The least that a header takes: magic, version, length and an empty dictionary.
const LEAST_HEADER: usize = 12;

/// Bytes as an `.npy` file. Tells whether they are one.
pub(crate) fn read(bytes: &[u8]) -> bool {
    match fuzzing::matrix(bytes) {
        Ok((dimensions, rows)) => {
            assert!((1..=memlith::MAX_DIMENSIONS).contains(&dimensions));
            assert!(rows.iter().all(|row| row.len() == dimensions));
            // A value takes two bytes at least: none is made up.
            assert!(rows.len() * dimensions * 2 + LEAST_HEADER <= bytes.len());
            true
        }
        Err(reason) => {
            assert!(!reason.is_empty() && reason.len() < bytes.len() * 2 + 2000);
            false
        }
    }
}
