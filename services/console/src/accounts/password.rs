//! Passwords: which are taken, and how they are kept.

use argon2::{Algorithm, Argon2, Params, Version};
use rand::RngExt as _;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

/// Characters of a password, at least and at most.
pub(crate) const CHARS: std::ops::RangeInclusive<usize> = 8..=128;

/// Passwords that are tried first, one a line, in small letters.
const COMMON: &str = include_str!("../../assets/common-passwords.txt");

/// Memory in KiB, rounds and lanes of a new hash: what OWASP asks of argon2id at least.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);

/// A password as it is kept: argon2id with its cost and salt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hash {
    memory_kib: u32,
    rounds: u32,
    lanes: u32,
    salt: [u8; 16],
    argon2id: [u8; 32],
}

impl Hash {
    /// Hashes a password; it takes tens of milliseconds and 19 MiB.
    pub(crate) fn new(password: &str) -> anyhow::Result<Self> {
        let salt: [u8; 16] = rand::rng().random();
        Ok(Self {
            memory_kib: COST.0,
            rounds: COST.1,
            lanes: COST.2,
            argon2id: argon2id(password, &salt, COST)?,
            salt,
        })
    }

    /// Whether it is this password; it takes as long as hashing.
    pub(crate) fn is(&self, password: &str) -> anyhow::Result<bool> {
        let cost = (self.memory_kib, self.rounds, self.lanes);
        let found = argon2id(password, &self.salt, cost)?;
        Ok(found.ct_eq(&self.argon2id).into())
    }
}

fn argon2id(
    password: &str,
    salt: &[u8],
    (memory, rounds, lanes): (u32, u32, u32),
) -> anyhow::Result<[u8; 32]> {
    let params = Params::new(memory, rounds, lanes, None);
    let params = params.map_err(|error| anyhow::anyhow!("argon2 can't work so: {error}"))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut hash = [0; 32];
    argon2
        .hash_password_into(password.as_bytes(), salt, &mut hash)
        .map_err(|error| anyhow::anyhow!("argon2 failed: {error}"))?;
    Ok(hash)
}

/// Says why a new password is not taken, as the id of a text.
pub(crate) fn refuse(password: &str, user: &str) -> Option<&'static str> {
    let small = password.to_lowercase();
    let mut chars = small.chars();
    let first = chars.next();
    if !CHARS.contains(&password.chars().count()) {
        Some("password-length")
    } else if COMMON.lines().any(|common| common == small) {
        Some("password-common")
    } else if chars.all(|c| Some(c) == first) || small.contains(&user.to_lowercase()) {
        Some("password-easy")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_knows_its_password_and_no_other() {
        let hash = Hash::new("eleven green tables").unwrap();
        assert!(hash.is("eleven green tables").unwrap());
        assert!(!hash.is("eleven green table").unwrap());
        assert_ne!(hash, Hash::new("eleven green tables").unwrap());
    }

    #[test]
    fn passwords_that_are_guessed_first_are_refused() {
        for (password, refused) in [
            ("short77", true),
            (&"é".repeat(129), true),
            ("password1", true),
            ("PassWord1", true),
            ("xxxxxxxxxxxx", true),
            ("zoe-is-the-best", true),
            ("eleven green tables", false),
            (&"éa".repeat(64), false),
            ("8 chars.", false),
        ] {
            assert_eq!(refuse(password, "zoe").is_some(), refused, "{password}");
        }
    }
}
