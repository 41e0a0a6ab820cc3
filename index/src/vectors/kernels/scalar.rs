//! The dot product as it is defined; the oracle of the other kernels, and the one that runs where
//! none of them does.
//!
//! **Invariant:** plain safe code. Called through [`Kernel`](super::Kernel).

use super::{Lane, bytes_of};

pub(super) fn dots(query: &[Lane], codes: &[u8], dots: &mut [i32]) {
    let query = bytes_of(query);
    for (dot, code) in dots.iter_mut().zip(codes.chunks_exact(query.len())) {
        *dot = query
            .iter()
            .zip(code)
            .map(|(&a, &b)| i32::from(a.cast_signed()) * i32::from(b.cast_signed()))
            .sum();
    }
}
