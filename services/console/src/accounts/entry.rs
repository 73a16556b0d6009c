//! What the journal of accounts has: who did what, when, from where, with what was before and after.
//!
//! It holds no secret: passwords are hashes, links and sessions are not in it but by digest.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use stoa_daemon::auth::Role;

use super::password::Hash;
use super::seal::Sealed;
use super::second::Code;
use super::secret::Digest;
use super::settings::Settings;
use super::token::Token;

/// The kind of the journal's records: an entry as JSON.
pub(super) const KIND: u8 = 1;

/// Who someone is at the console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct User {
    /// What they sign in with, and what decisions name.
    pub(crate) id: String,
    /// What pages call them.
    pub(crate) name: String,
    /// What they may do.
    pub(crate) role: Role,
    /// For which sites; `*` for all.
    pub(crate) sites: Vec<String>,
    /// Whether they may not sign in.
    pub(crate) disabled: bool,
}

/// Where a request came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Origin {
    /// Who asked; nobody where somebody is not signed in.
    pub(crate) by: Option<String>,
    /// Their address.
    pub(crate) from: Option<IpAddr>,
    /// The request's id, as logs have it.
    pub(crate) request: Option<String>,
}

/// A record of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Who did it, and from where.
    #[serde(flatten)]
    pub(crate) origin: Origin,
    /// What was done.
    pub(crate) act: Act,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Act {
    /// A link was made at which a password is set: of this user, or of the first one.
    LinkMade {
        /// The digest of what is in the link.
        link: Digest,
        /// Whose password; absent for the first user.
        user: Option<String>,
        /// Until when it works, in microseconds since 1970.
        until: i64,
    },
    /// A user was added.
    Added {
        /// The user.
        after: User,
    },
    /// A user was changed.
    Changed {
        /// As they were.
        before: User,
        /// As they are.
        after: User,
    },
    /// A password was set.
    PasswordSet {
        /// Whose.
        user: String,
        /// Its hash.
        hash: Hash,
    },
    /// Someone signed in.
    SignedIn {
        /// Who.
        user: String,
    },
    /// Someone tried to.
    SignInRefused {
        /// Whom they named, if that is a user.
        user: Option<String>,
    },
    /// Someone signed out.
    SignedOut {
        /// Who.
        user: String,
    },
    /// Someone decided a case.
    Decided {
        /// The case.
        case: String,
        /// What moderation-rules was asked for.
        verdict: String,
        /// The reason's code.
        reason: Option<String>,
        /// The version of the case that they saw.
        version: u64,
    },
    /// Someone undid a decision.
    Undone {
        /// The case.
        case: String,
        /// The decision that stands no more.
        decision: String,
    },
    /// Someone changed how they want their pages.
    SettingsChanged {
        /// Who.
        user: String,
        /// What they want from now on.
        after: Settings,
    },
    /// Someone changed the texts of statements.
    TextsChanged {
        /// The version that they made live.
        version: u64,
    },
    /// Someone put an author under something, or lifted it.
    Sanctioned {
        /// The author's site.
        site: String,
        /// Who.
        author: String,
        /// What.
        sanction: String,
        /// Until when, if it ends by itself.
        until: Option<String>,
    },
    /// Someone had a case looked at before others, or ended that.
    Escalated {
        /// The case.
        case: String,
        /// Whether it is before others from now on.
        escalated: bool,
    },
    /// Someone ended sessions.
    SessionsEnded {
        /// Whose.
        user: String,
        /// How many.
        n: usize,
    },
    /// A second step was set up.
    SecondStepSet {
        /// Whose.
        user: String,
        /// What its codes follow from, sealed with a key that is not in the journal.
        secret: Sealed,
        /// The step of time whose code confirmed it.
        step: u64,
        /// Digests of the codes that stand in for it.
        spare: Vec<Digest>,
    },
    /// A second step was taken away.
    SecondStepOff {
        /// Whose.
        user: String,
    },
    /// A code was used, and counts no more.
    CodeUsed {
        /// Whose.
        user: String,
        /// Which.
        code: Code,
    },
    /// An account became that of somebody whom a provider knows.
    Linked {
        /// The account.
        user: String,
        /// The provider.
        issuer: String,
        /// Whom it means.
        subject: String,
    },
    /// A token was made.
    TokenMade {
        /// The token.
        token: Token,
        /// The digest of its secret.
        secret: Digest,
    },
    /// A token was ended.
    TokenEnded {
        /// Which.
        token: String,
        /// Whose.
        user: String,
    },
    /// A token was used; the journal has it once an hour at most.
    TokenUsed {
        /// Which.
        token: String,
        /// When, in microseconds since 1970.
        at: i64,
    },
    /// A program changed something at another role.
    Called {
        /// The role.
        role: String,
        /// The method of the request.
        method: String,
        /// Its path.
        path: String,
        /// The status of the answer.
        status: u16,
    },
    /// Someone had a role try a parked event again.
    Retried {
        /// The role.
        role: String,
        /// The event's number there.
        parked: String,
    },
    /// Someone dropped a parked event for good.
    Dropped {
        /// The role.
        role: String,
        /// The event's number there.
        parked: String,
        /// Why.
        reason: String,
    },
    /// Someone did something with an endpoint of webhooks.
    Webhook {
        /// Its name.
        webhook: String,
        /// What: `test`, `replay`, `enable` or `disable`.
        act: String,
    },
}
