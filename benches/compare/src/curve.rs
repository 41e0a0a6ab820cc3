//! A curve of recall and throughput, and what lies between its points.

use serde::Serialize;

/// What a contender gave at one effort.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Point {
    pub(crate) effort: u32,
    pub(crate) recall: f64,
    pub(crate) per_s: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
}

/// Queries a second at a recall.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", content = "per_s", rename_all = "snake_case")]
pub(crate) enum Rate {
    /// Between two points.
    At(f64),
    /// The least effort has a higher recall already, as an exact search has.
    AtLeast(f64),
    /// No effort reaches it.
    Never,
}

impl Rate {
    pub(crate) fn per_s(self) -> Option<f64> {
        match self {
            Self::At(per_s) | Self::AtLeast(per_s) => Some(per_s),
            Self::Never => None,
        }
    }
}

/// The rate where points, by ascending effort, first reach `recall`: the logarithm of the rate is
/// taken to be linear in recall between neighbours.
pub(crate) fn rate_at(points: &[Point], recall: f64) -> Rate {
    let Some(reached) = points.iter().position(|point| point.recall >= recall) else {
        return Rate::Never;
    };
    let above = &points[reached];
    let Some(below) = reached.checked_sub(1).map(|before| &points[before]) else {
        return Rate::AtLeast(above.per_s);
    };
    let share = (recall - below.recall) / (above.recall - below.recall);
    Rate::At((below.per_s.ln() * (1.0 - share) + above.per_s.ln() * share).exp())
}

/// The middle one; of an even number the mean of the middle two. NaN for none.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        len if len % 2 == 1 => values[len / 2],
        len => f64::midpoint(values[len / 2 - 1], values[len / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(pairs: &[(f64, f64)]) -> Vec<Point> {
        (1..)
            .zip(pairs)
            .map(|(effort, &(recall, per_s))| Point {
                effort,
                recall,
                per_s,
                p50_us: 0.0,
                p99_us: 0.0,
            })
            .collect()
    }

    #[test]
    fn half_way_in_recall_is_the_geometric_mean() {
        let curve = points(&[(0.90, 4_000.0), (0.96, 1_600.0), (0.98, 100.0)]);
        let Rate::At(per_s) = rate_at(&curve, 0.97) else { panic!("it lies between two") };
        assert!((per_s - 400.0).abs() < 1e-6);
        assert_eq!(rate_at(&curve, 0.981), Rate::Never);
        assert_eq!(rate_at(&curve, 0.5), Rate::AtLeast(4_000.0));
        let Rate::At(per_s) = rate_at(&curve, 0.98) else { panic!("it is a point") };
        assert!((per_s - 100.0).abs() < 1e-6);
    }

    #[test]
    fn an_exact_search_has_a_lower_bound() {
        assert_eq!(rate_at(&points(&[(1.0, 500.0)]), 0.99), Rate::AtLeast(500.0));
        assert_eq!(rate_at(&[], 0.99), Rate::Never);
    }

    #[test]
    fn a_recall_that_stalls_is_passed_over() {
        let curve = points(&[(0.90, 900.0), (0.90, 800.0), (0.89, 700.0), (0.95, 600.0)]);
        let Rate::At(per_s) = rate_at(&curve, 0.92) else { panic!("it lies between two") };
        assert!((600.0..700.0).contains(&per_s));
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]).to_bits(), 2.0_f64.to_bits());
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]).to_bits(), 2.5_f64.to_bits());
        assert!(median(vec![]).is_nan());
    }
}
