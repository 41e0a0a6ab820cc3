//! Bytes as the image of a vector index.
#![no_main]

#[path = "../bodies/vectors.rs"]
mod body;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    body::open(bytes);
});
