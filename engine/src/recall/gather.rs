//! What an agent puts into its next prompt: the last turns of a session, what is like what was just said,
//! and what else was said in the channel.
//!
//! **Invariant:** all of it is of one View, no memory comes twice, and together they have no more tokens than
//! the request allows.

use super::builders::{patience_builders, scope_builders};
use super::context::Sessions;
use super::plan::Scope;
use super::tokens::Budget;
use super::{Cancellation, Deadline, Hit, Recall, TokenCounter};
use crate::derived::field;
use crate::error::check_limit;
use crate::filter::Filter;
use crate::ids::{MemoryId, Seq};
use crate::memory::Memory;
use crate::view::View;
use crate::{MAX_LIMIT, Result};
use roaring::RoaringBitmap;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// A request for the context of what an agent is about to say.
///
/// ```
/// # let db = memlith::Options::new().in_memory()?;
/// use memlith::{Context, NewMemory};
/// db.remember(NewMemory::new("Ada is allergic to peanuts"))?;
/// for turn in ["Hello!", "What shall I cook for Ada?"] {
///     db.remember(NewMemory::new(turn).session("today"))?;
/// }
/// let request = Context::of("today").text("What shall I cook for Ada?").max_tokens(500);
/// let context = db.context(&request)?;
/// assert_eq!(context.recent[1].content, "What shall I cook for Ada?");
/// assert_eq!(context.similar[0].memory.content, "Ada is allergic to peanuts");
/// assert!(context.tokens <= 500);
/// # Ok::<(), memlith::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Context {
    /// The session whose last turns are wanted.
    pub session: Option<String>,
    /// What was just said, or asked: memories like it are wanted.
    pub text: Option<String>,
    /// The vector of that, in the default space.
    pub vector: Option<Vec<f32>>,
    /// Also what was last said in this channel, in any session.
    pub channel: Option<String>,
    /// Only memories of this namespace; all namespaces if `None`.
    pub namespace: Option<String>,
    /// Only memories that match.
    pub filter: Option<Filter>,
    /// At most so many of each kind; 20 unless given.
    pub limit: usize,
    /// At most so many tokens together; 2,000 unless given. The last turns get half of it at most, and what
    /// is similar leaves an eighth to the channel.
    pub max_tokens: usize,
    /// How tokens are counted.
    pub tokens: TokenCounter,
    /// Give up after this long, with an error.
    pub deadline: Option<Duration>,
    /// Give up once this is cancelled, with an error.
    pub cancellation: Option<Cancellation>,
}

/// The answer to a request for context.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Gathered {
    /// The last turns of the session, in the order in which they were said.
    pub recent: Vec<Memory>,
    /// What is like what was said, best first.
    pub similar: Vec<Hit>,
    /// What else was last said in the channel, in the order in which it was said.
    pub channel: Vec<Memory>,
    /// Tokens of all contents together.
    pub tokens: usize,
    /// The commit that the answer is of.
    pub seq: Seq,
    /// How long all of it took, in microseconds.
    pub micros: u64,
}

impl Context {
    /// The context of a session.
    pub fn of(session: impl Into<String>) -> Self {
        Context { session: Some(session.into()), ..Context::default() }
    }

    /// Asks for what is like this text.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// Asks for what is near to this vector in the default space.
    #[must_use]
    pub fn vector(mut self, vector: impl Into<Vec<f32>>) -> Self {
        self.vector = Some(vector.into());
        self
    }

    /// Also asks for what was last said in this channel.
    #[must_use]
    pub fn channel(mut self, channel: impl Into<String>) -> Self {
        self.channel = Some(channel.into());
        self
    }

    /// Sets how many tokens all of it has at most.
    #[must_use]
    pub fn max_tokens(mut self, max_tokens: usize) -> Self {
        self.max_tokens = max_tokens;
        self
    }

    /// Sets how tokens are counted.
    #[must_use]
    pub fn tokens(mut self, counter: TokenCounter) -> Self {
        self.tokens = counter;
        self
    }

    scope_builders!();
    patience_builders!();

    /// The recall of what is similar, of which so many may be known already.
    fn recall(&self, known: usize) -> Recall {
        let mut recall = Recall::new().limit(self.limit.saturating_add(known).min(MAX_LIMIT));
        recall.text.clone_from(&self.text);
        recall.vector.clone_from(&self.vector);
        recall.namespace.clone_from(&self.namespace);
        recall.filter.clone_from(&self.filter);
        recall
    }
}

impl Default for Context {
    fn default() -> Self {
        Context {
            session: None,
            text: None,
            vector: None,
            channel: None,
            namespace: None,
            filter: None,
            limit: 20,
            max_tokens: 2_000,
            tokens: TokenCounter::default(),
            deadline: None,
            cancellation: None,
        }
    }
}

impl View {
    /// Gathers what an agent puts into its next prompt: the last turns of a session, memories like what was
    /// just said, and what else was said in the channel, within one budget of tokens. Counts as an access of
    /// each.
    ///
    /// # Errors
    /// As [`recall`](Self::recall).
    pub fn context(&self, request: &Context) -> Result<Gathered> {
        let began = Instant::now();
        check_limit("limit of a context", request.limit, MAX_LIMIT)?;
        let deadline = Deadline::after(request.deadline).or_at(request.cancellation.as_ref());
        let mut gathered = deadline.explain(self.gather_admitted(request, &deadline))?;
        let Gathered { recent, similar, channel, .. } = &gathered;
        let memories = recent.iter().chain(similar.iter().map(|hit| &hit.memory)).chain(channel);
        self.shared().accesses.note(memories.map(|memory| memory.id), self.now_ms());
        gathered.micros = began.elapsed().as_micros() as u64;
        Ok(gathered)
    }

    fn gather_admitted(&self, request: &Context, deadline: &Deadline) -> Result<Gathered> {
        let _admitted = self.shared().searches.enter(deadline)?;
        self.gather(request, deadline)
    }

    fn gather(&self, request: &Context, deadline: &Deadline) -> Result<Gathered> {
        let scope = Scope {
            namespace: request.namespace.as_deref(),
            filter: request.filter.as_ref(),
            ..Scope::default()
        };
        let (scope, _) = self.select(scope, deadline)?;
        let attributes = &self.versions().attributes;
        let all = request.max_tokens;
        let mut budget = Budget::new(&request.tokens, Some(all));
        let mut known = BTreeSet::new();

        let seeks = request.text.is_some() || request.vector.is_some();
        if seeks || request.channel.is_some() {
            budget.limit_to(all / 2);
        }
        let mut recent = Vec::new();
        if let Some(session) = &request.session {
            let turns = attributes.label(field::SESSION, session.as_bytes())? & &scope;
            // Of sessions of one name in several namespaces the one that was last spoken in.
            let mut sessions = Sessions::default();
            if let Some(last) = turns.max()
                && let Some(turns) = sessions.of(self, last, &scope)?
            {
                recent = self.newest(turns, request.limit, &mut known, &mut budget)?;
            }
        }

        budget.limit_to(if request.channel.is_some() { all - all / 8 } else { all });
        let mut similar = Vec::new();
        if seeks {
            let recall = request.recall(known.len());
            recall.check()?;
            for hit in self.recall_until(&recall, deadline)?.hits {
                if similar.len() < request.limit
                    && !known.contains(&hit.id())
                    && budget.take(&hit.memory.content)
                {
                    known.insert(hit.id());
                    similar.push(hit);
                }
            }
        }

        budget.limit_to(all);
        let mut channel = Vec::new();
        if let Some(name) = &request.channel {
            let said = attributes.label(field::CHANNEL, name.as_bytes())? & &scope;
            channel = self.newest(&said, request.limit, &mut known, &mut budget)?;
        }
        let (tokens, seq) = (budget.spent, self.seq());
        Ok(Gathered { recent, similar, channel, tokens, seq, micros: 0 })
    }

    /// The newest of some memories that are not known yet, up to the first that does not fit, oldest first.
    fn newest(
        &self,
        of: &RoaringBitmap,
        limit: usize,
        known: &mut BTreeSet<MemoryId>,
        budget: &mut Budget<'_>,
    ) -> Result<Vec<Memory>> {
        let mut newest = Vec::new();
        for ordinal in of.iter().rev() {
            if newest.len() == limit {
                break;
            }
            let id = self.id_of(ordinal)?;
            if known.contains(&id) {
                continue;
            }
            let Some(memory) = self.peek_many(&[id])?.pop().flatten() else { continue };
            if !budget.take(&memory.content) {
                break;
            }
            known.insert(id);
            newest.push(memory);
        }
        newest.reverse();
        Ok(newest)
    }
}
