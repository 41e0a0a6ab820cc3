//! Markdown as memories: a paragraph, a list item or a table row each, under its headings.

use crate::memory::Memory;
use std::path::Path;

pub(crate) fn memories(path: &Path, text: &str) -> Vec<Memory> {
    let mut memories = Vec::new();
    let mut headings: Vec<String> = Vec::new();
    let mut piece = Piece::default();
    let mut is_fenced = false;
    for (at, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        if trimmed.starts_with("```") {
            is_fenced = !is_fenced;
        }
        let level = line.bytes().take_while(|b| *b == b'#').count();
        let is_heading = !is_fenced && (1..=6).contains(&level) && line[level..].starts_with(' ');
        let is_item = ["- ", "* ", "| "].iter().any(|mark| trimmed.starts_with(mark));
        if !is_fenced && (is_heading || is_item || trimmed.is_empty()) {
            piece.end(path, &headings, &mut memories);
        }
        if is_heading {
            headings.truncate(level - 1);
            headings.push(trimmed.trim_start_matches('#').trim().to_owned());
        } else if !trimmed.is_empty() {
            piece.add(at + 1, line);
        }
    }
    piece.end(path, &headings, &mut memories);
    memories
}

/// Lines that belong together, from their first line on.
#[derive(Default)]
struct Piece {
    line: usize,
    text: String,
}

impl Piece {
    fn add(&mut self, line: usize, text: &str) {
        if self.text.is_empty() {
            self.line = line;
        } else {
            self.text.push('\n');
        }
        self.text.push_str(text);
    }

    fn end(&mut self, path: &Path, headings: &[String], into: &mut Vec<Memory>) {
        let text = std::mem::take(&mut self.text);
        // Rules, and the lines between the head and the body of a table, say nothing.
        if text.chars().filter(|c| c.is_alphanumeric()).count() >= 12 {
            let under = headings.join(" > ");
            let text = if under.is_empty() { text } else { format!("{under}: {}", text.trim()) };
            into.push(Memory::in_file("doc", path, self.line, &text));
        }
    }
}
