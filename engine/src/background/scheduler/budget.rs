//! The share of the machine: rest for work, and bytes a second.
//!
//! **Invariant:** a worker that owes rest, or a bucket below zero, holds up nothing but the next
//! step of a job that is not urgent. A rest is never longer than [`MAX_REST`].

use crate::sync::Instant;
use std::time::Duration;

/// Less rest than this is gathered first.
const MIN_REST: Duration = Duration::from_millis(1);
/// One step does not make a worker rest for longer.
const MAX_REST: Duration = Duration::from_secs(10);

/// What a worker owes for its work.
pub(super) struct Fatigue {
    /// Of one core, at most.
    cpu_percent: u8,
    owed: Duration,
    since: Instant,
}

impl Fatigue {
    pub(super) fn new(cpu_percent: u8) -> Self {
        Fatigue { cpu_percent, owed: Duration::ZERO, since: Instant::now() }
    }

    /// Counts work that ends now, and what it has rested since the last.
    pub(super) fn add(&mut self, took: Duration) {
        self.add_after(self.since.elapsed(), took);
        self.since = Instant::now();
    }

    fn add_after(&mut self, elapsed: Duration, took: Duration) {
        let rested = elapsed.saturating_sub(took);
        let owed = self.owed.saturating_sub(rested);
        self.owed = (owed + rest_for(self.cpu_percent, took)).min(MAX_REST);
    }

    /// How much longer to rest before the next step; nothing if that is not worth it.
    pub(super) fn left(&self) -> Duration {
        if self.owed < MIN_REST {
            Duration::ZERO
        } else {
            self.owed.saturating_sub(self.since.elapsed())
        }
    }

    /// It has rested.
    pub(super) fn settle(&mut self) {
        self.owed = Duration::ZERO;
    }
}

/// The rest that makes work which `took` so long a share of `percent`.
fn rest_for(percent: u8, took: Duration) -> Duration {
    let percent = u32::from(percent.clamp(1, 100));
    took.saturating_mul(100 - percent) / percent
}

/// Bytes that may be read and written: so many a second, a second's worth at once. A step may
/// overdraw it, and the next one waits until that is made up for.
pub(super) struct Bucket {
    bytes_per_second: u64,
    level: i128,
    since: Instant,
}

impl Bucket {
    pub(super) fn new(bytes_per_second: u64) -> Self {
        let bytes_per_second = bytes_per_second.max(1);
        Bucket { bytes_per_second, level: i128::from(bytes_per_second), since: Instant::now() }
    }

    pub(super) fn spend(&mut self, bytes: u64) {
        self.spend_after(self.since.elapsed(), bytes);
        self.since = Instant::now();
    }

    /// How long the next step must wait.
    pub(super) fn wait(&self) -> Duration {
        self.wait_after(self.since.elapsed())
    }

    fn spend_after(&mut self, elapsed: Duration, bytes: u64) {
        self.level = self.level_after(elapsed) - i128::from(bytes);
    }

    fn wait_after(&self, elapsed: Duration) -> Duration {
        let missing = (-self.level_after(elapsed)).max(0) as u128;
        let micros = (missing * 1_000_000).div_ceil(u128::from(self.bytes_per_second));
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }

    fn level_after(&self, elapsed: Duration) -> i128 {
        let rate = i128::from(self.bytes_per_second);
        let gained = rate.saturating_mul(elapsed.as_micros() as i128) / 1_000_000;
        (self.level + gained).min(rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn rest_is_in_proportion_to_the_work() {
        assert_eq!(rest_for(100, ms(8)), Duration::ZERO);
        assert_eq!(rest_for(50, ms(8)), ms(8));
        assert_eq!(rest_for(20, ms(8)), ms(32));
        assert_eq!(rest_for(0, ms(1)), ms(99), "nothing below a hundredth");
    }

    #[test]
    fn a_worker_rests_for_many_small_steps_together_and_never_too_long() {
        let mut fatigue = Fatigue::new(50);
        fatigue.add(ms(1) / 2);
        assert_eq!(fatigue.left(), Duration::ZERO);
        fatigue.add(Duration::from_hours(1));
        assert_eq!(fatigue.owed, MAX_REST);
        fatigue.settle();
        assert_eq!(fatigue.left(), Duration::ZERO);
        let mut tireless = Fatigue::new(100);
        tireless.add(Duration::from_hours(1));
        assert_eq!(tireless.left(), Duration::ZERO);
    }

    #[test]
    fn looking_up_from_a_rest_does_not_begin_it_anew() {
        let mut fatigue = Fatigue::new(50);
        fatigue.add_after(ms(100), ms(100));
        assert_eq!(fatigue.owed, ms(100));
        fatigue.add_after(ms(60), ms(0));
        assert_eq!(fatigue.owed, ms(40));
        fatigue.add_after(ms(35), ms(5));
        assert_eq!(fatigue.owed, ms(15), "thirty rested, and five worked");
        fatigue.add_after(ms(60), ms(0));
        assert_eq!(fatigue.owed, ms(0));
    }

    #[test]
    fn what_is_overdrawn_is_made_up_for() {
        let mut bucket = Bucket::new(1_000);
        bucket.spend_after(ms(0), 1_000);
        assert_eq!(bucket.wait_after(ms(0)), ms(0), "a second's worth at once");
        bucket.spend_after(ms(0), 500);
        assert_eq!(bucket.wait_after(ms(0)), ms(500));
        assert_eq!(bucket.wait_after(ms(400)), ms(100));
        assert_eq!(bucket.wait_after(ms(500)), ms(0));
        // Nothing is saved up beyond a second's worth.
        bucket.spend_after(Duration::from_hours(1), 1_500);
        assert_eq!(bucket.wait_after(ms(0)), ms(500));
        // Nothing overflows.
        let mut huge = Bucket::new(u64::MAX);
        huge.spend_after(Duration::MAX, u64::MAX);
        huge.spend_after(ms(0), u64::MAX);
        assert_eq!(huge.wait_after(ms(0)), Duration::from_secs(1));
    }
}
