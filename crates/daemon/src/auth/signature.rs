//! Requests that others sign: HMAC-SHA-256 (RFC 2104) over the body, as webhooks have it.
//!
//! A header names one signature or several, `sha256=<hex>[,sha256=<hex>…]`: while a secret is rolled, senders sign
//! with both, or receivers know both.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::ConfigError;
use crate::config::Secret;

/// What a signature begins with.
const PREFIX: &str = "sha256=";
/// A shorter secret could be guessed.
const MIN_SECRET_CHARS: usize = 16;
/// Signatures of one header that are looked at, so that a long header costs no more than a few.
const MOST: usize = 8;

/// The secrets that a sender may sign with, or show as they are.
///
/// They are compared in constant time, and never shown.
#[derive(Clone)]
pub struct Secrets(std::sync::Arc<[Known]>);

struct Known {
    code: Hmac<Sha256>,
    digest: [u8; 32],
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Secrets {
    /// Takes the secrets of a configuration; an error names `key`, where they are.
    pub fn new(secrets: &[Secret], key: &str) -> Result<Self, ConfigError> {
        let invalid = |message: String| ConfigError::invalid(key, message);
        if secrets.is_empty() {
            return Err(invalid("name at least one secret".to_owned()));
        }
        let known = |secret: &Secret| {
            let secret = secret.expose();
            if secret.chars().count() < MIN_SECRET_CHARS {
                let message = format!("a secret has at least {MIN_SECRET_CHARS} characters");
                return Err(invalid(message));
            }
            let code = Hmac::new_from_slice(secret.as_bytes());
            Ok(Known {
                code: code.map_err(|error| invalid(error.to_string()))?,
                digest: Sha256::digest(secret.as_bytes()).into(),
            })
        };
        secrets
            .iter()
            .map(known)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether a header has a signature of the body, `sha256=` and 64 hexadecimal digits, by one of the secrets.
    pub fn signed(&self, header: &str, body: &[u8]) -> bool {
        let given = header.split(',').take(MOST);
        let given: Vec<[u8; 32]> = given.filter_map(|text| digest(text.trim())).collect();
        let mut is_signed = false;
        for known in self.0.iter() {
            let mut code = known.code.clone();
            code.update(body);
            for signature in &given {
                is_signed |= code.clone().verify_slice(signature).is_ok();
            }
        }
        is_signed
    }

    /// Whether a text is one of the secrets, for senders that can't sign.
    pub fn has(&self, shown: &str) -> bool {
        let digest: [u8; 32] = Sha256::digest(shown.as_bytes()).into();
        let mut is_known = false;
        for known in self.0.iter() {
            is_known |= bool::from(known.digest.ct_eq(&digest));
        }
        is_known
    }

    /// Whether a secret is among others as well.
    pub fn overlap(&self, others: &Self) -> bool {
        let mut own = self.0.iter();
        own.any(|own| others.0.iter().any(|other| own.digest == other.digest))
    }
}

fn digest(text: &str) -> Option<[u8; 32]> {
    super::token::from_hex(text.strip_prefix(PREFIX)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"ping":"OK"}"#;
    /// As `openssl dgst -sha256 -hmac first-secret-of-the-test` prints it of the body.
    const FIRST: &str = "01c5abd05579a881e09201fefdb4f0765e2783791a79960b1c448002582c5210";
    const SECOND: &str = "29c8f6a7fd16102144d8f765c6181efcd59cd74688f3ca272bbd4a82eb5dded8";

    fn secrets(secrets: &[&str]) -> Result<Secrets, ConfigError> {
        let secrets: Vec<Secret> = secrets.iter().map(|text| Secret::new(*text)).collect();
        Secrets::new(&secrets, "webhooks[0].secrets")
    }

    #[test]
    fn one_good_signature_suffices() {
        let (first, second) = ("first-secret-of-the-test", "second-secret-of-the-test");
        for (known, header, is_signed) in [
            (vec![first], format!("sha256={FIRST}"), true),
            (
                vec![first],
                format!("sha256={}", FIRST.to_uppercase()),
                true,
            ),
            (
                vec![first],
                format!("sha256={SECOND}, sha256={FIRST}"),
                true,
            ),
            (vec![first, second], format!("sha256={SECOND}"), true),
            (vec![first], format!("sha256={SECOND}"), false),
            (vec![first], FIRST.to_owned(), false),
            (vec![first], format!("sha1={FIRST}"), false),
            (
                vec![first],
                format!("sha256={}", FIRST.trim_end_matches("10")),
                false,
            ),
            (vec![first], String::new(), false),
            (
                vec![first],
                format!("{}sha256={FIRST}", "sha256=00,".repeat(8)),
                false,
            ),
        ] {
            let found = secrets(&known).unwrap().signed(&header, BODY);
            assert_eq!(found, is_signed, "{known:?} {header}");
        }
        let known = secrets(&[first]).unwrap();
        assert!(!known.signed(&format!("sha256={FIRST}"), b"{}"));
        assert!(known.has(first) && !known.has(second) && !known.has(""));
        assert!(known.overlap(&secrets(&[second, first]).unwrap()));
        assert!(!known.overlap(&secrets(&[second]).unwrap()));
    }

    #[test]
    fn what_could_be_guessed_is_refused() {
        for wrong in [&["short"][..], &[], &["first-secret-of-the-test", ""]] {
            let error = secrets(wrong).unwrap_err().to_string();
            assert!(error.starts_with("webhooks[0].secrets"), "{error}");
        }
        let known = secrets(&["first-secret-of-the-test"]).unwrap();
        assert_eq!(format!("{known:?}"), "[redacted]");
    }
}
