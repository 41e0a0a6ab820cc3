//! External ids for memories that come without one.
//!
//! **Invariant:** the id depends on the namespace, the text and how often the same two came
//! before in the same run, and on nothing else: the same input gives the same ids every time, so
//! that a second import finds what the first one wrote.

use std::collections::HashMap;

/// What a derived id begins with.
const PREFIX: &str = "auto-";

/// Derives ids, and counts for it how often each memory came before.
#[derive(Default)]
pub(crate) struct DerivedIds {
    seen: HashMap<[u8; 16], u32>,
}

impl DerivedIds {
    /// The id of the next memory with this text in this namespace.
    pub(crate) fn next(&mut self, namespace: &str, text: &str) -> String {
        let mut hasher = blake3::Hasher::new();
        // The length keeps ("a", "bc") and ("ab", "c") apart.
        hasher.update(&(namespace.len() as u64).to_le_bytes());
        hasher.update(namespace.as_bytes());
        hasher.update(text.as_bytes());
        let mut key = [0; 16];
        key.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        let earlier = self.seen.entry(key).or_insert(0);
        let id = match *earlier {
            0 => format!("{PREFIX}{}", hex(key)),
            n => format!("{PREFIX}{}-{}", hex(key), n + 1),
        };
        *earlier += 1;
        id
    }
}

fn hex(bytes: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_input_gives_the_same_ids_and_repetitions_differ() {
        let run = || {
            let mut ids = DerivedIds::default();
            [("a", "x"), ("a", "x"), ("b", "x"), ("a", "y"), ("a", "x")]
                .map(|(namespace, text)| ids.next(namespace, text))
        };
        let first = run();
        assert_eq!(first, run());
        let distinct: std::collections::BTreeSet<_> = first.iter().collect();
        assert_eq!(distinct.len(), first.len());
        assert_eq!(first[1], format!("{}-2", first[0]));
    }

    #[test]
    fn where_the_namespace_ends_matters() {
        let of = |namespace, text| DerivedIds::default().next(namespace, text);
        assert_ne!(of("a", "bc"), of("ab", "c"));
    }

    #[test]
    fn ids_never_change_between_versions() {
        let id = DerivedIds::default().next("default", "Ada prefers tea");
        assert_eq!(id, "auto-b9f1eea1e6924b44e8277bde4e71a5d0");
    }
}
