//! Text and tree say the same, and no text makes the parser fail in another way than by an error.

use super::arbitrary::filter;
use memlith::filter::Filter;
use proptest::{prelude::*, sample::select};

/// Pieces of the language in any order come closer to a filter than bytes do.
fn almost_a_filter() -> impl Strategy<Value = String> {
    let piece = select(vec![
        "tag",
        "kind",
        "importance",
        "created",
        "superseded",
        "meta",
        ".a",
        ".\"b c\"",
        ":",
        "=",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        "in",
        "(",
        ")",
        ",",
        "and",
        "or",
        "not",
        "exists",
        "missing",
        "contains",
        "matches",
        "content",
        "/a b/",
        "/",
        "between",
        "all",
        "none",
        "0.5",
        "-1e3",
        "x",
        "\"y z\"",
        "'\\u00e9'",
        "now-7d",
        "2025-01-01",
        "true",
        "null",
        "\"",
        "\\",
        "é",
        "\n",
    ]);
    let space = select(vec!["", " "]);
    prop::collection::vec((piece, space), 0..24)
        .prop_map(|pieces| pieces.into_iter().flat_map(|(piece, space)| [piece, space]).collect())
}

fn check_text(text: &str) {
    match text.parse::<Filter>() {
        Ok(filter) => {
            filter.validate().expect("what parses is valid");
            let printed = filter.to_string();
            let again: Filter = printed.parse().unwrap_or_else(|e| panic!("{printed}\n{e}"));
            assert_eq!(again, filter, "of {text}");
            assert_eq!(again.to_string(), printed);
        }
        Err(error) => {
            let line = text.split('\n').nth(error.line() - 1).expect("the line is in the text");
            assert!((1..=line.chars().count() + 1).contains(&error.column()), "{error}");
            assert!(!error.message().is_empty());
            assert!(error.to_string().len() < 2000);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn a_filter_reads_back_from_its_text(filter in filter(2)) {
        filter.validate().unwrap();
        let text = filter.to_string();
        let read: Filter = text.parse().unwrap_or_else(|e| panic!("{text}\n{e}"));
        prop_assert_eq!(&read, &filter, "{}", text);
        prop_assert_eq!(read.to_string(), text);
    }

    #[test]
    fn groups_of_fewer_than_two_read_back_as_equivalent_filters(filter in filter(0)) {
        filter.validate().unwrap();
        let text = filter.to_string();
        let read: Filter = text.parse().unwrap_or_else(|e| panic!("{text}\n{e}"));
        prop_assert_eq!(read.to_string(), text);
        prop_assert_eq!(read.simplify(), filter.simplify());
    }

    #[test]
    fn any_text_parses_or_is_refused(text in any::<String>()) {
        check_text(&text);
    }

    #[test]
    fn any_bytes_parse_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check_text(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn almost_a_filter_parses_or_is_refused(text in almost_a_filter()) {
        check_text(&text);
    }
}
