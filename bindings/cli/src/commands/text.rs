//! `memlith text`: what of memories is found by its words, and in which language.

use crate::args::Store;
use crate::output::{Console, Outcome};
use clap::Args;
use memlith::{Language, TextSettings};
use memlith_json::TextSettingsJson;

const AFTER_HELP: &str = "\
Without an option it shows what is in force. With one, all that is not given is as in a new file:
English, and nothing but contents. The index of words is made anew, which takes a while for a large
file. A field counts 1 to 8 times as much as the content.

Examples:
  memlith text agent.lith
  memlith text agent.lith --language german
  memlith text agent.lith --language-of reisen=german --language-of code=none
  memlith text agent.lith --language none --tags 2 --metadata title=3 --metadata author.name=1";

/// Show or set which texts are searched, and in which language
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct TextArgs {
    #[command(flatten)]
    store: Store,

    /// The language whose stems words are brought to, or none
    #[arg(long, value_name = "NAME", value_parser = language)]
    language: Option<Stems>,

    /// The language of a namespace, where it is another; may be repeated
    #[arg(long, value_name = "NAMESPACE=NAME", value_parser = language_of)]
    language_of: Vec<(String, Stems)>,

    /// Find tags, which count so many times
    #[arg(long, value_name = "TIMES")]
    tags: Option<u8>,

    /// Find texts at a path of metadata, which count so many times; may be repeated
    #[arg(long, value_name = "PATH=TIMES", value_parser = field)]
    metadata: Vec<(String, u8)>,
}

/// A language, or none.
#[derive(Clone, Copy, Debug)]
struct Stems(Option<Language>);

fn language(name: &str) -> Result<Stems, String> {
    if name == "none" {
        return Ok(Stems(None));
    }
    let unknown = || {
        let names: Vec<_> = Language::ALL.iter().map(|language| language.name()).collect();
        format!("none, or one of {}", names.join(", "))
    };
    Language::from_name(name).map(|language| Stems(Some(language))).ok_or_else(unknown)
}

fn language_of(given: &str) -> Result<(String, Stems), String> {
    let (namespace, name) = given.rsplit_once('=').ok_or("a namespace, =, and its language")?;
    Ok((namespace.to_owned(), language(name)?))
}

fn field(given: &str) -> Result<(String, u8), String> {
    let (path, times) = given.rsplit_once('=').ok_or("a path, =, and how often it counts")?;
    let times = times.parse().map_err(|_| "how often it counts is a number from 1 to 8")?;
    Ok((path.to_owned(), times))
}

impl TextArgs {
    pub(crate) fn run(self, console: &mut Console) -> Outcome {
        let TextArgs { store, language, language_of, tags, metadata } = self;
        let has_lists = !language_of.is_empty() || !metadata.is_empty();
        if language.is_none() && tags.is_none() && !has_lists {
            let db = super::open_to_read(&store.file)?;
            return show(db.read()?.text_settings(), console);
        }
        let mut settings = TextSettings::new().tags(tags.unwrap_or(0));
        if let Some(Stems(language)) = language {
            settings.language = language;
        }
        for (namespace, Stems(language)) in language_of {
            settings.namespaces.insert(namespace, language);
        }
        settings.metadata = metadata.into_iter().collect();
        let db = super::open_to_change(&store.file)?;
        db.write(|tx| tx.set_text(&settings))?;
        db.close()?;
        show(&settings, console)
    }
}

fn show(settings: &TextSettings, console: &mut Console) -> Outcome {
    let name = |language: &Option<Language>| language.map_or("none", Language::name);
    let namespaces = settings.namespaces.iter();
    let namespaces =
        namespaces.map(|(of, language)| format!("language of {of}: {}", name(language)));
    let tags = (settings.tags > 0).then_some(("tags", settings.tags));
    let paths = settings.metadata.iter().map(|(path, times)| (path.as_str(), *times));
    let fields = tags.into_iter().chain(paths);
    let fields = fields.map(|(field, times)| format!("{field}: {times} times"));
    let language = format!("language: {}", name(&settings.language));
    let lines = std::iter::once(language).chain(namespaces).chain(fields);
    let people = lines.collect::<Vec<_>>().join("\n");
    console.answer(&TextSettingsJson::new(settings), people)
}
