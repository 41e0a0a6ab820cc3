//! Asking for memory before it is needed: a walk waits for it at every node otherwise.
//!
//! **Invariant:** a hint. Nothing but time depends on it.

/// Bytes that come at once.
const LINE_BYTES: usize = 64;

/// Lines that are asked for at most: what comes behind, the processor sees coming.
const MAX_LINES: usize = 4;

/// Asks for the beginning of `bytes`, which will be read soon.
#[inline]
pub(crate) fn prefetch(bytes: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    for line in bytes.chunks(LINE_BYTES).take(MAX_LINES) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        #[expect(unsafe_code, reason = "a prefetch takes a pointer")]
        // SAFETY: every x86-64 has the instruction, and it faults on no address.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (bytes, LINE_BYTES, MAX_LINES);
}
