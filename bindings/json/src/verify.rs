//! What verifying a file found as an object.

use memlith::VerifyReport;
use serde::Serialize;
use serde_json::{Map, Value};

/// A file that has been checked: `{"clean", "checked": {…}, "problems": […], "notes", "seconds"}`.
#[derive(Serialize)]
pub struct VerifyJson<'a> {
    clean: bool,
    checked: Map<String, Value>,
    problems: Vec<ProblemJson<'a>>,
    notes: &'a [&'static str],
    seconds: f64,
}

#[derive(Serialize)]
struct ProblemJson<'a> {
    place: &'a str,
    what: &'a str,
}

impl<'a> VerifyJson<'a> {
    /// Of this report, which took so long.
    pub fn new(report: &'a VerifyReport, seconds: f64) -> Self {
        let problems = report.problems.iter();
        VerifyJson {
            clean: report.is_clean(),
            checked: report.checked.iter().map(|(n, c)| (n.to_string(), (*c).into())).collect(),
            problems: problems.map(|p| ProblemJson { place: &p.place, what: &p.what }).collect(),
            notes: &report.notes,
            seconds,
        }
    }
}
