//! Salvage: what a damaged file still provably holds, in a new file, and what it has lost.
//!
//! ```text
//! file::Wreck      bytes of the table space, placed by the map or by the chunks themselves
//!   tree, page     redb's trees, each page proved by its parent's checksum; leaves without parent
//!     state        which commit is salvaged
//!       chain      its history, back from its end
//!       sealed     the segments of sealed vectors
//!         survey   which rows and vectors are proved
//!           fill   a new file of them
//! ```
//!
//! What is proved by what, and why, stands in `docs/decisions/0011-salvage.md`.
//!
//! **Invariant:** the damaged file is not changed. Everything in the new file was in the damaged
//! one after one commit of it, unchanged; what was and is not in the new file is counted. No bytes
//! make salvage panic.

mod catalogue;
mod chain;
mod fill;
mod graph;
mod memories;
mod page;
mod report;
mod sealed;
mod state;
mod survey;
#[cfg(test)]
mod tests;
mod tree;
mod vectors;

pub use report::{Loss, LostMemory, SalvageReport, Salvaged};

use crate::db::Db;
use crate::error::Detail;
use crate::file::Wreck;
use crate::ids::{MemoryId, Seq};
use crate::schema::{ACCESSES, LOG, Table};
use crate::text_settings::TextSettings;
use crate::verify::Problem;
use crate::{Error, Result};
use fill::{Filled, fill};
use redb::TableHandle;
use std::path::Path;
use survey::Survey;

/// Salvages a damaged file: writes what it still provably holds into a new file, `into`, and says
/// what is lost.
///
/// Memories keep their numbers, times, links and access counts, and their vectors to the last bit.
/// The log does not go over: the new file has one of its own, which says where its memories come
/// from. `progress` gets the name of each part, and how far it is; its total may be unknown (1).
///
/// The damaged file is only read. The new one appears whole, or not at all.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let (damaged, path) = (folder.path().join("damaged.lith"), folder.path().join("new.lith"));
/// # let db = memlith::Db::open(&damaged)?;
/// # db.remember(memlith::NewMemory::new("kept"))?;
/// # db.close()?;
/// let report = memlith::salvage(&damaged, &path, &mut |_, _, _| {})?;
/// for memory in &report.lost {
///     eprintln!("memory {} is lost", memory.id);
/// }
/// assert_eq!(report.memories.recovered, memlith::Db::open(&path)?.read()?.count(None, None)?);
/// # Ok::<(), memlith::Error>(())
/// ```
///
/// # Errors
/// Each names the file that it is about.
/// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if there is something at `into`;
/// [`NotFound`](crate::ErrorKind::NotFound) and [`InUse`](crate::ErrorKind::InUse) of the damaged
/// file; [`NotMemlith`](crate::ErrorKind::NotMemlith) if nothing in it is of a Memlith file;
/// [`Corruption`](crate::ErrorKind::Corruption) if nothing of it can be proved.
pub fn salvage(
    damaged: impl AsRef<Path>,
    into: impl AsRef<Path>,
    progress: &mut dyn FnMut(&'static str, u64, u64),
) -> Result<SalvageReport> {
    let (damaged, into) = (damaged.as_ref(), into.as_ref());
    let of_damaged = |e: Error| e.of_file(damaged);
    if into.symlink_metadata().is_ok() {
        let name = into.display().to_string().into();
        return Err(Detail::AlreadyExists { what: "file", name }.into());
    }
    let wreck = Wreck::open(damaged).map_err(of_damaged)?;
    let survey = Survey::of(&wreck, progress).map_err(of_damaged)?;
    let mut filled = Filled::default();
    let mut is_anything_proved = true;
    Db::create_filled(into, |db| {
        filled = fill(&survey, db, progress)?;
        let total = survey.state.tables.len(Table::Memories.definition().name());
        is_anything_proved = !filled.memories.is_empty() || !filled.nodes.is_empty() || total == 0;
        if !is_anything_proved {
            return Err(Error::corruption("file", "a memory that can be proved", "none"));
        }
        Ok(())
    })
    .map_err(|e| e.of_file(if is_anything_proved { into } else { damaged }))?;
    report(&survey, filled)
}

fn report(survey: &Survey<'_>, filled: Filled) -> Result<SalvageReport> {
    let tables = &survey.state.tables;
    let count = |name: &str, recovered: u64| Salvaged {
        recovered,
        lost: tables.len(name).saturating_sub(recovered),
    };
    let memories = count(Table::Memories.definition().name(), filled.memories.len());
    let mut lost = Vec::new();
    if memories.lost > 0 {
        let is_of_graph =
            |id| filled.nodes.contains(id) || survey.chain.last_of_graph(id).is_some();
        let is_lost = |id| !filled.memories.contains(id) && !is_of_graph(id);
        let mut names = survey.names(is_lost)?;
        let mut alive = survey.alive(is_lost)?;
        alive.extend(&filled.refused);
        let why = |id: u64| {
            if survey.refuted.contains(&id) || filled.refused.contains(&id) {
                Loss::Refused
            } else if survey.unproven.contains(&id) {
                Loss::Unproven
            } else {
                Loss::NotFound
            }
        };
        let one =
            |id: u64| LostMemory { id: MemoryId(id), external_id: names.remove(&id), why: why(id) };
        lost = alive.into_iter().map(one).collect();
    }
    let is_listed = |id: &u64| lost.binary_search_by_key(id, |lost| lost.id.0).is_ok();
    let unproven = survey.unproven.iter().filter(|id| !is_listed(id)).map(|id| MemoryId(*id));
    let tip = tables.tip;
    let vectors = count_vectors(survey, &filled, memories.lost)?;
    let has_settings = usize::from(survey.text != TextSettings::default());
    let catalogue = survey.spaces.len() + survey.indexes.len() + survey.edge_kinds.len();
    let catalogue = (catalogue + has_settings) as u64;
    let counter = u64::from(survey.highest_space > 0);
    Ok(SalvageReport {
        file_id: survey.wreck.file_id(),
        seq: tip.map(|tip| Seq(tip.seq)),
        hash: tip.map(|tip| tip.hash),
        is_newest: survey.state.is_newest,
        memories,
        vectors,
        catalogue: Salvaged {
            recovered: catalogue,
            lost: tables
                .len(Table::Catalog.definition().name())
                .saturating_sub(catalogue + counter),
        },
        nodes: count(Table::Nodes.definition().name(), filled.nodes.len()),
        edges: count(Table::Edges.definition().name(), filled.edges),
        accesses: count(ACCESSES.name(), filled.accesses),
        log: count(LOG.name(), survey.chain.rows()),
        unidentified: memories.lost.saturating_sub(lost.len() as u64),
        gaps: survey
            .gaps
            .iter()
            .map(|(first, last)| {
                (MemoryId(*first), MemoryId((*last).min(survey.next_memory.0 - 1)))
            })
            .collect(),
        unproven: unproven.collect(),
        lost_vectors: filled.lost_vectors,
        lost_vectors_of_nodes: filled.lost_vectors_of_nodes,
        damage: survey
            .flaws
            .iter()
            .map(|(place, what)| Problem { place: (*place).into(), what: what.clone() })
            .collect(),
        lost,
    })
}

/// How many vectors there were. Of memories that came out each is known; of those that are lost, what
/// rows there are, and sealed vectors that nothing shows to be of an earlier time.
fn count_vectors(survey: &Survey<'_>, filled: &Filled, lost: u64) -> Result<Salvaged> {
    let rows = survey.state.tables.len(Table::Vectors.definition().name());
    let of_lost = if lost > 0 {
        survey.sealed_of_lost(&(&filled.memories | &filled.nodes), lost)?
    } else {
        0
    };
    let all = rows + filled.sealed_vectors + of_lost;
    let known = filled.lost_vectors.len() + filled.lost_vectors_of_nodes.len();
    let lost = all.saturating_sub(filled.vectors).max(known as u64);
    Ok(Salvaged { recovered: filled.vectors, lost })
}
