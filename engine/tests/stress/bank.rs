//! What the file holds, and what must hold of every View.
//!
//! - Accounts, between which money moves: the sum never changes, and each says its balance in every
//!   way there is.
//! - Notes in pairs: there are as many left ones as right ones.
//! - A space that comes and goes with the one vector in it.
//! - Ballast, which nobody touches, so that the images of the indexes are segments of their own.

use memlith::filter::Attribute;
use memlith::{
    Db, Filter, List, Memory, MemoryId, Metric, NewMemory, Order, Recall, Result, Seq, Space, View,
};
use serde_json::json;

pub(super) const ACCOUNTS: usize = 24;
/// What each account begins with.
pub(super) const START: i64 = 100;
/// The name of the space that comes and goes.
pub(super) const SCRATCH: &str = "scratch";

const BALLAST: u64 = 300;
const BALLAST_DIMENSION: usize = 96;
/// More than there ever is of anything.
const ALL: usize = 1_000;

/// An account says its balance six times: priority, content, tag, metadata (twice), vector.
pub(super) fn account(at: usize, balance: i64) -> NewMemory {
    NewMemory::new(word(balance))
        .namespace("bank")
        .external_id(format!("account {at}"))
        .priority(balance)
        .tag(word(balance))
        .metadata(json!({ "balance": balance, "half": balance / 2 }))
        .vector_in("place", place(balance))
}

/// The balance in letters: a word without parts, so that no other balance shares one.
fn word(balance: i64) -> String {
    let letter = |c: char| c.to_digit(10).map_or('m', |d| (b'a' + d as u8) as char);
    format!("z{}", balance.to_string().chars().map(letter).collect::<String>())
}

fn place(balance: i64) -> Vec<f32> {
    vec![balance as f32, 1.0]
}

pub(super) fn founding_vector() -> Vec<f32> {
    vec![1.0, 2.0, 3.0]
}

/// Makes everything that is there from the beginning. Returns the last commit of it.
pub(super) fn found(db: &Db) -> Result<Seq> {
    db.write(|tx| {
        tx.create_space(&Space::new("place", 2).metric(Metric::L2))?;
        tx.create_space(&Space::new("ballast", BALLAST_DIMENSION))?;
        tx.index_metadata("balance")?;
        (0..ACCOUNTS).try_for_each(|at| tx.remember(account(at, START)).map(drop))?;
        for n in 0..BALLAST {
            let vector: Vec<f32> =
                (0..BALLAST_DIMENSION).map(|d| (n as f32 + 1.0) * (d as f32 + 0.5)).collect();
            let words = format!("ballast {n} in the hold of ship {}", n % 7);
            tx.remember(NewMemory::new(words).namespace("ballast").vector_in("ballast", vector))?;
        }
        Ok(())
    })?;
    Ok(db.read()?.seq())
}

fn accounts(view: &View) -> Result<Vec<Memory>> {
    let accounts = view.list(&List::new().namespace("bank").order(Order::Oldest))?.memories;
    assert_eq!(accounts.len(), ACCOUNTS);
    Ok(accounts)
}

/// The balance of each account.
pub(super) fn balances(view: &View) -> Result<Vec<i64>> {
    Ok(accounts(view)?.iter().map(|m| m.priority).collect())
}

/// All that must hold.
pub(super) fn check(view: &View) -> Result<()> {
    (0..ACCOUNTS).try_for_each(|at| check_account(view, at))?;
    check_notes(view)?;
    check_scratch(view)
}

/// No money is lost, and one account, with those of the same balance, is found in every way.
pub(super) fn check_account(view: &View, at: usize) -> Result<()> {
    let accounts = accounts(view)?;
    assert_eq!(accounts.iter().map(|m| m.priority).sum::<i64>(), START * ACCOUNTS as i64);
    let memory = &accounts[at];
    let balance = memory.priority;
    assert_eq!(memory.content, word(balance));
    assert_eq!(memory.metadata["balance"], balance);
    assert_eq!(memory.tags, [word(balance)]);
    assert_eq!(view.vector(memory.id, "place")?, Some(place(balance)));

    let same: Vec<MemoryId> =
        accounts.iter().filter(|m| m.priority == balance).map(|m| m.id).collect();
    let is_half = Filter::meta("half").is(balance / 2);
    let filters = [
        Filter::tag(word(balance)),
        Filter::meta("balance").is(balance),
        Filter::on(Attribute::Priority).is(balance),
        // An index of it comes and goes.
        is_half.and(Filter::on(Attribute::Priority).is(balance)),
    ];
    for filter in filters {
        let request = List::new().namespace("bank").filter(filter.clone()).order(Order::Oldest);
        let found = view.list(&request)?.memories;
        assert_eq!(found.iter().map(|m| m.id).collect::<Vec<_>>(), same, "{filter}");
        assert_eq!(view.count(Some("bank"), Some(&filter))?, same.len() as u64, "{filter}");
    }
    let recall = |request: Recall| -> Result<Vec<MemoryId>> {
        let hits = view.recall(&request.namespace("bank").limit(same.len()))?.hits;
        let mut ids: Vec<_> = hits.iter().map(|hit| hit.memory.id).collect();
        ids.sort_unstable();
        Ok(ids)
    };
    assert_eq!(recall(Recall::new().text(word(balance)))?, same);
    assert_eq!(recall(Recall::new().space("place").vector(place(balance)))?, same);
    Ok(())
}

/// Notes are in pairs, however one counts them, and the ballast is there.
pub(super) fn check_notes(view: &View) -> Result<()> {
    let counted = |side: &str| -> Result<usize> {
        let filter = Filter::tag(side);
        let count = view.count(Some("notes"), Some(&filter))? as usize;
        let listed = List::new().namespace("notes").filter(filter.clone()).limit(ALL);
        assert_eq!(view.list(&listed)?.memories.len(), count);
        let recalled = Recall::new().namespace("notes").filter(filter).limit(ALL);
        assert_eq!(view.recall(&recalled)?.hits.len(), count);
        Ok(count)
    };
    let (left, right) = (counted("left")?, counted("right")?);
    assert_eq!(left, right, "half a pair");
    assert_eq!(view.count(Some("notes"), None)? as usize, left + right);
    assert_eq!(view.count(Some("ballast"), None)?, BALLAST);
    Ok(())
}

/// The space is there with its one vector, or not at all.
pub(super) fn check_scratch(view: &View) -> Result<()> {
    let is_there = view.spaces().iter().any(|space| space.name == SCRATCH);
    let vectors = u64::from(is_there);
    assert_eq!(view.count(None, Some(&Filter::space(SCRATCH)))?, vectors);
    if is_there {
        let request = Recall::new().space(SCRATCH).vector(founding_vector());
        assert_eq!(view.recall(&request)?.hits.len(), 1);
    }
    Ok(())
}

/// What a View says of nearly everything that does not change when something else expires.
pub(super) fn facts(view: &View) -> Result<String> {
    let mut said = Vec::new();
    for namespace in ["bank", "notes"] {
        let memories = view.list(&List::new().namespace(namespace).limit(ALL))?.memories;
        said.extend(memories.into_iter().map(|mut memory| {
            // Accesses count on.
            (memory.accesses, memory.accessed_ms) = (0, None);
            format!("{memory:?}")
        }));
    }
    let requests = [
        Recall::new().space("place").vector(place(START)),
        Recall::new().space("ballast").vector([1.0; BALLAST_DIMENSION]),
        Recall::new().namespace("notes").filter(Filter::tag("left")),
    ];
    said.extend(hits(view, requests)?);
    let spaces: Vec<String> = view.spaces().into_iter().map(|space| space.name).collect();
    Ok(format!("{said:#?} {spaces:?} {:?}", view.metadata_indexes()))
}

/// The facts, and what depends on every memory that there is.
pub(super) fn answers(view: &View) -> Result<String> {
    let requests = [
        Recall::new().text(word(START)).namespace("bank"),
        Recall::new().text("ballast of ship 3").space("ballast").vector([1.0; BALLAST_DIMENSION]),
    ];
    Ok(format!("{} {:#?} {:?}", facts(view)?, hits(view, requests)?, view.seq()))
}

fn hits(view: &View, requests: impl IntoIterator<Item = Recall>) -> Result<Vec<String>> {
    let mut said = Vec::new();
    for request in requests {
        let hits = view.recall(&request.limit(ALL))?.hits;
        said.extend(hits.iter().map(|h| format!("{} {:x}", h.memory.id, h.score.to_bits())));
    }
    Ok(said)
}
