//! Seeds, as one writes them.

use std::fmt::{self, Display};
use std::ops::Range;
use std::str::FromStr;

/// A range of seeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seeds(pub(crate) Range<u64>);

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse::<u64>().ok();
        let range = match text.split_once("..") {
            Some((from, to)) => number(from).zip(number(to)).map(|(from, to)| from..to),
            None => number(text).and_then(|seed| Some(seed..seed.checked_add(1)?)),
        };
        let is_some = |range: &Range<u64>| !range.is_empty();
        let wanted = || "expected a seed, or a range such as 100..200".to_owned();
        range.filter(is_some).map(Seeds).ok_or_else(wanted)
    }
}

impl Display for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.end - self.0.start == 1 {
            write!(f, "{}", self.0.start)
        } else {
            write!(f, "{}..{}", self.0.start, self.0.end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_one_or_a_range() {
        assert_eq!("17".parse(), Ok(Seeds(17..18)));
        assert_eq!("17..20".parse(), Ok(Seeds(17..20)));
        for wrong in ["", "x", "3..3", "5..4", "-1", "18446744073709551615", "1..2..3"] {
            assert!(wrong.parse::<Seeds>().is_err(), "{wrong}");
        }
        for text in ["17", "17..20"] {
            assert_eq!(text.parse::<Seeds>().map(|s| s.to_string()), Ok(text.to_owned()));
        }
    }
}
