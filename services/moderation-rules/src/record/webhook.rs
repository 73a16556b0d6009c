//! What was done with endpoints of webhooks.

use serde::{Deserialize, Serialize};

/// Something was done with an endpoint of webhooks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Webhooked {
    /// The endpoint's name.
    pub(crate) endpoint: String,
    pub(crate) act: WebhookAct,
    /// Who did it; `stoa` where nobody asked.
    pub(crate) by: String,
    pub(crate) at: i64,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum WebhookAct {
    /// It is new, and was begun.
    Began,
    /// It is not in the configuration any more.
    Forgotten,
    /// It is sent events again.
    Enabled,
    /// It is sent nothing any more.
    Disabled,
    /// It was sent something to try it.
    Tested,
    /// So many events are sent again.
    Replayed { events: u64 },
}

impl WebhookAct {
    /// Whether the endpoint is known after it.
    pub(crate) fn is_known(self) -> bool {
        self != Self::Forgotten
    }
}
