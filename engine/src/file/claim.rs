//! What chunks say of themselves: which logical chunk each of them is.
//!
//! The checksum of a page is the hash of its bytes mixed with its place; from the two the place
//! can be had back. A chunk of the tables therefore says where it belongs as long as one of its
//! pages and that page's checksum are whole.
//!
//! **Invariant:** a claim is a hint and no proof: chunks that have left the table space still make
//! theirs. Called where no map can be read.

use super::disk::Disk;
use super::map::MAX_CHUNKS;
use super::pages::{PAGE_LEN, SUM_LEN, SUMS_LEN, place_of};
use super::slot::{CHUNK_BYTES, HEAD_LEN};
use std::collections::BTreeMap;

/// How much of the file is looked at to find out how large its chunks are.
const PROBED_BYTES: u64 = 64 << 20;

/// A physical chunk that says which logical chunk it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) logical: u32,
    pub(super) physical: u32,
    /// How many of its pages say so.
    pub(super) pages: u32,
}

/// The claims of all chunks.
pub(super) fn all(disk: &dyn Disk, file_len: u64, chunk_bytes: u64) -> Vec<Claim> {
    let count = file_len.saturating_sub(HEAD_LEN).div_ceil(chunk_bytes).min(MAX_CHUNKS.into());
    let mut bytes = vec![0; chunk_bytes as usize];
    (0..count as u32).filter_map(|physical| claim(disk, physical, &mut bytes)).collect()
}

/// The chunk size under which most pages make sense. A smaller one than the true one sees the
/// heads of chunks too, but fewer of the pages behind each.
pub(super) fn chunk_bytes(disk: &dyn Disk, file_len: u64) -> u64 {
    let probed_len = file_len.min(HEAD_LEN + PROBED_BYTES);
    let sizes = std::iter::successors(Some(u64::from(*CHUNK_BYTES.start())), |size| Some(size * 2))
        .take_while(|size| *size <= u64::from(*CHUNK_BYTES.end()));
    let pages = |size: &u64| -> u64 {
        all(disk, probed_len, *size).iter().map(|claim| u64::from(claim.pages)).sum()
    };
    sizes.max_by_key(pages).unwrap_or_else(|| u64::from(*CHUNK_BYTES.end()))
}

/// The claim that most pages of a chunk make; `bytes` has room for the chunk.
fn claim(disk: &dyn Disk, physical: u32, bytes: &mut [u8]) -> Option<Claim> {
    let at = HEAD_LEN + u64::from(physical) * bytes.len() as u64;
    disk.read_at(at, bytes).ok()?;
    let (sums, pages) = bytes.split_at(SUMS_LEN);
    let (sums, _) = sums.as_chunks::<SUM_LEN>();
    let mut votes: BTreeMap<usize, u32> = BTreeMap::new();
    for (index, (page, sum)) in pages.chunks_exact(PAGE_LEN).zip(sums).enumerate() {
        if let Some(logical) = place_of(page, index, u64::from_le_bytes(*sum)) {
            *votes.entry(logical).or_default() += 1;
        }
    }
    let (logical, pages) = votes.into_iter().max_by_key(|(_, pages)| *pages)?;
    Some(Claim { logical: logical as u32, physical, pages })
}
