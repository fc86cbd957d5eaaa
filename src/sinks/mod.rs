//! What is made of a trace: one file, one form. A sink never asks where its trace came from.

pub mod agreement;
pub mod bless;
pub mod contrast;
pub mod diff;
pub mod graph;
pub mod json;
pub mod ladder;
pub mod pcap;
pub mod trace_diff;
