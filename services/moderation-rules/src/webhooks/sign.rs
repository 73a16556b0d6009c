//! Signatures of Standard Webhooks.
//!
//! What is signed is `{id}.{timestamp}.{body}`; a signature is `v1,` and Base64 of its HMAC-SHA256,
//! or `v1a,` and Base64 of its Ed25519 signature
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use stoa_daemon::config::Secret;

/// The header with the event's id, the same at every attempt.
pub(crate) const ID: &str = "webhook-id";
/// The header with the time of the attempt, in seconds since 1970.
pub(crate) const TIMESTAMP: &str = "webhook-timestamp";
/// The header with the signatures.
pub(crate) const SIGNATURE: &str = "webhook-signature";

/// Seconds that the time of a request may be off.
const TOLERANCE: i64 = 300;
/// Signatures of a header that are looked at.
const MAX_SIGNATURES: usize = 32;

/// What can't be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSecret {
    /// It begins with something else.
    #[error("a secret begins with `whsec_` (or `whsk_` for an Ed25519 key)")]
    Prefix,
    /// What follows is not Base64.
    #[error("behind `whsec_` or `whsk_` a secret is Base64")]
    Base64,
    /// It has another length.
    #[error("a secret has 24 to 64 bytes, and an Ed25519 key 32 (or 64 with its public half)")]
    Length,
}

/// Why a request is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotVerified {
    /// The secret can't be read.
    #[error(transparent)]
    Secret(#[from] BadSecret),
    /// The time is no number.
    #[error("webhook-timestamp is not a number of seconds since 1970")]
    Timestamp,
    /// It was signed too long ago.
    #[error("webhook-timestamp is more than 5 minutes ago: it may be a repeat by somebody else")]
    Old,
    /// It is of the future.
    #[error("webhook-timestamp is more than 5 minutes ahead: compare the clocks")]
    Ahead,
    /// None of the signatures is right.
    #[error(
        "no signature in webhook-signature is right: compare the secret, and take the body byte \
         for byte as it came"
    )]
    Signature,
}

/// What requests to an endpoint are signed with.
pub(crate) struct Keys(Vec<Key>);

enum Key {
    Shared(Hmac<Sha256>),
    Own(Box<SigningKey>),
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({} [redacted])", self.0.len())
    }
}

impl Keys {
    /// Reads secrets.
    pub(crate) fn new(secrets: &[Secret]) -> Result<Self, BadSecret> {
        let keys = secrets.iter().map(|secret| {
            if let Some(text) = secret.expose().strip_prefix("whsk_") {
                return Ok(Key::Own(Box::new(signing(text)?)));
            }
            shared(secret.expose()).map(Key::Shared)
        });
        keys.collect::<Result<_, _>>().map(Self)
    }

    /// Signs a request: the value of [`SIGNATURE`].
    pub(crate) fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let signatures = self.0.iter().map(|key| match key {
            Key::Shared(mac) => {
                let mac = over(mac.clone(), id, timestamp, body);
                format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
            }
            Key::Own(key) => {
                let signature = key.sign(&message(id, timestamp, body));
                format!("v1a,{}", BASE64_STANDARD.encode(signature.to_bytes()))
            }
        });
        signatures.collect::<Vec<_>>().join(" ")
    }
}

/// Checks a request as a receiver does; `secret` is `whsec_…`, or `whpk_…` for the public half of
/// an Ed25519 key, and `now` in seconds since 1970.
///
/// # Errors
/// Why it is not to be believed. Signatures are compared in constant time.
pub fn verify(
    secret: &Secret,
    (id, timestamp, signatures): (&str, &str, &str),
    body: &[u8],
    now: i64,
) -> Result<(), NotVerified> {
    let at: i64 = timestamp.parse().map_err(|_| NotVerified::Timestamp)?;
    let signatures = signatures.split(' ').take(MAX_SIGNATURES);
    let of = |version: &'static str| {
        let named = move |signature: &str| {
            let (name, text) = signature.split_once(',')?;
            (name == version).then(|| BASE64_STANDARD.decode(text).ok())?
        };
        signatures.clone().filter_map(named)
    };
    let is_signed = if let Some(text) = secret.expose().strip_prefix("whpk_") {
        let key = public(text)?;
        let message = message(id, at, body);
        let right = |signature: Vec<u8>| {
            let signature = Signature::from_slice(&signature).ok();
            signature.is_some_and(|signature| key.verify_strict(&message, &signature).is_ok())
        };
        of("v1a").any(right)
    } else {
        let mac = over(shared(secret.expose())?, id, at, body);
        of("v1").any(|signature| mac.clone().verify_slice(&signature).is_ok())
    };
    if !is_signed {
        return Err(NotVerified::Signature);
    }
    match now.saturating_sub(at) {
        age if age > TOLERANCE => Err(NotVerified::Old),
        age if age < -TOLERANCE => Err(NotVerified::Ahead),
        _ => Ok(()),
    }
}

fn shared(secret: &str) -> Result<Hmac<Sha256>, BadSecret> {
    let text = secret.strip_prefix("whsec_").ok_or(BadSecret::Prefix)?;
    let bytes = BASE64_STANDARD
        .decode(text)
        .map_err(|_| BadSecret::Base64)?;
    if !(24..=64).contains(&bytes.len()) {
        return Err(BadSecret::Length);
    }
    Hmac::new_from_slice(&bytes).map_err(|_| BadSecret::Length)
}

fn signing(text: &str) -> Result<SigningKey, BadSecret> {
    let bytes = BASE64_STANDARD
        .decode(text)
        .map_err(|_| BadSecret::Base64)?;
    if !matches!(bytes.len(), 32 | 64) {
        return Err(BadSecret::Length);
    }
    let seed = bytes.first_chunk::<32>().ok_or(BadSecret::Length)?;
    let key = SigningKey::from_bytes(seed);
    // With a public half that is another key's, nobody could verify anything.
    match bytes.get(32..) {
        Some([]) | None => Ok(key),
        Some(half) if half == key.verifying_key().as_bytes() => Ok(key),
        Some(_) => Err(BadSecret::Length),
    }
}

fn public(text: &str) -> Result<VerifyingKey, BadSecret> {
    let bytes = BASE64_STANDARD
        .decode(text)
        .map_err(|_| BadSecret::Base64)?;
    let bytes: [u8; 32] = bytes.try_into().map_err(|_| BadSecret::Length)?;
    VerifyingKey::from_bytes(&bytes).map_err(|_| BadSecret::Length)
}

fn over(mut mac: Hmac<Sha256>, id: &str, timestamp: i64, body: &[u8]) -> Hmac<Sha256> {
    mac.update(id.as_bytes());
    mac.update(b".");
    mac.update(timestamp.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    mac
}

fn message(id: &str, timestamp: i64, body: &[u8]) -> Vec<u8> {
    let mut message = format!("{id}.{timestamp}.").into_bytes();
    message.extend_from_slice(body);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Id, time, body and signature under a secret, as the specification's libraries test them.
    const VECTORS: [(&str, &str, i64, &str, &str); 2] = [
        (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
        (
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            1_649_367_553,
            r#"{"email":"test@example.com","username":"test_user"}"#,
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        ),
    ];

    fn keys(secrets: &[&str]) -> Result<Keys, BadSecret> {
        let secrets: Vec<_> = secrets.iter().map(|secret| Secret::new(*secret)).collect();
        Keys::new(&secrets)
    }

    #[test]
    fn signatures_are_those_of_the_specification() {
        for (secret, id, at, body, expected) in VECTORS {
            let signed = keys(&[secret]).unwrap().sign(id, at, body.as_bytes());
            assert_eq!(signed, expected);
            let secret = Secret::new(secret);
            let check = |headers: (&str, &str, &str), body: &str, now| {
                verify(&secret, headers, body.as_bytes(), now)
            };
            let time = at.to_string();
            let right = (id, time.as_str(), expected);
            assert_eq!(check(right, body, at), Ok(()));
            assert_eq!(check(right, body, at + 300), Ok(()));
            assert_eq!(check(right, body, at + 301), Err(NotVerified::Old));
            assert_eq!(check(right, body, at - 301), Err(NotVerified::Ahead));
            let other = format!("{body} ");
            assert_eq!(check(right, &other, at), Err(NotVerified::Signature));
            let other = ("msg_0", time.as_str(), expected);
            assert_eq!(check(other, body, at), Err(NotVerified::Signature));
            let other = (id, "now", expected);
            assert_eq!(check(other, body, at), Err(NotVerified::Timestamp));
            // Of another version, the same bytes say nothing.
            let version = expected.replace("v1,", "v2,");
            let other = (id, time.as_str(), version.as_str());
            assert_eq!(check(other, body, at), Err(NotVerified::Signature));
        }
    }

    #[test]
    fn while_a_secret_is_rolled_both_verify() {
        let (old, id, at, body, _) = VECTORS[0];
        let new = VECTORS[1].0;
        let signed = keys(&[new, old]).unwrap().sign(id, at, body.as_bytes());
        assert_eq!(signed.split(' ').count(), 2);
        for secret in [old, new] {
            let headers = (id, at.to_string());
            let headers = (headers.0, headers.1.as_str(), signed.as_str());
            let verified = verify(&Secret::new(secret), headers, body.as_bytes(), at);
            assert_eq!(verified, Ok(()));
        }
    }

    #[test]
    fn a_pair_of_keys_signs_too() {
        let seed = [7_u8; 32];
        let public = *SigningKey::from_bytes(&seed).verifying_key().as_bytes();
        let own = format!("whsk_{}", BASE64_STANDARD.encode([seed, public].concat()));
        let theirs = Secret::new(format!("whpk_{}", BASE64_STANDARD.encode(public)));
        let signed = keys(&[&own]).unwrap().sign("e-1", 5, b"{}");
        assert!(signed.starts_with("v1a,"), "{signed}");
        assert_eq!(verify(&theirs, ("e-1", "5", &signed), b"{}", 5), Ok(()));
        let other = verify(&theirs, ("e-1", "5", &signed), b"{ }", 5);
        assert_eq!(other, Err(NotVerified::Signature));
        let mixed = format!("whsk_{}", BASE64_STANDARD.encode([seed, seed].concat()));
        assert_eq!(keys(&[&mixed]).unwrap_err(), BadSecret::Length);
    }

    #[test]
    fn what_is_no_secret_is_refused_without_showing_it() {
        for (text, error) in [
            ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", BadSecret::Prefix),
            ("whsec_not base64!", BadSecret::Base64),
            ("whsec_c2hvcnQ=", BadSecret::Length),
            ("whsk_c2hvcnQ=", BadSecret::Length),
        ] {
            assert_eq!(keys(&[text]).unwrap_err(), error, "{text}");
        }
        assert_eq!(
            format!("{:?}", keys(&[VECTORS[0].0]).unwrap()),
            "Keys(1 [redacted])"
        );
    }
}
