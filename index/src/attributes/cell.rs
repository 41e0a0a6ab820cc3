//! A cell: one `i64` per row and column, for integers, times and floats alike.
//!
//! **Invariant:** cells compare as the numbers they stand for. [`MISSING`] is below every number
//! and stands for none; a cell given that value is a missing one. Any caller may convert.

/// The cell of a row that has no value in a column.
pub const MISSING: i64 = i64::MIN;

/// The cell of a float, such that cells order as the floats do. Not-a-number is [`MISSING`], and
/// the two zeros are one. An `f32` goes through `f64::from`, which loses nothing.
///
/// ```
/// use memlith_index::attributes::cell;
/// assert!(cell::from_f64(-0.5) < cell::from_f64(0.25));
/// assert_eq!(cell::to_f64(cell::from_f64(0.25)), Some(0.25));
/// assert_eq!(cell::to_f64(cell::from_f64(f64::NAN)), None);
/// ```
pub fn from_f64(value: f64) -> i64 {
    if value.is_nan() {
        return MISSING;
    }
    let zero_is_positive = value + 0.0;
    flip_negative(zero_is_positive.to_bits() as i64)
}

/// The float that [`from_f64`] was given, or `None` for [`MISSING`].
pub fn to_f64(cell: i64) -> Option<f64> {
    (cell != MISSING).then(|| f64::from_bits(flip_negative(cell) as u64))
}

/// `None` for [`MISSING`].
pub(super) fn present(cell: i64) -> Option<i64> {
    (cell != MISSING).then_some(cell)
}

/// Floats below zero order backwards by their bits: turn all but the sign.
const fn flip_negative(bits: i64) -> i64 {
    bits ^ (bits >> 63) & i64::MAX
}

#[cfg(test)]
mod tests {
    use super::{MISSING, from_f64, to_f64};

    #[test]
    fn floats_order_as_their_cells_and_come_back() {
        let ascending = [
            f64::NEG_INFINITY,
            f64::MIN,
            -1.0,
            f64::from(-0.1_f32),
            -f64::MIN_POSITIVE,
            0.0,
            5e-324,
            f64::from(0.1_f32),
            1.0,
            f64::MAX,
            f64::INFINITY,
        ];
        assert!(ascending.windows(2).all(|pair| from_f64(pair[0]) < from_f64(pair[1])));
        for value in ascending {
            assert_ne!(from_f64(value), MISSING);
            assert_eq!(to_f64(from_f64(value)).map(f64::to_bits), Some(value.to_bits()));
        }
        assert_eq!(from_f64(-0.0), from_f64(0.0));
        assert_eq!(from_f64(f64::from_bits(u64::MAX)), MISSING);
    }
}
