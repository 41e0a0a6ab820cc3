//! What salvaging a file brought as an object.

use crate::log::hex;
use memlith::{LostMemory, SalvageReport, Salvaged};
use serde::Serialize;

/// What was salvaged: `{"complete", "newest", "seq", "memories": {"recovered", "lost"}, …, "lost": […],
/// "damage": […], "seconds"}`.
#[derive(Serialize)]
pub struct SalvageJson<'a> {
    complete: bool,
    newest: bool,
    seq: Option<u64>,
    hash: Option<String>,
    file_id: Option<String>,
    memories: Count,
    vectors: Count,
    catalogue: Count,
    nodes: Count,
    edges: Count,
    accesses: Count,
    log: Count,
    lost: Vec<Lost<'a>>,
    unidentified: u64,
    gaps: Vec<[u64; 2]>,
    lost_vectors: Vec<LostVector<'a>>,
    lost_vectors_of_nodes: Vec<LostVector<'a>>,
    unproven: Vec<u64>,
    damage: Vec<Damage<'a>>,
    seconds: f64,
}

#[derive(Serialize)]
struct Count {
    recovered: u64,
    lost: u64,
}

#[derive(Serialize)]
struct Lost<'a> {
    number: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    why: &'static str,
}

#[derive(Serialize)]
struct LostVector<'a> {
    number: u64,
    space: &'a str,
}

#[derive(Serialize)]
struct Damage<'a> {
    place: &'a str,
    what: &'a str,
}

impl<'a> SalvageJson<'a> {
    /// Of this report, which took so long.
    pub fn new(report: &'a SalvageReport, seconds: f64) -> Self {
        let count = |count: Salvaged| Count { recovered: count.recovered, lost: count.lost };
        SalvageJson {
            complete: report.is_complete(),
            newest: report.is_newest,
            seq: report.seq.map(|seq| seq.0),
            hash: report.hash.map(|hash| hex(&hash)),
            file_id: report.file_id.map(|id| hex(&id)),
            memories: count(report.memories),
            vectors: count(report.vectors),
            catalogue: count(report.catalogue),
            nodes: count(report.nodes),
            edges: count(report.edges),
            accesses: count(report.accesses),
            log: count(report.log),
            lost: report.lost.iter().map(lost).collect(),
            unidentified: report.unidentified,
            gaps: report.gaps.iter().map(|(first, last)| [first.0, last.0]).collect(),
            lost_vectors: report
                .lost_vectors
                .iter()
                .map(|(id, space)| LostVector { number: id.0, space })
                .collect(),
            lost_vectors_of_nodes: report
                .lost_vectors_of_nodes
                .iter()
                .map(|(id, space)| LostVector { number: id.0, space })
                .collect(),
            unproven: report.unproven.iter().map(|id| id.0).collect(),
            damage: report
                .damage
                .iter()
                .map(|d| Damage { place: &d.place, what: &d.what })
                .collect(),
            seconds,
        }
    }
}

fn lost(lost: &LostMemory) -> Lost<'_> {
    let name = lost.external_id.as_ref();
    let (namespace, id) = name.map(|(namespace, id)| (namespace.as_str(), id.as_str())).unzip();
    Lost { number: lost.id.0, namespace, id, why: lost.why.name() }
}
