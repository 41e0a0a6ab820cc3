//! Numbers that look random and are the same for the same seed (splitmix64: Steele, Lea, Flood, 2014).

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `bound`, which is not zero.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    /// From zero to below one.
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
    }

    /// `count` of the numbers below `bound`, each as likely as any other; ascending.
    pub(super) fn sample(&mut self, count: usize, bound: usize) -> Vec<usize> {
        let mut numbers: Vec<usize> = (0..bound).collect();
        let count = count.min(bound);
        for at in 0..count {
            numbers.swap(at, at + self.below(bound - at));
        }
        numbers.truncate(count);
        numbers.sort_unstable();
        numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_nobody_twice_and_reaches_everybody() {
        let mut random = Random(1);
        let mut seen = [0; 10];
        for _ in 0..1000 {
            let sample = random.sample(3, 10);
            assert!(sample.len() == 3 && sample.is_sorted_by(|a, b| a < b));
            for at in sample {
                seen[at] += 1;
            }
        }
        assert!(seen.iter().all(|count| (200..400).contains(count)), "{seen:?}");
        assert!(random.sample(20, 4).into_iter().eq(0..4));
    }
}
