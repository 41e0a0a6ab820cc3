//! The rivals that come as Python packages: a process of `rivals.py` each, over lines of JSON.

use super::{Contender, Loaded};
use crate::Failure;
use crate::args::script;
use crate::data::{FOLLOWED, Input, MIN_WEIGHT};
use crate::task::{Asked, Measured, Task};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Those that `rivals.py` knows.
pub(crate) const NAMES: [&str; 4] = ["igraph", "networkx", "ladybug", "kuzu"];

/// See the module.
pub(crate) struct Script {
    name: &'static str,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

#[derive(Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
enum Reply {
    Loaded { wall_s: f64, cpu_s: f64 },
    Measured(Measured),
    Cannot,
    Failed { message: String },
}

impl Script {
    /// Starts those that are chosen.
    pub(crate) fn all(
        python: &Path,
        graph: &Path,
        folder: &Path,
        is_chosen: impl Fn(&str) -> bool,
    ) -> Result<Vec<Self>, Failure> {
        NAMES
            .into_iter()
            .filter(|name| is_chosen(name))
            .map(|name| Self::start(name, python, graph, folder))
            .collect()
    }

    fn start(
        name: &'static str,
        python: &Path,
        graph: &Path,
        folder: &Path,
    ) -> Result<Self, Failure> {
        let mut child = Command::new(python)
            .arg(script("rivals.py"))
            .args([name.as_ref(), graph, folder])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("a process without input or output".into());
        };
        Ok(Self { name, child, input, output: BufReader::new(output) })
    }

    fn ask(&mut self, request: &Value) -> Result<Reply, Failure> {
        writeln!(self.input, "{request}")?;
        self.input.flush()?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        match serde_json::from_str(&line) {
            Ok(Reply::Failed { message }) => Err(format!("{}: {message}", self.name).into()),
            Ok(reply) => Ok(reply),
            Err(_) => Err(format!("{} ended, or answered: {line}", self.name).into()),
        }
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // It waits for requests: nothing is lost.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Contender for Script {
    fn name(&self) -> &str {
        self.name
    }

    fn load(&mut self, _: &Input) -> Result<Loaded, Failure> {
        let request = json!({"op": "load", "followed": FOLLOWED, "min_weight": MIN_WEIGHT});
        let Reply::Loaded { wall_s, cpu_s } = self.ask(&request)? else {
            return Err(format!("{} did not load", self.name).into());
        };
        let is_file = matches!(self.name, "ladybug" | "kuzu");
        Ok(Loaded { wall_s, cpu_s, lies: if is_file { "file, durable" } else { "memory" } })
    }

    fn run(&mut self, task: Task, asked: &Asked<'_>) -> Result<Option<Measured>, Failure> {
        let request = json!({
            "op": task,
            "pairs": if task.is_query() { asked.pairs } else { &[] },
            "at_most_s": asked.at_most_s,
            "seed": asked.seed,
            "leiden_rounds": asked.leiden_rounds,
        });
        match self.ask(&request)? {
            Reply::Measured(measured) => Ok(Some(measured)),
            _ => Ok(None),
        }
    }
}
