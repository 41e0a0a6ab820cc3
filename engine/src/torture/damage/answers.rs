//! Everything that a handle can be asked.
//!
//! **Invariant:** two handles of equal content, and equal clocks, give equal answers.

use crate::Result;
use crate::db::Db;
use crate::file::crash::Rng;
use crate::ids::{MemoryId, Seq};
use crate::memory::{List, Order};
use crate::recall::Recall;
use crate::torture::actions;
use std::collections::BTreeMap;
use std::fmt::Debug;
use xxhash_rust::xxh3::Xxh3;

/// A digest of each kind of answer there is to get.
pub(super) type Answers = BTreeMap<&'static str, u128>;

/// Asks everything, of memories up to number `ids`. Numbers of microseconds are no answers.
pub(super) fn answers(db: &Db, ids: u64, keys: &[String]) -> Result<Answers> {
    let mut digests: BTreeMap<&'static str, Xxh3> = BTreeMap::new();
    let mut note = |kind: &'static str, answer: &dyn Debug| {
        digests.entry(kind).or_default().update(format!("{answer:?}").as_bytes());
    };
    let view = db.read()?;
    // What is in an image, and linked there, is no answer: the rows know it as well.
    let counted = |space| crate::SpaceStats { unlinked: 0, dead: 0, ..space };
    let spaces: Vec<_> = view.spaces().into_iter().map(counted).collect();
    note("catalogue", &(view.seq(), &spaces, view.metadata_indexes(), view.namespaces(None, 100)?));
    for id in 1..=ids {
        for memory in view.peek_many(&[MemoryId(id)])?.into_iter().flatten() {
            note("accesses", &(memory.accesses, memory.accessed_ms));
            note("memory", &crate::Memory { accesses: 0, accessed_ms: None, ..memory });
        }
        for space in &spaces {
            note("vector", &view.vector(MemoryId(id), &space.name)?);
        }
    }
    for order in [Order::Newest, Order::Importance, Order::Priority, Order::Updated] {
        let page = view.list(&List::new().order(order).limit(500))?;
        note("list", &page.memories.iter().map(|m| m.id).collect::<Vec<_>>());
    }
    for word in actions::VOCABULARY {
        let found = view.recall(&Recall::new().text(word).weights(1.0, 0.0).limit(100))?;
        note("text recall", &found.hits.iter().map(|h| (h.memory.id, h.score)).collect::<Vec<_>>());
    }
    let mut rng = Rng::new(0);
    for space in &spaces {
        let query = actions::vector(&mut rng, space.dimension);
        let request = Recall::new().space(space.name.as_str()).vector(query);
        let found = view.recall(&request.weights(0.0, 1.0).limit(100))?;
        note(
            "vector recall",
            &found.hits.iter().map(|h| (h.memory.id, h.score)).collect::<Vec<_>>(),
        );
    }
    for external in 0..12 {
        note("external id", &view.find_external("ops", &format!("x{external}"))?);
    }
    for key in keys {
        note("outcome", &db.outcome(key)?);
    }
    note("log", &db.log(Seq(0), 10_000)?);
    Ok(digests.into_iter().map(|(kind, digest)| (kind, digest.digest128())).collect())
}
