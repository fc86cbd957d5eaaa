//! The built-in scenarios: ladder files compiled into the program.

macro_rules! catalogue {
    ($($name:literal),+ $(,)?) => {
        /// Name and text of every built-in scenario, in the order of a life: opening, data, closing, trouble.
        static CATALOGUE: &[(&str, &str)] = &[$(($name, include_str!(concat!("catalogue/", $name, ".ladder"))),)+];
    };
}

catalogue![
    "three-way-handshake",
    "simultaneous-open",
    "third-ack-lost-data",
    "third-ack-lost-idle",
    "duplicate-syn-ack-established",
    "simultaneous-open-literal",
    "simultaneous-open-refused",
    "syn-with-data",
    "syn-fin",
    "syn-ack-with-fin",
    "tfo-cookie-request",
    "tfo-data-in-syn",
    "tfo-cookie-invalid",
    "tfo-syn-timeout",
    "old-duplicate-syn",
    "old-duplicate-syn-race",
    "half-open-discovery",
    "half-open-active-side",
    "old-duplicate-two-passive",
    "syn-to-closed-port",
    "ack-to-closed-port",
    "rst-to-closed-port",
    "rst-to-listen",
    "ack-to-listen",
    "rst-bad-ack-syn-sent",
    "connect-timeout",
    "syn-lost-once",
    "syn-ack-lost",
    "option-negotiation-all",
    "option-negotiation-declined",
    "mss-clamp",
    "normal-close",
    "half-close",
    "server-closes-first",
    "three-segment-close",
    "simultaneous-close",
    "fin-with-data",
    "fin-before-data",
    "duplicate-segment",
    "reordered-segments",
    "zero-window-probe",
    "rst-zero-window",
    "urgent-data",
    "blind-data-injection",
    "both-read-eof",
    "fin-lost",
    "fin-ack-lost",
    "last-ack-lost",
    "linger-zero-abort",
    "abort",
    "close-with-unread-data",
    "data-after-close",
    "close-listener",
    "time-wait-assassination",
    "time-wait-assassination-defended",
    "time-wait-stray-ack",
    "blind-rst-in-window",
    "blind-rst-outside",
    "blind-rst-exact",
    "blind-syn",
    "blind-syn-real-restart",
    "challenge-ack-throttle",
    "listen-send-active",
    "close-in-syn-received",
    "keepalive-probe",
    "keepalive-dead-peer",
    "fin-wait-2-orphan",
    "backlog-overflow",
    "syn-flood",
    "syn-cookie",
    "syn-cookie-ack-lost",
    "syn-cookie-bad-ack",
    "close-in-syn-sent",
    "abort-in-syn-sent",
    "abort-in-closing",
    "rst-in-fin-wait-1",
    "last-ack-gives-up",
    "syn-ack-gives-up",
    "process-exit",
    "user-timeout",
    "simultaneous-close-fin-lost",
    "self-connect",
    "corrupt-segment",
    "lossy-link",
    "slow-link",
];

/// The names of all built-in scenarios.
pub fn names() -> impl Iterator<Item = &'static str> {
    CATALOGUE.iter().map(|(name, _)| *name)
}

/// The text of the built-in scenario with this name.
pub fn text(name: &str) -> Option<&'static str> {
    CATALOGUE.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
