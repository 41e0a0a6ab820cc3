//! What the indexes say of tests that look into texts: `contains` and `matches`.
//!
//! Labels, and values of declared metadata, are tested one by one in their dictionary. Of contents the text
//! index narrows: a word that stands between spaces in what must be there is a word of every text that has
//! it. What is left is read.
//!
//! **Invariant:** bounds are bounds: of the words only those count that the analysis makes the same of
//! wherever they stand, letters and digits of ASCII between spaces; and they are looked for in every language
//! that a content may be in.

use super::Deadline;
use super::bounds::Bounds;
use super::legs::text_error;
use crate::Result;
use crate::derived::{MAX_METADATA_TEXT, Versions};
use crate::filter::{Op, Value};
use memlith_index::attributes::{Attributes, FieldId};
use memlith_index::text::{Language, Occur, Pattern, Query};
use roaring::RoaringBitmap;
use std::ops::Bound;

/// So many labels are tested between two looks at the clock.
const POLL: usize = 256;

/// Is a test one that looks into texts?
pub(super) fn looks_into(op: &Op) -> bool {
    matches!(op, Op::Matches(_) | Op::Contains(Value::Text(_)))
}

/// Does a test hold of a text?
fn holds(op: &Op, text: &str) -> bool {
    match op {
        Op::Matches(regex) => regex.is_match(text),
        Op::Contains(Value::Text(part)) => text.contains(part),
        _ => false,
    }
}

/// Memories of `base`, which are in `languages`, whose content may pass.
pub(super) fn contents(
    versions: &Versions,
    op: &Op,
    languages: Vec<Option<Language>>,
    base: &RoaringBitmap,
    deadline: &Deadline,
) -> Result<Bounds> {
    let parts = match op {
        Op::Matches(regex) => regex.literals(),
        Op::Contains(Value::Text(part)) => std::slice::from_ref(part),
        Op::Exists => return Ok(Bounds::exact(base.clone())),
        _ => return Ok(Bounds::at_most(base.clone())),
    };
    let mut query = Query::default().in_languages(languages);
    for word in parts.iter().flat_map(|part| words_between_spaces(part)) {
        query = query.with(Occur::Must, Pattern::Words(word.into()));
    }
    let mut keep_going = || !deadline.has_passed();
    let upper = versions.text.admitted(&query, base.clone(), &mut keep_going);
    Ok(Bounds::at_most(upper.map_err(text_error)?))
}

/// The words of a text that are the same in whatever text has it.
fn words_between_spaces(part: &str) -> impl Iterator<Item = &str> {
    let mut pieces = part.split(' ').skip(1).peekable();
    std::iter::from_fn(move || {
        let piece = pieces.next()?;
        pieces.peek().is_some().then_some(piece)
    })
    .filter(|piece| !piece.is_empty() && piece.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// Those with a label of `field` that passes.
pub(super) fn labels(
    attributes: &Attributes,
    field: FieldId,
    op: &Op,
    deadline: &Deadline,
) -> Result<RoaringBitmap> {
    let mut kept = RoaringBitmap::new();
    for (at, label) in attributes.labels(field, Bound::Unbounded)?.enumerate() {
        if at % POLL == 0 {
            deadline.check("looking into labels")?;
        }
        let label = label?.0;
        if std::str::from_utf8(label).is_ok_and(|text| holds(op, text)) {
            kept |= attributes.label(field, label)?;
        }
    }
    Ok(kept)
}

/// Those whose value at a declared path is a text that passes; labels of texts begin with `kind`.
pub(super) fn metadata_texts(
    attributes: &Attributes,
    field: FieldId,
    kind: u8,
    op: &Op,
    deadline: &Deadline,
) -> Result<Bounds> {
    let mut bounds = Bounds::nothing();
    for (at, label) in attributes.labels(field, Bound::Included(&[kind]))?.enumerate() {
        if at % POLL == 0 {
            deadline.check("looking into metadata")?;
        }
        let label = label?.0;
        let Some((&first, text)) = label.split_first() else { continue };
        if first != kind {
            break;
        }
        let is_whole = text.len() < MAX_METADATA_TEXT;
        if !is_whole || std::str::from_utf8(text).is_ok_and(|text| holds(op, text)) {
            let having = attributes.label(field, label)?;
            if is_whole {
                bounds.lower |= &having;
            }
            bounds.upper |= having;
        }
    }
    Ok(bounds)
}

#[cfg(test)]
mod tests {
    use super::words_between_spaces;

    #[test]
    fn words_at_the_ends_may_be_parts_of_others() {
        let words = |part| words_between_spaces(part).collect::<Vec<_>>();
        assert_eq!(words("one two three four"), ["two", "three"]);
        assert_eq!(words(" two "), ["two"]);
        assert_eq!(words("two"), [""; 0]);
        assert_eq!(words("a b-c é d\te f1 g"), ["f1"]);
    }
}
