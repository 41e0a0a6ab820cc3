//! Replacing the indexes as a whole: checkpoints and rebuilds.
//!
//! **Invariant:** the indexes that take over have folded in every commit when they do, and the
//! images that the file names are of their numbering. Readers and writers go on meanwhile, except
//! for the moment of the exchange.

use super::committer::{Committer, Repair, State};
use super::compact::Compacting;
use super::tables::Tables;
use crate::catalog::Catalog;
use crate::derived::{Checkpoint, ImageRow, Indexes, Place, Unreadable, Versions};
use crate::error::Detail;
use crate::file::{SegmentRef, Toward};
use crate::ids::Seq;
use crate::planted::{self, Defect};
use crate::rows::Pinned;
use crate::schema;
use crate::{Error, Result};
use redb::WriteTransaction;
use std::collections::BTreeMap;

/// An image is moved as it is only while no more than this is in none: links that the running graphs
/// have and their images do not are lost by it.
const MAX_UNSAVED: u64 = 256;

type Images = BTreeMap<String, ImageRow>;

impl Committer {
    /// Stores an image of every index and goes on from there, with nothing left in memory that is
    /// in an image. Numbers memories anew where more than half of the ordinals are dead. Gives up,
    /// and leaves everything as it was, when `goes_on` says no between two images. Returns the bytes
    /// of the images.
    pub(crate) fn checkpoint(&self, goes_on: &mut dyn FnMut() -> bool) -> Result<Option<u64>> {
        let _alone = self.replacing.lock();
        if !goes_on() {
            return Ok(None);
        }
        let view = self.current();
        let rows = view.rows()?;
        let stored = if view.versions().is_mostly_dead() {
            let indexes = Indexes::renumber(view.versions(), &rows, view.seq())?;
            self.store(&indexes.versions(view.seq()), view.seq(), &Images::new(), goes_on)?
        } else {
            // Nobody else changes them meanwhile.
            let named = ImageRow::load_all(&rows)?;
            self.store(view.versions(), view.seq(), &named, goes_on)?
        };
        let Some(stored) = stored else { return Ok(None) };
        let bytes = stored.len_bytes();
        self.adopt(stored, &rows)?;
        Ok(Some(bytes))
    }

    /// Does `work` while nobody replaces the indexes: what is linked meanwhile is not lost.
    pub(crate) fn while_they_stay<T>(&self, work: impl FnOnce() -> T) -> T {
        let _alone = self.replacing.lock();
        work()
    }

    /// Makes every index anew from the rows.
    pub(crate) fn rebuild(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<()> {
        let _alone = self.replacing.lock();
        let view = self.current();
        let rows = view.rows()?;
        let total = view.versions().attributes.live_len();
        let indexes =
            Indexes::rebuild(&rows, view.seq(), self.settings.graph_bytes, &mut |done| {
                progress(done, total);
            })?;
        let versions = indexes.versions(view.seq());
        let stored = self.store(&versions, view.seq(), &Images::new(), &mut || true)?;
        stored.map_or(Ok(()), |stored| self.adopt(stored, &rows))
    }

    /// Puts the image in this segment elsewhere, as it is.
    pub(super) fn move_image(
        &self,
        segment: &SegmentRef,
        toward: Toward,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> Result<Compacting> {
        if self.index_stats().unsaved_work() > MAX_UNSAVED {
            let written = self.checkpoint(goes_on)?;
            return Ok(written.map_or(Compacting::Done, Compacting::Rewritten));
        }
        let _alone = self.replacing.lock();
        let view = self.current();
        let rows = view.rows()?;
        let mut images = ImageRow::load_all(&rows)?;
        let is_here = |row: &&mut ImageRow| row.place.segment() == Some(*segment);
        let Some(row) = images.values_mut().find(is_here) else { return Ok(Compacting::Done) };
        let copied = self.container().copy_segment(segment, toward, goes_on)?;
        let Some(copy) = copied else { return Ok(Compacting::Done) };
        row.place = Place::Segment(copy);
        let kept = images.values().map(|row| row.place.clone());
        let kept = kept.filter(|place| place.segment() != Some(copy)).collect();
        self.adopt(Checkpoint { images, kept }, &rows)?;
        Ok(Compacting::Moved(segment.len))
    }

    /// Reads every image that the file names, anew, as none is named that opening could not use;
    /// returns how many. `damaged` is told of each that cannot be read.
    pub(crate) fn read_images(&self, mut damaged: impl FnMut(&str, Error)) -> Result<u64> {
        // Nobody gives an image back meanwhile.
        let _alone = self.replacing.lock();
        let images = ImageRow::load_all(&self.newest_rows()?)?;
        for (name, row) in &images {
            let read = row.place.open(self.container()).and_then(|image| {
                image.get(0..image.len())?;
                Ok(())
            });
            if let Err(e) = read {
                damaged(name, e);
            }
        }
        Ok(images.len() as u64)
    }

    fn store(
        &self,
        versions: &Versions,
        seq: Seq,
        named: &Images,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Checkpoint>> {
        let max_inline = self.settings.max_inline_image;
        versions.store_images(seq, named, self.container(), max_inline, goes_on)
    }

    /// Opens stored images, catches up, and makes them those of the file and of the next View.
    fn adopt(&self, stored: Checkpoint, rows: &Pinned) -> Result<()> {
        let catalog = Catalog::load(rows)?;
        let mut named = false;
        let (graph_bytes, refuse) = (self.settings.graph_bytes, Unreadable::Refuse);
        let (container, images) = (self.container(), &stored.images);
        let opened = Indexes::open_images(container, images, catalog, rows, graph_bytes, refuse);
        let exchanged = opened
            .and_then(|fresh| fresh.ok_or(Detail::Internal { doing: "reading new images" }.into()))
            .and_then(|mut fresh| {
                // What was committed meanwhile, so that writers wait for the rest of it alone.
                let view = self.current();
                catch_up(&mut fresh, view.seq(), &*view.rows()?)?;
                Ok(fresh)
            })
            .and_then(|fresh| {
                self.with_state(Repair::Stored, |state, transaction, database| {
                    let commit = |transaction| self.commit_rows(transaction);
                    exchange(
                        state,
                        transaction,
                        database,
                        &stored.images,
                        fresh,
                        &mut named,
                        commit,
                    )
                })
            });
        match exchanged {
            Ok(old) => {
                for row in old.values().filter(|row| !stored.kept.contains(&row.place)) {
                    row.place.release(self.container());
                }
                Ok(())
            }
            Err(e) => {
                // Once the commit has begun it may have happened: then opening the file settles
                // whose the space is.
                if !named {
                    stored.discard(self.container());
                }
                Err(e)
            }
        }
    }
}

/// Brings new indexes up to a commit, which `rows` are of.
fn catch_up(fresh: &mut Indexes, last: Seq, rows: &Pinned) -> Result<()> {
    fresh.adopt_catalog(fresh.watermark, Catalog::load(rows)?, rows)?;
    if !fresh.catch_up(last, rows)? {
        return Err(Detail::Internal { doing: "catching new images up" }.into());
    }
    Ok(())
}

/// Puts `fresh` in the place of the running indexes. Returns the images that were named before.
fn exchange(
    state: &mut State,
    mut transaction: WriteTransaction,
    database: &Tables,
    images: &Images,
    mut fresh: Indexes,
    named: &mut bool,
    commit: impl FnOnce(WriteTransaction) -> Result<()>,
) -> Result<Images> {
    let rows = Pinned::new(database.begin_read()?, state.sealed.clone());
    catch_up(&mut fresh, state.chain.seq, &rows)?;
    let old = ImageRow::load_all(&rows)?;
    {
        let mut table = transaction.open_table(schema::IMAGES)?;
        for name in old.keys() {
            table.remove(name.as_bytes())?;
        }
        for (name, row) in images {
            table.insert(name.as_bytes(), row.encode().as_slice())?;
        }
    }
    if planted::is(Defect::ReleasedBeforeDurable) {
        let _ = transaction.set_durability(redb::Durability::None);
    }
    *named = true;
    commit(transaction)?;
    state.indexes = fresh;
    state.set_linked(state.linked);
    Ok(old)
}
