//! The dot product with AVX2.
//!
//! `maddubs` multiplies unsigned by signed bytes, so the query gives its magnitudes and its signs
//! go over to the code. It adds pairs in 16 bits and would saturate: 2 · 127 · 127 = 32,258 fits.
//!
//! **Invariant:** reads nothing outside the codes. Called through [`Kernel`](super::Kernel), which
//! has checked for the instructions and the lengths.

use std::arch::x86_64::{
    __m256i, _mm_add_epi32, _mm_cvtsi128_si32, _mm_hadd_epi32, _mm256_abs_epi8, _mm256_add_epi32,
    _mm256_castsi256_si128, _mm256_extracti128_si256, _mm256_loadu_si256, _mm256_madd_epi16,
    _mm256_maddubs_epi16, _mm256_set1_epi16, _mm256_setzero_si256, _mm256_sign_epi8,
};

use super::{GROUP, LANE_BYTES};

const HALF: usize = LANE_BYTES / 2;

pub(super) fn is_available() -> bool {
    is_x86_feature_detected!("avx2")
}

#[target_feature(enable = "avx2")]
pub(super) fn group(query: &[u8], rows: [&[u8]; GROUP]) -> [i32; GROUP] {
    let (query, _) = query.as_chunks::<HALF>();
    let rows = rows.map(|row| &row.as_chunks::<HALF>().0[..query.len()]);
    let mut sums = [_mm256_setzero_si256(); GROUP];
    for (at, q) in query.iter().enumerate() {
        let q = load(q);
        for (sum, row) in sums.iter_mut().zip(rows) {
            *sum = add_products(*sum, q, load(&row[at]));
        }
    }
    sums.map(|sum| total(sum))
}

#[target_feature(enable = "avx2")]
pub(super) fn dot(query: &[u8], code: &[u8]) -> i32 {
    let mut sum = _mm256_setzero_si256();
    for (q, code) in query.as_chunks::<HALF>().0.iter().zip(code.as_chunks::<HALF>().0) {
        sum = add_products(sum, load(q), load(code));
    }
    total(sum)
}

#[target_feature(enable = "avx2")]
fn load(bytes: &[u8; HALF]) -> __m256i {
    #[expect(unsafe_code, reason = "loads take a pointer")]
    // SAFETY: the array has the 32 bytes that are read, and the load needs no alignment.
    unsafe {
        _mm256_loadu_si256(bytes.as_ptr().cast())
    }
}

#[target_feature(enable = "avx2")]
fn add_products(sum: __m256i, query: __m256i, code: __m256i) -> __m256i {
    let pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(query), _mm256_sign_epi8(code, query));
    _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
}

#[target_feature(enable = "avx2")]
fn total(sum: __m256i) -> i32 {
    let four = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256::<1>(sum));
    let two = _mm_hadd_epi32(four, four);
    _mm_cvtsi128_si32(_mm_hadd_epi32(two, two))
}
