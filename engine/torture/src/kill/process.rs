//! A process at work, what it says, and its end.
//!
//! **Invariant:** a process is waited for, whatever happens, and one that takes too long is killed.
//! That it was killed is what the system says of its end, not what was intended: a kill that came
//! too late is none.

use super::Outcome;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

/// No process takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_mins(2);
/// The signal that [`Child::kill`] sends.
const SIGKILL: i32 = 9;

/// A process that may not have ended.
pub(super) struct Running {
    child: Child,
    started: Instant,
    incoming: Receiver<Line>,
    said: Vec<Line>,
    complaints: PathBuf,
}

/// A whole line on stdout.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// When it was heard.
    pub(super) at: Instant,
    pub(super) text: String,
}

/// A process that has ended, killed or in good order.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) started: Instant,
    pub(super) said: Vec<Line>,
    /// When it was killed, or was seen to have ended.
    pub(super) at: Instant,
    pub(super) was_killed: bool,
}

impl Ended {
    /// How long it ran.
    pub(super) fn ran(&self) -> Duration {
        self.at - self.started
    }
}

impl Running {
    /// Starts a process; what it writes to stderr goes to the file `complaints`.
    pub(super) fn start(command: &mut Command, complaints: PathBuf) -> Outcome<Running> {
        // What stands in the environment of whoever runs this is not meant for it.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("MEMLITH_") {
                command.env_remove(name);
            }
        }
        // Who waits for another process waits as long as that may take.
        command.env("MEMLITH_BUSY_TIMEOUT", PATIENCE.as_millis().to_string());
        let stderr = File::create(&complaints).map_err(|e| format!("creating a file: {e}"))?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr);
        let started = Instant::now();
        let mut child = command.spawn().map_err(|e| format!("starting a process: {e}"))?;
        let (sender, incoming) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            thread::spawn(move || listen(stdout, &sender));
        }
        Ok(Running { child, started, incoming, said: Vec::new(), complaints })
    }

    /// Since it was started.
    pub(super) fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// Waits for a line that is wanted. `false` if it ends, or takes too long, without one.
    pub(super) fn hears(&mut self, mut is_wanted: impl FnMut(&Line) -> bool) -> bool {
        while let Some(line) = self.next_line() {
            let is_found = is_wanted(&line);
            self.said.push(line);
            if is_found {
                return true;
            }
        }
        false
    }

    /// `None` if stdout was closed, which its end does, or it takes too long.
    fn next_line(&mut self) -> Option<Line> {
        self.incoming.recv_timeout(PATIENCE.checked_sub(self.age())?).ok()
    }

    /// Kills it, and waits for its end.
    ///
    /// # Errors
    /// If it had failed by itself, or hung.
    pub(super) fn kill(mut self) -> Outcome<Ended> {
        let is_hung = self.age() >= PATIENCE;
        self.child.kill().map_err(|e| format!("killing a process: {e}"))?;
        let ended = self.end(Instant::now())?;
        if is_hung { Err("a process hung".into()) } else { Ok(ended) }
    }

    /// Waits until it ends in good order.
    ///
    /// # Errors
    /// If it fails, or hangs.
    pub(super) fn finish(mut self) -> Outcome<Ended> {
        self.hears(|_| false);
        if self.age() >= PATIENCE {
            return self.kill();
        }
        let ended = self.end(Instant::now())?;
        if ended.was_killed { Err("a process was killed by another".into()) } else { Ok(ended) }
    }

    fn end(&mut self, at: Instant) -> Outcome<Ended> {
        let status = self.child.wait().map_err(|e| format!("waiting for a process: {e}"))?;
        self.hears(|_| false);
        let was_killed = status.signal() == Some(SIGKILL);
        if !was_killed && !status.success() {
            let complaints = fs::read_to_string(&self.complaints).unwrap_or_default();
            return Err(format!("a process failed ({status}): {}", complaints.trim()));
        }
        Ok(Ended { started: self.started, said: std::mem::take(&mut self.said), at, was_killed })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Neither does anything to a process that was waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Passes lines on. One without an end was not said: it was cut off.
fn listen(stdout: impl Read, sender: &Sender<Line>) {
    let mut stdout = BufReader::new(stdout);
    let mut text = String::new();
    while stdout.read_line(&mut text).is_ok_and(|_| text.ends_with('\n')) {
        let line = Line { at: Instant::now(), text: text.trim_end().to_owned() };
        if sender.send(line).is_err() {
            return;
        }
        text.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> (tempfile::TempDir, Running) {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let running = Running::start(&mut command, folder.path().join("stderr")).unwrap();
        (folder, running)
    }

    fn texts(ended: &Ended) -> Vec<&str> {
        ended.said.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn a_process_is_killed_and_what_it_said_before_is_known() {
        let (_folder, mut running) =
            shell("echo one; echo two; echo half | tr -d '\\n'; exec sleep 100");
        assert!(running.hears(|line| line.text == "two"));
        let ended = running.kill().unwrap();
        assert!(ended.was_killed);
        assert_eq!(texts(&ended), ["one", "two"]);
    }

    #[test]
    fn a_kill_that_comes_too_late_is_none() {
        let (_folder, mut running) = shell("echo one");
        assert!(!running.hears(|line| line.text == "two"));
        // Its stdout is closed at its end, but it may not have ended yet.
        running.child.wait().unwrap();
        assert!(!running.end(Instant::now()).unwrap().was_killed);
    }

    #[test]
    fn a_process_that_fails_says_why() {
        let (_folder, running) = shell("echo because >&2; exit 3");
        let why = running.finish().unwrap_err();
        assert!(why.contains("exit status: 3") && why.contains("because"), "{why}");
    }
}
