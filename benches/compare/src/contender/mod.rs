//! Those that are compared.
//!
//! A contender in Rust is one small file with one implementation of [`Contender`] and a line in
//! [`ALL`]; one in Python is a class in `rivals.py` and a line in [`ALL`].

mod hannoy;
mod hnsw_rs;
mod memlith;
mod usearch;

use crate::Failure;
use crate::args::Serve;
use crate::data::Matrix;
use crate::data::bits::Bits;
use crate::serve;
use memmap2::{Mmap, MmapMut};
use std::path::Path;

/// The name of ours.
pub(crate) const OURS: &str = "memlith";

/// What the graphs are built with.
#[derive(Clone, Copy)]
pub(crate) struct Parameters<'a> {
    /// Links of a node; twice as many on the lowest level.
    pub(crate) m: usize,
    pub(crate) ef_construction: usize,
    /// A folder for those that need files.
    pub(crate) folder: &'a Path,
}

/// An index of unit vectors, by cosine. Ids are dense.
pub(crate) trait Contender: Sized + Sync {
    /// A set of ids in the form that `search` wants. Making it is not timed.
    type Filter: Sync;

    /// What a reader of its figures should know.
    const NOTE: &'static str;
    /// Efforts worth measuring, ascending: `ef` of a graph.
    const EFFORTS: &'static [u32] = &[10, 14, 20, 28, 40, 56, 80, 112, 160, 224, 320, 448, 640];
    /// Efforts under filters; empty for those that have none.
    const FILTER_EFFORTS: &'static [u32] = &[50, 200];
    /// Can it remove and overwrite?
    const CAN_CHANGE: bool = true;

    /// The index of the vectors, with their numbers as ids, by one thread.
    fn build(parameters: Parameters<'_>, vectors: &Matrix) -> Result<Self, Failure>;

    fn filter(bits: &Bits) -> Self::Filter;

    /// The ids of the `k` nearest, best first.
    fn search(
        &self,
        query: &[f32],
        k: usize,
        effort: u32,
        filter: Option<&Self::Filter>,
    ) -> Result<Vec<u32>, Failure>;

    /// What the index says that it takes, vectors included. `None` if it says nothing.
    fn bytes(&self) -> Option<u64>;

    fn remove(&mut self, _ids: &[u32]) -> Result<(), Failure> {
        Err("it cannot remove".into())
    }

    /// Gives ids vectors, whether they have one or not.
    fn insert(&mut self, _entries: &[(u32, &[f32])]) -> Result<(), Failure> {
        Err("it cannot overwrite".into())
    }
}

/// Where a contender runs.
#[derive(Clone, Copy)]
pub(crate) enum Home {
    /// In this program.
    Rust(fn(&Serve) -> Result<(), Failure>),
    /// In `rivals.py`.
    Python,
}

/// All that can be compared, ours first.
pub(crate) const ALL: &[(&str, Home)] = &[
    (OURS, Home::Rust(serve::run::<memlith::Memlith<Mmap>>)),
    ("memlith-read", Home::Rust(serve::run::<memlith::Memlith<MmapMut>>)),
    ("hnsw_rs", Home::Rust(serve::run::<hnsw_rs::HnswRs>)),
    ("usearch-f32", Home::Rust(serve::run::<usearch::Usearch<usearch::F32>>)),
    ("usearch-f16", Home::Rust(serve::run::<usearch::Usearch<usearch::F16>>)),
    ("usearch-i8", Home::Rust(serve::run::<usearch::Usearch<usearch::I8>>)),
    ("hannoy", Home::Rust(serve::run::<hannoy::Hannoy>)),
    ("hnswlib", Home::Python),
    ("faiss", Home::Python),
    ("faiss-sq8", Home::Python),
    ("usearch-py-f16", Home::Python),
];

/// Is the contender that the command line names, until standard input ends.
pub(crate) fn serve(args: &Serve) -> Result<(), Failure> {
    match ALL.iter().find(|(name, _)| *name == args.contender) {
        Some((_, Home::Rust(serve))) => serve(args),
        _ => Err(format!("no contender {} here", args.contender).into()),
    }
}
