//! Tokens of programs, which ask in the name of the person who made them.

use serde::{Deserialize, Serialize};
use stoa_daemon::auth::Role;

use super::entry::{Act, Origin, User};
use super::secret::{Digest, hex};
use super::{Accounts, MAX_ID, Refused};

/// What each secret begins with, so that one that lies about is known for what it is.
pub(crate) const PREFIX: &str = "stoa_";
/// The longest that a token holds, in days.
pub(crate) const MAX_DAYS: u32 = 365;
/// Tokens that a person has at most.
const MAX_TOKENS: usize = 50;
const HOUR: i64 = 60 * 60 * 1_000_000;
const DAY: i64 = 24 * HOUR;

/// A token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    /// Names it; it opens nothing.
    pub(crate) id: String,
    /// What its person calls it.
    pub(crate) name: String,
    /// Whose it is.
    pub(crate) user: String,
    /// What it may do at most; never more than its person.
    pub(crate) role: Role,
    /// For which sites at most; `*` for all.
    pub(crate) sites: Vec<String>,
    /// When it was made, and until when it holds, in microseconds since 1970.
    pub(crate) made: i64,
    pub(crate) until: i64,
}

/// A token, and when it was used.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) token: Token,
    pub(super) secret: Digest,
    /// When it was used last, and what the journal has of that.
    pub(super) used: Option<i64>,
    pub(super) written: Option<i64>,
}

/// Who asks with a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// What records name.
    pub(crate) name: String,
    /// The person; none where the token is the configuration's.
    pub(crate) user: Option<String>,
    pub(crate) role: Role,
    pub(crate) sites: Vec<String>,
    /// Until when the token holds; for ever where it is the configuration's.
    pub(crate) until: Option<i64>,
}

/// A token that is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) user: String,
    pub(crate) role: Role,
    pub(crate) sites: Vec<String>,
    pub(crate) days: u32,
}

fn all(sites: &[String]) -> bool {
    sites == ["*"]
}

/// The sites that are among both.
fn both(one: &[String], other: &[String]) -> Vec<String> {
    if all(one) {
        return other.to_vec();
    }
    let among = |site: &&String| all(other) || other.contains(site);
    one.iter().filter(among).cloned().collect()
}

fn secret() -> String {
    use rand::RngExt as _;

    let bytes: [u8; 32] = rand::rng().random();
    format!("{PREFIX}{}", hex(&bytes))
}

impl Accounts {
    /// Makes a token for its person, with no more than `most` has; returns it with its secret.
    pub(crate) async fn make_token(
        &self,
        origin: &Origin,
        wanted: Wanted,
        most: &Caller,
    ) -> Result<(Token, String), Refused> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
        if !(1..=MAX_ID).contains(&wanted.name.len()) || !wanted.name.chars().all(plain) {
            return Err(Refused::Said("tokens-name-form"));
        }
        if !(1..=MAX_DAYS).contains(&wanted.days) {
            return Err(Refused::Said("tokens-days-form"));
        }
        let _writing = self.0.writing.lock().await;
        let user = self.state().user(&wanted.user).cloned();
        let user = user.filter(|user| !user.disabled);
        let user = user.ok_or(Refused::Said("users-unknown-or-disabled"))?;
        let may = |role: Role, sites: &[String]| {
            role.at_least(wanted.role) && both(&wanted.sites, sites) == wanted.sites
        };
        if wanted.role == Role::Publisher
            || !may(user.role, &user.sites)
            || !may(most.role, &most.sites)
        {
            return Err(Refused::Said("tokens-too-much"));
        }
        if wanted.sites.is_empty()
            || (wanted.sites.len() > 1 && wanted.sites.contains(&"*".to_owned()))
        {
            return Err(Refused::Said("users-sites-form"));
        }
        let now = self.0.clock.micros();
        let theirs = self.state().tokens_of(Some(&user.id));
        if theirs
            .iter()
            .any(|other| other.token.name == wanted.name && now < other.token.until)
        {
            return Err(Refused::Said("tokens-exists"));
        }
        if theirs.len() >= MAX_TOKENS {
            return Err(Refused::Said("tokens-too-many"));
        }
        let secret = secret();
        let digest = Digest::of(&secret);
        let until = now + i64::from(wanted.days) * DAY;
        let token = Token {
            id: Digest::of(&format!("token {digest}"))
                .to_string()
                .chars()
                .take(16)
                .collect(),
            name: wanted.name,
            user: user.id,
            role: wanted.role,
            sites: wanted.sites,
            made: now,
            until: most.until.map_or(until, |most| most.min(until)),
        };
        let made = Act::TokenMade {
            token: token.clone(),
            secret: digest,
        };
        self.write(origin, vec![made]).await?;
        Ok((token, secret))
    }

    /// The tokens of a person, or of everyone, the newest first; with when each was used last.
    pub(crate) fn tokens(&self, user: Option<&str>) -> Vec<(Token, Option<i64>)> {
        let known = self.state().tokens_of(user).into_iter();
        let mut tokens: Vec<_> = known.map(|known| (known.token, known.used)).collect();
        tokens.sort_by_key(|(token, _)| (std::cmp::Reverse(token.made), token.id.clone()));
        tokens
    }

    /// Ends a token, of this person if one is named.
    pub(crate) async fn end_token(
        &self,
        origin: &Origin,
        id: &str,
        of: Option<&str>,
    ) -> Result<(), Refused> {
        let _writing = self.0.writing.lock().await;
        let known = self.state().token(id).map(|token| token.user.clone());
        let known = known.filter(|user| of.is_none_or(|of| of == user));
        let user = known.ok_or(Refused::Said("tokens-unknown"))?;
        let ended = Act::TokenEnded {
            token: id.to_owned(),
            user,
        };
        Ok(self.write(origin, vec![ended]).await?)
    }

    /// Who asks with a secret, as long as its token and its person may.
    pub(crate) async fn caller(&self, secret: &str) -> Option<Caller> {
        let now = self.0.clock.micros();
        let (caller, id, is_news) = {
            let mut state = self.state();
            let (known, user) = state.used(&Digest::of(secret), now)?;
            let caller = caller(&known.token, &user)?;
            let is_news = known.written.is_none_or(|written| now >= written + HOUR);
            (caller, known.token.id, is_news)
        };
        if is_news {
            let used = Act::TokenUsed { token: id, at: now };
            if let Err(error) = self.note(&Origin::default(), used).await {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "cannot note that a token was used"
                );
            }
        }
        Some(caller)
    }
}

/// What a token may do: no more than its person may now.
fn caller(token: &Token, user: &User) -> Option<Caller> {
    Some(Caller {
        name: format!("{}/{}", token.user, token.name),
        user: Some(token.user.clone()),
        role: token.role.both(user.role)?,
        sites: both(&token.sites, &user.sites),
        until: Some(token.until),
    })
}

impl From<&User> for Caller {
    fn from(user: &User) -> Self {
        Self {
            name: user.id.clone(),
            user: Some(user.id.clone()),
            role: user.role,
            sites: user.sites.clone(),
            until: None,
        }
    }
}
