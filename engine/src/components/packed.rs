//! The bits of f32 components of similar size: 29 of each, and all that they say.
//!
//! ```text
//! greatest exponent u8
//! lower half of each mantissa u16
//! sign and upper seven bits of each mantissa u8
//! lower four bits of each code: those of the parts 0 to 3 in the lower halves of bytes, then of 4 to 7
//! fifth bit of each code: that of part p in bit p
//! ```
//!
//! The components of an embedding lie within a few powers of two, and their mantissas are noise. So of
//! each the sign and the mantissa stand as they are, and of the exponent how far it lies below the
//! greatest of the vector: a *code* of 0 to 30, or 31 for an exponent of zero. Codes are cut into eight
//! *parts* of consecutive components, each a shift away, so that compilers unpack many at once.
//!
//! **Invariant:** what it [is exact for](is_exact_for) reads back bit for bit.

use super::{F32_LEN, components};

/// The code of an exponent of zero.
const ZERO: u32 = 31;
/// The parts that codes are cut into.
const PARTS: usize = 8;

/// Bytes of a vector.
pub(super) fn len(dimension: usize) -> usize {
    1 + 3 * dimension + 5 * dimension.div_ceil(PARTS)
}

fn exponent(x: f32) -> u32 {
    x.to_bits() >> 23 & 0xff
}

/// Do the exponents of the components of a row lie near enough to one another?
pub(super) fn is_exact_for(row: &[u8]) -> bool {
    let (mut least, mut greatest) = (u32::MAX, 0);
    for x in components(row) {
        greatest = exponent(x).max(greatest);
        // Zero has a code of its own.
        least = if x == 0.0 { least } else { exponent(x).min(least) };
    }
    greatest.saturating_sub(least) < ZERO
}

/// Appends a row for which it is exact.
pub(super) fn pack(row: &[u8], out: &mut Vec<u8>) {
    let greatest = components(row).map(exponent).max().unwrap_or(0);
    out.push(greatest as u8);
    out.extend(components(row).flat_map(|x| (x.to_bits() as u16).to_le_bytes()));
    out.extend(components(row).map(|x| {
        let bits = x.to_bits();
        (bits >> 24 & 0x80) as u8 | (bits >> 16 & 0x7f) as u8
    }));
    let code = |x: f32| if x == 0.0 { ZERO } else { greatest - exponent(x) };
    let eighth = (row.len() / F32_LEN).div_ceil(PARTS);
    let begin = out.len();
    out.resize(begin + 5 * eighth, 0);
    let (nibbles, fifths) = out[begin..].split_at_mut(4 * eighth);
    for (at, x) in components(row).enumerate() {
        let (part, at) = (at / eighth, at % eighth);
        nibbles[part % 4 * eighth + at] |= ((code(x) & 15) << (part / 4 * 4)) as u8;
        fifths[at] |= (code(x) >> 4 << part) as u8;
    }
}

/// Reads a vector into a slice of its dimension; `None` if it is of another.
pub(super) fn read(packed: &[u8], out: &mut [f32]) -> Option<()> {
    if packed.len() != len(out.len()) {
        return None;
    }
    let eighth = out.len().div_ceil(PARTS);
    let (greatest, rest) = packed.split_first()?;
    let (low, rest) = rest.split_at(2 * out.len());
    let (high, rest) = rest.split_at(out.len());
    let (nibbles, fifths) = rest.split_at(4 * eighth);
    let (low, greatest) = (low.as_chunks().0, u32::from(*greatest));
    for (part, out) in out.chunks_mut(eighth.max(1)).enumerate() {
        let mantissas = low[part * eighth..].iter().zip(&high[part * eighth..]);
        let codes = nibbles[part % 4 * eighth..].iter().zip(fifths);
        for ((out, (low, high)), (nibble, fifth)) in out.iter_mut().zip(mantissas).zip(codes) {
            let code = u32::from(nibble >> (part / 4 * 4) & 15) | u32::from(fifth >> part & 1) << 4;
            let exponent = if code == ZERO { 0 } else { greatest.wrapping_sub(code) & 0xff };
            let (sign, mantissa) = (u32::from(high & 0x80), u32::from(high & 0x7f));
            let bits = sign << 24 | exponent << 23 | mantissa << 16;
            *out = f32::from_bits(bits | u32::from(u16::from_le_bytes(*low)));
        }
    }
    Some(())
}
