//! Making vector spaces as the first vectors come for them.
//!
//! **Invariant:** a space is made in the transaction of the first memory that has a vector in it,
//! with the length of that vector.

use clap::ValueEnum;
use memlith::{Db, Metric, NewMemory, Space, WriteTx};
use std::collections::HashSet;

/// How the vectors of a new space are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum MetricName {
    /// By their angle
    #[default]
    Cosine,
    /// By their dot product, as they are
    Dot,
    /// By their distance
    L2,
}

impl From<MetricName> for Metric {
    fn from(name: MetricName) -> Self {
        match name {
            MetricName::Cosine => Metric::Cosine,
            MetricName::Dot => Metric::Dot,
            MetricName::L2 => Metric::L2,
        }
    }
}

/// The spaces that a file has, and how those are made that it has not.
pub(super) struct Spaces {
    known: HashSet<String>,
    metric: Metric,
}

impl Spaces {
    pub(super) fn of(db: &Db, metric: MetricName) -> memlith::Result<Self> {
        let known = db.read()?.spaces().into_iter().map(|space| space.name).collect();
        Ok(Spaces { known, metric: metric.into() })
    }

    /// Makes what spaces a memory needs.
    pub(super) fn make_for(
        &mut self,
        tx: &mut WriteTx<'_>,
        memory: &NewMemory,
    ) -> memlith::Result<()> {
        for (name, vector) in &memory.vectors {
            if !self.known.contains(name) {
                tx.create_space(&Space::new(name, vector.len()).metric(self.metric))?;
                self.known.insert(name.clone());
            }
        }
        Ok(())
    }
}
