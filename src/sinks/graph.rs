//! The rule table as a graph, whole or as walked by a trace (petgraph), in DOT.
//!
//! The rows that end a connection before its time (ABORT, RST, time-outs) lead from nearly every
//! state to CLOSED. They are edges of their own, dashed and without words, so that the life of a
//! connection stays readable; their rows stand in the tooltips like all others. As in figure 5 of
//! the RFC, CLOSED is drawn twice: where a connection begins, and where it ends.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use petgraph::dot::{Config, Dot};
use petgraph::graph::{DiGraph, EdgeReference, NodeIndex};

use crate::engine::{Action, Event, Guard, RULES, Rule, State};
use crate::trace::{HostId, Trace};

/// The state-transition graph: one node per state, two for CLOSED; between two states one edge for
/// the rows of an ordinary life, and one for those that cut it short.
#[derive(Clone, Debug)]
pub struct StateGraph {
    graph: DiGraph<Node, Edge>,
    /// The hosts whose walk is marked, in the order of the trace; `None` for the whole graph.
    walkers: Option<Vec<String>>,
}

#[derive(Clone, Debug)]
struct Node {
    state: State,
    /// Whether it is the CLOSED at the end.
    end: bool,
    visited: bool,
}

#[derive(Clone, Debug, Default)]
struct Edge {
    rules: Vec<&'static Rule>,
    /// What each host of a trace did here: the event, and its number in the host's walk.
    walked: BTreeMap<HostId, Vec<(usize, &'static str)>>,
    cut_short: bool,
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
        let mut edges: BTreeMap<(u8, u8, bool), Edge> = BTreeMap::new();
        for rule in RULES.iter().filter(|rule| rule.changes_state()) {
            let cut_short = cuts_short(rule);
            let edge = edges.entry((rule.from as u8, rule.to as u8, cut_short)).or_default();
            edge.cut_short = cut_short;
            edge.rules.push(rule);
        }
        let mut numbers: BTreeMap<HostId, usize> = BTreeMap::new();
        for step in trace.into_iter().flat_map(Trace::transitions) {
            let number = numbers.entry(step.entry.host).or_insert(0);
            *number += 1;
            let pair = (step.from as u8, step.to as u8);
            // A world that knows no rules only shows that it happened; an edge it alone shows has no rows.
            let (cut_short, event) = match step.rule {
                Some(rule) => (cuts_short(rule), rule.on.name()),
                None => (!edges.contains_key(&(pair.0, pair.1, false)) && edges.contains_key(&(pair.0, pair.1, true)), "seen"),
            };
            let edge = edges.entry((pair.0, pair.1, cut_short)).or_default();
            edge.walked.entry(step.entry.host).or_default().push((*number, event));
        }
        let visited: BTreeSet<u8> = trace.map_or_else(BTreeSet::new, |trace| {
            let hosts = trace.host_ids();
            hosts.flat_map(|host| trace.path(host)).map(|state| state as u8).collect()
        });
        let mut graph = DiGraph::new();
        let mut add = |state: State, visited: bool, end: bool| graph.add_node(Node { state, end, visited });
        let nodes: Vec<NodeIndex> = State::ALL.iter().map(|&state| add(state, visited.contains(&(state as u8)), false)).collect();
        let ended = edges.iter().any(|((from, to, _), edge)| ends(*from, *to) && !edge.walked.is_empty());
        let end = add(State::Closed, ended, true);
        for ((from, to, _), edge) in edges {
            let target = if ends(from, to) { end } else { nodes[usize::from(to)] };
            graph.add_edge(nodes[usize::from(from)], target, edge);
        }
        Self { graph, walkers: trace.map(|trace| trace.hosts.iter().map(|host| host.name.clone()).collect()) }
    }

    /// How many states and how many edges there are.
    pub fn size(&self) -> (usize, usize) {
        (self.graph.node_count(), self.graph.edge_count())
    }

    /// The graph in DOT, for Graphviz. Nodes and edges carry classes, so that an SVG can be styled.
    pub fn dot(&self) -> String {
        let node = |_, (_, node): (NodeIndex, &Node)| self.node_attributes(node);
        let edge = |_, edge: EdgeReference<'_, Edge>| self.edge_attributes(edge.weight());
        let config = [Config::NodeNoLabel, Config::EdgeNoLabel];
        let body = format!("{:?}", Dot::with_attr_getters(&self.graph, &config, &edge, &node));
        // Graph-wide attributes have no place in petgraph's output but behind its first line.
        body.replacen("digraph {\n", &format!("digraph \"TCP states\" {{\n{}", self.preamble()), 1)
    }

    fn preamble(&self) -> String {
        let mut text = String::from("    rankdir=TB;\n    nodesep=0.4;\n    fontname=\"sans-serif\";\n    fontsize=11;\n");
        let mut legend = String::from("dashed: cut short by ABORT, RST or a time-out");
        if let Some(walkers) = &self.walkers {
            for (name, color) in walkers.iter().zip(COLORS) {
                let _ = write!(legend, "\\n{}: {}", escaped(name), color.name);
            }
            legend += "\\ngrey: not taken";
        }
        let _ = writeln!(text, "    label=\"{legend}\";");
        text += "    node [shape=box, style=rounded, fontname=\"sans-serif\", fontsize=13];\n";
        text += "    edge [fontname=\"sans-serif\", fontsize=10, arrowsize=0.7];\n";
        text
    }

    fn node_attributes(&self, node: &Node) -> String {
        let class = if node.visited { "visited" } else { "state" };
        let style = match (self.walkers.is_some(), node.visited) {
            (true, true) => ", style=\"rounded,filled\", fillcolor=\"#fff3c4\", penwidth=2",
            (true, false) => ", color=\"#c0c0c0\", fontcolor=\"#a0a0a0\"",
            (false, _) => "",
        };
        let id = node.state.name().to_lowercase() + if node.end { "-end" } else { "" };
        format!("label=\"{}\", id=\"{id}\", class=\"{class}\"{style}", node.state)
    }

    fn edge_attributes(&self, edge: &Edge) -> String {
        let mut attributes = String::new();
        let tooltip: Vec<String> = edge.rules.iter().map(|rule| format!("{} ({})", rule.name, rule.source())).collect();
        let (class, label, style) = match &self.walkers {
            None if edge.cut_short => ("cut-short", String::new(), String::from("color=\"#909090\"")),
            None => ("rule", labels(&edge.rules), String::from("color=black")),
            Some(_) if edge.walked.is_empty() => ("untaken", String::new(), String::from("color=\"#d0d0d0\"")),
            Some(walkers) => {
                let color = |host: &HostId| COLORS[usize::from(host.0) % COLORS.len()].code;
                let colors: Vec<&str> = edge.walked.keys().map(color).collect();
                let style = format!("color=\"{}\", fontcolor=\"{}\", penwidth=2", colors.join(":"), colors[0]);
                ("walked", walks(walkers, edge), style)
            }
        };
        let _ = write!(attributes, "label=\"{label}\", tooltip=\"{}\", class=\"{class}\", {style}", tooltip.join("\\n"));
        if edge.cut_short {
            attributes += ", style=dashed";
        }
        attributes
    }
}

/// Whether this is the end of a connection, and not of the attempt to have one.
fn ends(from: u8, to: u8) -> bool {
    to == State::Closed as u8 && from != State::Listen as u8 && from != State::SynSent as u8
}

/// The colour of a host's walk.
struct Color {
    name: &'static str,
    code: &'static str,
}

/// The colours of the first and the second host; they differ in brightness, too.
const COLORS: [Color; 2] = [Color { name: "orange", code: "#d06000" }, Color { name: "blue", code: "#0050b0" }];

/// Whether the row ends a connection before both sides have said all they had to say.
fn cuts_short(rule: &Rule) -> bool {
    const EVENTS: [Event; 4] = [Event::Abort, Event::RstExact, Event::UserTimeout, Event::RetransmissionR2];
    EVENTS.contains(&rule.on) || matches!(rule.when, Guard::UnreadText | Guard::NoReader)
}

/// What leads along an edge, and what is sent on the way, in the words of the table.
fn labels(rules: &[&Rule]) -> String {
    const SEND: [Action; 7] = [
        Action::SendSyn,
        Action::SendSynAck,
        Action::SendAck,
        Action::ScheduleAck,
        Action::ChallengeAck,
        Action::QueueFin,
        Action::SendRst,
    ];
    let mut lines: Vec<String> = Vec::new();
    for rule in rules {
        let sent: Vec<&str> = rule.does.iter().filter(|action| SEND.contains(action)).map(|action| action.name()).collect();
        let line = if sent.is_empty() { rule.on.name().to_owned() } else { format!("{} / {}", rule.on.name(), sent.join(", ")) };
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines.join("\\n")
}

/// Who walked an edge as which steps: `A3: seg-FIN`; of many walks the first, and how many more.
fn walks(walkers: &[String], edge: &Edge) -> String {
    let mut lines = Vec::new();
    for (host, steps) in &edge.walked {
        let name = walkers.get(usize::from(host.0)).map_or(String::new(), |name| escaped(name));
        lines.extend(steps.iter().take(MOST_WALKS).map(|(number, event)| format!("{name}{number}: {event}")));
        if steps.len() > MOST_WALKS {
            lines.push(format!("{name}: {} more", steps.len() - MOST_WALKS));
        }
    }
    lines.join("\\n")
}

/// Most walks of one host over one edge that are written out.
const MOST_WALKS: usize = 3;

/// As it may stand between the quotation marks of DOT.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
