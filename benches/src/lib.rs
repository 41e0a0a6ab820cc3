//! Deterministic inputs that the benches share.
//!
//! **Invariant:** the same arguments give the same bytes on every machine.
