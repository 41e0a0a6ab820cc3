//! By which words memories are found: those of their fields, stemmed in the language of the file or of the namespace.

#![expect(clippy::unwrap_used, reason = "an error where none should be fails the test")]

use memlith::{
    Db, Language, Likeness, NewMemory, NewNode, NodeSearch, Options, Patch, Recall, Result,
    TextSettings,
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

const ENGLISH: Option<Language> = Some(Language::English);
const GERMAN: Option<Language> = Some(Language::German);

/// German in `reisen`, English elsewhere.
fn bilingual() -> TextSettings {
    TextSettings::new().language_of("reisen", GERMAN)
}

fn in_namespace(db: &Db, namespace: &str, words: &str) -> Vec<u64> {
    let request = Recall::new().text(words).signs(true).namespace(namespace);
    db.recall(&request).unwrap().hits.iter().map(|hit| hit.memory.id.0).collect()
}

fn nodes(db: &Db, namespace: &str, words: &str) -> usize {
    let graph = db.graph(namespace).read().unwrap();
    graph.search(&NodeSearch::new(words)).unwrap().len()
}

#[test]
fn each_namespace_is_stemmed_in_its_language_also_from_images() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("languages.lith");
    let open = || Options::new().threads(false).open(&path);
    let db = open()?;
    let german = db.remember(NewMemory::new("Zwei Häuser am See").namespace("reisen"))?.0;
    let english = db.remember(NewMemory::new("Walking between houses"))?.0;
    for namespace in ["reisen", "default"] {
        db.graph(namespace).upsert_nodes(vec![NewNode::new("k").name("Von Katzen")])?;
    }
    db.checkpoint()?;
    assert!(in_namespace(&db, "reisen", "Häusern").is_empty());
    db.write(|tx| tx.set_text(&bilingual()))?;
    let check = |db: &Db, at: &str| {
        assert_eq!(in_namespace(db, "reisen", "Häusern"), [german], "{at}");
        assert_eq!(in_namespace(db, "default", "walks"), [english], "{at}");
        assert_eq!(found(db, "walks Häusern").len(), 2, "{at}");
        assert_eq!((nodes(db, "reisen", "Katze"), nodes(db, "default", "Katze")), (1, 0), "{at}");
        assert_eq!(db.stats().unwrap().text, bilingual(), "{at}");
        assert!(db.verify(&mut |_| {}).unwrap().is_clean(), "{at}");
    };
    check(&db, "as it was written");
    drop(db);
    for at in ["opened with images of before", "opened with its images"] {
        let db = open()?;
        check(&db, at);
        db.checkpoint()?;
    }
    let db = open()?;
    db.rebuild(&mut |_, _| {})?;
    check(&db, "made anew");
    db.write(|tx| tx.set_text(&bilingual().language_of("reisen", None)))?;
    drop(db);
    let db = open()?;
    assert!(
        in_namespace(&db, "reisen", "Häusern").is_empty() && nodes(&db, "reisen", "Katze") == 0
    );
    assert_eq!(in_namespace(&db, "reisen", "häuser"), [german]);
    assert!(db.verify(&mut |_| {})?.is_clean());
    Ok(())
}

#[test]
fn a_question_to_several_namespaces_asks_in_their_languages() -> Result<()> {
    let db = Options::new().threads(false).in_memory()?;
    db.write(|tx| tx.set_text(&bilingual()))?;
    let german =
        db.remember(NewMemory::new("Zwei Häuser mit Karten am See").namespace("reisen"))?.0;
    let english = db.remember(NewMemory::new("Walking between houses and the Seen"))?.0;
    let asked = |request: Recall| {
        let mut found: Vec<_> =
            db.recall(&request.signs(true))?.hits.iter().map(|hit| hit.memory.id.0).collect();
        found.sort_unstable();
        Ok::<_, memlith::Error>(found)
    };
    let text = |words: &str| Recall::new().text(words);
    assert_eq!(asked(text("walks, Häusern"))?, [german, english]);
    assert_eq!(asked(text("+walks"))?, [english]);
    assert_eq!(asked(text("+Häusern"))?, [german]);
    assert_eq!(asked(text("house Häusern -walked"))?, [german]);
    assert_eq!(asked(text("house Häusern -Hauses"))?, [english]);
    assert_eq!(asked(text("\"zwei Haus\""))?, [german]);
    assert_eq!(asked(text("\"walked between\""))?, [english]);
    assert_eq!(asked(text("hous*"))?, [english]);
    assert_eq!(asked(text("Häusern").filter("namespace:reisen".parse()?))?, [german]);
    assert_eq!(asked(text("Häusern").filter("not namespace:reisen".parse()?))?, [0; 0]);
    for words in [" Karten ", " houses "] {
        let filter = format!("content contains \"{words}\"").parse()?;
        assert_eq!(db.read()?.count(None, Some(&filter))?, 1, "{words}");
    }
    Ok(())
}

#[test]
fn what_is_shown_of_a_memory_is_in_its_language() -> Result<()> {
    let db = Options::new().threads(false).in_memory()?;
    db.write(|tx| tx.set_text(&bilingual()))?;
    let said = "Der Schlüssel und die Karten liegen unter den Blumentöpfen";
    db.remember(NewMemory::new(said).namespace("reisen"))?;
    db.remember(NewMemory::new("the keys are under the flower pots"))?;
    let request = Recall::new().text("Karte, key: the Blumentopf").snippet(100).explain(true);
    let shown = |request: &Recall| {
        let mut shown = Vec::new();
        for hit in db.recall(request)?.hits {
            let snippet = hit.snippet.unwrap_or_default();
            let marks = snippet.marks.iter().map(|mark| snippet.text[mark.clone()].to_owned());
            let terms = hit.explanation.map(|explanation| explanation.matched_terms);
            shown.push((marks.collect::<Vec<_>>(), terms.unwrap_or_default()));
        }
        shown.sort();
        Ok::<_, memlith::Error>(shown)
    };
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let expected = vec![
        (words(&["Karten", "Blumentöpfen"]), words(&["blumentopf", "kart"])),
        (words(&["keys"]), words(&["key"])),
    ];
    assert_eq!(shown(&request)?, expected);
    // Also where its words are compared with those of others.
    assert_eq!(shown(&request.clone().diversity(0.5))?, expected);
    db.remember(NewMemory::new(said))?;
    let keys = Recall::new().text("Schlüssel").collapse(Likeness::default());
    let hits = db.recall(&keys)?.hits;
    assert_eq!((hits.len(), hits[0].duplicates.len()), (1, 1), "a copy is one in any language");
    let again = "Der Schlüssel und die Karte liegen unter den Blumentopf";
    let new = NewMemory::new(again).namespace("reisen");
    let like = |new: &NewMemory| {
        Ok::<_, memlith::Error>(db.read()?.resembling(new, Likeness::new(0.5, 1.0))?.len())
    };
    assert_eq!((like(&new)?, like(&new.clone().namespace("default"))?), (1, 0));
    Ok(())
}

#[test]
fn a_namespace_needs_a_name_to_have_a_language() -> Result<()> {
    let db = Options::new().threads(false).in_memory()?;
    let settings = TextSettings::new().language_of("", ENGLISH);
    let refused = db.write(|tx| tx.set_text(&settings)).unwrap_err();
    assert_eq!(refused.to_string(), "namespace: must not be empty");
    Ok(())
}
