//! All contenders, one task after the other.

use crate::Failure;
use crate::args::Rivals;
use crate::clock::median;
use crate::contender::{Contender, Script, all};
use crate::report::{Loading, Report, Row};
use crate::task::{Asked, Measured, Task};
use clap::ValueEnum;
use std::io::{Write, stderr};
use std::path::Path;

/// Measures, prints a table and writes a file.
pub(crate) fn run(args: &Rivals) -> Result<(), Failure> {
    let input = args.source.load()?;
    let folder = match &args.folder {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    let mut contenders = contenders(args, folder.path())?;
    input.save(&folder.path().join("graph.bin"))?;
    let mut report = Report::new(&input.source, args);
    let mut is_loaded = Vec::new();
    for contender in &mut contenders {
        let loaded = contender.load(&input);
        is_loaded.push(loaded.is_ok());
        match loaded {
            Ok(loaded) => report.loading.push(Loading::new(contender.name(), &loaded, &input)),
            Err(failure) if contender.name() == OURS => return Err(failure),
            Err(failure) => report.left_out.push(format!("{}: {failure}", contender.name())),
        }
    }
    let mut is_loaded = is_loaded.into_iter();
    contenders.retain(|_| is_loaded.next().unwrap_or(false));
    let pairs = input.pairs(args.queries);
    let tasks = args.tasks.as_deref().unwrap_or(Task::value_variants());
    for &task in tasks {
        writeln!(stderr(), "{} ...", task.name())?;
        measure(args, task, &pairs, &mut contenders, &mut report)?;
    }
    report.print()?;
    report.save(args.json.as_deref())
}

/// The one that all others are compared with.
pub(crate) const OURS: &str = "memlith";

fn contenders(args: &Rivals, folder: &Path) -> Result<Vec<Box<dyn Contender>>, Failure> {
    let is_chosen = |name: &str| {
        let named = |rival: &String| name.split(',').next() == Some(rival);
        name == OURS || args.rivals.as_ref().is_none_or(|rivals| rivals.iter().any(named))
    };
    let mut contenders = all(folder);
    contenders.retain(|contender| is_chosen(contender.name()));
    if let Some(python) = args.script.python() {
        let scripts = Script::all(&python, &folder.join("graph.bin"), folder, is_chosen)?;
        contenders.extend(scripts.into_iter().map(|script| Box::new(script) as Box<dyn Contender>));
    }
    Ok(contenders)
}

fn measure(
    args: &Rivals,
    task: Task,
    pairs: &[(u32, u32)],
    contenders: &mut [Box<dyn Contender>],
    report: &mut Report,
) -> Result<(), Failure> {
    // By contender, then by repetition.
    let mut measured: Vec<Vec<Measured>> = contenders.iter().map(|_| Vec::new()).collect();
    let repeats = if task == Task::Leiden { args.seeds } else { args.repeat };
    for repeat in 0..repeats {
        for (contender, measured) in contenders.iter_mut().zip(&mut measured) {
            let asked = Asked {
                pairs,
                at_most_s: args.at_most,
                seed: repeat.into(),
                leiden_rounds: args.leiden_rounds,
            };
            match contender.run(task, &asked) {
                Ok(found) => measured.extend(found),
                Err(failure) if contender.name() == OURS => return Err(failure),
                Err(failure) => {
                    let failure = format!("{}, {}: {failure}", contender.name(), task.name());
                    if !report.left_out.contains(&failure) {
                        report.left_out.push(failure);
                    }
                }
            }
        }
    }
    let mut ours: Option<Vec<f64>> = None;
    for (contender, measured) in contenders.iter().zip(measured) {
        let Some(row) = row(contender.name(), task, &measured) else { continue };
        let ours = ours.get_or_insert_with(|| row.answers.clone());
        let differs = |(ours, theirs): (&f64, &f64)| {
            let differs = (ours - theirs).abs() > task.tolerance() * ours.abs().max(1e-300);
            differs && task.tolerance().is_finite()
        };
        let count = ours.iter().zip(&row.answers).filter(|&pair| differs(pair)).count();
        if count > 0 {
            let (name, task) = (contender.name(), task.name());
            report.left_out.push(format!("{name}, {task}: {count} answers are not ours"));
        }
        report.rows.push(row);
    }
    Ok(())
}

/// Medians over repetitions, of each query; communities differ, and so are all kept.
fn row(name: &str, task: Task, measured: &[Measured]) -> Option<Row> {
    let first = measured.first()?;
    let reached = measured.iter().map(|one| one.us.len()).min()?;
    let times = |query: usize| median(measured.iter().map(|one| one.us[query]).collect());
    let us = (0..reached).map(times).collect();
    let answers = match task {
        Task::Leiden => measured.iter().flat_map(|one| one.answers.clone()).collect(),
        _ => first.answers[..reached].to_vec(),
    };
    Some(Row::new(name, task, us, answers))
}
