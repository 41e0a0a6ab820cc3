//! A handful of ordinals, inline and sorted: most labels (sessions, namespaces) never have more.
//!
//! **Invariant:** the first `len` ordinals ascend strictly. For [`Posting`](super::Posting) only.

/// The most ordinals that stand inline. Part of the image format: a posting of so few is written
/// as plain ordinals.
pub(in crate::attributes) const FEW_MAX: usize = 6;

#[derive(Clone, Copy, Debug, Default)]
pub(in crate::attributes) struct Few {
    len: u8,
    ordinals: [u32; FEW_MAX],
}

impl Few {
    /// `None` unless `ordinals` ascend and are few.
    pub(in crate::attributes) fn from_sorted(ordinals: &[u32]) -> Option<Self> {
        let mut few = Self::default();
        few.ordinals.get_mut(..ordinals.len())?.copy_from_slice(ordinals);
        few.len = ordinals.len() as u8;
        ordinals.is_sorted_by(|a, b| a < b).then_some(few)
    }

    pub(in crate::attributes) fn as_slice(&self) -> &[u32] {
        &self.ordinals[..usize::from(self.len)]
    }

    pub(super) const fn is_full(&self) -> bool {
        self.len as usize == FEW_MAX
    }

    /// Was it absent? The caller has seen to it that there is room.
    pub(super) fn insert(&mut self, ordinal: u32) -> bool {
        let Err(at) = self.as_slice().binary_search(&ordinal) else { return false };
        self.ordinals.copy_within(at..usize::from(self.len), at + 1);
        self.ordinals[at] = ordinal;
        self.len += 1;
        true
    }

    /// Was it present?
    pub(super) fn remove(&mut self, ordinal: u32) -> bool {
        let Ok(at) = self.as_slice().binary_search(&ordinal) else { return false };
        self.ordinals.copy_within(at + 1..usize::from(self.len), at);
        self.len -= 1;
        true
    }
}
