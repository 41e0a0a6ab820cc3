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
pub enum Cut {
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
    cut: Option<Cut>,
}

impl<'a> Work<'a> {
    /// Looks at `half_edges` at most, and asks `keep_going` before each 4,096 of them.
    pub fn new(half_edges: u64, keep_going: &'a mut dyn FnMut() -> bool) -> Self {
        Self { keep_going, left: half_edges, credit: 0, granted: 0, cut: None }
    }

    /// Half edges that were looked at.
    pub fn spent(&self) -> u64 {
        self.granted - self.credit
    }

    /// Books a half edge; breaks if there is none left.
    #[inline]
    pub(crate) fn spend(&mut self) -> ControlFlow<()> {
        if self.credit == 0 {
            self.refill()?;
        }
        self.credit -= 1;
        ControlFlow::Continue(())
    }

    #[cold]
    fn refill(&mut self) -> ControlFlow<()> {
        if self.left == 0 {
            self.cut = Some(Cut::Work);
        } else if !(self.keep_going)() {
            self.cut = Some(Cut::Stopped);
        } else {
            self.credit = self.left.min(POLL);
            self.granted += self.credit;
            self.left -= self.credit;
            self.cut = None;
            return ControlFlow::Continue(());
        }
        ControlFlow::Break(())
    }

    /// Why the last walk was cut short, if it was.
    pub(crate) fn cut(&self) -> Option<Cut> {
        self.cut
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
        let spent = (0..2 * POLL).take_while(|_| work.spend().is_continue()).count() as u64;
        assert_eq!((spent, work.spent(), work.cut()), (POLL + 2, POLL + 2, Some(Cut::Work)));
        assert_eq!(polls, 2);
    }

    #[test]
    fn whoever_says_no_at_once_gets_nothing() {
        let mut never = || false;
        let mut work = Work::new(100, &mut never);
        assert!(work.spend().is_break());
        assert_eq!((work.spent(), work.cut()), (0, Some(Cut::Stopped)));
    }
}
