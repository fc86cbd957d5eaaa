//! What is to happen: each source gives a world its calls, and leaves the timing to it.

pub mod scenario;
