//! Any sequence of steps does to a file what it does to the naive model.
//!
//! Model and steps are those of the engine's property tests. Here each step is drawn by four bytes
//! of the input, as the seed of the same strategy: so a fuzzer can drop, repeat, move and replace
//! steps, and every input is a sequence.

#[path = "../../../../engine/tests/model/check.rs"]
mod check;
#[path = "../../../../engine/tests/model/filters.rs"]
mod filters;
#[path = "../../../../engine/tests/model/naive.rs"]
mod naive;
#[path = "../../../../engine/tests/model/pair.rs"]
mod pair;
#[path = "../../../../engine/tests/model/record.rs"]
mod record;
#[path = "../../../../engine/tests/model/step.rs"]
mod step;
#[path = "../../../../engine/tests/model/values.rs"]
mod values;

use pair::{Conditions, Pair};
use proptest::strategy::{BoxedStrategy, Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::io::Write;
use step::{Step, step};

/// Further steps are left out: they would take longer, and reach nothing that fewer do not.
const MAX_STEPS: usize = 60;

/// Takes a file and the model through the steps. Tells whether there was one.
pub(crate) fn compare(input: &[u8]) -> bool {
    thread_local! {
        static STEP: BoxedStrategy<Step> = step().boxed();
    }
    let (seeds, _) = input.as_chunks();
    let steps: Vec<Step> = STEP
        .with(|strategy| seeds.iter().take(MAX_STEPS).map(|seed| drawn(strategy, *seed)).collect());
    let is_any = !steps.is_empty();
    let _shown = ShownOnPanic(steps.clone());
    Pair::run(Conditions { has_threads: false, is_durable: false }, steps);
    is_any
}

/// An input does not tell what its steps are.
struct ShownOnPanic(Vec<Step>);

impl Drop for ShownOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = writeln!(std::io::stderr(), "{:#?}", self.0);
        }
    }
}

fn drawn(strategy: &BoxedStrategy<Step>, seed: [u8; 4]) -> Step {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&seed);
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    strategy.new_tree(&mut runner).expect("every filter of a strategy lets most through").current()
}
