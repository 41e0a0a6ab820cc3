//! What of a memory is found by its words, and in which language.
//!
//! **Invariant:** the text index is made under the settings that the catalogue has; a change of them makes it
//! anew, in the transaction that changes them.

use crate::memory::{MAX_LABEL_BYTES, check_label};
use crate::{Error, Result};
use memlith_index::text::{Analyzer, Language};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// How often a field may count.
pub const MAX_FIELD_BOOST: u8 = 8;
/// Paths of metadata whose texts may be found.
pub const MAX_TEXT_PATHS: usize = 16;
/// Namespaces that may have a language of their own.
pub const MAX_TEXT_NAMESPACES: usize = 256;

/// What of a memory is found by its words beside its content, and in which language its words are brought to
/// their stems.
///
/// A field counts so many times: a word in it as if it stood so many times in the content, which is BM25 over
/// several fields (Robertson, Zaragoza and Taylor, 2004). So a word that is in two fields does not count as
/// two words, and however often it is repeated, what it adds is bounded.
///
/// A request that is limited to namespaces asks in their languages, by its namespace or by a filter that names
/// them; any other asks in all languages of the file. A question in several languages at once leaves out the
/// words that one of them has for grammar.
///
/// ```
/// use memlith::{Language, NewMemory, Recall, TextSettings};
/// let db = memlith::Options::new().in_memory()?;
/// let settings = TextSettings::new().language(Some(Language::German)).tags(2).metadata("title", 3);
/// db.write(|tx| tx.set_text(&settings))?;
/// db.remember(NewMemory::new("Es fing mit einer Katze an").tags(["roman"]))?;
/// assert_eq!(db.recall(&Recall::new().text("Katzen"))?.hits.len(), 1);
/// assert_eq!(db.recall(&Recall::new().text("Romane"))?.hits.len(), 1);
/// db.write(|tx| tx.set_text(&settings.language_of("home", Some(Language::English))))?;
/// db.remember(NewMemory::new("It began with a cat").namespace("home"))?;
/// assert_eq!(db.recall(&Recall::new().text("Katzen, cats"))?.hits.len(), 2);
/// # Ok::<(), memlith::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TextSettings {
    /// The language whose stems words are brought to; English unless given. Without one, words are found as
    /// they are written, and none is left out of a question as one of grammar.
    pub language: Option<Language>,
    /// The languages of memories and nodes of some namespaces; [`language`](Self::language) is that of all
    /// others. None has one of its own unless given.
    pub namespaces: BTreeMap<String, Option<Language>>,
    /// How often each tag counts, 1 to 8; 0, which it is unless given, if tags are not searched.
    pub tags: u8,
    /// How often texts at paths of metadata count, 1 to 8; by themselves or in a list.
    pub metadata: BTreeMap<String, u8>,
}

impl Default for TextSettings {
    fn default() -> Self {
        TextSettings {
            language: Some(Language::English),
            namespaces: BTreeMap::new(),
            tags: 0,
            metadata: BTreeMap::new(),
        }
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

    /// Sets the language of one of the [`namespaces`](Self::namespaces).
    #[must_use]
    pub fn language_of(mut self, namespace: impl Into<String>, language: Option<Language>) -> Self {
        self.namespaces.insert(namespace.into(), language);
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
    /// If a field counts too often or not at all, there are too many, or a namespace has no name.
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
        if self.namespaces.len() > MAX_TEXT_NAMESPACES {
            return Err(Error::invalid("text settings", "must name 256 namespaces at most"));
        }
        self.namespaces.keys().try_for_each(|namespace| check_label("namespace", namespace))
    }

    /// What counts as the same word, but for the languages of namespaces.
    pub(crate) fn analyzer(&self) -> Analyzer {
        Analyzer::default().stem(self.language)
    }

    /// What counts as the same word in a namespace.
    pub(crate) fn analyzer_in(&self, namespace: &str) -> Analyzer {
        Analyzer::default().stem(self.language_in(namespace))
    }

    /// The language of a namespace.
    pub(crate) fn language_in(&self, namespace: &str) -> Option<Language> {
        self.namespaces.get(namespace).copied().unwrap_or(self.language)
    }

    /// The languages of some namespaces, or of all; one may come several times.
    pub(crate) fn languages(&self, of: Option<&[&str]>) -> Vec<Option<Language>> {
        match of {
            Some(namespaces) => namespaces.iter().map(|name| self.language_in(name)).collect(),
            None => [self.language].into_iter().chain(self.namespaces.values().copied()).collect(),
        }
    }

    /// Has every namespace the language there that it has here?
    pub(crate) fn has_languages_of(&self, other: &TextSettings) -> bool {
        self.language == other.language && self.namespaces == other.namespaces
    }

    /// Is anything found by its words but the content?
    pub(crate) fn has_fields(&self) -> bool {
        self.tags > 0 || !self.metadata.is_empty()
    }

    /// As the catalogue has it.
    pub(crate) fn to_json(&self) -> Value {
        let metadata: Map<_, _> =
            self.metadata.iter().map(|(path, times)| (path.clone(), json!(times))).collect();
        let name = |language: Option<Language>| json!(language.map(Language::name));
        let mut row =
            json!({ "language": name(self.language), "tags": self.tags, "metadata": metadata });
        // Without any the row is that of a file from before there were such.
        if !self.namespaces.is_empty() {
            let languages =
                self.namespaces.iter().map(|(of, language)| (of.clone(), name(*language)));
            row[Self::NAMESPACES] = Value::Object(languages.collect());
        }
        row
    }

    /// Where the row has the languages of namespaces, if there are any.
    pub(crate) const NAMESPACES: &str = "namespaces";

    /// What the catalogue has; `None` if it has something else.
    pub(crate) fn from_json(row: &Value) -> Option<Self> {
        let times = |value: &Value| u8::try_from(value.as_u64()?).ok();
        let language = |name: &Value| match name {
            Value::Null => Some(None),
            name => Language::from_name(name.as_str()?).map(Some),
        };
        let namespaces = match &row[Self::NAMESPACES] {
            Value::Null => BTreeMap::new(),
            row => {
                let languages = row.as_object()?.iter();
                let languages = languages.map(|(of, name)| Some((of.clone(), language(name)?)));
                languages.collect::<Option<_>>()?
            }
        };
        let paths = row["metadata"].as_object()?.iter();
        let metadata = paths.map(|(path, value)| Some((path.clone(), times(value)?)));
        let metadata = metadata.collect::<Option<BTreeMap<_, _>>>()?;
        let (language, tags) = (language(&row["language"])?, times(&row["tags"])?);
        let settings = TextSettings { language, namespaces, tags, metadata };
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
        assert_eq!(
            settings.to_json().to_string(),
            r#"{"language":null,"metadata":{"a.b":1},"tags":8}"#,
            "as before namespaces could have one of their own"
        );
        let of_namespaces =
            settings.clone().language_of("a", Some(Language::Greek)).language_of("b", None);
        for settings in
            [settings, of_namespaces, TextSettings::new().language(Some(Language::Greek))]
        {
            assert_eq!(TextSettings::from_json(&settings.to_json()), Some(settings));
        }
        for bad in [
            json!({}),
            json!({ "language": "klingon", "tags": 0, "metadata": {} }),
            json!({ "language": null, "tags": 9, "metadata": {} }),
            json!({ "language": null, "tags": 0, "metadata": { "a": 0 } }),
            json!({ "language": null, "tags": 0, "metadata": { "": 1 } }),
            json!({ "language": null, "tags": 0, "metadata": {}, "namespaces": { "": null } }),
            json!({ "language": null, "tags": 0, "metadata": {}, "namespaces": { "a": "klingon" } }),
            json!({ "language": null, "tags": 0, "metadata": {}, "namespaces": ["a"] }),
        ] {
            assert_eq!(TextSettings::from_json(&bad), None, "{bad}");
        }
    }

    #[test]
    fn a_namespace_has_its_own_language_or_that_of_the_file() {
        let [english, german] = [Language::English, Language::German].map(Some);
        let settings = TextSettings::new().language_of("a", german).language_of("b", None);
        assert_eq!(["a", "b", "c"].map(|name| settings.language_in(name)), [german, None, english]);
        assert_eq!(settings.languages(None), [english, german, None]);
        assert_eq!(settings.languages(Some(&["c", "b"])), [english, None]);
    }

    #[test]
    fn so_many_namespaces_have_a_language_and_no_more() {
        let of = |count: usize| {
            let names = (0..count).map(|n| format!("namespace{n}"));
            names.fold(TextSettings::new(), |settings, name| settings.language_of(name, None))
        };
        assert!(of(MAX_TEXT_NAMESPACES).validate().is_ok());
        assert!(of(MAX_TEXT_NAMESPACES + 1).validate().is_err());
        let long = TextSettings::new().language_of("x".repeat(MAX_LABEL_BYTES + 1), None);
        assert!(long.validate().is_err());
    }
}
