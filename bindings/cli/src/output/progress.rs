//! A progress bar on stderr, drawn only when stderr is a terminal.
//!
//! **Invariant:** nothing is written to a stderr that is a pipe or a file.

use super::failure::coloured;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;

/// How far a long command has come.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// A bar over `total` bytes with what is done per second and the time that remains; a
    /// spinner where the total is unknown.
    pub(crate) fn over_bytes(total: Option<u64>) -> Self {
        match total {
            Some(total) => {
                Bar::styled(Some(total), "{bar} {percent:>3}%  {msg}  {bytes_per_sec}, {eta} left")
            }
            None => Bar::styled(None, "{spinner} {bytes}  {msg}  {elapsed}"),
        }
    }

    /// A spinner that names the part under way.
    pub(crate) fn over_parts() -> Self {
        Bar::styled(None, "{spinner} {msg}  {elapsed}")
    }

    /// A bar over counted steps, whose total may still be unknown.
    pub(crate) fn over_steps() -> Self {
        Bar::styled(Some(0), "{bar} {pos}/{len}  {msg}  {per_sec}, {eta} left")
    }

    fn styled(total: Option<u64>, template: &str) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let target = if is_terminal {
            ProgressDrawTarget::stderr_with_hz(10)
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = if coloured(is_terminal) { "{bar:32.cyan}" } else { "{bar:32}" };
        let style = ProgressStyle::with_template(&template.replace("{bar}", bar))
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("━╸─");
        let bar = ProgressBar::with_draw_target(total, target);
        bar.set_style(style);
        Bar(bar)
    }

    /// So far, with a word on what that means.
    pub(crate) fn at(&self, position: u64, message: impl FnOnce() -> String) {
        if !self.0.is_hidden() {
            self.0.set_message(message());
            self.0.set_position(position);
        }
    }

    /// The part under way.
    pub(crate) fn part(&self, name: &'static str) {
        if !self.0.is_hidden() {
            self.0.set_message(name);
            self.0.tick();
        }
    }

    /// A step of a command that has several.
    pub(crate) fn step(&self, name: &'static str, done: u64, total: u64) {
        if !self.0.is_hidden() {
            self.0.set_length(total);
            self.0.set_message(name);
            self.0.set_position(done);
        }
    }

    /// Runs what writes to the terminal, with the bar out of the way.
    pub(crate) fn aside<T>(&self, speak: impl FnOnce() -> T) -> T {
        self.0.suspend(speak)
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
