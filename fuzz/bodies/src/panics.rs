//! Whose panics are defects.
//!
//! redb panics over pages that contradict each other; the engine takes that for damage and goes on.
//! A panic of any other code is a defect also where somebody catches it.
//!
//! **Invariant:** no panic of our own goes unnoticed.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static IS_OURS: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`.
///
/// # Panics
/// If anything but redb panics in it, or if a panic of redb leaves it.
pub(crate) fn watched<T>(work: impl FnOnce() -> T) -> T {
    watch();
    IS_OURS.set(false);
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(_) if IS_OURS.get() => panic!("a panic of our own was caught, and taken for damage"),
        Ok(done) => done,
        Err(panic) if IS_OURS.get() => resume_unwind(panic),
        Err(panic) => panic!("redb has panicked: {}", words(panic.as_ref())),
    }
}

/// From now on panics are told apart. A fuzzer's hook, which ends the process, sees ours alone.
fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            let place = panic.location().map_or("", |location| location.file());
            if !place.contains("/redb-") {
                IS_OURS.set(true);
                before(panic);
            }
        }));
    });
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_that_is_caught_inside_is_noticed_all_the_same() {
        let swallow = || drop(catch_unwind(|| panic!("by accident")));
        assert!(catch_unwind(|| watched(swallow)).is_err());
        assert_eq!(watched(|| 7), 7);
    }
}
