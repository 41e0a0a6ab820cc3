//! The container around tables and segments: taken apart, and put together with every seal right.
//!
//! **Invariant:** written from `docs/file-format.md` alone, so that what is there and what the
//! engine does are compared as well.

use xxhash_rust::xxh3::xxh3_64;

const SLOT_LEN: usize = 32 << 10;
const HEAD_LEN: usize = 2 * SLOT_LEN;
/// The smallest chunks there are: the less to write for each input.
const CHUNK_LEN: usize = 16 << 10;
const PAGE_LEN: usize = 4096;
const BLOCK_LEN: usize = 64 << 10;
const RUNS_AT: usize = 256;
const RUN_LEN: usize = 8;
const SPACES_AT: usize = 80;
const SPACE_LEN: usize = 32;

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
}

fn put(bytes: &mut [u8], at: usize, field: &[u8]) {
    bytes[at..at + field.len()].copy_from_slice(field);
}

/// The table space of a sound file whose map is in its slots.
pub(super) fn table_space(file: &[u8]) -> Vec<u8> {
    let slots = [&file[..SLOT_LEN], &file[SLOT_LEN..HEAD_LEN]];
    let slot = slots.into_iter().max_by_key(|slot| u64_at(slot, 40)).expect("there are two");
    let chunk_len = u32_at(slot, 64) as usize;
    let active = u32_at(slot, 68) as usize;
    let space = |i: usize| &slot[SPACES_AT + i * SPACE_LEN..][..SPACE_LEN];
    let len = u64_at(space(active), 0) as usize;
    let before = if active == 1 { u32_at(space(0), 8) as usize } else { 0 };
    let mut out = Vec::with_capacity(len);
    for run in 0..u32_at(space(active), 8) as usize {
        let at = RUNS_AT + (before + run) * RUN_LEN;
        let (first, count) = (u32_at(slot, at), u32_at(slot, at + 4));
        for logical in 0..count {
            let chunk = HEAD_LEN + (first.wrapping_add(logical)) as usize * chunk_len;
            let pages = if first == u32::MAX { &[] } else { &file[chunk.min(file.len())..] };
            let pages = &pages[PAGE_LEN.min(pages.len())..chunk_len.min(pages.len())];
            out.extend_from_slice(pages);
            // What lies behind the end of the file reads as zeros.
            out.resize(out.len() + chunk_len - PAGE_LEN - pages.len(), 0);
        }
    }
    out.truncate(len);
    out
}

/// A container under way: segments first, so that rows can name them.
#[derive(Default)]
pub(super) struct Container {
    chunks: Vec<u8>,
}

impl Container {
    /// Stores a segment; gives the reference that a row needs.
    pub(super) fn add_segment(&mut self, content: &[u8]) -> [u8; 24] {
        let first = self.chunks.len() / CHUNK_LEN;
        self.chunks.extend_from_slice(content);
        self.chunks.resize(self.chunks.len().next_multiple_of(8), 0);
        let mut sealed = (content.len() as u64).to_le_bytes().to_vec();
        for block in content.chunks(BLOCK_LEN) {
            sealed.extend(xxh3_64(block).to_le_bytes());
        }
        self.chunks.extend_from_slice(&sealed[8..]);
        // At least one chunk, also for nothing.
        let end = self.chunks.len().max(first * CHUNK_LEN + 1).next_multiple_of(CHUNK_LEN);
        self.chunks.resize(end, 0);
        let mut reference = [0; 24];
        put(&mut reference, 0, &(first as u32).to_le_bytes());
        put(&mut reference, 4, &((end / CHUNK_LEN - first) as u32).to_le_bytes());
        put(&mut reference, 8, &(content.len() as u64).to_le_bytes());
        put(&mut reference, 16, &xxh3_64(&sealed).to_le_bytes());
        reference
    }

    /// The file, with this table space behind the segments; the header is yet to be sealed.
    pub(super) fn finish(self, mut space: Vec<u8>) -> Vec<u8> {
        const PAYLOAD: usize = CHUNK_LEN - PAGE_LEN;
        let len = space.len() as u64;
        let count = space.len().div_ceil(PAYLOAD);
        space.resize(count * PAYLOAD, 0);
        let first = self.chunks.len() / CHUNK_LEN;

        let mut slot = vec![0; SLOT_LEN];
        put(&mut slot, 0, b"\x93LITH\r\n\x1a");
        put(&mut slot, 8, &7_u32.to_le_bytes());
        put(&mut slot, 12, &7_u32.to_le_bytes());
        put(&mut slot, 24, b"a forged file id");
        put(&mut slot, 40, &9_u64.to_le_bytes());
        put(&mut slot, 64, &(CHUNK_LEN as u32).to_le_bytes());
        put(&mut slot, SPACES_AT, &len.to_le_bytes());
        put(&mut slot, SPACES_AT + 8, &1_u32.to_le_bytes());
        put(&mut slot, RUNS_AT, &(first as u32).to_le_bytes());
        put(&mut slot, RUNS_AT + 4, &(count as u32).to_le_bytes());

        let mut file = [slot.as_slice(), &slot, &self.chunks].concat();
        for (logical, payload) in space.chunks(PAYLOAD).enumerate() {
            let mut sums: Vec<u8> = Vec::with_capacity(PAGE_LEN);
            for (index, page) in payload.chunks(PAGE_LEN).enumerate() {
                sums.extend(page_sum(page, logical, index).to_le_bytes());
            }
            sums.resize(PAGE_LEN, 0);
            file.extend(sums);
            file.extend_from_slice(payload);
        }
        file
    }
}

fn page_sum(page: &[u8], logical: usize, index: usize) -> u64 {
    let place = (logical as u64) << 16 | index as u64;
    match xxh3_64(page) ^ place.wrapping_mul(0x9E37_79B9_7F4A_7C15) {
        _ if (logical, index) == (0, 0) => 0,
        0 => 1,
        sum => sum,
    }
}

/// Makes the checksums of both slots hold, whatever else they say.
pub(super) fn seal_header(file: &mut [u8]) {
    for slot_at in [0, SLOT_LEN] {
        let mut runs_at = slot_at + RUNS_AT;
        for space_at in [SPACES_AT, SPACES_AT + SPACE_LEN] {
            let at = slot_at + space_at;
            let len = u32_at(file, at + 8) as usize * RUN_LEN;
            let (spill, is_spilled) = (u32_at(file, at + 12), u32_at(file, at + 16) > 0);
            let from = if is_spilled { HEAD_LEN + spill as usize * CHUNK_LEN } else { runs_at };
            if let Some(sum) = file.get(from..from + len).map(xxh3_64) {
                put(file, at + 24, &sum.to_le_bytes());
            }
            runs_at += if is_spilled { 0 } else { len };
        }
        for (fields, at) in [(56, 56), (248, 248)] {
            let sum = xxh3_64(&file[slot_at..slot_at + fields]);
            put(file, slot_at + at, &sum.to_le_bytes());
        }
    }
}
