//! Integers of seven bits a byte, low bits first.
//!
//! **Invariant:** at most five bytes, and every value below 2^35 comes back as it went in.

const MAX_BYTES: usize = 5;

/// Appends `value`, which must be below 2^35.
pub(super) fn write(mut value: u64, into: &mut Vec<u8>) {
    debug_assert!(value < 1 << (7 * MAX_BYTES));
    while value >= 0x80 {
        into.push(value as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}

/// Takes one integer off the front of `bytes`; `None` if there is no whole one.
#[inline]
pub(super) fn read(bytes: &mut &[u8]) -> Option<u64> {
    let (&first, rest) = bytes.split_first()?;
    if first < 0x80 {
        *bytes = rest;
        return Some(u64::from(first));
    }
    let mut value = u64::from(first & 0x7f);
    for (i, &byte) in rest.iter().take(MAX_BYTES - 1).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * (i + 1));
        if byte < 0x80 {
            *bytes = &rest[i + 1..];
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_and_cut_ones_do_not() {
        for value in [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX) * 2 + 1, (1 << 35) - 1] {
            let mut bytes = Vec::new();
            write(value, &mut bytes);
            assert_eq!(read(&mut &bytes[..bytes.len() - 1]), None);
            bytes.push(9);
            let mut rest = &bytes[..];
            assert_eq!(read(&mut rest), Some(value));
            assert_eq!(rest, [9]);
        }
        assert_eq!(read(&mut &[0x80; 9][..]), None);
    }
}
