//! Who may sign in, and who is signed in.
//!
//! Each change is an entry of a journal before it counts, so that the journal is the record of who did what. At the
//! start users and links are read from it again. Sessions are in memory, and in a file from an orderly end to the next start.

mod attempts;
mod entry;
mod kept;
mod log;
mod password;
mod provider;
mod seal;
mod second;
mod secret;
mod session;
mod settings;
mod state;
#[cfg(test)]
mod tests;
mod token;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use stoa_daemon::auth::Role;
use stoa_daemon::{Clock, Context};
use stoa_journal::Journal;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::config::Config;

use self::attempts::Attempts;
use self::entry::KIND;
use self::kept::Kept;
use self::log::Verified;
use self::password::Hash;
use self::seal::Seal;
use self::session::Limits;
use self::state::State;

pub(crate) use self::entry::{Act, Entry, Origin, User};
pub(crate) use self::log::{Part, Written};
pub(crate) use self::provider::Claimed;
pub(crate) use self::second::Offer;
pub(crate) use self::secret::{Digest, random};
pub(crate) use self::session::{Session, Which};
pub(crate) use self::settings::{Settings, Theme};
pub(crate) use self::state::{LinkFor, Person};
pub(crate) use self::token::{Caller, MAX_DAYS, PREFIX, Token, Wanted};

/// How long a link works, in microseconds: a day.
const LINK_HOLDS: i64 = 24 * 60 * 60 * 1_000_000;
/// Passwords that are hashed at a time; each takes a processor and 19 MiB.
const HASHED_AT_A_TIME: usize = 2;
/// Bytes of a user's id, and characters of a name.
const MAX_ID: usize = 64;
const MAX_NAME: usize = 100;

/// Why something was not done.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The person has to do it otherwise: the id of a text.
    Said(&'static str),
    /// There were too many attempts: the seconds to wait.
    Wait(u32),
    /// It can't be done now; the cause is for the log.
    Failed(anyhow::Error),
}

/// How far somebody has come in signing in.
#[derive(Debug)]
pub(crate) enum Entered {
    /// They are signed in: the secret of their session.
    Whole(String),
    /// Their code is missing: what they go on with.
    Half(String),
}

impl<E: Into<anyhow::Error>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// The accounts; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Accounts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    journal: Journal,
    state: Mutex<State>,
    /// Held from looking at the state until what follows from that is applied.
    writing: tokio::sync::Mutex<()>,
    attempts: Attempts,
    hashing: Semaphore,
    /// What an unknown user's password is compared with, so that it takes as long as a known one's.
    nobody: Hash,
    limits: Limits,
    seal: Seal,
    /// Where sessions lie from an end to the next start.
    sessions: PathBuf,
    /// What was found when the journal was verified last.
    verified: tokio::sync::Mutex<Option<Verified>>,
    clock: Clock,
    tasks: TaskTracker,
}

impl Accounts {
    /// Opens the journal and reads all of it.
    pub(crate) async fn open(config: &Config, context: &Context) -> anyhow::Result<Self> {
        let dir = config.data_dir.join("journal");
        let options = stoa_journal::Options {
            segment_bytes: config.journal.segment.get(),
            reserve_bytes: config.journal.reserve.get(),
            ..stoa_journal::Options::default()
        };
        let key = config.data_dir.join("key");
        let sessions = kept::path(&config.data_dir);
        let kept_at = sessions.clone();
        let clock = context.clock.micros_fn();
        let read = move || {
            let journal = Journal::open(&dir, options, clock)?.journal;
            journal.never_trimmed()?;
            let mut state = State::default();
            let mut kept = kept::take(&kept_at);
            for record in journal.iter(0) {
                let record = record?;
                Kept::restore(&mut kept, record.seq, &mut state);
                if record.kind == KIND {
                    let entry: Entry = serde_json::from_slice(&record.payload)?;
                    state.replay(&entry.act);
                }
            }
            Kept::restore(&mut kept, journal.next(), &mut state);
            anyhow::Ok((journal, state, Hash::new(&random())?, Seal::open(&key)?))
        };
        let (journal, state, nobody, seal) = context.tasks.spawn_blocking(read).await??;
        let micros = |duration: stoa_daemon::config::Duration| {
            i64::try_from(duration.get().as_micros()).unwrap_or(i64::MAX)
        };
        Ok(Self(Arc::new(Inner {
            journal,
            state: Mutex::new(state),
            writing: tokio::sync::Mutex::default(),
            attempts: Attempts::default(),
            hashing: Semaphore::new(HASHED_AT_A_TIME),
            nobody,
            limits: Limits {
                idle: micros(config.sessions.idle),
                longest: micros(config.sessions.longest),
            },
            seal,
            sessions,
            verified: tokio::sync::Mutex::default(),
            clock: context.clock.clone(),
            tasks: context.tasks.clone(),
        })))
    }

    /// Tells whether there is room on the disk for what comes next.
    pub(crate) fn room(&self) -> Result<(), stoa_journal::Error> {
        self.0.journal.room()
    }

    /// Returns when the check in the background found damage in the journal.
    pub(crate) async fn damaged(&self) -> stoa_journal::Error {
        self.0.journal.damaged(self.0.clock.micros_fn()).await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down what was done; it counts once it is on the disk.
    async fn write(&self, origin: &Origin, acts: Vec<Act>) -> anyhow::Result<()> {
        let mut entries = Vec::with_capacity(acts.len());
        for act in &acts {
            let (origin, act) = (origin.clone(), act.clone());
            let payload = Bytes::from(serde_json::to_vec(&Entry { origin, act })?);
            let kind = KIND;
            entries.push(stoa_journal::Entry { kind, payload });
        }
        self.0.journal.append(entries).await?;
        let mut state = self.state();
        for act in &acts {
            state.apply(act);
        }
        Ok(())
    }

    /// Writes down something that changes no account.
    pub(crate) async fn note(&self, origin: &Origin, act: Act) -> anyhow::Result<()> {
        self.note_all(origin, vec![act]).await
    }

    /// Writes down what somebody did elsewhere, in one go.
    pub(crate) async fn note_all(&self, origin: &Origin, acts: Vec<Act>) -> anyhow::Result<()> {
        if acts.is_empty() {
            return Ok(());
        }
        let _writing = self.0.writing.lock().await;
        self.write(origin, acts).await
    }

    /// All users, by id.
    pub(crate) fn users(&self) -> Vec<User> {
        self.state().users().cloned().collect()
    }

    /// Makes the link at which the first user is made; none if there is one already.
    pub(crate) async fn first_link(&self) -> anyhow::Result<Option<String>> {
        let _writing = self.0.writing.lock().await;
        if self.state().users().next().is_some() {
            return Ok(None);
        }
        let (link, made) = self.link_to(None);
        self.write(&Origin::default(), vec![made]).await?;
        Ok(Some(link))
    }

    fn link_to(&self, user: Option<String>) -> (String, Act) {
        let link = random();
        let made = Act::LinkMade {
            link: Digest::of(&link),
            user,
            until: self.0.clock.micros() + LINK_HOLDS,
        };
        (link, made)
    }

    /// What a link is for, if it works.
    pub(crate) fn link(&self, link: &str) -> Option<LinkFor> {
        let now = self.0.clock.micros();
        self.state().link(&Digest::of(link), now)
    }

    /// Sets a password at a link, and makes the first user `new` there if that is what the link is for.
    ///
    /// Returns the user's id.
    pub(crate) async fn set_up(
        &self,
        origin: &Origin,
        link: &str,
        new: Option<(String, String)>,
        password: String,
    ) -> Result<String, Refused> {
        const DEAD: Refused = Refused::Said("set-up-dead");

        let user = match (self.link(link).ok_or(DEAD)?, new) {
            (LinkFor::User(user), _) => user,
            (LinkFor::First, Some((id, name))) => checked(User {
                id,
                name,
                role: Role::Admin,
                sites: vec!["*".to_owned()],
                disabled: false,
            })?,
            (LinkFor::First, None) => {
                return Err(Refused::Said("set-up-no-name"));
            }
        };
        let hash = self.hash(password, &user.id).await?;
        let _writing = self.0.writing.lock().await;
        // Somebody else may have used the link meanwhile.
        let known = self.link(link).ok_or(DEAD)?;
        let id = user.id.clone();
        let mut origin = origin.clone();
        origin.by = Some(id.clone());
        let mut acts = Vec::new();
        if matches!(known, LinkFor::First) {
            acts.push(Act::Added { after: user });
        }
        let user = id.clone();
        acts.push(Act::PasswordSet { user, hash });
        self.write(&origin, acts).await?;
        Ok(id)
    }

    async fn hash(&self, password: String, user: &str) -> Result<Hash, Refused> {
        if let Some(refused) = password::refuse(&password, user) {
            return Err(Refused::Said(refused));
        }
        let _permit = self.0.hashing.acquire().await?;
        let hashing = self.0.tasks.spawn_blocking(move || Hash::new(&password));
        Ok(hashing.await??)
    }

    /// The hash of a user's password if it is this one; it takes as long where there is no such user.
    async fn matching(&self, id: &str, password: String) -> Result<Option<Hash>, Refused> {
        let hash = self.state().password(id).cloned();
        let is_known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.0.nobody.clone());
        let _permit = self.0.hashing.acquire().await?;
        let compare = move || anyhow::Ok(hash.is(&password)?.then_some(hash));
        let found = self.0.tasks.spawn_blocking(compare).await??;
        Ok(found.filter(|_| is_known))
    }

    /// Counts an attempt to give a password.
    fn admit(&self, from: Option<IpAddr>) -> Result<(), Refused> {
        let from = from.unwrap_or(IpAddr::from([0, 0, 0, 0]));
        let admitted = self.0.attempts.admit(from, self.0.clock.micros());
        admitted.map_err(Refused::Wait)
    }

    /// Signs someone in with a browser, which says `agent` of itself; who has a second step is asked for its code.
    pub(crate) async fn sign_in(
        &self,
        origin: &Origin,
        agent: &str,
        id: &str,
        password: String,
    ) -> Result<Entered, Refused> {
        self.admit(origin.from)?;
        let found = self.matching(id, password).await?;
        let _writing = self.0.writing.lock().await;
        // It may have been changed meanwhile.
        let is_right = found.is_some() && self.state().password(id) == found.as_ref();
        let user = self.state().user(id).cloned();
        match user {
            Some(user) if is_right && !user.disabled => {
                if let Some(half) = self.wait(&user.id) {
                    return Ok(Entered::Half(half));
                }
                let mut origin = origin.clone();
                origin.by = Some(user.id.clone());
                let signed_in = Act::SignedIn {
                    user: user.id.clone(),
                };
                self.write(&origin, vec![signed_in]).await?;
                Ok(Entered::Whole(self.session_for(&origin, agent, user.id)))
            }
            user => {
                let user = user.map(|user| user.id);
                self.write(origin, vec![Act::SignInRefused { user }])
                    .await?;
                Err(Refused::Said("sign-in-wrong"))
            }
        }
    }

    /// Who is still signed in by a session: asking is no request of theirs.
    pub(crate) fn still(&self, session: &str) -> Option<User> {
        let now = self.0.clock.micros();
        let state = self.state();
        state.still(&Digest::of(session), now, self.0.limits)
    }

    /// Opens a session; returns its secret.
    fn session_for(&self, origin: &Origin, agent: &str, user: String) -> String {
        let secret = random();
        let now = self.0.clock.micros();
        let session = Session {
            id: String::new(),
            user,
            opened: now,
            seen: now,
            from: origin.from,
            browser: session::browser(agent),
        };
        let mut state = self.state();
        let limits = self.0.limits;
        state.sessions.open(Digest::of(&secret), session, limits);
        secret
    }

    /// Who is signed in with a session.
    pub(crate) fn signed_in(&self, session: &str) -> Option<Person> {
        let now = self.0.clock.micros();
        let mut state = self.state();
        let secret = Digest::of(session);
        let found = state.sessions.seen(&secret, now, self.0.limits)?;
        let user = found.user.clone();
        state.person(&user)
    }

    /// Changes how a person wants their pages.
    pub(crate) async fn set(
        &self,
        origin: &Origin,
        user: &User,
        after: Settings,
    ) -> Result<(), Refused> {
        let user = user.id.clone();
        Ok(self
            .note(origin, Act::SettingsChanged { user, after })
            .await?)
    }

    /// Ends a session.
    pub(crate) async fn sign_out(&self, origin: &Origin, session: &str) -> anyhow::Result<()> {
        self.state().sessions.close(&Digest::of(session));
        let user = origin.by.clone().unwrap_or_default();
        self.note(origin, Act::SignedOut { user }).await
    }

    /// The sessions of a person, the one that was used last first.
    pub(crate) fn sessions(&self, user: &str) -> Vec<Session> {
        let now = self.0.clock.micros();
        self.state().sessions.of(user, now, self.0.limits)
    }

    /// Ends sessions of a person.
    pub(crate) async fn end_sessions(
        &self,
        origin: &Origin,
        user: &str,
        which: &Which,
    ) -> anyhow::Result<usize> {
        let n = self.state().sessions.end(user, which);
        if n > 0 {
            let user = user.to_owned();
            self.note(origin, Act::SessionsEnded { user, n }).await?;
        }
        Ok(n)
    }

    /// Changes the password of who is signed in, and ends all their sessions.
    pub(crate) async fn change_password(
        &self,
        origin: &Origin,
        user: &User,
        current: String,
        new: String,
    ) -> Result<(), Refused> {
        self.admit(origin.from)?;
        if self.matching(&user.id, current).await?.is_none() {
            return Err(Refused::Said("account-current-wrong"));
        }
        let hash = self.hash(new, &user.id).await?;
        let user = user.id.clone();
        Ok(self.note(origin, Act::PasswordSet { user, hash }).await?)
    }

    /// Adds a user; returns the link at which they set their password.
    pub(crate) async fn add(&self, origin: &Origin, user: User) -> Result<String, Refused> {
        let after = checked(user)?;
        let _writing = self.0.writing.lock().await;
        if self.state().user(&after.id).is_some() {
            return Err(Refused::Said("users-exists"));
        }
        let (link, made) = self.link_to(Some(after.id.clone()));
        self.write(origin, vec![Act::Added { after }, made]).await?;
        Ok(link)
    }

    /// Changes name, role, sites or whether a user may sign in.
    pub(crate) async fn change(&self, origin: &Origin, user: User) -> Result<(), Refused> {
        let after = checked(user)?;
        let _writing = self.0.writing.lock().await;
        let (before, others) = {
            let state = self.state();
            (
                state.user(&after.id).cloned(),
                state.has_other_admin(&after.id),
            )
        };
        let before = before.ok_or(Refused::Said("users-unknown"))?;
        let is_admin = |user: &User| user.role == Role::Admin && !user.disabled;
        if is_admin(&before) && !is_admin(&after) && !others {
            return Err(Refused::Said("users-last-admin"));
        }
        Ok(self
            .write(origin, vec![Act::Changed { before, after }])
            .await?)
    }

    /// Makes a new link for a user who lost their password.
    pub(crate) async fn link_for(&self, origin: &Origin, id: &str) -> Result<String, Refused> {
        let _writing = self.0.writing.lock().await;
        let known = self.state().user(id).is_some_and(|user| !user.disabled);
        if !known {
            return Err(Refused::Said("users-unknown-or-disabled"));
        }
        if self.state().is_linked(id) {
            return Err(Refused::Said("oidc-no-password"));
        }
        let (link, made) = self.link_to(Some(id.to_owned()));
        self.write(origin, vec![made]).await?;
        Ok(link)
    }
}

/// Checks what is said of a user.
fn checked(user: User) -> Result<User, Refused> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    if !(1..=MAX_ID).contains(&user.id.len()) || !user.id.chars().all(plain) {
        return Err(Refused::Said("users-id-form"));
    }
    let name = user.name.trim();
    if !(1..=MAX_NAME).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(Refused::Said("users-name-form"));
    }
    if user.role == Role::Publisher {
        return Err(Refused::Said("users-publisher"));
    }
    if user.sites.is_empty() || (user.sites.len() > 1 && user.sites.iter().any(|site| site == "*"))
    {
        return Err(Refused::Said("users-sites-form"));
    }
    Ok(User {
        name: name.to_owned(),
        ..user
    })
}
