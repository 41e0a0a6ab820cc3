//! The C door: a driver in C, linked with the static library.

use super::scripted::Scripted;
use crate::kill::Outcome;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const DRIVER: &str = include_str!("driver.c");
/// What the library wants of the system beyond C.
const SYSTEM: [&str; 4] = ["-lpthread", "-ldl", "-lm", "-lgcc_s"];

/// The library, through its header.
///
/// # Errors
/// If the library is missing, or the C compiler fails (`cc`, or what `CC` says).
pub(super) fn c() -> Outcome<Scripted> {
    static PROGRAM: OnceLock<Outcome<PathBuf>> = OnceLock::new();
    let program = PROGRAM.get_or_init(compile).clone()?;
    Ok(Scripted { name: "C", program, arguments: Vec::new() })
}

fn compile() -> Outcome<PathBuf> {
    let library = super::built::beside("memlith-capi", "libmemlith_capi.a")?;
    let folder = library.parent().unwrap_or(Path::new("."));
    let header = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bindings/c/include");
    // Under a name of this process until it is whole: several may be at it.
    let program = folder.join("memlith-c-driver");
    let part = folder.join(format!("memlith-c-driver-{}", std::process::id()));
    let source = part.with_extension("c");
    fs::write(&source, DRIVER).map_err(|e| format!("writing the driver: {e}"))?;
    let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
    let mut command = Command::new(compiler);
    command.args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-I"]).arg(header);
    command.arg(&source).arg(&library).args(SYSTEM).arg("-o").arg(&part);
    let done = command.output().map_err(|e| format!("no C compiler: {e}"))?;
    let _ = fs::remove_file(&source);
    if done.status.success() {
        fs::rename(&part, &program).map_err(|e| format!("naming the driver: {e}"))?;
        return Ok(program);
    }
    Err(format!("the driver in C: {}", String::from_utf8_lossy(&done.stderr)))
}
