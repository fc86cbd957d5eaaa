//! packetdrill scripts: the field's language for tests of TCP, in both of its dialects.

pub mod code;
mod lex;
mod parse;
pub mod play;
mod print;
mod runs_with;
pub mod shell;
pub mod syntax;
pub mod tell;
mod words;

pub use parse::{MAX_EVENTS, MAX_OCTETS, parse};
pub use runs_with::RunsWith;
