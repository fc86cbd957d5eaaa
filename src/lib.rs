//! synfin
pub mod engine;
pub mod ladder;
mod nearest;
pub mod sinks;
pub mod sources;
pub mod trace;
pub mod wire;
pub mod worlds;
