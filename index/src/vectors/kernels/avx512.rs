//! The dot product with AVX-512 VNNI.
//!
//! `dpbusd` multiplies the unsigned nibbles by the signed bytes of the query and adds four products
//! into 32 bits at once.
//!
//! **Invariant:** reads nothing outside the codes. Called through [`Kernel`](super::Kernel), which
//! has checked for the instructions and the lengths.

use std::arch::x86_64::{
    __m512i, _mm512_and_si512, _mm512_dpbusd_epi32, _mm512_loadu_si512, _mm512_reduce_add_epi32,
    _mm512_set1_epi8, _mm512_setzero_si512, _mm512_srli_epi16,
};

use super::{GROUP, LANE_BYTES};

pub(super) fn is_available() -> bool {
    super::avx2::is_available()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vnni")
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn group(query: &[u8], rows: [&[u8]; GROUP]) -> [i32; GROUP] {
    let query = parts(query);
    let rows = rows.map(|row| &row.as_chunks::<LANE_BYTES>().0[..query.len()]);
    let mut sums = [_mm512_setzero_si512(); GROUP];
    for (at, part) in query.iter().enumerate() {
        let part = [load(&part[0]), load(&part[1])];
        for (sum, row) in sums.iter_mut().zip(rows) {
            *sum = add_products(*sum, part, load(&row[at]));
        }
    }
    sums.map(|sum| _mm512_reduce_add_epi32(sum))
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn dot(query: &[u8], plane: &[u8]) -> i32 {
    let mut sum = _mm512_setzero_si512();
    for (part, lane) in parts(query).iter().zip(plane.as_chunks::<LANE_BYTES>().0) {
        sum = add_products(sum, [load(&part[0]), load(&part[1])], load(lane));
    }
    _mm512_reduce_add_epi32(sum)
}

fn parts(query: &[u8]) -> &[[[u8; LANE_BYTES]; 2]] {
    query.as_chunks::<LANE_BYTES>().0.as_chunks::<2>().0
}

#[target_feature(enable = "avx512f")]
fn load(bytes: &[u8; LANE_BYTES]) -> __m512i {
    #[expect(unsafe_code, reason = "loads take a pointer")]
    // SAFETY: the array has the 64 bytes that are read, and the load needs no alignment.
    unsafe {
        _mm512_loadu_si512(bytes.as_ptr().cast())
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn add_products(sum: __m512i, part: [__m512i; 2], lane: __m512i) -> __m512i {
    let nibble = _mm512_set1_epi8(15);
    let sum = _mm512_dpbusd_epi32(sum, _mm512_and_si512(lane, nibble), part[0]);
    let high = _mm512_and_si512(_mm512_srli_epi16::<4>(lane), nibble);
    _mm512_dpbusd_epi32(sum, high, part[1])
}
