//! How a command fails: what is said, and with which exit code.
//!
//! **Invariant:** the exit codes are 0 done, 1 failed, 2 usage, 3 not found, 4 busy, 5 damaged,
//! 6 incomplete, and a kind never moves from one to another. Every command returns a [`Failure`];
//! only `main` prints it.

use memlith::ErrorKind;
use memlith_json::kind_name;
use serde::Serialize;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// Why a command did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The library refused or failed.
    #[error(transparent)]
    Engine(#[from] memlith::Error),
    /// The file could not be opened.
    #[error("{}: {source}", file.display())]
    Open { file: PathBuf, source: memlith::Error },
    /// The arguments make no sense together, or a value does not parse.
    #[error("{0}")]
    Usage(String),
    /// A file or a memory that was named is not there.
    #[error("{0}")]
    NotFound(String),
    /// An input breaks its format.
    #[error("{0}")]
    Input(String),
    /// The file was read, and what it holds is not what its checksums promise.
    #[error("{0}")]
    Damaged(String),
    /// It is done, and something that should be in the result is missing.
    #[error("{0}")]
    Incomplete(String),
    /// Reading or writing a file that is not the store.
    #[error("{doing}: {source}")]
    Io { doing: String, source: io::Error },
    /// Writing the answer.
    #[error("writing the output: {0}")]
    Output(io::Error),
}

/// The result of a command.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

#[derive(Serialize)]
struct Envelope<'a> {
    error: Body<'a>,
}

#[derive(Serialize)]
struct Body<'a> {
    kind: &'a str,
    message: &'a str,
}

impl Failure {
    /// An I/O failure on a file that the user named.
    pub(crate) fn io(doing: &str, path: &Path, source: io::Error) -> Self {
        let doing = format!("{doing} {}", path.display());
        match source.kind() {
            io::ErrorKind::NotFound => Failure::NotFound(format!("{doing}: no such file")),
            _ => Failure::Io { doing, source },
        }
    }

    /// The reader of our output went away: nothing is wrong, there is just nobody to talk to.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Failure::Output(e) if e.kind() == io::ErrorKind::BrokenPipe)
    }

    /// The exit code of the process.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Failure::Usage(_) => 2,
            Failure::NotFound(_) => 3,
            Failure::Damaged(_) => 5,
            Failure::Incomplete(_) => 6,
            Failure::Input(_) | Failure::Io { .. } | Failure::Output(_) => 1,
            Failure::Engine(e) | Failure::Open { source: e, .. } => match e.kind() {
                ErrorKind::FilterSyntax => 2,
                ErrorKind::NotFound => 3,
                ErrorKind::InUse | ErrorKind::Busy => 4,
                ErrorKind::Corruption => 5,
                _ => 1,
            },
        }
    }

    /// The word for programs: the kind of the library's error in snake case, or one of ours.
    pub(crate) fn kind(&self) -> String {
        match self {
            Failure::Engine(e) | Failure::Open { source: e, .. } => kind_name(e.kind()),
            Failure::Usage(_) => "usage".into(),
            Failure::NotFound(_) => "not_found".into(),
            Failure::Input(_) => "invalid_input".into(),
            Failure::Damaged(_) => "corruption".into(),
            Failure::Incomplete(_) => "incomplete".into(),
            Failure::Io { .. } | Failure::Output(_) => "io".into(),
        }
    }

    /// Says it on stderr, for people or as one JSON line.
    pub(crate) fn report(&self, json: bool) {
        report(&self.kind(), &self.to_string(), json);
    }
}

/// Says an error on stderr, for people or as one JSON line. That stderr itself fails is ignored:
/// there is nowhere left to say so.
pub(crate) fn report(kind: &str, message: &str, json: bool) {
    let mut err = io::stderr().lock();
    let _ = if json {
        let line = serde_json::to_string(&Envelope { error: Body { kind, message } });
        writeln!(err, "{}", line.unwrap_or_default())
    } else if coloured(err.is_terminal()) {
        writeln!(err, "\x1b[1;31merror:\x1b[0m {message}")
    } else {
        writeln!(err, "error: {message}")
    };
}

/// May colours be used on a stream that is, or is not, a terminal?
pub(crate) fn coloured(is_terminal: bool) -> bool {
    is_terminal
        && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
        && std::env::var_os("TERM").is_none_or(|v| v != "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_input_is_not_found_and_any_other_failure_of_it_is_not() {
        let missing = Failure::io("opening", Path::new("a"), io::ErrorKind::NotFound.into());
        assert_eq!((missing.exit_code(), missing.kind().as_str()), (3, "not_found"));
        let denied = Failure::io("opening", Path::new("a"), io::ErrorKind::PermissionDenied.into());
        assert_eq!((denied.exit_code(), denied.kind().as_str()), (1, "io"));
    }

    #[test]
    fn only_a_lost_reader_of_the_output_is_quiet() {
        assert!(Failure::Output(io::ErrorKind::BrokenPipe.into()).is_broken_pipe());
        assert!(!Failure::Output(io::ErrorKind::StorageFull.into()).is_broken_pipe());
        let input = Failure::io("reading", Path::new("a"), io::ErrorKind::BrokenPipe.into());
        assert!(!input.is_broken_pipe());
    }
}
