//! Adds up the scores of one part, window by window.
//!
//! Exhaustive: every posting of every query term is visited once. Sums live in an array of one
//! window, which stays in the first-level cache, and windows without a posting are never seen.
//!
//! **Invariant:** a document's sum takes its terms in the order they are given, whichever part it
//! lies in.

use super::WINDOW;
use super::bm25::Formula;
use super::part::{Part, Window};
use super::postings::Posting;
use super::view::TextError;
use crate::image::ImageError;

/// Postings between two looks at the deadline.
const POSTINGS_PER_POLL: usize = 8192;

/// Asks the caller now and then whether to go on.
pub(super) struct Meter<'a> {
    keep_going: &'a mut dyn FnMut() -> bool,
    spent: usize,
}

impl<'a> Meter<'a> {
    pub(super) fn new(keep_going: &'a mut dyn FnMut() -> bool) -> Self {
        Self { keep_going, spent: 0 }
    }

    /// Books `postings` as visited.
    pub(super) fn spend(&mut self, postings: usize) -> Result<(), TextError> {
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

/// The postings of one query term in one part.
pub(super) struct Cursor<I> {
    weight: f64,
    head: Option<Posting>,
    rest: I,
}

impl<I: Iterator<Item = Result<Posting, ImageError>>> Cursor<I> {
    pub(super) fn new(weight: f64, mut postings: I) -> Result<Self, ImageError> {
        Ok(Self { weight, head: postings.next().transpose()?, rest: postings })
    }
}

/// Hands ordinal and score of every live document of `part` that has one of the terms to `found`,
/// by ascending entry.
pub(super) fn score<P, I>(
    part: &P,
    mut terms: Vec<Cursor<I>>,
    formula: &Formula,
    meter: &mut Meter<'_>,
    mut found: impl FnMut(u32, f64),
) -> Result<(), TextError>
where
    P: Part,
    I: Iterator<Item = Result<Posting, ImageError>>,
{
    let mut sums = vec![0.0; WINDOW as usize];
    let mut touched = [0_u64; (WINDOW / u64::BITS) as usize];
    while let Some(next) = terms.iter().filter_map(|t| t.head.map(|p| p.entry)).min() {
        let first = next - next % WINDOW;
        let window = part.window(first)?;
        for term in &mut terms {
            let mut visited = 0;
            while let Some(Posting { entry, tf }) = term.head
                && entry - first < WINDOW
            {
                let offset = (entry - first) as usize;
                sums[offset] += formula.contribution(term.weight, tf, window.length(offset));
                touched[offset / 64] |= 1 << (offset % 64);
                visited += 1;
                term.head = term.rest.next().transpose()?;
            }
            meter.spend(visited)?;
        }
        for (i, word) in touched.iter_mut().enumerate() {
            let mut bits = std::mem::take(word);
            while bits != 0 {
                let offset = i * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let sum = std::mem::take(&mut sums[offset]);
                if window.is_live(offset) {
                    found(window.ordinal(offset), sum);
                }
            }
        }
    }
    Ok(())
}
