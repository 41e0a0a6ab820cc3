//! What counts as a word, as a table of texts and their terms.

use memlith_index::text::{Analyzer, Language, MAX_TERM_BYTES};
use proptest::prelude::*;

fn terms(analyzer: &Analyzer, text: &str) -> Vec<String> {
    let mut terms = Vec::new();
    analyzer.analyze(text, |token| terms.push(token.term.to_owned()));
    terms
}

/// Each text, and its terms in any order, separated by blanks.
fn assert_table(analyzer: &Analyzer, table: &[(&str, &str)]) {
    for (text, expected) in table {
        let mut found = terms(analyzer, text);
        found.sort();
        let mut expected: Vec<_> = expected.split(' ').filter(|term| !term.is_empty()).collect();
        expected.sort_unstable();
        assert_eq!(found, expected, "{text:?}");
    }
}

#[test]
fn names_are_found_whole_and_by_part() {
    assert_table(
        &Analyzer::default(),
        &[
            ("E1234", "e1234 1234"),
            ("foo_bar", "foo_bar foo bar"),
            ("__init__", "__init__ init"),
            ("fooBar", "foobar foo bar"),
            ("HTTPServer2", "httpserver2 http server"),
            ("parseHTTPHeader", "parsehttpheader parse http header"),
            ("src/main.rs", "src/main.rs src main.rs main rs"),
            (r"C:\Users\ada", r"c:\users\ada c users ada"),
            ("std::vec::Vec", "std::vec::vec std vec vec"),
            ("this->next", "this->next this next"),
            ("jo.doe@example.com", "jo.doe@example.com jo.doe jo doe example.com example com"),
            ("https://a.org/x?q=1", "https://a.org/x?q=1 https a.org a org x q 1"),
            ("well-known", "well-known well known"),
            ("TS-1234", "ts-1234 ts 1234"),
            ("2024-01-02", "2024-01-02 2024 01 02"),
            ("v1.2.3", "v1.2.3 v1 2 3"),
            ("tag:value", "tag:value tag value"),
            ("3.14", "3.14 3 14"),
            ("10kg", "10kg 10 kg"),
            ("C++, C# and g++!", "c c++ c c# and g g++"),
            ("issue #12", "issue 12"),
        ],
    );
}

#[test]
fn prose_is_words_only() {
    assert_table(
        &Analyzer::default(),
        &[
            ("", ""),
            (" \t\r\n ", ""),
            ("The cat sat.", "the cat sat"),
            ("dog's, can't; l'eau", "dog's dog can't can l'eau eau"),
            ("don\u{2019}t", "don't don"),
            ("wait...what--no", "wait what no"),
            ("(a) [b] {c} \"d\"", "a b c d"),
            ("-- ... !? --", ""),
        ],
    );
}

#[test]
fn case_accents_and_widths_fold() {
    assert_table(
        &Analyzer::default(),
        &[
            ("Crème BRÛLÉE", "creme brulee"),
            ("cafe\u{301}", "cafe"),
            ("Straße Łódź smørrebrød", "strasse lodz smorrebrod"),
            ("İstanbul", "istanbul"),
            ("ΟΔΟΣ οδός", "οδοσ οδοσ"),
            ("ﬁne Ａ１", "fine a1"),
            ("Ёлка", "елка"),
            ("co\u{ad}operate", "cooperate"),
        ],
    );
    assert_table(
        &Analyzer::default().fold_accents(false),
        &[("Crème Straße", "crème straße"), ("cafe\u{301}", "café"), ("don\u{2019}t", "don't don")],
    );
}

#[test]
fn other_scripts_fall_into_the_words_that_unicode_gives() {
    assert_table(
        &Analyzer::default(),
        &[
            ("東京に行く", "東 京 に 行 く 東京 京に に行 行く"),
            ("東 京", "東 京"),
            ("ไทย", "ไ ท ย ไท ทย"),
            ("カタカナ", "カタカナ"),
            ("한국어 문장", "한국어 문장"),
            ("हिन्दी में", "हिन्दी में"),
            ("שלום", "שלום"),
        ],
    );
}

#[test]
fn pictographs_are_words_and_controls_are_not() {
    assert_table(
        &Analyzer::default(),
        &[
            ("party 🎉🎉!", "party 🎉 🎉"),
            ("❤\u{fe0f} ❤", "❤ ❤"),
            ("👩\u{200d}🚀", "👩🚀"),
            ("🇩🇪", "🇩🇪"),
            ("a\0b\u{1b}[0m\u{7f}c", "a b 0m c"),
            ("\u{feff}bom \u{202e}rtl\u{200b}", "bom rtl"),
            ("\u{301}\u{301}", ""),
        ],
    );
}

#[test]
fn words_are_stemmed_by_their_language_and_names_are_not() {
    let table = [
        (Language::English, "Walking walks, fooBars E1234", "walk walk foobar foo bar e1234 1234"),
        (Language::German, "Häuser und Haus", "haus und haus"),
        (Language::French, "mangés mangées", "mang mang"),
        (Language::Russian, "книги книга", "книг книг"),
    ];
    for (language, text, expected) in table {
        assert_table(&Analyzer::default().stem(Some(language)), &[(text, expected)]);
    }
}

#[test]
fn a_place_is_where_a_word_or_a_part_begins() {
    let mut places = Vec::new();
    Analyzer::default().analyze("see src/main.rs in C++ now, 東京", |token| {
        places.push(format!("{}@{}", token.term, token.position));
    });
    let expected =
        "see@0 src@1 main.rs@2 main@2 rs@3 src/main.rs@1 in@4 c@5 c++@5 now@6 東@7 京@8 東京@7";
    assert_eq!(places.join(" "), expected);
}

#[test]
fn parts_can_be_switched_off() {
    let whole = Analyzer::default().split_names(false);
    assert_table(&whole, &[("foo_bar src/main.rs", "foo_bar src main.rs"), ("E1234", "e1234")]);
}

#[test]
fn long_tokens_are_cut_and_long_data_is_not_split() {
    let key = "aB3".repeat(100);
    assert_eq!(terms(&Analyzer::default(), &key), [&key.to_lowercase()[..MAX_TERM_BYTES]]);

    let umlauts = "ü".repeat(1000);
    assert_eq!(terms(&Analyzer::default().fold_accents(false), &umlauts), ["ü".repeat(64)]);

    let accents = format!("e{}", "\u{301}".repeat(1 << 20));
    assert_eq!(terms(&Analyzer::default(), &accents), ["e"]);

    let chain = "ab-".repeat(1 << 16);
    let found = terms(&Analyzer::default(), &chain);
    assert_eq!(found.len(), (1 << 16) + 1);
    assert_eq!(found.last().map(String::len), Some(MAX_TERM_BYTES));
}

#[test]
fn settings_have_fingerprints_of_their_own() {
    let settings = [
        Analyzer::default(),
        Analyzer::default().fold_accents(false),
        Analyzer::default().split_names(false),
        Analyzer::default().fold_accents(false).split_names(false),
        Analyzer::default().keep_positions(false),
        Analyzer::default().stem(Some(Language::English)),
        Analyzer::default().stem(Some(Language::German)),
    ];
    for (i, a) in settings.iter().enumerate() {
        for (j, b) in settings.iter().enumerate() {
            assert_eq!(a.fingerprint() == b.fingerprint(), i == j);
        }
    }
}

proptest! {
    #[test]
    fn any_text_gives_terms_within_the_limits(text in any::<String>()) {
        for fold_accents in [false, true] {
            for term in terms(&Analyzer::default().fold_accents(fold_accents), &text) {
                prop_assert!(!term.is_empty() && term.len() <= MAX_TERM_BYTES);
                prop_assert!(!term.contains(|c: char| c.is_whitespace() || c.is_control()));
            }
        }
    }

    #[test]
    fn an_ascii_text_gives_the_same_terms_beside_other_scripts(text in "[a-zA-Z0-9_.,:'/@ -]{0,40}") {
        let alone = terms(&Analyzer::default(), &text);
        let beside = terms(&Analyzer::default(), &format!("{text} 東"));
        prop_assert_eq!(alone, &beside[..beside.len() - 1]);
    }
}
