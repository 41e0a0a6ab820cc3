//! The process of a contender, as the driver sees it.

use crate::Failure;
use crate::args::Vectors;
use crate::contender::Home;
use crate::protocol::{Cost, Ready, Reply, Request, Search, Searched};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The rivals in Python, which run from the folder of the run.
const RIVALS: &str = include_str!("../rivals.py");

/// A running contender. It ends when this is dropped.
pub(crate) struct Worker {
    pub(crate) name: &'static str,
    pub(crate) ready: Ready,
    child: Child,
    requests: Option<ChildStdin>,
    replies: BufReader<ChildStdout>,
}

/// The files of a run, which its processes read.
pub(crate) struct Stage {
    folder: tempfile::TempDir,
    python: Option<PathBuf>,
    started: usize,
}

impl Stage {
    pub(crate) fn new(args: &Vectors) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("rivals.py"), RIVALS)?;
        // `setup` makes it beside the folder of the profile that this program was built with.
        let made = || {
            let program = std::env::current_exe().ok()?;
            Some(program.parent()?.parent()?.join("rivals/bin/python"))
        };
        let python = args.python.clone().or_else(made).filter(|python| python.exists());
        Ok(Self { folder, python, started: 0 })
    }

    pub(crate) fn has_python(&self) -> bool {
        self.python.is_some()
    }

    /// Where a file of this name lies.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts a contender on vectors and queries that were written as `vectors.npy` and
    /// `queries.npy`.
    pub(crate) fn start(
        &mut self,
        name: &'static str,
        home: Home,
        args: &Vectors,
    ) -> Result<Worker, Failure> {
        let own = self.file(&format!("own-{}", self.started));
        fs::create_dir(&own)?;
        self.started += 1;
        let mut command = match home {
            Home::Rust(_) => {
                let mut command = Command::new(std::env::current_exe()?);
                command.arg("serve");
                command
            }
            Home::Python => {
                let python = self.python.as_ref().ok_or("Python was not set up")?;
                let mut command = Command::new(python);
                command.arg(self.file("rivals.py"));
                command
            }
        };
        let pair = |name: &str, value: &Path| [name.into(), value.to_path_buf().into_os_string()];
        command
            .args(pair("--contender", Path::new(name)))
            .args(pair("--vectors", &self.file("vectors.npy")))
            .args(pair("--queries", &self.file("queries.npy")))
            .args(pair("--folder", &own))
            .args(["--k", &args.source.k.to_string(), "--m", &args.m.to_string()])
            .args(["--ef-construction", &args.ef_construction.to_string()])
            .args(["--threads", &args.threads.to_string()]);
        // Pools of threads that a rival makes by itself: to build, one, as all others have.
        let threads = args.threads.to_string();
        command.env("RAYON_NUM_THREADS", "1").env("OMP_NUM_THREADS", &threads);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let requests = child.stdin.take();
        let replies = BufReader::new(child.stdout.take().ok_or("the process has no output")?);
        let ready = Ready::default();
        let mut worker = Worker { name, ready, child, requests, replies };
        match worker.reply()? {
            Reply::Ready(ready) => worker.ready = ready,
            _ => return Err(format!("{name} did not say that it is ready").into()),
        }
        Ok(worker)
    }
}

impl Worker {
    fn reply(&mut self) -> Result<Reply, Failure> {
        let mut line = String::new();
        loop {
            line.clear();
            if self.replies.read_line(&mut line)? == 0 {
                return Err(format!("the process of {} ended", self.name).into());
            }
            // Some libraries print what they do.
            if line.starts_with("{\"reply\"") {
                break;
            }
        }
        match serde_json::from_str(&line)? {
            Reply::Failed { message } => Err(format!("{}: {message}", self.name).into()),
            reply => Ok(reply),
        }
    }

    fn ask(&mut self, request: &Request) -> Result<Reply, Failure> {
        let requests = self.requests.as_mut().ok_or("the process has no input")?;
        writeln!(requests, "{}", serde_json::to_string(request)?)?;
        requests.flush()?;
        self.reply()
    }

    fn cost(&mut self, request: &Request) -> Result<Cost, Failure> {
        match self.ask(request)? {
            Reply::Built(cost) | Reply::Changed(cost) => Ok(cost),
            _ => Err(format!("{} answered something else", self.name).into()),
        }
    }

    pub(crate) fn build(&mut self, count: usize) -> Result<Cost, Failure> {
        self.cost(&Request::Build { count })
    }

    pub(crate) fn remove(&mut self, ids: Vec<u32>) -> Result<Cost, Failure> {
        self.cost(&Request::Remove { ids })
    }

    pub(crate) fn insert(&mut self, ids: Vec<u32>, rows: Vec<u32>) -> Result<Cost, Failure> {
        self.cost(&Request::Insert { ids, rows })
    }

    pub(crate) fn search(&mut self, search: Search) -> Result<Searched, Failure> {
        match self.ask(&Request::Search(search))? {
            Reply::Searched(searched) => Ok(searched),
            _ => Err(format!("{} answered something else", self.name).into()),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // The end of its input ends it; whoever does not listen is ended.
        self.requests = None;
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}
