//! Bytes that are whole but in the wrong place, of the wrong file, of the wrong time, or wiped.

use super::trial::{Promise, Subject};
use crate::file::anatomy::TablePage;
use crate::file::crash::Rng;
use std::fmt::{self, Display};
use std::ops::Range;

/// Damage of a kind that is tried.
const SAMPLE: usize = 16;
const SECTOR: usize = 512;
const PAGE: usize = 4096;
const SLOT: usize = 32 << 10;
const HEAD: usize = 2 * SLOT;

/// Where other bytes come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    Zeros,
    Noise(u64),
    /// The sound file, `at` this place.
    Same(usize),
    /// What lay there when the file was closed before.
    Older,
    /// What lies there in another file of the same shape.
    Other,
}

/// Ranges of the file that hold other bytes than they should.
#[derive(Clone, Debug)]
pub(super) struct Swap {
    what: &'static str,
    parts: Vec<(Range<usize>, Source)>,
    /// Are the checksums of pages made to match?
    is_mended: bool,
    pub(super) promise: Promise,
}

impl Display for Swap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}", self.what, self.parts)
    }
}

impl Swap {
    fn new(what: &'static str, parts: Vec<(Range<usize>, Source)>, promise: Promise) -> Self {
        Swap { what, parts, is_mended: false, promise }
    }

    /// A page of other bytes that match their checksum.
    fn mended(what: &'static str, page: Range<usize>, source: Source) -> Self {
        let parts = vec![(page, source)];
        Swap { what, parts, is_mended: true, promise: Promise::Verified }
    }

    /// The file with this damage; `other` is a file of the same shape.
    pub(super) fn apply(&self, subject: &Subject, other: &[u8]) -> Vec<u8> {
        let sound = &subject.closed.bytes;
        let mut bytes = sound.clone();
        for (range, source) in &self.parts {
            let noise;
            let (from, at) = match source {
                Source::Zeros => (&[][..], 0),
                Source::Noise(seed) => {
                    noise = Rng::new(*seed).bytes(range.len());
                    (&noise[..], 0)
                }
                Source::Same(at) => (&sound[..], *at),
                Source::Older => (&subject.closed.older[..], range.start),
                Source::Other => (other, range.start),
            };
            // Behind the end there is nothing to be damaged; what comes from there is zeros.
            for (byte, i) in bytes.iter_mut().take(range.end).skip(range.start).zip(at..) {
                *byte = from.get(i).copied().unwrap_or(0);
            }
        }
        let is_changed =
            |page: &TablePage| self.parts.iter().any(|(r, _)| r.contains(&page.bytes.start));
        if self.is_mended {
            let pages = &subject.live.anatomy.pages;
            pages.iter().filter(|page| is_changed(page)).for_each(|page| page.mend(&mut bytes));
        }
        bytes
    }
}

/// A place of `len` bytes behind the header: half of the time one that holds something live.
fn place(subject: &Subject, len: usize, rng: &mut Rng) -> Range<usize> {
    let live = &subject.live.ranges;
    let at = if rng.one_in(2) {
        live[rng.below(live.len() as u64) as usize].start
    } else {
        rng.below(subject.closed.bytes.len() as u64) as usize
    };
    let at = HEAD + at.saturating_sub(HEAD) / len * len;
    at..at + len
}

/// Everything that is to be tried.
pub(super) fn all(subject: &Subject, rng: &mut Rng) -> Vec<Swap> {
    let chunk = subject.live.anatomy.chunk_bytes;
    let (mut all, mut mended) = (Vec::new(), Vec::new());
    let mut add = |what, parts, promise| all.push(Swap::new(what, parts, promise));
    let both = |a: Range<usize>, b: Range<usize>| {
        vec![(a.clone(), Source::Same(b.start)), (b, Source::Same(a.start))]
    };
    for _ in 0..SAMPLE {
        let (a, b) = (place(subject, chunk, rng), place(subject, chunk, rng));
        add("chunks exchanged", both(a.clone(), b.clone()), Promise::Right);
        add("a chunk over another", vec![(a.clone(), Source::Same(b.start))], Promise::Right);
        add("a chunk wiped", vec![(a, Source::Zeros)], Promise::Right);
        let (a, b) = (place(subject, PAGE, rng), place(subject, PAGE, rng));
        add("pages exchanged", both(a.clone(), b), Promise::Right);
        let within = (a.start - HEAD) / chunk * chunk + HEAD;
        let b = within + rng.below((chunk / PAGE) as u64) as usize * PAGE;
        add("pages of a chunk exchanged", both(a.clone(), b..b + PAGE), Promise::Right);
        add("a page wiped", vec![(a, Source::Zeros)], Promise::Right);
        let a = place(subject, SECTOR, rng);
        add("a sector wiped", vec![(a.clone(), Source::Zeros)], Promise::Right);
        // A page and its checksum lie apart.
        add("an older sector", vec![(a, Source::Older)], Promise::Right);
        let a = place(subject, PAGE, rng);
        add("an older page", vec![(a.clone(), Source::Older)], Promise::Right);
        add("a page of another file", vec![(a, Source::Other)], Promise::Right);
        let a = place(subject, PAGE, rng);
        mended.push(Swap::mended("a wiped page, mended", a.clone(), Source::Zeros));
        mended.push(Swap::mended("a page of noise, mended", a, Source::Noise(rng.next())));
        let (a, b) = (place(subject, PAGE, rng), place(subject, PAGE, rng));
        mended.push(Swap::mended("an older page, mended", a.clone(), Source::Older));
        mended.push(Swap::mended("another page, mended", a.clone(), Source::Same(b.start)));
        mended.push(Swap::mended("a page of another file, mended", a, Source::Other));
        let a = place(subject, chunk, rng);
        add("an older chunk", vec![(a.clone(), Source::Older)], Promise::Verified);
        add("a chunk of another file", vec![(a, Source::Other)], Promise::Verified);
    }
    let (a, b) = (0..SLOT, SLOT..HEAD);
    let end = subject.closed.bytes.len();
    add("slots exchanged", both(a.clone(), b.clone()), Promise::Right);
    for slot in [a, b] {
        add(
            "a slot over the other",
            vec![(slot.clone(), Source::Same(SLOT - slot.start))],
            Promise::Right,
        );
        add("a slot wiped", vec![(slot.clone(), Source::Zeros)], Promise::Right);
        add("an older slot", vec![(slot.clone(), Source::Older)], Promise::Right);
        add("a slot of another file", vec![(slot, Source::Other)], Promise::Verified);
    }
    add("both slots wiped", vec![(0..HEAD, Source::Zeros)], Promise::Right);
    add("an older header", vec![(0..HEAD, Source::Older)], Promise::Verified);
    add("the header of another file", vec![(0..HEAD, Source::Other)], Promise::Verified);
    add("all but the header older", vec![(HEAD..end, Source::Older)], Promise::Verified);
    all.append(&mut mended);
    all
}
