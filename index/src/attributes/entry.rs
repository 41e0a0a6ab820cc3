//! What a caller says about one row.
//!
//! **Invariant:** a field and a column are bare numbers here; only the engine knows their names.
//! Any caller may build these.

/// A label field: namespace, kind, tag, a declared metadata path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldId(pub u8);

/// A numeric column, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnId(pub u8);

/// The labels and cells of one row, borrowed from whoever holds the record.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The row's public number, the one its ordinal was [pushed](super::Attributes::push) with.
    pub id: u64,
    /// Its labels, in any order; a field may have several, a repeated label counts once.
    pub labels: &'a [(FieldId, &'a [u8])],
    /// Its cells; a column that is not named is missing, the last of two for one column wins.
    pub columns: &'a [(ColumnId, i64)],
}

/// One live row with everything that is known of it, in an order that does not depend on how the
/// index came to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The row's public number.
    pub id: u64,
    /// Its labels by field, then by bytes.
    pub labels: Vec<(FieldId, Vec<u8>)>,
    /// Its cells by column, without the missing ones.
    pub columns: Vec<(ColumnId, i64)>,
}
