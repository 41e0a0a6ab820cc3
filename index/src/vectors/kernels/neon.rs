//! The dot product with NEON, which every aarch64 has.
//!
//! The sixteen products that a lane adds to each sum of 16 bits are at most 15 · 128 each: 30,720
//! fits. Pairs of those sums then go into 32 bits.
//!
//! **Invariant:** reads nothing outside the codes. Called through [`Kernel`](super::Kernel), which
//! has checked the lengths.

use std::arch::aarch64::{
    int8x16_t, int16x8_t, int32x4_t, uint8x16_t, vaddvq_s32, vandq_u8, vdupq_n_s16, vdupq_n_s32,
    vdupq_n_u8, vget_low_s8, vld1q_s8, vld1q_u8, vmlal_high_s8, vmlal_s8, vpadalq_s16,
    vreinterpretq_s8_u8, vshrq_n_u8,
};

use super::{GROUP, LANE_BYTES};

const QUARTER: usize = LANE_BYTES / 4;

const _: () = assert!(16 * 15 * 128 <= i16::MAX as i32);

type Quarters = [[u8; QUARTER]; 4];

#[target_feature(enable = "neon")]
pub(super) fn group(query: &[u8], rows: [&[u8]; GROUP]) -> [i32; GROUP] {
    let query = parts(query);
    let rows = rows.map(|row| &lanes(row)[..query.len()]);
    let mut sums = [vdupq_n_s32(0); GROUP];
    for (at, part) in query.iter().enumerate() {
        for (sum, row) in sums.iter_mut().zip(rows) {
            *sum = add_products(*sum, part, &row[at]);
        }
    }
    sums.map(|sum| vaddvq_s32(sum))
}

#[target_feature(enable = "neon")]
pub(super) fn dot(query: &[u8], plane: &[u8]) -> i32 {
    let mut sum = vdupq_n_s32(0);
    for (part, lane) in parts(query).iter().zip(lanes(plane)) {
        sum = add_products(sum, part, lane);
    }
    vaddvq_s32(sum)
}

fn lanes(plane: &[u8]) -> &[Quarters] {
    plane.as_chunks::<QUARTER>().0.as_chunks::<4>().0
}

fn parts(query: &[u8]) -> &[[Quarters; 2]] {
    lanes(query).as_chunks::<2>().0
}

#[target_feature(enable = "neon")]
fn load_nibbles(bytes: &[u8; QUARTER]) -> uint8x16_t {
    #[expect(unsafe_code, reason = "loads take a pointer")]
    // SAFETY: the array has the 16 bytes that are read, and the load needs no alignment.
    unsafe {
        vld1q_u8(bytes.as_ptr())
    }
}

#[target_feature(enable = "neon")]
fn load(bytes: &[u8; QUARTER]) -> int8x16_t {
    #[expect(unsafe_code, reason = "loads take a pointer")]
    // SAFETY: as in `load_nibbles`.
    unsafe {
        vld1q_s8(bytes.as_ptr().cast())
    }
}

#[target_feature(enable = "neon")]
fn add_products(sum: int32x4_t, part: &[Quarters; 2], lane: &Quarters) -> int32x4_t {
    let mut narrow = vdupq_n_s16(0);
    for (at, bytes) in lane.iter().enumerate() {
        let both = load_nibbles(bytes);
        let first = vreinterpretq_s8_u8(vandq_u8(both, vdupq_n_u8(15)));
        let second = vreinterpretq_s8_u8(vshrq_n_u8::<4>(both));
        narrow = add_pair(narrow, first, load(&part[0][at]));
        narrow = add_pair(narrow, second, load(&part[1][at]));
    }
    vpadalq_s16(sum, narrow)
}

#[target_feature(enable = "neon")]
fn add_pair(sum: int16x8_t, a: int8x16_t, b: int8x16_t) -> int16x8_t {
    vmlal_high_s8(vmlal_s8(sum, vget_low_s8(a), vget_low_s8(b)), a, b)
}
