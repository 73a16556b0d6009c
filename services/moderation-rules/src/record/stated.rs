//! What a restriction rests on, as far as it is counted.

use serde::{Deserialize, Serialize};
use stoa_proto::Statement;

use super::Change;

/// A change that restricts somebody, with what its statement of reasons rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stated {
    pub(crate) change: Change,
    pub(crate) reasons: Reasons,
}

/// What a statement of reasons rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reasons {
    pub(crate) is_legal: bool,
    pub(crate) category: Option<String>,
    /// Whether a machine found what is restricted.
    pub(crate) is_detected: bool,
    pub(crate) automation: Automation,
}

/// How far a machine decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Automation {
    /// Alone.
    Fully,
    /// A person confirmed it.
    Partially,
    /// Not at all.
    Not,
}

impl Automation {
    /// Returns the name that statements use.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Fully => "AUTOMATED_DECISION_FULLY",
            Self::Partially => "AUTOMATED_DECISION_PARTIALLY",
            Self::Not => "AUTOMATED_DECISION_NOT_AUTOMATED",
        }
    }
}

impl Reasons {
    /// Takes them from a statement.
    pub(crate) fn of(statement: &Statement) -> Self {
        Self {
            is_legal: statement.ground == "legal",
            category: statement.category.clone(),
            is_detected: statement.automated_detection,
            automation: match statement.automated_decision.as_str() {
                "AUTOMATED_DECISION_FULLY" => Automation::Fully,
                "AUTOMATED_DECISION_PARTIALLY" => Automation::Partially,
                _ => Automation::Not,
            },
        }
    }
}
