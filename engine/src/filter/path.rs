//! What a filter can look at: known attributes and paths into metadata.
//!
//! **Invariant:** [`Attribute::ALL`] holds every attribute once, and each has a name of its own
//! that no keyword of the language takes.
//!
//! Used by every part of the language and by whoever implements [`Subject`](super::Subject).

use std::fmt;

/// Where in a record a predicate looks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Path {
    /// An attribute that the engine knows and types.
    Attribute(Attribute),
    /// The value in the metadata under these keys, outermost first; typed by what is found.
    Meta(Vec<String>),
}

impl Path {
    /// The path into the metadata under keys joined by dots: `"a.b"`.
    ///
    /// A key that holds a dot itself needs [`Path::Meta`].
    pub fn meta(dotted: &str) -> Self {
        Path::Meta(dotted.split('.').map(str::to_owned).collect())
    }

    /// The type of the values there; `None` for metadata, where it is that of what is found.
    pub fn value_type(&self) -> Option<AttributeType> {
        match self {
            Path::Attribute(attribute) => Some(attribute.value_type()),
            Path::Meta(_) => None,
        }
    }

    /// Whether values there are stored as `f32`, so that numbers are rounded to it before they
    /// are compared.
    pub fn is_single_precision(&self) -> bool {
        matches!(self, Path::Attribute(Attribute::Importance | Attribute::Valence))
    }
}

impl From<Attribute> for Path {
    fn from(attribute: Attribute) -> Self {
        Path::Attribute(attribute)
    }
}

/// What the values of an attribute are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AttributeType {
    /// At most one text that is compared whole.
    Label,
    /// Any number of distinct such texts.
    Labels,
    /// A number.
    Number,
    /// A point in time.
    Time,
    /// True or false.
    Flag,
    /// A text that is looked into, not compared whole.
    Text,
}

/// An attribute that the engine knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Attribute {
    /// `tag`: the tags.
    Tag,
    /// `kind`: what sort of record it is.
    Kind,
    /// `agent`: who wrote it.
    Agent,
    /// `session`: the session it comes from.
    Session,
    /// `project`: the project it belongs to.
    Project,
    /// `channel`: the channel it came in by.
    Channel,
    /// `source`: where it was taken from.
    Source,
    /// `namespace`: the persona or agent it belongs to.
    Namespace,
    /// `id`: the external id.
    Id,
    /// `space`: the vector spaces in which it has an embedding.
    Space,
    /// `importance`, 0 to 1.
    Importance,
    /// `valence`, -1 to 1.
    Valence,
    /// `priority`: an integer.
    Priority,
    /// `accesses`: how often it was read.
    Accesses,
    /// `created`: when it came to be.
    Created,
    /// `updated`: when it was last changed.
    Updated,
    /// `expires`: when it will be gone.
    Expires,
    /// `accessed`: when it was last read.
    Accessed,
    /// `superseded`: whether another record has taken its place.
    Superseded,
    /// `content`: what is remembered.
    Content,
}

/// The longest name for which a near one is looked for.
const MAX_SUGGESTED_FROM: usize = 32;

impl Attribute {
    /// Every attribute, in the order of the documentation.
    pub const ALL: [Attribute; 20] = [
        Attribute::Tag,
        Attribute::Kind,
        Attribute::Agent,
        Attribute::Session,
        Attribute::Project,
        Attribute::Channel,
        Attribute::Source,
        Attribute::Namespace,
        Attribute::Id,
        Attribute::Space,
        Attribute::Importance,
        Attribute::Valence,
        Attribute::Priority,
        Attribute::Accesses,
        Attribute::Created,
        Attribute::Updated,
        Attribute::Expires,
        Attribute::Accessed,
        Attribute::Superseded,
        Attribute::Content,
    ];

    /// Its name in the language.
    pub fn name(self) -> &'static str {
        match self {
            Attribute::Tag => "tag",
            Attribute::Kind => "kind",
            Attribute::Agent => "agent",
            Attribute::Session => "session",
            Attribute::Project => "project",
            Attribute::Channel => "channel",
            Attribute::Source => "source",
            Attribute::Namespace => "namespace",
            Attribute::Id => "id",
            Attribute::Space => "space",
            Attribute::Importance => "importance",
            Attribute::Valence => "valence",
            Attribute::Priority => "priority",
            Attribute::Accesses => "accesses",
            Attribute::Created => "created",
            Attribute::Updated => "updated",
            Attribute::Expires => "expires",
            Attribute::Accessed => "accessed",
            Attribute::Superseded => "superseded",
            Attribute::Content => "content",
        }
    }

    /// The attribute of this name, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|attribute| attribute.name().eq_ignore_ascii_case(name))
    }

    /// The type of its values.
    pub fn value_type(self) -> AttributeType {
        match self {
            Attribute::Tag | Attribute::Space => AttributeType::Labels,
            Attribute::Kind
            | Attribute::Agent
            | Attribute::Session
            | Attribute::Project
            | Attribute::Channel
            | Attribute::Source
            | Attribute::Namespace
            | Attribute::Id => AttributeType::Label,
            Attribute::Importance
            | Attribute::Valence
            | Attribute::Priority
            | Attribute::Accesses => AttributeType::Number,
            Attribute::Created | Attribute::Updated | Attribute::Expires | Attribute::Accessed => {
                AttributeType::Time
            }
            Attribute::Superseded => AttributeType::Flag,
            Attribute::Content => AttributeType::Text,
        }
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name a filter can start a path with that is nearest to `name`, if one is near.
pub(super) fn nearest_name(name: &str) -> Option<&'static str> {
    let name: Vec<char> = name.chars().take(MAX_SUGGESTED_FROM + 1).collect();
    if name.len() > MAX_SUGGESTED_FROM {
        return None;
    }
    let allowed = name.len().div_ceil(3);
    Attribute::ALL
        .into_iter()
        .map(Attribute::name)
        .chain(["meta"])
        .map(|known| (edit_distance(&name, known), known))
        .filter(|(distance, known)| *distance <= allowed && *distance < known.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// Insertions, deletions and replacements, letters compared in any case, that lead from one to
/// the other. A longer name that starts with the known one (`created_at`, `metadata`) costs one.
fn edit_distance(name: &[char], known: &str) -> usize {
    let known: Vec<char> = known.chars().collect();
    if name.len() > known.len() && name[..known.len()] == known {
        return 1;
    }
    let mut row: Vec<usize> = (0..=known.len()).collect();
    for (i, a) in name.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in known.iter().enumerate() {
            let replaced = diagonal + usize::from(!a.eq_ignore_ascii_case(b));
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[known.len()]
}
