//! What a salvage says of its work.

use crate::ids::{MemoryId, NodeId, Seq};
use crate::verify::Problem;

/// How many of a kind there were, and how many were salvaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Salvaged {
    /// In the new file.
    pub recovered: u64,
    /// Known to have been there, and not in the new file.
    pub lost: u64,
}

/// Why a memory is not in the new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loss {
    /// No row of it was found.
    NotFound,
    /// A row of it was found, and nothing proves that it is the last one.
    Unproven,
    /// A row of it was found that contradicts the log, or breaks a rule of the library.
    Refused,
}

impl Loss {
    /// Its name in JSON and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Loss::NotFound => "not-found",
            Loss::Unproven => "unproven",
            Loss::Refused => "refused",
        }
    }
}

/// A memory that was there and is not in the new file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LostMemory {
    /// Its number.
    pub id: MemoryId,
    /// Its namespace and external id, if they are still known.
    pub external_id: Option<(String, String)>,
    /// Why.
    pub why: Loss,
}

/// What was salvaged, what was lost, and what was wrong with the file.
///
/// A memory has one of three fates: it is in the new file, it is in [`lost`](Self::lost), or it is
/// one of the [`unidentified`](Self::unidentified), of which nothing but their count is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SalvageReport {
    /// The id of the damaged file, if it is still known.
    pub file_id: Option<[u8; 16]>,
    /// The commit whose state was salvaged, if its number is still known.
    pub seq: Option<Seq>,
    /// The hash of its row in the log.
    pub hash: Option<[u8; 32]>,
    /// Is that surely the newest commit? If not, what was committed after it is lost, and
    /// memories are as they were then.
    pub is_newest: bool,
    /// Memories.
    pub memories: Salvaged,
    /// Vectors. Those of lost memories are lost with them; where theirs were sealed, those are
    /// counted that a readable segment has, some of which may have been replaced before.
    pub vectors: Salvaged,
    /// Vector spaces, metadata indexes and kinds of edges.
    pub catalogue: Salvaged,
    /// Nodes of the knowledge graph.
    pub nodes: Salvaged,
    /// Its edges. Those of which an end is lost are lost with it.
    pub edges: Salvaged,
    /// Memories whose number of accesses is known. Their loss is no loss of a memory.
    pub accesses: Salvaged,
    /// Rows of the log that were read and proved, out of those that were there. The new file has
    /// a log of its own.
    pub log: Salvaged,
    /// Memories that were there and are not in the new file, by number.
    pub lost: Vec<LostMemory>,
    /// Further memories that were there, whose number is not known.
    pub unidentified: u64,
    /// First and last number of memories that stood in a lost page of their table. Those that were
    /// found elsewhere lie in here too.
    pub gaps: Vec<(MemoryId, MemoryId)>,
    /// Memories that are in the new file without their vector of a space.
    pub lost_vectors: Vec<(MemoryId, String)>,
    /// Nodes that are in the new file without their vector of a space.
    pub lost_vectors_of_nodes: Vec<(NodeId, String)>,
    /// Numbers of memories of which a row was found that nothing proves, and which nothing says
    /// were still there: they may have been forgotten long before.
    pub unproven: Vec<MemoryId>,
    /// What was wrong with the file, as far as it was met.
    pub damage: Vec<Problem>,
}

impl SalvageReport {
    /// Is all in the new file that the damaged one held?
    pub fn is_complete(&self) -> bool {
        let Self { memories, vectors, catalogue, nodes, edges, accesses, .. } = self;
        let counts = [memories, vectors, catalogue, nodes, edges, accesses];
        self.is_newest && counts.iter().all(|count| count.lost == 0)
    }
}
