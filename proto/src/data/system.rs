//! What Stoa says about itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ErasureScope, Extra};
use crate::{Code, Time};

/// An event was refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventRejected {
    /// The refused event's id, if it could be read.
    #[serde(default)]
    pub id: Option<String>,
    /// The refused event's source, if it could be read.
    #[serde(default)]
    pub source: Option<String>,
    /// The refused event's type, if it could be read.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// The reason.
    pub code: Code,
    /// The field's path from the event's root.
    #[serde(default)]
    pub field: Option<String>,
    /// What is wrong and what to do.
    pub message: String,
    /// The limit that was passed.
    #[serde(default)]
    pub limit: Option<String>,
    /// When ingest took the event.
    pub received_at: Time,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Somebody else agreed to a redaction, or it was called off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RedactionDecided {
    /// The site's id.
    pub site: String,
    /// The redaction's id.
    pub redaction: String,
    /// What was decided.
    pub decision: RedactionDecision,
    /// Who decided: the name of their token.
    pub by: String,
    /// When.
    pub decided_at: Time,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// What is decided about a redaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RedactionDecision {
    /// A second person agrees.
    Confirmed,
    /// It is called off.
    Cancelled,
}

/// A redaction was carried out: its receipt, without personal data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RedactionCompleted {
    /// The site's id.
    pub site: String,
    /// The redaction's id.
    pub redaction: String,
    /// What went.
    pub scope: ErasureScope,
    /// The law or contract that asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
    /// When it was asked for.
    pub requested_at: Time,
    /// When the archive had erased everything.
    pub completed_at: Time,
    /// The comments whose words went.
    pub comments: u64,
    /// The archive's records that were overwritten.
    pub records: u64,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The archive signed its state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckpointPublished {
    /// The log's name.
    pub origin: String,
    /// The number of leaves.
    pub size: u64,
    /// The tree's root, base64.
    pub root: String,
    /// The signed note.
    pub note: String,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}
