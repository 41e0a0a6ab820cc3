//! Warming up: reading what the next search would have to wait for.
//!
//! **Invariant:** changes nothing but what is in memory.

use crate::db::Db;
use crate::derived::SpaceIndex;
use crate::view::View;
use crate::{Error, Result};

/// Bytes between two reports of progress.
const STEP: usize = 1 << 20;

impl Db {
    /// Reads the images of all indexes and verifies every block of them, so that the searches to
    /// come find them in memory and need not check a thing: for a moment before the first answer
    /// counts. Without, each search reads and verifies what it is the first to touch.
    ///
    /// `progress` gets the number of bytes done and of all. Costs a reading of the images, about as
    /// long as the disk takes for them, and a checksum at some gigabytes a second. Mapped images stay in
    /// the cache of the operating system, beyond the [`memory_limit`](crate::Options::memory_limit),
    /// which lets go what it has no room for. What the indexes hold that is in no image yet is in
    /// memory anyway; rows are read as they are needed.
    ///
    /// ```
    /// # let db = memlith::Options::new().in_memory()?;
    /// db.warm(&mut |done, total| println!("{done} of {total} bytes"))?;
    /// # Ok::<(), memlith::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Corruption`](crate::ErrorKind::Corruption) if a block is damaged.
    pub fn warm(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<()> {
        self.read()?.warm(|_| true, progress)
    }

    /// The same for one vector space alone, of memories and of nodes.
    ///
    /// # Errors
    /// As [`warm`](Self::warm); [`NotFound`](crate::ErrorKind::NotFound) if there is no such space.
    pub fn warm_space(&self, space: &str, progress: &mut dyn FnMut(u64, u64)) -> Result<()> {
        let view = self.read()?;
        let id = view.versions().catalog.require_space(space)?.0;
        let wanted = [SpaceIndex::name_of(id), SpaceIndex::name_of_nodes(id)];
        view.warm(|name| wanted.iter().any(|wanted| wanted == name), progress)
    }
}

impl View {
    fn warm(
        &self,
        is_wanted: impl Fn(&str) -> bool,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<()> {
        let images = self.versions().images.iter();
        let images: Vec<_> = images.filter(|(name, _)| is_wanted(name)).collect();
        let total = images.iter().map(|(_, image)| image.len() as u64).sum();
        let mut done = 0;
        for (_, image) in &images {
            image.prefetch();
        }
        for (name, image) in images {
            for start in (0..image.len()).step_by(STEP) {
                let end = image.len().min(start + STEP);
                image.get(start..end).map_err(|e| {
                    Error::corruption(
                        "index image",
                        "blocks as they were written",
                        format!("{name}: {e}"),
                    )
                })?;
                done += (end - start) as u64;
                progress(done, total);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::{ErrorKind, NewMemory, Options};

    /// A file whose images are segments.
    fn filled(path: &std::path::Path) {
        let db = Options::new().threads(false).open(path).unwrap();
        let new = |n: u16| {
            let vector: Vec<f32> = (0..64).map(|i| f32::from(n % (i + 7)) - 3.5).collect();
            let words: Vec<String> =
                (0..12).map(|i| format!("word{}", u32::from(n) * 12 + i)).collect();
            NewMemory::new(words.join(" ")).vector(vector)
        };
        db.remember_batch((0..3_000).map(new).collect()).unwrap();
        db.checkpoint().unwrap();
        db.close().unwrap();
    }

    #[test]
    fn what_is_warm_has_been_verified_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lith");
        filled(&path);
        for mapping in [true, false] {
            let db = Options::new().mapping(mapping).open_read_only(&path).unwrap();
            let view = db.read().unwrap();
            let is_warm = |name: &str| view.versions().images[name].verified().is_some();
            assert!(!is_warm("vectors/1"), "opening reads the head alone");
            db.warm_space("default", &mut |_, _| ()).unwrap();
            assert!(is_warm("vectors/1"));
            assert!(!is_warm("text/0"));
            let mut reports = Vec::new();
            db.warm(&mut |done, total| reports.push((done, total))).unwrap();
            assert!(["attributes", "text", "text/0", "vectors/1"].into_iter().all(is_warm));
            let total = view.versions().images.values().map(|image| image.len() as u64).sum();
            assert_eq!(reports.last(), Some(&(total, total)));
            assert!(reports.is_sorted());
            let missing = db.warm_space("none", &mut |_, _| ()).unwrap_err();
            assert_eq!(missing.kind(), ErrorKind::NotFound);
        }
    }

    #[test]
    fn damage_anywhere_in_an_image_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lith");
        filled(&path);
        let db = Options::new().threads(false).open(&path).unwrap();
        let view = db.read().unwrap();
        let image = view.versions().images["vectors/1"].clone();
        let needle = image.get(image.len() - 4_096..image.len()).unwrap().to_vec();
        drop((image, view, db));
        let mut bytes = std::fs::read(&path).unwrap();
        let at = bytes.windows(needle.len()).position(|w| w == needle).unwrap();
        bytes[at] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let db = Options::new().threads(false).open(&path).unwrap();
        assert_eq!(db.warm(&mut |_, _| ()).unwrap_err().kind(), ErrorKind::Corruption);
    }
}
