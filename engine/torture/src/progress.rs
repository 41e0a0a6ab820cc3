//! What a long run shows while it runs: how far it is, on a terminal; failures as they come.

use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// Between two frames.
const TICK: Duration = Duration::from_millis(250);

/// A bar for as many seeds as there are; a clock for seeds without end.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn new(seeds: Option<u64>) -> Self {
        let (bar, template) = match seeds {
            Some(seeds) => (ProgressBar::new(seeds), "{elapsed} {bar:40} {pos}/{len} seeds  {msg}"),
            None => (ProgressBar::new_spinner(), "{elapsed} {pos} seeds  {msg}"),
        };
        // It is a literal that is right, or the bar looks as it does by default.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(TICK);
        Progress(bar)
    }

    /// A seed of a part is done.
    pub(crate) fn done(&self, part: &'static str) {
        self.0.set_message(part);
        self.0.inc(1);
    }

    /// A seed has failed: whoever waits need not wait for the end to hear of it.
    #[expect(clippy::print_stderr, reason = "where there is no terminal there is no bar")]
    pub(crate) fn failed(&self, why: &str) {
        self.0.suspend(|| eprintln!("{why}"));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
