//! A text as a filter.
#![no_main]

#[path = "../bodies/filter.rs"]
mod body;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    body::parse(text);
});
