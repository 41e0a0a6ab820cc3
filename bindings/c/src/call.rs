//! What surrounds every call: no panic leaves it, and no callback comes in.
//!
//! **Invariant:** every exported function that returns a status goes through [`call`], [`on`] or
//! [`free`].

use crate::boundary::Out;
use crate::error::{self, Failure, ml_error};
use crate::handle::{self, Held, Object};
use crate::status::ml_status;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

thread_local! {
    /// Is this thread inside a callback?
    static IN_CALLBACK: Cell<bool> = const { Cell::new(false) };
}

/// Runs a callback: until it returns, this thread cannot call the library.
pub(crate) fn callback<T>(run: impl FnOnce() -> T) -> T {
    struct Leave(bool);
    impl Drop for Leave {
        fn drop(&mut self) {
            IN_CALLBACK.set(self.0);
        }
    }
    let _leave = Leave(IN_CALLBACK.replace(true));
    run()
}

fn check_entry() -> Result<(), Failure> {
    if !IN_CALLBACK.get() {
        return Ok(());
    }
    let message = "a callback must not call the library: it would wait for itself";
    Err(Failure::new(ml_status::ML_REENTRANT, message))
}

/// A call that is on no handle.
pub(crate) fn call(
    error: *mut *mut ml_error,
    work: impl FnOnce() -> Result<(), Failure>,
) -> ml_status {
    enter(error, work, || {})
}

/// A call on a handle, which takes no more of them if this one panics.
pub(crate) fn on<T: Object>(
    handle: *const T::Opaque,
    error: *mut *mut ml_error,
    work: impl FnOnce(&Held<T>) -> Result<(), Failure>,
) -> ml_status {
    let poison = || {
        if let Ok(held) = handle::get::<T>(handle) {
            held.poison();
        }
    };
    enter(error, || work(&*handle::get::<T>(handle)?), poison)
}

/// Gives an object back. NULL is fine.
pub(crate) fn free<T: Object>(handle: *mut T::Opaque) -> ml_status {
    if handle.is_null() {
        return ml_status::ML_OK;
    }
    enter(ptr::null_mut(), || handle::take::<T>(handle).map(drop), || {})
}

fn enter(
    error: *mut *mut ml_error,
    work: impl FnOnce() -> Result<(), Failure>,
    poison: impl FnOnce(),
) -> ml_status {
    let place: Option<Out<*mut ml_error>> = match error::place(error) {
        Ok(place) => place,
        Err(failure) => return failure.status,
    };
    // Nothing of ours is used again that a panic may have left half done: the handle is poisoned.
    let done = catch_unwind(AssertUnwindSafe(|| check_entry().and_then(|()| work())));
    match done {
        Ok(Ok(())) => ml_status::ML_OK,
        Ok(Err(failure)) => error::tell(failure, place),
        Err(_) => {
            poison();
            let message = "the library panicked, which is a defect: give the handle back";
            error::tell(Failure::new(ml_status::ML_PANIC, message), place)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handle::object;

    struct Thing;
    struct Opaque;
    object!(Thing, Opaque, 0x7e, "thing");

    #[test]
    fn a_panic_becomes_a_status_and_poisons_the_handle() {
        let handle = handle::give(Thing).unwrap();
        let mut error = ptr::null_mut();
        let status = on::<Thing>(handle, &raw mut error, |_| panic!("on purpose"));
        assert_eq!(status, ml_status::ML_PANIC);
        assert!(!error.is_null());
        assert_eq!(free::<error::Report>(error), ml_status::ML_OK);
        let status = on::<Thing>(handle, ptr::null_mut(), |_| Ok(()));
        assert_eq!(status, ml_status::ML_POISONED);
        assert_eq!(free::<Thing>(handle), ml_status::ML_OK);
    }

    #[test]
    fn a_callback_cannot_come_in_and_the_thread_can_again_behind_it() {
        let inside = callback(|| call(ptr::null_mut(), || Ok(())));
        assert_eq!(inside, ml_status::ML_REENTRANT);
        assert_eq!(call(ptr::null_mut(), || Ok(())), ml_status::ML_OK);
    }
}
