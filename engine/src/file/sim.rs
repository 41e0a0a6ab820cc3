//! A disk in memory that records what was done to it, and fails when it is told to.
//!
//! **Invariant:** the record is complete and in order: replayed over the bytes it began with it
//! gives the bytes it ended with. For torture alone.

use super::disk::{Disk, read_from, write_to};
use parking_lot::Mutex;
use std::io;
use std::sync::Arc;

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

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    record: Option<Vec<Event>>,
    /// The power is off: every change fails, none happens.
    is_off: bool,
    /// After so many more changes, each fails in this way.
    failure: Option<(usize, io::ErrorKind)>,
    /// Or only the first of them.
    fails_once: bool,
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

    /// Lets so many changes succeed, and then every one fail.
    pub(crate) fn fail_after(&self, changes: usize, kind: io::ErrorKind) {
        self.0.lock().failure = Some((changes, kind));
    }

    /// Lets so many changes succeed, one fail, and then all succeed again.
    pub(crate) fn fail_once_after(&self, changes: usize, kind: io::ErrorKind) {
        let mut state = self.0.lock();
        state.failure = Some((changes, kind));
        state.fails_once = true;
    }

    /// No failure any more: the same disk, after whatever was wrong has been seen to.
    pub(crate) fn recover(&self) {
        let mut state = self.0.lock();
        state.failure = None;
        state.fails_once = false;
        state.is_off = false;
    }

    fn change(
        &self,
        event: impl FnOnce() -> Event,
        apply: impl FnOnce(&mut State),
    ) -> io::Result<()> {
        let mut state = self.0.lock();
        if state.is_off {
            return Err(io::Error::other("the power is off"));
        }
        let fails_once = state.fails_once;
        match &mut state.failure {
            Some((0, kind)) => {
                let kind = *kind;
                if fails_once {
                    state.failure = None;
                }
                return Err(kind.into());
            }
            Some((left, _)) => *left -= 1,
            None => {}
        }
        state.note(event);
        apply(&mut state);
        Ok(())
    }
}

impl State {
    fn note(&mut self, event: impl FnOnce() -> Event) {
        if let (Some(record), false) = (&mut self.record, self.is_off) {
            record.push(event());
        }
    }
}

impl Disk for SimDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().bytes.len() as u64)
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        read_from(&self.0.lock().bytes, offset, out);
        Ok(())
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let event = || Event::Write(offset, data.to_vec());
        self.change(event, |state| write_to(&mut state.bytes, offset, data))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(|| Event::SetLen(len), |state| state.bytes.resize(len as usize, 0))
    }

    fn sync(&self) -> io::Result<()> {
        self.change(|| Event::Sync, |state| state.syncs += 1)
    }
}
