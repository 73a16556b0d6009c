//! The reasons that moderators choose from, with what the author is told.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use stoa_daemon::ConfigError;

use crate::statement::ReviewGround;

/// Characters of a text.
const MAX_TEXT: usize = 4_000;
/// Bytes of a code.
const MAX_CODE: usize = 64;
/// What stands for the site's and the article's id in a text.
const PLACEHOLDERS: [&str; 2] = ["{site}", "{article}"];

/// A reason that moderators choose from.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Reason)]
pub struct ReasonConfig {
    /// What a decision names it by.
    pub code: String,
    /// What it rests on.
    #[serde(default)]
    pub ground: ReviewGround,
    /// The category of the Digital Services Act's transparency database; absent: that of the
    /// rules' decision.
    #[serde(default)]
    pub category: Option<String>,
    /// The clause or law.
    #[serde(default)]
    pub reference: Option<String>,
    /// The sites that it is for; none: all.
    #[serde(default)]
    pub sites: Vec<String>,
    /// What the author is told, by language; `{site}` and `{article}` stand for their ids.
    pub text: BTreeMap<String, String>,
}

impl ReasonConfig {
    /// Tells whether it is for a site.
    pub(crate) fn is_for(&self, site: &str) -> bool {
        self.sites.is_empty() || self.sites.iter().any(|own| own == site)
    }
}

/// Tells whether a text can be a reason's code.
pub(crate) fn is_code(code: &str) -> bool {
    let is_sign = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    (1..=MAX_CODE).contains(&code.len()) && code.chars().all(is_sign)
}

/// Refuses reasons that can be read and can't work.
pub(super) fn validate(reasons: &[ReasonConfig]) -> Result<(), ConfigError> {
    let mut known = HashSet::new();
    for (place, reason) in reasons.iter().enumerate() {
        let wrong = |key: &str, message: String| {
            Err(ConfigError::invalid(
                format!("review.reasons[{place}].{key}"),
                message,
            ))
        };
        if !is_code(&reason.code) {
            let message = format!("must have 1 to {MAX_CODE} letters, digits, `_`, `-` or `.`");
            return wrong("code", message);
        }
        let all = [String::new()];
        let sites = if reason.sites.is_empty() {
            &all
        } else {
            &reason.sites[..]
        };
        if !sites
            .iter()
            .all(|site| known.insert((&reason.code, site.clone())))
        {
            return wrong(
                "code",
                format!("`{}` is listed twice for the same site", reason.code),
            );
        }
        if reason.text.is_empty() {
            return wrong(
                "text",
                "must have a text in a language at least: { en = \"…\" }".into(),
            );
        }
        for (language, text) in &reason.text {
            let key = format!("text.{language}");
            if !(2..=3).contains(&language.len())
                || !language.bytes().all(|b| b.is_ascii_lowercase())
            {
                return wrong(
                    &key,
                    "must be a language's code of ISO 639, such as `fr`".into(),
                );
            }
            if text.trim().is_empty() || text.chars().count() > MAX_TEXT {
                return wrong(&key, format!("must have 1 to {MAX_TEXT} characters"));
            }
            let rest = PLACEHOLDERS
                .iter()
                .fold(text.clone(), |text, known| text.replace(known, ""));
            if rest.contains(['{', '}']) {
                return wrong(
                    &key,
                    "may have {site} and {article}, and no other braces".into(),
                );
            }
        }
    }
    Ok(())
}
