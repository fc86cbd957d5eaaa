//! Words that stand for numbers, or for what a family of addresses has a number for.

/// The kind of options for experiments (RFC 6994).
pub(super) const EXPERIMENT: u8 = 254;

/// The code points of differentiated services that have names (RFC 2474, 2597, 3246, 5865, 8622).
pub(super) const DSCP: &[(&str, u8)] = &[
    ("cs0", 0),
    ("le", 1),
    ("cs1", 8),
    ("af11", 10),
    ("af12", 12),
    ("af13", 14),
    ("cs2", 16),
    ("af21", 18),
    ("af22", 20),
    ("af23", 22),
    ("cs3", 24),
    ("af31", 26),
    ("af32", 28),
    ("af33", 30),
    ("cs4", 32),
    ("af41", 34),
    ("af42", 36),
    ("af43", 38),
    ("cs5", 40),
    ("va", 44),
    ("ef", 46),
    ("cs6", 48),
    ("cs7", 56),
];

/// The types of ICMP messages, of either family.
pub(super) const ICMP_TYPES: &[&str] =
    &["unreachable", "echo_request", "echo_reply", "time_exceeded", "packet_too_big", "parameter_problem", "redirect", "source_quench"];

/// The codes of ICMP messages, of either family.
pub(super) const ICMP_CODES: &[&str] = &[
    "net_unreachable",
    "host_unreachable",
    "protocol_unreachable",
    "port_unreachable",
    "frag_needed",
    "source_route_failed",
    "net_unknown",
    "host_unknown",
    "source_host_isolated",
    "net_prohibited",
    "host_prohibited",
    "net_unreachable_for_tos",
    "host_unreachable_for_tos",
    "packet_filtered",
    "precedence_violation",
    "precedence_cutoff",
    "no_route",
    "admin_prohibited",
    "not_neighbour",
    "beyond_scope",
    "address_unreachable",
    "failed_policy",
    "reject_route",
    "ttl_exceeded_in_transit",
    "frag_reass_exceeded",
    "unknown_next_header",
];
