//! One query over several vector spaces: what is near in any of them, each memory once.

use memlith::{
    Db, Embedder, EmbedderError, ErrorKind, Leg, LegOutcome, MemoryId, Metric, Nearest, NewMemory,
    Options, Recall, SearchEffort, Space,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

type Result<T> = std::result::Result<T, memlith::Error>;

/// Says of a text how long it is and how many of its letters are an `a`.
struct Counts;

impl Embedder for Counts {
    fn identity(&self) -> &'static str {
        "counts"
    }

    fn dimension(&self) -> usize {
        2
    }

    fn embed(&self, texts: &[&str]) -> std::result::Result<Vec<Vec<f32>>, EmbedderError> {
        let one = |text: &&str| vec![text.len() as f32, text.matches('a').count() as f32];
        Ok(texts.iter().map(one).collect())
    }
}

fn with_spaces() -> Result<Db> {
    let db = Options::new().threads(false).in_memory()?;
    db.create_space(&Space::new("flat", 2).metric(Metric::L2))?;
    db.create_space(&Space::new("deep", 3).metric(Metric::Dot))?;
    Ok(db)
}

fn ids(answer: &memlith::Recalled) -> Vec<MemoryId> {
    answer.hits.iter().map(memlith::Hit::id).collect()
}

#[test]
fn a_memory_that_is_near_in_two_spaces_is_one_hit_before_those_that_are_in_one() -> Result<()> {
    let db = with_spaces()?;
    let both = NewMemory::new("both").vector_in("flat", [1.0, 1.0]).vector_in("deep", [5.0; 3]);
    let both = db.remember(both)?;
    let flat = db.remember(NewMemory::new("flat").vector_in("flat", [1.0, 2.0]))?;
    let deep = db.remember(NewMemory::new("deep").vector_in("deep", [4.0; 3]))?;
    db.remember(NewMemory::new("far").vector_in("flat", [9.0, 9.0]).vector_in("deep", [-1.0; 3]))?;
    let request = Recall::new().space("flat").vector([1.0, 1.0]).also_in("deep", [1.0; 3]);
    let answer = db.recall(&request.clone().explain(true))?;
    assert_eq!(ids(&answer)[..1], [both]);
    assert_eq!(answer.hits.len(), 4);
    assert!((answer.hits[0].score - 1.0).abs() < 1e-6, "{}", answer.hits[0].score);
    let legs: Vec<_> =
        answer.legs.iter().map(|report| (report.leg, report.space.as_deref())).collect();
    assert_eq!(legs, [(Leg::Vector, Some("flat")), (Leg::Vector, Some("deep"))]);
    let parts = &answer.hits[0].explanation.as_ref().unwrap().legs;
    let parts: Vec<_> =
        parts.iter().map(|leg| (leg.space.as_deref(), leg.rank, leg.raw, leg.weight)).collect();
    assert_eq!(parts, [(Some("flat"), Some(1), 0.0, 0.5), (Some("deep"), Some(1), 15.0, 0.5)]);

    let near =
        db.read()?.nearest(&Nearest::to([1.0, 1.0]).space("flat").also_in("deep", [1.0; 3]))?;
    let scores = |answer: &memlith::Recalled| -> Vec<(MemoryId, f32)> {
        answer.hits.iter().map(|hit| (hit.id(), hit.score)).collect()
    };
    let found: Vec<_> = near[0].iter().map(|near| (near.id, near.score)).collect();
    assert_eq!(found, scores(&answer), "both go one way");
    assert!(found.iter().any(|(id, _)| *id == flat) && found.iter().any(|(id, _)| *id == deep));
    let best = db.recall(&request.limit(1))?;
    assert_eq!(ids(&best), [both]);
    Ok(())
}

#[test]
fn each_named_space_with_an_embedder_embeds_the_text_and_the_others_say_why_not() -> Result<()> {
    let db = Options::new().threads(false).embedder_for("counts", Counts).in_memory()?;
    db.create_space(&Space::new("bare", 1).metric(Metric::L2))?;
    let banana = db.remember(NewMemory::new("banana"))?;
    let plum = db.remember(NewMemory::new("plum"))?;
    db.update(plum, &memlith::Patch::new().vector_in("bare", [1.0]))?;
    let text = Recall::new().text("papaya").weights(0.0, 1.0);
    let answer = db.recall(&text.clone().space("counts").also_embedded_in("bare"))?;
    assert_eq!(ids(&answer)[0], banana);
    assert!(matches!(answer.legs[0].outcome, LegOutcome::Ran { candidates: 2 }));
    assert_eq!(answer.legs[1].space.as_deref(), Some("bare"));
    assert!(matches!(answer.legs[1].outcome, LegOutcome::NotRun { .. }));
    // Given a vector, it runs.
    let answer = db.recall(&text.space("counts").also_in("bare", [1.0]))?;
    assert!(answer.legs.iter().all(|leg| matches!(leg.outcome, LegOutcome::Ran { .. })));
    Ok(())
}

#[test]
fn a_request_is_refused_that_names_a_space_twice_or_one_that_is_not_there() -> Result<()> {
    let db = with_spaces()?;
    db.remember(NewMemory::new("a").vector_in("flat", [1.0, 1.0]).vector_in("deep", [1.0; 3]))?;
    let flat = || Recall::new().space("flat").vector([1.0, 1.0]);
    let kind = |request: Recall| db.recall(&request).unwrap_err().kind();
    assert_eq!(kind(flat().also_in("flat", [1.0, 1.0])), ErrorKind::InvalidInput);
    assert_eq!(kind(flat().also_in("none", [1.0, 1.0])), ErrorKind::NotFound);
    assert_eq!(kind(flat().also_in("deep", [1.0, 1.0])), ErrorKind::DimensionMismatch);
    let many = (0..64).fold(flat(), |request, n| request.also_in(n.to_string(), [1.0]));
    assert_eq!(kind(many), ErrorKind::LimitExceeded);
    let view = db.read()?;
    let kind = |request: Nearest| view.nearest(&request).unwrap_err().kind();
    let flat = || Nearest::to([1.0, 1.0]).space("flat");
    assert_eq!(kind(flat().also_in("flat", [1.0, 1.0])), ErrorKind::InvalidInput);
    assert_eq!(kind(flat().also_in("none", [1.0, 1.0])), ErrorKind::NotFound);
    assert_eq!(kind(flat().also_in("deep", [1.0])), ErrorKind::DimensionMismatch);
    assert_eq!(kind(flat().also_each_in("deep", vec![vec![1.0; 3]; 2])), ErrorKind::InvalidInput);
    Ok(())
}

/// What the documentation says, without an index.
fn naive(
    memories: &BTreeMap<MemoryId, [Option<Vec<f32>>; 2]>,
    queries: [&[f32]; 2],
) -> Vec<(MemoryId, f32)> {
    let score = |space: usize, v: &[f32]| -> f32 {
        let pairs = v.iter().zip(queries[space]).map(|(a, b)| (f64::from(*a), f64::from(*b)));
        match space {
            0 => 0.0 - pairs.map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt() as f32,
            _ => pairs.map(|(a, b)| a * b).sum::<f64>() as f32,
        }
    };
    let mut merged: BTreeMap<MemoryId, f32> = BTreeMap::new();
    for space in 0..2 {
        let scores: Vec<(MemoryId, f32)> = memories
            .iter()
            .filter_map(|(id, vectors)| Some((*id, score(space, vectors[space].as_ref()?))))
            .collect();
        let least = scores.iter().map(|(_, s)| *s).fold(f32::INFINITY, f32::min);
        let best = scores.iter().map(|(_, s)| *s).fold(f32::NEG_INFINITY, f32::max);
        for (id, score) in scores {
            let unit = if best > least { (score - least) / (best - least) } else { 1.0 };
            *merged.entry(id).or_default() += 0.5 * unit;
        }
    }
    merged.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn hits_are_merged_by_the_mean_of_their_scores(
        vectors in prop::collection::vec(
            (
                prop::option::of(prop::array::uniform2(-9_i8..9)),
                prop::option::of(prop::array::uniform3(-9_i8..9)),
            ),
            1..40,
        ),
        flat in prop::array::uniform2(-9_i8..9),
        deep in prop::array::uniform3(-9_i8..9),
    ) {
        let floats = |v: &[i8]| v.iter().map(|x| f32::from(*x)).collect::<Vec<f32>>();
        let db = with_spaces().unwrap();
        let mut memories = BTreeMap::new();
        for (a, b) in vectors {
            let (a, b) = (a.map(|v| floats(&v)), b.map(|v| floats(&v)));
            let mut new = NewMemory::new("");
            for (name, vector) in [("flat", &a), ("deep", &b)] {
                if let Some(vector) = vector {
                    new = new.vector_in(name, vector.clone());
                }
            }
            memories.insert(db.remember(new).unwrap(), [a, b]);
        }
        let (flat, deep) = (floats(&flat), floats(&deep));
        let expected = naive(&memories, [&flat, &deep]);
        let request = Nearest::to(flat).space("flat").also_in("deep", deep).limit(100);
        let found = db.read().unwrap().nearest(&request.effort(SearchEffort::Exact)).unwrap();
        let found: BTreeMap<MemoryId, f32> = found[0].iter().map(|n| (n.id, n.score)).collect();
        prop_assert_eq!(found.len(), expected.len());
        for (id, score) in expected {
            prop_assert!((found[&id] - score).abs() < 1e-5, "{} and {}", found[&id], score);
        }
    }
}
