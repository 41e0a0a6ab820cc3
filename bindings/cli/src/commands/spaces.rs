//! Making vector spaces as the first vectors come for them.
//!
//! **Invariant:** a space is made in the transaction of the first memory that has a vector in it,
//! with the length of that vector; a memory that is not taken leaves no space behind.

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

    /// Makes what spaces a memory needs, and writes it. If it is not taken, its spaces go again:
    /// they would have the dimension of a vector that nobody has, and refuse all others.
    pub(super) fn made_for<T>(
        &mut self,
        tx: &mut WriteTx<'_>,
        memory: NewMemory,
        write: impl FnOnce(&mut WriteTx<'_>, NewMemory) -> memlith::Result<T>,
    ) -> memlith::Result<T> {
        let mut made = Vec::new();
        let written = self.make(tx, &memory, &mut made).and_then(|()| write(tx, memory));
        if written.is_err() {
            for name in made {
                tx.drop_space(&name)?;
                self.known.remove(&name);
            }
        }
        written
    }

    fn make(
        &mut self,
        tx: &mut WriteTx<'_>,
        memory: &NewMemory,
        made: &mut Vec<String>,
    ) -> memlith::Result<()> {
        for (name, vector) in &memory.vectors {
            if !self.known.contains(name) {
                tx.create_space(&Space::new(name, vector.len()).metric(self.metric))?;
                self.known.insert(name.clone());
                made.push(name.clone());
            }
        }
        Ok(())
    }
}
