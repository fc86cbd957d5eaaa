//! What is to happen: each source gives a world its calls, and leaves the timing to it; or what did, elsewhere.

pub mod capture;
pub mod json;
pub mod packetdrill;
pub mod scenario;
