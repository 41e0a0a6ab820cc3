//! What a disk may hold after the power fails: crash images.
//!
//! What was synced is there. Of what was written since, anything may be: all of it, none, a part
//! in any order, halves of a write at sector borders.
//!
//! **Invariant:** every image is a function of the record and the seed. For torture alone.

use super::disk::write_to;
use super::sim::Event;
use super::slot::HEAD_LEN;

/// A small generator (xorshift*): a test is a function of its seed.
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Rng(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Less than `n`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 11) % n
    }

    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        for word in bytes.chunks_mut(8) {
            word.copy_from_slice(&self.next().to_le_bytes()[..word.len()]);
        }
        bytes
    }
}

/// Which of the changes that were not synced are on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crash {
    DropAll,
    /// The process died, the system did not.
    KeepAll,
    Subset,
    /// Each 512-byte sector of each write by itself, in any order.
    SectorMix,
    /// All, but of the last write only a beginning.
    TornLast,
    /// Of each write a beginning or an end, cut at any byte.
    TornEach,
    NoHeader,
    HeaderOnly,
    /// All, but of the header an arbitrary half of its words.
    HeaderTorn,
    AllButOne,
    AllButRun,
    /// The largest write takes longest.
    AllButLargest,
}

impl Crash {
    pub(crate) const ALL: [Crash; 12] = [
        Crash::DropAll,
        Crash::KeepAll,
        Crash::Subset,
        Crash::SectorMix,
        Crash::TornLast,
        Crash::TornEach,
        Crash::NoHeader,
        Crash::HeaderOnly,
        Crash::HeaderTorn,
        Crash::AllButOne,
        Crash::AllButRun,
        Crash::AllButLargest,
    ];

    pub(crate) fn any(rng: &mut Rng) -> Self {
        Self::ALL[rng.below(Self::ALL.len() as u64) as usize]
    }

    /// The disk after the crash.
    pub(crate) fn image(self, durable: &[u8], pending: &[Event], rng: &mut Rng) -> Vec<u8> {
        let mut image = durable.to_vec();
        let count = pending.len() as u64;
        match self {
            Crash::DropAll => {}
            Crash::KeepAll => pending.iter().for_each(|e| apply(&mut image, e)),
            Crash::Subset => {
                pending.iter().filter(|_| rng.one_in(2)).for_each(|e| apply(&mut image, e));
            }
            Crash::SectorMix => mix_sectors(&mut image, pending, rng),
            Crash::TornLast => {
                if let Some((last, before)) = pending.split_last() {
                    for event in before {
                        apply(&mut image, event);
                    }
                    if let Event::Write(at, data) = last {
                        let cut = rng.below(data.len() as u64 + 1) as usize;
                        write_to(&mut image, *at, &data[..cut]);
                    }
                }
            }
            Crash::TornEach => {
                for event in pending {
                    match event {
                        Event::Write(at, data) => {
                            let cut = rng.below(data.len() as u64 + 1) as usize;
                            if rng.one_in(2) {
                                write_to(&mut image, *at, &data[..cut]);
                            } else {
                                write_to(&mut image, *at + cut as u64, &data[cut..]);
                            }
                        }
                        _ => apply(&mut image, event),
                    }
                }
            }
            Crash::NoHeader => {
                pending.iter().filter(|e| !is_header(e)).for_each(|e| apply(&mut image, e));
            }
            Crash::HeaderOnly => {
                pending.iter().filter(|e| is_header(e)).for_each(|e| apply(&mut image, e));
            }
            Crash::HeaderTorn => {
                for event in pending {
                    match event {
                        Event::Write(at, data) if is_header(event) => {
                            write_parts(&mut image, *at, data, 8, 50, rng);
                        }
                        _ => apply(&mut image, event),
                    }
                }
            }
            Crash::AllButOne | Crash::AllButRun => {
                let first = rng.below(count + 1);
                let lost = if self == Crash::AllButOne { 1 } else { 1 + rng.below(12) };
                for (i, event) in (0..).zip(pending) {
                    if !(first..first + lost).contains(&i) {
                        apply(&mut image, event);
                    }
                }
            }
            Crash::AllButLargest => {
                let largest = (0..pending.len()).max_by_key(|i| len_of(&pending[*i]));
                let kept = (0..pending.len()).filter(|i| Some(*i) != largest);
                kept.for_each(|i| apply(&mut image, &pending[i]));
            }
        }
        image
    }
}

/// Is it the write of a header slot?
pub(crate) fn is_header(event: &Event) -> bool {
    matches!(event, Event::Write(at, _) if *at < HEAD_LEN)
}

/// Bytes that a change writes.
fn len_of(event: &Event) -> usize {
    if let Event::Write(_, data) = event { data.len() } else { 0 }
}

/// Applies a change to an image.
pub(crate) fn apply(image: &mut Vec<u8>, event: &Event) {
    match event {
        Event::Write(at, data) => write_to(image, *at, data),
        Event::SetLen(len) => image.resize(*len as usize, 0),
        Event::Sync | Event::Begin(_) | Event::Acknowledged(_) => {}
    }
}

fn mix_sectors(image: &mut Vec<u8>, pending: &[Event], rng: &mut Rng) {
    let percent = [8, 50, 92][rng.below(3) as usize];
    let mut order: Vec<&Event> = pending.iter().collect();
    if rng.one_in(2) {
        for i in (1..order.len()).rev() {
            order.swap(i, rng.below(i as u64 + 1) as usize);
        }
    }
    for event in order {
        match event {
            Event::Write(at, data) => write_parts(image, *at, data, 512, percent, rng),
            _ if rng.below(100) < percent => apply(image, event),
            _ => {}
        }
    }
}

/// Writes each aligned part of `data` with the given likelihood.
fn write_parts(
    image: &mut Vec<u8>,
    at: u64,
    data: &[u8],
    part: usize,
    percent: u64,
    rng: &mut Rng,
) {
    let mut done = 0;
    while done < data.len() {
        let here = at + done as u64;
        let n = (part - here as usize % part).min(data.len() - done);
        if rng.below(100) < percent {
            write_to(image, here, &data[done..done + n]);
        }
        done += n;
    }
}

/// Replays a record up to a point: what is durable there, what is pending, how far the workload
/// has come.
#[derive(Debug)]
pub(crate) struct Replay<'a> {
    record: &'a [Event],
    at: usize,
    pub(crate) durable: Vec<u8>,
    pub(crate) pending: Vec<Event>,
    /// The newest version that was acknowledged.
    pub(crate) acknowledged: u64,
    /// The newest version whose commit had begun.
    pub(crate) begun: u64,
}

impl<'a> Replay<'a> {
    /// Over the bytes the recording began with, of which nothing is pending.
    pub(crate) fn new(durable: Vec<u8>, record: &'a [Event]) -> Self {
        Self::resume(durable, Vec::new(), record)
    }

    /// Over bytes of which the given changes are not durable yet.
    pub(crate) fn resume(durable: Vec<u8>, pending: Vec<Event>, record: &'a [Event]) -> Self {
        Replay { record, at: 0, durable, pending, acknowledged: 0, begun: 0 }
    }

    /// The device has said that everything was durable, and will have lost some of it. `point` is
    /// that of its sync.
    pub(crate) fn lose_sync(&mut self, point: usize, rng: &mut Rng) {
        self.advance(point);
        self.durable = Crash::any(rng).image(&self.durable, &self.pending, rng);
        self.pending.clear();
    }

    /// Goes on to a later point.
    pub(crate) fn advance(&mut self, point: usize) {
        for event in &self.record[self.at..point] {
            match event {
                Event::Sync => self.pending.drain(..).for_each(|e| apply(&mut self.durable, &e)),
                Event::Write(..) | Event::SetLen(_) => self.pending.push(event.clone()),
                Event::Begin(version) => self.begun = *version,
                Event::Acknowledged(version) => self.acknowledged = *version,
            }
        }
        self.at = point;
    }
}
