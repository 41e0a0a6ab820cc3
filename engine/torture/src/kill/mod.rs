//! Processes that are killed at work: SIGKILL at any moment, and what the file must hold then.
//!
//! ```text
//! door --> a process at work on a file --> SIGKILL --> check: open, verify, log, memories
//!   |              |                                     |
//!   |              | begin, done                         | which transactions are there
//!   v              v                                     v
//! ledger: planned, begun, acknowledged -----> what may be there, and what must
//! ```
//!
//! **Invariant:** a seed gives what the processes do and how the moments of kills are drawn. It
//! does not give the instants: they are the machine's, and so a failure keeps its files.

mod check;
mod doors;
mod driver;
mod ledger;
mod moment;
mod note;
mod place;
mod process;
mod script;
mod trial;

pub(crate) use driver::drive;

use doors::Door;
use fastrand::Rng;
use memlith::torture::{Part, Tally, at};
use place::Place;
use trial::Trial;

/// What failed, in words.
type Outcome<T = ()> = Result<T, String>;

/// The part, to be run beside those of the engine.
pub(crate) const PART: Part = Part::new(
    "kill",
    "processes on a real file are killed at any moment: the library's, those of C and Python, the command line's",
    24,
    torture,
);

fn torture(seed: u64, tally: &mut Tally) {
    let mut rng = Rng::with_seed(seed);
    let paces = in_a_place(seed, |door, place| {
        Trial::new(door, place, &mut rng, &mut Tally::default()).rehearse()
    });
    in_a_place(seed, |door, place| Trial::new(door, place, &mut rng, tally).run(paces));
}

/// Runs a trial through the door of a seed; if it fails, where its files are is said.
fn in_a_place<T>(seed: u64, trial: impl FnOnce(Box<dyn Door>, &Place) -> Outcome<T>) -> T {
    let fail = |why: String| -> ! { panic!("{why}") };
    let door = door(seed).unwrap_or_else(|why| fail(why));
    let place = Place::new().unwrap_or_else(|why| fail(why));
    let kept = format!("files kept in {}", place.path().display());
    at(&kept, || trial(door, &place).unwrap_or_else(|why| fail(why)))
}

/// Seeds take the doors in turn.
fn door(seed: u64) -> Outcome<Box<dyn Door>> {
    let mut doors = doors::all()?;
    Ok(doors.swap_remove(seed as usize % doors.len()))
}
