//! Any text is a filter or is refused; a filter reads back from its printed text.

use memlith::filter::{Attribute, Filter, Number, Subject};

/// A record of which nothing is known.
struct Blank;

impl Subject for Blank {
    fn any_label(&self, _: Attribute, _: &mut dyn FnMut(&str) -> bool) -> bool {
        false
    }

    fn number(&self, _: Attribute) -> Option<Number> {
        None
    }

    fn time_ms(&self, _: Attribute) -> Option<i64> {
        None
    }

    fn flag(&self, _: Attribute) -> Option<bool> {
        None
    }

    fn metadata(&self) -> Option<&serde_json::Value> {
        None
    }
}

/// Bytes as the text of a filter. Tells whether it is one.
pub(crate) fn parse(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    match text.parse::<Filter>() {
        Ok(filter) => {
            filter.validate().expect("what parses is valid");
            let printed = filter.to_string();
            let again: Filter = printed.parse().expect("what is printed parses");
            assert_eq!(again, filter, "printed as {printed}");
            assert_eq!(again.to_string(), printed);
            let kept = filter.matches(&Blank, 0);
            assert_eq!(filter.simplify().matches(&Blank, 0), kept, "simplified from {printed}");
            true
        }
        Err(error) => {
            let line = text.split('\n').nth(error.line() - 1).expect("the line is in the text");
            assert!(error.column() <= line.chars().count() + 1);
            assert!(error.to_string().len() < 2000);
            false
        }
    }
}
