//! The form that planners are given: what is joined, folded and moved.
use memlith::filter::{Attribute, Filter};

fn simple(text: &str) -> String {
    let filter: Filter = text.parse().unwrap_or_else(|e| panic!("{text}\n{e}"));
    filter.simplify().to_string()
}

#[test]
fn filters_fold_to_the_form_for_planners() {
    let cases = [
        // Negation stands at the tests, and a negated range stays one: what is missing passes.
        ("not (tag:a and (kind:b or not kind:c))", "tag != a or (kind != b and kind:c)"),
        ("not not importance > 0.5", "importance > 0.5"),
        ("not importance > 0.5", "not importance > 0.5"),
        ("not (all or tag:a)", "none"),
        // Constants.
        ("tag:a and all and (tag:b or none)", "tag:a and tag:b"),
        ("tag:a and not all", "none"),
        ("tag:a or all", "all"),
        ("none or tag in ()", "none"),
        // Nesting.
        ("tag:a and (tag:b and (tag:c and tag:d))", "tag:a and tag:b and tag:c and tag:d"),
        ("tag:a or not (tag != b and kind != c)", "tag in (a, b) or kind:c"),
        // Equality.
        ("kind:b or tag:x or kind in (a, b) or kind:c", "kind in (a, b, c) or tag:x"),
        ("tag in (b, a, b)", "tag in (a, b)"),
        ("tag in (a, a)", "tag:a"),
        ("tag:a or tag:a", "tag:a"),
        ("meta.x in (\"1\", 1, 1.0, null)", "meta.x in (null, 1, \"1\")"),
        // Ranges.
        (
            "importance >= 0.2 and tag:a and importance < 0.5",
            "importance >= 0.2 and < 0.5 and tag:a",
        ),
        ("priority > 2 and priority >= 2 and priority >= 1", "priority > 2"),
        ("priority >= 2 and priority <= 2", "priority = 2"),
        ("priority > 2 and priority <= 2", "none"),
        ("priority between 3 and 2 or tag:a", "tag:a"),
        (
            "created >= now-7d and created >= now-1d and created < now",
            "created >= now-1d and < now",
        ),
        // Which of the two is later depends on the present.
        (
            "created >= now-7d and created >= 2025-01-01",
            "created >= now-7d and created >= 2025-01-01",
        ),
        ("created >= now-7d and created < 2025-01-01", "created >= now-7d and < 2025-01-01"),
        ("meta.x >= 1 and meta.x >= a", "meta.x >= 1 and meta.x >= \"a\""),
        ("meta.x >= 1 and meta.y <= 2", "meta.x >= 1 and meta.y <= 2"),
        // Importance is single precision: these are one number to it.
        ("importance > 0.7 and importance >= 0.70000000001", "importance > 0.7"),
    ];
    for (text, expected) in cases {
        assert_eq!(simple(text), expected, "of {text}");
    }
}

#[test]
fn a_number_that_is_none_is_dropped() {
    let importance = Filter::on(Attribute::Importance).one_of([f64::NAN, 0.5, 0.25, f64::NAN]);
    assert_eq!(importance.simplify().to_string(), "importance in (0.25, 0.5)");
}
