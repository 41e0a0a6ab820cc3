//! `usearch`: a graph in C++, through its crate, with vectors of three widths. By inner product,
//! which ranks vectors of length one as cosine does, and is faster.

use super::{Contender, Parameters};
use crate::Failure;
use crate::data::Matrix;
use crate::data::bits::Bits;
use std::marker::PhantomData;
use usearch::{Index, IndexOptions, MetricKind, ScalarKind};

/// How components are stored.
pub(crate) trait Scalar: Sync {
    const KIND: ScalarKind;
    const NOTE: &'static str;
}

pub(crate) struct F32;
pub(crate) struct F16;
pub(crate) struct I8;

impl Scalar for F32 {
    const KIND: ScalarKind = ScalarKind::F32;
    const NOTE: &'static str = "crate 2.26, f32";
}

impl Scalar for F16 {
    const KIND: ScalarKind = ScalarKind::F16;
    const NOTE: &'static str = "crate 2.26, f16: no vectors in full precision";
}

impl Scalar for I8 {
    const KIND: ScalarKind = ScalarKind::I8;
    const NOTE: &'static str = "crate 2.26, i8: no vectors in full precision, no second scoring";
}

pub(crate) struct Usearch<S> {
    index: Index,
    scalar: PhantomData<S>,
}

impl<S: Scalar> Contender for Usearch<S> {
    type Filter = Bits;

    const NOTE: &'static str = S::NOTE;

    fn build(parameters: Parameters<'_>, vectors: &Matrix) -> Result<Self, Failure> {
        let index = Index::new(&IndexOptions {
            dimensions: vectors.dimension(),
            metric: MetricKind::IP,
            quantization: S::KIND,
            connectivity: parameters.m,
            expansion_add: parameters.ef_construction,
            expansion_search: 64,
            multi: false,
        })?;
        index.reserve(vectors.len())?;
        for (id, vector) in (0..).zip(vectors.rows()) {
            index.add(id, vector)?;
        }
        Ok(Self { index, scalar: PhantomData })
    }

    fn filter(bits: &Bits) -> Bits {
        bits.clone()
    }

    fn search(
        &self,
        query: &[f32],
        k: usize,
        effort: u32,
        filter: Option<&Bits>,
    ) -> Result<Vec<u32>, Failure> {
        self.index.change_expansion_search(effort as usize);
        let found = match filter {
            None => self.index.search(query, k)?,
            Some(bits) => self.index.filtered_search(query, k, |id| bits.contains(id as u32))?,
        };
        Ok(found.keys.iter().map(|&id| id as u32).collect())
    }

    fn bytes(&self) -> Option<u64> {
        Some(self.index.memory_usage() as u64)
    }

    fn remove(&mut self, ids: &[u32]) -> Result<(), Failure> {
        for &id in ids {
            self.index.remove(u64::from(id))?;
        }
        Ok(())
    }

    fn insert(&mut self, entries: &[(u32, &[f32])]) -> Result<(), Failure> {
        for &(id, vector) in entries {
            let id = u64::from(id);
            // An id that is there is refused.
            if self.index.contains(id) {
                self.index.remove(id)?;
            }
            if self.index.size() == self.index.capacity() {
                self.index.reserve(self.index.capacity() * 5 / 4)?;
            }
            self.index.add(id, vector)?;
        }
        Ok(())
    }
}
