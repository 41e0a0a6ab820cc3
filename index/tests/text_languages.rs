//! Documents of one index in several languages, and queries that ask in some of them.

#![expect(clippy::unwrap_used, reason = "an error where none should be fails the test")]

use memlith_index::text::{
    Analyzer, Clause, Language, Occur, Pattern, Query, TextHit, TextIndex, TextView,
};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;

const ENGLISH: Option<Language> = Some(Language::English);
const GERMAN: Option<Language> = Some(Language::German);

fn search(view: &TextView, query: &Query) -> Vec<TextHit> {
    view.search(query, 100, None, &mut || true).unwrap()
}

/// Documents in English, unless another language stands beside them.
fn index_of<'a>(documents: impl IntoIterator<Item = (Option<Language>, &'a str)>) -> TextIndex {
    let mut index = TextIndex::new(Analyzer::default().stem(ENGLISH));
    for (ordinal, (language, text)) in (0..).zip(documents) {
        index.insert_fields(ordinal, &[(text, 1)], language, 1).unwrap();
    }
    index
}

/// The same with all that was written in an image.
fn sealed(index: &TextIndex) -> TextIndex {
    let image = Arc::new(index.write_image(1).unwrap());
    TextIndex::from_image(image, Analyzer::default().stem(ENGLISH)).unwrap()
}

#[test]
fn documents_are_found_by_the_forms_of_their_own_language() {
    let written = index_of([
        (ENGLISH, "the houses by the lake"),
        (GERMAN, "die Häuser am See, ein Spaziergang"),
        (None, "houses, Häuser"),
    ]);
    for index in [&written, &sealed(&written)] {
        let view = index.view(1);
        let found = |text: &str, languages: &[Option<Language>]| {
            let query = Query::parse(text).in_languages(languages.iter().copied());
            search(&view, &query).iter().map(|hit| hit.ordinal).collect::<BTreeSet<_>>()
        };
        let both = &[ENGLISH, GERMAN];
        assert_eq!(found("house", &[]), [0].into());
        assert_eq!(found("Haus Hauses", &[GERMAN]), [1].into());
        assert_eq!(found("Häusern", &[ENGLISH]), [].into());
        assert_eq!(found("Häuser", &[None]), [2].into());
        assert_eq!(found("house Haus", both), [0, 1].into());
        assert_eq!(found("+house lake", both), [0].into());
        assert_eq!(found("+Häusern", both), [1].into());
        assert_eq!(found("+Häusern +Spaziergänge", both), [1].into());
        assert_eq!(found("+Häusern +lake", both), [].into());
        assert_eq!(found("house Haus -lakes", both), [1].into());
        assert_eq!(found("house Haus -Spaziergänge", both), [0].into());
        assert_eq!(found("\"the house\"", both), [0].into());
        assert_eq!(found("\"die Häusern\"", both), [1].into());
        assert_eq!(found("hou*", both), [0, 2].into());
        assert_eq!(found("Spazirgang~", both), [1].into());
        let query = Query::words("Häusern at lakes").in_languages(*both);
        let terms = |ordinal, languages: &[Option<Language>]| {
            let query = query.clone().in_languages(languages.iter().copied());
            view.matched_terms(&query, ordinal).unwrap()
        };
        assert_eq!(terms(0, &[ENGLISH]), ["lake"]);
        assert_eq!(terms(1, &[GERMAN]), ["haus"]);
        let admitted = |text: &str| {
            let query = Query::parse(text).in_languages(*both);
            let all = (0..3).collect();
            view.admitted(&query, all, &mut || true).unwrap().iter().collect::<Vec<_>>()
        };
        assert_eq!(admitted("+Häusern"), [1]);
        assert_eq!(admitted("-lakes"), [1, 2]);
        view.validate().unwrap();
    }
}

#[test]
fn words_of_grammar_do_not_drown_a_question_in_two_languages() {
    let filler = (0..40).flat_map(|n| {
        [
            (ENGLISH, format!("the day number{n} of the year")),
            (GERMAN, format!("der Tag nummer{n} der Woche")),
        ]
    });
    let keys =
        [(ENGLISH, "keys in a drawer".to_owned()), (GERMAN, "Schlüssel liegen im Fach".to_owned())];
    let documents: Vec<_> = filler.chain(keys).collect();
    let index = index_of(documents.iter().map(|(language, text)| (*language, text.as_str())));
    let view = index.view(1);
    for (text, best) in [("where is the key of the day", 80), ("wo ist der Schlüssel der", 81)] {
        let query = Query::words(text).in_languages([ENGLISH, GERMAN]);
        assert_eq!(search(&view, &query)[0].ordinal, best, "{text}");
    }
}

fn words(of: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(of), 0..6).prop_map(|words| words.join(" "))
}

fn query(of: &'static [&'static str]) -> impl Strategy<Value = Query> {
    let occur =
        prop::sample::select(vec![Occur::Should, Occur::Should, Occur::Must, Occur::MustNot]);
    let pattern = (words(of), 0..4_u8).prop_map(|(text, way)| match way {
        0 => Pattern::Phrase(text),
        1 => Pattern::Prefix(text.chars().take(3).collect()),
        2 => Pattern::Fuzzy { word: text.split(' ').next().unwrap_or("").into(), typos: 1 },
        _ => Pattern::Words(text),
    });
    let clause = (occur, pattern).prop_map(|(occur, pattern)| Clause { occur, pattern });
    prop::collection::vec(clause, 1..4).prop_map(|clauses| {
        let all = clauses.into_iter();
        all.fold(Query::default(), |query, c| query.with(c.occur, c.pattern))
    })
}

/// Words that have other stems in other languages.
const FORMS: &[&str] = &[
    "the",
    "walking",
    "walks",
    "Walk",
    "houses",
    "house",
    "Häuser",
    "Haus",
    "Katzen",
    "Katze",
    "die",
    "generalisation",
    "generalisierung",
    "foo_bars",
    "bars",
];
/// Words that are their own stem in every language.
const NUMBERED: &[&str] = &["a1", "b2", "b2_c3", "c3", "x9", "42"];

fn language() -> impl Strategy<Value = Option<Language>> {
    prop::sample::select(vec![None, ENGLISH, GERMAN, Some(Language::French)])
}

proptest! {
    #[test]
    fn one_language_is_as_in_an_index_of_its_own(
        texts in prop::collection::vec(words(FORMS), 0..8),
        query in query(FORMS),
        language in language(),
    ) {
        let mut own = TextIndex::new(Analyzer::default().stem(language));
        for (ordinal, text) in (0..).zip(&texts) {
            own.insert(ordinal, text, 1).unwrap();
        }
        let index = index_of(texts.iter().map(|text| (language, text.as_str())));
        let asked = query.clone().in_languages([language, language]);
        prop_assert_eq!(search(&index.view(1), &asked), search(&own.view(1), &query));
        prop_assert_eq!(index.view(1).digest().unwrap(), own.view(1).digest().unwrap());
    }

    #[test]
    fn languages_that_agree_count_a_word_once(
        texts in prop::collection::vec((language(), words(NUMBERED)), 0..8),
        query in query(NUMBERED),
        languages in prop::collection::vec(language(), 1..4),
    ) {
        let view = index_of(texts.iter().map(|(l, text)| (*l, text.as_str()))).view(1);
        let asked = query.clone().in_languages(languages);
        prop_assert_eq!(search(&view, &asked), search(&view, &query));
    }

    #[test]
    fn a_question_in_two_languages_finds_what_each_finds(
        texts in prop::collection::vec((prop::bool::ANY, words(FORMS)), 0..10),
        words in words(FORMS),
        is_required in prop::bool::ANY,
    ) {
        let language = |is_german| if is_german { GERMAN } else { ENGLISH };
        let documents = texts.iter().map(|(is_german, text)| (language(*is_german), text.as_str()));
        let view = index_of(documents).view(1);
        let query = if is_required { Query::all_words(&words) } else { Query::words(&words) };
        let found = |query: &Query| -> BTreeSet<u32> {
            search(&view, query).iter().map(|hit| hit.ordinal).collect()
        };
        let both = found(&query.clone().in_languages([ENGLISH, GERMAN]));
        // English alone leaves words of grammar out, as both do together; German knows none.
        for is_german in [false, !words.contains("the")] {
            let own = found(&query.clone().in_languages([language(is_german)]));
            let own = own.into_iter().filter(|ordinal| texts[*ordinal as usize].0 == is_german);
            for ordinal in own {
                prop_assert!(both.contains(&ordinal), "{} {:?}", ordinal, both);
            }
        }
    }
}
