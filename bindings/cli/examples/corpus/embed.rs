//! A stand-in for an embedding model: hashed words and their letter triples.
//!
//! It knows spelling, not meaning: texts that share rare words or parts of words are near each
//! other, synonyms are not. That is enough to try the vector search without a model to download.

use std::collections::HashMap;

/// Length of a vector.
const DIMENSIONS: usize = 256;

/// Embeds texts, with what is rare among the given ones counting most.
pub(crate) struct Embedder {
    documents: f32,
    containing: HashMap<u64, f32>,
}

impl Embedder {
    pub(crate) fn new(texts: &[&str]) -> Self {
        let mut containing: HashMap<u64, f32> = HashMap::new();
        for text in texts {
            for feature in features(text).into_keys() {
                *containing.entry(feature).or_default() += 1.0;
            }
        }
        Embedder { documents: texts.len() as f32, containing }
    }

    /// A vector of length one.
    pub(crate) fn embed(&self, text: &str) -> Vec<f32> {
        let mut vector = vec![0.0_f32; DIMENSIONS];
        let mut features: Vec<(u64, f32)> = features(text).into_iter().collect();
        // Sums of floats depend on their order: the same text must give the same vector.
        features.sort_unstable_by_key(|(feature, _)| *feature);
        for (feature, count) in features {
            let containing = self.containing.get(&feature).copied().unwrap_or(0.0);
            let rarity = ((self.documents + 1.0) / (containing + 1.0)).ln() + 0.1;
            let sign = if feature >> 63 == 0 { 1.0 } else { -1.0 };
            vector[(feature % DIMENSIONS as u64) as usize] += sign * count.sqrt() * rarity;
        }
        let norm = vector.iter().map(|v| v * v).sum::<f32>().sqrt();
        if norm > 0.0 {
            for value in &mut vector {
                *value /= norm;
            }
        } else {
            // Without a single word there is no direction; any will do but none.
            vector[0] = 1.0;
        }
        vector
    }
}

/// Words, and letter triples of words, with how often they occur.
fn features(text: &str) -> HashMap<u64, f32> {
    let mut features = HashMap::new();
    let lower = text.to_lowercase();
    for word in lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
        *features.entry(hash(word.as_bytes())).or_default() += 1.0;
        let marked: Vec<char> = format!("^{word}$").chars().collect();
        for triple in marked.windows(3) {
            let triple: String = triple.iter().collect();
            *features.entry(hash(triple.as_bytes())).or_default() += 0.3;
        }
    }
    features
}

/// FNV-1a, with its bits mixed once more.
fn hash(bytes: &[u8]) -> u64 {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}
