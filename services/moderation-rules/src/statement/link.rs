//! Links by which authors appeal without an account here.
//!
//! A link names a decision and when it ends, and a code over these and the comment, which nobody
//! can make without the key: HMAC-SHA-256 (RFC 2104). A link is for one decision, and says nothing
//! to who reads it.

use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use stoa_daemon::config::Secret;

use crate::view::decision_key;

/// The file of the key.
const FILE: &str = "appeals.key";
/// What the code is for, so that it is good for nothing else.
const PURPOSE: &str = "stoa appeal 1";

/// Makes links, and tells those that it made from others.
pub(crate) struct Links {
    /// The code so far: that of nothing.
    code: Hmac<Sha256>,
    /// What links begin with.
    base: String,
    /// How long they hold, in microseconds.
    within: i64,
}

impl std::fmt::Debug for Links {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Links")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

/// A link, taken apart and not proven yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    /// The decision, by [`decision_key`].
    pub(crate) decision: [u8; 16],
    /// Until when it holds, in seconds since 1970.
    pub(crate) until: i64,
    code: [u8; 32],
}

impl Links {
    /// Begins with the key that is given, or with that of a data folder, where one is made if there is none.
    pub(crate) fn open(
        given: Option<&Secret>,
        dir: &Path,
        base: &str,
        within: std::time::Duration,
    ) -> anyhow::Result<Self> {
        let key = match given {
            Some(given) => key(given.expose()).context("review.appeals.key is no key")?,
            None => own(dir)?,
        };
        Ok(Self {
            code: Hmac::new_from_slice(&key)?,
            base: base.trim_end_matches('/').to_owned(),
            within: i64::try_from(within.as_micros()).unwrap_or(i64::MAX),
        })
    }

    /// Makes the link for a decision.
    pub(crate) fn url(&self, site: &str, comment: &str, decision: &str, at: i64) -> Option<String> {
        let key = decision_key(decision)?;
        let until = at.saturating_add(self.within) / 1_000_000;
        let mut token = Vec::with_capacity(56);
        token.extend(key);
        token.extend(until.to_be_bytes());
        token.extend(
            self.code(site, comment, &key, until)
                .finalize()
                .into_bytes(),
        );
        let token = URL_SAFE_NO_PAD.encode(token);
        Some(format!("{}/v1/appeals/{token}", self.base))
    }

    /// Takes a link's token apart.
    pub(crate) fn read(token: &str) -> Option<Opened> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (decision, rest) = bytes.split_first_chunk::<16>()?;
        let (until, code) = rest.split_first_chunk::<8>()?;
        Some(Opened {
            decision: *decision,
            until: i64::from_be_bytes(*until),
            code: code.try_into().ok()?,
        })
    }

    /// Tells whether a link was made here, for a decision about this comment.
    pub(crate) fn made(&self, opened: &Opened, site: &str, comment: &str) -> bool {
        let code = self.code(site, comment, &opened.decision, opened.until);
        code.verify_slice(&opened.code).is_ok()
    }

    fn code(&self, site: &str, comment: &str, decision: &[u8; 16], until: i64) -> Hmac<Sha256> {
        let mut code = self.code.clone();
        for part in [
            PURPOSE.as_bytes(),
            site.as_bytes(),
            comment.as_bytes(),
            decision,
        ] {
            code.update(&(part.len() as u64).to_be_bytes());
            code.update(part);
        }
        code.update(&until.to_be_bytes());
        code
    }
}

/// Reads a key: 32 bytes in base64, of either alphabet.
pub(crate) fn key(text: &str) -> Option<[u8; 32]> {
    let text = text.trim().trim_end_matches('=');
    let text = text.replace('+', "-").replace('/', "_");
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// Reads the key of a data folder, or makes one there.
fn own(dir: &Path) -> anyhow::Result<[u8; 32]> {
    let path = dir.join(FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let key: [u8; 32] = rand::random();
            let text = URL_SAFE_NO_PAD.encode(key);
            write(dir, &path, &text).with_context(|| format!("cannot write {}", path.display()))?;
            text
        }
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", path.display()));
        }
    };
    key(&text).with_context(|| {
        format!(
            "{} holds no key: delete it to have another one, and links end that were made",
            path.display()
        )
    })
}

/// Writes the key where nobody else reads it, whole or not at all.
fn write(dir: &Path, path: &Path, text: &str) -> std::io::Result<()> {
    let new = path.with_extension("new");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    std::fs::File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const DECISION: &str = "d-52ca41a12153b6f2c830dc7128a76379";
    const HALF_A_YEAR: std::time::Duration = std::time::Duration::from_hours(183 * 24);

    fn links(dir: &Path) -> Links {
        Links::open(None, dir, "https://talk.example/", HALF_A_YEAR).unwrap()
    }

    fn token(links: &Links) -> String {
        let url = links.url("courrier", "c-1", DECISION, 1_000_000).unwrap();
        let token = url.strip_prefix("https://talk.example/v1/appeals/");
        token.unwrap().to_owned()
    }

    #[test]
    fn a_link_is_for_one_decision_about_one_comment() {
        let dir = tempfile::tempdir().unwrap();
        let own = links(dir.path());
        let token = token(&own);
        let opened = Links::read(&token).unwrap();
        assert_eq!(Some(opened.decision), decision_key(DECISION));
        assert_eq!(opened.until, 1 + 183 * 86_400);
        assert!(own.made(&opened, "courrier", "c-1"));
        assert!(!own.made(&opened, "courrier", "c-2"));
        assert!(!own.made(&opened, "elsewhere", "c-1"));
        let later = Opened {
            until: opened.until + 1,
            ..opened
        };
        assert!(!own.made(&later, "courrier", "c-1"));
        for wrong in [
            "",
            "A",
            "ä",
            token.get(1..).unwrap(),
            &format!("{token}A"),
            &format!("{token}="),
        ] {
            assert_eq!(Links::read(wrong), None, "{wrong}");
        }
        // The key is kept, for its owner alone; another folder has another one.
        assert!(links(dir.path()).made(&opened, "courrier", "c-1"));
        let mode = dir
            .path()
            .join(FILE)
            .metadata()
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        let other = tempfile::tempdir().unwrap();
        assert!(!links(other.path()).made(&opened, "courrier", "c-1"));
        std::fs::write(dir.path().join(FILE), "short").unwrap();
        let broken = Links::open(None, dir.path(), "", HALF_A_YEAR);
        assert!(broken.unwrap_err().to_string().contains("delete it"));
    }

    #[test]
    fn a_key_that_is_given_is_shared_and_none_is_made() {
        let dir = tempfile::tempdir().unwrap();
        let open = |key: &str| {
            let base = "https://talk.example";
            Links::open(Some(&Secret::new(key)), dir.path(), base, HALF_A_YEAR)
        };
        let padded = "-_".repeat(21) + "8=\n";
        let first = open(&padded).unwrap();
        let second = open(&padded.replace('-', "+").replace('_', "/")).unwrap();
        let opened = Links::read(&token(&first)).unwrap();
        assert!(second.made(&opened, "courrier", "c-1"));
        assert!(!links(dir.path()).made(&opened, "courrier", "c-1"));
        std::fs::remove_file(dir.path().join(FILE)).unwrap();
        assert!(open("short").is_err());
        assert!(!dir.path().join(FILE).exists());
    }
}
