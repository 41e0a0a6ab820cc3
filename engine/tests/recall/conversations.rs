//! What is said around a memory in its session counts for it too.

use memlith::{Db, Filter, Leg, NewMemory, Options, Recall, Recalled, Result};

/// A conversation about other things, with one exchange that answers a question only together.
fn conversation(db: &Db, namespace: &str, session: &str, turns: &[&str]) -> Result<()> {
    for turn in turns {
        db.remember(NewMemory::new(*turn).namespace(namespace).session(session))?;
    }
    Ok(())
}

const TURNS: [&str; 9] = [
    "Good morning!",
    "The weather is fine.",
    "Lunch was late.",
    "Which hotel did you book in Lisbon?",
    "The one by the river.",
    "Lovely.",
    "It rained.",
    "Trains are slow.",
    "Good night.",
];

fn texts(answer: &Recalled) -> Vec<&str> {
    answer.hits.iter().map(|hit| hit.memory.content.as_str()).collect()
}

fn asked() -> Recall {
    Recall::new().text("hotel in lisbon")
}

#[test]
fn turns_lend_to_the_three_before_and_behind() -> Result<()> {
    let db = Options::new().threads(false).in_memory()?;
    conversation(&db, "home", "monday", &TURNS)?;
    let answer = db.recall(&asked().explain(true))?;
    // The nearer the turn, the more it gets; of two as near, the earlier comes first.
    let expected = [3, 2, 4, 1, 5, 0, 6].map(|turn| TURNS[turn]);
    assert_eq!(texts(&answer), expected);
    let scores: Vec<f32> = answer.hits.iter().map(|hit| hit.score).collect();
    for (hit, share) in answer.hits.iter().zip([1.0, 0.6, 0.6, 0.4, 0.4, 0.2, 0.2]) {
        assert!((hit.score / scores[0] - share).abs() < 1e-3, "{scores:?}");
        let explanation = hit.explanation.as_ref();
        let legs = explanation.map_or(&[][..], |e| &e.legs);
        let context = legs.iter().find(|leg| leg.leg == Leg::Context);
        assert_eq!(context.is_some(), share < 1.0, "{legs:?}");
    }
    let without = db.recall(&asked().context(0.0))?;
    assert_eq!(texts(&without), [TURNS[3]]);
    assert_eq!(without.hits[0].score.to_bits(), scores[0].to_bits());
    Ok(())
}

#[test]
fn words_that_a_turn_has_itself_are_not_lent_to_it() -> Result<()> {
    let db = Options::new().threads(false).in_memory()?;
    conversation(&db, "home", "monday", &["hotel", "hotel", "hotel", "rain", "sun", "snow"])?;
    let answer = db.recall(&asked())?;
    let plain = db.recall(&asked().context(0.0))?;
    assert_eq!(answer.hits[0].score.to_bits(), plain.hits[0].score.to_bits());
    assert_eq!(answer.hits.len(), 6);
    Ok(())
}

#[test]
fn nothing_is_lent_across_sessions_namespaces_or_the_scope() -> Result<()> {
    let db = Options::new().threads(false).in_memory()?;
    conversation(&db, "home", "monday", &TURNS[..4])?;
    conversation(&db, "work", "monday", &["Thanks."])?;
    conversation(&db, "home", "tuesday", &["The one by the river."])?;
    db.remember(NewMemory::new("By itself.").namespace("home"))?;
    let answer = db.recall(&asked())?;
    assert_eq!(texts(&answer), [3, 2, 1, 0].map(|turn| TURNS[turn]));

    // Who is not in scope lends nothing, and does not stand between two that are.
    db.remember(NewMemory::new("A hotel in Porto.").namespace("home").session("friday").kind("a"))?;
    db.remember(NewMemory::new("Hm.").namespace("home").session("friday").kind("b"))?;
    db.remember(NewMemory::new("Yes.").namespace("home").session("friday").kind("a"))?;
    let of_kind = |kind: &str| db.recall(&asked().filter(kind.parse::<Filter>()?));
    assert_eq!(texts(&of_kind("kind:b")?), [""; 0]);
    let answer = of_kind("kind:a")?;
    assert_eq!(texts(&answer), ["A hotel in Porto.", "Yes."]);
    assert!((answer.hits[1].score / answer.hits[0].score - 0.6).abs() < 1e-3);
    Ok(())
}

#[test]
fn beside_words_near_turns_lend_nearness_too_and_a_vector_alone_keeps_its_score() -> Result<()> {
    let db = Options::new().threads(false).in_memory()?;
    for (turn, vector) in [("near", [1.0, 0.0]), ("far", [0.0, 1.0]), ("farther", [-1.0, 0.0])] {
        db.remember(NewMemory::new(turn).session("monday").vector(vector))?;
    }
    db.remember(NewMemory::new("far as well").vector([0.0, 1.0]))?;
    let request = Recall::new().vector([1.0, 0.0]);
    let alone = db.recall(&request)?;
    assert!((alone.hits[0].score - 1.0).abs() < 1e-6 && alone.hits[1].score.abs() < 1e-6);
    let both = db.recall(&request.text("what"))?;
    let score = |text| both.hits.iter().find(|hit| hit.memory.content == text).map(|hit| hit.score);
    assert!(score("far") > score("far as well"), "{both:?}");
    Ok(())
}
