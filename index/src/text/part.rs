//! What the scorer asks of a part of the index, and the part that rests on an image.
//!
//! **Invariant:** entries are numbered from 0 within their part, and every posting of a part
//! names an entry of it.

use super::deaths::{self, Deaths};
use super::image::{Documents, Image};
use crate::image::ImageError;
use std::sync::atomic::AtomicU64;

/// A part as one view sees it.
pub(super) trait Part {
    /// What it knows of one window of its entries.
    type Window<'a>: Window
    where
        Self: 'a;

    /// The window that begins at `first`.
    fn window(&self, first: u32) -> Result<Self::Window<'_>, ImageError>;
}

/// Documents by their offset in a window. Offsets come from postings, and so name entries.
pub(super) trait Window {
    /// Is it live in this view?
    fn is_live(&self, offset: usize) -> bool;
    /// Terms in the document, with repetition.
    fn length(&self, offset: usize) -> u32;
    /// Its ordinal.
    fn ordinal(&self, offset: usize) -> u32;
}

/// An image, and what became of its entries since it was written.
pub(super) struct Sealed {
    pub(super) image: Image,
    pub(super) deaths: Deaths,
}

impl Sealed {
    pub(super) fn new(image: Image) -> Self {
        let deaths = Deaths::new(image.documents());
        Self { image, deaths }
    }
}

/// A sealed part at one sequence.
#[derive(Clone, Copy)]
pub(super) struct SealedAt<'a> {
    pub(super) sealed: &'a Sealed,
    pub(super) seq: u64,
}

impl Part for SealedAt<'_> {
    type Window<'a>
        = SealedWindow<'a>
    where
        Self: 'a;

    fn window(&self, first: u32) -> Result<SealedWindow<'_>, ImageError> {
        Ok(SealedWindow {
            documents: self.sealed.image.window(first)?,
            deaths: self.sealed.deaths.window(first),
            seq: self.seq,
        })
    }
}

/// A window of a sealed part.
pub(super) struct SealedWindow<'a> {
    documents: Documents<'a>,
    deaths: Option<&'a [AtomicU64]>,
    seq: u64,
}

impl Window for SealedWindow<'_> {
    fn is_live(&self, offset: usize) -> bool {
        self.deaths.is_none_or(|page| deaths::is_live(&page[offset], self.seq))
    }

    fn length(&self, offset: usize) -> u32 {
        self.documents.length(offset)
    }

    fn ordinal(&self, offset: usize) -> u32 {
        self.documents.ordinal(offset)
    }
}
