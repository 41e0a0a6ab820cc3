//! Points in time, as RFC 3339 outside and milliseconds since 1970 inside.
//!
//! **Invariant:** what is printed parses back to the same millisecond, also outside the years
//! that RFC 3339 can name (those are printed as the number).

use jiff::{Timestamp, civil, tz::TimeZone};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// A point in time, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(
    /// The milliseconds.
    pub i64,
);

impl Time {
    /// Reads RFC 3339, a date and time without a zone (taken as UTC), or a date (its first
    /// moment in UTC). Fractions below a millisecond are dropped.
    pub fn parse(text: &str) -> Option<Time> {
        let timestamp = text.parse::<Timestamp>().ok().or_else(|| {
            let local = text.parse::<civil::DateTime>().ok()?;
            local.to_zoned(TimeZone::UTC).ok().map(|z| z.timestamp())
        })?;
        Some(Time(timestamp.as_millisecond()))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_millisecond(self.0) {
            Ok(timestamp) => timestamp.fmt(f),
            Err(_) => self.0.fmt(f),
        }
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match Timestamp::from_millisecond(self.0) {
            Ok(timestamp) => to.collect_str(&timestamp),
            Err(_) => to.serialize_i64(self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Time;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "an RFC 3339 time such as \"2025-01-31T12:00:00Z\", or milliseconds since 1970",
                )
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Time, E> {
                Time::parse(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
            fn visit_i64<E: de::Error>(self, ms: i64) -> Result<Time, E> {
                Ok(Time(ms))
            }
            fn visit_u64<E: de::Error>(self, ms: u64) -> Result<Time, E> {
                i64::try_from(ms)
                    .map(Time)
                    .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(ms), &self))
            }
        }
        from.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_json(json: &str) -> Result<Time, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn every_accepted_form_is_the_same_moment() {
        let noon = 1_738_324_800_000;
        for json in [
            "\"2025-01-31T12:00:00Z\"",
            "\"2025-01-31T13:00:00+01:00\"",
            "\"2025-01-31T12:00:00.0009Z\"",
            "\"2025-01-31T12:00:00\"",
            "\"2025-01-31 12:00:00\"",
            "1738324800000",
        ] {
            assert_eq!(from_json(json).unwrap(), Time(noon), "{json}");
        }
        assert_eq!(from_json("\"2025-01-31\"").unwrap(), Time(noon - 12 * 3_600_000));
    }

    #[test]
    fn what_is_no_time_is_refused_with_an_example() {
        for json in ["\"yesterday\"", "\"2025-13-01\"", "true", "1.5", "18446744073709551615"] {
            let message = from_json(json).unwrap_err().to_string();
            assert!(message.contains("RFC 3339"), "{json}: {message}");
        }
    }

    #[test]
    fn what_is_printed_reads_back() {
        for ms in [0, -1, 1_738_324_800_123, i64::MIN, i64::MAX] {
            let json = serde_json::to_string(&Time(ms)).unwrap();
            assert_eq!(from_json(&json).unwrap(), Time(ms), "{json}");
        }
    }
}
