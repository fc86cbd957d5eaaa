//! The rule table as a graph, whole or as walked by a trace (petgraph), in DOT.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::dot::{Config, Dot};
use petgraph::graph::{DiGraph, NodeIndex};

use crate::engine::{RULES, Rule, State};
use crate::trace::Trace;

/// The state-transition graph: one node per state, one edge per pair of states that rows connect.
#[derive(Clone, Debug)]
pub struct StateGraph {
    graph: DiGraph<Node, Edge>,
    walk: bool,
}

#[derive(Clone, Debug)]
struct Node {
    state: State,
    visited: bool,
}

#[derive(Clone, Debug)]
struct Edge {
    /// Names of the rows, with their guards and sections.
    rules: Vec<&'static Rule>,
    /// By which hosts, and how often, a trace walked here; edges only a kernel showed have no rows.
    walked: BTreeMap<String, usize>,
}

impl StateGraph {
    /// The whole table: every row that changes a state.
    pub fn whole() -> Self {
        Self::build(None)
    }

    /// The same, with the states and rows of this trace marked and the others grey.
    pub fn walked(trace: &Trace) -> Self {
        Self::build(Some(trace))
    }

    fn build(trace: Option<&Trace>) -> Self {
        let mut graph = DiGraph::new();
        let visited: BTreeSet<u8> = trace.map_or_else(BTreeSet::new, |trace| {
            let hosts = (0_u8..).map(crate::trace::HostId).take(trace.hosts.len());
            hosts.flat_map(|host| trace.path(host)).map(|state| state as u8).collect()
        });
        let nodes: Vec<NodeIndex> =
            State::ALL.iter().map(|&state| graph.add_node(Node { state, visited: visited.contains(&(state as u8)) })).collect();
        let mut edges: BTreeMap<(u8, u8), Edge> = BTreeMap::new();
        let empty = || Edge { rules: Vec::new(), walked: BTreeMap::new() };
        for rule in RULES.iter().filter(|rule| rule.changes_state()) {
            edges.entry((rule.from as u8, rule.to as u8)).or_insert_with(empty).rules.push(rule);
        }
        for step in trace.into_iter().flat_map(Trace::transitions) {
            let host = trace.map_or("", |trace| trace.host(step.entry.host).name.as_str());
            let edge = edges.entry((step.from as u8, step.to as u8)).or_insert_with(empty);
            *edge.walked.entry(host.to_owned()).or_insert(0) += 1;
        }
        for ((from, to), edge) in edges {
            graph.add_edge(nodes[usize::from(from)], nodes[usize::from(to)], edge);
        }
        Self { graph, walk: trace.is_some() }
    }

    /// How many states and how many pairs of states with a row between them there are.
    pub fn size(&self) -> (usize, usize) {
        (self.graph.node_count(), self.graph.edge_count())
    }

    /// The graph in DOT, for Graphviz. Nodes and edges carry classes, so that an SVG can be styled.
    pub fn dot(&self) -> String {
        let node = |_, (_, node): (NodeIndex, &Node)| {
            let class = if node.visited { "visited" } else { "state" };
            let style = match (self.walk, node.visited) {
                (true, true) => ", style=\"rounded,filled\", fillcolor=\"#ffe9a8\", penwidth=2",
                (true, false) => ", color=\"#b0b0b0\", fontcolor=\"#b0b0b0\"",
                (false, _) => "",
            };
            format!("label=\"{}\", id=\"{}\", class=\"{class}\"{style}", node.state, node.state.name().to_lowercase())
        };
        let edge = |_, edge: petgraph::graph::EdgeReference<'_, Edge>| self.edge_attributes(edge.weight());
        let config = [Config::NodeNoLabel, Config::EdgeNoLabel];
        let body = format!("{:?}", Dot::with_attr_getters(&self.graph, &config, &edge, &node));
        // Graph-wide attributes have no place in petgraph's output but behind its first line.
        body.replacen(
            "digraph {\n",
            "digraph \"TCP states\" {\n    rankdir=TB;\n    node [shape=box, style=rounded, fontname=\"monospace\"];\n    edge [fontname=\"monospace\", fontsize=9];\n",
            1,
        )
    }

    fn edge_attributes(&self, edge: &Edge) -> String {
        let walked = edge.walked.iter().map(|(host, times)| if *times == 1 { host.clone() } else { format!("{host} x{times}") });
        let by = walked.collect::<Vec<_>>().join(", ");
        let mut label: Vec<String> = edge.rules.iter().map(|rule| short(rule)).collect();
        label.dedup();
        if self.walk && !by.is_empty() {
            label = vec![format!("{by}: {}", label.first().map_or("seen", String::as_str))];
        } else if self.walk {
            label.clear();
        }
        let tooltip: Vec<String> = edge.rules.iter().map(|rule| format!("{} (RFC 9293 section {})", rule.name, rule.rfc)).collect();
        let style = match (self.walk, by.is_empty()) {
            (true, false) => ", class=\"walked\", color=\"#c04000\", penwidth=2",
            (true, true) => ", class=\"untaken\", color=\"#c8c8c8\"",
            (false, _) => ", class=\"rule\"",
        };
        format!("label=\"{}\", tooltip=\"{}\"{style}", label.join("\\n"), tooltip.join("\\n"))
    }
}

/// `seg-FIN / take FIN, schedule ACK`: event and what it does, in the words of the table.
fn short(rule: &Rule) -> String {
    rule.on.name().to_owned()
}
