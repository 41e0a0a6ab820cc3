//! The rows of `Table::Links`: an edge as it is met at one of its ends.
//!
//! ```text
//! end u64 | side u8: 0 leaves it, 1 enters it | kind u16 | other end u64 | edge u64        value: empty
//! ```
//!
//! Numbers are big-endian; ends are [codes](super::Entity).
//!
//! **Invariant:** an edge that has links (see `commit::links`) has two rows, one at each end; a loop too, for their
//! sides differ.

use super::Ends;
use crate::ids::EdgeId;

/// On which side of its end an edge is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Side {
    Out = 0,
    In = 1,
}

/// Bytes of a key.
pub(crate) const LINK_LEN: usize = 8 + 1 + 2 + 8 + 8;

/// The key of an edge at the end on this side of it.
pub(crate) fn link_key(side: Side, ends: Ends, id: EdgeId) -> [u8; LINK_LEN] {
    let (end, other) = match side {
        Side::Out => (ends.source, ends.target),
        Side::In => (ends.target, ends.source),
    };
    let mut key = [0; LINK_LEN];
    key[..8].copy_from_slice(&end.to_be_bytes());
    key[8] = side as u8;
    key[9..11].copy_from_slice(&ends.kind.to_be_bytes());
    key[11..19].copy_from_slice(&other.to_be_bytes());
    key[19..].copy_from_slice(&id.0.to_be_bytes());
    key
}

/// What all edges of a kind from one end to another begin with.
pub(super) fn parallel_prefix(ends: Ends) -> [u8; 19] {
    let key = link_key(Side::Out, ends, EdgeId(0));
    key.first_chunk().copied().unwrap_or_default()
}

/// The edge of a key, where it is, and from which side it was seen.
pub(crate) fn read_link(key: &[u8]) -> Option<(Side, Ends, EdgeId)> {
    let key: &[u8; LINK_LEN] = key.try_into().ok()?;
    let number = |at: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&key[at..at + 8]);
        u64::from_be_bytes(bytes)
    };
    let kind = u16::from_be_bytes([key[9], key[10]]);
    let (end, other, id) = (number(0), number(11), EdgeId(number(19)));
    match key[8] {
        0 => Some((Side::Out, Ends { source: end, kind, target: other }, id)),
        1 => Some((Side::In, Ends { source: other, kind, target: end }, id)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_reads_back_from_both_sides() {
        let (ends, id) = (Ends { source: 6, kind: 300, target: u64::MAX }, EdgeId(9));
        for side in [Side::Out, Side::In] {
            let key = link_key(side, ends, id);
            assert_eq!(read_link(&key), Some((side, ends, id)));
            assert_eq!(read_link(&key[1..]), None);
        }
        assert!(link_key(Side::Out, ends, id).starts_with(&parallel_prefix(ends)));
        let mut key = link_key(Side::In, ends, id);
        key[8] = 2;
        assert_eq!(read_link(&key), None);
    }
}
