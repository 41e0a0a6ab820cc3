//! Random sequences of operations on a file and on a naive model of it: the two always agree.
//!
//! The sequences of a test are a function of its seed, which is 0 unless `MEMLITH_SEED` says otherwise;
//! `MEMLITH_CASES` sets how many are run. A failure says both.
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
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use std::cell::Cell;
use std::str::FromStr;
use step::{Edit, How, Step, edit, step};
use values::{PATHS, look, new_memory};

/// Runs the sequences of the test `name`, `cases` of them if nothing else is asked for. They come to
/// `least` operations then: the tests of this file to 100,000.
fn agree(
    name: &str,
    cases: u32,
    least: usize,
    sequences: impl Strategy<Value = (Conditions, Vec<Step>)>,
) {
    let (asked_cases, asked_seed) = (asked("MEMLITH_CASES"), asked("MEMLITH_SEED"));
    let is_ordinary = asked_cases.is_none() && asked_seed.is_none();
    let (cases, seed) = (asked_cases.unwrap_or(cases), asked_seed.unwrap_or(0));
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 400,
        ..ProptestConfig::default()
    };
    let mut runner = TestRunner::new_with_rng(config, rng(name, seed));
    let done = Cell::new(0);
    let outcome = runner.run(&sequences, |(conditions, steps)| {
        done.set(done.get() + steps.iter().map(operations).sum::<usize>());
        Pair::run(conditions, steps);
        Ok(())
    });
    outcome.unwrap_or_else(|e| {
        let again = format!("MEMLITH_SEED={seed} MEMLITH_CASES={cases}");
        panic!("{e}\n{runner}  replay: {again} cargo test -p memlith --test model {name}")
    });
    let done = done.get();
    assert!(!is_ordinary || done >= least, "{done} operations, not {least}");
}

/// The number that the environment has under this name.
fn asked<N: FromStr>(name: &str) -> Option<N> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number, and is {text:?}")))
}

/// The name is part of it, so that tests with the same seed do not run the same sequences.
fn rng(name: &str, seed: u64) -> TestRng {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..].iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
    TestRng::from_seed(RngAlgorithm::ChaCha, &bytes)
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
    agree("a_file_and_its_model_agree", 1_300, 36_000, sequences);
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
    agree("a_filter_keeps_the_same_memories_as_its_definition", 640, 60_000, sequences);
}

#[test]
fn a_file_with_a_background_thread_and_its_model_agree() {
    let sequences = vec(step(), 1..40)
        .prop_map(|steps| (Conditions { has_threads: true, is_durable: false }, steps));
    agree("a_file_with_a_background_thread_and_its_model_agree", 170, 4_000, sequences);
}
