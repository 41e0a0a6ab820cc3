//! Text that the library hands out.

use crate::boundary::Out;
use crate::error::Failure;
use crate::handle::{self, object};
use crate::status::ml_status;
use crate::views::ml_str;
use serde::Serialize;

/// Text of the library, mostly JSON. Yours: give it back with `ml_text_free`.
///
/// Threads: usable from any thread.
pub struct ml_text {
    _opaque: [u8; 0],
}

/// What a text handle stands for.
pub(crate) struct Text(String);

object!(Text, ml_text, 2, "text");

/// Hands text out.
pub(crate) fn give(text: String, to: Out<*mut ml_text>) -> Result<(), Failure> {
    to.set(handle::give(Text(text))?);
    Ok(())
}

/// Hands an object out as JSON.
pub(crate) fn give_json(value: &impl Serialize, to: Out<*mut ml_text>) -> Result<(), Failure> {
    let text = serde_json::to_string(value);
    let text = text.map_err(|e| Failure::new(ml_status::ML_INTERNAL, e.to_string()))?;
    give(text, to)
}

/// The same of what may not be there: no object then.
pub(crate) fn give_json_if(
    value: Option<impl Serialize>,
    to: Out<*mut ml_text>,
) -> Result<(), Failure> {
    let Some(value) = value else {
        to.set(std::ptr::null_mut());
        return Ok(());
    };
    give_json(&value, to)
}

/// What it says: UTF-8, valid until the text is given back. No text if this is no such handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_text_view(text: *const ml_text) -> ml_str {
    handle::get::<Text>(text).map_or(ml_str::NONE, |text| ml_str::of(&text.0))
}

/// Gives text back. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_text_free(text: *mut ml_text) -> ml_status {
    crate::call::free::<Text>(text)
}
