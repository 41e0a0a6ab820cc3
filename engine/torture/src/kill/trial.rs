//! Processes on one file, one after the other, each killed.
//!
//! **Invariant:** the ledger hears of everything that a process said before it ended, and the file is
//! checked when no process has it open. Several are killed in a row before a check, so that kills
//! fall into recoveries from earlier ones.

use super::Outcome;
use super::check::Check;
use super::doors::{Door, Job, Task};
use super::ledger::{Ledger, Process};
use super::moment::{Moment, Pace, phase};
use super::place::Place;
use super::process::{Ended, Running};
use fastrand::Rng;
use memlith::torture::Tally;
use std::collections::HashMap;
use std::thread;

/// Processes that a trial kills.
const KILLS: u64 = 10;
/// Processes that may end before they could be killed: more, and the moments are badly chosen.
const MISSES: u64 = 3 * KILLS;
/// The first kills of a trial fall on the creation of the file, or what comes just before or behind.
const EARLY: u64 = 4;
/// Processes between two checks, at most.
const IN_A_ROW: u32 = 3;

/// A file, and those who work on it.
pub(super) struct Trial<'a> {
    door: Box<dyn Door>,
    place: &'a Place,
    rng: &'a mut Rng,
    tally: &'a mut Tally,
    ledger: Ledger,
    check: Check,
    paces: HashMap<&'static str, Pace>,
    kills: u64,
    misses: u64,
    /// What happened since the last check.
    history: Vec<String>,
}

impl<'a> Trial<'a> {
    pub(super) fn new(
        door: Box<dyn Door>,
        place: &'a Place,
        rng: &'a mut Rng,
        tally: &'a mut Tally,
    ) -> Self {
        Trial {
            door,
            place,
            rng,
            tally,
            ledger: Ledger::default(),
            check: Check::default(),
            paces: HashMap::new(),
            kills: 0,
            misses: 0,
            history: Vec::new(),
        }
    }

    /// Lets every kind of process come to its end, and gives how long they take for what.
    ///
    /// # Errors
    /// In words, what does not hold.
    pub(super) fn rehearse(mut self) -> Outcome<HashMap<&'static str, Pace>> {
        for kind in self.door.kinds() {
            let ended = self.run_out(kind)?;
            self.paces.insert(kind, Pace::of(&ended));
        }
        self.check()?;
        Ok(self.paces)
    }

    /// Kills process after process.
    ///
    /// # Errors
    /// In words, what does not hold.
    pub(super) fn run(mut self, paces: HashMap<&'static str, Pace>) -> Outcome {
        self.paces = paces;
        while self.kills < KILLS && self.misses < MISSES {
            for _ in 0..self.rng.u32(1..=IN_A_ROW) {
                if self.rng.u32(..6) == 0 { self.hand_over()? } else { self.kill_one()? }
            }
            self.check()?;
        }
        while let Some(kind) = self.door.left_over() {
            self.run_out(kind)?;
        }
        let kind = self.door.any_kind(self.rng);
        self.run_out(kind)?;
        self.check()
    }

    /// A process that is killed.
    fn kill_one(&mut self) -> Outcome {
        let kind = self.door.any_kind(self.rng);
        let (mut job, process) = self.job(kind, false)?;
        let moment = self.moment(&job);
        let is_new = !self.place.file().exists();
        let mut running = self.start(&mut job, process)?;
        moment.wait(&mut running);
        let ended = running.kill().map_err(|e| self.in_context(&e))?;
        self.note(&job, &ended, Some(&moment), is_new);
        self.hear(&job, process, &ended)
    }

    /// A process is killed while another one waits for the file, or is at it: that one does what it
    /// has to do.
    fn hand_over(&mut self) -> Outcome {
        let kinds = [(); 2].map(|()| self.door.any_kind(self.rng));
        let (mut first, first_process) = self.job(kinds[0], false)?;
        let (mut second, second_process) = self.job(kinds[1], true)?;
        let moment = self.moment(&first);
        let head_start = self.paces.get(first.kind).cloned().unwrap_or_default().whole();
        let head_start = head_start.mul_f64(self.rng.f64() / 2.0);
        let is_new = !self.place.file().exists();

        let mut victim = self.start(&mut first, first_process)?;
        thread::sleep(head_start);
        let heir = self.start(&mut second, second_process)?;
        moment.wait(&mut victim);
        let killed = victim.kill().map_err(|e| self.in_context(&e))?;
        let ended = heir.finish().map_err(|e| self.in_context(&e))?;

        self.note(&first, &killed, Some(&moment), is_new);
        self.note(&second, &ended, None, is_new);
        if killed.was_killed {
            self.check.strays += usize::from(is_new);
            let heard = |text: &str| ended.said.iter().find(|l| l.text == text).map(|line| line.at);
            let has_waited = heard("begin\topen").is_some_and(|begun| begun < killed.at)
                && heard("done\topen").is_some_and(|opened| opened > killed.at);
            self.tally.add("kill -9, while another process waited", u64::from(has_waited));
        }
        self.hear(&first, first_process, &killed)?;
        self.hear(&second, second_process, &ended)
    }

    /// A process that comes to its end.
    fn run_out(&mut self, kind: &'static str) -> Outcome<Ended> {
        let (mut job, process) = self.job(kind, false)?;
        let running = self.start(&mut job, process)?;
        let ended = running.finish().map_err(|e| self.in_context(&e))?;
        self.note(&job, &ended, None, false);
        self.hear(&job, process, &ended)?;
        Ok(ended)
    }

    fn job(&mut self, kind: &'static str, beside: bool) -> Outcome<(Job, Process)> {
        let Trial { place, ledger, rng, .. } = self;
        let process = ledger.process(beside);
        let job = self.door.job(kind, Task { place, ledger, process, rng })?;
        Ok((job, process))
    }

    fn moment(&mut self, job: &Job) -> Moment {
        let pace = self.paces.entry(job.kind).or_default();
        if self.kills < EARLY { pace.early(self.rng) } else { pace.moment(self.rng) }
    }

    fn start(&mut self, job: &mut Job, process: Process) -> Outcome<Running> {
        job.silent.iter().for_each(|entry| self.ledger.begin(*entry, process));
        Running::start(&mut job.command, self.place.input(&format!("{process}.stderr")))
    }

    /// Takes in what a process said, and that it ended in good order, if it did.
    fn hear(&mut self, job: &Job, process: Process, ended: &Ended) -> Outcome {
        if job.speaks {
            let lines = ended.said.iter().map(|line| line.text.as_str());
            self.ledger.hear(lines, process).map_err(|e| self.in_context(&e))?;
        }
        // It may have been killed behind its answer.
        if ended.said.last().is_some_and(|line| line.text.contains(&job.answer)) {
            job.silent.iter().for_each(|entry| self.ledger.acknowledge(*entry));
            self.door.finished(job);
        } else if !ended.was_killed {
            let said = ended.said.last().map(|line| &line.text);
            let why = format!("a process ended well, and without {:?}: {said:?}", job.answer);
            return Err(self.in_context(&why));
        }
        Ok(())
    }

    fn check(&mut self) -> Outcome {
        let checked = self.check.file(self.place, &mut self.ledger);
        let checked = checked.and_then(|found| self.door.inspect(self.place).map(|()| found));
        let found = checked.map_err(|e| self.in_context(&e))?;
        self.tally.add("checks", 1);
        self.tally.add("commits called durable, and there", found.durable);
        self.tally.add("commits not called durable, and there", found.kept);
        self.tally.add("commits not called durable, and gone", found.gone);
        self.history.clear();
        Ok(())
    }

    /// Counts a process that ended.
    fn note(&mut self, job: &Job, ended: &Ended, meant: Option<&Moment>, is_new: bool) {
        let end = if ended.was_killed { "killed" } else { "ended" };
        let (kind, ran) = (job.kind, ended.ran());
        self.history.push(format!("{kind} {end} after {ran:?}, to be killed {meant:?}"));
        if meant.is_none() {
            return;
        }
        self.paces.entry(job.kind).or_default().learn(ended);
        if !ended.was_killed {
            self.misses += 1;
            self.tally.add("ended before the kill", 1);
            return;
        }
        self.kills += 1;
        self.tally.add("kill -9", 1);
        if is_new && !self.place.file().exists() {
            self.tally.add("kill -9, before there was a file", 1);
        }
        if job.speaks {
            for what in under_way(ended) {
                self.tally.add(what, 1);
            }
        } else {
            self.tally.add(of_kind(job.kind), 1);
        }
    }

    fn in_context(&self, why: &str) -> String {
        let history = self.history.join("\n  ");
        format!("{}: {why}\n  since the last check:\n  {history}", self.door.name())
    }
}

/// What a process that speaks had begun and not done.
fn under_way(ended: &Ended) -> Vec<&'static str> {
    let mut begun: Vec<&str> = Vec::new();
    for line in &ended.said {
        let mut words = line.text.split('\t');
        match (words.next(), words.next()) {
            (Some("begin"), Some(what)) => begun.push(what),
            (Some("done"), Some(what)) => begun.retain(|other| *other != what),
            _ => {}
        }
    }
    let mut names: Vec<&str> = begun.into_iter().map(of_phase).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn of_phase(what: &str) -> &'static str {
    match phase(what) {
        None => "kill -9, in a transaction",
        Some("open") => "kill -9, in opening",
        Some("close") => "kill -9, in closing",
        Some("checkpoint") => "kill -9, in a checkpoint",
        Some("rebuild") => "kill -9, in a rebuild",
        Some(_) => "kill -9, in a flush",
    }
}

fn of_kind(kind: &str) -> &'static str {
    match kind {
        "import" => "kill -9, of an import",
        "put" => "kill -9, of a put",
        "forget" => "kill -9, of a forget",
        "rebuild" => "kill -9, of a rebuild",
        "export" => "kill -9, of an export",
        _ => "kill -9, of another command",
    }
}
