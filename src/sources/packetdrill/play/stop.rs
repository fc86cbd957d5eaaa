//! Why a script does not go on.

use super::mismatch::Mismatch;
use crate::sources::packetdrill::syntax::Span;
use crate::worlds::stack::{PlaceError, Unsupported};

/// Why a script does not go on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Stop {
    /// Something is not as the script expects.
    Failed(Box<Mismatch>),
    /// The place, or this program, cannot mean it.
    Unsupported {
        /// Where; the event at hand if it is not known.
        span: Option<Span>,
        /// What.
        what: String,
    },
    /// The script, or the place, is broken.
    Error {
        /// Where; the event at hand if it is not known.
        span: Option<Span>,
        /// What is wrong.
        what: String,
    },
}

impl Stop {
    pub(super) fn unsupported(span: impl Into<Option<Span>>, what: impl Into<String>) -> Self {
        Self::Unsupported { span: span.into(), what: what.into() }
    }

    pub(super) fn error(span: impl Into<Option<Span>>, what: impl Into<String>) -> Self {
        Self::Error { span: span.into(), what: what.into() }
    }

    /// The same, standing here if it is not known where.
    pub(super) fn at(self, here: Span) -> Self {
        match self {
            Self::Failed(mismatch) => Self::Failed(mismatch),
            Self::Unsupported { span, what } => Self::Unsupported { span: span.or(Some(here)), what },
            Self::Error { span, what } => Self::Error { span: span.or(Some(here)), what },
        }
    }
}

impl From<Unsupported> for Stop {
    fn from(Unsupported(what): Unsupported) -> Self {
        Self::Unsupported { span: None, what }
    }
}

impl From<PlaceError> for Stop {
    fn from(PlaceError(what): PlaceError) -> Self {
        Self::Error { span: None, what }
    }
}

impl From<Mismatch> for Stop {
    fn from(mismatch: Mismatch) -> Self {
        Self::Failed(Box::new(mismatch))
    }
}
