//! What threads wait with, behind one small door.
//!
//! **Invariant:** the engine blocks, starts threads and times their work only through this module,
//! so that a schedule explorer can take the place of the operating system by giving these types
//! other bodies: `engine/schedules` does. Nothing here is poisoned by a panic: what a lock guards is
//! valid between any two statements.

use parking_lot::Condvar;
use std::time::Duration;

pub(crate) use parking_lot::{
    MappedRwLockReadGuard, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
};
pub(crate) use std::thread;
pub(crate) use std::time::Instant;

/// A mutex.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(parking_lot::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Mutex(parking_lot::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock()
    }

    /// Waits for at most `timeout`. Parks between attempts, so a long holder costs no CPU.
    pub(crate) fn lock_within(&self, timeout: Duration) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock_for(timeout)
    }
}

/// A mutex with a condition to wait for.
#[derive(Debug, Default)]
pub(crate) struct Monitor<T> {
    state: parking_lot::Mutex<T>,
    changed: Condvar,
}

impl<T> Monitor<T> {
    pub(crate) const fn new(value: T) -> Self {
        Monitor { state: parking_lot::Mutex::new(value), changed: Condvar::new() }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.state.lock()
    }

    /// Waits until `ready` gives a value.
    pub(crate) fn wait_for<R>(&self, mut ready: impl FnMut(&mut T) -> Option<R>) -> R {
        let mut state = self.state.lock();
        loop {
            match ready(&mut state) {
                Some(result) => return result,
                None => self.changed.wait(&mut state),
            }
        }
    }

    /// Waits until `ready` gives a value, or `timeout` has passed.
    pub(crate) fn wait_at_most<R>(
        &self,
        timeout: Duration,
        mut ready: impl FnMut(&mut T) -> Option<R>,
    ) -> Option<R> {
        let mut state = self.state.lock();
        let until = Instant::now() + timeout;
        loop {
            if let Some(result) = ready(&mut state) {
                return Some(result);
            }
            if self.changed.wait_until(&mut state, until).timed_out() {
                return ready(&mut state);
            }
        }
    }

    /// Changes the state and wakes everyone who waits for it.
    pub(crate) fn update<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let result = change(&mut self.state.lock());
        self.changed.notify_all();
        result
    }
}
