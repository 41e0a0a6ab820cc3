//! Bytes as the image of a text index.
#![no_main]

#[path = "../bodies/text.rs"]
mod body;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    body::open(bytes);
});
