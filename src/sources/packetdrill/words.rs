//! Words and numbers that both ways, text to tree and back, go by.

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
