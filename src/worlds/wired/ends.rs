//! Which state a ladder shows for a host whose stack only answers questions.

use std::collections::HashSet;

use super::outside::Look;
use crate::engine::State;
use crate::trace::End;

/// A connection by its ends, the host's own first.
pub(super) type Flow = (End, End);

/// Most connections of one host that are remembered; a flood of them must not fill the memory.
const AT_MOST: usize = 4096;

/// The connection of a host that is looked at, as the simulated world chooses it: the one its last segment or call
/// was about.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    flow: Option<Flow>,
    /// What was shown last.
    state: Option<State>,
    /// Connections that were more than a request of a listener: when they end, CLOSED is what remains of them.
    made: HashSet<Flow>,
}

impl Shown {
    /// The host has opened a connection, or a segment of one has left it.
    pub(super) fn turn_to(&mut self, flow: Flow) {
        self.flow = Some(flow);
    }

    /// The process of the host has opened passively.
    pub(super) fn turn_to_listener(&mut self) {
        self.flow = None;
    }

    /// A segment of this connection is about to arrive; if the connection is over, it is nobody's.
    pub(super) fn receive(&mut self, flow: Flow) {
        if self.flow == Some(flow) && self.state == Some(State::Closed) {
            self.made.remove(&flow);
        }
        self.flow = Some(flow);
    }

    /// The stack begins anew.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// The connection to ask about.
    pub(super) const fn flow(&self) -> Option<Flow> {
        self.flow
    }

    /// The state a ladder shows, given what the stack says of that connection.
    pub(super) fn state(&mut self, look: Look) -> State {
        let state = match (look.state, self.flow) {
            (Some(state), Some(flow)) => {
                if state != State::SynReceived && self.made.len() < AT_MOST {
                    self.made.insert(flow);
                }
                state
            }
            // A request that came to nothing, and a segment that was nobody's, leave the listener as it was.
            (_, flow) if look.listens && !flow.is_some_and(|flow| self.made.contains(&flow)) => State::Listen,
            _ => State::Closed,
        };
        self.state = Some(state);
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOW: Flow = (end(7007), end(40_000));

    const fn end(port: u16) -> End {
        End { address: std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), port }
    }

    fn says(state: Option<State>) -> Look {
        Look { state, listens: true, ..Look::default() }
    }

    #[test]
    fn a_request_that_comes_to_nothing_leaves_its_listener() {
        let mut shown = Shown::default();
        assert_eq!(shown.state(says(None)), State::Listen);
        shown.receive(FLOW);
        assert_eq!(shown.state(says(Some(State::SynReceived))), State::SynReceived);
        shown.receive(FLOW);
        assert_eq!(shown.state(says(None)), State::Listen, "reset");
    }

    #[test]
    fn a_connection_that_was_one_is_closed_and_what_comes_later_is_nobodys() {
        let mut shown = Shown::default();
        shown.receive(FLOW);
        assert_eq!(shown.state(says(Some(State::LastAck))), State::LastAck);
        shown.receive(FLOW);
        assert_eq!(shown.state(says(None)), State::Closed);
        shown.turn_to(FLOW);
        assert_eq!(shown.state(says(None)), State::Closed, "its last segment leaves");
        shown.receive(FLOW);
        assert_eq!(shown.state(says(None)), State::Listen, "a late one arrives");
        shown.turn_to_listener();
        assert_eq!(shown.state(Look::default()), State::Closed, "nobody listens");
    }
}
