//! Running the binary in a folder of its own, and making inputs for it.

use flate2::{Compression, write::GzEncoder};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder that goes away with the test.
pub(crate) struct Place(tempfile::TempDir);

/// What a run of the binary left.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    fn of(output: Output) -> Self {
        Run {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// It must have ended with this code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Each line of stdout as JSON.
    #[track_caller]
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// The only line of stdout as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let mut lines = self.lines();
        assert_eq!(lines.len(), 1, "{self:#?}");
        lines.remove(0)
    }

    /// The error that stands on the last line of stderr.
    #[track_caller]
    pub(crate) fn error(&self) -> (String, String) {
        let line = self.err.lines().last().expect("a line on stderr");
        let error: Value = serde_json::from_str(line).expect(line);
        let of = |key| error["error"][key].as_str().expect("a string").to_owned();
        (of("kind"), of("message"))
    }
}

impl Place {
    pub(crate) fn new() -> Self {
        Place(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Names of all files in the folder.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn write_lines(&self, name: &str, lines: &[Value]) {
        self.write(name, jsonl(lines));
    }

    /// A command that will run in the folder.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_memlith"));
        command.args(args).current_dir(self.0.path()).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("MEMLITH_") {
                command.env_remove(name);
            }
        }
        command.env("MEMLITH_BUSY_TIMEOUT", "100");
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Run {
        Run::of(self.command(args).output().unwrap())
    }

    pub(crate) fn run_with(&self, args: &[&str], stdin: impl AsRef<[u8]>) -> Run {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // The child may end without reading all of it.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_ref());
        Run::of(child.wait_with_output().unwrap())
    }

    /// Runs an import with `--json` and gives its summary.
    #[track_caller]
    pub(crate) fn import(&self, args: &[&str]) -> Value {
        let run = self.run(&[&["import", "t.lith", "--json"], args].concat()).exits(0);
        run.lines().pop().expect("a summary")
    }

    /// Ids of all memories, oldest first.
    #[track_caller]
    pub(crate) fn ids(&self) -> Vec<String> {
        let args = ["list", "t.lith", "--all", "--order", "oldest", "--json"];
        let lines = self.run(&args).exits(0).lines();
        lines.iter().map(|line| line["id"].as_str().unwrap().to_owned()).collect()
    }
}

pub(crate) fn jsonl(lines: &[Value]) -> String {
    lines.iter().flat_map(|line| [line.to_string(), "\n".to_owned()]).collect()
}

pub(crate) fn gzipped(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes.as_ref()).unwrap();
    encoder.finish().unwrap()
}

/// A matrix as `numpy` writes it; `descr` is `<f2` or `<f4`.
pub(crate) fn npy(descr: &str, rows: &[Vec<f32>]) -> Vec<u8> {
    let shape = format!("({}, {})", rows.len(), rows.first().map_or(0, Vec::len));
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    for value in rows.iter().flatten() {
        match descr {
            "<f2" => bytes.extend(half::f16::from_f32(*value).to_le_bytes()),
            "<f4" => bytes.extend(value.to_le_bytes()),
            _ => panic!("no such type"),
        }
    }
    bytes
}

/// Rows that differ from each other, the same every time. Halves of whole numbers are exact in
/// either width.
pub(crate) fn vectors(count: usize, dimensions: usize) -> Vec<Vec<f32>> {
    let mut state = 12_345_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from((state >> 24) as u8) / 2.0 - 63.75
    };
    (0..count).map(|_| (0..dimensions).map(|_| next()).collect()).collect()
}

#[cfg(unix)]
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
