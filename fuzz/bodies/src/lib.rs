//! What the fuzz targets do with an input.
//!
//! Each target is one function from bytes to "taken or refused", and one row of [`TARGETS`]. The
//! fuzzers call it with what they make up; `tests/corpora.rs` calls it with what is committed.
//!
//! **Invariant:** a body panics exactly when an input has shown a defect, and keeps nothing from
//! one input to the next but what does not depend on any. No thread, no time, no network.

mod attributes;
mod calls;
mod exercise;
mod file;
mod filter;
mod forged;
mod import;
mod lines;
mod matrix;
mod memory;
mod model;
mod panics;
mod sound;
mod text;
mod vectors;

/// One thing that is fuzzed.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, also of its binary and of the folder of its corpus.
    pub name: &'static str,
    body: fn(&[u8]) -> bool,
    /// Bytes of heap that any input may take.
    base_bytes: usize,
    /// Bytes of heap that each byte of an input may take.
    bytes_per_byte: usize,
}

/// Every target.
pub const TARGETS: [Target; 11] = [
    Target { name: "attributes", body: attributes::open, base_bytes: 1 << 20, bytes_per_byte: 64 },
    Target { name: "calls", body: calls::sequence, base_bytes: 64 << 20, bytes_per_byte: 1 << 16 },
    Target { name: "file", body: file::open, base_bytes: 64 << 20, bytes_per_byte: 64 },
    Target { name: "filter", body: filter::parse, base_bytes: 1 << 20, bytes_per_byte: 512 },
    Target { name: "forged", body: forged::open, base_bytes: 64 << 20, bytes_per_byte: 64 },
    Target { name: "import", body: import::import, base_bytes: 64 << 20, bytes_per_byte: 512 },
    Target { name: "lines", body: lines::parse, base_bytes: 4 << 20, bytes_per_byte: 512 },
    Target { name: "matrix", body: matrix::read, base_bytes: 1 << 20, bytes_per_byte: 64 },
    Target { name: "model", body: model::compare, base_bytes: 256 << 20, bytes_per_byte: 0 },
    Target { name: "text", body: text::open, base_bytes: 1 << 20, bytes_per_byte: 64 },
    Target { name: "vectors", body: vectors::open, base_bytes: 1 << 20, bytes_per_byte: 64 },
];

/// The target of that name.
///
/// # Panics
/// If there is none.
pub fn target(name: &str) -> Target {
    let found = TARGETS.into_iter().find(|target| target.name == name);
    found.unwrap_or_else(|| panic!("there is no target {name:?}"))
}

impl Target {
    /// Does with an input what the target is about. Tells whether the input was taken, as
    /// something that is what it claims to be, or refused.
    ///
    /// # Panics
    /// If the input shows a defect; also if it makes the engine take much memory.
    pub fn run(&self, input: &[u8]) -> bool {
        let (is_taken, peak) = memory::peak_of(|| panics::watched(|| (self.body)(input)));
        let allowed = self.base_bytes + self.bytes_per_byte * input.len();
        assert!(peak <= allowed, "{peak} bytes of heap for an input of {}", input.len());
        is_taken
    }
}
