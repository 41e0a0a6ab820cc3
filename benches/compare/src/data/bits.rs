//! A set of ids as bits: what a filter is to all contenders before each makes its own of it.

use crate::data::Matrix;
use roaring::RoaringBitmap;

/// Bit `id % 8` of byte `id / 8` tells whether `id` is in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bits(pub(crate) Vec<u8>);

impl Bits {
    /// The set of what `keeps` says, among `count` ids.
    pub(crate) fn from_fn(count: usize, keeps: impl Fn(u32) -> bool) -> Self {
        let mut bytes = vec![0; count.div_ceil(8)];
        for id in (0..count).filter(|&id| keeps(id as u32)) {
            bytes[id / 8] |= 1 << (id % 8);
        }
        Self(bytes)
    }

    pub(crate) fn contains(&self, id: u32) -> bool {
        self.0.get(id as usize / 8).is_some_and(|byte| byte >> (id % 8) & 1 == 1)
    }

    pub(crate) fn set(&mut self, id: u32, is_in: bool) {
        let byte = &mut self.0[id as usize / 8];
        *byte = *byte & !(1 << (id % 8)) | u8::from(is_in) << (id % 8);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|byte| byte.count_ones() as usize).sum()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        (0..self.0.len() as u32 * 8).filter(|&id| self.contains(id))
    }

    pub(crate) fn to_roaring(&self) -> RoaringBitmap {
        self.iter().collect()
    }
}

/// The half, or another share, of all vectors that lies farthest from `query` or nearest to it.
pub(crate) fn by_distance(vectors: &Matrix, query: &[f32], kept: usize, nearest: bool) -> Bits {
    let dot = |row: &[f32]| -> f32 { row.iter().zip(query).map(|(a, b)| a * b).sum() };
    let mut order: Vec<(f32, u32)> = vectors.rows().map(dot).zip(0..).collect();
    order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    if nearest {
        order.reverse();
    }
    let mut bits = Bits(vec![0; vectors.len().div_ceil(8)]);
    for &(_, id) in &order[..kept.min(order.len())] {
        bits.set(id, true);
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in() {
        let mut bits = Bits::from_fn(21, |id| id % 5 == 0);
        assert_eq!(bits.iter().collect::<Vec<_>>(), [0, 5, 10, 15, 20]);
        bits.set(5, false);
        bits.set(6, true);
        assert_eq!((bits.len(), bits.contains(5), bits.contains(6)), (5, false, true));
        assert!(!bits.contains(1_000));
        assert_eq!(bits.to_roaring().iter().collect::<Vec<_>>(), bits.iter().collect::<Vec<_>>());
    }

    #[test]
    fn the_far_half_and_the_near_half_share_nothing() {
        let vectors = Matrix::new((0_u8..8).map(f32::from).collect(), 1);
        let far = by_distance(&vectors, &[1.0], 4, false);
        let near = by_distance(&vectors, &[1.0], 4, true);
        assert_eq!(far.iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert_eq!(near.iter().collect::<Vec<_>>(), [4, 5, 6, 7]);
    }
}
