//! packetdrill scripts: the field's language for tests of TCP, in both of its dialects.

pub mod code;
mod lex;
mod parse;
pub mod play;
mod print;
pub mod shell;
pub mod syntax;
mod words;

pub use parse::{MAX_EVENTS, MAX_OCTETS, parse};
