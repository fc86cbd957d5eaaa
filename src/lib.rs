//! synfin
pub mod engine;
pub mod trace;
