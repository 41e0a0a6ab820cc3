//! What an edge is, and how one looks from its ends.
//!
//! Plain values; anyone may make them.

use super::image::Place as ImagePlace;

/// When an edge holds: from `from` on, up to but not at `until`. The unit is the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Validity {
    /// The first instant at which it holds.
    pub from: i64,
    /// The first instant at which it no longer does.
    pub until: i64,
}

impl Validity {
    /// Without beginning and end, as far as an `i64` reaches.
    pub const ALWAYS: Self = Self { from: i64::MIN, until: i64::MAX };

    /// Does it hold at `instant`? What never ends holds at `i64::MAX` too.
    pub fn holds_at(self, instant: i64) -> bool {
        self.from <= instant && (instant < self.until || self.until == i64::MAX)
    }
}

impl Default for Validity {
    fn default() -> Self {
        Self::ALWAYS
    }
}

/// What an edge is known by. Its ordinal alone names it; the rest says where to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EdgeKey {
    /// The node it leaves.
    pub source: u32,
    /// Its type, in the caller's numbering.
    pub edge_type: u16,
    /// The node it enters.
    pub target: u32,
    /// The edge itself. No two edges that are alive share one, and none changes its ends or type.
    pub ordinal: u32,
}

/// A directed, typed, weighted edge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Edge {
    /// What it is known by.
    pub key: EdgeKey,
    /// Not negative and finite.
    pub weight: f32,
    /// When it holds.
    pub valid: Validity,
}

impl Edge {
    /// An edge that always holds.
    pub fn new(source: u32, edge_type: u16, target: u32, ordinal: u32, weight: f32) -> Self {
        let key = EdgeKey { source, edge_type, target, ordinal };
        Self { key, weight, valid: Validity::ALWAYS }
    }

    /// The same edge, holding during `valid`.
    #[must_use]
    pub fn during(self, valid: Validity) -> Self {
        Self { valid, ..self }
    }
}

/// Which edges of a node are followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Those that leave it.
    #[default]
    Out,
    /// Those that enter it, against their direction.
    In,
    /// All of them; a loop once.
    Both,
}

impl Direction {
    /// The direction in which a walk comes back.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Self::Out => Self::In,
            Self::In => Self::Out,
            Self::Both => Self::Both,
        }
    }

    /// The sides it consists of.
    pub(crate) fn sides(self) -> &'static [Side] {
        match self {
            Self::Out => &[Side::Out],
            Self::In => &[Side::In],
            Self::Both => &[Side::Out, Side::In],
        }
    }
}

/// One of the two lists of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Out,
    In,
}

/// An edge as it is met at one of its ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HalfEdge {
    /// The node at its other end.
    pub(crate) node: u32,
    pub(crate) edge_type: u16,
    pub(crate) weight: f32,
    /// Where to ask for the rest.
    pub(crate) place: Place,
}

/// Where a half edge was met.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Image(ImagePlace),
    /// An entry of the delta, and the side it was met on.
    Delta(u32, Side),
    /// An edge of a store by its ordinal, and the side it was met on.
    Store(u32, Side),
}

impl Place {
    /// Was the edge met at its source?
    pub(crate) fn is_forward(self) -> bool {
        matches!(
            self,
            Self::Image(ImagePlace { side: Side::Out, .. })
                | Self::Delta(_, Side::Out)
                | Self::Store(_, Side::Out)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_half_open_unless_it_never_ends() {
        let valid = Validity { from: 3, until: 5 };
        let held: Vec<i64> = (0..8).filter(|&at| valid.holds_at(at)).collect();
        assert_eq!(held, [3, 4]);
        assert!(Validity::ALWAYS.holds_at(i64::MIN) && Validity::ALWAYS.holds_at(i64::MAX));
        assert!(!Validity { from: 5, until: 5 }.holds_at(5));
    }
}
