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
use step::step;

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
    #![proptest_config(config(120))]

    #[test]
    fn a_file_and_its_model_agree(
        steps in vec(step(), 1..40),
        is_durable in prop::bool::weighted(0.15),
    ) {
        Pair::run(Conditions { has_threads: false, is_durable }, steps);
    }
}

proptest! {
    #![proptest_config(config(25))]

    #[test]
    fn a_file_with_a_background_thread_and_its_model_agree(steps in vec(step(), 1..40)) {
        Pair::run(Conditions { has_threads: true, is_durable: false }, steps);
    }
}
