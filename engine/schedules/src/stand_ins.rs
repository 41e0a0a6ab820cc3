//! What the explored files mention and do not wait through: as little of it as they use.
//!
//! **Invariant:** nothing here takes a lock.

pub(crate) mod access {
    pub(crate) struct Accesses;
}

pub(crate) mod commit {
    use crate::ids::Seq;

    #[derive(Clone, Copy)]
    pub(crate) struct Chain {
        pub(crate) seq: Seq,
        pub(crate) time_ms: i64,
    }
}

/// Indexes are the number of the commit that they have folded last.
pub(crate) mod derived {
    use crate::ids::Seq;

    pub(crate) struct Indexes(pub(crate) Seq);

    pub(crate) struct Versions {
        pub(crate) folded: Seq,
    }

    impl Indexes {
        pub(crate) fn versions(&self, _newest: Seq) -> Versions {
            Versions { folded: self.0 }
        }
    }
}

pub(crate) mod embed {
    pub(crate) struct Embedders;
}

pub(crate) mod embeddings {
    pub(crate) struct Embeddings;
}

pub(crate) mod knowledge {
    pub(crate) struct GraphAnswers;
}

pub(crate) mod recall {
    pub(crate) struct Admission;
    pub(crate) struct Answers;
}

pub(crate) mod filter {
    #[derive(Debug, thiserror::Error)]
    #[error("no filter is read here")]
    pub(crate) struct FilterError;
}

/// Rows are the number of the commit that they show.
pub(crate) mod rows {
    use super::sealed::SealedVectors;
    use crate::ids::Seq;

    pub(crate) struct Pinned(pub(crate) Seq);

    impl Pinned {
        pub(crate) fn sealed(&self) -> SealedVectors {
            SealedVectors(self.0)
        }
    }
}

/// Sealed vectors are the number of the commit that shows them.
pub(crate) mod sealed {
    use crate::ids::Seq;
    use std::sync::Arc;

    pub(crate) type Figures = Seq;

    pub(crate) struct SealedVectors(pub(super) Seq);

    impl SealedVectors {
        pub(crate) fn figures(&self) -> Arc<Figures> {
            Arc::new(self.0)
        }
    }
}
