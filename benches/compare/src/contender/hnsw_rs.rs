//! `hnsw_rs`: a graph in Rust, `f32`, with SIMD distances (feature `simdeez_f`).

use super::{Contender, Parameters};
use crate::Failure;
use crate::data::Matrix;
use crate::data::bits::Bits;
use hnsw_rs::prelude::{DistDot, FilterT, Hnsw, Neighbour};

/// Levels at most: its own limit.
const LEVELS: usize = 16;

pub(crate) struct HnswRs(Hnsw<'static, f32, DistDot>);

impl Contender for HnswRs {
    type Filter = Bits;

    const NOTE: &'static str = "crate 0.3.5, DistDot; says nothing of its bytes; no delete";
    const CAN_CHANGE: bool = false;

    fn build(parameters: Parameters<'_>, vectors: &Matrix) -> Result<Self, Failure> {
        let Parameters { m, ef_construction, .. } = parameters;
        let mut index = Hnsw::new(m, vectors.len(), LEVELS, ef_construction, DistDot);
        for (id, vector) in vectors.rows().enumerate() {
            index.insert((vector, id));
        }
        index.set_searching_mode(true);
        Ok(Self(index))
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
        let kept = filter.map(|bits| move |id: &usize| bits.contains(*id as u32));
        let kept = kept.as_ref().map(|kept| kept as &dyn FilterT);
        let found = self.0.search_filter(query, k, effort as usize, kept);
        Ok(found.iter().map(Neighbour::get_origin_id).map(|id| id as u32).collect())
    }

    fn bytes(&self) -> Option<u64> {
        None
    }
}
