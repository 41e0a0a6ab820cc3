//! Runs of numbers in as few bytes as their spread needs.
//!
//! ```text
//! Packing   base i64 | width u8 | has missing u8 | 6 zeros
//! run       number less base, as an unsigned integer of `width` bytes: 0, 1, 2, 4 or 8
//! ```
//!
//! Frame of reference (Goldstein, Ramakrishnan, Shaft 1998), by whole bytes: a number is read where it
//! lies, and a column in which all rows say the same takes nothing. Where cells are
//! [missing](MISSING), the code 0 stands for them, and the base is one below the least number.
//!
//! **Invariant:** what was packed reads back. A [`Packing`] that was decoded can read any bytes.

use super::cell::MISSING;

/// How a run of numbers is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packing {
    base: i64,
    width: u8,
    has_missing: bool,
}

/// Packed numbers, in place.
#[derive(Clone, Copy)]
pub(super) struct Run<'a> {
    packing: Packing,
    bytes: &'a [u8],
    len: usize,
}

impl Packing {
    /// Bytes of it in an image.
    pub(super) const BYTES: usize = 16;
    /// Of a run in which all are missing.
    pub(super) const MISSING: Self = Self { base: MISSING, width: 0, has_missing: true };

    /// The narrowest for some numbers.
    pub(super) fn of(numbers: impl Iterator<Item = i64> + Clone) -> Self {
        let has_missing = numbers.clone().any(|number| number == MISSING);
        let present = numbers.filter(|&number| number != MISSING);
        let (Some(least), Some(most)) = (present.clone().min(), present.max()) else {
            return Self::MISSING;
        };
        // Above it there is a number that is none, so this is one.
        let base = least - i64::from(has_missing);
        let width = match most.wrapping_sub(base) as u64 {
            0 => 0,
            1..=0xff => 1,
            0x100..=0xffff => 2,
            0x1_0000..=0xffff_ffff => 4,
            _ => 8,
        };
        Self { base, width, has_missing }
    }

    /// Bytes of a number.
    pub(super) fn width(self) -> usize {
        self.width.into()
    }

    /// Appends a number, one of those that it was made for.
    pub(super) fn push(self, number: i64, out: &mut Vec<u8>) {
        let is_missing = self.has_missing && number == MISSING;
        let code = if is_missing { 0 } else { number.wrapping_sub(self.base) };
        out.extend(&code.to_le_bytes()[..self.width()]);
    }

    fn number(self, code: u64) -> i64 {
        if self.has_missing && code == 0 {
            return MISSING;
        }
        self.base.wrapping_add(code as i64)
    }

    /// The number in `bytes`, of which there are [as many as it takes](Self::width).
    pub(super) fn read(self, bytes: &[u8]) -> i64 {
        // By width, as copying a number of bytes that varies is a call.
        self.number(match *bytes {
            [] => 0,
            [code] => code.into(),
            [a, b] => u16::from_le_bytes([a, b]).into(),
            [a, b, c, d] => u32::from_le_bytes([a, b, c, d]).into(),
            _ => bytes.first_chunk().map_or(0, |code| u64::from_le_bytes(*code)),
        })
    }

    pub(super) fn encode(self) -> [u8; Self::BYTES] {
        let mut out = [0; Self::BYTES];
        out[..8].copy_from_slice(&self.base.to_le_bytes());
        (out[8], out[9]) = (self.width, self.has_missing.into());
        out
    }

    /// `None` if these bytes are no packing.
    pub(super) fn decode(bytes: &[u8; Self::BYTES]) -> Option<Self> {
        let [base @ .., width, has_missing, _, _, _, _, _, _] = *bytes;
        let packing = Self { base: i64::from_le_bytes(base), width, has_missing: has_missing == 1 };
        (matches!(width, 0 | 1 | 2 | 4 | 8) && packing.encode() == *bytes).then_some(packing)
    }
}

impl<'a> Run<'a> {
    /// `len` numbers in `bytes`, which has as many as they take.
    pub(super) fn new(packing: Packing, bytes: &'a [u8], len: usize) -> Self {
        debug_assert_eq!(bytes.len(), len * packing.width());
        Self { packing, bytes, len }
    }

    /// The number at a place; [`MISSING`] behind the last.
    pub(super) fn get(self, at: usize) -> i64 {
        let width = self.packing.width();
        if at >= self.len {
            return MISSING;
        }
        self.packing.read(&self.bytes[at * width..][..width])
    }

    /// Which of the numbers, 64 at most, lie from `low` to `high`, both above [`MISSING`].
    pub(super) fn mask(self, low: i64, high: i64) -> u64 {
        let Packing { base, width, has_missing } = self.packing;
        if high < base || low > high {
            return 0;
        }
        let low = if low <= base { 0 } else { low.wrapping_sub(base) as u64 };
        let codes = low.max(has_missing.into())..=high.wrapping_sub(base) as u64;
        match width {
            0 if codes.contains(&0) => u64::MAX.checked_shr(64 - self.len as u32).unwrap_or(0),
            0 => 0,
            1 => mask_of(self.bytes, |&[byte]: &[u8; 1]| codes.contains(&byte.into())),
            2 => mask_of(self.bytes, |code| codes.contains(&u16::from_le_bytes(*code).into())),
            4 => mask_of(self.bytes, |code| codes.contains(&u32::from_le_bytes(*code).into())),
            _ => mask_of(self.bytes, |code| codes.contains(&u64::from_le_bytes(*code))),
        }
    }
}

fn mask_of<const N: usize>(bytes: &[u8], is_in: impl Fn(&[u8; N]) -> bool) -> u64 {
    let (codes, _) = bytes.as_chunks();
    codes.iter().enumerate().fold(0, |mask, (at, code)| mask | u64::from(is_in(code)) << at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packed(numbers: &[i64]) -> (Packing, Vec<u8>) {
        let packing = Packing::of(numbers.iter().copied());
        let mut bytes = Vec::new();
        for &number in numbers {
            packing.push(number, &mut bytes);
        }
        (packing, bytes)
    }

    #[test]
    fn a_number_takes_as_many_bytes_as_the_spread_needs() {
        let width = |numbers: &[i64]| packed(numbers).0.width();
        assert_eq!(width(&[]), 0);
        assert_eq!(width(&[MISSING, MISSING]), 0);
        assert_eq!(width(&[-9, -9]), 0);
        assert_eq!(width(&[-9, MISSING]), 1);
        assert_eq!(width(&[1_000, 1_255]), 1);
        assert_eq!(width(&[1_000, 1_255, MISSING]), 2);
        assert_eq!(width(&[0, 0xffff_ffff]), 4);
        assert_eq!(width(&[0, 0x1_0000_0000]), 8);
        assert_eq!(width(&[MISSING + 1, i64::MAX, MISSING]), 8);
    }

    #[test]
    fn bytes_that_are_no_packing_are_refused() {
        let sound = packed(&[3, 70_000, MISSING]).0;
        assert_eq!(Packing::decode(&sound.encode()), Some(sound));
        for (at, byte) in [(8, 3), (9, 2), (10, 1), (15, 1)] {
            let mut bytes = sound.encode();
            bytes[at] = byte;
            assert_eq!(Packing::decode(&bytes), None, "byte {at}");
        }
    }

    proptest! {
        #[test]
        fn what_was_packed_reads_back_and_is_found(
            base in prop_oneof![Just(i64::MIN), Just(0), Just(i64::MAX - 300), any::<i64>()],
            spread in prop::sample::select(&[0_u64, 1, 255, 256, 65_535, 65_536, 1 << 32, u64::MAX][..]),
            parts in prop::collection::vec(prop::option::weighted(0.9, any::<u64>()), 0..=64),
            (low, high) in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
            (off_low, off_high) in (-1..=1_i64, -1..=1_i64),
        ) {
            let number = |part: &Option<u64>| part.map_or(MISSING, |part| {
                let part = spread.checked_add(1).map_or(part, |parts| part % parts);
                base.saturating_add_unsigned(part)
            });
            let numbers: Vec<i64> = parts.iter().map(number).collect();
            let (packing, bytes) = packed(&numbers);
            prop_assert_eq!(Packing::decode(&packing.encode()), Some(packing));
            let run = Run::new(packing, &bytes, numbers.len());
            for (at, &number) in numbers.iter().enumerate() {
                prop_assert_eq!(run.get(at), number);
            }
            prop_assert_eq!(run.get(numbers.len()), MISSING);
            let pick = |at: prop::sample::Index, off: i64| {
                if numbers.is_empty() { off } else { numbers[at.index(numbers.len())].saturating_add(off) }
            };
            let (low, high) = (pick(low, off_low).max(MISSING + 1), pick(high, off_high).max(MISSING + 1));
            let expected = numbers.iter().enumerate().fold(0, |mask, (at, number)| {
                mask | u64::from((low..=high).contains(number)) << at
            });
            prop_assert_eq!(run.mask(low, high), expected);
        }
    }
}
