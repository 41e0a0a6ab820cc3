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
use step::{Edit, How, Step, edit, step};
use values::{PATHS, look, new_memory};

fn cases(default: u32) -> u32 {
    let given = std::env::var("MEMLITH_CASES").ok();
    given.map_or(default, |text| text.parse().expect("MEMLITH_CASES must be a number"))
}

fn config(default: u32) -> ProptestConfig {
    ProptestConfig {
        cases: cases(default),
        failure_persistence: None,
        max_shrink_iters: 400,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(150))]

    #[test]
    fn a_file_and_its_model_agree(
        steps in vec(step(), 1..40),
        is_durable in prop::bool::weighted(0.15),
    ) {
        Pair::run(Conditions { has_threads: false, is_durable }, steps);
    }
}

proptest! {
    #![proptest_config(config(110))]

    /// Many memories, every path declared, part of it in images: then nothing but questions.
    #[test]
    fn a_filter_keeps_the_same_memories_as_its_definition(
        memories in vec(new_memory(), 30..50),
        later in vec((edit(), any::<bool>()), 0..10),
        looks in vec(look(), 40..60),
    ) {
        let singly = |edit| Step::Write(How::Singly, vec![edit]);
        let declared = PATHS.map(|path| singly(Edit::IndexMetadata(path)));
        let spaces = [0, 2, 3].map(|at| singly(Edit::CreateSpace(at)));
        let remembered = memories.into_iter().map(|new| singly(Edit::Remember(new)));
        let changed = later.into_iter().map(|(edit, is_stored)| {
            if is_stored { Step::Checkpoint } else { singly(edit) }
        });
        let asked = looks.into_iter().map(|look| Step::Look(look.into()));
        let steps = declared.into_iter().chain(spaces).chain(remembered);
        let steps = steps.chain([Step::Checkpoint]).chain(changed).chain(asked).collect();
        Pair::run(Conditions { has_threads: false, is_durable: false }, steps);
    }
}

proptest! {
    #![proptest_config(config(30))]

    #[test]
    fn a_file_with_a_background_thread_and_its_model_agree(steps in vec(step(), 1..40)) {
        Pair::run(Conditions { has_threads: true, is_durable: false }, steps);
    }
}
