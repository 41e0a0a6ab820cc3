//! The dot product with AVX-512 VNNI.
//!
//! `dpbusd` multiplies unsigned by signed bytes and adds four products into 32 bits at once. The
//! code becomes unsigned by a bias of 128 (one flipped bit); what the bias adds is taken off at the
//! end.
//!
//! **Invariant:** reads nothing outside `codes`. Called through [`Kernel`](super::Kernel), which
//! has checked for the instructions and the lengths.

use std::arch::x86_64::{
    __m512i, _mm512_dpbusd_epi32, _mm512_loadu_si512, _mm512_reduce_add_epi32, _mm512_set1_epi8,
    _mm512_setzero_si512, _mm512_sub_epi32, _mm512_xor_si512,
};

use super::{GROUP, LANE_BYTES, Lane, rows};

pub(super) fn is_available() -> bool {
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni")
}

#[target_feature(enable = "avx512f,avx512vnni")]
pub(super) fn dots(query: &[Lane], codes: &[u8], dots: &mut [i32]) {
    // What a code of zeros gives.
    let mut bias = _mm512_setzero_si512();
    for q in query {
        bias = add_products(bias, load(&q.0), _mm512_setzero_si512());
    }
    let (codes, _) = codes.as_chunks::<LANE_BYTES>();
    let (groups, rest) = dots.as_chunks_mut::<GROUP>();
    let (grouped, left) = codes.split_at(groups.len() * GROUP * query.len());
    for (dots, codes) in groups.iter_mut().zip(grouped.chunks_exact(GROUP * query.len())) {
        let rows = rows(codes, query.len());
        let mut sums = [_mm512_setzero_si512(); GROUP];
        for (at, q) in query.iter().enumerate() {
            let q = load(&q.0);
            for (sum, row) in sums.iter_mut().zip(rows) {
                *sum = add_products(*sum, q, load(&row[at]));
            }
        }
        *dots = sums.map(|sum| _mm512_reduce_add_epi32(_mm512_sub_epi32(sum, bias)));
    }
    for (dot, code) in rest.iter_mut().zip(left.chunks_exact(query.len())) {
        let mut sum = _mm512_setzero_si512();
        for (q, code) in query.iter().zip(code) {
            sum = add_products(sum, load(&q.0), load(code));
        }
        *dot = _mm512_reduce_add_epi32(_mm512_sub_epi32(sum, bias));
    }
}

#[target_feature(enable = "avx512f")]
fn load(bytes: &[u8; LANE_BYTES]) -> __m512i {
    #[expect(unsafe_code, reason = "loads take a pointer")]
    // SAFETY: the array has the 64 bytes that are read, and the load needs no alignment.
    unsafe {
        _mm512_loadu_si512(bytes.as_ptr().cast())
    }
}

#[target_feature(enable = "avx512f,avx512vnni")]
fn add_products(sum: __m512i, query: __m512i, code: __m512i) -> __m512i {
    let unsigned = _mm512_xor_si512(code, _mm512_set1_epi8(i8::MIN));
    _mm512_dpbusd_epi32(sum, unsigned, query)
}
