//! The engine's `sync`, over locks and threads that the explorer schedules.
//!
//! **Invariant:** every call that may wait, or that another thread may wait for, is a point at
//! which the explorer chooses who goes on. A timeout of [`PATIENCE`] or more never passes, so that
//! whoever relies on being woken and is not is a deadlock, which the explorer reports; a shorter
//! one may pass at any point. Like the engine's, nothing here is poisoned.

use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::Condvar;
use std::fmt::{Debug, Formatter};
use std::ops::{Deref, DerefMut};
use std::sync::{PoisonError, TryLockError};
use std::time::Duration;

pub(crate) use shuttle::sync::MutexGuard;
pub(crate) use shuttle::thread;

/// From here on a timeout is an emergency exit and no part of the protocol.
const PATIENCE: Duration = Duration::from_secs(1);

/// Lets the others go on for a while. True if the timeout has passed then.
fn passes() -> bool {
    thread::yield_now();
    thread_rng().gen_bool(0.25)
}

/// A moment after which no time has passed, or more than anybody waits for: as the explorer likes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instant;

impl Instant {
    pub(crate) fn now() -> Self {
        Instant
    }

    #[expect(clippy::unused_self, reason = "the engine's measures from a moment")]
    pub(crate) fn elapsed(self) -> Duration {
        if thread_rng().gen_bool(0.5) { Duration::ZERO } else { PATIENCE }
    }
}

/// A mutex.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Mutex(shuttle::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lock_within(&self, timeout: Duration) -> Option<MutexGuard<'_, T>> {
        if timeout >= PATIENCE {
            return Some(self.lock());
        }
        loop {
            match self.0.try_lock() {
                Ok(guard) => return Some(guard),
                Err(TryLockError::Poisoned(guard)) => return Some(guard.into_inner()),
                Err(TryLockError::WouldBlock) if passes() => return None,
                Err(TryLockError::WouldBlock) => {}
            }
        }
    }
}

/// A mutex with a condition to wait for.
#[derive(Debug, Default)]
pub(crate) struct Monitor<T> {
    state: Mutex<T>,
    changed: Condvar,
}

impl<T> Monitor<T> {
    pub(crate) const fn new(value: T) -> Self {
        Monitor { state: Mutex::new(value), changed: Condvar::new() }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.state.lock()
    }

    pub(crate) fn wait_for<R>(&self, mut ready: impl FnMut(&mut T) -> Option<R>) -> R {
        let mut state = self.lock();
        loop {
            if let Some(result) = ready(&mut state) {
                return result;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(crate) fn wait_at_most<R>(
        &self,
        timeout: Duration,
        mut ready: impl FnMut(&mut T) -> Option<R>,
    ) -> Option<R> {
        if timeout >= PATIENCE {
            return Some(self.wait_for(ready));
        }
        loop {
            let result = ready(&mut self.lock());
            if result.is_some() {
                return result;
            }
            if passes() {
                return ready(&mut self.lock());
            }
        }
    }

    pub(crate) fn update<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        result
    }
}

/// A lock that many read or one writes, which [`Gate`] decides; `value` is never waited for.
#[derive(Debug, Default)]
pub(crate) struct RwLock<T> {
    gate: Gate,
    value: std::sync::RwLock<T>,
}

/// Who is inside.
#[derive(Debug, Default)]
struct Gate(Monitor<Holders>);

#[derive(Debug, Default)]
struct Holders {
    readers: usize,
    has_writer: bool,
}

/// The right to be inside.
struct Pass<'a> {
    gate: &'a Gate,
    is_writer: bool,
}

impl Gate {
    fn admit(&self, is_writer: bool, holders: &mut Holders) -> Option<Pass<'_>> {
        if holders.has_writer || is_writer && holders.readers > 0 {
            return None;
        }
        if is_writer {
            holders.has_writer = true;
        } else {
            holders.readers += 1;
        }
        Some(Pass { gate: self, is_writer })
    }

    fn enter(&self, is_writer: bool) -> Pass<'_> {
        self.0.wait_for(|holders| self.admit(is_writer, holders))
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.gate.0.update(|holders| {
            if self.is_writer {
                holders.has_writer = false;
            } else {
                holders.readers -= 1;
            }
        });
    }
}

impl<T> RwLock<T> {
    pub(crate) const fn new(value: T) -> Self {
        let holders = Holders { readers: 0, has_writer: false };
        RwLock { gate: Gate(Monitor::new(holders)), value: std::sync::RwLock::new(value) }
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, T> {
        let pass = self.gate.enter(false);
        RwLockReadGuard { value: admitted(self.value.try_read()), _pass: pass }
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, T> {
        let pass = self.gate.enter(true);
        RwLockWriteGuard { value: admitted(self.value.try_write()), pass }
    }

    pub(crate) fn try_write(&self) -> Option<RwLockWriteGuard<'_, T>> {
        let pass = self.gate.admit(true, &mut self.gate.0.lock())?;
        Some(RwLockWriteGuard { value: admitted(self.value.try_write()), pass })
    }
}

fn admitted<G>(guard: Result<G, TryLockError<G>>) -> G {
    match guard {
        Ok(guard) => guard,
        Err(TryLockError::Poisoned(guard)) => guard.into_inner(),
        Err(TryLockError::WouldBlock) => unreachable!("the gate lets in only who may go on"),
    }
}

// The value of a guard goes before its pass, here and below.
pub(crate) struct RwLockReadGuard<'a, T> {
    value: std::sync::RwLockReadGuard<'a, T>,
    _pass: Pass<'a>,
}

impl<'a, T> RwLockReadGuard<'a, T> {
    pub(crate) fn try_map<U>(
        guard: Self,
        part: fn(&T) -> Option<&U>,
    ) -> Result<MappedRwLockReadGuard<'a, U>, Self>
    where
        T: 'a,
        U: 'a,
    {
        if part(&guard).is_none() {
            return Err(guard);
        }
        Ok(MappedRwLockReadGuard(Box::new(Part { guard, part })))
    }
}

impl<T> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

pub(crate) struct RwLockWriteGuard<'a, T> {
    value: std::sync::RwLockWriteGuard<'a, T>,
    pass: Pass<'a>,
}

impl<'a, T> RwLockWriteGuard<'a, T> {
    pub(crate) fn downgrade(guard: Self) -> RwLockReadGuard<'a, T> {
        let RwLockWriteGuard { value, mut pass } = guard;
        let value = std::sync::RwLockWriteGuard::downgrade(value);
        pass.gate.0.update(|holders| *holders = Holders { readers: 1, has_writer: false });
        pass.is_writer = false;
        RwLockReadGuard { value, _pass: pass }
    }
}

impl<T> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for RwLockWriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

/// A guard of a part of what is locked.
pub(crate) struct MappedRwLockReadGuard<'a, U>(Box<dyn Deref<Target = U> + 'a>);

struct Part<'a, T, U> {
    guard: RwLockReadGuard<'a, T>,
    part: fn(&T) -> Option<&U>,
}

impl<T, U> Deref for Part<'_, T, U> {
    type Target = U;

    fn deref(&self) -> &U {
        (self.part)(&self.guard).expect("it was there when the lock was taken")
    }
}

impl<U> Deref for MappedRwLockReadGuard<'_, U> {
    type Target = U;

    fn deref(&self) -> &U {
        &self.0
    }
}

impl<U: Debug> Debug for MappedRwLockReadGuard<'_, U> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        (**self).fmt(f)
    }
}
