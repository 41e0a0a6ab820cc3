//! The `memlith` command line.
fn main() {}
