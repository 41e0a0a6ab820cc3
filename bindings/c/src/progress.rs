//! Progress of long calls.

use crate::boundary::{Growing, sized};
use crate::call::callback;
use crate::embedder::User;
use crate::error::Failure;
use std::ffi::c_void;
use std::ptr;

/// Who is told how far a long call has come. Where a function takes one, NULL is nobody.
///
/// `call` comes on the thread that makes the call, must not call the library (`ML_REENTRANT`) and must
/// not throw. `destroy`, which may be NULL, is called once before that call returns.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ml_progress {
    /// `sizeof(ml_progress)`.
    pub struct_size: usize,
    /// How much is done, and of how much; the total may grow, and is 0 where it is not known.
    pub call: Option<unsafe extern "C" fn(user: *mut c_void, done: u64, total: u64)>,
    /// Handed to `call` and `destroy`.
    pub user: *mut c_void,
    /// Frees `user`, or NULL.
    pub destroy: Option<unsafe extern "C" fn(user: *mut c_void)>,
}

// SAFETY: a size, a pointer and optional functions.
unsafe impl Growing for ml_progress {
    const FIRST_SIZE: usize = size_of::<ml_progress>();
}

/// Somebody who is told, or nobody.
pub(crate) struct Progress {
    call: Option<unsafe extern "C" fn(*mut c_void, u64, u64)>,
    user: User,
}

impl Progress {
    pub(crate) fn of(pointer: *const ml_progress) -> Result<Self, Failure> {
        if pointer.is_null() {
            return Ok(Progress { call: None, user: User::new(ptr::null_mut(), None) });
        }
        let nobody = ml_progress {
            struct_size: size_of::<ml_progress>(),
            call: None,
            user: ptr::null_mut(),
            destroy: None,
        };
        let given = sized(pointer, nobody, "progress")?;
        Ok(Progress { call: given.call, user: User::new(given.user, given.destroy) })
    }

    pub(crate) fn tell(&self, done: u64, total: u64) {
        let Some(call) = self.call else { return };
        // SAFETY: it is the function that came with this pointer.
        callback(|| unsafe { call(self.user.pointer(), done, total) });
    }
}
