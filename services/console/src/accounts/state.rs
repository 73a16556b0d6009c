//! What follows from the journal: users and links; and who is signed in, which no restart survives.

use std::collections::{BTreeMap, HashMap};

use stoa_daemon::auth::Role;

use super::entry::{Act, User};
use super::password::Hash;
use super::second::{Half, Offered, Second};
use super::secret::Digest;
use super::session::{Limits, Sessions, Which};
use super::settings::Settings;
use super::token::{self, Token};

/// Users, links and sessions.
#[derive(Debug, Default)]
pub(super) struct State {
    users: BTreeMap<String, Known>,
    links: HashMap<Digest, Link>,
    pub(super) sessions: Sessions,
    /// Whose account is whose, by issuer and subject.
    linked: HashMap<(String, String), String>,
    tokens: BTreeMap<String, token::Known>,
    /// Sign-ins whose password was right, by the digests of what they go on with.
    pub(super) halves: HashMap<Digest, Half>,
    /// What was offered as a second step, by user.
    pub(super) offered: HashMap<String, Offered>,
}

#[derive(Debug)]
struct Known {
    user: User,
    /// Absent until they have set it.
    password: Option<Hash>,
    settings: Settings,
    second: Option<Second>,
}

/// Who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) user: User,
    /// How they want their pages.
    pub(crate) settings: Settings,
    /// Whether they sign in with a second step.
    pub(crate) has_second: bool,
    /// Whether a provider signs them in, whose matter passwords and second steps are.
    pub(crate) is_linked: bool,
}

/// At which a password is set.
#[derive(Clone, Debug)]
struct Link {
    /// Whose; nobody's where the first user is made.
    user: Option<String>,
    until: i64,
}

/// What is done at a link.
#[derive(Clone, Debug)]
pub(crate) enum LinkFor {
    /// The first user is made.
    First,
    /// A user's password is set.
    User(User),
}

impl State {
    /// Applies what was written.
    #[expect(clippy::too_many_lines, reason = "a line for each act")]
    pub(super) fn apply(&mut self, act: &Act) {
        match act {
            Act::LinkMade { link, user, until } => {
                // A new link is the only one of its user.
                self.links.retain(|_, other| other.user != *user);
                let (user, until) = (user.clone(), *until);
                self.links.insert(link.clone(), Link { user, until });
            }
            Act::Added { after } => {
                let known = Known {
                    user: after.clone(),
                    password: None,
                    settings: Settings::default(),
                    second: None,
                };
                self.users.insert(after.id.clone(), known);
            }
            Act::Changed { after, .. } => {
                if let Some(known) = self.users.get_mut(&after.id) {
                    known.user = after.clone();
                }
                if after.disabled {
                    self.sign_out(&after.id);
                }
            }
            Act::PasswordSet { user, hash } => {
                if let Some(known) = self.users.get_mut(user) {
                    known.password = Some(hash.clone());
                }
                let of = |link: &Link| link.user.as_ref().is_none_or(|whose| whose == user);
                self.links.retain(|_, link| !of(link));
                self.sign_out(user);
            }
            Act::SettingsChanged { user, after } => {
                if let Some(known) = self.users.get_mut(user) {
                    known.settings = *after;
                }
            }
            Act::SecondStepSet {
                user,
                secret,
                step,
                spare,
            } => {
                if let Some(known) = self.users.get_mut(user) {
                    known.second = Some(Second {
                        secret: secret.clone(),
                        step: *step,
                        spare: spare.clone(),
                    });
                }
            }
            Act::SecondStepOff { user } => {
                if let Some(known) = self.users.get_mut(user) {
                    known.second = None;
                }
            }
            Act::CodeUsed { user, code } => {
                let known = self.users.get_mut(user);
                if let Some(second) = known.and_then(|known| known.second.as_mut()) {
                    second.used(code);
                }
            }
            Act::Linked {
                user,
                issuer,
                subject,
            } => {
                let whom = (issuer.clone(), subject.clone());
                self.linked.insert(whom, user.clone());
            }
            Act::TokenMade { token, secret } => {
                let known = token::Known {
                    token: token.clone(),
                    secret: secret.clone(),
                    used: None,
                    written: None,
                };
                self.tokens.insert(token.id.clone(), known);
            }
            Act::TokenEnded { token, .. } => {
                self.tokens.remove(token);
            }
            Act::TokenUsed { token, at } => {
                if let Some(known) = self.tokens.get_mut(token) {
                    known.used = known.used.max(Some(*at));
                    known.written = Some(*at);
                }
            }
            Act::Called { .. }
            | Act::SignedIn { .. }
            | Act::SignInRefused { .. }
            | Act::SignedOut { .. }
            | Act::SessionsEnded { .. }
            | Act::Decided { .. }
            | Act::TextsChanged { .. }
            | Act::Undone { .. }
            | Act::Sanctioned { .. }
            | Act::Escalated { .. }
            | Act::Retried { .. }
            | Act::Dropped { .. }
            | Act::Webhook { .. } => {}
        }
    }

    /// Applies what was done before the start. Which session was ended is not written down: all of its person are.
    pub(super) fn replay(&mut self, act: &Act) {
        if let Act::SignedOut { user } | Act::SessionsEnded { user, .. } = act {
            self.sign_out(user);
        }
        self.apply(act);
    }

    fn sign_out(&mut self, user: &str) {
        self.sessions.end(user, &Which::All);
        self.halves.retain(|_, half| half.user != user);
    }

    /// All users, by id.
    pub(super) fn users(&self) -> impl Iterator<Item = &User> {
        self.users.values().map(|known| &known.user)
    }

    /// A user.
    pub(super) fn user(&self, id: &str) -> Option<&User> {
        self.users.get(id).map(|known| &known.user)
    }

    /// A user, with what pages need to know.
    pub(super) fn person(&self, id: &str) -> Option<Person> {
        let known = self.users.get(id)?;
        Some(Person {
            user: known.user.clone(),
            settings: known.settings,
            has_second: known.second.is_some(),
            is_linked: self.is_linked(id),
        })
    }

    /// The tokens of a user, or of everyone.
    pub(super) fn tokens_of(&self, user: Option<&str>) -> Vec<token::Known> {
        let known = self.tokens.values();
        let of = |known: &&token::Known| user.is_none_or(|user| known.token.user == user);
        known.filter(of).cloned().collect()
    }

    /// A token.
    pub(super) fn token(&self, id: &str) -> Option<&Token> {
        self.tokens.get(id).map(|known| &known.token)
    }

    /// The token of a secret with its person, if both may be used; it counts as used now.
    pub(super) fn used(&mut self, secret: &Digest, now: i64) -> Option<(token::Known, User)> {
        let mut known = self.tokens.values_mut();
        let known = known.find(|known| known.secret == *secret)?;
        let user = self.users.get(&known.token.user)?.user.clone();
        if user.disabled || now >= known.token.until {
            return None;
        }
        let before = known.clone();
        known.used = Some(now);
        Some((before, user))
    }

    /// The account of somebody whom a provider knows.
    pub(super) fn linked(&self, issuer: &str, subject: &str) -> Option<&User> {
        let whom = (issuer.to_owned(), subject.to_owned());
        self.user(self.linked.get(&whom)?)
    }

    /// Whether a provider signs a user in.
    pub(super) fn is_linked(&self, id: &str) -> bool {
        self.linked.values().any(|user| user == id)
    }

    /// A user's second step.
    pub(super) fn second(&self, id: &str) -> Option<&Second> {
        self.users.get(id)?.second.as_ref()
    }

    /// Whose sign-in waits for a code; this counts as a try, of which there are some.
    pub(super) fn half(&mut self, half: &Digest, now: i64, tries: u32) -> Option<String> {
        let found = self.halves.get_mut(half)?;
        found.tries += 1;
        if now >= found.until || found.tries > tries {
            self.halves.remove(half);
            return None;
        }
        Some(found.user.clone())
    }

    /// The hash of a user's password.
    pub(super) fn password(&self, id: &str) -> Option<&Hash> {
        self.users.get(id)?.password.as_ref()
    }

    /// Whether others than this user could still change accounts.
    pub(super) fn has_other_admin(&self, id: &str) -> bool {
        self.users()
            .any(|user| user.id != id && user.role == Role::Admin && !user.disabled)
    }

    /// What a link is for, if it works.
    pub(super) fn link(&self, link: &Digest, now: i64) -> Option<LinkFor> {
        let link = self.links.get(link).filter(|link| now < link.until)?;
        match &link.user {
            None => self.users.is_empty().then_some(LinkFor::First),
            Some(id) => {
                let user = self.user(id).filter(|user| !user.disabled);
                user.cloned().map(LinkFor::User)
            }
        }
    }

    /// Returns the user of a session that holds, and leaves the session as it is.
    pub(super) fn still(&self, session: &Digest, now: i64, limits: Limits) -> Option<User> {
        let user = self.sessions.holder(session, now, limits)?;
        let known = self.users.get(user)?;
        Some(known.user.clone())
    }
}
