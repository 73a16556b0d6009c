//! Ids that are derived from what they name, so that the same input always yields the same id.

use sha2::{Digest, Sha256};

/// Derives the id of the decision about one revision of one comment by one rule set.
pub fn decision_id(site: &str, comment: &str, revision: u32, ruleset: &str) -> String {
    derive("d-", &[site, comment, &revision.to_string(), ruleset])
}

/// Derives the id of the decision about one revision of one comment by one rule set because of a
/// report.
pub fn report_decision_id(
    site: &str,
    comment: &str,
    revision: u32,
    ruleset: &str,
    report: &str,
) -> String {
    let revision = revision.to_string();
    derive("d-", &[site, comment, &revision, ruleset, report])
}

/// Derives the id of the decision that takes over what another system had decided.
pub fn import_decision_id(site: &str, comment: &str, revision: u32, from: &str) -> String {
    derive(
        "d-",
        &[site, comment, &revision.to_string(), "import", from],
    )
}

/// Derives the id of a moderator's decision: the `n`-th that closes or revises a case.
pub fn review_id(site: &str, comment: &str, revision: u32, case: &str, n: u64) -> String {
    derive(
        "d-",
        &[site, comment, &revision.to_string(), case, &n.to_string()],
    )
}

/// Derives the id of a redaction from the event that asks for it.
pub fn redaction_id(source: &str, id: &str) -> String {
    derive("r-", &[source, id])
}

/// Derives the id of a comment's case.
pub fn case_id(site: &str, comment: &str) -> String {
    derive("case-", &[site, comment])
}

/// Derives an id from parts: the prefix, and 128 bits of SHA-256 over the parts, in hexadecimal.
///
/// Each part is preceded by its length, so that no two lists of parts are written alike.
pub fn derive(prefix: &str, parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    let mut id = String::with_capacity(prefix.len() + 32);
    id.push_str(prefix);
    for byte in hasher.finalize().iter().take(16) {
        id.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
        id.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_stable_and_unambiguous() {
        let id = decision_id("courrier", "c-2", 1, "sha256:00");
        assert_eq!(id, decision_id("courrier", "c-2", 1, "sha256:00"));
        assert_eq!(id.len(), 34);
        assert_ne!(id, decision_id("courrier", "c-2", 2, "sha256:00"));
        assert_ne!(derive("", &["ab", "c"]), derive("", &["a", "bc"]));
    }

    #[test]
    fn ids_are_those_that_others_derive() {
        // SHA-256 by hand, over the parts with their lengths before them.
        assert_eq!(
            decision_id("courrier", "c-2", 1, "sha256:00"),
            "d-52ca41a12153b6f2c830dc7128a76379"
        );
        assert_eq!(
            report_decision_id("courrier", "c-2", 1, "sha256:00", "r-1"),
            "d-8df622a45725ec7a05e1385aa8585134"
        );
    }
}
