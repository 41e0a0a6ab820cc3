//! Handles: numbers that look like pointers to C, and are looked up.
//!
//! ```text
//! bits  0..24   place in the table of its kind
//! bits 24..56   generation of the place: rises whenever an object leaves it
//! bits 56..64   kind
//! ```
//! **Invariant:** a handle is never dereferenced. One of another kind, one that was given back, and any
//! other number is told from one that is in force.

use crate::error::Failure;
use crate::status::ml_status;
use parking_lot::RwLock;
use std::ops::Deref;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const _: () = assert!(size_of::<usize>() == 8, "a handle takes 64 bits");

const PLACE_BITS: u32 = 24;
const KIND_SHIFT: u32 = 56;
const MAX_PLACES: usize = 1 << PLACE_BITS;

/// What a handle can stand for.
pub(crate) trait Object: Send + Sync + Sized + 'static {
    /// The type that it points to in C, of which there is no value.
    type Opaque;
    /// Its kind, not 0.
    const KIND: u8;
    /// What it is called in errors.
    const NAME: &'static str;

    /// Where all of its kind are.
    fn table() -> &'static Table<Self>;
}

/// An object, and whether a call on it has panicked.
pub(crate) struct Held<T> {
    object: T,
    is_poisoned: AtomicBool,
}

impl<T> Held<T> {
    pub(crate) fn poison(&self) {
        self.is_poisoned.store(true, Ordering::Release);
    }
}

impl<T> Deref for Held<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.object
    }
}

struct Place<T> {
    generation: u32,
    object: Option<Arc<Held<T>>>,
}

struct Places<T> {
    all: Vec<Place<T>>,
    free: Vec<usize>,
}

/// All objects of a kind.
pub(crate) struct Table<T>(RwLock<Places<T>>);

impl<T: Object> Table<T> {
    pub(crate) const fn new() -> Self {
        Table(RwLock::new(Places { all: Vec::new(), free: Vec::new() }))
    }

    fn insert(&self, object: T) -> Result<*mut T::Opaque, Failure> {
        let object = Some(Arc::new(Held { object, is_poisoned: AtomicBool::new(false) }));
        let mut places = self.0.write();
        let place = match places.free.pop() {
            Some(place) => {
                places.all[place].object = object;
                place
            }
            None if places.all.len() < MAX_PLACES => {
                places.all.push(Place { generation: 1, object });
                places.all.len() - 1
            }
            None => {
                let message = format!("there are {MAX_PLACES} of kind {}", T::NAME);
                return Err(Failure::new(ml_status::ML_LIMIT_EXCEEDED, message));
            }
        };
        let generation = usize::try_from(places.all[place].generation).unwrap_or_default();
        let bits = usize::from(T::KIND) << KIND_SHIFT | generation << PLACE_BITS | place;
        Ok(ptr::without_provenance_mut(bits))
    }

    fn get(&self, place: usize, generation: u32) -> Result<Arc<Held<T>>, Failure> {
        let places = self.0.read();
        let place = places.all.get(place).ok_or_else(Failure::bad_handle::<T>)?;
        check_generation::<T>(place, generation)?;
        place.object.clone().ok_or_else(Failure::stale::<T>)
    }

    fn remove(&self, place: usize, generation: u32) -> Result<Arc<Held<T>>, Failure> {
        let mut places = self.0.write();
        let at = place;
        let place = places.all.get_mut(at).ok_or_else(Failure::bad_handle::<T>)?;
        check_generation::<T>(place, generation)?;
        let object = place.object.take().ok_or_else(Failure::stale::<T>)?;
        // A place whose generations are used up is left empty for ever.
        if let Some(next) = place.generation.checked_add(1) {
            place.generation = next;
            places.free.push(at);
        }
        Ok(object)
    }
}

fn check_generation<T: Object>(place: &Place<T>, generation: u32) -> Result<(), Failure> {
    match generation {
        0 => Err(Failure::bad_handle::<T>()),
        g if g > place.generation => Err(Failure::bad_handle::<T>()),
        g if g < place.generation => Err(Failure::stale::<T>()),
        _ => Ok(()),
    }
}

/// Gives an object away.
pub(crate) fn give<T: Object>(object: T) -> Result<*mut T::Opaque, Failure> {
    T::table().insert(object)
}

/// The object of a handle, as long as it takes calls.
pub(crate) fn get<T: Object>(handle: *const T::Opaque) -> Result<Arc<Held<T>>, Failure> {
    let (place, generation) = split::<T>(handle)?;
    let held = T::table().get(place, generation)?;
    if held.is_poisoned.load(Ordering::Acquire) {
        return Err(Failure::new(
            ml_status::ML_POISONED,
            format!("this {} takes no calls since one of them panicked", T::NAME),
        ));
    }
    Ok(held)
}

/// Takes an object back. What a call on another thread still uses lives until that ends.
pub(crate) fn take<T: Object>(handle: *const T::Opaque) -> Result<Arc<Held<T>>, Failure> {
    let (place, generation) = split::<T>(handle)?;
    T::table().remove(place, generation)
}

fn split<T: Object>(handle: *const T::Opaque) -> Result<(usize, u32), Failure> {
    let bits = handle.addr();
    if bits == 0 {
        let message = format!("the handle of a {} is NULL", T::NAME);
        return Err(Failure::new(ml_status::ML_NULL_POINTER, message));
    }
    if bits >> KIND_SHIFT != usize::from(T::KIND) {
        return Err(Failure::bad_handle::<T>());
    }
    Ok((bits & (MAX_PLACES - 1), (bits >> PLACE_BITS) as u32))
}

impl Failure {
    fn bad_handle<T: Object>() -> Self {
        Failure::new(ml_status::ML_BAD_HANDLE, format!("this is no handle of a {}", T::NAME))
    }

    fn stale<T: Object>() -> Self {
        let message = format!("this {} was given back already", T::NAME);
        Failure::new(ml_status::ML_STALE_HANDLE, message)
    }
}

/// Declares the table of a kind of object.
macro_rules! object {
    ($object:ty, $opaque:ty, $kind:literal, $name:literal) => {
        impl crate::handle::Object for $object {
            type Opaque = $opaque;
            const KIND: u8 = $kind;
            const NAME: &'static str = $name;

            fn table() -> &'static crate::handle::Table<Self> {
                static TABLE: crate::handle::Table<$object> = crate::handle::Table::new();
                &TABLE
            }
        }
    };
}
pub(crate) use object;

#[cfg(test)]
mod tests {
    use super::*;

    struct Thing(u32);
    struct Opaque;
    object!(Thing, Opaque, 0x7f, "thing");

    fn status<T>(result: Result<T, Failure>) -> Option<ml_status> {
        result.err().map(|failure| failure.status)
    }

    #[test]
    fn only_a_handle_in_force_is_one() {
        let handle = give(Thing(7)).unwrap();
        assert_eq!(get::<Thing>(handle).unwrap().0, 7);
        take::<Thing>(handle).unwrap();
        assert_eq!(status(get::<Thing>(handle)), Some(ml_status::ML_STALE_HANDLE));
        assert_eq!(status(take::<Thing>(handle)), Some(ml_status::ML_STALE_HANDLE));
        let again = give(Thing(8)).unwrap();
        assert_ne!(handle, again);
        assert_eq!(status(get::<Thing>(handle)), Some(ml_status::ML_STALE_HANDLE));
        for made_up in [1, usize::MAX, 0x7e << KIND_SHIFT, again.addr() | 1 << 55, 0x7f << 56] {
            let made_up = ptr::without_provenance(made_up);
            assert_eq!(status(get::<Thing>(made_up)), Some(ml_status::ML_BAD_HANDLE));
        }
        assert_eq!(status(get::<Thing>(ptr::null())), Some(ml_status::ML_NULL_POINTER));
    }

    #[test]
    fn a_poisoned_object_takes_no_calls_and_can_be_given_back() {
        let handle = give(Thing(1)).unwrap();
        get::<Thing>(handle).unwrap().poison();
        assert_eq!(status(get::<Thing>(handle)), Some(ml_status::ML_POISONED));
        assert!(take::<Thing>(handle).is_ok());
    }
}
