//! Cancelling calls from another thread.

use crate::boundary::out;
use crate::call::{call, on};
use crate::error::ml_error;
use crate::handle::{self, object};
use crate::status::ml_status;
use memlith::Cancellation;

/// What ends calls of another thread: requests that have it. Yours: give it back with `ml_cancellation_free`.
///
/// Threads: usable from any thread; that is what it is for.
pub struct ml_cancellation {
    _opaque: [u8; 0],
}

/// What a cancellation handle stands for.
pub(crate) struct Cancelling(pub(crate) Cancellation);

object!(Cancelling, ml_cancellation, 10, "cancellation");

/// Makes one that has not been used yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_cancellation_new(
    cancellation: *mut *mut ml_cancellation,
    error: *mut *mut ml_error,
) -> ml_status {
    call(error, || {
        let place = out(cancellation, "cancellation")?;
        place.set(handle::give(Cancelling(Cancellation::new()))?);
        Ok(())
    })
}

/// Ends all calls that have it, soon, with `ML_CANCELLED`; and those that get it later at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_cancellation_cancel(
    cancellation: *const ml_cancellation,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Cancelling>(cancellation, error, |cancelling| {
        cancelling.0.cancel();
        Ok(())
    })
}

/// Gives a cancellation back. NULL is fine. Calls that have it go on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_cancellation_free(cancellation: *mut ml_cancellation) -> ml_status {
    crate::call::free::<Cancelling>(cancellation)
}
