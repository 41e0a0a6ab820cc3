//! Snippets: within the text and its characters, with the words that were asked for.

use memlith_index::text::{Analyzer, Query};
use proptest::prelude::*;

fn marked<'a>(query: &Query, text: &'a str, max_bytes: usize) -> (&'a str, Vec<&'a str>) {
    let snippet = Analyzer::default().snippet(query, text, max_bytes);
    let marks = snippet.marks.iter().map(|mark| &text[mark.clone()]).collect();
    (&text[snippet.range], marks)
}

#[test]
fn the_piece_with_the_most_different_words_is_shown() {
    let filler = "nothing of note happened on that day at all ".repeat(5);
    let text = format!("the key the key the key {filler}the Café key was blue {filler}");
    let (piece, marks) = marked(&Query::words("cafe key"), &text, 60);
    assert!(piece.contains("Café key was blue") && piece.len() <= 60, "{piece}");
    assert_eq!(marks, ["Café", "key"]);
}

#[test]
fn all_that_a_query_can_say_is_marked() {
    let text = "Walking to src/main.rs, recomendation and \"new york\" in hand";
    let query = Query::parse("walk* recommendation~ \"new york\" -hand main");
    let (piece, marks) = marked(&query, text, 500);
    assert_eq!(piece, text);
    assert_eq!(marks, ["Walking", "main", "recomendation", "new", "york"]);
}

#[test]
fn a_text_without_the_words_begins_with_its_snippet() {
    let (piece, marks) = marked(&Query::words("absent"), "one two three four", 10);
    assert_eq!((piece, marks.len()), ("one two", 0));
    assert_eq!(marked(&Query::words("x"), "", 10), ("", vec![]));
}

proptest! {
    #[test]
    fn any_text_and_query_give_a_sound_snippet(
        text in "([a-c ]|[é東🎉\u{301}\\-./]){0,80}",
        query in "([a-c ]|[é東\"+*~\\-]){0,16}",
        max_bytes in 0..60_usize,
    ) {
        let snippet = Analyzer::default().snippet(&Query::parse(&query), &text, max_bytes);
        prop_assert!(text.get(snippet.range.clone()).is_some());
        let mut end = snippet.range.start;
        for (at, mark) in snippet.marks.iter().enumerate() {
            prop_assert!(text.get(mark.clone()).is_some_and(|mark| !mark.is_empty()));
            prop_assert!(mark.start > end || at == 0 && mark.start >= end);
            end = mark.end;
        }
        prop_assert!(end <= snippet.range.end);
    }
}
