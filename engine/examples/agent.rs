//! A small agent memory, end to end: remember, correct, recall, explain, and look at the history.
//!
//! `cargo run -p memlith --example agent`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use memlith::{Filter, NewMemory, Options, Recall, Result, Seq, WriteOptions};

fn main() -> Result<()> {
    let db = Options::new().in_memory()?; // `Db::open("agent.lith")` for a file

    let old = db.remember(
        NewMemory::new("Ada works at Globex as a data engineer")
            .namespace("assistant")
            .kind("fact")
            .importance(0.8)
            .tags(["ada", "work"])
            .session("monday")
            .agent("Ada"),
    )?;

    // One transaction: a correction and what follows from it, or neither.
    let reason = WriteOptions::new().actor("assistant").reason("Ada said so");
    db.transact(reason, |tx| {
        tx.supersede(
            old,
            NewMemory::new("Ada works at Initech as a staff engineer")
                .namespace("assistant")
                .kind("fact")
                .importance(0.8)
                .tags(["ada", "work"])
                .session("tuesday")
                .agent("Ada"),
        )?;
        tx.remember(
            NewMemory::new("Send Ada a card for the new job")
                .namespace("assistant")
                .kind("plan")
                .tag("ada"),
        )
    })?;

    let facts: Filter = "tag:ada and kind in (fact, plan)".parse()?;
    let request = Recall::new()
        .text("where does Ada work")
        .namespace("assistant")
        .filter(facts)
        .importance(0.2)
        .explain(true);
    for hit in db.recall(&request)?.hits {
        println!("{:.3}  {}", hit.score, hit.memory.content);
        for leg in hit.explanation.iter().flat_map(|e| &e.legs) {
            println!("       {} {:.3} x {}", leg.leg.name(), leg.normalised, leg.weight);
        }
    }

    for row in db.log(Seq(1), 10)? {
        println!("commit {} by {:?}: {} changes", row.seq, row.actor, row.changes.len());
    }
    println!("chain holds from {:?}", db.verify_log(None)?.first);
    db.close()
}
