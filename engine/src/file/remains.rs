//! What the header slots of a damaged file still say.
//!
//! **Invariant:** of two slots the newer one that can be used is taken, and whether there may have
//! been a newer one still is said. Nothing but what [`load_space`] has bounded is allocated. Used
//! by [`Wreck`](super::Wreck) alone.

use super::disk::Disk;
use super::open::{Space, load_space, sequence};
use super::slot::{ENCRYPTED, Found, READ_VERSION, SLOT_LEN, Slot};
use super::wreck::Flaw;
use crate::error::{Detail, Result};

/// What the two slots say.
pub(super) struct Header {
    /// The newest that can be read.
    pub(super) slot: Option<Slot>,
    /// Its active table space, if its map holds together.
    pub(super) space: Option<Space>,
    /// Is nothing newer possible?
    pub(super) is_sure: bool,
    pub(super) flaws: Vec<Flaw>,
}

impl Header {
    /// Reads both.
    ///
    /// # Errors
    /// `UnsupportedFormat`, if the newest is of another version of the format; `Io`.
    pub(super) fn read(disk: &dyn Disk, slots: &[[u8; SLOT_LEN]], file_len: u64) -> Result<Header> {
        let names = ["first header slot", "second header slot"];
        let mut found: Vec<_> = slots
            .iter()
            .zip(names)
            .map(|(bytes, name)| (Slot::decode(bytes), bytes, name))
            .collect();
        found.sort_by_key(|(found, ..)| std::cmp::Reverse(sequence(found)));
        let mut header = Header { slot: None, space: None, is_sure: true, flaws: Vec::new() };
        for (found, bytes, name) in found {
            match found {
                // An older slot decides nothing any more.
                Found::Foreign { .. } | Found::Unsupported { .. } if header.space.is_some() => {}
                Found::Foreign { version: found, .. } => {
                    return Err(
                        Detail::Format { does: "reads", found, supported: READ_VERSION }.into()
                    );
                }
                Found::Unsupported { flags, .. } => {
                    let encrypted = flags & ENCRYPTED != 0;
                    let what = if encrypted { "encryption" } else { "a feature" };
                    return Err(Detail::Feature { what }.into());
                }
                Found::Valid(slot) => header.take(disk, slot, bytes, name, file_len)?,
                Found::Nothing | Found::Damaged => {
                    // The very first slot has no twin yet.
                    let is_first = header.slot.as_ref().is_some_and(|slot| slot.sequence == 1);
                    if !is_first {
                        header.is_sure = false;
                        header.flaws.push((name, "is damaged".into()));
                    }
                }
            }
        }
        header.is_sure &= header.space.is_some();
        Ok(header)
    }

    /// Takes in a valid slot, the newest first.
    fn take(
        &mut self,
        disk: &dyn Disk,
        slot: Slot,
        bytes: &[u8; SLOT_LEN],
        name: &'static str,
        file_len: u64,
    ) -> Result<()> {
        if self.space.is_some() {
            return Ok(());
        }
        if self.slot.is_none() && file_len < slot.floor {
            let lost = slot.floor - file_len;
            self.flaws.push(("file", format!("is truncated: at least {lost} bytes are missing")));
        }
        self.space = match load_space(disk, &slot, slot.active, bytes, file_len) {
            Ok(space) => space,
            Err(e) if e.kind() == crate::ErrorKind::Io => None,
            Err(e) => return Err(e),
        };
        if self.space.is_none() {
            self.is_sure = false;
            self.flaws.push((name, "has a damaged chunk map".into()));
        }
        self.slot.get_or_insert(slot);
        Ok(())
    }
}
