//! The second step of signing in: a code of an authenticator (RFC 6238), or one of ten that work once.

use anyhow::anyhow;
use rand::RngExt as _;
use serde::{Deserialize, Serialize};
use totp_rs::{Builder, Secret, Totp};

use super::entry::{Act, Origin};
use super::seal::Sealed;
use super::secret::{Digest, random};
use super::{Accounts, Refused};

/// Codes that stand in for the authenticator.
const SPARE: usize = 10;
/// How long a sign-in waits for its code, and an offered secret for its first one, in microseconds.
const WAITS: i64 = 10 * 60 * 1_000_000;
/// Codes that are tried at a sign-in before the password is asked for again.
const TRIES: u32 = 5;
/// What authenticators show beside the name.
const ISSUER: &str = "Stoa";

/// A person's second step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Second {
    pub(super) secret: Sealed,
    /// The step of time whose code was used last: it and those before it count no more.
    pub(super) step: u64,
    /// The codes that stand in for the authenticator and were not used.
    pub(super) spare: Vec<Digest>,
}

/// A code that was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Code {
    /// The authenticator's, of this step of time.
    Step(u64),
    /// One of those that stand in for it.
    Spare(Digest),
}

impl Second {
    /// Applies that a code was used.
    pub(super) fn used(&mut self, code: &Code) {
        match code {
            Code::Step(step) => self.step = *step,
            Code::Spare(spare) => self.spare.retain(|other| other != spare),
        }
    }
}

/// A sign-in whose password was right.
#[derive(Clone, Debug)]
pub(super) struct Half {
    pub(super) user: String,
    pub(super) until: i64,
    pub(super) tries: u32,
}

/// A secret that was offered to somebody, until it is confirmed by a code.
#[derive(Clone, Debug)]
pub(super) struct Offered {
    secret: [u8; 20],
    until: i64,
}

/// What an authenticator is set up with.
#[derive(Debug)]
pub(crate) struct Offer {
    /// For typing.
    pub(crate) secret: String,
    /// For its camera.
    pub(crate) uri: String,
}

fn totp(secret: &[u8], user: &str) -> anyhow::Result<Totp> {
    let builder = Builder::new()
        .with_secret(Secret::from(secret))
        .with_account_name(user)
        .with_issuer(Some(ISSUER));
    builder.build().map_err(|error| anyhow!("no TOTP: {error}"))
}

/// Makes the codes that stand in for an authenticator: 80 random bits each, in four groups.
fn spare() -> (Vec<String>, Vec<Digest>) {
    let codes: Vec<String> = (0..SPARE).map(|_| group(&random())).collect();
    let digests = codes.iter().map(|code| Digest::of(&plain(code))).collect();
    (codes, digests)
}

fn group(code: &str) -> String {
    let chars: Vec<char> = code.chars().take(20).collect();
    let groups: Vec<String> = chars
        .chunks(5)
        .map(|chunk| chunk.iter().collect())
        .collect();
    groups.join("-")
}

/// A code as it is compared, however it was typed.
fn plain(code: &str) -> String {
    let chars = code.chars().filter(char::is_ascii_alphanumeric);
    chars.map(|c| c.to_ascii_lowercase()).collect()
}

impl Accounts {
    /// What somebody's authenticator is to be set up with; the same for some minutes.
    pub(crate) fn offer(&self, user: &str) -> anyhow::Result<Offer> {
        let now = self.0.clock.micros();
        let mut state = self.state();
        state.offered.retain(|_, offered| now < offered.until);
        let fresh = || Offered {
            secret: rand::rng().random(),
            until: now + WAITS,
        };
        let offered = state.offered.entry(user.to_owned()).or_insert_with(fresh);
        let totp = totp(&offered.secret, user)?;
        Ok(Offer {
            secret: totp.secret().to_base32(),
            uri: totp
                .to_url()
                .map_err(|error| anyhow!("no address: {error}"))?,
        })
    }

    /// Sets up what was offered to somebody, confirmed by its first code; returns the codes that stand in for it.
    pub(crate) async fn confirm(
        &self,
        origin: &Origin,
        user: &str,
        code: &str,
    ) -> Result<Vec<String>, Refused> {
        self.admit(origin.from)?;
        let now = self.0.clock.micros();
        let offered = self.state().offered.get(user).cloned();
        let offered = offered.filter(|offered| now < offered.until);
        let offered = offered.ok_or(Refused::Said("second-step-late"))?;
        let step = self.step(&offered.secret, user, code, 0)?;
        let step = step.ok_or(Refused::Said("second-step-wrong"))?;
        let (codes, spare) = spare();
        let secret = self.0.seal.seal(user, &offered.secret)?;
        let user = user.to_owned();
        let _writing = self.0.writing.lock().await;
        self.state().offered.remove(&user);
        let set = Act::SecondStepSet {
            user,
            secret,
            step,
            spare,
        };
        self.write(origin, vec![set]).await?;
        Ok(codes)
    }

    /// Which step of time a code is of, if it is right and later than one.
    fn step(
        &self,
        secret: &[u8],
        user: &str,
        code: &str,
        after: u64,
    ) -> anyhow::Result<Option<u64>> {
        let seconds = u64::try_from(self.0.clock.now().as_second())?;
        let step = totp(secret, user)?.check(&plain(code), seconds);
        Ok(step.filter(|step| *step > after))
    }

    /// Which of somebody's codes this is, if it is one that still counts.
    fn code(&self, user: &str, code: &str) -> anyhow::Result<Option<Code>> {
        let Some(second) = self.state().second(user).cloned() else {
            return Ok(None);
        };
        let spare = Digest::of(&plain(code));
        if second.spare.contains(&spare) {
            return Ok(Some(Code::Spare(spare)));
        }
        let secret = self.0.seal.unseal(user, &second.secret)?;
        let step = self.step(&secret, user, code, second.step)?;
        Ok(step.map(Code::Step))
    }

    /// Ends a sign-in whose password was right with a code.
    pub(crate) async fn enter(
        &self,
        origin: &Origin,
        agent: &str,
        half: &str,
        code: &str,
    ) -> Result<String, Refused> {
        self.admit(origin.from)?;
        let half = Digest::of(half);
        let _writing = self.0.writing.lock().await;
        let user = self.state().half(&half, self.0.clock.micros(), TRIES);
        let user = user.ok_or(Refused::Said("second-step-late"))?;
        let Some(code) = self.code(&user, code)? else {
            let refused = Act::SignInRefused { user: Some(user) };
            self.write(origin, vec![refused]).await?;
            return Err(Refused::Said("second-step-wrong"));
        };
        let mut origin = origin.clone();
        origin.by = Some(user.clone());
        let counted = Act::CodeUsed {
            user: user.clone(),
            code,
        };
        let signed_in = Act::SignedIn { user: user.clone() };
        self.write(&origin, vec![counted, signed_in]).await?;
        self.state().halves.remove(&half);
        Ok(self.session_for(&origin, agent, user))
    }

    /// Takes the second step of somebody away, who gives a code of it.
    pub(crate) async fn turn_off(
        &self,
        origin: &Origin,
        user: &str,
        code: &str,
    ) -> Result<(), Refused> {
        self.admit(origin.from)?;
        let _writing = self.0.writing.lock().await;
        if self.code(user, code)?.is_none() {
            return Err(Refused::Said("second-step-wrong"));
        }
        let user = user.to_owned();
        Ok(self
            .write(origin, vec![Act::SecondStepOff { user }])
            .await?)
    }

    /// Takes the second step of somebody away who has lost it.
    pub(crate) async fn reset(&self, origin: &Origin, user: &str) -> Result<(), Refused> {
        let _writing = self.0.writing.lock().await;
        if self.state().second(user).is_none() {
            return Err(Refused::Said("users-no-second-step"));
        }
        let user = user.to_owned();
        Ok(self
            .write(origin, vec![Act::SecondStepOff { user }])
            .await?)
    }

    /// How many codes somebody has left that stand in for their authenticator; none without a second step.
    pub(crate) fn spare(&self, user: &str) -> Option<usize> {
        let state = self.state();
        Some(state.second(user)?.spare.len())
    }

    /// Has a sign-in wait for its code, if somebody has a second step; returns the secret that it goes on with.
    pub(super) fn wait(&self, user: &str) -> Option<String> {
        let mut state = self.state();
        state.second(user)?;
        let secret = random();
        let now = self.0.clock.micros();
        state.halves.retain(|_, half| now < half.until);
        let half = Half {
            user: user.to_owned(),
            until: now + WAITS,
            tries: 0,
        };
        state.halves.insert(Digest::of(&secret), half);
        Some(secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_rfc() {
        // RFC 6238, appendix B, the last six of its eight digits.
        let secret = b"12345678901234567890";
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            let totp = totp(secret, "zoe").unwrap();
            assert_eq!(totp.check(code, seconds), Some(seconds / 30), "{seconds}");
            assert_eq!(totp.check(code, seconds + 90), None, "{seconds}");
        }
    }

    #[test]
    fn spare_codes_are_taken_however_they_are_typed() {
        let (codes, digests) = spare();
        assert_eq!((codes.len(), digests.len()), (10, 10));
        let typed = format!(" {} ", codes[0].to_uppercase().replace('-', " "));
        assert_eq!(Digest::of(&plain(&typed)), digests[0]);
        assert_eq!(codes[0].len(), 23);
    }
}
