//! The dot product as it is defined; the oracle of the other kernels, and the one that runs where
//! none of them does.
//!
//! **Invariant:** plain safe code. Called through [`Kernel`](super::Kernel).

use super::{GROUP, LANE_BYTES};

pub(super) fn group(query: &[u8], rows: [&[u8]; GROUP]) -> [i32; GROUP] {
    rows.map(|row| dot(query, row))
}

pub(super) fn dot(query: &[u8], plane: &[u8]) -> i32 {
    let product = |a: u8, nibble: u8| i32::from(a.cast_signed()) * i32::from(nibble);
    let lanes = query.chunks_exact(2 * LANE_BYTES).zip(plane.chunks_exact(LANE_BYTES));
    let sums = lanes.map(|(query, lane)| {
        let (first, second) = query.split_at(LANE_BYTES);
        let pairs = first.iter().zip(second).zip(lane);
        pairs.map(|((&a, &b), &both)| product(a, both & 15) + product(b, both >> 4)).sum::<i32>()
    });
    sums.sum()
}
