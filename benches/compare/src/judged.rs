//! How well a recall ranks what people judged, through the engine's public interface.
//!
//! A set NAME is four files: `NAME.jsonl.gz` or `NAMEs.jsonl.gz` (lines with `id`, `text`, and perhaps
//! `namespace`, `session`, `agent`), `NAME_f16.npy` or `NAMEs_f16.npy` (row i is the vector of
//! line i), `NAME_queries.jsonl` (`text`, `relevant`, perhaps `namespace`) and `NAME_queries_f16.npy`.
//!
//! **Invariant:** recall at k is the share of the relevant memories that are among the first k, nDCG is
//! binary; both are means over the questions that have a relevant memory. The row `defaults` is a request
//! of which nothing was set but the question.

use crate::Failure;
use crate::args::Judged;
use crate::data::Matrix;
use crate::data::npy;
use crate::report::table;
use flate2::read::MultiGzDecoder;
use memlith::{Db, Fusion, MemoryId, NewMemory, Options, Recall, View};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write, stdout};
use std::path::{Path, PathBuf};

/// Hits that are looked at.
const DEPTH: usize = 10;

#[derive(Deserialize)]
struct Line {
    id: String,
    text: String,
    namespace: Option<String>,
    session: Option<String>,
    agent: Option<String>,
}

#[derive(Deserialize)]
struct Question {
    text: String,
    relevant: Vec<String>,
    namespace: Option<String>,
}

/// What one way to ask comes to on one set.
#[derive(Serialize)]
struct Figures {
    set: String,
    request: &'static str,
    recall_at_5: f64,
    recall_at_10: f64,
    ndcg_at_10: f64,
    p50_us: f64,
}

/// A way to ask.
struct Way {
    name: &'static str,
    has_text: bool,
    has_vector: bool,
    change: fn(Recall) -> Recall,
}

const WAYS: [Way; 8] = [
    Way { name: "text, defaults", has_text: true, has_vector: false, change: |r| r },
    Way { name: "text, no context", has_text: true, has_vector: false, change: |r| r.context(0.0) },
    Way { name: "vector", has_text: false, has_vector: true, change: |r| r },
    Way { name: "hybrid, defaults", has_text: true, has_vector: true, change: |r| r },
    Way {
        name: "hybrid, no context",
        has_text: true,
        has_vector: true,
        change: |r| r.context(0.0),
    },
    Way {
        name: "hybrid, vectors half",
        has_text: true,
        has_vector: true,
        change: |r| r.weights(1.0, 0.5),
    },
    Way {
        name: "hybrid, vectors double",
        has_text: true,
        has_vector: true,
        change: |r| r.weights(1.0, 2.0),
    },
    Way {
        name: "hybrid, ranks k=60",
        has_text: true,
        has_vector: true,
        change: |r| r.fusion(Fusion::ReciprocalRank { k: 60.0 }),
    },
];

/// Memories in a file, and questions about them.
struct Set {
    db: Db,
    number_of: HashMap<String, MemoryId>,
    questions: Vec<Question>,
    vectors: Matrix,
}

/// Measures, prints a table and writes a file.
pub(crate) fn run(args: &Judged) -> Result<(), Failure> {
    let mut figures = Vec::new();
    for name in &args.sets {
        let set = Set::load(&args.data, name)?;
        let view = set.db.read()?;
        for way in &WAYS {
            figures.push(set.measure(&view, name, way)?);
        }
    }
    let mut rows = table(&["set", "request", "recall@5", "recall@10", "nDCG@10", "p50 us"], 2);
    for of in &figures {
        let shares = [of.recall_at_5, of.recall_at_10, of.ndcg_at_10];
        let mut row = vec![of.set.clone(), of.request.to_owned()];
        row.extend(shares.map(|share| format!("{share:.3}")));
        row.push(format!("{:.0}", of.p50_us));
        rows.add_row(row);
    }
    writeln!(stdout().lock(), "{rows}")?;
    if let Some(path) = &args.json {
        fs::write(path, serde_json::to_string_pretty(&figures)? + "\n")?;
    }
    Ok(())
}

impl Set {
    fn load(folder: &Path, name: &str) -> Result<Self, Failure> {
        let file = |end: &str| -> PathBuf {
            let plain = folder.join(format!("{name}{end}"));
            if plain.exists() { plain } else { folder.join(format!("{name}s{end}")) }
        };
        let memories: Vec<Line> = lines(MultiGzDecoder::new(File::open(file(".jsonl.gz"))?))?;
        let embeddings = npy::read(&file("_f16.npy"))?;
        if embeddings.len() != memories.len() {
            return Err("there are not as many vectors as lines".into());
        }
        let db = Options::new().in_memory()?;
        let mut ids = Vec::with_capacity(memories.len());
        for (at, chunk) in memories.chunks(1000).enumerate() {
            let new = |(row, line): (usize, &Line)| {
                let mut new =
                    NewMemory::new(&*line.text).vector(embeddings.row(at * 1000 + row).to_vec());
                if let Some(namespace) = &line.namespace {
                    new = new.namespace(namespace);
                }
                new.session.clone_from(&line.session);
                new.agent.clone_from(&line.agent);
                new
            };
            ids.extend(db.remember_batch(chunk.iter().enumerate().map(new).collect())?);
        }
        let number_of = memories.into_iter().map(|line| line.id).zip(ids).collect();
        let questions = lines(File::open(folder.join(format!("{name}_queries.jsonl")))?)?;
        let vectors = npy::read(&folder.join(format!("{name}_queries_f16.npy")))?;
        Ok(Set { db, number_of, questions, vectors })
    }

    fn measure(&self, view: &View, set: &str, way: &Way) -> Result<Figures, Failure> {
        let (mut sums, mut asked, mut micros) = ([0.0; 3], 0.0, Vec::new());
        for (question, vector) in self.questions.iter().zip(self.vectors.rows()) {
            let relevant = question.relevant.iter().filter_map(|id| self.number_of.get(id));
            let relevant: HashSet<MemoryId> = relevant.copied().collect();
            if relevant.is_empty() {
                continue;
            }
            let mut request = Recall::new();
            if way.has_text {
                request = request.text(&*question.text);
            }
            if way.has_vector {
                request = request.vector(vector);
            }
            request.namespace.clone_from(&question.namespace);
            let answer = view.recall(&(way.change)(request))?;
            micros.push(answer.micros as f64);
            let is_relevant: Vec<bool> =
                answer.hits.iter().map(|hit| relevant.contains(&hit.id())).collect();
            let found = |depth| is_relevant.iter().take(depth).filter(|is| **is).count() as f64;
            let gain = |rank: usize| 1.0 / (rank as f64 + 2.0).log2();
            let gained = is_relevant.iter().enumerate().filter(|(_, is)| **is);
            let ideal: f64 = (0..relevant.len().min(DEPTH)).map(gain).sum();
            sums[0] += found(5) / relevant.len() as f64;
            sums[1] += found(DEPTH) / relevant.len() as f64;
            sums[2] += gained.map(|(rank, _)| gain(rank)).sum::<f64>() / ideal;
            asked += 1.0;
        }
        micros.sort_by(f64::total_cmp);
        let [recall_at_5, recall_at_10, ndcg_at_10] = sums.map(|sum| sum / f64::max(asked, 1.0));
        let p50_us = micros.get(micros.len() / 2).copied().unwrap_or(f64::NAN);
        let (set, request) = (set.to_owned(), way.name);
        Ok(Figures { set, request, recall_at_5, recall_at_10, ndcg_at_10, p50_us })
    }
}

fn lines<T: for<'a> Deserialize<'a>>(reader: impl Read) -> Result<Vec<T>, Failure> {
    BufReader::new(reader).lines().map(|line| Ok(serde_json::from_str(&line?)?)).collect()
}
