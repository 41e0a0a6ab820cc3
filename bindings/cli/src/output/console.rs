//! Where a command speaks: answers on stdout, remarks on stderr.
//!
//! **Invariant:** stdout carries the answer and nothing else; with `--json` each of its lines is
//! one JSON value, and so is each line on stderr.

use super::failure::{Failure, Outcome, coloured};
use serde::Serialize;
use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Write};

/// The two streams of a command, and how the user wants to be spoken to.
pub(crate) struct Console {
    out: BufWriter<Box<dyn Write>>,
    json: bool,
    is_silent: bool,
}

impl Console {
    /// Speaks JSON, or to people.
    pub(crate) fn new(json: bool) -> Self {
        let out = BufWriter::with_capacity(64 << 10, Box::new(io::stdout()) as Box<dyn Write>);
        Console { out, json, is_silent: false }
    }

    /// Keeps answers and remarks to itself.
    pub(crate) fn silent() -> Self {
        Console { out: BufWriter::new(Box::new(io::sink())), json: true, is_silent: true }
    }

    /// Is the answer to be JSON?
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Writes one line of JSON.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Outcome {
        write_json_line(&mut self.out, value).map_err(Failure::Output)
    }

    /// Writes one line for people.
    pub(crate) fn line(&mut self, text: impl Display) -> Outcome {
        writeln!(self.out, "{text}").map_err(Failure::Output)
    }

    /// Writes the answer in the one form or the other.
    pub(crate) fn answer(&mut self, json: &impl Serialize, people: impl Display) -> Outcome {
        if self.json { self.json(json) } else { self.line(people) }
    }

    /// The stream itself, for what is written in bulk.
    pub(crate) fn out(&mut self) -> &mut impl Write {
        &mut self.out
    }

    /// Sends out what was written so far.
    pub(crate) fn flush(&mut self) -> Outcome {
        self.out.flush().map_err(Failure::Output)
    }

    /// A remark that is neither answer nor error: on stderr, as `{"warning": …}` with `--json`.
    pub(crate) fn warn(&self, json: &impl Serialize, people: impl Display) {
        #[derive(Serialize)]
        struct Envelope<'a, T> {
            warning: &'a T,
        }
        if self.is_silent {
            return;
        }
        let mut err = io::stderr().lock();
        let _ = if self.json {
            write_json_line(&mut err, &Envelope { warning: json })
        } else if coloured(err.is_terminal()) {
            writeln!(err, "\x1b[33mwarning:\x1b[0m {people}")
        } else {
            writeln!(err, "warning: {people}")
        };
    }
}

/// One JSON value and a line feed.
pub(crate) fn write_json_line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
