//! Vectors and where they come from.

pub(crate) mod bits;
pub(crate) mod generate;
pub(crate) mod npy;
pub(crate) mod tags;

use crate::Failure;
use crate::args::Source;
use generate::Generator;
use std::collections::BTreeMap;

/// Vectors of one dimension, in one piece.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Matrix {
    values: Vec<f32>,
    dimension: usize,
}

impl Matrix {
    /// # Panics
    /// If the values do not make whole rows.
    pub(crate) fn new(values: Vec<f32>, dimension: usize) -> Self {
        assert!(dimension > 0 && values.len().is_multiple_of(dimension), "rows are whole");
        Self { values, dimension }
    }

    pub(crate) fn dimension(&self) -> usize {
        self.dimension
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.values.len() / self.dimension
    }

    pub(crate) fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.dimension..][..self.dimension]
    }

    pub(crate) fn row_mut(&mut self, row: usize) -> &mut [f32] {
        &mut self.values[row * self.dimension..][..self.dimension]
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.dimension)
    }

    pub(crate) fn values(&self) -> &[f32] {
        &self.values
    }

    pub(crate) fn truncate(&mut self, rows: usize) {
        self.values.truncate(rows.saturating_mul(self.dimension));
    }

    /// Gives each row the length one, so that cosine and dot product are the same to all.
    pub(crate) fn normalise(&mut self) -> Result<(), Failure> {
        for (row, values) in self.values.chunks_exact_mut(self.dimension).enumerate() {
            let squares: f64 = values.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
            if !(squares.is_finite() && squares > 0.0) {
                return Err(format!("row {row} has no direction").into());
            }
            for value in values {
                *value = (f64::from(*value) / squares.sqrt()) as f32;
            }
        }
        Ok(())
    }
}

/// All that a run needs.
pub(crate) struct Input {
    /// One line on where it comes from.
    pub(crate) source: String,
    pub(crate) vectors: Matrix,
    pub(crate) queries: Matrix,
    /// Tag -> its rows, ascending.
    pub(crate) tags: BTreeMap<String, Vec<u32>>,
}

impl Input {
    /// Reads or generates what the command line names.
    pub(crate) fn load(args: &Source) -> Result<Self, Failure> {
        let mut input = match (&args.data, args.generate) {
            (Some(folder), _) => {
                let tag_file = folder.join(&args.tag_file);
                Input {
                    source: args.vector_file.display().to_string(),
                    vectors: npy::read(&folder.join(&args.vector_file))?,
                    queries: npy::read(&folder.join(&args.query_file))?,
                    tags: if tag_file.exists() { tags::read(&tag_file)? } else { BTreeMap::new() },
                }
            }
            (None, Some(shape)) => {
                let generator = Generator::new(shape);
                Input {
                    source: format!("generated {shape}"),
                    vectors: generator.vectors(),
                    queries: generator.queries(args.queries),
                    tags: generator.tags(),
                }
            }
            (None, None) => return Err("neither --data nor --generate".into()),
        };
        input.vectors.truncate(args.count.unwrap_or(usize::MAX));
        input.queries.truncate(args.queries);
        if input.vectors.dimension() != input.queries.dimension() {
            return Err("vectors and queries differ in dimension".into());
        }
        if input.vectors.len() < args.k || input.queries.len() == 0 {
            return Err("there are fewer vectors than neighbours asked for, or no queries".into());
        }
        input.vectors.normalise()?;
        input.queries.normalise()?;
        let count = input.vectors.len() as u32;
        for rows in input.tags.values_mut() {
            rows.retain(|&row| row < count);
        }
        Ok(input)
    }
}
