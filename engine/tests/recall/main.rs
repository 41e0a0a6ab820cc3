//! What a recall finds, and what it can be asked for.

mod conversations;
mod requests;
mod several_spaces;
mod unserved;
mod words;
