//! Many questions, one line of JSON for each.
//!
//! **Invariant:** as many lines come out as questions went in, in the same order; a question that
//! could not be answered has its error in its line.

use super::Mode;
use crate::args::parse_filter;
use crate::input::{Line, Lines, Matrix, Query};
use crate::output::{Console, Failure, Outcome, shown_id, write_json_line};
use memlith::{Recall, View};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A file of questions, with their vectors if these stand in a file of their own.
pub(super) struct Questions {
    path: PathBuf,
    lines: Lines,
    vectors: Option<(PathBuf, Matrix)>,
    mode: Option<Mode>,
}

/// A line, and the row that belongs to it.
struct Question {
    query: Query,
    vector: Option<Vec<f32>>,
}

#[derive(serde::Serialize)]
struct AnswerJson {
    ids: Vec<String>,
    scores: Vec<f32>,
    us: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorJson>,
}

#[derive(serde::Serialize)]
struct ErrorJson {
    kind: String,
    message: String,
}

impl AnswerJson {
    fn failed(failure: &Failure) -> Self {
        let error = ErrorJson { kind: failure.kind(), message: failure.to_string() };
        AnswerJson { ids: Vec::new(), scores: Vec::new(), us: 0, error: Some(error) }
    }
}

impl Questions {
    pub(super) fn open(path: &Path, vectors: Option<&Path>, mode: Option<Mode>) -> Outcome<Self> {
        let lines = Lines::open(path).map_err(|e| Failure::io("opening", path, e))?;
        let vectors = match vectors {
            Some(path) => Some((path.to_owned(), crate::commands::import::open_vectors(path)?)),
            None => None,
        };
        Ok(Questions { path: path.to_owned(), lines, vectors, mode })
    }

    /// Answers all of them.
    ///
    /// # Errors
    /// The first question that could not be answered, after all others were.
    pub(super) fn answer(
        mut self,
        view: &View,
        template: &Recall,
        console: &mut Console,
    ) -> Outcome {
        let mut first_failure = None;
        while let Some((number, question)) = self.next()? {
            let answer = question
                .and_then(|question| self.request(template, question))
                .and_then(|request| ask(view, &request));
            let answer = answer.unwrap_or_else(|failure| {
                let answer = AnswerJson::failed(&failure);
                first_failure.get_or_insert((number, failure));
                answer
            });
            write_json_line(console.out(), &answer).map_err(Failure::Output)?;
        }
        match first_failure {
            None => Ok(()),
            Some((_, failure @ (Failure::Engine(_) | Failure::Damaged(_)))) => Err(failure),
            Some((number, failure)) => Err(Failure::Input(format!("line {number}: {failure}"))),
        }
    }

    /// The next question with the number of its line; `None` at the end.
    fn next(&mut self) -> Outcome<Option<(u64, Outcome<Question>)>> {
        loop {
            let row = match &mut self.vectors {
                None => None,
                Some((path, rows)) => {
                    Some(rows.next_row().map_err(|e| Failure::io("reading", path, e))?)
                }
            };
            let line = self.lines.next_line();
            let query = match line.map_err(|e| Failure::io("reading", &self.path, e))? {
                None => return Ok(None),
                Some(Line::Blank) => continue,
                Some(Line::TooLong) => Err(Failure::Input("the line is too long".into())),
                Some(Line::Text(bytes)) => Query::parse(bytes).map_err(Failure::Input),
            };
            let question = match row {
                Some(None) => Err(Failure::Input("the file of vectors has no row for it".into())),
                Some(vector) => query.map(|query| Question { query, vector }),
                None => query.map(|query| Question { query, vector: None }),
            };
            return Ok(Some((self.lines.number(), question)));
        }
    }

    fn request(&self, template: &Recall, question: Question) -> Outcome<Recall> {
        let Question { mut query, vector } = question;
        let mut request = template.clone();
        let space = request.space.as_deref().unwrap_or(memlith::DEFAULT_SPACE);
        let vector = vector.or_else(|| query.take_vector(space));
        request.text = query.text.filter(|_| self.mode != Some(Mode::Vector));
        request.vector = vector.filter(|_| self.mode != Some(Mode::Text));
        request.namespace = query.namespace.or(request.namespace);
        if let Some(filter) = &query.filter {
            request.filter = Some(parse_filter(filter)?);
        }
        let (has_text, has_vector) = (request.text.is_some(), request.vector.is_some());
        let missing = match self.mode {
            Some(Mode::Text | Mode::Hybrid) if !has_text => "it has no \"text\"",
            Some(Mode::Vector | Mode::Hybrid) if !has_vector => {
                "it has no vector: give --vectors, or an \"embedding\" in the line"
            }
            None if !has_text && !has_vector && request.filter.is_none() => {
                "it has no \"text\", no vector and no \"filter\""
            }
            _ => return Ok(request),
        };
        Err(Failure::Input(missing.into()))
    }
}

fn ask(view: &View, request: &Recall) -> Outcome<AnswerJson> {
    let started = Instant::now();
    let recalled = view.recall(request)?;
    let us = started.elapsed().as_micros() as u64;
    Ok(AnswerJson {
        ids: recalled.hits.iter().map(|hit| shown_id(&hit.memory)).collect(),
        scores: recalled.hits.iter().map(|hit| hit.score).collect(),
        us,
        error: None,
    })
}
