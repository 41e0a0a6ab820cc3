//! Dot products of int8 codes, by the best instructions that the machine has.
//!
//! A code is a row of [`Lane`]s: signed bytes, padded with zeros to a multiple of 64, so no kernel
//! has a tail to treat. A kernel takes one query code and a few stored codes, wherever they lie, and
//! gives one `i32` for each.
//!
//! **Invariant:** for codes in −127..=127 all kernels give the same bits as [`scalar`]; for other
//! bytes (a damaged image) each gives some number. Only this folder's searches call them.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod scalar;

use super::metric::MAX_DIMENSION;

/// Bytes in a lane: a cache line, and the widest vector register.
pub(super) const LANE_BYTES: usize = 64;

/// Codes that the kernels take at a time, to load each lane of the query once for all of them.
pub(super) const GROUP: usize = 4;

// No sum can overflow: AVX-512 biases one side to 0..=255.
const _: () = assert!(255 * 127 * (MAX_DIMENSION.next_multiple_of(LANE_BYTES) as u64) < 1 << 31);

/// A cache line of code bytes.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Lane(pub(super) [u8; LANE_BYTES]);

/// Lanes that a code of `dimension` components takes.
pub(super) fn lanes_for(dimension: usize) -> usize {
    dimension.div_ceil(LANE_BYTES)
}

/// The bytes of codes.
pub(super) fn bytes_of(lanes: &[Lane]) -> &[u8] {
    #[expect(unsafe_code, reason = "a slice of aligned lanes is a slice of their bytes")]
    // SAFETY: `Lane` is `repr(C)` around `[u8; 64]`, and its alignment adds no padding.
    unsafe {
        std::slice::from_raw_parts(lanes.as_ptr().cast::<u8>(), size_of_val(lanes))
    }
}

type Group = unsafe fn(query: &[u8], rows: [&[u8]; GROUP]) -> [i32; GROUP];
type Dot = unsafe fn(query: &[u8], code: &[u8]) -> i32;

/// One implementation of the dot product. Results do not depend on which is used.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    name: &'static str,
    group: Group,
    dot: Dot,
}

impl Kernel {
    /// The kernels that this machine can run, fastest first.
    pub fn available() -> Vec<Self> {
        let mut kernels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if avx512::is_available() {
                kernels.push(Self { name: "avx512-vnni", group: avx512::group, dot: avx512::dot });
            }
            if avx2::is_available() {
                kernels.push(Self { name: "avx2", group: avx2::group, dot: avx2::dot });
            }
        }
        #[cfg(target_arch = "aarch64")]
        kernels.push(Self { name: "neon", group: neon::group, dot: neon::dot });
        kernels.push(Self { name: "scalar", group: scalar::group, dot: scalar::dot });
        kernels
    }

    /// The fastest kernel that this machine can run.
    pub fn detect() -> Self {
        Self::available()[0]
    }

    /// What it is called in reports.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// The dot product of `query` with each of the codes that lie in `codes` one behind the other.
    ///
    /// # Panics
    /// If `codes` is not `dots.len()` codes as long as the query.
    pub(super) fn dots(self, query: &[u8], codes: &[u8], dots: &mut [i32]) {
        let len = query.len();
        assert_eq!(codes.len(), dots.len() * len, "one code for each result");
        let (groups, rest) = dots.as_chunks_mut::<GROUP>();
        let (grouped, left) = codes.split_at(groups.len() * GROUP * len);
        for (dots, codes) in groups.iter_mut().zip(grouped.chunks_exact(GROUP * len)) {
            *dots = self.group(query, std::array::from_fn(|row| &codes[row * len..][..len]));
        }
        for (dot, code) in rest.iter_mut().zip(left.chunks_exact(len)) {
            *dot = self.dot(query, code);
        }
    }

    /// The dot product of `query` with each of the codes of a group.
    ///
    /// # Panics
    /// If a code is not as long as the query.
    #[inline]
    pub(super) fn group(self, query: &[u8], rows: [&[u8]; GROUP]) -> [i32; GROUP] {
        assert!(rows.iter().all(|row| row.len() == query.len()), "codes are of one length");
        #[expect(unsafe_code, reason = "calls code for instructions that were found at run time")]
        // SAFETY: a `Kernel` is made by `available` alone, after it has found the instructions, which
        // is all that its functions require.
        unsafe {
            (self.group)(query, rows)
        }
    }

    /// The dot product of two codes.
    ///
    /// # Panics
    /// If they are not of one length.
    #[inline]
    pub(super) fn dot(self, query: &[u8], code: &[u8]) -> i32 {
        assert_eq!(query.len(), code.len(), "codes are of one length");
        #[expect(unsafe_code, reason = "calls code for instructions that were found at run time")]
        // SAFETY: as in `group`.
        unsafe {
            (self.dot)(query, code)
        }
    }
}

/// Asks for the cache lines of `items`, which will be read soon. A hint: nothing depends on it.
#[inline]
pub(super) fn prefetch<T>(items: &[T]) {
    #[cfg(target_arch = "x86_64")]
    for line in items.chunks((LANE_BYTES / size_of::<T>()).max(1)) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        #[expect(unsafe_code, reason = "a prefetch takes a pointer")]
        // SAFETY: every x86-64 has the instruction, and it faults on no address.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = items;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code(components: &[i8]) -> Vec<Lane> {
        let mut lanes = vec![Lane([0; LANE_BYTES]); lanes_for(components.len())];
        for (at, &component) in components.iter().enumerate() {
            lanes[at / LANE_BYTES].0[at % LANE_BYTES] = component.cast_unsigned();
        }
        lanes
    }

    fn naive(a: &[i8], b: &[i8]) -> i32 {
        a.iter().zip(b).map(|(&a, &b)| i32::from(a) * i32::from(b)).sum()
    }

    /// Codes of one length, as extreme as they come: corners are where products saturate.
    fn codes() -> impl Strategy<Value = Vec<Vec<i8>>> {
        let component = prop_oneof![
            4 => -127_i8..=127,
            1 => Just(127_i8),
            1 => Just(-127_i8),
        ];
        let mixed = (1_usize..=200, 2_usize..12).prop_flat_map(move |(dimension, count)| {
            let code = proptest::collection::vec(component.clone(), dimension);
            proptest::collection::vec(code, count)
        });
        let corner =
            (1_usize..=200, 2_usize..6, any::<bool>()).prop_map(|(dimension, count, up)| {
                vec![vec![if up { 127 } else { -127 }; dimension]; count]
            });
        prop_oneof![4 => mixed, 1 => corner]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 512 }))]

        #[test]
        fn every_kernel_equals_the_definition(codes in codes(), shift in 0_usize..3) {
            let query = code(&codes[0]);
            let stored: Vec<Lane> = codes[1..].iter().flat_map(|stored| code(stored)).collect();
            // Images need not be aligned in memory: shift the bytes.
            let mut bytes = vec![0; shift];
            bytes.extend_from_slice(bytes_of(&stored));
            let expected: Vec<i32> =
                codes[1..].iter().map(|stored| naive(&codes[0], stored)).collect();
            for kernel in Kernel::available() {
                let mut dots = vec![0; expected.len()];
                kernel.dots(bytes_of(&query), &bytes[shift..], &mut dots);
                prop_assert_eq!(&dots, &expected, "{}", kernel.name());
            }
        }
    }

    #[test]
    fn the_longest_codes_do_not_overflow() {
        for (a, b) in [(127, 127), (127, -127), (-127, -127)] {
            let query = code(&vec![a; MAX_DIMENSION]);
            let stored = code(&vec![b; MAX_DIMENSION]);
            for kernel in Kernel::available() {
                let mut dots = [0];
                kernel.dots(bytes_of(&query), bytes_of(&stored), &mut dots);
                assert_eq!(dots[0], i32::from(a) * i32::from(b) * 8_192, "{}", kernel.name());
            }
        }
    }

    #[test]
    fn bytes_outside_the_range_of_codes_do_no_harm() {
        let query = code(&[-127; 100]);
        let stored = [0x80; 2 * LANE_BYTES * GROUP + 2 * LANE_BYTES];
        for kernel in Kernel::available() {
            kernel.dots(bytes_of(&query), &stored, &mut [0; GROUP + 1]);
        }
    }
}
