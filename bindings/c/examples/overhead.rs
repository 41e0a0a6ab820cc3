//! What the C door costs over a call in Rust, and what Rust takes for what `bindings/python/bench.py`
//! measures: `overhead FOLDER`, where the two share files. `scripts/doors-bench` runs both.
#![expect(unsafe_code, reason = "calls what C calls")]
#![expect(clippy::print_stdout, reason = "it prints what it measures")]

use fastrand::Rng;
use memlith::{Db, NewMemory, Options, Recall};
use memlith_capi::{
    ML_DEFAULT, ml_answer_free, ml_answer_len, ml_db_close, ml_db_open, ml_db_recall, ml_floats,
    ml_options, ml_recall, ml_status, ml_str,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::ptr::{null, null_mut};
use std::time::Instant;

const MEMORIES: usize = 1_000;
const BULK: usize = 50_000;
const DIMENSION: usize = 384;
const ROUNDS: usize = 21;
const CALLS: usize = 5_000;
const BATCH: usize = 1_000;

fn main() -> memlith::Result<()> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".into()));
    let query = queries(&folder)?;
    recalls(&folder.join("recall.lith"), &query)?;
    bulk(&folder)
}

fn vector(rng: &mut Rng) -> Vec<f32> {
    (0..DIMENSION).map(|_| rng.f32() - 0.5).collect()
}

/// Fills the file that recalls are measured on, and says what is asked.
fn queries(folder: &Path) -> memlith::Result<Vec<f32>> {
    let mut rng = Rng::with_seed(1);
    let path = folder.join("recall.lith");
    let _ = fs::remove_file(&path);
    let db = Db::open(&path)?;
    let memory = |n: usize, rng: &mut Rng| {
        NewMemory::new(format!("memory {n} of a kettle")).kind("fact").vector(vector(rng))
    };
    db.remember_batch((0..MEMORIES).map(|n| memory(n, &mut rng)).collect())?;
    db.close()?;
    Ok(vector(&mut rng))
}

/// The same recall, in turns, under a filter that keeps nothing: there is little but the door to be measured.
fn recalls(path: &Path, query: &[f32]) -> memlith::Result<()> {
    let db = Options::new().background_threads(0).open_read_only(path)?;
    let nothing: memlith::Filter = "none".parse().map_err(memlith::Error::from)?;
    let request = Recall::new().vector(query).limit(10).filter(nothing);
    let text = path.display().to_string();
    let view = |text: &str| ml_str { ptr: text.as_ptr().cast(), len: text.len() };
    let asked = ml_recall {
        struct_size: size_of::<ml_recall>(),
        text: ml_str { ptr: null(), len: 0 },
        vector: ml_floats { ptr: query.as_ptr(), len: query.len() },
        space: ml_str { ptr: null(), len: 0 },
        ns: ml_str { ptr: null(), len: 0 },
        filter: view("none"),
        limit: 10,
        min_score: f32::NAN,
        text_weight: 1.0,
        vector_weight: 1.0,
        recency_weight: 0.0,
        importance_weight: 0.0,
        effort: 0,
        half_life_ms: 1,
        deadline_ms: 0,
        include_superseded: 0,
        explain: 0,
        cancellation: null(),
    };
    let options = ml_options {
        struct_size: size_of::<ml_options>(),
        read_only: 1,
        no_create: 0,
        verify_on_open: 0,
        no_mapping: 0,
        durability: 0,
        background_threads: 0,
        background_cpu: 0,
        reserved: 0,
        memory_limit: ML_DEFAULT,
        busy_timeout_ms: ML_DEFAULT,
        close_timeout_ms: ML_DEFAULT,
        background_io: ML_DEFAULT,
        snapshot_max_age_ms: ML_DEFAULT,
        snapshot_max_bytes: ML_DEFAULT,
        log_max_rows: ML_DEFAULT,
        log_max_age_ms: ML_DEFAULT,
        seal_bytes: ML_DEFAULT,
        embedders: null(),
        embedder_count: 0,
        graph_delta_bytes: ML_DEFAULT,
        graph_bytes: ML_DEFAULT,
        answer_cache_bytes: ML_DEFAULT,
        graph_cache_bytes: ML_DEFAULT,
        embedding_cache_bytes: ML_DEFAULT,
        max_searches: ML_DEFAULT,
        embedding_file_bytes: ML_DEFAULT,
    };
    let mut c_db = null_mut();
    // SAFETY: arguments that live through the call.
    let status = unsafe { ml_db_open(view(&text), &raw const options, &raw mut c_db, null_mut()) };
    assert_eq!(status, ml_status::ML_OK);

    let (mut in_rust, mut in_c) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let started = Instant::now();
        for _ in 0..CALLS {
            let recalled = db.recall(&request.clone())?;
            assert_eq!(recalled.hits.len(), 0);
        }
        in_rust.push(started.elapsed().as_secs_f64() / CALLS as f64 * 1e6);
        let started = Instant::now();
        for _ in 0..CALLS {
            let mut answer = null_mut();
            // SAFETY: arguments that live through the call.
            let status =
                unsafe { ml_db_recall(c_db, &raw const asked, &raw mut answer, null_mut()) };
            assert_eq!(status, ml_status::ML_OK);
            // SAFETY: an answer that was just given.
            assert_eq!(unsafe { ml_answer_len(answer) }, 0);
            // SAFETY: as above.
            let freed = unsafe { ml_answer_free(answer) };
            assert_eq!(freed, ml_status::ML_OK);
        }
        in_c.push(started.elapsed().as_secs_f64() / CALLS as f64 * 1e6);
    }
    let each = in_rust.iter().zip(&in_c).map(|(rust, c)| c - rust);
    let difference = median(each.collect());
    let (rust, c) = (median(in_rust), median(in_c));
    println!(
        "a recall that finds nothing: Rust {rust:.2} us, C {c:.2} us; the door {difference:.2} us"
    );
    // SAFETY: a database in force.
    let closed = unsafe { ml_db_close(c_db, null_mut()) };
    assert_eq!(closed, ml_status::ML_OK);
    Ok(())
}

/// Remembers a matrix, a thousand a transaction, as `bench.py` does from numpy.
fn bulk(folder: &Path) -> memlith::Result<()> {
    let mut rng = Rng::with_seed(2);
    let matrix: Vec<Vec<f32>> = (0..BULK).map(|_| vector(&mut rng)).collect();
    let contents: Vec<String> = (0..BULK).map(|n| format!("memory {n} of many")).collect();
    let mut seconds = Vec::new();
    for _ in 0..3 {
        let path = folder.join("bulk.lith");
        let _ = fs::remove_file(&path);
        let db = Db::open(&path)?;
        let started = Instant::now();
        for (rows, contents) in matrix.chunks(BATCH).zip(contents.chunks(BATCH)) {
            let batch = rows.iter().zip(contents);
            let batch = batch.map(|(row, content)| NewMemory::new(content).vector(row.as_slice()));
            db.remember_batch(batch.collect())?;
        }
        seconds.push(started.elapsed().as_secs_f64());
        db.close()?;
    }
    println!("remembering {BULK} with vectors: Rust {:.2} s", median(seconds));
    Ok(())
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
