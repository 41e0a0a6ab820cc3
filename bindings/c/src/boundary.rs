//! The one place that reads and writes memory of the caller.
//!
//! **Invariant:** a pointer is checked for NULL and alignment, a length for overflow and text for UTF-8
//! before anything else sees it. That what is neither NULL nor misaligned points to what its type says
//! is the caller's promise, given with the call of an exported function: only those hand pointers in.

use crate::error::Failure;
use crate::status::ml_status;
use crate::views::{ml_floats, ml_str};
use std::mem::MaybeUninit;
use std::{ptr, slice, str};

/// A structure of the caller that begins with its own size, so that it can grow.
///
/// # Safety
/// The type is `repr(C)`, its first field is a `usize` called `struct_size`, and every value of its
/// bytes is one of the type: numbers and raw pointers, and functions only as an `Option`.
pub(crate) unsafe trait Growing: Sized {
    /// Its size in the first version of the interface: less is refused.
    const FIRST_SIZE: usize;
}

/// More than any version of any structure will have: a larger size was not meant as one.
const MAX_STRUCT_SIZE: usize = 4_096;

fn check<T>(pointer: *const T, what: &'static str) -> Result<(), Failure> {
    if pointer.is_null() {
        return Err(Failure::new(ml_status::ML_NULL_POINTER, format!("{what} is NULL")));
    }
    if !pointer.is_aligned() {
        return Err(Failure::new(ml_status::ML_NULL_POINTER, format!("{what} is misaligned")));
    }
    Ok(())
}

/// Where a result goes.
pub(crate) struct Out<T>(*mut T);

impl<T> Out<T> {
    pub(crate) fn set(self, value: T) {
        // SAFETY: `out` has checked it, and the caller promised room for a `T`.
        unsafe {
            self.0.write(value);
        }
    }
}

/// A place for a result that must be there.
pub(crate) fn out<T>(pointer: *mut T, what: &'static str) -> Result<Out<T>, Failure> {
    check(pointer, what)?;
    Ok(Out(pointer))
}

/// A place for a result that the caller may do without.
pub(crate) fn out_if<T>(pointer: *mut T, what: &'static str) -> Result<Option<Out<T>>, Failure> {
    if pointer.is_null() { Ok(None) } else { out(pointer, what).map(Some) }
}

/// `len` things in a row. Empty if there are none, whatever the pointer is.
pub(crate) fn list<'a, T>(
    pointer: *const T,
    len: usize,
    what: &'static str,
) -> Result<&'a [T], Failure> {
    if len == 0 {
        return Ok(&[]);
    }
    check(pointer, what)?;
    check_len::<T>(len, what)?;
    // SAFETY: not NULL, aligned, of a possible size; that so many are there is the caller's promise.
    let items = unsafe { slice::from_raw_parts(pointer, len) };
    Ok(items)
}

/// `len` things in a row, or none if the caller does without.
pub(crate) fn list_if<'a, T>(
    pointer: *const T,
    len: usize,
    what: &'static str,
) -> Result<&'a [T], Failure> {
    list(pointer, if pointer.is_null() { 0 } else { len }, what)
}

/// Room for `len` results in a row.
pub(crate) fn list_out<'a, T: Copy>(
    pointer: *mut T,
    len: usize,
    what: &'static str,
) -> Result<&'a mut [MaybeUninit<T>], Failure> {
    if len == 0 {
        return Ok(&mut []);
    }
    check(pointer, what)?;
    check_len::<T>(len, what)?;
    // SAFETY: not NULL, aligned, of a possible size; that there is room is the caller's promise, and
    // what lies there is not read.
    let items = unsafe { slice::from_raw_parts_mut(pointer.cast(), len) };
    Ok(items)
}

fn check_len<T>(len: usize, what: &'static str) -> Result<(), Failure> {
    let bytes = len.checked_mul(size_of::<T>().max(1)).filter(|b| isize::try_from(*b).is_ok());
    let too_many = || Failure::new(ml_status::ML_BAD_SIZE, format!("{what}: impossible length"));
    bytes.map(drop).ok_or_else(too_many)
}

impl ml_str {
    /// Text that may be missing.
    pub(crate) fn optional<'a>(self, what: &'static str) -> Result<Option<&'a str>, Failure> {
        if self.ptr.is_null() && self.len == 0 {
            return Ok(None);
        }
        let bytes = list(self.ptr.cast::<u8>(), self.len, what)?;
        let bad = |_| Failure::new(ml_status::ML_BAD_UTF8, format!("{what} is not UTF-8"));
        str::from_utf8(bytes).map(Some).map_err(bad)
    }

    /// Text that must be there.
    pub(crate) fn required<'a>(self, what: &'static str) -> Result<&'a str, Failure> {
        let missing = || Failure::new(ml_status::ML_NULL_POINTER, format!("{what} is missing"));
        self.optional(what)?.ok_or_else(missing)
    }

    /// Bytes that must be there, whatever they are.
    pub(crate) fn bytes<'a>(self, what: &'static str) -> Result<&'a [u8], Failure> {
        Ok(self.required(what)?.as_bytes())
    }
}

impl ml_floats {
    /// Numbers that may be missing.
    pub(crate) fn optional<'a>(self, what: &'static str) -> Result<Option<&'a [f32]>, Failure> {
        if self.ptr.is_null() && self.len == 0 {
            return Ok(None);
        }
        list(self.ptr, self.len, what).map(Some)
    }
}

/// Reads a structure of whatever version: what the caller's does not have is as in `default`; what only
/// the caller's has must be zero, that is, not asked for.
pub(crate) fn sized<T: Growing>(
    pointer: *const T,
    default: T,
    what: &'static str,
) -> Result<T, Failure> {
    check(pointer, what)?;
    let given = struct_size(pointer, what)?;
    let known = size_of::<T>();
    let bytes = list(pointer.cast::<u8>(), given, what)?;
    if bytes.get(known..).is_some_and(|unknown| unknown.iter().any(|b| *b != 0)) {
        let message = format!("{what} asks for what this version of the library does not know");
        return Err(Failure::new(ml_status::ML_BAD_SIZE, message));
    }
    let mut value = MaybeUninit::new(default);
    // SAFETY: both are of at least so many bytes, and they do not overlap.
    unsafe {
        ptr::copy_nonoverlapping(bytes.as_ptr(), value.as_mut_ptr().cast(), given.min(known));
    }
    // SAFETY: it was a value before, and any bytes are one: that is what `Growing` promises.
    let value = unsafe { value.assume_init() };
    Ok(value)
}

/// Reads a structure that may be missing.
pub(crate) fn sized_if<T: Growing>(
    pointer: *const T,
    default: T,
    what: &'static str,
) -> Result<T, Failure> {
    if pointer.is_null() { Ok(default) } else { sized(pointer, default, what) }
}

/// Writes as much of a structure as the caller's version has; `struct_size` stays the caller's.
pub(crate) fn set_sized<T: Growing>(
    pointer: *mut T,
    value: &T,
    what: &'static str,
) -> Result<(), Failure> {
    check(pointer, what)?;
    let len = struct_size(pointer, what)?.min(size_of::<T>()) - size_of::<usize>();
    let from: *const u8 = ptr::from_ref(value).cast();
    let from = from.wrapping_add(size_of::<usize>());
    let to = pointer.cast::<u8>().wrapping_add(size_of::<usize>());
    // SAFETY: both begin with a `usize` and have `len` bytes behind it, and ours does not lie in the
    // caller's.
    unsafe {
        ptr::copy_nonoverlapping(from, to, len);
    }
    Ok(())
}

fn struct_size<T: Growing>(pointer: *const T, what: &'static str) -> Result<usize, Failure> {
    // SAFETY: not NULL and aligned; the first field is a `usize`.
    let size = unsafe { pointer.cast::<usize>().read() };
    if (T::FIRST_SIZE..=MAX_STRUCT_SIZE).contains(&size) {
        return Ok(size);
    }
    let message = format!("{what} has a struct_size of {size}: initialise it with its ..._init()");
    Err(Failure::new(ml_status::ML_BAD_SIZE, message))
}
