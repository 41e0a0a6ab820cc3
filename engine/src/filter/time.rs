//! Points in time, fixed or relative to the moment a filter is evaluated.
//!
//! **Invariant:** in milliseconds since 1970-01-01T00:00:00Z; finer parts are cut off, as they
//! are when a record is stored.
//!
//! Used by the parser, by the printer and by evaluation, which is given the present.

use jiff::{Timestamp, civil, tz::TimeZone};
use std::{cmp::Ordering, fmt, time::Duration};

/// A point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Time {
    /// That many milliseconds after 1970-01-01T00:00:00Z.
    At(i64),
    /// That many milliseconds after the moment of evaluation; negative ones lie before it.
    FromNow(i64),
}

/// The units of relative times in milliseconds, longest first. There are no months and years:
/// they have no fixed length.
const UNITS: [(&str, u64); 6] = [
    ("w", 7 * 24 * 60 * 60 * 1000),
    ("d", 24 * 60 * 60 * 1000),
    ("h", 60 * 60 * 1000),
    ("m", 60 * 1000),
    ("s", 1000),
    ("ms", 1),
];

/// Weeks are read but not printed: `now-7d` is what people write.
const PRINTED_UNITS: &[(&str, u64)] = UNITS.split_at(1).1;

impl Time {
    /// The moment of evaluation.
    pub const NOW: Time = Time::FromNow(0);

    /// That long before the moment of evaluation.
    pub fn ago(duration: Duration) -> Self {
        Time::FromNow(i64::try_from(duration.as_millis()).map_or(i64::MIN, |ms| -ms))
    }

    /// In milliseconds since 1970-01-01T00:00:00Z, at a present of `now_ms`.
    pub fn resolve(self, now_ms: i64) -> i64 {
        match self {
            Time::At(ms) => ms,
            Time::FromNow(offset_ms) => now_ms.saturating_add(offset_ms),
        }
    }

    /// How the two are ordered whatever the present is; `None` where that depends on it.
    pub(super) fn compare(self, other: Time) -> Option<Ordering> {
        match (self, other) {
            (Time::At(a), Time::At(b)) | (Time::FromNow(a), Time::FromNow(b)) => Some(a.cmp(&b)),
            _ => None,
        }
    }

    /// Whether it can be written: fixed times lie between the years -9999 and 9999.
    pub(super) fn is_printable(self) -> bool {
        match self {
            Time::At(ms) => Timestamp::from_millisecond(ms).is_ok(),
            Time::FromNow(_) => true,
        }
    }

    /// Reads a time; `None` if it is none or lies too far away.
    pub(super) fn parse(word: &str) -> Option<Self> {
        if let Some(relative) = Self::parse_relative(word) {
            return Some(relative);
        }
        // Seconds, milliseconds or a date without dashes: digits alone do not tell.
        if word.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let timestamp = word.parse::<Timestamp>().ok().or_else(|| {
            let civil: civil::DateTime = word.parse().ok()?;
            TimeZone::UTC.to_timestamp(civil).ok()
        })?;
        let floored = timestamp.as_nanosecond().div_euclid(1_000_000);
        let time = Time::At(i64::try_from(floored).ok()?);
        time.is_printable().then_some(time)
    }

    /// Reads `now`, `now-7d`, `-7d` or `+1h30m`.
    pub(super) fn parse_relative(word: &str) -> Option<Self> {
        let names_now = word.get(..3).is_some_and(|head| head.eq_ignore_ascii_case("now"));
        let offset = if names_now { &word[3..] } else { word };
        if names_now && offset.is_empty() {
            return Some(Time::NOW);
        }
        let (sign, mut rest) = match offset.split_at_checked(1)? {
            ("-", rest) => (-1, rest),
            ("+", rest) => (1, rest),
            _ => return None,
        };
        let mut total_ms: i128 = 0;
        loop {
            let (count, after_count) = split_while(rest, |b| b.is_ascii_digit());
            let (unit, after_unit) = split_while(after_count, |b| b.is_ascii_alphabetic());
            let (_, unit_ms) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
            let count: u64 = count.parse().ok()?;
            total_ms = total_ms.checked_add(i128::from(count) * i128::from(unit_ms))?;
            if after_unit.is_empty() {
                return i64::try_from(sign * total_ms).ok().map(Time::FromNow);
            }
            rest = after_unit;
        }
    }
}

fn split_while(text: &str, is_wanted: impl Fn(u8) -> bool) -> (&str, &str) {
    let end = text.bytes().position(|b| !is_wanted(b)).unwrap_or(text.len());
    text.split_at(end)
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Time::FromNow(0) => f.write_str("now"),
            Time::FromNow(offset_ms) => {
                let ms = offset_ms.unsigned_abs();
                let exact = PRINTED_UNITS.iter().find(|(_, unit_ms)| ms % unit_ms == 0);
                let (unit, unit_ms) = exact.copied().unwrap_or(("ms", 1));
                let sign = if offset_ms < 0 { '-' } else { '+' };
                write!(f, "now{sign}{}{unit}", ms / unit_ms)
            }
            Time::At(ms) => {
                let limit = if ms < 0 { Timestamp::MIN } else { Timestamp::MAX };
                let timestamp = Timestamp::from_millisecond(ms).unwrap_or(limit);
                let civil = TimeZone::UTC.to_datetime(timestamp);
                if civil.time() == civil::Time::midnight() {
                    write!(f, "{}", civil.date())
                } else {
                    write!(f, "{timestamp}")
                }
            }
        }
    }
}
