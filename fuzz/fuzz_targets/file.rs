//! Bytes as a file, or as edits to a sound one.
#![no_main]

#[path = "../bodies/file.rs"]
mod body;

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));
static SOUND: LazyLock<Vec<u8>> = LazyLock::new(|| body::sound(FOLDER.path()));

fuzz_target!(|input: &[u8]| {
    body::open(&body::bytes_of(input, &SOUND), FOLDER.path());
});
