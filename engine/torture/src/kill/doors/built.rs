//! What cargo makes of the packages of the doors, beside this program.
//!
//! **Invariant:** where cargo runs this program, it has made what is found here of the same sources first.

use crate::kill::Outcome;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file that a package is built into.
///
/// # Errors
/// If there is none, with the command that makes it.
pub(super) fn beside(package: &str, name: &str) -> Outcome<PathBuf> {
    let this = env::current_exe().map_err(|e| format!("where am I? {e}"))?;
    let folder = this.parent().unwrap_or(Path::new("."));
    let file = folder.join(name);
    let profile = folder.file_name().and_then(|name| name.to_str()).unwrap_or("debug");
    let profile = if profile == "debug" { "dev" } else { profile };
    let build = ["build", "--quiet", "--package", package, "--profile", profile];
    let of_cargo = (env::var_os("CARGO"), env::var_os("CARGO_MANIFEST_DIR"), folder.parent());
    if let (Some(cargo), Some(sources), Some(target)) = of_cargo {
        let mut cargo = Command::new(cargo);
        cargo.args(build).arg("--target-dir").arg(target).current_dir(sources);
        if !cargo.status().is_ok_and(|status| status.success()) {
            return Err(format!("{package}, which is to be killed, could not be built"));
        }
    }
    if file.is_file() {
        return Ok(file);
    }
    Err(format!("there is no {}; make it with: cargo {}", file.display(), build.join(" ")))
}
