//! A disk in memory that records what was done to it, fails when it is told to, and sees to it
//! that nobody changes bytes which somebody has mapped.
//!
//! **Invariant:** the record is complete and in order: replayed over the bytes it began with it
//! gives the bytes it ended with. For torture alone.

use super::disk::{Disk, Mapping, read_from, write_to};
use crate::sync::Mutex;
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// Alignment of mapped bytes, as far as readers care.
const ALIGN: usize = 64;

/// Something that happened to a [`SimDisk`], or to the workload above it.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    Write(u64, Vec<u8>),
    SetLen(u64),
    Sync,
    /// The workload is about to make this version of its content durable.
    Begin(u64),
    /// The workload has been told that this version is durable.
    Acknowledged(u64),
}

/// A call that a disk can be told to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Read,
    Map,
    /// A write inside the disk, or behind its end.
    Write {
        grows: bool,
    },
    SetLen {
        grows: bool,
    },
    Sync,
    /// Asking for the length.
    Len,
}

impl Call {
    /// Would it change the disk, or make it durable?
    pub(crate) fn is_change(self) -> bool {
        !matches!(self, Call::Read | Call::Map | Call::Len)
    }

    /// Does it need more room on the device?
    pub(crate) fn grows(self) -> bool {
        matches!(self, Call::Write { grows: true } | Call::SetLen { grows: true })
    }
}

/// What the disk is to fail.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failing {
    /// After so many more calls …
    pub(crate) after: usize,
    /// … of those that this says to count.
    pub(crate) counts: fn(Call) -> bool,
    pub(crate) kind: io::ErrorKind,
    /// Only one call, or all that are counted from then on.
    pub(crate) once: bool,
}

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    record: Option<Vec<Event>>,
    calls: Option<Vec<Call>>,
    /// The power is off: every change fails, none happens.
    is_off: bool,
    failing: Option<Failing>,
    /// A call has failed as it was told to.
    has_failed: bool,
    /// What is mapped.
    maps: Vec<Arc<Range<u64>>>,
    /// Changes that somebody would have seen through a mapping.
    seen: Vec<String>,
    syncs: u64,
}

/// A simulated disk; clones are the same disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct SimDisk(Arc<Mutex<State>>);

impl SimDisk {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        SimDisk(Arc::new(Mutex::new(State { bytes, ..State::default() })))
    }

    /// Begins to record; returns the bytes of this moment, to be taken as durable.
    pub(crate) fn start_recording(&self) -> Vec<u8> {
        let mut state = self.0.lock();
        state.record = Some(Vec::new());
        state.bytes.clone()
    }

    /// What has been recorded.
    pub(crate) fn take_record(&self) -> Vec<Event> {
        self.0.lock().record.take().unwrap_or_default()
    }

    /// Records how far the workload has come.
    pub(crate) fn mark(&self, event: Event) {
        self.0.lock().note(|| event);
    }

    /// Begins to list calls.
    pub(crate) fn start_listing(&self) {
        self.0.lock().calls = Some(Vec::new());
    }

    /// The calls since.
    pub(crate) fn take_calls(&self) -> Vec<Call> {
        self.0.lock().calls.take().unwrap_or_default()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.lock().bytes.clone()
    }

    /// How many syncs there have been.
    #[cfg(test)]
    pub(crate) fn syncs(&self) -> u64 {
        self.0.lock().syncs
    }

    /// From now on nothing changes any more.
    pub(crate) fn cut_power(&self) {
        self.0.lock().is_off = true;
    }

    /// Makes calls fail.
    pub(crate) fn fail(&self, failing: Failing) {
        let mut state = self.0.lock();
        state.failing = Some(failing);
        state.has_failed = false;
    }

    /// Has a call failed since [`SimDisk::fail`] asked for it?
    pub(crate) fn has_failed(&self) -> bool {
        self.0.lock().has_failed
    }

    /// Lets so many changes succeed, and then every one fail.
    #[cfg(test)]
    pub(crate) fn fail_after(&self, changes: usize, kind: io::ErrorKind) {
        self.fail(Failing { after: changes, counts: Call::is_change, kind, once: false });
    }

    /// No failure any more: the same disk, after whatever was wrong has been seen to.
    pub(crate) fn recover(&self) {
        let mut state = self.0.lock();
        state.failing = None;
        state.is_off = false;
    }

    /// Panics if bytes have changed while they were mapped.
    pub(crate) fn assert_maps_held(&self) {
        let state = self.0.lock();
        assert!(state.seen.is_empty(), "under a mapping: {:?}", state.seen);
    }

    fn call(&self, call: Call) -> io::Result<()> {
        self.0.lock().call(call)
    }
}

impl State {
    fn note(&mut self, event: impl FnOnce() -> Event) {
        if let (Some(record), false) = (&mut self.record, self.is_off) {
            record.push(event());
        }
    }

    /// Counts a call. An error is what it fails with.
    fn call(&mut self, call: Call) -> io::Result<()> {
        if self.is_off && call.is_change() {
            return Err(io::Error::other("the power is off"));
        }
        if let Some(calls) = &mut self.calls {
            calls.push(call);
        }
        match &mut self.failing {
            Some(failing) if (failing.counts)(call) => {
                if failing.after > 0 {
                    failing.after -= 1;
                    return Ok(());
                }
                let kind = failing.kind;
                self.has_failed = true;
                if failing.once {
                    self.failing = None;
                }
                Err(kind.into())
            }
            _ => Ok(()),
        }
    }

    fn write(&mut self, offset: u64, data: &[u8]) {
        self.look(&(offset..offset + data.len() as u64), "write");
        self.note(|| Event::Write(offset, data.to_vec()));
        write_to(&mut self.bytes, offset, data);
    }

    /// Notes a change that a mapping would show.
    fn look(&mut self, changed: &Range<u64>, how: &str) {
        for map in &self.maps {
            if map.start < changed.end && changed.start < map.end {
                self.seen.push(format!("{how} of {changed:?}, mapped is {map:?}"));
            }
        }
    }
}

impl Disk for SimDisk {
    fn len(&self) -> io::Result<u64> {
        self.call(Call::Len)?;
        Ok(self.0.lock().bytes.len() as u64)
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.call(Call::Read)?;
        read_from(&self.0.lock().bytes, offset, out);
        Ok(())
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.0.lock();
        let grows = offset + data.len() as u64 > state.bytes.len() as u64;
        let called = state.call(Call::Write { grows });
        match called {
            Ok(()) => state.write(offset, data),
            // A device that fails has often done a part.
            Err(_) if !state.is_off => state.write(offset, &data[..data.len() / 3]),
            Err(_) => {}
        }
        called
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.0.lock();
        let grows = len > state.bytes.len() as u64;
        state.call(Call::SetLen { grows })?;
        state.look(&(len..u64::MAX), "cut");
        state.note(|| Event::SetLen(len));
        state.bytes.resize(len as usize, 0);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.0.lock();
        state.call(Call::Sync)?;
        state.note(|| Event::Sync);
        state.syncs += 1;
        Ok(())
    }

    fn map(&self, offset: u64, len: usize) -> io::Result<Option<Mapping>> {
        self.call(Call::Map)?;
        let place = Arc::new(offset..offset + len as u64);
        let mut buffer = vec![0; len + ALIGN];
        let start = buffer.as_ptr().align_offset(ALIGN).min(ALIGN);
        let mut state = self.0.lock();
        read_from(&state.bytes, offset, &mut buffer[start..start + len]);
        state.maps.push(place.clone());
        let watch = Watch { buffer, start, len, place, disk: self.clone() };
        Ok(Some(Mapping::Simulated(watch)))
    }
}

/// A mapping of a simulated disk: a copy, with an eye on the original.
#[derive(Debug)]
pub(crate) struct Watch {
    buffer: Vec<u8>,
    start: usize,
    len: usize,
    place: Arc<Range<u64>>,
    disk: SimDisk,
}

impl Watch {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.start + self.len]
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.disk.0.lock().maps.retain(|place| !Arc::ptr_eq(place, &self.place));
    }
}
