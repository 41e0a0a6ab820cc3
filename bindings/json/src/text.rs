//! How texts are searched, as an object.

use crate::patch::given;
use crate::values::reason;
use memlith::{Language, TextSettings};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What of memories is found by its words, and in which language.
#[derive(Serialize)]
pub struct TextSettingsJson<'a> {
    language: Option<&'static str>,
    namespaces: BTreeMap<&'a str, Option<&'static str>>,
    tags: u8,
    metadata: &'a BTreeMap<String, u8>,
}

impl<'a> TextSettingsJson<'a> {
    /// Of these settings.
    pub fn new(settings: &'a TextSettings) -> Self {
        let TextSettings { language, namespaces, tags, metadata, .. } = settings;
        let name = |language: &Option<Language>| language.map(Language::name);
        let namespaces = namespaces.iter().map(|(of, language)| (of.as_str(), name(language)));
        TextSettingsJson {
            language: name(language),
            namespaces: namespaces.collect(),
            tags: *tags,
            metadata,
        }
    }
}

#[expect(clippy::option_option, reason = "absent is English, null no language")]
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Fields {
    #[serde(deserialize_with = "given")]
    language: Option<Option<String>>,
    namespaces: BTreeMap<String, Option<String>>,
    tags: u8,
    metadata: BTreeMap<String, u8>,
}

/// Reads settings: `language`, a name such as `german` or null, English if it is absent; under `namespaces` the
/// languages of those that have one of their own; how often `tags` count, and under `metadata` how often texts at
/// each path do.
///
/// ```
/// let settings = memlith_json::text_settings_from_json(br#"{"language": null, "metadata": {"title": 3}}"#)?;
/// assert_eq!(settings, memlith::TextSettings::new().language(None).metadata("title", 3));
/// # Ok::<(), String>(())
/// ```
///
/// # Errors
/// In words: what is wrong with which field.
pub fn text_settings_from_json(text: &[u8]) -> Result<TextSettings, String> {
    let Fields { language, namespaces, tags, metadata } =
        serde_json::from_slice(text).map_err(|e| reason(&e))?;
    let mut settings = TextSettings::new().tags(tags);
    settings.metadata = metadata;
    if let Some(name) = language {
        settings.language = known(name)?;
    }
    for (namespace, name) in namespaces {
        settings.namespaces.insert(namespace, known(name)?);
    }
    Ok(settings)
}

fn known(name: Option<String>) -> Result<Option<Language>, String> {
    let known = |name: String| {
        Language::from_name(&name).ok_or_else(|| format!("language: none is called {name}"))
    };
    name.map(known).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_read_back_and_slips_are_refused() {
        for language in Language::ALL.map(Some).into_iter().chain([None]) {
            let settings = TextSettings::new().tags(2).metadata("a.b", 8);
            let settings = settings.language(language).language_of("a", language);
            let text = serde_json::to_vec(&TextSettingsJson::new(&settings)).unwrap();
            assert_eq!(text_settings_from_json(&text).unwrap(), settings);
        }
        assert_eq!(text_settings_from_json(b"{}").unwrap(), TextSettings::new());
        for bad in [
            r#"{"language": "klingon"}"#,
            r#"{"namespaces": {"a": "klingon"}}"#,
            r#"{"namespaces": ["a"]}"#,
            r#"{"tag": 1}"#,
            r#"{"tags": -1}"#,
            "[3]",
        ] {
            assert!(text_settings_from_json(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
