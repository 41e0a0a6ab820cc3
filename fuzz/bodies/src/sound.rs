//! A sound file with a little of everything, for inputs that are changes to one.

use memlith::{Db, MemoryId, NewEdge, NewMemory, NewNode, Options, Patch, Space, WriteOptions};
use serde_json::json;
use std::fs;
use std::sync::LazyLock;

/// Images are written here; what comes later stands in the log alone.
const CHECKPOINT_AT: u8 = 15;

/// The file in two states.
pub(crate) struct Sound {
    /// As it is while it is in use: nothing is lost, and redb repairs it on opening.
    pub(crate) open: Vec<u8>,
    /// As it is left behind, with images of everything.
    pub(crate) closed: Vec<u8>,
}

/// The same file each time, but for its random salts and numbers.
pub(crate) fn sound() -> &'static Sound {
    static SOUND: LazyLock<Sound> = LazyLock::new(made);
    &SOUND
}

/// A node, an edge to it from the one before, and one from a memory.
fn join(db: &Db, i: u8, id: MemoryId) -> memlith::Result<()> {
    db.write(|tx| {
        let mut graph = tx.graph("default");
        let name = format!("node{i}");
        let node = NewNode::new(&name).kind("thing").tags(["all"]).aliases([format!("also{i}")]);
        graph.upsert_node(node)?;
        if let Some(before) = i.checked_sub(2) {
            let edge = NewEdge::new(format!("node{before}").as_str(), "before", name.as_str());
            graph.upsert_edge(edge.weight(0.5).properties(json!({"n": i})))?;
        }
        graph.upsert_edge(NewEdge::new(id, "mentions", name.as_str())).map(drop)
    })
}

fn made() -> Sound {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sound.lith");
    let db = Options::new().threads(false).open(&path).expect("a new file opens");
    db.create_space(&Space::new("second", 2)).expect("a new space is made");
    let key = WriteOptions::new().idempotency_key("key").actor("me").reason("because");
    db.transact(key, |tx| tx.index_metadata("lang")).expect("a new path is declared");
    for i in 0..20_u8 {
        let mut memory = NewMemory::new(format!("the one about {i}"))
            .namespace(["default", "other"][usize::from(i % 2)])
            .external_id(format!("id{i}"))
            .tag("all")
            .metadata(json!({"lang": "en", "n": i}))
            .vector([f32::from(i), 1.0, -1.0]);
        if i % 5 == 0 {
            memory = memory.kind("note").vector_in("second", [1.0, f32::from(i)]);
        }
        if i % 9 == 0 {
            memory = memory.expires_ms(i64::MAX);
        }
        let id = db.remember(memory).expect("a small memory is taken");
        if i % 2 == 0 {
            join(&db, i, id).expect("a small graph is taken");
        }
        if i == CHECKPOINT_AT {
            db.checkpoint().expect("images are written");
        }
    }
    db.update(MemoryId(3), &Patch::new().importance(0.9)).expect("it is there");
    db.supersede(MemoryId(4), NewMemory::new("the one after 3")).expect("it is there");
    db.forget(MemoryId(6)).expect("it is there");
    db.get(MemoryId(8)).expect("it is there");
    db.flush().expect("it is written");
    let open = fs::read(&path).expect("the file is there");
    db.close().expect("a sound file closes");
    Sound { open, closed: fs::read(&path).expect("the file is there") }
}
