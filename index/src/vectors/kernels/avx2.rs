//! The dot product with AVX2.
//!
//! `maddubs` multiplies the unsigned nibbles by the signed bytes of the query and adds pairs in 16
//! bits: at most 2 · 15 · 128 = 3,840. The four pairs of a lane are added there, and then widened.
//!
//! **Invariant:** reads nothing outside the codes. Called through [`Kernel`](super::Kernel), which
//! has checked for the instructions and the lengths.

use std::arch::x86_64::{
    __m256i, _mm_add_epi32, _mm_cvtsi128_si32, _mm_hadd_epi32, _mm_storeu_si128, _mm256_add_epi16,
    _mm256_add_epi32, _mm256_and_si256, _mm256_castsi256_si128, _mm256_extracti128_si256,
    _mm256_hadd_epi32, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_maddubs_epi16,
    _mm256_set1_epi8, _mm256_set1_epi16, _mm256_setzero_si256, _mm256_srli_epi16,
};

use super::super::metric::Sums;
use super::{GROUP, LANE_BYTES};

const HALF: usize = LANE_BYTES / 2;

const _: () = assert!(4 * 2 * 15 * 128 <= i16::MAX as i32);

/// What a lane of nibbles is multiplied by: components 0.., 32.., 64.. and 96.. of its 128.
type Part = [[u8; HALF]; 4];

pub(super) fn is_available() -> bool {
    is_x86_feature_detected!("avx2")
}

#[target_feature(enable = "avx2")]
pub(super) fn group(query: &[u8], rows: [&[u8]; GROUP]) -> [i32; GROUP] {
    let query = parts(query);
    let [a, b, c, d] = rows;
    let row = |row| &lanes(row)[..query.len()];
    let rows = [row(a), row(b), row(c), row(d)];
    let mut sums = [_mm256_setzero_si256(); GROUP];
    for (at, part) in query.iter().enumerate() {
        let part = [load(&part[0]), load(&part[1]), load(&part[2]), load(&part[3])];
        for (sum, row) in sums.iter_mut().zip(rows) {
            *sum = add_products(*sum, part, &row[at]);
        }
    }
    totals(sums)
}

#[target_feature(enable = "avx2")]
pub(super) fn dot(query: &[u8], plane: &[u8]) -> i32 {
    let mut sum = _mm256_setzero_si256();
    for (part, lane) in parts(query).iter().zip(lanes(plane)) {
        let part = [load(&part[0]), load(&part[1]), load(&part[2]), load(&part[3])];
        sum = add_products(sum, part, lane);
    }
    let four = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256::<1>(sum));
    let two = _mm_hadd_epi32(four, four);
    _mm_cvtsi128_si32(_mm_hadd_epi32(two, two))
}

/// See [`Kernel::sums`](super::Kernel::sums).
#[target_feature(enable = "avx2")]
pub(super) fn sums(query: &[f32], vector: &[f32]) -> Sums {
    Sums::of(query, vector)
}

/// See [`Kernel::wide`](super::Kernel::wide).
#[target_feature(enable = "avx2")]
pub(super) fn wide<T>(work: impl FnOnce() -> T) -> T {
    work()
}

fn parts(query: &[u8]) -> &[Part] {
    query.as_chunks::<HALF>().0.as_chunks::<4>().0
}

fn lanes(plane: &[u8]) -> &[[[u8; HALF]; 2]] {
    plane.as_chunks::<HALF>().0.as_chunks::<2>().0
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
fn add_products(sum: __m256i, part: [__m256i; 4], lane: &[[u8; HALF]; 2]) -> __m256i {
    let nibble = _mm256_set1_epi8(15);
    let (first, second) = (load(&lane[0]), load(&lane[1]));
    let products = [
        _mm256_maddubs_epi16(_mm256_and_si256(first, nibble), part[0]),
        _mm256_maddubs_epi16(_mm256_and_si256(second, nibble), part[1]),
        _mm256_maddubs_epi16(_mm256_and_si256(_mm256_srli_epi16::<4>(first), nibble), part[2]),
        _mm256_maddubs_epi16(_mm256_and_si256(_mm256_srli_epi16::<4>(second), nibble), part[3]),
    ];
    let pairs = _mm256_add_epi16(
        _mm256_add_epi16(products[0], products[1]),
        _mm256_add_epi16(products[2], products[3]),
    );
    _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
}

#[target_feature(enable = "avx2")]
fn totals(sums: [__m256i; GROUP]) -> [i32; GROUP] {
    let pairs = [_mm256_hadd_epi32(sums[0], sums[1]), _mm256_hadd_epi32(sums[2], sums[3])];
    let all = _mm256_hadd_epi32(pairs[0], pairs[1]);
    let all = _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256::<1>(all));
    let mut totals = [0; GROUP];
    #[expect(unsafe_code, reason = "stores take a pointer")]
    // SAFETY: the array has the 16 bytes that are written, and the store needs no alignment.
    unsafe {
        _mm_storeu_si128(totals.as_mut_ptr().cast(), all);
    }
    totals
}
