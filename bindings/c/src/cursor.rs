//! Cursors: memories in order, a page at a time.

use crate::boundary::{Growing, out, sized_if};
use crate::call::{call, on};
use crate::cancellation::ml_cancellation;
use crate::error::{Failure, ml_error};
use crate::handle::{self, object};
use crate::memories::{give, ml_memories, place};
use crate::options::millis;
use crate::recall::cancelling;
use crate::snapshot::{Snapshot, ml_snapshot};
use crate::status::ml_status;
use crate::text::{self, ml_text};
use crate::transaction::check_thread;
use crate::views::ml_str;
use crate::write::filter_if;
use memlith::{List, Order, View};
use parking_lot::Mutex;
use std::mem::offset_of;
use std::ptr;
use std::thread::{self, ThreadId};

/// `order`: what happened last comes first.
pub const ML_ORDER_NEWEST: i32 = 0;
/// `order`: what happened first comes first.
pub const ML_ORDER_OLDEST: i32 = 1;
/// `order`: what was written last comes first.
pub const ML_ORDER_UPDATED: i32 = 2;
/// `order`: the most important comes first.
pub const ML_ORDER_IMPORTANCE: i32 = 3;
/// `order`: the highest priority comes first.
pub const ML_ORDER_PRIORITY: i32 = 4;

/// A listing that is under way. Yours: give it back with `ml_cursor_free`.
///
/// It holds the snapshot that it lists, also when that was given back.
///
/// Threads: of the thread that opened it (`ML_WRONG_THREAD`), but for `ml_cursor_free`.
pub struct ml_cursor {
    _opaque: [u8; 0],
}

/// What to list. NULL is everything, newest first; otherwise begin with `ml_list_init()`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ml_list {
    /// `sizeof(ml_list)`.
    pub struct_size: usize,
    /// Only of this namespace; no text is all of them.
    pub ns: ml_str,
    /// Only what this filter matches, or no text.
    pub filter: ml_str,
    /// From behind the place that `ml_cursor_position` gave, in the same order and scope, or no text.
    pub after: ml_str,
    /// Memories of a page, 1 to 10,000.
    pub limit: usize,
    /// One of `ML_ORDER_...`.
    pub order: i32,
    /// 0.
    pub reserved: i32,
    /// Give up with `ML_DEADLINE_EXCEEDED` after so long for a page; 0 is never.
    pub deadline_ms: u64,
    /// What another thread may end it by, or NULL.
    pub cancellation: *const ml_cancellation,
}

impl ml_list {
    const DEFAULT: ml_list = ml_list {
        struct_size: size_of::<ml_list>(),
        ns: ml_str::NONE,
        filter: ml_str::NONE,
        after: ml_str::NONE,
        limit: 100,
        order: ML_ORDER_NEWEST,
        reserved: 0,
        deadline_ms: 0,
        cancellation: ptr::null(),
    };
}

// SAFETY: numbers and pointers behind a size.
unsafe impl Growing for ml_list {
    const FIRST_SIZE: usize = offset_of!(ml_list, deadline_ms);
}

/// What a cursor handle stands for.
pub(crate) struct Listing {
    thread: ThreadId,
    view: View,
    /// The next page; `None` behind the last.
    next: Mutex<Option<List>>,
}

object!(Listing, ml_cursor, 8, "cursor");

/// Begins a listing of a snapshot.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_cursor_open(
    snapshot: *const ml_snapshot,
    list: *const ml_list,
    cursor: *mut *mut ml_cursor,
    error: *mut *mut ml_error,
) -> ml_status {
    call(error, || {
        let view = handle::get::<Snapshot>(snapshot)?.0.clone();
        let place = out(cursor, "cursor")?;
        let list = self::list(list)?;
        let thread = thread::current().id();
        place.set(handle::give(Listing { thread, view, next: Mutex::new(Some(list)) })?);
        Ok(())
    })
}

/// The next page: memories that are yours, or NULL behind the last page.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_cursor_next(
    cursor: *const ml_cursor,
    memories: *mut *mut ml_memories,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Listing>(cursor, error, |listing| {
        check_thread(listing.thread, "cursor")?;
        let place = place(memories)?;
        let mut next = listing.next.lock();
        let page = match &*next {
            Some(list) => Some(listing.view.list(list)?),
            None => None,
        };
        let Some(page) = page.filter(|page| !page.memories.is_empty()) else {
            *next = None;
            place.set(ptr::null_mut());
            return Ok(());
        };
        *next = next.take().zip(page.next).map(|(list, cursor)| list.after(cursor));
        give(page.memories.into_iter().map(Some), place)
    })
}

/// The place behind the last page that was given, for `after` of another listing; no object (NULL) at the
/// beginning and at the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_cursor_position(
    cursor: *const ml_cursor,
    position: *mut *mut ml_text,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Listing>(cursor, error, |listing| {
        check_thread(listing.thread, "cursor")?;
        let place = out(position, "position")?;
        if let Some(after) = listing.next.lock().as_ref().and_then(|list| list.after) {
            return text::give(after.to_string(), place);
        }
        place.set(ptr::null_mut());
        Ok(())
    })
}

/// Gives a cursor back. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_cursor_free(cursor: *mut ml_cursor) -> ml_status {
    crate::call::free::<Listing>(cursor)
}

fn list(pointer: *const ml_list) -> Result<List, Failure> {
    let given = sized_if(pointer, ml_list::DEFAULT, "list")?;
    let mut list = List::new();
    list.namespace = given.ns.optional("ns")?.map(str::to_owned);
    list.filter = filter_if(given.filter)?;
    if let Some(after) = given.after.optional("after")? {
        list.after = Some(after.parse()?);
    }
    if given.limit == 0 {
        return Err(Failure::invalid("limit of a list: must be 1 to 10,000"));
    }
    list.limit = given.limit;
    list.deadline = (given.deadline_ms > 0).then(|| millis(given.deadline_ms));
    list.cancellation = cancelling(given.cancellation)?;
    list.order = match given.order {
        ML_ORDER_NEWEST => Order::Newest,
        ML_ORDER_OLDEST => Order::Oldest,
        ML_ORDER_UPDATED => Order::Updated,
        ML_ORDER_IMPORTANCE => Order::Importance,
        ML_ORDER_PRIORITY => Order::Priority,
        _ => return Err(Failure::invalid("order: must be one of ML_ORDER_...")),
    };
    Ok(list)
}
