//! Who is measured.

mod memlith;
mod petgraph;
mod rustworkx;
mod script;
mod sqlite;

use crate::Failure;
use crate::data::Input;
use crate::task::{Asked, Measured, Task};
use std::path::Path;

use memlith::Memlith;
pub(crate) use memlith::{NAMESPACE, fill, related};
pub(crate) use script::Script;

/// Something that holds a graph and can be asked about it.
pub(crate) trait Contender {
    /// What others call it.
    fn name(&self) -> &str;

    /// Takes in the graph, whose nodes it may have taken in before.
    fn load(&mut self, input: &Input) -> Result<Loaded, Failure>;

    /// `None` if that is not what it does.
    fn run(&mut self, task: Task, asked: &Asked<'_>) -> Result<Option<Measured>, Failure>;
}

/// What loading took.
pub(crate) struct Loaded {
    pub(crate) wall_s: f64,
    pub(crate) cpu_s: f64,
    /// Where the edges are then.
    pub(crate) lies: &'static str,
}

/// All that are compiled in, ours first.
pub(crate) fn all(folder: &Path) -> Vec<Box<dyn Contender>> {
    vec![
        Box::new(Memlith::new(folder)),
        Box::new(petgraph::Petgraph::default()),
        Box::new(rustworkx::Rustworkx::default()),
        Box::new(sqlite::Sqlite::new(folder, sqlite::Way::Application)),
        Box::new(sqlite::Sqlite::new(folder, sqlite::Way::Recursive)),
    ]
}
