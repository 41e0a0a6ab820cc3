//! Reading rows: from a pinned transaction, or from writes that are not yet in one.
//!
//! **Invariant:** everything above reads rows through [`Rows`]; it never sees which of the two a
//! row came from, nor whether a vector is a row or sealed. All answers of one [`Pinned`] are of one
//! instant.

use crate::components::read_vector;
use crate::ids::SpaceId;
use crate::planted::{self, Defect};
use crate::schema::{Bytes, Table, read_vector_key, vector_key};
use crate::sealed::{Sealed, SealedVectors};
use crate::{Error, Result};
use redb::{AccessGuard, ReadOnlyTable, ReadTransaction, ReadableTableMetadata};
use std::borrow::Cow;
use std::io::ErrorKind;
use std::ops::{Bound, Deref, RangeInclusive};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

/// A table, open for reading.
pub(crate) type Opened = ReadOnlyTable<&'static [u8], &'static [u8]>;

/// The bytes of a row.
pub(crate) enum RowBytes {
    /// In a page of the table space.
    Page(AccessGuard<'static, &'static [u8]>),
    /// Written by a transaction that is not committed, or copied out of one.
    Owned(Arc<[u8]>),
    /// A vector in a segment, as rows have it, which has been read once.
    Sealed(Sealed),
}

impl Deref for RowBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            RowBytes::Page(guard) => guard.value(),
            RowBytes::Owned(bytes) => bytes,
            RowBytes::Sealed(Sealed { segment, index }) => match segment.vector(*index) {
                Ok(Cow::Borrowed(row)) => row,
                _ => &[],
            },
        }
    }
}

/// Where rows can be read.
pub(crate) trait Rows {
    /// The row under `key`.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<RowBytes>>;
}

/// A read transaction with its tables, opened on first use, and the sealed vectors of its instant.
pub(crate) struct Pinned {
    transaction: ReadTransaction,
    tables: [OnceLock<Opened>; Table::ALL.len()],
    sealed: Arc<SealedVectors>,
}

impl Pinned {
    pub(crate) fn new(transaction: ReadTransaction, sealed: Arc<SealedVectors>) -> Self {
        Pinned { transaction, tables: Default::default(), sealed }
    }

    /// The same rows, with the sealed vectors that they name.
    pub(crate) fn with_sealed(self, sealed: Arc<SealedVectors>) -> Self {
        Pinned { sealed, ..self }
    }

    fn table(&self, table: Table) -> Result<&Opened> {
        let cell = &self.tables[table as usize];
        if let Some(opened) = cell.get() {
            return Ok(opened);
        }
        let opened = self.transaction.open_table(table.definition())?;
        Ok(cell.get_or_init(|| opened))
    }

    /// Reads any table of the schema.
    pub(crate) fn read<T>(
        &self,
        definition: Bytes,
        work: impl FnOnce(&Opened) -> Result<T>,
    ) -> Result<T> {
        guarded(|| work(&self.transaction.open_table(definition)?))
    }

    /// How many rows a table has.
    pub(crate) fn len(&self, table: Table) -> Result<u64> {
        guarded(|| Ok(self.table(table)?.len()?))
    }

    /// The row under `key`, which for a vector is there only until it is sealed.
    pub(crate) fn get_row(&self, table: Table, key: &[u8]) -> Result<Option<RowBytes>> {
        guarded(|| Ok(self.table(table)?.get(key)?.map(RowBytes::Page)))
    }

    /// The sealed vectors.
    pub(crate) fn sealed(&self) -> &Arc<SealedVectors> {
        &self.sealed
    }

    /// The vectors of a space, for whoever reads many of them.
    pub(crate) fn vectors_of(&self, space: SpaceId) -> Result<SpaceVectors<'_>> {
        let (from, to) = (vector_key(space, 0), vector_key(space, u64::MAX));
        let ends = guarded(|| {
            let mut keys = self.table(Table::Vectors)?.range(from.as_slice()..=to.as_slice())?;
            let id = |key: &[u8]| read_vector_key(key).map(|(_, owner)| owner);
            let first = keys.next().transpose()?.and_then(|(key, _)| id(key.value()));
            let last = keys.next_back().transpose()?.and_then(|(key, _)| id(key.value()));
            Ok((first, last.or(first)))
        })?;
        let rows = match ends {
            (Some(first), Some(last)) => Some(first..=last),
            _ => None,
        };
        Ok(SpaceVectors { pinned: self, space, rows })
    }

    /// The rows of `table` from `from` on, in key order, until `each` says stop by `false`.
    pub(crate) fn scan(
        &self,
        table: Table,
        from: Bound<&[u8]>,
        mut each: impl FnMut(&[u8], &[u8]) -> Result<bool>,
    ) -> Result<()> {
        let mut rows =
            guarded(|| Ok(self.table(table)?.range::<&[u8]>((from, Bound::Unbounded))?))?;
        // Not around `each`, whose panics are its own.
        while let Some((key, value)) = guarded(|| Ok(rows.next().transpose()?))? {
            let (key, value) = guarded(|| Ok((key.value(), value.value())))?;
            if !each(key, value)? {
                break;
            }
        }
        Ok(())
    }

    /// The underlying transaction, for what is not a row.
    pub(crate) fn transaction(&self) -> &ReadTransaction {
        &self.transaction
    }
}

impl Rows for Pinned {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<RowBytes>> {
        let row = self.get_row(table, key)?;
        if row.is_some() || table != Table::Vectors {
            return Ok(row);
        }
        let Some((space, owner)) = read_vector_key(key) else { return Ok(None) };
        let Some(sealed) = self.sealed.find(space, owner)? else { return Ok(None) };
        if let Cow::Owned(row) = sealed.segment.vector(sealed.index)? {
            return Ok(Some(RowBytes::Owned(row.into())));
        }
        Ok(Some(RowBytes::Sealed(sealed)))
    }
}

/// The vectors of one space at one instant.
pub(crate) struct SpaceVectors<'a> {
    pinned: &'a Pinned,
    space: SpaceId,
    /// Between which numbers there are rows: what is new has high ones, so that most that are sealed
    /// need no look into the table.
    rows: Option<RangeInclusive<u64>>,
}

impl SpaceVectors<'_> {
    /// Reads the vector of a memory or a node into a slice of its dimension; is there one?
    pub(crate) fn read(&self, owner: u64, out: &mut [f32]) -> Result<bool> {
        if self.rows.as_ref().is_some_and(|rows| rows.contains(&owner))
            && let Some(row) =
                self.pinned.get_row(Table::Vectors, &vector_key(self.space, owner))?
        {
            if read_vector(&row, out).is_none() {
                let (expected, found) = (out.len(), row.len());
                let expected = format!("{expected} components");
                return Err(Error::corruption("vector row", expected, format!("{found} bytes")));
            }
            return Ok(true);
        }
        self.pinned.sealed.read(self.space, owner, out)
    }
}

/// Runs what works on redb's tables. Pages that match their checksums may contradict each other
/// all the same, where a device has lost what it had called durable: redb panics then, and the
/// caller gets an error.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    if planted::is(Defect::PanicPassedOn) {
        return work();
    }
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().map(String::as_str);
        let words = words.or_else(|| panic.downcast_ref::<&str>().copied());
        let found = words.unwrap_or("pages that contradict each other");
        Err(Error::corruption("table space", "pages that belong together", found))
    })
}

macro_rules! from_redb {
    ($($error:ident),*) => {
        $(impl From<redb::$error> for Error {
            fn from(e: redb::$error) -> Self {
                from_storage(e.into())
            }
        })*
    };
}
from_redb!(
    StorageError,
    TableError,
    TransactionError,
    CommitError,
    CursorError,
    DatabaseError,
    CompactionError
);

/// Says in this library's words what redb reported.
fn from_storage(e: redb::Error) -> Error {
    use crate::error::Detail;
    match e {
        // So redb reports a header that is not its own. Ours come as a `Fault`.
        redb::Error::Io(e) if e.kind() == ErrorKind::InvalidData && !is_fault(&e) => {
            Error::corruption("table space", "the header of redb", e.to_string())
        }
        redb::Error::Io(e) => crate::file::error_from("accessing the table space", e),
        redb::Error::RepairAborted => {
            Error::corruption("table space", "pages as redb's checksums say", "others")
        }
        redb::Error::Corrupted(what) => Error::corruption("table space", "valid pages", what),
        redb::Error::PreviousIo | redb::Error::DatabaseClosed | redb::Error::LockPoisoned(_) => {
            Detail::Latched.into()
        }
        redb::Error::DatabaseAlreadyOpen => Detail::InUse { pid: None }.into(),
        redb::Error::UpgradeRequired(found) => {
            Detail::Format { does: "reads", found: u32::from(found), supported: 3 }.into()
        }
        other => Error::corruption("table space", "its tables", other.to_string()),
    }
}

fn is_fault(e: &std::io::Error) -> bool {
    e.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<crate::file::Fault>)
}
