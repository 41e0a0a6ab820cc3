//! Which segments are to become one.
//!
//! A segment belongs to a level by how many documents live in it; each level holds four times what the
//! one below does. Four of a level become one, as does a segment that is half dead by itself.
//!
//! **Invariant:** a set of segments for which nothing is to be done has at most three of each level, so
//! a document is written again once a level at most, and their number grows with the logarithm of the
//! documents.

/// Documents of the lowest level: a segment of fewer belongs to it too.
const LOWEST: u64 = 4096;
const GROWTH: u64 = 4;
const MOST_OF_A_LEVEL: usize = 3;

/// What is known of a segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    /// Documents that live.
    pub(super) live: u64,
    pub(super) all: u64,
}

/// The segments that should be merged next, by their places; empty if none should.
pub(super) fn pick(sizes: &[Size]) -> Vec<usize> {
    if let Some(half_dead) = sizes.iter().position(|size| size.live * 2 <= size.all) {
        return vec![half_dead];
    }
    let levels: Vec<u32> = sizes.iter().map(|size| level(size.live)).collect();
    let lowest_full = levels
        .iter()
        .filter(|&level| levels.iter().filter(|other| *other == level).count() > MOST_OF_A_LEVEL)
        .min();
    let of_it = |&at: &usize| Some(&levels[at]) == lowest_full;
    (0..sizes.len()).filter(of_it).collect()
}

fn level(live: u64) -> u32 {
    (live / LOWEST).max(1).ilog(GROWTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_stay_few_and_documents_are_rarely_rewritten() {
        let mut sizes: Vec<Size> = Vec::new();
        let (mut sealed, mut rewritten) = (0, 0);
        for round in 0..2000 {
            let live = 500 + round * 7 % 5000;
            sealed += live;
            sizes.push(Size { live, all: live });
            loop {
                let picked = pick(&sizes);
                if picked.is_empty() {
                    break;
                }
                let live = picked.iter().map(|&at| sizes[at].live).sum();
                rewritten += live;
                let mut at = 0;
                sizes.retain(|_| {
                    at += 1;
                    !picked.contains(&(at - 1))
                });
                sizes.push(Size { live, all: live });
            }
            assert!(sizes.len() <= 3 * 8, "{sizes:?}");
        }
        assert!(rewritten < 7 * sealed, "{rewritten} of {sealed}");
    }

    #[test]
    fn a_segment_half_dead_is_rewritten_alone() {
        let sizes = [(10, 10), (4, 8), (9, 10)].map(|(live, all)| Size { live, all });
        assert_eq!(pick(&sizes), [1]);
        assert!(pick(&[Size { live: 3, all: 5 }]).is_empty());
        assert_eq!(pick(&[Size { live: 0, all: 5 }]), [0]);
    }
}
