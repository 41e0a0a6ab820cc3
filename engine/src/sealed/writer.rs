//! Writing a segment of sealed vectors, a piece at a time.
//!
//! **Invariant:** what comes out is whole and durable. Beside the ids no
//! more than [`PIECE`] bytes are held.

use super::row::{Layout, SealedRow};
use super::unnamed::Unnamed;
use crate::components::Form;
use crate::error::Detail;
use crate::file::{Container, SegmentWriter};
use crate::ids::SpaceId;
use crate::{Error, Result};

/// Bytes that are gathered before they are written.
const PIECE: usize = 1 << 20;

/// A segment that is being written.
pub(crate) struct SealedWriter {
    container: Container,
    layout: Layout,
    first: u64,
    last: u64,
    writer: SegmentWriter,
    gathered: Vec<u8>,
    left: u32,
}

impl SealedWriter {
    /// Begins a segment with the vectors of these memories, in ascending order.
    pub(crate) fn begin(
        container: &Container,
        space: SpaceId,
        dimension: u32,
        form: Form,
        ids: &[u64],
    ) -> Result<Self> {
        let (Some(first), Some(last)) = (ids.first(), ids.last()) else {
            return Err(Detail::Internal { doing: "sealing no vectors" }.into());
        };
        let layout = Layout { space, dimension, count: ids.len() as u32, form };
        let writer = container.begin_segment(layout.len())?;
        let (first, last) = (*first, *last);
        let (gathered, left) = (layout.header().to_vec(), layout.count);
        let container = container.clone();
        let mut writer = SealedWriter { container, layout, first, last, writer, gathered, left };
        for id in ids {
            writer.make_room(size_of::<u64>())?;
            writer.gathered.extend_from_slice(&id.to_le_bytes());
        }
        let padding = layout.vector_at(0) - Layout::id_at(layout.count);
        writer.gathered.resize(writer.gathered.len() + padding, 0);
        Ok(writer)
    }

    /// Writes the vector of the next memory, given as its row.
    ///
    /// # Errors
    /// Corruption, if it is not of the dimension of the space.
    pub(crate) fn push(&mut self, row: &[u8]) -> Result<()> {
        let Layout { dimension, form, .. } = self.layout;
        let expected = dimension as usize * size_of::<f32>();
        if row.len() != expected || self.left == 0 || !form.is_exact_for(row) {
            let expected = format!("{expected} bytes that are {} as well", form.name());
            return Err(Error::corruption("vector row", expected, format!("{} bytes", row.len())));
        }
        self.left -= 1;
        self.make_room(self.layout.vector_len())?;
        form.pack(row, &mut self.gathered);
        Ok(())
    }

    fn make_room(&mut self, bytes: usize) -> Result<()> {
        if self.gathered.len() + bytes > PIECE {
            self.writer.write(&self.gathered)?;
            self.gathered.clear();
        }
        Ok(())
    }

    /// Makes the segment durable; no row names it yet.
    pub(crate) fn finish(mut self) -> Result<Unnamed> {
        self.writer.write(&self.gathered)?;
        let segment = self.writer.finish()?;
        let Layout { space, dimension, count, form } = self.layout;
        let SealedWriter { first, last, .. } = self;
        let row = SealedRow { space, number: 0, dimension, count, form, first, last, segment };
        Ok(Unnamed::new(&self.container, row))
    }
}
