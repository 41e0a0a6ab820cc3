//! What requests have in common: whom they are about, how much they want, how hard they look.
//!
//! Each request has the fields itself, as callers read and set them; the methods are written once.

/// `namespace`, `filter` and `limit`, of a request that has these fields.
macro_rules! scope_builders {
    () => {
        /// Looks in this namespace only.
        #[must_use]
        pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
            self.namespace = Some(namespace.into());
            self
        }

        /// Looks among memories that match only.
        #[must_use]
        pub fn filter(mut self, filter: $crate::Filter) -> Self {
            self.filter = Some(filter);
            self
        }

        /// Gives at most so many.
        #[must_use]
        pub fn limit(mut self, limit: usize) -> Self {
            self.limit = limit;
            self
        }
    };
}

/// `deadline` and `cancellation`, of a request that has these fields.
macro_rules! patience_builders {
    () => {
        /// Gives up after this long.
        #[must_use]
        pub fn deadline(mut self, deadline: std::time::Duration) -> Self {
            self.deadline = Some(deadline);
            self
        }

        /// Gives up once this is cancelled.
        #[must_use]
        pub fn cancellation(mut self, cancellation: &$crate::Cancellation) -> Self {
            self.cancellation = Some(cancellation.clone());
            self
        }
    };
}

/// `min_score`, `effort` and `include_superseded`, of a request that ranks; and what is made of these and
/// of [`scope_builders`].
macro_rules! search_builders {
    () => {
        /// Gives only those that score at least this.
        #[must_use]
        pub fn min_score(mut self, min_score: f32) -> Self {
            self.min_score = Some(min_score);
            self
        }

        /// Sets how hard to look among vectors.
        #[must_use]
        pub fn effort(mut self, effort: $crate::SearchEffort) -> Self {
            self.effort = effort;
            self
        }

        /// Also finds memories that another one supersedes.
        #[must_use]
        pub fn include_superseded(mut self, include: bool) -> Self {
            self.include_superseded = include;
            self
        }

        pub(super) fn scope(&self) -> $crate::recall::Scope<'_> {
            $crate::recall::Scope {
                namespace: self.namespace.as_deref(),
                filter: self.filter.as_ref(),
                include_superseded: self.include_superseded,
                as_of_ms: None,
            }
        }

        fn check_search(&self, limit: &'static str) -> $crate::Result<()> {
            $crate::error::check_limit(limit, self.limit, $crate::MAX_LIMIT)?;
            $crate::error::check_limit(
                "number of vector spaces of a request",
                self.also.len() + 1,
                $crate::MAX_SPACES,
            )?;
            self.effort.validate()?;
            if self.min_score.is_some_and(f32::is_nan) {
                return Err($crate::Error::invalid("least score", "must be a number"));
            }
            Ok(())
        }
    };
}

pub(crate) use {patience_builders, scope_builders, search_builders};
