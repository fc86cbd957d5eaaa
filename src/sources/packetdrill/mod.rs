//! packetdrill scripts: the field's language for tests of TCP, in both of its dialects.

pub mod code;
pub mod syntax;
