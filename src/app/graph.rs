//! `synfin graph`: the rule table, or the walk of a scenario over it, in DOT.

use synfin::sinks::graph::StateGraph;
use synfin::sources::scenario::Scenario;

use super::args::Graph;
use super::{Failure, Verdict, output};

pub(crate) fn run(arguments: &Graph) -> Result<Verdict, Failure> {
    let overrides = arguments.settings.overrides().map_err(Failure::Request)?;
    let graph = match &arguments.scenario {
        None => StateGraph::whole(),
        Some(name) => {
            let scenario = Scenario::load(name).map_err(Failure::request)?;
            let trace = scenario.simulate(&overrides).map_err(|error| Failure::Request(format!("{}: {error}", scenario.name)))?;
            StateGraph::walked(&trace)
        }
    };
    match arguments.output.as_deref() {
        None => output::print(&graph.dot())?,
        Some(path) => output::to_file(path, |out| out.write_all(graph.dot().as_bytes()))?,
    }
    Ok(Verdict::Yes)
}
