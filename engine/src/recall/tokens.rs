//! Counting tokens: how much of a prompt a text takes.

use std::fmt;
use std::sync::Arc;

/// Counts the tokens of a text, for budgets such as [`Recall::max_tokens`](crate::Recall::max_tokens).
///
/// Unless another function is given, a token is taken for four bytes, which is near what tokenizers of
/// language models make of English prose.
///
/// ```
/// use memlith::TokenCounter;
///
/// assert_eq!(TokenCounter::default().count("about four tokens"), 5);
/// let words = TokenCounter::new(|text| text.split_whitespace().count());
/// assert_eq!(words.count("about four tokens"), 3);
/// ```
#[derive(Clone, Default)]
pub struct TokenCounter(Option<Arc<Count>>);

type Count = dyn Fn(&str) -> usize + Send + Sync;

/// Bytes that are taken for a token.
const TOKEN_BYTES: usize = 4;

impl TokenCounter {
    /// Counts by this function. It must give the same for the same text, and not call into the file.
    pub fn new(count: impl Fn(&str) -> usize + Send + Sync + 'static) -> Self {
        TokenCounter(Some(Arc::new(count)))
    }

    /// The tokens of a text.
    pub fn count(&self, text: &str) -> usize {
        match &self.0 {
            Some(count) => count(text),
            None => text.len().div_ceil(TOKEN_BYTES),
        }
    }
}

impl fmt::Debug for TokenCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenCounter")
    }
}

/// Equal if they are the same one: functions cannot be compared.
impl PartialEq for TokenCounter {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(own), Some(others)) => Arc::ptr_eq(own, others),
            _ => false,
        }
    }
}

/// A budget of tokens, and what of it was spent.
pub(super) struct Budget<'a> {
    counter: &'a TokenCounter,
    limit: Option<usize>,
    pub(super) spent: usize,
}

impl<'a> Budget<'a> {
    /// Of so many tokens; without an end, and not counted, if `None`.
    pub(super) fn new(counter: &'a TokenCounter, limit: Option<usize>) -> Self {
        Budget { counter, limit, spent: 0 }
    }

    /// Has no more than this be spent from now on, what was spent before included.
    pub(super) fn limit_to(&mut self, tokens: usize) {
        self.limit = Some(tokens);
    }

    /// Spends a text, if it fits.
    pub(super) fn take(&mut self, text: &str) -> bool {
        let Some(limit) = self.limit else { return true };
        let spent = self.spent.saturating_add(self.counter.count(text));
        let fits = spent <= limit;
        if fits {
            self.spent = spent;
        }
        fits
    }
}
