//! Asks an open file everything there is to ask, and changes it in every way.
//!
//! **Invariant:** whatever the file holds, an error is an answer and a panic is a defect.

use memlith::{
    Db, Filter, List, MemoryId, NewMemory, Order, Patch, Recall, Result, Seq, Space, View,
    WriteOptions,
};
use std::time::Duration;

/// Filters that go through labels, columns, metadata and rows.
const FILTERS: [&str; 5] = [
    "importance > 0.1 and not tag:none",
    "kind:note or tag:all and created > 2020-01-01",
    "meta.n >= 3 and meta.lang = 'en'",
    "exists expires or superseded",
    "accesses > 0 or id:id3",
];

/// More than any file here holds: what goes on behind that goes round in circles.
const MOST_PAGES: usize = 100;

/// Reads all there is.
pub(crate) fn read(db: &Db) {
    let _ = db.stats();
    let _ = db.head();
    let _ = db.verify_log(None);
    let _ = db.outcome("key");
    let _ = log(db);
    let Ok(view) = db.read() else { return };
    let spaces = view.spaces();
    let _ = view.metadata_indexes();
    let _ = namespaces(&view);
    for order in [Order::Newest, Order::Updated, Order::Importance, Order::Priority] {
        let _ = listed(&view, order);
    }
    for id in [0, 1, 2, 17, u64::MAX] {
        let _ = view.get(MemoryId(id));
        for space in &spaces {
            let _ = view.vector(MemoryId(id), &space.name);
        }
    }
    let _ = view.get_external("default", "id3");

    let request = Recall::new().text("the one about 7").explain(true).include_superseded(true);
    let _ = view.recall(&request);
    for space in spaces {
        let vector = vec![0.5; space.dimension];
        let near = request.clone().space(space.name).vector(vector);
        let _ = view.recall(&near.recency(0.5, Duration::from_hours(24)));
    }
    for filter in FILTERS {
        let filter: Filter = filter.parse().expect("it is well formed");
        let _ = view.count(None, Some(&filter));
        let _ = view.recall(&request.clone().filter(filter.clone()));
        let _ = view.recall(&Recall::new().filter(filter));
    }
}

fn log(db: &Db) -> Result<()> {
    let mut from = Seq(0);
    for _ in 0..MOST_PAGES {
        let rows = db.log(from, 20)?;
        let Some(last) = rows.last() else { break };
        from = Seq(last.seq.0.saturating_add(1));
    }
    Ok(())
}

fn namespaces(view: &View) -> Result<()> {
    let mut after: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let names = view.namespaces(after.as_deref(), 3)?;
        for name in &names {
            let _ = view.namespace_stats(name);
        }
        after = names.last().cloned();
        if after.is_none() {
            break;
        }
    }
    Ok(())
}

fn listed(view: &View, order: Order) -> Result<()> {
    let mut list = List::new().order(order).limit(15);
    for _ in 0..MOST_PAGES {
        let page = view.list(&list)?;
        let Some(next) = page.next else { break };
        list = list.after(next);
    }
    Ok(())
}

/// Changes it in every way, and reads and verifies it again.
pub(crate) fn change(db: &Db) {
    let some = |text: &str| NewMemory::new(text).tag("all").namespace("other");
    let _ = db.remember(some("one more").vector([1.0, 2.0, 3.0]));
    let _ = db.upsert(NewMemory::new("the one about 3").external_id("id3").kind("changed"));
    let _ = db.update(MemoryId(5), &Patch::new().content("another one").add_tag("new"));
    let _ = db.supersede(MemoryId(7), some("the one after 7"));
    let _ = db.forget(MemoryId(9));
    let _ = db.create_space(&Space::new("late", 2));
    let _ = db.transact(WriteOptions::new().idempotency_key("key"), |tx| {
        tx.index_metadata("late")?;
        tx.drop_metadata_index("lang")?;
        tx.drop_space("second")
    });
    let none: Filter = FILTERS[0].parse().expect("it is well formed");
    let _ = db.update_many(None, &none, &Patch::new().priority(7));
    let _ = db.forget_where(Some("default"), &none);
    let _ = db.checkpoint();
    read(db);
    let _ = db.rebuild(&mut |_, _| {});
    let _ = db.verify(&mut |_| {});
}
