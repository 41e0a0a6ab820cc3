//! The dot product with AVX-512 VNNI.
//!
//! `dpbusd` multiplies unsigned by signed bytes and adds four products into 32 bits at once. The
//! code becomes unsigned by a bias of 128 (one flipped bit); what the bias adds is taken off at the
//! end.
//!
//! **Invariant:** reads nothing outside the codes. Called through [`Kernel`](super::Kernel), which
//! has checked for the instructions and the lengths.

use std::arch::x86_64::{
    __m512i, _mm512_dpbusd_epi32, _mm512_loadu_si512, _mm512_reduce_add_epi32, _mm512_set1_epi8,
    _mm512_setzero_si512, _mm512_sub_epi32, _mm512_xor_si512,
};

use super::{GROUP, LANE_BYTES};

pub(super) fn is_available() -> bool {
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni")
}

#[target_feature(enable = "avx512f,avx512vnni")]
pub(super) fn group(query: &[u8], rows: [&[u8]; GROUP]) -> [i32; GROUP] {
    let (query, _) = query.as_chunks::<LANE_BYTES>();
    let rows = rows.map(|row| &row.as_chunks::<LANE_BYTES>().0[..query.len()]);
    // What a code of zeros gives.
    let mut bias = _mm512_setzero_si512();
    let mut sums = [_mm512_setzero_si512(); GROUP];
    for (at, q) in query.iter().enumerate() {
        let q = load(q);
        bias = add_products(bias, q, _mm512_setzero_si512());
        for (sum, row) in sums.iter_mut().zip(rows) {
            *sum = add_products(*sum, q, load(&row[at]));
        }
    }
    sums.map(|sum| _mm512_reduce_add_epi32(_mm512_sub_epi32(sum, bias)))
}

#[target_feature(enable = "avx512f,avx512vnni")]
pub(super) fn dot(query: &[u8], code: &[u8]) -> i32 {
    let (mut sum, mut bias) = (_mm512_setzero_si512(), _mm512_setzero_si512());
    let codes = code.as_chunks::<LANE_BYTES>().0;
    for (q, code) in query.as_chunks::<LANE_BYTES>().0.iter().zip(codes) {
        let q = load(q);
        bias = add_products(bias, q, _mm512_setzero_si512());
        sum = add_products(sum, q, load(code));
    }
    _mm512_reduce_add_epi32(_mm512_sub_epi32(sum, bias))
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
