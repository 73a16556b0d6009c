//! What Stoa says about itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Extra;
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
