//! Bytes as the image of attributes.
#![no_main]

#[path = "../bodies/attributes.rs"]
mod body;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    body::open(bytes);
});
