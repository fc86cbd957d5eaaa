//! `synfin graph`: the rule table, or the walk of a scenario over it, in DOT.

use synfin::sinks::graph::StateGraph;
use synfin::sources::scenario::Overrides;

use super::args::Graph;
use super::{Failure, Verdict, output};

pub(crate) fn run(arguments: &Graph) -> Result<Verdict, Failure> {
    let overrides = arguments.settings.overrides().map_err(Failure::Request)?;
    let graph = match &arguments.scenario {
        None if overrides != Overrides::default() => {
            return Err(Failure::Request(
                "--profile, --set and --fault change how a scenario runs; name one, as in synfin graph half-close".to_owned(),
            ));
        }
        None => StateGraph::whole(),
        Some(name) => {
            let scenario = super::load(name)?;
            StateGraph::walked(&super::simulated(&scenario, &overrides)?)
        }
    };
    match arguments.output.as_deref() {
        None => output::print(&graph.dot())?,
        Some(path) => output::to_file(path, |out| out.write_all(graph.dot().as_bytes()))?,
    }
    Ok(Verdict::Yes)
}
