//! Borrowed bytes and numbers: a pointer and a length.

use std::ffi::c_char;
use std::ptr;

/// Borrowed text: UTF-8, not ended by a zero, which may be in it.
///
/// As an argument it is read during the call and not kept. `ptr` NULL is no text at all, which is not
/// the same as an empty one. As a result it lies in an object, and is valid until that is given back.
/// `ML_STR("literal")` and `ml_cstr(string)` make one.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ml_str {
    /// The first byte.
    pub ptr: *const c_char,
    /// How many bytes.
    pub len: usize,
}

/// Borrowed numbers: a vector, or rows of a matrix one behind the other. As `ml_str` otherwise.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ml_floats {
    /// The first.
    pub ptr: *const f32,
    /// How many.
    pub len: usize,
}

impl ml_str {
    /// No text.
    pub(crate) const NONE: ml_str = ml_str { ptr: ptr::null(), len: 0 };

    /// A view into text that an object holds.
    pub(crate) fn of(text: &str) -> Self {
        ml_str { ptr: text.as_ptr().cast(), len: text.len() }
    }

    pub(crate) fn of_option(text: Option<&str>) -> Self {
        text.map_or(ml_str::NONE, ml_str::of)
    }
}

impl ml_floats {
    /// No numbers.
    pub(crate) const NONE: ml_floats = ml_floats { ptr: ptr::null(), len: 0 };
}
