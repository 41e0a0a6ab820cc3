//! The segments of a container: stored, opened, pinned, given back.
//!
//! **Invariant:** a segment is durable before its reference is handed out (rule 4), and its
//! chunks are reused only after the caller has released it and nothing pins it (rule 5). Called by
//! the kernel, which owns segments through rows.

use super::alloc::{Extent, Owner};
use super::container::Container;
use super::fault::error_from;
use super::open::truncated;
use super::segment::{BlockSums, Bytes, Layout, Pin, SegmentRef, SegmentSource, memory};
use crate::error::{Detail, Error, Result};
use crate::planted::{self, Defect};
use memlith_index::image::SharedSource;
use std::sync::Arc;

impl Container {
    /// The segment rows have been read: what neither they nor the maps name is free from now on.
    ///
    /// # Errors
    /// Corruption, if a segment cannot be where its row says: the container is of no further use.
    pub(crate) fn register(&self, segments: &[SegmentRef]) -> Result<()> {
        let file_len = self.file_len()?;
        let mut state = self.0.state.write();
        for segment in segments {
            self.check_bounds(segment, file_len)?;
            if !state.chunks.claim(segment.extent, Owner::Segment) {
                let found = format!("{:?} with another owner", segment.extent);
                return Err(Error::corruption("segment reference", "chunks of its own", found));
            }
        }
        state.chunks.segments_known();
        Ok(())
    }

    /// The layout of a segment that can be where its reference says.
    fn check_bounds(&self, segment: &SegmentRef, file_len: u64) -> Result<Layout> {
        let wrong = |expected: &str| {
            Error::corruption("segment reference", expected, format!("{segment:?}"))
        };
        let layout = Layout::of(segment.len).ok_or_else(|| wrong("a length that fits memory"))?;
        if segment.extent.checked_range().is_none() {
            return Err(wrong("chunks that can exist"));
        }
        if layout.chunks(self.0.chunk_bytes) != u64::from(segment.extent.chunks) {
            return Err(wrong("as many chunks as its length needs"));
        }
        let end = self.offset(segment.extent.start) + layout.end as u64;
        if end > file_len {
            return Err(truncated(end, file_len));
        }
        Ok(layout)
    }

    /// Stores bytes as a segment, durably. It is free again after a crash until a row names it;
    /// if none is to, [`release`](Self::release) it.
    pub(crate) fn write_segment(&self, data: &[u8]) -> Result<SegmentRef> {
        let mut writer = self.begin_segment(data.len() as u64)?;
        writer.write(data)?;
        writer.finish()
    }

    /// The same for `len` bytes that come in pieces, so that none holds all of them. If the writer
    /// is dropped unfinished, the space is free again.
    pub(crate) fn begin_segment(&self, len: u64) -> Result<SegmentWriter> {
        self.check_writable()?;
        let chunks = Layout::of(len).map_or(u64::MAX, |layout| layout.chunks(self.0.chunk_bytes));
        let chunks = u32::try_from(chunks).unwrap_or(u32::MAX);
        let extent = self.0.state.write().chunks.take(chunks, Owner::Segment);
        let extent = extent.map_err(|fault| failed_to_write(fault.into()))?;
        let sums = BlockSums::default();
        Ok(SegmentWriter { container: self.clone(), extent, len, sums, is_finished: false })
    }

    /// Opens a segment for reading. Its chunks are pinned until every clone is dropped.
    ///
    /// # Errors
    /// Corruption, if the segment is not where the reference says or its checksums are damaged.
    pub(crate) fn open_segment(&self, segment: &SegmentRef) -> Result<SharedSource> {
        let layout = self.check_bounds(segment, self.file_len()?)?;
        let pin = self.pin(segment.extent)?;
        let failed = |e| error_from("reading a segment", e);
        let at = self.offset(segment.extent.start);
        let map = if self.0.settings.mapping && layout.end > 0 {
            self.0.disk.map(at, layout.end).map_err(failed)?
        } else {
            None
        };
        let bytes = if let Some(map) = map {
            Bytes::Mapped(map)
        } else {
            let mut memory = memory(layout.end).map_err(failed)?;
            self.0.disk.read_at(at, &mut memory).map_err(failed)?;
            Bytes::Read(memory)
        };
        Ok(Arc::new(SegmentSource::open(bytes, segment, layout, pin)?))
    }

    /// Keeps a segment's chunks from being reused until what this returns is dropped; reads
    /// nothing.
    ///
    /// # Errors
    /// Corruption, if another owns the chunks.
    pub(crate) fn pin_segment(&self, segment: &SegmentRef) -> Result<Pin> {
        self.pin(segment.extent)
    }

    fn pin(&self, extent: Extent) -> Result<Pin> {
        let mut state = self.0.state.write();
        if extent.range().any(|c| state.chunks.owner(c) != Some(Owner::Segment)) {
            let found = format!("{extent:?} with another owner");
            return Err(Error::corruption("segment reference", "chunks of its own", found));
        }
        state.chunks.pin(extent);
        Ok(Pin { container: self.clone(), extent })
    }

    pub(super) fn unpin(&self, extent: Extent) {
        self.0.state.write().chunks.unpin(extent);
    }

    /// Gives a segment's chunks back: call it after a *durable* commit without its row (rule 5),
    /// or if it never got one. They are reused when no source pins them any more.
    ///
    /// # Panics
    /// If the segment is not one of this file, or was released before.
    pub(crate) fn release(&self, segment: &SegmentRef) {
        self.0.state.write().chunks.release(segment.extent);
    }
}

/// A segment that is being written.
pub(crate) struct SegmentWriter {
    container: Container,
    extent: Extent,
    /// Bytes of content that there are to be.
    len: u64,
    sums: BlockSums,
    is_finished: bool,
}

impl SegmentWriter {
    /// Writes what follows.
    pub(crate) fn write(&mut self, piece: &[u8]) -> Result<()> {
        if self.sums.len() + piece.len() as u64 > self.len {
            return Err(Detail::Internal { doing: "writing more than a segment holds" }.into());
        }
        let at = self.container.offset(self.extent.start) + self.sums.len();
        self.sums.update(piece);
        self.container.0.disk.write_at(at, piece).map_err(failed_to_write)
    }

    /// Makes the segment durable.
    pub(crate) fn finish(mut self) -> Result<SegmentRef> {
        if self.sums.len() != self.len {
            return Err(Detail::Internal { doing: "writing less than a segment holds" }.into());
        }
        let (tail, checksum) = std::mem::take(&mut self.sums).seal();
        let at = self.container.offset(self.extent.start) + self.len;
        self.container.0.disk.write_at(at, &tail).map_err(failed_to_write)?;
        // Rule 4.
        if !planted::is(Defect::SegmentNotSynced) {
            self.container.sync().map_err(failed_to_write)?;
        }
        self.is_finished = true;
        Ok(SegmentRef { extent: self.extent, len: self.len, checksum })
    }
}

impl Drop for SegmentWriter {
    fn drop(&mut self) {
        if !self.is_finished {
            self.container.0.state.write().chunks.release(self.extent);
        }
    }
}

fn failed_to_write(e: std::io::Error) -> Error {
    error_from("writing a segment", e)
}
