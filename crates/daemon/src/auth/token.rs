//! Tokens as a configuration lists them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Role;
use crate::ConfigError;
use crate::config::Secret;

/// A shorter token could be guessed.
const MIN_SECRET_CHARS: usize = 16;

/// One of the `[[tokens]]` of a configuration.
///
/// The token is given by its `sha256` (so that the file holds no secret) or by a `secret`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenConfig {
    /// Who has the token; unique, and shown in logs and records.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// SHA-256 of the token in hexadecimal, as `printf %s "$TOKEN" | sha256sum` prints it.
    #[serde(default)]
    pub sha256: Option<String>,
    /// The token itself, best as `{ file = "/run/secrets/…" }`; at least 16 characters.
    #[serde(default)]
    pub secret: Option<Secret>,
    /// The sites it is for; `["*"]` for all.
    pub sites: Vec<String>,
    /// Whether it may act for a person, as the console does for who is signed in there: see [`super::behalf`].
    #[serde(default)]
    pub on_behalf: bool,
}

impl TokenConfig {
    /// A token given by its secret, for all sites; for what a process makes up itself.
    pub fn from_secret(name: impl Into<String>, role: Role, secret: Secret) -> Self {
        Self {
            name: name.into(),
            role,
            sha256: None,
            secret: Some(secret),
            sites: vec!["*".to_owned()],
            on_behalf: false,
        }
    }

    /// The SHA-256 of the token; `index` is its place in the list, for the error.
    pub(super) fn digest(&self, index: usize) -> Result<[u8; 32], ConfigError> {
        let invalid = |key: &str, message: &str| {
            Err(ConfigError::invalid(
                format!("tokens[{index}]{key}"),
                message,
            ))
        };
        match (&self.sha256, &self.secret) {
            (Some(hex), None) => match from_hex(hex) {
                Some(digest) => Ok(digest),
                None => invalid(".sha256", "expected 64 hexadecimal digits"),
            },
            (None, Some(secret)) => {
                let text = secret.expose();
                let visible = text.chars().all(|c| c.is_ascii_graphic());
                if text.len() < MIN_SECRET_CHARS || !visible {
                    return invalid(
                        ".secret",
                        "expected at least 16 visible ASCII characters, without spaces",
                    );
                }
                Ok(Sha256::digest(text.as_bytes()).into())
            }
            _ => invalid("", "expected one of `sha256` and `secret`"),
        }
    }
}

pub(super) fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != digest.len() || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
        let high = char::from(*high).to_digit(16)?;
        let low = char::from(*low).to_digit(16)?;
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some(digest)
}

/// The sites that a token is for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Sites {
    /// Every site, also those to come.
    All,
    /// These sites.
    Only(Arc<[String]>),
}

impl Sites {
    pub(super) fn new(sites: &[String], index: usize) -> Result<Self, ConfigError> {
        match sites {
            [] => Err(ConfigError::invalid(
                format!("tokens[{index}].sites"),
                "name the sites that the token is for, or [\"*\"] for all",
            )),
            [all] if all == "*" => Ok(Self::All),
            _ if sites.iter().any(|site| site == "*" || site.is_empty()) => {
                Err(ConfigError::invalid(
                    format!("tokens[{index}].sites"),
                    "expected names of sites, or \"*\" alone",
                ))
            }
            _ => Ok(Self::Only(sites.into())),
        }
    }

    /// The sites that are among these and among others.
    pub(super) fn both(&self, others: &Self) -> Self {
        match (self, others) {
            (Self::All, sites) | (sites, Self::All) => sites.clone(),
            (Self::Only(sites), _) => {
                let both = sites.iter().filter(|site| others.contain(site));
                Self::Only(both.cloned().collect())
            }
        }
    }

    /// Whether a site is one of them.
    pub fn contain(&self, site: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(sites) => sites.iter().any(|known| known == site),
        }
    }
}
