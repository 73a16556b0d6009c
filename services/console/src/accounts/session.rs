//! Who is signed in. Sessions are in memory alone while the console runs.

use std::collections::HashMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::secret::Digest;

/// Characters of a session's id.
const ID: usize = 16;

/// How long sessions last, in microseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) idle: i64,
    pub(super) longest: i64,
}

/// Someone who is signed in with a browser.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Session {
    /// Names it to its person; it opens nothing.
    pub(crate) id: String,
    /// Whose it is.
    pub(crate) user: String,
    /// When it was opened, and when a request came last, in microseconds since 1970.
    pub(crate) opened: i64,
    pub(crate) seen: i64,
    /// Where it was opened.
    pub(crate) from: Option<IpAddr>,
    /// The browser that opened it.
    pub(crate) browser: String,
}

impl Session {
    fn holds(&self, now: i64, limits: Limits) -> bool {
        now < self.seen + limits.idle && now < self.opened + limits.longest
    }
}

/// Which sessions of a person are ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// The one with this id.
    One(String),
    /// All but the one of this secret's digest.
    Others(Digest),
    /// All.
    All,
}

/// All sessions, by the digests of their secrets.
#[derive(Debug, Default)]
pub(super) struct Sessions(HashMap<Digest, Session>);

impl FromIterator<(Digest, Session)> for Sessions {
    fn from_iter<I: IntoIterator<Item = (Digest, Session)>>(sessions: I) -> Self {
        Self(sessions.into_iter().collect())
    }
}

impl Sessions {
    /// All of them.
    pub(super) fn all(&self) -> Vec<(Digest, Session)> {
        let all = self.0.iter();
        all.map(|(secret, session)| (secret.clone(), session.clone()))
            .collect()
    }

    /// Opens a session, and forgets those that are over.
    pub(super) fn open(&mut self, secret: Digest, mut session: Session, limits: Limits) {
        let now = session.opened;
        self.0.retain(|_, other| other.holds(now, limits));
        session.id = secret.to_string().chars().take(ID).collect();
        self.0.insert(secret, session);
    }

    /// The session of a secret; it counts as seen now.
    pub(super) fn seen(&mut self, secret: &Digest, now: i64, limits: Limits) -> Option<&Session> {
        let found = self.0.get(secret)?;
        if !found.holds(now, limits) {
            self.0.remove(secret);
            return None;
        }
        let found = self.0.get_mut(secret)?;
        found.seen = now;
        Some(found)
    }

    /// Whose session a secret is of; it is left as it is.
    pub(super) fn holder(&self, secret: &Digest, now: i64, limits: Limits) -> Option<&str> {
        let found = self.0.get(secret)?;
        found.holds(now, limits).then_some(&found.user)
    }

    /// Ends a session.
    pub(super) fn close(&mut self, secret: &Digest) {
        self.0.remove(secret);
    }

    /// Ends sessions of a person; says how many.
    pub(super) fn end(&mut self, user: &str, which: &Which) -> usize {
        let before = self.0.len();
        self.0.retain(|secret, session| {
            let is_ended = match which {
                Which::One(id) => session.id == *id,
                Which::Others(own) => secret != own,
                Which::All => true,
            };
            session.user != user || !is_ended
        });
        before - self.0.len()
    }

    /// The sessions of a person, the one that was used last first.
    pub(super) fn of(&self, user: &str, now: i64, limits: Limits) -> Vec<Session> {
        let theirs = self.0.values();
        let theirs = theirs.filter(|one| one.user == user && one.holds(now, limits));
        let mut theirs: Vec<Session> = theirs.cloned().collect();
        theirs.sort_by_key(|one| (std::cmp::Reverse(one.seen), one.id.clone()));
        theirs
    }
}

/// A browser's name out of what it says of itself, as `Firefox, Linux`; the beginning of that if it is unknown.
pub(crate) fn browser(agent: &str) -> String {
    /// Later ones name earlier ones, too.
    const BROWSERS: [(&str, &str); 6] = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser/", "Samsung Internet"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 7] = [
        ("Windows", "Windows"),
        ("Android", "Android"),
        ("iPhone", "iOS"),
        ("iPad", "iPadOS"),
        ("CrOS", "ChromeOS"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    /// Characters of one that is not known.
    const MAX: usize = 40;

    let find = |known: &[(&str, &'static str)]| {
        let mut known = known.iter();
        let found = known.find(|(sign, _)| agent.contains(sign));
        found.map(|(_, name)| *name)
    };
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser}, {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, _) => {
            let visible = agent.chars().filter(|c| c.is_ascii_graphic() || *c == ' ');
            visible.take(MAX).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_named_shortly() {
        let long = "x".repeat(1000);
        for (agent, name) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
                "Firefox, Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
                "Edge, Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 \
                 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
                "Safari, iOS",
            ),
            ("curl/8.5.0", "curl/8.5.0"),
            ("<b>\u{202e}\u{7}é", "<b>"),
            (&long, &"x".repeat(40)),
            ("", ""),
        ] {
            assert_eq!(browser(agent), name, "{agent}");
        }
    }
}
