//! Tables for people.
//!
//! **Invariant:** text of a memory reaches a terminal without control characters: a stored escape
//! sequence cannot move the cursor, retitle a window or hide a line.

use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

/// One line, below the heads.
const STYLE: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// Width of a table where no terminal says one.
const WIDTH_WITHOUT_TERMINAL: u16 = 120;

/// A table with these column heads, as wide as the terminal.
pub(crate) fn table<const N: usize>(heads: [&str; N]) -> Table {
    let mut table = Table::new();
    table
        .load_style(STYLE)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width())
        .set_header(heads);
    table
}

/// Names and values, without heads.
pub(crate) fn pairs<N: Into<String>, V: Into<String>>(
    rows: impl IntoIterator<Item = (N, V)>,
) -> Table {
    let mut table = Table::new();
    table
        .load_style(TableStyle::new())
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width());
    for (name, value) in rows {
        table.add_row([Cell::new(name.into()), Cell::new(value.into())]);
    }
    table
}

/// A size as people read it.
pub(crate) fn bytes(n: u64) -> String {
    indicatif::HumanBytes(n).to_string()
}

/// A cell of digits: they line up on the right.
pub(crate) fn number(text: impl Into<String>) -> Cell {
    Cell::new(text.into()).set_alignment(CellAlignment::Right)
}

/// The first characters of a text on one line, harmless to a terminal.
pub(crate) fn snippet(text: &str, limit: usize) -> String {
    let mut out = String::new();
    let mut taken = 0;
    for word in text.split_whitespace() {
        for c in (!out.is_empty()).then_some(' ').into_iter().chain(word.chars()) {
            if taken == limit {
                out.push('…');
                return out;
            }
            out.push(if is_harmless(c) { c } else { '\u{FFFD}' });
            taken += 1;
        }
    }
    out
}

/// All of a text over as many lines as it has, harmless to a terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c == '\n' || c == '\t' || is_harmless(c) { c } else { '\u{FFFD}' })
        .collect()
}

/// Neither a control character nor one that turns the direction of the text around it.
fn is_harmless(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// A number with its thousands apart: `47,000`.
pub(crate) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

/// Characters of one line.
pub(crate) fn width() -> u16 {
    terminal_size::terminal_size().map_or(WIDTH_WITHOUT_TERMINAL, |(w, _)| w.0.max(40))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snippet_is_one_harmless_line() {
        assert_eq!(snippet("a\n\n  b\tc", 10), "a b c");
        assert_eq!(snippet("a\x1b[2Jb", 10), "a\u{FFFD}[2Jb");
        assert_eq!(snippet("x\u{202E}y", 10), "x\u{FFFD}y");
        assert_eq!(snippet("äöüß", 3), "äöü…");
        assert_eq!(snippet("äöü", 3), "äöü");
        assert_eq!(snippet("", 3), "");
    }

    #[test]
    fn printable_keeps_lines_and_drops_escapes() {
        assert_eq!(printable("a\n\tb\x07\r"), "a\n\tb\u{FFFD}\u{FFFD}");
    }

    #[test]
    fn thousands_stand_apart() {
        for (n, shown) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(n), shown);
        }
    }
}
