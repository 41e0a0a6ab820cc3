//! What to put where, so that the file can end earlier: the plan, and nothing but the plan.
//!
//! A file with as many chunks as are in use has no holes; whatever lies behind that number has to
//! move. Chunks of the tables fit into any hole, one by one. A segment needs a hole of its length,
//! below it; where there is none, chunks of the tables make room, or segments below close holes
//! up. Where holes are left that are shorter than any segment, the one above the lowest steps aside,
//! behind the end, and comes back into the hole that is longer now: so the holes rise, and become one.
//!
//! **Invariant:** each segment that moves comes to lie lower than it did, if need be after it stepped
//! aside; chunks of the tables do so but to make room for one. So whoever does as planned is done after
//! a bounded number of moves. Nothing steps aside before all that did so is back: the file gets longer
//! by one segment at most. Called by the container, under its lock.

use super::alloc::{Extent, Owner};
use std::ops::Range;

/// A segment waits for chunks of the tables to make room only where this part of the room is free.
const ROOM_SHARE: usize = 4;
/// Runs that a map gets more at most by one chunk that moves.
const RUNS_PER_MOVE: usize = 2;
/// Segments step aside while this part of the chunks in use could be saved: each is copied twice.
const ASIDE_SHARE: usize = 32;

/// The next thing to move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// Chunks of the tables behind this one, into the holes below it.
    TablesBehind(usize),
    /// Chunks of the tables here, to anywhere else: then a segment fits.
    TablesWithin(Range<usize>),
    /// A segment, into the first hole below it that is long enough.
    Segment(Extent),
    /// A segment, behind all that is in use.
    Aside(Extent),
    /// Maps that have chunks of their own: with the next slot.
    Maps,
}

/// What to move next; `None` if nothing would make the file shorter. `segments` are those that a
/// row names, in any order: what else belongs to a segment stays where it is. The maps may get so
/// many more runs without chunks of their own, which would be the first to take the room that is made.
/// `may_grow`: segments may step aside, so that the file is longer for a while.
pub(super) fn next(
    owners: &[Owner],
    segments: &[Extent],
    spare_runs: usize,
    may_grow: bool,
) -> Option<Move> {
    let used = owners.iter().filter(|o| **o != Owner::Free).count();
    let last = owners.iter().rposition(|o| *o != Owner::Free)?;
    if last < used {
        return None;
    }
    let mut segments = segments.to_vec();
    segments.sort_unstable_by_key(|s| std::cmp::Reverse(s.start));
    let fits = |s: &Extent| hole_below(owners, s.chunks as usize, s.start as usize).is_some();
    let behind = segments.partition_point(|s| (s.start + s.chunks) as usize > used);
    let (behind, before) = segments.split_at(behind);
    if let Some(segment) = behind.iter().find(|s| fits(s)) {
        return Some(Move::Segment(*segment));
    }
    if owners[used..].contains(&Owner::Table) {
        return Some(Move::TablesBehind(used));
    }
    let maps = owners.iter().filter(|o| **o == Owner::Map).count();
    if owners[used..].contains(&Owner::Map) && hole_below(owners, maps, used).is_some() {
        return Some(Move::Maps);
    }
    let is_calm = |room: &Range<usize>| {
        let tables = owners[room.clone()].iter().filter(|o| **o == Owner::Table).count();
        RUNS_PER_MOVE * tables <= spare_runs
    };
    let room_for = |s: &Extent| room_below(owners, s.chunks as usize, s.start as usize);
    if let Some(room) = behind.iter().filter_map(room_for).find(is_calm) {
        return Some(Move::TablesWithin(room));
    }
    if behind.is_empty() {
        return None;
    }
    let closes = before.iter().find(|s| fits(s)).map(|s| Move::Segment(*s));
    closes.or_else(|| may_grow.then(|| raise(owners, &segments, used)).flatten())
}

/// Lets the lowest hole rise: chunks of the tables fill it, or the segment above it steps aside. Where
/// no more than the maps would fit, they are: each slot writes them elsewhere.
fn raise(owners: &[Owner], segments: &[Extent], used: usize) -> Option<Move> {
    let count = |owner: Owner| owners.iter().filter(|o| **o == owner).count();
    let named: usize = segments.iter().map(|s| s.chunks as usize).sum();
    let is_leaving = count(Owner::Segment) > named || count(Owner::Limbo) > 0;
    let free = owners[..used].iter().filter(|o| **o == Owner::Free).count();
    if is_leaving || free < used.div_ceil(ASIDE_SHARE) {
        return None;
    }
    let maps = count(Owner::Map);
    let (mut is_first, mut run) = (true, 0);
    for (at, owner) in owners.iter().enumerate() {
        if *owner == Owner::Free {
            run += 1;
            continue;
        }
        if std::mem::take(&mut run) <= maps {
            continue;
        }
        if std::mem::take(&mut is_first) && owners[at..].contains(&Owner::Table) {
            return Some(Move::TablesBehind(at));
        }
        if let Some(segment) = segments.iter().find(|s| s.start as usize == at) {
            return Some(Move::Aside(*segment));
        }
    }
    None
}

/// Where the first hole of so many chunks begins that ends at or below `limit`.
pub(super) fn hole_below(owners: &[Owner], chunks: usize, limit: usize) -> Option<usize> {
    let mut run = 0;
    let last = owners[..limit.min(owners.len())].iter().position(|owner| {
        run = if *owner == Owner::Free { run + 1 } else { 0 };
        run == chunks
    })?;
    Some(last + 1 - chunks)
}

/// The room for a segment that the fewest chunks of the tables would have to leave; `None` if
/// most of any room is in use.
fn room_below(owners: &[Owner], chunks: usize, limit: usize) -> Option<Range<usize>> {
    let mut best: Option<(usize, usize)> = None;
    // Of the `chunks` owners before `end`: how many are free, and how many cannot be moved.
    let (mut free, mut fixed) = (0, 0);
    let count = |owner: Owner, free: &mut usize, fixed: &mut usize, by: isize| match owner {
        Owner::Free => *free = free.saturating_add_signed(by),
        Owner::Table => {}
        _ => *fixed = fixed.saturating_add_signed(by),
    };
    for end in 1..=limit.min(owners.len()) {
        count(owners[end - 1], &mut free, &mut fixed, 1);
        let Some(start) = end.checked_sub(chunks) else { continue };
        if start > 0 {
            count(owners[start - 1], &mut free, &mut fixed, -1);
        }
        if fixed == 0 && free > best.map_or(0, |(most, _)| most) {
            best = Some((free, start));
        }
    }
    let (free, start) = best?;
    (free >= chunks.div_ceil(ROOM_SHARE)).then_some(start..start + chunks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A file from its picture: `.` free, `t` tables, `x` a segment that no row names any more; a
    /// letter from `A` on a segment.
    fn file(picture: &str) -> (Vec<Owner>, Vec<Extent>) {
        let owner = |c| match c {
            '.' => Owner::Free,
            't' => Owner::Table,
            'm' => Owner::Map,
            _ => Owner::Segment,
        };
        let segment = |name: char| {
            let start = picture.find(name)?;
            let chunks = picture.matches(name).count() as u32;
            Some(Extent { start: start as u32, chunks })
        };
        (picture.chars().map(owner).collect(), ('A'..='Z').filter_map(segment).collect())
    }

    fn next_in(picture: &str) -> Option<Move> {
        let (owners, segments) = file(picture);
        next(&owners, &segments, 100, false)
    }

    fn next_of_growing(picture: &str) -> Option<Move> {
        let (owners, segments) = file(picture);
        next(&owners, &segments, 100, true)
    }

    fn segment(start: u32, chunks: u32) -> Move {
        Move::Segment(Extent { start, chunks })
    }

    #[test]
    fn what_lies_behind_the_chunks_in_use_moves() {
        assert_eq!(next_in(""), None);
        assert_eq!(next_in("ttAA"), None);
        assert_eq!(next_in("ttAA..."), None, "to be cut off, and nothing else");
        assert_eq!(next_in("t.tAA.t"), Some(Move::TablesBehind(5)));
        assert_eq!(next_in("t..tAABB"), Some(segment(6, 2)));
        assert_eq!(next_in("t..xxx"), None, "nobody names it");
        assert_eq!(next_in("t..m"), Some(Move::Maps));
    }

    #[test]
    fn no_room_is_made_that_a_map_would_take() {
        let (owners, segments) = file("tt.AA");
        assert_eq!(next(&owners, &segments, 2, false), Some(Move::TablesWithin(1..3)));
        assert_eq!(next(&owners, &segments, 1, false), None);
    }

    #[test]
    fn a_hole_that_nothing_fits_into_rises() {
        let aside = |start, chunks| Some(Move::Aside(Extent { start, chunks }));
        assert_eq!(next_in(".AAABB"), None);
        assert_eq!(next_of_growing(".AAABB"), aside(1, 3));
        assert_eq!(next_of_growing("t....BBAAA"), Some(segment(7, 3)), "back again");
        assert_eq!(next_of_growing("tAAA.BB"), aside(5, 2));
        assert_eq!(next_of_growing("xxx.AAABB"), None, "what somebody still reads is in the way");
        assert_eq!(next_of_growing(".mAAA..BBB"), aside(7, 3), "a hole for the map");
        assert_eq!(next_of_growing("..BBBttttttttAAA"), Some(Move::TablesBehind(2)));
        let dense = format!("{}.AABB", "m".repeat(3 * ASIDE_SHARE));
        assert_eq!(next_of_growing(&dense), None, "too little to be gained");
    }

    #[test]
    fn a_segment_that_fits_nowhere_gets_room() {
        assert_eq!(next_in("t..tBBtAAA"), Some(Move::TablesWithin(0..3)));
        assert_eq!(next_in("ttttttt.AAAAAAAA"), None, "the room is in use");
        assert_eq!(next_in(".xx.BB.AA"), None, "nothing can be made of single holes");
        assert_eq!(next_in("..x.B.AAA"), Some(segment(4, 1)), "two holes become one");
    }

    /// The maps go where the next slot puts them.
    fn write_maps(owners: &mut Vec<Owner>) {
        let before = owners.clone();
        let maps = before.iter().filter(|o| **o == Owner::Map).count();
        let to = hole_below(owners, maps.max(1), owners.len()).unwrap_or(owners.len());
        owners.resize(owners.len().max(to + maps), Owner::Free);
        owners[to..to + maps].fill(Owner::Map);
        for (owner, _) in owners.iter_mut().zip(before).filter(|(_, old)| *old == Owner::Map) {
            *owner = Owner::Free;
        }
    }

    proptest! {
        #[test]
        fn doing_as_planned_ends_with_few_holes_and_no_segment_higher(
            parts in prop::collection::vec((prop::sample::select(&[Owner::Free, Owner::Table, Owner::Segment][..]), 1..9usize, any::<bool>()), 0..40),
            map in prop::option::of((0..100usize, 1..3usize)),
            may_grow in any::<bool>(),
        ) {
            let mut owners = Vec::new();
            let mut segments = Vec::new();
            for (owner, chunks, is_named) in parts {
                let start = owners.len() as u32;
                owners.extend(vec![owner; chunks]);
                if owner == Owner::Segment && is_named {
                    segments.push(Extent { start, chunks: chunks as u32 });
                }
            }
            if let Some((at, chunks)) = map {
                let at = at.min(owners.len());
                owners.splice(at..at, vec![Owner::Map; chunks]);
                segments.retain(|s| (s.start + s.chunks) as usize <= at || s.start as usize >= at);
                for segment in segments.iter_mut().filter(|s| s.start as usize >= at) {
                    segment.start += chunks as u32;
                }
            }
            let used = owners.iter().filter(|o| **o != Owner::Free).count();
            let is_tables_alone = !owners.iter().any(|o| matches!(o, Owner::Segment | Owner::Map));
            let spare_runs = if map.is_none() { usize::MAX } else { 0 };
            let is_all_named = segments.iter().map(|s| s.chunks as usize).sum::<usize>()
                == owners.iter().filter(|o| **o == Owner::Segment).count();
            let longest = segments.iter().map(|s| s.chunks as usize).max().unwrap_or(0);
            let most = owners.len() + longest;
            let mut left = 40 * owners.len() + 1;
            while let Some(planned) = next(&owners, &segments, spare_runs, may_grow) {
                left -= 1;
                prop_assert!(left > 0, "no end");
                match planned {
                    Move::TablesBehind(at) => {
                        let from = owners.iter().rposition(|o| *o == Owner::Table).unwrap();
                        let to = hole_below(&owners, 1, at).unwrap();
                        prop_assert!(from >= at);
                        owners.swap(from, to);
                    }
                    Move::TablesWithin(room) => {
                        for from in room.clone() {
                            if owners[from] == Owner::Table {
                                let outside = |c: &usize| owners[*c] == Owner::Free && !room.contains(c);
                                let to = (0..owners.len()).find(outside).unwrap_or(owners.len());
                                owners.resize(owners.len().max(to + 1), Owner::Free);
                                owners.swap(from, to);
                            }
                        }
                    }
                    Move::Segment(from) => {
                        let to = hole_below(&owners, from.chunks as usize, from.start as usize).unwrap();
                        let at = segments.iter().position(|s| *s == from).unwrap();
                        segments[at].start = to as u32;
                        owners[from.start as usize..][..from.chunks as usize].fill(Owner::Free);
                        owners[to..][..from.chunks as usize].fill(Owner::Segment);
                    }
                    Move::Aside(from) => {
                        prop_assert!(may_grow);
                        let to = owners.iter().rposition(|o| *o != Owner::Free).unwrap() + 1;
                        let at = segments.iter().position(|s| *s == from).unwrap();
                        segments[at].start = to as u32;
                        owners[from.start as usize..][..from.chunks as usize].fill(Owner::Free);
                        owners.truncate(to);
                        owners.resize(to + from.chunks as usize, Owner::Segment);
                        prop_assert!(owners.len() <= most);
                    }
                    Move::Maps => prop_assert!(owners[used..].contains(&Owner::Map)),
                }
                write_maps(&mut owners);
                prop_assert_eq!(owners.iter().filter(|o| **o != Owner::Free).count(), used);
            }
            let behind = owners[used..].iter().filter(|o| **o != Owner::Free).count();
            if is_tables_alone {
                prop_assert_eq!(behind, 0);
            }
            if may_grow && is_all_named && map.is_none() {
                prop_assert!(behind < used.div_ceil(ASIDE_SHARE).max(1), "{} of {}", behind, used);
            }
        }
    }
}
