//! Numbers of equal width, packed bit by bit.
//!
//! A full block of 128 lies in four lanes: value `4 r + l` is the `r`th of lane `l`, and a row holds
//! 32 bits of each lane, so that four values are unpacked at once without a special instruction.
//! Fewer values follow one another, low bits first.
//!
//! **Invariant:** what is read was asked for: a slice that is too short gives nothing.

/// Values of a full block.
pub(in crate::text) const BLOCK: usize = 128;

const LANES: usize = 4;
const ROWS: usize = BLOCK / LANES;
const ROW_BYTES: usize = LANES * size_of::<u32>();

/// Bits that the largest of `values` needs.
pub(super) fn width(values: &[u32]) -> u8 {
    (u32::BITS - values.iter().fold(0, |all, value| all | value).leading_zeros()) as u8
}

/// Bytes that `count` values of `width` bits take; `count` is at most [`BLOCK`].
pub(super) fn packed_len(count: usize, width: u8) -> usize {
    (count * usize::from(width)).div_ceil(8)
}

/// Appends `values`, at most [`BLOCK`] of at most `width` bits.
pub(super) fn pack(values: &[u32], width: u8, into: &mut Vec<u8>) {
    if width == 0 {
        return;
    }
    match <&[u32; BLOCK]>::try_from(values) {
        Ok(block) => pack_block(block, width, into),
        Err(_) => pack_few(values, width, into),
    }
}

fn pack_block(values: &[u32; BLOCK], width: u8, into: &mut Vec<u8>) {
    let mut lanes = [0_u64; LANES];
    let mut filled = 0;
    for row in values.as_chunks::<LANES>().0 {
        for (lane, &value) in lanes.iter_mut().zip(row) {
            *lane |= u64::from(value) << filled;
        }
        filled += u32::from(width);
        if filled >= u32::BITS {
            for lane in &mut lanes {
                into.extend_from_slice(&(*lane as u32).to_le_bytes());
                *lane >>= u32::BITS;
            }
            filled -= u32::BITS;
        }
    }
}

fn pack_few(values: &[u32], width: u8, into: &mut Vec<u8>) {
    let (mut bits, mut filled) = (0_u64, 0);
    for &value in values {
        bits |= u64::from(value) << filled;
        filled += u32::from(width);
        while filled >= u8::BITS {
            into.push(bits as u8);
            bits >>= u8::BITS;
            filled -= u8::BITS;
        }
    }
    if filled > 0 {
        into.push(bits as u8);
    }
}

/// Takes `count` values of `width` bits off the front of `bytes`. `None` if they are not there, or no
/// number is that wide.
pub(super) fn unpack(
    bytes: &mut &[u8],
    count: usize,
    width: u8,
    into: &mut [u32; BLOCK],
) -> Option<()> {
    if count > BLOCK || u32::from(width) > u32::BITS {
        return None;
    }
    let (packed, rest) = bytes.split_at_checked(packed_len(count, width))?;
    *bytes = rest;
    if width == 0 {
        into[..count].fill(0);
    } else if count == BLOCK {
        unpack_block(packed.as_chunks().0, width, into);
    } else {
        unpack_few(packed, width, &mut into[..count]);
    }
    Some(())
}

/// Unpacks a full block by the loop that was compiled for its width, where every shift is a constant.
fn unpack_block(rows: &[[u8; ROW_BYTES]], width: u8, into: &mut [u32; BLOCK]) {
    macro_rules! of_width {
        ($($known:literal)*) => {
            match width {
                $($known => unpack_rows::<$known>(rows, into),)*
                _ => unpack_rows::<32>(rows, into),
            }
        };
    }
    of_width!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31);
}

fn unpack_rows<const WIDTH: usize>(rows: &[[u8; ROW_BYTES]], into: &mut [u32; BLOCK]) {
    let Some(rows) = rows.first_chunk::<WIDTH>() else { return };
    let mask = u32::MAX >> (u32::BITS as usize - WIDTH);
    for (at, values) in into.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
        let (row, shift) = (at * WIDTH / ROWS, at * WIDTH % ROWS);
        let low = lanes(&rows[row]).map(|low| low >> shift);
        *values = if shift + WIDTH > ROWS {
            let high = lanes(&rows[row + 1]);
            std::array::from_fn(|lane| (low[lane] | high[lane] << (ROWS - shift)) & mask)
        } else {
            low.map(|low| low & mask)
        };
    }
}

#[inline]
fn lanes(row: &[u8; ROW_BYTES]) -> [u32; LANES] {
    let lanes = row.as_chunks::<4>().0;
    std::array::from_fn(|lane| u32::from_le_bytes(lanes[lane]))
}

fn unpack_few(packed: &[u8], width: u8, into: &mut [u32]) {
    let mask = u64::from(u32::MAX >> (u32::BITS - u32::from(width)));
    let mut bit = 0;
    for value in into {
        let rest = &packed[bit / 8..];
        let word = match rest.first_chunk() {
            Some(word) => u64::from_le_bytes(*word),
            None => rest.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)),
        };
        *value = (word >> (bit % 8) & mask) as u32;
        bit += usize::from(width);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_width_and_count_come_back() {
        let mut state = 1_u64;
        for bits in 0..=32 {
            for count in [1, 2, 3, 7, 64, 127, 128] {
                let values: Vec<u32> = (0..count)
                    .map(|_| {
                        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                        ((state >> 31) & ((1 << bits) - 1)) as u32
                    })
                    .collect();
                let mut bytes = Vec::new();
                pack(&values, bits as u8, &mut bytes);
                assert_eq!(bytes.len(), packed_len(count, bits as u8));
                bytes.push(7);
                let (mut rest, mut out) = (&bytes[..], [9; BLOCK]);
                unpack(&mut rest, count, bits as u8, &mut out).expect("all bytes are there");
                assert_eq!((rest, &out[..count]), (&[7_u8][..], &values[..]), "{bits} {count}");
                assert!(width(&values) <= bits as u8);
                let cut = &mut &bytes[..bytes.len() - 2.min(bytes.len())];
                assert!(bits == 0 || unpack(cut, count, bits as u8, &mut out).is_none());
            }
        }
        assert!(unpack(&mut &[0; 999][..], 128, 33, &mut [0; BLOCK]).is_none());
    }
}
