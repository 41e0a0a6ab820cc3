//! A posting as bytes.
//!
//! ```text
//! up to FEW_MAX ordinals:  u32 each
//! more:                    u32 pages; per page u32 number, u32 bytes; then the pages,
//!                          each a roaring bitmap in its portable form
//! ```
//!
//! **Invariant:** equal sets give equal bytes. Decoding believes nothing: what it allocates is
//! bounded by the bytes there are, and by 64 KiB a page. For the image's reader and writer only.

use std::sync::Arc;

use roaring::RoaringBitmap;

use super::layout::u32_at;
use crate::attributes::posting::{FEW_MAX, Few, PAGE_BYTES_MAX, Pages, Posting};
use crate::image::ImageError;

pub(super) fn encode(posting: &Posting, out: &mut Vec<u8>) {
    if posting.len() <= FEW_MAX as u64 {
        return out.extend(posting.iter().flat_map(u32::to_le_bytes));
    }
    let Posting::Pages(pages) = posting else { return };
    let table = out.len();
    out.extend((pages.iter_pages().len() as u32).to_le_bytes());
    out.resize(table + 4 + 8 * pages.iter_pages().len(), 0);
    for (at, (number, page)) in pages.iter_pages().enumerate() {
        let start = out.len();
        let mut page = page.clone();
        // Which form a page has depends on its past, and which form is shortest does not.
        page.remove_run_compression();
        page.optimize();
        page.serialize_into(&mut *out).expect("writing to a vector does not fail");
        let len = (out.len() - start) as u32;
        let row = &mut out[table + 4 + 8 * at..][..8];
        row[..4].copy_from_slice(&u32::from(number).to_le_bytes());
        row[4..].copy_from_slice(&len.to_le_bytes());
    }
}

/// `len` ordinals, each below `rows`.
pub(super) fn decode(bytes: &[u8], len: u64, rows: u32) -> Result<Posting, ImageError> {
    let posting = if len <= FEW_MAX as u64 { decode_few(bytes) } else { decode_pages(bytes) };
    posting
        .filter(|posting| posting.len() == len && last(posting).is_none_or(|last| last < rows))
        .ok_or(ImageError::Inconsistent { what: "a posting holds ascending ordinals of rows" })
}

fn decode_few(bytes: &[u8]) -> Option<Posting> {
    if bytes.len() > 4 * FEW_MAX || !bytes.len().is_multiple_of(4) {
        return None;
    }
    let ordinals: Vec<u32> = (0..bytes.len() / 4).map(|at| u32_at(bytes, at)).collect();
    Few::from_sorted(&ordinals).map(Posting::Few)
}

fn decode_pages(bytes: &[u8]) -> Option<Posting> {
    let (count, rest) = bytes.split_first_chunk::<4>()?;
    let count = u32::from_le_bytes(*count) as usize;
    let (table, mut rest) = rest.split_at_checked(count.checked_mul(8)?)?;
    let mut pages = Pages::default();
    for row in table.chunks_exact(8) {
        let number = u16::try_from(u32_at(row, 0)).ok()?;
        let (page, behind) = rest.split_at_checked(u32_at(row, 1) as usize)?;
        if page.len() > PAGE_BYTES_MAX {
            return None;
        }
        pages.append(number, RoaringBitmap::deserialize_from(page).ok()?)?;
        rest = behind;
    }
    rest.is_empty().then(|| Posting::Pages(Arc::new(pages)))
}

fn last(posting: &Posting) -> Option<u32> {
    match posting {
        Posting::Few(few) => few.as_slice().last().copied(),
        Posting::Pages(pages) => pages.iter_pages().last()?.1.max(),
    }
}
