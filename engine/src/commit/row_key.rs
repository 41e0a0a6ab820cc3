//! The key of a row in a write set.
//!
//! Most are short, and lie in the tree that orders them: comparing two follows no pointer, and none needs an
//! allocation of its own.
//!
//! **Invariant:** keys compare as their bytes do. Only write sets make them.

use std::borrow::Borrow;
use std::cmp::Ordering;

/// Bytes of a key that lies in the tree.
const SHORT: usize = 30;

/// See the module.
#[derive(Clone)]
pub(crate) struct RowKey(Repr);

#[derive(Clone)]
enum Repr {
    Short { len: u8, bytes: [u8; SHORT] },
    Long(Box<[u8]>),
}

const _: () = assert!(size_of::<RowKey>() == 32, "two to a cache line");

impl RowKey {
    /// The bytes.
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Short { len, bytes } => &bytes[..usize::from(*len)],
            Repr::Long(bytes) => bytes,
        }
    }
}

impl From<&[u8]> for RowKey {
    fn from(key: &[u8]) -> Self {
        if key.len() > SHORT {
            return RowKey(Repr::Long(key.into()));
        }
        let mut bytes = [0; SHORT];
        bytes[..key.len()].copy_from_slice(key);
        RowKey(Repr::Short { len: key.len() as u8, bytes })
    }
}

impl Borrow<[u8]> for RowKey {
    fn borrow(&self) -> &[u8] {
        self.bytes()
    }
}

impl Ord for RowKey {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes().cmp(other.bytes())
    }
}

impl PartialOrd for RowKey {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for RowKey {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for RowKey {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn keys_of_every_length_are_in_the_order_of_their_bytes() {
        let mut keys: Vec<Vec<u8>> = (0..70).map(|len| vec![1; len]).collect();
        keys.extend((0..70).map(|len| [vec![1; len], vec![0]].concat()));
        let map: BTreeMap<RowKey, usize> =
            (0..).zip(&keys).map(|(at, key)| (key[..].into(), at)).collect();
        for (at, key) in keys.iter().enumerate().rev() {
            let expected = keys.iter().rposition(|other| other == key);
            assert_eq!(map.get(&key[..]).copied(), expected, "{at}");
        }
        keys.sort();
        keys.dedup();
        assert!(map.keys().map(RowKey::bytes).eq(keys.iter().map(Vec::as_slice)));
    }
}
