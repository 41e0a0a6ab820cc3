//! Dot products of an int8 code with planes of stored codes, by the best instructions that the
//! machine has.
//!
//! A [plane](super::planes) is a row of [`Lane`]s of nibbles, 128 to a lane; the code that it is
//! multiplied by has a signed byte for each, padded with zeros, so no kernel has a tail to treat. A
//! kernel takes one such code and a few planes, wherever they lie, and gives one `i32` for each.
//!
//! **Invariant:** all kernels give the same bits as [`scalar`], whatever the bytes. Only this
//! folder's searches call them.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod scalar;

use super::metric::{MAX_DIMENSION, Sums};

/// Bytes in a lane: a cache line, and the widest vector register.
pub(super) const LANE_BYTES: usize = 64;

/// Nibbles in a lane: byte `j` holds number `j` in its lower half and number `j + 64` in its upper.
pub(super) const LANE_NIBBLES: usize = 2 * LANE_BYTES;

/// Planes that the kernels take at a time, to load each part of the query once for all of them.
pub(super) const GROUP: usize = 4;

// No sum can overflow, not even sixteen times that of a plane.
const _: () =
    assert!(16 * 15 * 128 * (MAX_DIMENSION.next_multiple_of(LANE_NIBBLES) as u64) < 1 << 31);

/// A cache line of code bytes.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Lane(pub(super) [u8; LANE_BYTES]);

/// Lanes that a plane of `dimension` components takes.
pub(super) fn lanes_for(dimension: usize) -> usize {
    dimension.div_ceil(LANE_NIBBLES)
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
type Dot = unsafe fn(query: &[u8], plane: &[u8]) -> i32;

/// One implementation of the dot product. Results do not depend on which is used.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    name: &'static str,
    group: Group,
    dot: Dot,
    /// Has the machine AVX2?
    #[cfg(target_arch = "x86_64")]
    is_wide: bool,
}

impl Kernel {
    /// The kernels that this machine can run, fastest first.
    pub fn available() -> Vec<Self> {
        let mut kernels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if avx512::is_available() {
                let (group, dot) = (avx512::group as Group, avx512::dot as Dot);
                kernels.push(Self { name: "avx512-vnni", group, dot, is_wide: true });
            }
            if avx2::is_available() {
                let (group, dot) = (avx2::group as Group, avx2::dot as Dot);
                kernels.push(Self { name: "avx2", group, dot, is_wide: true });
            }
        }
        #[cfg(target_arch = "aarch64")]
        kernels.push(Self { name: "neon", group: neon::group, dot: neon::dot });
        let (group, dot) = (scalar::group as Group, scalar::dot as Dot);
        kernels.push(Self {
            name: "scalar",
            group,
            dot,
            #[cfg(target_arch = "x86_64")]
            is_wide: false,
        });
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

    /// The dot product of `query` with each of the planes that lie in `planes` one behind the other.
    ///
    /// # Panics
    /// If `planes` is not `dots.len()` planes of half the bytes of the query.
    pub(super) fn dots(self, query: &[u8], planes: &[u8], dots: &mut [i32]) {
        let len = query.len() / 2;
        assert_eq!(planes.len(), dots.len() * len, "one plane for each result");
        let (groups, rest) = dots.as_chunks_mut::<GROUP>();
        let (grouped, left) = planes.split_at(groups.len() * GROUP * len);
        for (dots, planes) in groups.iter_mut().zip(grouped.chunks_exact(GROUP * len)) {
            *dots = self.group(query, std::array::from_fn(|row| &planes[row * len..][..len]));
        }
        for (dot, plane) in rest.iter_mut().zip(left.chunks_exact(len)) {
            *dot = self.dot(query, plane);
        }
    }

    /// The dot product of `query` with each of the planes of a group.
    ///
    /// # Panics
    /// If a plane has not half the bytes of the query.
    #[inline]
    pub(super) fn group(self, query: &[u8], planes: [&[u8]; GROUP]) -> [i32; GROUP] {
        let fits = planes.iter().all(|plane| 2 * plane.len() == query.len());
        assert!(fits, "a nibble for each component");
        #[expect(unsafe_code, reason = "calls code for instructions that were found at run time")]
        // SAFETY: a `Kernel` is made by `available` alone, after it has found the instructions, which
        // is all that its functions require.
        unsafe {
            (self.group)(query, planes)
        }
    }

    /// The dot product of `query` with a plane.
    ///
    /// # Panics
    /// If the plane has not half the bytes of the query.
    #[inline]
    pub(super) fn dot(self, query: &[u8], plane: &[u8]) -> i32 {
        assert_eq!(query.len(), 2 * plane.len(), "a nibble for each component");
        #[expect(unsafe_code, reason = "calls code for instructions that were found at run time")]
        // SAFETY: as in `group`.
        unsafe {
            (self.dot)(query, plane)
        }
    }

    /// What the cosine of `query` and `vector` is made of.
    #[inline]
    pub(super) fn sums(self, query: &[f32], vector: &[f32]) -> Sums {
        #[cfg(target_arch = "x86_64")]
        if self.is_wide {
            #[expect(unsafe_code, reason = "calls code for instructions found at run time")]
            // SAFETY: as in `wide`. A closure run by that is not vectorised.
            return unsafe { avx2::sums(query, vector) };
        }
        Sums::of(query, vector)
    }

    /// Runs `work`, what is inlined of it compiled for the widest registers that there are. Nothing is fused, so that
    /// the bits are the same.
    #[inline]
    pub(super) fn wide<T>(self, work: impl FnOnce() -> T) -> T {
        #[cfg(target_arch = "x86_64")]
        if self.is_wide {
            #[expect(unsafe_code, reason = "calls code for instructions found at run time")]
            // SAFETY: `available` says so only if it has found AVX2, which is all that is required.
            return unsafe { avx2::wide(work) };
        }
        work()
    }
}

/// Asks for the cache lines of `items`, which will be read soon. A hint: nothing depends on it.
#[inline]
pub(super) fn prefetch<T>(items: &[T]) {
    #[cfg(target_arch = "x86_64")]
    for line in (0..size_of_val(items)).step_by(LANE_BYTES) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let line = items.as_ptr().cast::<i8>().wrapping_add(line);
        #[expect(unsafe_code, reason = "a prefetch takes a pointer")]
        // SAFETY: every x86-64 has the instruction, and it faults on no address.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(line);
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = items;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn query(components: &[i8]) -> Vec<u8> {
        let mut bytes: Vec<u8> = components.iter().map(|c| c.cast_unsigned()).collect();
        bytes.resize(components.len().next_multiple_of(LANE_NIBBLES), 0);
        bytes
    }

    fn plane(nibbles: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; nibbles.len().div_ceil(LANE_NIBBLES) * LANE_BYTES];
        for (at, nibble) in nibbles.iter().enumerate() {
            let (lane, at) = (at / LANE_NIBBLES * LANE_BYTES, at % LANE_NIBBLES);
            bytes[lane + at % LANE_BYTES] |= nibble << if at < LANE_BYTES { 0 } else { 4 };
        }
        bytes
    }

    fn naive(query: &[i8], nibbles: &[u8]) -> i32 {
        query.iter().zip(nibbles).map(|(&a, &b)| i32::from(a) * i32::from(b)).sum()
    }

    /// A query and some planes, as extreme as they come: corners are where products saturate.
    fn operands() -> impl Strategy<Value = (Vec<i8>, Vec<Vec<u8>>)> {
        let component = prop_oneof![4 => any::<i8>(), 1 => Just(127_i8), 1 => Just(-128_i8)];
        let nibble = prop_oneof![3 => 0_u8..16, 1 => Just(15_u8)];
        let mixed = (1_usize..=600, 1_usize..11).prop_flat_map(move |(dimension, count)| {
            let plane = proptest::collection::vec(nibble.clone(), dimension);
            (
                proptest::collection::vec(component.clone(), dimension),
                proptest::collection::vec(plane, count),
            )
        });
        let corner = (1_usize..=600, 1_usize..6, prop_oneof![Just(127_i8), Just(-128_i8)])
            .prop_map(|(dimension, count, component)| {
                (vec![component; dimension], vec![vec![15; dimension]; count])
            });
        prop_oneof![4 => mixed, 1 => corner]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 512 }))]

        #[test]
        fn every_kernel_equals_the_definition(
            (components, nibbles) in operands(),
            shift in 0_usize..3,
        ) {
            let query = query(&components);
            // Images need not be aligned in memory: shift the bytes.
            let mut bytes = vec![0; shift];
            bytes.extend(nibbles.iter().flat_map(|nibbles| plane(nibbles)));
            let expected: Vec<i32> =
                nibbles.iter().map(|nibbles| naive(&components, nibbles)).collect();
            for kernel in Kernel::available() {
                let mut dots = vec![0; expected.len()];
                kernel.dots(&query, &bytes[shift..], &mut dots);
                prop_assert_eq!(&dots, &expected, "{}", kernel.name());
            }
        }
    }

    #[test]
    fn the_longest_codes_do_not_overflow() {
        for component in [127, -128] {
            let query = query(&vec![component; MAX_DIMENSION]);
            let planes = vec![0xFF; (GROUP + 1) * MAX_DIMENSION / 2];
            for kernel in Kernel::available() {
                let mut dots = [0; GROUP + 1];
                kernel.dots(&query, &planes, &mut dots);
                let expected = i32::from(component) * 15 * 8_192;
                assert_eq!(dots, [expected; GROUP + 1], "{}", kernel.name());
            }
        }
    }
}
