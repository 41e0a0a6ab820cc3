//! An ordinary run: every part, its seeds, and what must have been reached in the end.

use crate::progress::Progress;
use crate::seeds::Seeds;
use crate::work::{self, Done, Work};
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, TableStyle};
use memlith::torture::{PLANTED, Planted, Tally};
use std::collections::BTreeMap;
use std::time::Instant;

/// What an ordinary run comes to at least: a change that makes the harness do less is noticed.
const GOALS: &[(&str, u64)] = &[
    ("crash points", 10_000),
    ("compound crash points", 10_000),
    ("syncs lost", 1_000),
    ("planted defects found", 31),
    ("flips", 5_000),
    ("changes failed", 500),
    ("reads failed", 500),
    #[cfg(unix)]
    ("kill -9", 200),
];

/// Shows the parts.
#[expect(clippy::print_stdout, reason = "it is what the command is for")]
pub(crate) fn list() {
    let mut table = table(["part", "seeds", "what happens"]);
    for part in work::all() {
        table.add_row([part.name, &part.seeds.to_string(), part.about]);
    }
    let mut planted = self::table(["to be planted", "found by"]);
    for Planted { name, part, .. } in PLANTED {
        planted.add_row([name, part]);
    }
    println!("{table}\n{planted}");
}

/// Runs the named parts, or all.
///
/// # Errors
/// In words, what failed and how to see it again.
pub(crate) fn run(
    names: &[String],
    seeds: Option<&Seeds>,
    planted: Option<&str>,
    jobs: usize,
) -> Result<(), String> {
    let planted = planted.map(work::planted).transpose()?;
    let is_ordinary = names.is_empty() && seeds.is_none() && planted.is_none();
    let work: Vec<Work> = work::parts(names)?
        .into_iter()
        .map(|part| match seeds {
            Some(seeds) => Work { part, pinned: &[], seeds: seeds.0.clone(), planted },
            None => Work { part, pinned: part.pinned, seeds: 0..part.seeds, planted },
        })
        .collect();
    // Whoever runs one seed again wants to see it.
    let all = work.iter().map(Work::len).fold(0, u64::saturating_add);
    if all > 1 {
        silence_panics();
    }
    let started = Instant::now();
    let done = work::run(&work, jobs, None, &Progress::new(Some(all)));
    show(&done, started);
    let total = fail_if_any(&done)?;
    if is_ordinary {
        for (what, least) in GOALS {
            let count = total.count(what);
            if count < *least {
                return Err(format!("{what}: {count}, where at least {least} were to be done"));
            }
        }
    }
    Ok(())
}

/// How many seeds failed, if any did; else everything that was counted.
pub(crate) fn fail_if_any(done: &BTreeMap<&str, Done>) -> Result<Tally, String> {
    let failures: u64 = done.values().map(|done| done.failures).sum();
    if failures > 0 {
        return Err(format!("{failures} seeds failed; see above"));
    }
    let mut total = Tally::default();
    for done in done.values() {
        total.merge(&done.tally);
    }
    Ok(total)
}

/// A table of what was done.
#[expect(clippy::print_stdout, reason = "it is what the command is for")]
pub(crate) fn show(done: &BTreeMap<&str, Done>, started: Instant) {
    let mut table = table(["part", "what", "count"]);
    let mut row = |part: &str, what: &str, count: String| {
        let count = Cell::new(count).set_alignment(CellAlignment::Right);
        table.add_row([Cell::new(part), Cell::new(what), count]);
    };
    for (part, done) in done {
        row(part, "seeds", done.seeds.to_string());
        row(part, "seconds of a core", done.busy.as_secs().to_string());
        for (what, count) in done.tally.iter() {
            row(part, what, count.to_string());
        }
    }
    println!("{table}\n{} seconds in all", started.elapsed().as_secs());
}

fn table<const N: usize>(heads: [&str; N]) -> Table {
    let mut table = Table::new();
    table
        .load_style(TableStyle::new())
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(heads);
    table
}

/// A failing seed panics, is caught, and shown in the end: nothing else is to be said of it.
pub(crate) fn silence_panics() {
    std::panic::set_hook(Box::new(|_| {}));
}
