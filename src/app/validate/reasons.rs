//! Differences that are known, and why they are there. Each shows up in the output by its name.

use synfin::sinks::agreement::{Difference, Kind};

use super::plan::{Plan, Way};

/// A difference that is known.
#[derive(Debug)]
pub(super) struct Reason {
    /// What it is called.
    pub(super) name: &'static str,
    /// The ways in which it shows up.
    ways: &'static [Way],
    /// The scenarios in which it shows up.
    scenarios: &'static [&'static str],
    /// The kinds of difference it makes.
    kinds: &'static [Kind],
    /// Why it is there, and which fact says so.
    pub(super) why: &'static str,
}

/// Every kind there is.
const ANY: &[Kind] = &[
    Kind::Packet,
    Kind::Direction,
    Kind::Flags,
    Kind::Seq,
    Kind::Ack,
    Kind::Length,
    Kind::Window,
    Kind::Options,
    Kind::Echo,
    Kind::Urgent,
    Kind::Text,
    Kind::Call,
    Kind::State,
];

/// All of them; one that no scenario needs fails a test.
pub(super) static REASONS: &[Reason] = &[
    Reason {
        name: "held-text",
        ways: &[Way::EngineA],
        scenarios: &["reordered-segments"],
        kinds: &[Kind::Window],
        why: "text that came too early opens Linux's window less than the engine's",
    },
    Reason {
        name: "window-probe",
        ways: &[Way::EngineB],
        scenarios: &["zero-window-probe", "urgent-data"],
        kinds: ANY,
        why: "Linux probes a closed window with an old number and no text (tcp_xmit_probe_skb); RFC 9293 section 3.8.6.1 \
              and the engine with one new octet",
    },
    Reason {
        name: "cookie-window",
        ways: &[Way::Veth, Way::EngineA],
        scenarios: &["syn-cookie-ack-lost"],
        kinds: &[Kind::Window],
        why: "a connection made from a cookie forgets that timestamps make room for 1448 octets a segment when it counts \
              whole segments of its first window (cookie_v4_check)",
    },
    Reason {
        name: "accecn-unasked",
        ways: &[Way::EngineB],
        scenarios: &["ecn-refused-reflected"],
        kinds: &[Kind::Flags],
        why: "Linux 6.18 takes a SYN,ACK with ECE and CWR for the accurate form, though its SYN asked for the classic one \
              (tcp_ecn_rcv_synack)",
    },
    Reason {
        name: "this-host",
        ways: &[Way::Veth, Way::EngineB],
        scenarios: &["connect-multicast-refused"],
        kinds: &[Kind::Call],
        why: "Linux takes 0.0.0.0 for the host itself, where nobody listens; MUST-46 refuses it as no address",
    },
    Reason {
        name: "ack-compression",
        ways: &[Way::Veth, Way::EngineA, Way::EngineB],
        scenarios: &["lossy-link"],
        kinds: ANY,
        why: "from the fourth duplicate on Linux puts the SACK blocks of a millisecond into one ACK (net.ipv4.tcp_comp_sack_nr)",
    },
    Reason {
        name: "full-queue",
        ways: &[Way::Veth, Way::EngineA, Way::EngineB],
        scenarios: &["slow-link"],
        kinds: ANY,
        why: "which segment finds the link's queue full is a matter of microseconds, and what leaves again follows from it",
    },
];

/// The reason for this difference, if it has one.
pub(super) fn reason_for(plan: &Plan, difference: &Difference) -> Option<&'static Reason> {
    REASONS.iter().find(|reason| {
        reason.ways.contains(&plan.way)
            && reason.scenarios.contains(&plan.scenario.name.as_str())
            && reason.kinds.contains(&difference.kind)
    })
}

#[cfg(test)]
mod tests {
    use synfin::sources::scenario::catalogue;

    use super::*;

    #[test]
    fn every_reason_is_in_use() {
        let kept = include_str!("../../../docs/kernel-agreement.md");
        for reason in REASONS {
            for scenario in reason.scenarios {
                assert!(catalogue::names().any(|name| name == *scenario), "{scenario} is no scenario");
                // The document has the way that is taken by itself.
                if !reason.ways.contains(&Way::Veth) && !reason.ways.contains(&Way::EngineB) {
                    continue;
                }
                let row = kept.lines().find(|line| line.starts_with(&format!("| {scenario} |"))).expect("a row");
                assert!(row.contains(reason.name), "{} is not in the row of {scenario}: {row}", reason.name);
            }
            assert!(!reason.why.ends_with('.'), "{}", reason.name);
        }
    }
}
