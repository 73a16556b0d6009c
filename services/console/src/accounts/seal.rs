//! Secrets that have to be read again are sealed with a key that lies beside the journal, not in it.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context as _, ensure};
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use super::secret::keep;

/// Bytes of the key.
const KEY: usize = 32;

/// A sealed secret: AES-256-GCM with a random nonce, bound to whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sealed {
    nonce: [u8; NONCE_LEN],
    sealed: Vec<u8>,
}

/// What seals and opens.
#[derive(Debug)]
pub(super) struct Seal(RandomizedNonceKey);

impl Seal {
    /// Reads the key from a file, or makes both.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let key = match std::fs::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => make(path)?,
            read => read.with_context(|| format!("cannot read {}", path.display()))?,
        };
        ensure!(
            key.len() == KEY,
            "{} is not a key of {KEY} bytes: put back the one that was there",
            path.display()
        );
        Ok(Self(RandomizedNonceKey::new(&AES_256_GCM, &key)?))
    }

    /// Seals a secret of somebody.
    pub(super) fn seal(&self, whose: &str, secret: &[u8]) -> anyhow::Result<Sealed> {
        let mut sealed = secret.to_vec();
        let nonce = self
            .0
            .seal_in_place_append_tag(Aad::from(whose), &mut sealed)?;
        let nonce = *nonce.as_ref();
        Ok(Sealed { nonce, sealed })
    }

    /// Reads a secret of somebody again.
    pub(super) fn unseal(&self, whose: &str, sealed: &Sealed) -> anyhow::Result<Vec<u8>> {
        let mut secret = sealed.sealed.clone();
        let nonce = Nonce::from(&sealed.nonce);
        let plain = self.0.open_in_place(nonce, Aad::from(whose), &mut secret);
        let plain =
            plain.context("a sealed secret can't be read with the key of the data folder")?;
        Ok(plain.to_vec())
    }
}

fn make(path: &Path) -> anyhow::Result<Vec<u8>> {
    let key: [u8; KEY] = rand::rng().random();
    keep(path, &key)?;
    Ok(key.to_vec())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_is_sealed_is_read_by_its_owner_with_the_same_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let sealed = Seal::open(&path).unwrap().seal("zoe", b"secret").unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let seal = Seal::open(&path).unwrap();
        assert_eq!(seal.unseal("zoe", &sealed).unwrap(), b"secret");
        assert!(seal.unseal("eve", &sealed).is_err());
        let other = Seal::open(&folder.path().join("other")).unwrap();
        assert!(other.unseal("zoe", &sealed).is_err());
        std::fs::write(&path, "short").unwrap();
        assert!(Seal::open(&path).is_err());
    }
}
