//! The Python door: a driver in Python.

use super::scripted::Scripted;
use std::env;
use std::path::{Path, PathBuf};

/// Names the interpreter that has the package: `scripts/python-test` makes one, in `target/python`.
const VARIABLE: &str = "MEMLITH_PYTHON";

/// The package, if there is an interpreter that has it.
pub(super) fn python() -> Option<Scripted> {
    let program = PathBuf::from(env::var_os(VARIABLE)?);
    let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/kill/doors/driver.py");
    Some(Scripted { name: "Python", program, arguments: vec![driver.display().to_string()] })
}
