//! By which words memories are found: those of their fields, stemmed in the language of the file.

#![expect(clippy::unwrap_used, reason = "an error where none should be fails the test")]

use memlith::{
    Db, Language, NewMemory, NewNode, NodeSearch, Options, Patch, Recall, Result, TextSettings,
};
use serde_json::json;

fn found(db: &Db, words: &str) -> Vec<u64> {
    let answer = db.recall(&Recall::new().text(words)).unwrap();
    answer.hits.iter().map(|hit| hit.memory.id.0).collect()
}

#[test]
fn fields_are_found_as_the_file_is_told_also_when_they_change() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fields.lith");
    let open = || Options::new().threads(false).open(&path);
    let db = open()?;
    let title = |title: &str| json!({ "title": title, "by": ["Mary Shelley", 3] });
    let a = db.remember(NewMemory::new("an island").tags(["sea"]).metadata(title("The island")))?;
    let b = db.remember(NewMemory::new("the sea around an island, seen from the sea"))?;
    db.checkpoint()?;
    let before = db.read()?;
    assert!(found(&db, "Shelley").is_empty());
    assert_eq!(found(&db, "sea"), [b.0]);
    let settings = TextSettings::new().tags(8).metadata("title", 4).metadata("by", 1);
    db.write(|tx| tx.set_text(&settings))?;
    assert_eq!(found(&db, "Shelley"), [a.0]);
    assert_eq!(found(&db, "sea"), [a.0, b.0], "a tag counts more than two of the content");
    assert_eq!(before.recall(&Recall::new().text("sea"))?.hits.len(), 1, "a view stays as it was");
    assert_eq!(found(&db, "island")[0], a.0);
    drop(before);
    let c = db.remember(NewMemory::new("nothing").tags(["whale"]))?;
    let mut change = Patch::new().metadata(json!({ "title": null }));
    change.tags = Some(vec!["shore".into()]);
    db.update(a, &change)?;
    let check = |db: &Db, at: &str| {
        assert_eq!(found(db, "whale"), [c.0], "{at}");
        assert_eq!(found(db, "shore"), [a.0], "{at}");
        assert_eq!(found(db, "sea"), [b.0], "{at}");
        assert_eq!(found(db, "shelley"), [a.0], "{at}");
        assert_eq!(db.stats().unwrap().text, settings, "{at}");
        assert!(db.verify(&mut |_| {}).unwrap().is_clean(), "{at}");
    };
    check(&db, "as it was written");
    drop(db);
    let db = open()?;
    check(&db, "opened with images of before");
    db.checkpoint()?;
    drop(db);
    let db = open()?;
    check(&db, "opened with its images");
    db.rebuild(&mut |_, _| {})?;
    check(&db, "made anew");
    db.write(|tx| tx.set_text(&TextSettings::new()))?;
    assert!(found(&db, "whale").is_empty());
    Ok(())
}

#[test]
fn words_are_stemmed_in_the_language_of_the_file() -> Result<()> {
    let db = Options::new().threads(false).in_memory()?;
    let id = db.remember(NewMemory::new("Viele Katzen und ein walking stick"))?;
    db.graph("default").upsert_nodes(vec![NewNode::new("k").name("Von Katzen")])?;
    let cases = [
        (Some(Language::English), [false, true], 0),
        (Some(Language::German), [true, false], 1),
        (None, [false, false], 0),
    ];
    for (language, expected, of_nodes) in cases {
        db.write(|tx| tx.set_text(&TextSettings::new().language(language)))?;
        let is_found = |words| found(&db, words) == [id.0];
        assert_eq!(["Katze", "walks"].map(is_found), expected, "{language:?}");
        assert_eq!(cats(&db), of_nodes, "{language:?}");
    }
    let snippet = Recall::new().text("Katze").snippet(40);
    db.write(|tx| tx.set_text(&TextSettings::new().language(Some(Language::German))))?;
    let hit = db.recall(&snippet)?.hits.remove(0);
    let mark = hit.snippet.and_then(|snippet| snippet.marks.into_iter().next());
    assert_eq!(mark, Some(6..12));
    let refused = db.write(|tx| tx.set_text(&TextSettings::new().tags(9))).unwrap_err();
    assert_eq!(refused.to_string(), "text settings: a field must count 1 to 8 times");
    Ok(())
}

/// How many nodes are found by the word for a cat.
fn cats(db: &Db) -> usize {
    let graph = db.graph("default").read().unwrap();
    graph.search(&NodeSearch::new("Katze")).unwrap().len()
}

#[test]
fn a_language_outlasts_images_of_another() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("language.lith");
    let open = || Options::new().threads(false).open(&path);
    let db = open()?;
    let id = db.remember(NewMemory::new("Viele Katzen"))?;
    db.graph("default").upsert_nodes(vec![NewNode::new("k").name("Von Katzen")])?;
    db.checkpoint()?;
    assert!(found(&db, "Katze").is_empty() && cats(&db) == 0);
    db.write(|tx| tx.set_text(&TextSettings::new().language(Some(Language::German))))?;
    drop(db);
    for at in ["opened with images of before", "opened with its images"] {
        let db = open()?;
        assert_eq!((found(&db, "Katze"), cats(&db)), (vec![id.0], 1), "{at}");
        assert!(db.verify(&mut |_| {})?.is_clean(), "{at}");
        db.checkpoint()?;
    }
    Ok(())
}
