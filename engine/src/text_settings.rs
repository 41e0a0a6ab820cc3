//! What of a memory is found by its words, and in which language.
//!
//! **Invariant:** the text index is made under the settings that the catalogue has; a change of them makes it
//! anew, in the transaction that changes them.

use crate::memory::MAX_LABEL_BYTES;
use crate::{Error, Result};
use memlith_index::text::{Analyzer, Language};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// How often a field may count.
pub const MAX_FIELD_BOOST: u8 = 8;
/// Paths of metadata whose texts may be found.
pub const MAX_TEXT_PATHS: usize = 16;

/// What of a memory is found by its words beside its content, and in which language its words are brought to
/// their stems.
///
/// A field counts so many times: a word in it as if it stood so many times in the content, which is BM25 over
/// several fields (Robertson, Zaragoza and Taylor, 2004). So a word that is in two fields does not count as
/// two words, and however often it is repeated, what it adds is bounded.
///
/// ```
/// use memlith::{Language, NewMemory, Recall, TextSettings};
/// let db = memlith::Options::new().in_memory()?;
/// let settings = TextSettings::new().language(Some(Language::German)).tags(2).metadata("title", 3);
/// db.write(|tx| tx.set_text(&settings))?;
/// db.remember(NewMemory::new("Es fing mit einer Katze an").tags(["roman"]))?;
/// assert_eq!(db.recall(&Recall::new().text("Katzen"))?.hits.len(), 1);
/// assert_eq!(db.recall(&Recall::new().text("Romane"))?.hits.len(), 1);
/// # Ok::<(), memlith::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TextSettings {
    /// The language whose stems words are brought to; English unless given. Without one, words are found as
    /// they are written, and none is left out of a question as one of grammar.
    pub language: Option<Language>,
    /// How often each tag counts, 1 to 8; 0, which it is unless given, if tags are not searched.
    pub tags: u8,
    /// How often texts at paths of metadata count, 1 to 8; by themselves or in a list.
    pub metadata: BTreeMap<String, u8>,
}

impl Default for TextSettings {
    fn default() -> Self {
        TextSettings { language: Some(Language::English), tags: 0, metadata: BTreeMap::new() }
    }
}

impl TextSettings {
    /// The content alone, in English.
    pub fn new() -> Self {
        TextSettings::default()
    }

    /// Sets [`language`](Self::language).
    #[must_use]
    pub fn language(mut self, language: Option<Language>) -> Self {
        self.language = language;
        self
    }

    /// Sets how often [`tags`](Self::tags) count.
    #[must_use]
    pub fn tags(mut self, times: u8) -> Self {
        self.tags = times;
        self
    }

    /// Sets how often texts at a path of [`metadata`](Self::metadata) count, such as `title` or `author.name`.
    #[must_use]
    pub fn metadata(mut self, path: impl Into<String>, times: u8) -> Self {
        self.metadata.insert(path.into(), times);
        self
    }

    /// # Errors
    /// If a field counts too often or not at all, or there are too many.
    pub(crate) fn validate(&self) -> Result<()> {
        let counts = 1..=MAX_FIELD_BOOST;
        if self.tags > MAX_FIELD_BOOST || !self.metadata.values().all(|n| counts.contains(n)) {
            return Err(Error::invalid("text settings", "a field must count 1 to 8 times"));
        }
        if self.metadata.len() > MAX_TEXT_PATHS {
            return Err(Error::invalid("text settings", "must name 16 paths of metadata at most"));
        }
        let is_path = |path: &String| (1..=MAX_LABEL_BYTES).contains(&path.len());
        if !self.metadata.keys().all(is_path) {
            return Err(Error::invalid("metadata path", "must have 1 to 512 bytes"));
        }
        Ok(())
    }

    /// What counts as the same word.
    pub(crate) fn analyzer(&self) -> Analyzer {
        Analyzer::default().stem(self.language)
    }

    /// Is anything found by its words but the content?
    pub(crate) fn has_fields(&self) -> bool {
        self.tags > 0 || !self.metadata.is_empty()
    }

    /// As the catalogue has it.
    pub(crate) fn to_json(&self) -> Value {
        let metadata: Map<_, _> =
            self.metadata.iter().map(|(path, times)| (path.clone(), json!(times))).collect();
        json!({ "language": self.language.map(Language::name), "tags": self.tags, "metadata": metadata })
    }

    /// What the catalogue has; `None` if it has something else.
    pub(crate) fn from_json(row: &Value) -> Option<Self> {
        let times = |value: &Value| u8::try_from(value.as_u64()?).ok();
        let language = match &row["language"] {
            Value::Null => None,
            name => Some(Language::from_name(name.as_str()?)?),
        };
        let paths = row["metadata"].as_object()?.iter();
        let metadata = paths.map(|(path, value)| Some((path.clone(), times(value)?)));
        let metadata = metadata.collect::<Option<BTreeMap<_, _>>>()?;
        let settings = TextSettings { language, tags: times(&row["tags"])?, metadata };
        settings.validate().ok()?;
        Some(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_read_back_and_nothing_else_does() {
        let settings = TextSettings::new().language(None).tags(8).metadata("a.b", 1);
        for settings in [settings, TextSettings::new().language(Some(Language::Greek))] {
            assert_eq!(TextSettings::from_json(&settings.to_json()), Some(settings));
        }
        for bad in [
            json!({}),
            json!({ "language": "klingon", "tags": 0, "metadata": {} }),
            json!({ "language": null, "tags": 9, "metadata": {} }),
            json!({ "language": null, "tags": 0, "metadata": { "a": 0 } }),
            json!({ "language": null, "tags": 0, "metadata": { "": 1 } }),
        ] {
            assert_eq!(TextSettings::from_json(&bad), None, "{bad}");
        }
    }
}
