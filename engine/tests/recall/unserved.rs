//! What a recall answers when some of what it asks for cannot be done.

use memlith::{LegOutcome, NewMemory, Options, Recall, Result};

#[test]
fn a_request_that_no_leg_can_serve_finds_nothing_and_says_why() -> Result<()> {
    let db = Options::new().threads(false).in_memory()?;
    db.remember(NewMemory::new("no vector anywhere"))?;
    let answer = db.recall(&Recall::new().vector([1.0, 2.0]))?;
    assert!(answer.hits.is_empty(), "{:?}", answer.hits);
    assert!(matches!(answer.legs[0].outcome, LegOutcome::NotRun { .. }));
    // One that asks for nothing gets what there is, and a score of zero, not of minus zero.
    let everything = db.recall(&Recall::new())?;
    assert_eq!(everything.hits.len(), 1);
    assert!(everything.hits[0].score.is_sign_positive());
    Ok(())
}
