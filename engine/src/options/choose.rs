//! Who decides about a setting: the program, the environment, or the default.
//!
//! **Invariant:** each setting is noted once, with who decided; a variable that does not parse is an error, never
//! passed over.

use crate::{Error, Result};
use std::time::Duration;

/// Where the value of a setting came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// The environment.
    Environment,
    /// The program that opened the file.
    Caller,
}

impl Origin {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Origin::Default => "default",
            Origin::Environment => "environment",
            Origin::Caller => "caller",
        }
    }
}

/// One setting in force: what it is, and who said so.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setting {
    /// Its name; upper-cased behind `MEMLITH_` it is the variable of the environment.
    pub name: &'static str,
    /// Its value, in the form that the environment takes.
    pub value: String,
    /// Who said so.
    pub origin: Origin,
}

/// Settles settings one after the other.
pub(super) struct Chooser<'a> {
    /// A variable of the environment.
    pub(super) variable: &'a dyn Fn(&str) -> Option<String>,
    /// Those that are settled.
    pub(super) all: &'a mut Vec<Setting>,
}

impl Chooser<'_> {
    pub(super) fn pick<T: Clone>(
        &mut self,
        name: &'static str,
        given: Option<T>,
        default: T,
        parse: impl Fn(&str) -> Option<T>,
        show: impl Fn(&T) -> String,
    ) -> Result<T> {
        let from_environment = || {
            let text = (self.variable)(&format!("MEMLITH_{}", name.to_uppercase()));
            text.map(|t| {
                parse(&t).ok_or_else(|| {
                    Error::invalid(name, "the MEMLITH_ variable of this setting does not parse")
                })
            })
            .transpose()
        };
        let (value, origin) = match given {
            Some(value) => (value, Origin::Caller),
            None => match from_environment()? {
                Some(value) => (value, Origin::Environment),
                None => (default, Origin::Default),
            },
        };
        self.all.push(Setting { name, value: show(&value), origin });
        Ok(value)
    }

    pub(super) fn number(
        &mut self,
        name: &'static str,
        given: Option<u64>,
        default: u64,
    ) -> Result<u64> {
        self.pick(name, given, default, |text| text.parse().ok(), u64::to_string)
    }

    pub(super) fn size(
        &mut self,
        name: &'static str,
        given: Option<usize>,
        default: usize,
    ) -> Result<usize> {
        self.pick(name, given, default, |text| text.parse().ok(), usize::to_string)
    }

    pub(super) fn millis(
        &mut self,
        name: &'static str,
        given: Option<Duration>,
        default: Duration,
    ) -> Result<Duration> {
        let parse = |text: &str| text.parse().ok().map(Duration::from_millis);
        self.pick(name, given, default, parse, |duration| duration.as_millis().to_string())
    }

    pub(super) fn switch(
        &mut self,
        name: &'static str,
        given: Option<bool>,
        default: bool,
    ) -> Result<bool> {
        let parse = |text: &str| match text {
            "on" | "true" | "1" => Some(true),
            "off" | "false" | "0" => Some(false),
            _ => None,
        };
        self.pick(name, given, default, parse, |on| if *on { "on".into() } else { "off".into() })
    }
}
