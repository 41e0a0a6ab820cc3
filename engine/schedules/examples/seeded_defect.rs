//! Has the one defect that its argument names: `race`, `use-after-free` or `leak`.
//!
//! `scripts/sanitize` runs it first: a sanitizer that says nothing of it would say nothing of the
//! engine either.
#![expect(unsafe_code, reason = "the defects are what it is for")]

use std::cell::UnsafeCell;
use std::hint::black_box;
use std::thread;

/// A number that any thread may write, whatever the compiler should be told.
struct Unguarded(UnsafeCell<u32>);

// SAFETY: none; two threads write it at once.
unsafe impl Sync for Unguarded {}

static NUMBER: Unguarded = Unguarded(UnsafeCell::new(0));

fn add_one() {
    // SAFETY: none; nothing orders this with the other thread.
    let old = unsafe { NUMBER.0.get().read() };
    // SAFETY: as above.
    unsafe { NUMBER.0.get().write(old + 1) };
}

fn race() {
    let other = thread::spawn(add_one);
    add_one();
    other.join().expect("no panic");
}

fn use_after_free() {
    let gone = Box::into_raw(Box::new(1_u32));
    // SAFETY: it came from a box.
    drop(unsafe { Box::from_raw(gone) });
    // SAFETY: none; it was dropped.
    black_box(unsafe { black_box(gone).read() });
}

/// On a thread of its own, so that no register and no stack still knows where it is.
fn leak() {
    let lose = || {
        black_box(Box::into_raw(Box::new([1_u64; 100])));
    };
    thread::spawn(lose).join().expect("no panic");
}

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("race") => race(),
        Some("use-after-free") => use_after_free(),
        Some("leak") => leak(),
        _ => std::process::exit(2),
    }
}
