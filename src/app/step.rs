//! `synfin step`: a scenario at a prompt, forwards and backwards.

use super::args::Step;
use super::{Failure, Verdict};

pub(crate) fn run(_arguments: &Step) -> Result<Verdict, Failure> {
    Err(Failure::Request("not yet".into()))
}
