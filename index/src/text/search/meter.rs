//! Asks the caller now and then whether to go on.

use crate::text::view::TextError;

/// Postings between two looks at the deadline.
const POSTINGS_PER_POLL: usize = 8192;

pub(in crate::text) struct Meter<'a> {
    keep_going: &'a mut dyn FnMut() -> bool,
    spent: usize,
}

impl<'a> Meter<'a> {
    pub(in crate::text) fn new(keep_going: &'a mut dyn FnMut() -> bool) -> Self {
        Self { keep_going, spent: 0 }
    }

    /// Books `postings` as visited.
    pub(in crate::text) fn spend(&mut self, postings: usize) -> Result<(), TextError> {
        self.spent += postings;
        if self.spent >= POSTINGS_PER_POLL {
            self.spent = 0;
            if !(self.keep_going)() {
                return Err(TextError::Stopped);
            }
        }
        Ok(())
    }
}
