//! What a commit leaves behind: in rows, in the log, and for the writers beside it.

mod clock;
mod group_commit;
mod log;
mod transactions;
