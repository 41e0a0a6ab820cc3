//! The dot product with NEON, which every aarch64 has.
//!
//! Two products are added in 16 bits: 2 · 127 · 127 = 32,258 fits. Pairs of those sums then go
//! into 32 bits.
//!
//! **Invariant:** reads nothing outside the codes. Called through [`Kernel`](super::Kernel), which
//! has checked the lengths.

use std::arch::aarch64::{
    int8x16_t, int32x4_t, vaddvq_s32, vdupq_n_s32, vget_low_s8, vld1q_s8, vmlal_high_s8, vmull_s8,
    vpadalq_s16,
};

use super::GROUP;

const QUARTER: usize = 16;

#[target_feature(enable = "neon")]
pub(super) fn group(query: &[u8], rows: [&[u8]; GROUP]) -> [i32; GROUP] {
    let (query, _) = query.as_chunks::<QUARTER>();
    let rows = rows.map(|row| &row.as_chunks::<QUARTER>().0[..query.len()]);
    let mut sums = [vdupq_n_s32(0); GROUP];
    for (at, q) in query.iter().enumerate() {
        let q = load(q);
        for (sum, row) in sums.iter_mut().zip(rows) {
            *sum = add_products(*sum, q, load(&row[at]));
        }
    }
    sums.map(|sum| vaddvq_s32(sum))
}

#[target_feature(enable = "neon")]
pub(super) fn dot(query: &[u8], code: &[u8]) -> i32 {
    let mut sum = vdupq_n_s32(0);
    for (q, code) in query.as_chunks::<QUARTER>().0.iter().zip(code.as_chunks::<QUARTER>().0) {
        sum = add_products(sum, load(q), load(code));
    }
    vaddvq_s32(sum)
}

#[target_feature(enable = "neon")]
fn load(bytes: &[u8; QUARTER]) -> int8x16_t {
    #[expect(unsafe_code, reason = "loads take a pointer")]
    // SAFETY: the array has the 16 bytes that are read, and the load needs no alignment.
    unsafe {
        vld1q_s8(bytes.as_ptr().cast())
    }
}

#[target_feature(enable = "neon")]
fn add_products(sum: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
    let low = vmull_s8(vget_low_s8(a), vget_low_s8(b));
    vpadalq_s16(sum, vmlal_high_s8(low, a, b))
}
