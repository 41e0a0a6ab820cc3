//! An embedder whose work can be counted, and made to fail.

use memlith::{Embedder, EmbedderError};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Makes of a text numbers that depend on each of its bytes.
#[derive(Clone)]
pub(super) struct Fake {
    identity: &'static str,
    dimension: usize,
    /// Texts that it was given.
    texts: Arc<AtomicUsize>,
    /// Calls that it answers before it fails.
    credit: Arc<AtomicUsize>,
}

impl Fake {
    pub(super) fn new(identity: &'static str, dimension: usize) -> Self {
        let credit = Arc::new(AtomicUsize::new(usize::MAX));
        Fake { identity, dimension, texts: Arc::default(), credit }
    }

    pub(super) fn vector(&self, text: &str) -> Vec<f32> {
        let mut state = self.identity.bytes().fold(7_u64, |s, b| s * 31 + u64::from(b));
        let mixed = |x: u64| (x ^ x >> 32).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mut vector = vec![0.0; self.dimension];
        for (at, byte) in text.bytes().enumerate() {
            state = mixed(state ^ u64::from(byte)).wrapping_add(1);
            vector[at % self.dimension] += (mixed(state) >> 40) as f32 / 16_777_216.0 - 0.4;
        }
        vector
    }

    pub(super) fn texts(&self) -> usize {
        self.texts.load(Ordering::Relaxed)
    }

    pub(super) fn allow(&self, calls: usize) {
        self.credit.store(calls, Ordering::Relaxed);
    }
}

impl Embedder for Fake {
    fn identity(&self) -> &str {
        self.identity
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedderError> {
        self.texts.fetch_add(texts.len(), Ordering::Relaxed);
        let left = self.credit.load(Ordering::Relaxed);
        if left == 0 {
            return Err("the model is not there".into());
        }
        self.credit.store(left - 1, Ordering::Relaxed);
        Ok(texts.iter().map(|text| self.vector(text)).collect())
    }
}
