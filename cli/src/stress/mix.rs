//! What a run sends beside new comments.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What edits, reports, withdrawals and poison may be together, so that there are comments that
/// they can be about.
const MOST: u16 = 90;

/// Shares in percent, from `edits=10,replies=30`; what is not named stays as it is by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mix {
    /// Events that rewrite an earlier comment of their thread.
    pub(super) edits: u8,
    /// New comments that answer an earlier one.
    pub(super) replies: u8,
    /// Events by which a reader reports an earlier comment.
    pub(super) reports: u8,
    /// Events by which an author takes an earlier comment back.
    pub(super) withdrawals: u8,
    /// Events that are sent a second time.
    pub(super) duplicates: u8,
    /// Events that come in pairs in the wrong order.
    pub(super) disorder: u8,
    /// Events that ingest must refuse.
    pub(super) poison: u8,
}

impl Default for Mix {
    fn default() -> Self {
        Self {
            edits: 0,
            replies: 40,
            reports: 0,
            withdrawals: 0,
            duplicates: 0,
            disorder: 0,
            poison: 0,
        }
    }
}

impl Mix {
    /// The keys, in the order in which a mix is written.
    const KEYS: [&'static str; 7] = [
        "edits",
        "replies",
        "reports",
        "withdrawals",
        "duplicates",
        "disorder",
        "poison",
    ];

    fn field(&mut self, key: &str) -> Option<&mut u8> {
        Some(match key {
            "edits" => &mut self.edits,
            "replies" => &mut self.replies,
            "reports" => &mut self.reports,
            "withdrawals" => &mut self.withdrawals,
            "duplicates" => &mut self.duplicates,
            "disorder" => &mut self.disorder,
            "poison" => &mut self.poison,
            _ => return None,
        })
    }
}

impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut mix = Self::default();
        let mut named = Vec::new();
        for part in text.split(',').map(str::trim) {
            let (key, value) = part.split_once('=').ok_or_else(|| {
                format!("`{part}` has no percentage: write `edits=10,replies=30`")
            })?;
            let field = mix
                .field(key)
                .ok_or_else(|| format!("`{key}` is no key: use {}", Self::KEYS.join(", ")))?;
            if named.contains(&key) {
                return Err(format!("`{key}` stands twice: name every key once"));
            }
            named.push(key);
            *field = value
                .parse()
                .ok()
                .filter(|percent| *percent <= 100)
                .ok_or_else(|| {
                    format!("`{key}={value}`: a percentage is a whole number from 0 to 100")
                })?;
        }
        let about: u16 = [mix.edits, mix.reports, mix.withdrawals, mix.poison]
            .map(u16::from)
            .iter()
            .sum();
        if about > MOST {
            return Err(format!(
                "edits, reports, withdrawals and poison are {about} together, the limit is {MOST}: \
                 leave room for the comments that they are about"
            ));
        }
        Ok(mix)
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut mix = *self;
        let parts = Self::KEYS.map(|key| {
            let percent = mix.field(key).copied().unwrap_or_default();
            format!("{key}={percent}")
        });
        f.write_str(&parts.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let text = "edits=10,replies=30,reports=2,withdrawals=2,duplicates=5,disorder=5,poison=1";
        assert_eq!(text.parse::<Mix>().unwrap().to_string(), text);
        let one: Mix = "poison=3".parse().unwrap();
        assert_eq!(
            one,
            Mix {
                poison: 3,
                ..Mix::default()
            }
        );
    }

    #[test]
    fn errors_name_the_key_the_limit_and_the_remedy() {
        for (text, parts) in [
            ("edits", ["`edits`", "percentage", "edits=10"]),
            ("deletes=1", ["`deletes`", "no key", "withdrawals"]),
            ("edits=1,edits=2", ["`edits`", "twice", "once"]),
            ("poison=101", ["`poison=101`", "0 to 100", "whole number"]),
            ("poison=0.5", ["`poison=0.5`", "0 to 100", "whole number"]),
            ("edits=80,poison=11", ["91", "limit is 90", "leave room"]),
        ] {
            let error = text.parse::<Mix>().unwrap_err();
            for part in parts {
                assert!(error.contains(part), "{text}: {error}");
            }
        }
    }
}
