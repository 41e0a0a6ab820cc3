//! Numbers the nodes that a walk has met, in the order in which it met them.
//!
//! A hash table with open addressing: what it costs follows from the nodes that were met, not from
//! those there are. What a walk knows of a node lies in vectors of its own, by number.
//!
//! **Invariant:** at most half of the places are taken. Only this folder uses it.

/// What a place holds that is free.
const FREE: u32 = u32::MAX;

/// Places at the beginning, as a power of two, where few nodes will be met.
const FIRST_BITS: u32 = 6;

/// See the module.
pub(super) struct Numbering {
    /// Node and number.
    places: Vec<(u32, u32)>,
    bits: u32,
    nodes: Vec<u32>,
}

/// Where a node can be put that was not met.
#[derive(Clone, Copy)]
pub(super) struct Free(usize);

impl Numbering {
    pub(super) fn new() -> Self {
        Self::with_bits(FIRST_BITS)
    }

    /// With `1 << bits` places, half of which can be taken before there must be more.
    pub(super) fn with_bits(bits: u32) -> Self {
        let nodes = Vec::with_capacity(1 << (bits - 1));
        Self { places: vec![(0, FREE); 1 << bits], bits, nodes }
    }

    /// The number of a node that was met, or where it can be put.
    #[inline]
    pub(super) fn find(&self, node: u32) -> Result<u32, Free> {
        // Fibonacci hashing: the upper bits of a product with the golden ratio.
        let mut place = (node.wrapping_mul(0x9E37_79B9) >> (32 - self.bits)) as usize;
        let mask = self.places.len() - 1;
        loop {
            let (known, number) = self.places[place & mask];
            if number == FREE {
                return Err(Free(place & mask));
            }
            if known == node {
                return Ok(number);
            }
            place += 1;
        }
    }

    /// The number of a node that was met.
    #[inline]
    pub(super) fn get(&self, node: u32) -> Option<u32> {
        self.find(node).ok()
    }

    /// Numbers a node at the place that [`find`](Self::find) has just told.
    #[inline]
    pub(super) fn put(&mut self, Free(place): Free, node: u32) -> u32 {
        let number = self.nodes.len() as u32;
        self.places[place] = (node, number);
        self.nodes.push(node);
        if self.nodes.len() * 2 > self.places.len() {
            self.grow();
        }
        number
    }

    /// Numbers the node; the number it has already is an error.
    #[inline]
    pub(super) fn insert(&mut self, node: u32) -> Result<u32, u32> {
        match self.find(node) {
            Ok(known) => Err(known),
            Err(free) => Ok(self.put(free, node)),
        }
    }

    #[cold]
    fn grow(&mut self) {
        self.bits += 2;
        self.places.clear();
        self.places.resize(1 << self.bits, (0, FREE));
        for (number, &node) in (0..).zip(&self.nodes) {
            if let Err(Free(place)) = self.find(node) {
                self.places[place] = (node, number);
            }
        }
    }

    /// The nodes by their numbers.
    #[inline]
    pub(super) fn nodes(&self) -> &[u32] {
        &self.nodes
    }

    /// How many nodes were met.
    #[inline]
    pub(super) fn len(&self) -> u32 {
        self.nodes.len() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_a_set_with_an_order(
            nodes in proptest::collection::vec(
                prop_oneof![0_u32..300, any::<u32>(), Just(u32::MAX)],
                0..600,
            ),
        ) {
            let mut numbering = Numbering::new();
            let mut model: Vec<u32> = Vec::new();
            for node in nodes {
                let known = model.iter().position(|&other| other == node);
                prop_assert_eq!(numbering.get(node), known.map(|number| number as u32));
                let expected = known.map_or(Ok(model.len() as u32), |number| Err(number as u32));
                prop_assert_eq!(numbering.insert(node), expected);
                if known.is_none() {
                    model.push(node);
                }
            }
            prop_assert_eq!(numbering.len() as usize, model.len());
            prop_assert_eq!(numbering.nodes(), model);
        }
    }
}
