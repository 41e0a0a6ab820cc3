//! When a process is killed.
//!
//! **Invariant:** a moment is drawn from what sound processes of the same kind took, so that kills
//! fall on every part of a run on machines that are fast and on those that are slow. A seed draws
//! the same numbers each time; which instant of the work they meet is the machine's.

use super::process::{Ended, Running};
use fastrand::Rng;
use std::thread;
use std::time::Duration;

/// Kills that follow a line come at most so much later.
const SOON: Duration = Duration::from_millis(2);

/// A moment in the life of a process: so long after …
#[derive(Clone, Debug)]
pub(super) enum Moment {
    /// … its start.
    Start(Duration),
    /// … it had said so many lines.
    Lines(usize, Duration),
    /// … it first said that it begins something, or that this is done.
    Words(&'static str, String, Duration),
}

/// How long processes of a kind take for what they do.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace {
    whole: Duration,
    /// Until the file was open; of doors that do not say so, until the end.
    open: Duration,
    lines: usize,
    /// What they begin, and how long it takes.
    phases: Vec<(String, Duration)>,
}

impl Pace {
    /// Of a process that ended by itself.
    pub(super) fn of(ended: &Ended) -> Pace {
        let mut phases: Vec<(String, Duration)> = Vec::new();
        for (i, line) in ended.said.iter().enumerate() {
            let Some(what) = line.text.strip_prefix("begin\t") else { continue };
            let is_end = |text: &str| text.strip_prefix("done\t").is_some_and(|t| names(t, what));
            let end = ended.said[i..].iter().find(|line| is_end(&line.text));
            if let (Some(phase), Some(end)) = (phase(what), end) {
                phases.push((phase.to_owned(), end.at - line.at));
            }
        }
        let open = ended.said.iter().find(|line| line.text == "done\topen");
        let open = open.map_or(ended.ran(), |line| line.at - ended.started);
        Pace { whole: ended.ran(), open, lines: ended.said.len(), phases }
    }

    /// From the start to the end.
    pub(super) fn whole(&self) -> Duration {
        self.whole
    }

    /// Takes in how long another process of the kind was seen to run.
    pub(super) fn learn(&mut self, ended: &Ended) {
        self.whole = if ended.was_killed { self.whole.max(ended.ran()) } else { ended.ran() };
    }

    /// A moment, somewhere.
    pub(super) fn moment(&self, rng: &mut Rng) -> Moment {
        match rng.u32(..8) {
            0 | 1 => self.early(rng),
            2 | 3 if self.lines > 0 => Moment::Lines(rng.usize(1..=self.lines), soon(rng)),
            4 | 5 if !self.phases.is_empty() => {
                let (what, length) = &self.phases[rng.usize(..self.phases.len())];
                if rng.u32(..3) == 0 {
                    Moment::Words("done", what.clone(), soon(rng))
                } else {
                    Moment::Words("begin", what.clone(), up_to(*length, rng))
                }
            }
            _ => Moment::Start(up_to(self.whole, rng)),
        }
    }

    /// A moment while the file is created or recovered, or just before or behind that.
    pub(super) fn early(&self, rng: &mut Rng) -> Moment {
        Moment::Start(up_to(self.open + self.open / 4, rng))
    }
}

impl Moment {
    /// Waits for it; not for long once the process has ended.
    pub(super) fn wait(&self, running: &mut Running) {
        match self {
            Moment::Start(delay) => thread::sleep(delay.saturating_sub(running.age())),
            Moment::Lines(count, delay) => {
                let mut left = *count;
                let is_last = |_: &_| {
                    left -= 1;
                    left == 0
                };
                if running.hears(is_last) {
                    thread::sleep(*delay);
                }
            }
            Moment::Words(word, what, delay) => {
                let is_it = |text: &str| {
                    let mut words = text.split('\t');
                    words.next() == Some(*word) && words.next().and_then(phase) == Some(what)
                };
                if running.hears(|line| is_it(&line.text)) {
                    thread::sleep(*delay);
                }
            }
        }
    }
}

/// What is begun, without the number of who begins it; `None` for a transaction, whose key begins
/// with the number of a process.
pub(super) fn phase(what: &str) -> Option<&str> {
    let is_transaction = what.starts_with(|c: char| c.is_ascii_digit());
    what.split('/').next().filter(|_| !is_transaction)
}

fn names(done: &str, what: &str) -> bool {
    done.split('\t').next() == Some(what)
}

/// Rather sooner than later: what was acknowledged falsely is made good soon.
fn soon(rng: &mut Rng) -> Duration {
    up_to(up_to(SOON, rng), rng)
}

fn up_to(most: Duration, rng: &mut Rng) -> Duration {
    most.mul_f64(rng.f64())
}

#[cfg(test)]
mod tests {
    use super::super::process::Line;
    use super::*;
    use std::time::Instant;

    #[test]
    fn a_pace_is_what_a_sound_process_took() {
        let started = Instant::now();
        let ms = Duration::from_millis;
        let said = [
            (3, "begin\topen"),
            (7, "done\topen"),
            (8, "begin\t5/0/0"),
            (9, "begin\trebuild/1"),
            (10, "done\t5/0/0\t1\tdurable"),
            (15, "done\trebuild/1"),
            (16, "begin\tclose"),
        ];
        let line = |(at, text): (u64, &str)| Line { at: started + ms(at), text: text.to_owned() };
        let said = said.map(line).to_vec();
        let at = started + ms(20);
        let pace = Pace::of(&Ended { started, said, at, was_killed: false });
        assert_eq!((pace.whole, pace.open, pace.lines), (ms(20), ms(7), 7));
        let phases = [("open".to_owned(), ms(4)), ("rebuild".to_owned(), ms(6))];
        assert_eq!(pace.phases, phases);
    }
}
