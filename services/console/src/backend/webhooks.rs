//! Endpoints that what was decided is posted to, as moderation-rules shows them.

use serde::Deserialize;

/// All of them.
#[derive(Debug, Deserialize)]
pub(crate) struct Webhooks {
    pub(crate) webhooks: Vec<Webhook>,
}

/// An endpoint, and how it stands.
#[derive(Debug, Deserialize)]
pub(crate) struct Webhook {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) sites: Vec<String>,
    pub(crate) events: Vec<String>,
    pub(crate) state: String,
    pub(crate) disabled: Option<Disabled>,
    #[serde(default)]
    pub(crate) lost: bool,
    pub(crate) retrying: u64,
    pub(crate) ready: u64,
    pub(crate) unread: u64,
    pub(crate) oldest: Option<String>,
    pub(crate) last_success: Option<String>,
    pub(crate) last_failure: Option<Failure>,
    pub(crate) paused_until: Option<String>,
    /// What was done with it; only of one that is asked for alone.
    #[serde(default)]
    pub(crate) acts: Vec<Act>,
}

/// Why it is disabled.
#[derive(Debug, Deserialize)]
pub(crate) struct Disabled {
    pub(crate) why: String,
    pub(crate) by: String,
}

/// How the last attempt ended that failed.
#[derive(Debug, Deserialize)]
pub(crate) struct Failure {
    pub(crate) at: Option<String>,
    pub(crate) result: Option<String>,
    pub(crate) status: Option<u16>,
}

/// Something that was done with it.
#[derive(Debug, Deserialize)]
pub(crate) struct Act {
    #[serde(rename = "act")]
    pub(crate) what: String,
    pub(crate) by: String,
    pub(crate) at: Option<String>,
}

/// A page of the log of deliveries.
#[derive(Debug, Deserialize)]
pub(crate) struct Deliveries {
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) next: Option<u64>,
}

/// An attempt to deliver.
#[derive(Debug, Deserialize)]
pub(crate) struct Delivery {
    pub(crate) at: Option<String>,
    pub(crate) event: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) site: String,
    pub(crate) attempt: u32,
    pub(crate) result: String,
    pub(crate) status: Option<u16>,
    pub(crate) duration_ms: u32,
    pub(crate) outcome: String,
    pub(crate) next_attempt: Option<String>,
}

/// What came of a test.
#[derive(Debug, Deserialize)]
pub(crate) struct Tested {
    pub(crate) result: String,
}
