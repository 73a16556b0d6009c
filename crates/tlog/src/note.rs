//! Signed notes with Ed25519: a text, an empty line, a line for each signature.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::Error;

const WHAT: &str = "signed note";
/// The signature type of Ed25519.
const ED25519: u8 = 1;
const PREFIX: &str = "PRIVATE+KEY+";
/// Signatures that are looked at; the rest of a note is not read.
const MAX_SIGNATURES: usize = 64;

/// Signs notes.
pub struct Signer {
    name: String,
    key: SigningKey,
}

impl Signer {
    /// Makes a key by the system's randomness.
    ///
    /// # Errors
    /// [`Error::Malformed`] if the name is empty or has a space or a plus sign.
    pub fn generate(name: &str) -> Result<Self, Error> {
        let name = checked(name)?;
        let key = SigningKey::from_bytes(&rand::random());
        Ok(Self { name, key })
    }

    /// Reads a key as [`Signer::secret`] writes it.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let what = "signing key";
        let key = text
            .trim()
            .strip_prefix(PREFIX)
            .ok_or_else(|| Error::malformed(what, format!("it does not begin with {PREFIX}")))?;
        let (name, id, seed) = parts(what, key)?;
        let key = SigningKey::from_bytes(&seed);
        if id != key_id(&name, &key.verifying_key()) {
            return Err(Error::malformed(what, "its id is not that of name and key"));
        }
        Ok(Self { name, key })
    }

    /// Writes the key itself, for a file that nobody else reads.
    pub fn secret(&self) -> String {
        let verifier = self.verifier();
        let key = written(&self.name, verifier.id, &self.key.to_bytes());
        format!("{PREFIX}{key}")
    }

    /// The key's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What others check the signatures with.
    pub fn verifier(&self) -> Verifier {
        let key = self.key.verifying_key();
        Verifier {
            name: self.name.clone(),
            id: key_id(&self.name, &key),
            key,
        }
    }

    /// Signs a text, which ends with a line feed.
    pub fn sign(&self, text: &str) -> String {
        let signature = self.key.sign(text.as_bytes()).to_bytes();
        let signed = [&self.verifier().id[..], &signature].concat();
        format!("{text}\n— {} {}\n", self.name, STANDARD.encode(signed))
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Signer").field(&self.name).finish()
    }
}

/// Checks notes of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    id: [u8; 4],
    key: VerifyingKey,
}

impl Verifier {
    /// Reads a verifier key, `name+id+key`.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let what = "verifier key (name+id+key)";
        let (name, id, key) = parts(what, text.trim())?;
        let key = VerifyingKey::from_bytes(&key)
            .map_err(|_| Error::malformed(what, "its last part is no Ed25519 key"))?;
        if id != key_id(&name, &key) {
            return Err(Error::malformed(what, "its id is not that of name and key"));
        }
        Ok(Self { name, id, key })
    }

    /// The key's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Checks a note's signature, and returns its text with the last line feed.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::NotSigned`] if no signature is by this key, and
    /// [`Error::BadSignature`].
    pub fn open<'a>(&self, note: &'a str) -> Result<&'a str, Error> {
        let (text, signatures) = split(note)?;
        let mut verified = false;
        for line in signatures.lines().take(MAX_SIGNATURES) {
            let (name, bytes) = signature(line)?;
            let Some((id, signed)) = bytes.split_first_chunk::<4>() else {
                return Err(Error::malformed(WHAT, "a signature is too short"));
            };
            if name != self.name || *id != self.id {
                continue;
            }
            let name = || self.name.clone();
            let signed =
                Signature::from_slice(signed).map_err(|_| Error::BadSignature { name: name() })?;
            self.key
                .verify_strict(text.as_bytes(), &signed)
                .map_err(|_| Error::BadSignature { name: name() })?;
            verified = true;
        }
        if verified {
            Ok(text)
        } else {
            let name = self.name.clone();
            Err(Error::NotSigned { name })
        }
    }
}

impl std::fmt::Display for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&written(&self.name, self.id, self.key.as_bytes()))
    }
}

/// Returns a note's text, whose signatures are not looked at.
pub(crate) fn text(note: &str) -> Result<&str, Error> {
    split(note).map(|(text, _)| text)
}

/// Takes a note apart at its last empty line.
fn split(note: &str) -> Result<(&str, &str), Error> {
    if note.chars().any(|c| c < ' ' && c != '\n') {
        return Err(Error::malformed(WHAT, "it has a control character"));
    }
    if !note.ends_with('\n') {
        return Err(Error::malformed(WHAT, "its last line has no end"));
    }
    let at = note
        .rfind("\n\n")
        .ok_or_else(|| Error::malformed(WHAT, "no empty line is before its signatures"))?;
    let (text, signatures) = note.split_at(at + 1);
    let signatures = signatures.trim_start_matches('\n');
    if signatures.is_empty() {
        return Err(Error::malformed(WHAT, "it has no signature"));
    }
    Ok((text, signatures))
}

/// Reads a signature line: the key's name, and its id with the signature.
fn signature(line: &str) -> Result<(&str, Vec<u8>), Error> {
    line.strip_prefix("— ")
        .and_then(|rest| rest.split_once(' '))
        .and_then(|(name, signed)| Some((name, STANDARD.decode(signed).ok()?)))
        .ok_or_else(|| Error::malformed(WHAT, "a signature is not `— name base64`"))
}

fn key_id(name: &str, key: &VerifyingKey) -> [u8; 4] {
    let hash: [u8; 32] = Sha256::new()
        .chain_update(name)
        .chain_update([b'\n', ED25519])
        .chain_update(key.as_bytes())
        .finalize()
        .into();
    let [a, b, c, d, ..] = hash;
    [a, b, c, d]
}

/// Writes `name+id+key`.
fn written(name: &str, id: [u8; 4], key: &[u8; 32]) -> String {
    let id = u32::from_be_bytes(id);
    let key = STANDARD.encode([&[ED25519], &key[..]].concat());
    format!("{name}+{id:08x}+{key}")
}

/// Reads `name+id+key`.
fn parts(what: &'static str, text: &str) -> Result<(String, [u8; 4], [u8; 32]), Error> {
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(Error::malformed(what, "it does not have three parts"));
    };
    let name = checked(name)?;
    let id = Some(id)
        .filter(|id| id.len() == 8)
        .and_then(|id| u32::from_str_radix(id, 16).ok())
        .ok_or_else(|| Error::malformed(what, "its second part is not eight hexadecimal digits"))?;
    let key = STANDARD
        .decode(key)
        .ok()
        .filter(|key| key.first() == Some(&ED25519))
        .and_then(|key| key.get(1..)?.try_into().ok())
        .ok_or_else(|| Error::malformed(what, "its third part is no Ed25519 key in base64"))?;
    Ok((name, id.to_be_bytes(), key))
}

fn checked(name: &str) -> Result<String, Error> {
    let is_wrong = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if name.is_empty() || name.contains(is_wrong) {
        return Err(Error::malformed(
            "name of a log",
            format!("{name:?} is empty or has a space, a plus sign or a control character"),
        ));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests;
