//! What is a filter and what is not, and where the fault is seen.
use memlith::filter::{
    Attribute, Filter, FilterError, Number, Op, Path, Predicate, Regex, Time, Value,
};
use std::ops::Bound;

fn parse(text: &str) -> Filter {
    text.parse().unwrap_or_else(|e| panic!("{text}\n{e}"))
}

fn refused(text: &str) -> FilterError {
    match text.parse::<Filter>() {
        Ok(filter) => panic!("{text} parsed as {filter}"),
        Err(e) => e,
    }
}

/// Text and what it prints as; each must mean the same tree.
#[test]
fn accepted_filters_print_in_canonical_form() {
    let cases = [
        ("all", "all"),
        ("NONE", "none"),
        ("tag:noun.animal", "tag:noun.animal"),
        ("Tag = noun.animal", "tag:noun.animal"),
        ("tag contains a", "tag:a"),
        (r#"tag:"noun.animal""#, "tag:noun.animal"),
        ("tag:true or tag:12 or tag:null", "tag:true or tag:12 or tag:null"),
        ("id:a:b/c@d+e_f-g.h", "id:a:b/c@d+e_f-g.h"),
        ("tag:Überraschung and kind:名詞", "tag:Überraschung and kind:名詞"),
        (r#"session:"s 1""#, r#"session:"s 1""#),
        ("session:'s \"1\"'", r#"session:"s \"1\"""#),
        (r#"source:"\u00e9\uD83D\uDE00\n\\\/""#, r#"source:"é😀\n\\/""#),
        (r#"kind:"" or kind:"and" or kind:":x""#, r#"kind:"" or kind:"and" or kind:":x""#),
        ("kind != verb", "kind != verb"),
        ("not kind:verb", "kind != verb"),
        ("NOT NOT kind:verb", "not kind != verb"),
        ("tag in (a, b)", "tag in (a, b)"),
        ("tag IN(a,\"b c\")", r#"tag in (a, "b c")"#),
        ("tag not in (a)", "tag not in (a)"),
        ("not tag in ()", "tag not in ()"),
        ("space:default", "space:default"),
        ("importance>=0.5", "importance >= 0.5"),
        ("importance > -1e-3", "importance > -0.001"),
        ("valence = -0.0", "valence = 0"),
        ("priority <= 5.0", "priority <= 5"),
        ("accesses < 18446744073709551615", "accesses < 18446744073709551615"),
        ("priority = 1e300", "priority = 1e300"),
        ("importance >= 0.3 and < 0.5", "importance >= 0.3 and < 0.5"),
        ("importance < 0.5 AND >= 0.3", "importance >= 0.3 and < 0.5"),
        ("importance between 0.3 and 0.5", "importance >= 0.3 and <= 0.5"),
        ("not importance > 0.3 and < 0.5", "not (importance > 0.3 and < 0.5)"),
        ("not importance > 0.3", "not importance > 0.3"),
        (
            "importance between 0 and 1 and tag:a and priority > 3",
            "importance >= 0 and <= 1 and tag:a and priority > 3",
        ),
        ("created >= 2025-01-01", "created >= 2025-01-01"),
        ("created >= \"2025-01-01\"", "created >= 2025-01-01"),
        ("created > 2025-01-01T02:00:00+02:00", "created > 2025-01-01"),
        ("created > 2025-01-01T10:30:00.1239Z", "created > 2025-01-01T10:30:00.123Z"),
        ("created > 2025-01-01T10:30", "created > 2025-01-01T10:30:00Z"),
        ("updated >= now-7d", "updated >= now-7d"),
        ("updated >= -1w", "updated >= now-7d"),
        ("expires < +1h30m", "expires < now+90m"),
        ("accessed = Now or accessed < now-1500ms", "accessed = now or accessed < now-1500ms"),
        ("superseded", "superseded"),
        ("not superseded", "not superseded"),
        ("superseded = TRUE or superseded:false", "superseded or superseded = false"),
        ("superseded != true", "not superseded"),
        ("exists expires", "exists expires"),
        ("missing meta.a.b", "missing meta.a.b"),
        ("not exists meta.a", "missing meta.a"),
        ("meta.lang = en", r#"meta.lang = "en""#),
        ("META.Lang:\"en\"", r#"meta.Lang = "en""#),
        ("meta.zip = 00123", r#"meta.zip = "00123""#),
        ("meta.date >= 2025-01-01", r#"meta.date >= "2025-01-01""#),
        ("meta.n in (1, -2.5, true, null, x)", r#"meta.n in (1, -2.5, true, null, "x")"#),
        ("meta.tags contains \"x\"", r#"meta.tags contains "x""#),
        ("not meta.tags contains 1", "not meta.tags contains 1"),
        ("content contains fox", r#"content contains "fox""#),
        ("Content Matches /a b/", "content matches /a b/"),
        (r"not content matches /a\/b\d\\/", r"not content matches /a\/b\d\\/"),
        (
            r"source matches /^https?:/ or meta.url matches /\./",
            r"source matches /^https?:/ or meta.url matches /\./",
        ),
        (r#"meta."a key"."".'b.c'.d-e = 1"#, r#"meta."a key".""."b.c".d-e = 1"#),
        ("tag:a and tag:b or tag:c", "(tag:a and tag:b) or tag:c"),
        ("tag:a and (tag:b or tag:c)", "tag:a and (tag:b or tag:c)"),
        ("((tag:a))", "tag:a"),
        ("tag:a and (tag:b and tag:c)", "tag:a and (tag:b and tag:c)"),
        ("not (tag:a or tag:b)", "not (tag:a or tag:b)"),
        ("\n tag:a\n\tor tag:b ", "tag:a or tag:b"),
        (
            "tag:noun.animal and not kind:verb and importance >= 0.5 and created >= 2025-01-01 \
             and meta.lang = \"en\" and tag in (a, b) and session:\"s 1\"",
            "tag:noun.animal and kind != verb and importance >= 0.5 and created >= 2025-01-01 \
             and meta.lang = \"en\" and tag in (a, b) and session:\"s 1\"",
        ),
    ];
    for (text, canonical) in cases {
        let filter = parse(text);
        assert_eq!(filter.to_string(), canonical, "of {text}");
        assert_eq!(parse(canonical), filter, "of {text}");
        filter.validate().unwrap_or_else(|e| panic!("{text}\n{e}"));
    }
}

#[test]
fn refused_filters_name_the_column_and_the_reason() {
    let cases = [
        ("", 1, "the filter is empty; write `all` to keep everything"),
        ("  \n ", 1, "the filter is empty"),
        ("importence >= 0.5", 1, "unknown attribute `importence`; did you mean `importance`?"),
        ("tag:a and tags:b", 11, "did you mean `tag`?"),
        ("created_at > now", 1, "did you mean `created`?"),
        ("metadata.lang = en", 1, "did you mean `meta`?"),
        ("weight > 1", 1, "known are tag, kind, agent"),
        ("importance >= \"x\"", 15, "`importance` is a number; the text \"x\" is not"),
        ("importance >= \"0.5\"", 15, "`importance` is a number"),
        ("importance = high", 14, "`importance` is a number; `high` is not"),
        ("priority = 1e999", 12, "the number is too large"),
        ("created > yesterday", 11, "`created` is a time"),
        ("created > 1735689600", 11, "`created` is a time"),
        ("created > 2025-02-30", 11, "`created` is a time"),
        ("created > now-1month", 11, "`created` is a time"),
        ("created > now-99999999999999999999d", 11, "`created` is a time"),
        ("superseded = 1", 14, "`superseded` is true or false; `1` is not"),
        ("kind > a", 6, "a label has no order"),
        ("tag between a and b", 5, "a label has no order"),
        ("superseded < true", 12, "true or false has no order"),
        ("meta.a > null", 10, "null has no order"),
        ("meta.a > now-7d", 10, "metadata holds no times"),
        ("kind contains x", 6, "`kind` holds one value"),
        ("content = fox", 9, "`content` is not compared but looked into"),
        ("content != fox", 9, "`content` is not compared"),
        ("content in (a)", 9, "`content` is not compared"),
        ("content > a", 9, "`content` is not compared"),
        ("content contains 'a", 18, "no closing quote"),
        ("content matches fox", 17, "expected `/` and a regular expression, found `fox`"),
        ("content matches /fox", 17, "has no closing `/`"),
        ("content matches /fox\\/", 17, "has no closing `/`"),
        ("content matches /(/", 17, "no regular expression: unclosed group"),
        (r"content matches /(?=a)/", 17, "look-around"),
        (r"content matches /\w{2000}/", 17, "takes more than"),
        ("importance matches /5/", 12, "`importance` holds no text"),
        ("importance > 1 and > 2", 20, "the range has two lower bounds"),
        ("importance < 1 and <= 2", 20, "the range has two upper bounds"),
        ("tag:", 5, "expected a value, found the end"),
        ("tag: and kind:verb", 6, "`and` is a word of the language"),
        ("tag::a", 5, "expected a value, found `:a`"),
        ("tag", 4, "expected a comparison"),
        ("tag:a and   ", 10, "expected an attribute, `meta.`, `not` or `(`, found the end"),
        ("tag:a tag:b", 7, "expected `and`, `or` or the end, found `tag:b`"),
        ("tag:a, tag:b", 6, "expected `and`, `or` or the end, found `,`"),
        ("and tag:a", 1, "expected an attribute"),
        ("(tag:a", 7, "expected `)`, `and` or `or`, found the end"),
        ("tag:a)", 6, "expected `and`, `or` or the end, found `)`"),
        ("tag in a", 8, "expected `(` and the values, found `a`"),
        ("tag in (a b)", 11, "expected `,` or `)`, found `b`"),
        ("tag in (a,)", 11, "expected a value, found `)`"),
        ("tag not a", 9, "expected `in`"),
        ("importance between 1 or 2", 22, "expected `and` and the upper bound, found `or`"),
        ("tag == a", 5, "`==` is written `=` here"),
        ("tag <> a", 5, "`<>` is written `!=` here"),
        ("!tag:a", 1, "`!` is written `not` here"),
        ("tag:a && tag:b", 7, "`&` is written `and` here"),
        ("tag:a || tag:b", 7, "`|` is written `or` here"),
        ("tag:\"a", 5, "the text has no closing quote"),
        (r#"tag:"a\x""#, 7, "unknown escape"),
        (r#"tag:"\ud800""#, 6, "unknown escape"),
        (r#"tag:"\u+0ff""#, 6, "unknown escape"),
        ("tag:a and meta = 1", 11, "`meta` needs a key"),
        ("meta .a = 1", 1, "`meta` needs a key"),
        ("meta. a = 1", 7, "expected a key of the metadata, found `a`"),
        ("meta.a. = 1", 9, "expected a key of the metadata, found `=`"),
        ("tag:“a”", 5, "expected a value, found `“`"),
        ("kind:ü and kynd:b", 12, "did you mean `kind`?"),
    ];
    for (text, column, message) in cases {
        let error = refused(text);
        assert!(error.message().contains(message), "{text}\n{error}");
        assert_eq!(error.column(), column, "{text}\n{error}");
    }
}

#[test]
fn an_error_shows_the_line_with_a_caret() {
    assert_eq!(
        refused("tag:a\n  and impotance > 1\n  or tag:b").to_string(),
        "unknown attribute `impotance`; did you mean `importance`? (line 2, column 7)\n  \
         \x20 and impotance > 1\n  \
         \x20     ^",
    );
    let long = format!("{}bad:x{}", "tag:ä or ".repeat(2000), " or tag:ü".repeat(2000));
    let error = refused(&long);
    assert_eq!(error.column(), 18_001);
    let shown = error.to_string();
    let [_, excerpt, caret] = shown.lines().collect::<Vec<_>>()[..] else { panic!("{shown}") };
    assert!(excerpt.chars().count() <= 74, "{shown}");
    assert!(excerpt.starts_with("  …") && excerpt.ends_with('…'), "{shown}");
    assert_eq!(excerpt.chars().nth(caret.chars().count() - 1), Some('b'), "{shown}");
}

/// Makes a filter that is this large in one respect.
type OfSize<'a> = &'a dyn Fn(usize) -> String;

/// One more than each limit is refused, the limit itself is not.
#[test]
fn every_limit_holds_to_the_unit() {
    let bytes = |n: usize| format!("tag:{}", "x".repeat(n - 4));
    let parens = |n: usize| format!("{}tag:x{}", "(".repeat(n), ")".repeat(n));
    let nots = |n: usize| format!("{}superseded", "not ".repeat(n - 1));
    let terms = |n: usize| vec!["tag:x"; n - 1].join(" or ");
    let values = |n: usize| format!("tag in ({})", vec!["x"; n].join(","));
    let keys = |n: usize| format!("exists meta{}", ".k".repeat(n));
    let regexes = |n: usize| vec!["tag matches /x/"; n].join(" or ");
    let cases: [(OfSize<'_>, usize, &str); 7] = [
        (&regexes, 32, "more than 32 regular expressions"),
        (&bytes, 64 * 1024, "the limit is 65536"),
        (&parens, 64, "deeper than 64"),
        (&nots, 64, "deeper than 64"),
        (&terms, 4096, "more than 4096"),
        (&values, 1024, "more than 1024"),
        (&keys, 64, "more than 64 keys"),
    ];
    for (text, limit, message) in cases {
        parse(&text(limit)).validate().unwrap();
        let error = refused(&text(limit + 1));
        assert!(error.message().contains(message), "{error}");
    }
    // Two levels for each parenthesis: the tree is limited too.
    let mixed = format!("{}tag:x{}", "tag:a or tag:b and (".repeat(40), ")".repeat(40));
    assert!(refused(&mixed).message().contains("deeper than 64"));
    // Short as it is given, too long as it is printed.
    let escapes = format!("tag:\"{}\"", "\u{1}".repeat(16_000));
    assert!(refused(&escapes).message().contains("the limit is 65536"));
}

#[test]
fn what_a_program_builds_is_held_to_the_same_rules() {
    let importance = || Filter::on(Attribute::Importance);
    let mut deep = Filter::tag("x");
    for _ in 0..64 {
        deep = !deep;
    }
    let unbounded = Op::Range { lo: Bound::Unbounded, hi: Bound::Unbounded };
    let test = |path: Path, op| Filter::Test(Predicate { path, op });
    let cases = [
        (deep, "deeper than 64"),
        (Filter::any_of(vec![Filter::tag("x"); 4096]), "more than 4096"),
        (Filter::on(Attribute::Tag).one_of(vec!["x"; 1025]), "more than 1024"),
        (Filter::tag("x".repeat(64 * 1024)), "the limit is 65536"),
        (importance().is("x"), "`importance` is a number; a text is not"),
        (importance().at_least(f64::NAN), "too large"),
        (importance().at_least(f64::INFINITY), "too large"),
        (importance().contains(1), "holds one value"),
        (importance().matches(Regex::new("x").unwrap()), "holds no text"),
        (Filter::on(Attribute::Content).is("x"), "not compared"),
        (Filter::on(Attribute::Tag).is(5), "`tag` is a text; a number is not"),
        (Filter::on(Attribute::Kind).at_least("x"), "a label has no order"),
        (Filter::on(Attribute::Created).is(Time::At(i64::MAX)), "`created` is a time"),
        (Filter::meta("a").is(Time::NOW), "metadata holds no times"),
        (Filter::meta("a").below(true), "true or false has no order"),
        (test(Path::Meta(vec![]), Op::Exists), "`meta` needs a key"),
        (test(Path::meta(&["k"; 65].join(".")), Op::Exists), "more than 64 keys"),
        (test(Attribute::Created.into(), unbounded), "the range has no bound"),
    ];
    for (filter, message) in cases {
        let error = filter.validate().unwrap_err();
        assert!(error.message().contains(message), "{error}");
    }
    let error = Filter::tag("ok").and(importance().is("x")).validate().unwrap_err();
    assert!(error.to_string().ends_with("\n  importance = \"x\"\n  ^"), "{error}");
}

#[test]
fn integers_are_exact_and_have_one_form() {
    let large = 9_007_199_254_740_993_u64;
    assert!(Number::from(large) > Number::from(large as f64));
    assert_ne!(parse(&format!("meta.id = {large}")), parse(&format!("meta.id = {}", large - 1)));
    assert_eq!(Value::from(5.0), Value::from(5));
    assert!(Number::from(-1) < Number::from(-0.5) && Number::from(0.5) < Number::from(1));
    assert!(Number::from(3) < Number::from(3.5) && Number::from(-3) > Number::from(-3.5));
    assert!(Number::from(0.1) > Number::from(0) && Number::from(-0.1) < Number::from(0));
    assert!(Number::from(u64::MAX) < Number::from(1e300));
    assert!(Number::from(i64::MIN) > Number::from(f64::NEG_INFINITY));
    assert_eq!(Number::from(f64::NAN).partial_cmp(&Number::from(1)), None);
}

#[test]
fn chains_stay_flat() {
    let tags = ["a", "b", "c"].map(Filter::tag);
    let chain = tags.clone().into_iter().fold(Filter::All, Filter::and);
    assert_eq!(chain, Filter::And(tags.to_vec()));
    assert_eq!(Filter::all_of([]), Filter::All);
    assert_eq!(Filter::any_of([]), Filter::None);
    assert_eq!(Filter::any_of([Filter::tag("a")]), Filter::tag("a"));
    // A group of one that was made by hand is not seen in the text.
    assert_eq!((!Filter::And(vec![Filter::tag("a")])).to_string(), "tag != a");
}
