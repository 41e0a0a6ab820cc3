//! How much a walk may do, and whether it was cut short.
//!
//! Whoever calls a traversal makes a [`Work`] and may use it for several in turn.

use std::fmt;
use std::ops::ControlFlow;

/// Half edges between two looks at the deadline.
const POLL: u64 = 4096;

/// Why an answer is not all there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CutShort {
    /// As many half edges as were allowed have been looked at.
    Work,
    /// The caller's `keep_going` said no.
    Stopped,
    /// As many results as were asked for have been found, and there may be others.
    Results,
}

/// What a walk may do: a number of half edges to look at, and a caller who may stop it.
pub struct Work<'a> {
    keep_going: &'a mut dyn FnMut() -> bool,
    /// Half edges behind the next look.
    left: u64,
    /// Half edges until the next look.
    credit: u64,
    granted: u64,
    cut: Option<CutShort>,
}

impl<'a> Work<'a> {
    /// Looks at `half_edges` at most, whether they pass a filter or not, and asks `keep_going` before each
    /// 4,096 of them.
    pub fn new(half_edges: u64, keep_going: &'a mut dyn FnMut() -> bool) -> Self {
        Self { keep_going, left: half_edges, credit: 0, granted: 0, cut: None }
    }

    /// Half edges that were looked at.
    pub fn spent(&self) -> u64 {
        self.granted - self.credit
    }

    /// Books `half_edges`; breaks if so many are not left.
    #[inline]
    pub(crate) fn spend(&mut self, half_edges: usize) -> ControlFlow<()> {
        let half_edges = half_edges as u64;
        if half_edges > self.credit {
            self.refill(half_edges)?;
        }
        self.credit -= half_edges;
        ControlFlow::Continue(())
    }

    #[cold]
    fn refill(&mut self, half_edges: u64) -> ControlFlow<()> {
        let missing = half_edges - self.credit;
        if missing > self.left {
            self.cut = Some(CutShort::Work);
        } else if !(self.keep_going)() {
            self.cut = Some(CutShort::Stopped);
        } else {
            let granted = self.left.min(missing.max(POLL));
            self.credit += granted;
            self.granted += granted;
            self.left -= granted;
            return ControlFlow::Continue(());
        }
        ControlFlow::Break(())
    }

    /// Why the walk was cut short that was, if it was for want of work.
    pub(crate) fn take_cut(&mut self) -> Option<CutShort> {
        self.cut.take()
    }
}

impl fmt::Debug for Work<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work").field("spent", &self.spent()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_kept_to_the_half_edge() {
        let mut polls = 0;
        let mut keep_going = || {
            polls += 1;
            true
        };
        let mut work = Work::new(POLL + 2, &mut keep_going);
        let spent = (0..2 * POLL).take_while(|_| work.spend(1).is_continue()).count() as u64;
        assert_eq!(
            (spent, work.spent(), work.take_cut()),
            (POLL + 2, POLL + 2, Some(CutShort::Work))
        );
        assert_eq!(work.take_cut(), None, "it was told");
        assert_eq!(polls, 2);
    }

    #[test]
    fn what_does_not_fit_is_not_begun() {
        let mut always = || true;
        let mut work = Work::new(10, &mut always);
        assert!(work.spend(11).is_break() && work.spend(10).is_continue());
        assert!(work.spend(0).is_continue() && work.spend(1).is_break());
        assert_eq!(work.spent(), 10);
    }

    #[test]
    fn whoever_says_no_at_once_gets_nothing() {
        let mut never = || false;
        let mut work = Work::new(100, &mut never);
        assert!(work.spend(1).is_break());
        assert_eq!((work.spent(), work.take_cut()), (0, Some(CutShort::Stopped)));
    }
}
