//! Vector search: a graph to walk, int8 codes to scan, and exact scores of the few that may win.
//!
//! A [`VectorIndex`] holds the codes of one vector space and a graph over them: those of an image,
//! read in place, and a tail of what came after. It never holds the vectors themselves; a search
//! fetches those it needs. What is inserted is found at once: until [`VectorView::link`] has taken it
//! into the graph, every search scans it.
//!
//! With [`Effort::Exact`] the answers are those of comparing with every vector: each code keeps a
//! bound of its error, and what the bounds cannot decide is scored in full precision, in `f64`, with
//! the same bits on every machine. With [`Effort::Ef`] a search walks the graph where that is cheaper
//! than a scan, finds nearly all of them, and scores what it found just as exactly.
//!
//! ```
//! use memlith_index::vectors::{Metric, SearchLimits, VectorIndex};
//!
//! let stored = [[1.0_f32, 0.0], [0.6, 0.8], [0.0, 1.0]];
//! let mut index = VectorIndex::new(2, Metric::Cosine);
//! for (ordinal, vector) in (0..).zip(&stored) {
//!     index.insert(ordinal, vector, 1)?;
//! }
//! let view = index.view(1);
//! index.remove(1, 2)?;
//!
//! let mut fetch = |ordinal: u32, vector: &mut [f32]| {
//!     vector.copy_from_slice(&stored[ordinal as usize]);
//!     Ok::<(), std::convert::Infallible>(())
//! };
//! let hits = view.search(&[0.7, 0.7], 1, None, SearchLimits::none(), &mut fetch)?;
//! assert_eq!(hits[0].ordinal, 1, "a view keeps what it saw");
//! let hits = index.view(2).search(&[0.9, 0.1], 1, None, SearchLimits::none(), &mut fetch)?;
//! assert_eq!(hits[0].ordinal, 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | file | what |
//! |---|---|
//! | `metric` | scores in full precision, and which vectors have one |
//! | `turn`, `quantize`, `planes` | vector to code, and code to two planes |
//! | `bounds` | the proof that a scan is exact |
//! | `kernels` | dot products of a code with planes |
//! | `graph` | the graph, walking and building it |
//! | `search`, `plan` | the search, and whether it walks or scans |
//! | `scan`, `rank` | which may be the best, and which are |
//! | `index`, `view`, `entries`, `sparse` | the writer, its snapshots, and what they share |
//! | `image` | the stored form |
//!
//! **Invariant:** a search returns live vectors of its view that its filter keeps, each with its exact
//! score; `k` of them, if there are so many. The engine owns the writer, and hands views to readers.

mod bounds;
mod entries;
mod graph;
mod image;
mod index;
mod kernels;
mod metric;
mod plan;
mod planes;
mod quantize;
mod rank;
mod scan;
mod search;
mod sparse;
mod turn;
mod view;

pub use graph::{GraphParams, MAX_M};
pub use index::VectorIndex;
pub use kernels::Kernel;
pub use metric::{MAX_DIMENSION, Metric, VectorError};
pub use plan::{Plan, Strategy};
pub use quantize::Clip;
pub use rank::Hit;
pub use search::{Effort, Found, Search, SearchError, SearchLimits, Vectors};
pub use view::VectorView;
