//! Rust source as memories: the head of a module, and each item with its documentation.

use crate::memory::Memory;
use std::path::Path;

/// What begins an item, behind its visibility.
const ITEMS: [&str; 10] = [
    "fn ",
    "const fn ",
    "async fn ",
    "unsafe fn ",
    "struct ",
    "enum ",
    "trait ",
    "impl",
    "const ",
    "macro_rules! ",
];

pub(crate) fn memories(path: &Path, text: &str) -> Vec<Memory> {
    let lines: Vec<&str> = text.lines().collect();
    let mut memories = Vec::new();
    let head: Vec<&str> =
        lines.iter().map_while(|line| line.strip_prefix("//!")).map(str::trim).collect();
    if !head.is_empty() {
        memories.push(Memory::in_file("doc", path, 1, &head.join("\n")));
    }
    // An item goes from its comments and attributes to where the next one begins.
    let starts: Vec<usize> =
        (0..lines.len()).filter(|at| is_item(lines[*at])).map(|at| above(&lines, at)).collect();
    for (place, start) in starts.iter().enumerate() {
        let end = starts.get(place + 1).copied().unwrap_or(lines.len());
        let text = lines[*start..end.max(*start)].join("\n");
        if !text.trim().is_empty() {
            memories.push(Memory::in_file("code", path, start + 1, &text));
        }
    }
    memories
}

/// Does an item begin here, at the top of a file or one level in?
fn is_item(line: &str) -> bool {
    let indent = line.len() - line.trim_start().len();
    let mut rest = line.trim_start();
    for visibility in ["pub ", "pub(crate) ", "pub(super) "] {
        rest = rest.strip_prefix(visibility).unwrap_or(rest);
    }
    indent <= 4 && ITEMS.iter().any(|item| rest.starts_with(item))
}

/// The first of the comments and attributes that stand directly above.
fn above(lines: &[&str], item: usize) -> usize {
    let is_part = |line: &&str| {
        let line = line.trim_start();
        line.starts_with("//") && !line.starts_with("//!") || line.starts_with("#[")
    };
    item - lines[..item].iter().rev().take_while(|line| is_part(line)).count()
}
