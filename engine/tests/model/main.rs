//! Random sequences of operations on a file and on a naive model of it: the two always agree.
//!
//! `MEMLITH_CASES` sets how many sequences are run.
mod check;
mod filters;
mod naive;
mod pair;
mod record;
mod step;
mod values;

use pair::{Conditions, Pair};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::cell::Cell;
use step::{Edit, How, Step, edit, step};
use values::{PATHS, look, new_memory};

/// Runs sequences, `cases` of them if nothing else is asked for. They come to `least` operations
/// then: the tests of this file to 100,000.
fn agree(cases: u32, least: usize, sequences: impl Strategy<Value = (Conditions, Vec<Step>)>) {
    let given = std::env::var("MEMLITH_CASES").ok();
    let given: Option<u32> =
        given.map(|text| text.parse().expect("MEMLITH_CASES must be a number"));
    let mut runner = TestRunner::new(ProptestConfig {
        cases: given.unwrap_or(cases),
        failure_persistence: None,
        max_shrink_iters: 400,
        ..ProptestConfig::default()
    });
    let done = Cell::new(0);
    let outcome = runner.run(&sequences, |(conditions, steps)| {
        done.set(done.get() + steps.iter().map(operations).sum::<usize>());
        Pair::run(conditions, steps);
        Ok(())
    });
    outcome.unwrap_or_else(|e| panic!("{e}\n{runner}"));
    let done = done.get();
    assert!(given.is_some() || done >= least, "{done} operations, not {least}");
}

/// Calls that a step makes, each of which both sides answer.
fn operations(step: &Step) -> usize {
    match step {
        Step::Write(_, edits) => edits.len(),
        Step::Get(places) => places.len(),
        _ => 1,
    }
}

#[test]
fn a_file_and_its_model_agree() {
    let sequences = (vec(step(), 1..40), prop::bool::weighted(0.15));
    let sequences = sequences
        .prop_map(|(steps, is_durable)| (Conditions { has_threads: false, is_durable }, steps));
    agree(1_300, 36_000, sequences);
}

/// Many memories, every path declared, part of it in images: then nothing but questions.
#[test]
fn a_filter_keeps_the_same_memories_as_its_definition() {
    let memories = vec(new_memory(), 30..50);
    let later = vec((edit(), any::<bool>()), 0..10);
    let looks = vec(look(), 40..60);
    let sequences = (memories, later, looks).prop_map(|(memories, later, looks)| {
        let singly = |edit| Step::Write(How::Singly, vec![edit]);
        let declared = PATHS.map(|path| singly(Edit::IndexMetadata(path)));
        let spaces = [0, 2, 3].map(|at| singly(Edit::CreateSpace(at)));
        let remembered = memories.into_iter().map(|new| singly(Edit::Remember(new)));
        let changed = later
            .into_iter()
            .map(|(edit, is_stored)| if is_stored { Step::Checkpoint } else { singly(edit) });
        let asked = looks.into_iter().map(|look| Step::Look(look.into()));
        let steps = declared.into_iter().chain(spaces).chain(remembered);
        let steps = steps.chain([Step::Checkpoint]).chain(changed).chain(asked).collect();
        (Conditions { has_threads: false, is_durable: false }, steps)
    });
    agree(640, 60_000, sequences);
}

#[test]
fn a_file_with_a_background_thread_and_its_model_agree() {
    let sequences = vec(step(), 1..40)
        .prop_map(|steps| (Conditions { has_threads: true, is_durable: false }, steps));
    agree(170, 4_000, sequences);
}
