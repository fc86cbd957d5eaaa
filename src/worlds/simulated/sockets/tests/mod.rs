//! Dialogues of a process, its host and a peer made by hand: one test per rule.

mod connecting;
mod descriptors;
mod dialogue;
mod options;
mod parameters;
mod polls;
mod reading;
mod stamps;
mod writing;
