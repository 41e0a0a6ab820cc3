//! The dot product as it is defined; the oracle of the other kernels, and the one that runs where
//! none of them does.
//!
//! **Invariant:** plain safe code. Called through [`Kernel`](super::Kernel).

use super::GROUP;

pub(super) fn group(query: &[u8], rows: [&[u8]; GROUP]) -> [i32; GROUP] {
    rows.map(|row| dot(query, row))
}

pub(super) fn dot(query: &[u8], code: &[u8]) -> i32 {
    let products = query
        .iter()
        .zip(code)
        .map(|(&a, &b)| i32::from(a.cast_signed()) * i32::from(b.cast_signed()));
    products.sum()
}
