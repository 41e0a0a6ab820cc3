//! The limits of a memory. Every one is checked before anything is written.

/// Longest content, in bytes: 16 MiB.
pub const MAX_CONTENT_BYTES: usize = 16 << 20;
/// Longest metadata, as JSON text, in bytes: 1 MiB.
pub const MAX_METADATA_BYTES: usize = 1 << 20;
/// Deepest nesting of metadata.
pub const MAX_METADATA_DEPTH: usize = 64;
/// Most tags of one memory.
pub const MAX_TAGS: usize = 1_024;
/// Longest tag, kind, agent, session, project, channel, source or namespace, in bytes.
pub const MAX_LABEL_BYTES: usize = 512;
/// Longest external id, in bytes.
pub const MAX_EXTERNAL_ID_BYTES: usize = 1_024;
/// Most dimensions of a vector space; the least is one.
pub const MAX_DIMENSIONS: usize = 8_192;
/// Most vector spaces in one file.
pub const MAX_SPACES: usize = 64;
/// Most declared metadata indexes in one file.
pub const MAX_METADATA_INDEXES: usize = 64;
/// Most answers of one recall or one page.
pub const MAX_LIMIT: usize = 10_000;
/// Longest actor or reason of a commit, in bytes.
pub const MAX_ANNOTATION_BYTES: usize = 1_024;
/// Longest idempotency key, in bytes.
pub const MAX_IDEMPOTENCY_KEY_BYTES: usize = 256;
