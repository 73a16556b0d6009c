//! Statements of reasons as payloads of the DSA Transparency Database, in the schema in force since
//! 2025-07-01, and that schema's own rules about fields.
//!
//! A payload has no personal data: no words of a comment, no ids of comments or authors, no names,
//! and nothing that a moderator wrote freely.

mod check;
pub(crate) mod csv;

use serde::Serialize;

pub(crate) use self::check::{EARLIEST_CONTENT, EARLIEST_DECISION, check};

/// Payloads that the database takes at a time.
pub(crate) const BATCH: usize = 100;
/// Characters of a reference or another short text.
pub(crate) const MAX_SHORT: usize = 500;
/// Characters of an explanation.
pub(crate) const MAX_EXPLANATION: usize = 2_000;
/// Characters of the facts.
pub(crate) const MAX_FACTS: usize = 5_000;

/// What a statement's category begins with.
const CATEGORY: &str = "STATEMENT_CATEGORY_";
/// The categories.
const CATEGORIES: [&str; 16] = [
    "ANIMAL_WELFARE",
    "CONSUMER_INFORMATION",
    "CYBER_VIOLENCE",
    "CYBER_VIOLENCE_AGAINST_WOMEN",
    "DATA_PROTECTION_AND_PRIVACY_VIOLATIONS",
    "ILLEGAL_OR_HARMFUL_SPEECH",
    "INTELLECTUAL_PROPERTY_INFRINGEMENTS",
    "NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS",
    "NOT_SPECIFIED_NOTICE",
    "OTHER_VIOLATION_TC",
    "PROTECTION_OF_MINORS",
    "RISK_FOR_PUBLIC_SECURITY",
    "SCAMS_AND_FRAUD",
    "SELF_HARM",
    "UNSAFE_AND_PROHIBITED_PRODUCTS",
    "VIOLENCE",
];

/// One statement of reasons, with the database's names, in the order of its documentation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = TransparencyPayload)]
pub(crate) struct Payload {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) decision_visibility: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) decision_visibility_other: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) end_date_visibility_restriction: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) decision_account: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) end_date_account_restriction: Option<String>,
    pub(crate) decision_ground: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) illegal_content_legal_ground: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) illegal_content_explanation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) incompatible_content_ground: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) incompatible_content_explanation: Option<String>,
    pub(crate) content_type: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_language: Option<String>,
    pub(crate) category: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) territorial_scope: Vec<String>,
    pub(crate) content_date: String,
    pub(crate) application_date: String,
    pub(crate) decision_facts: String,
    pub(crate) source_type: &'static str,
    pub(crate) automated_detection: &'static str,
    pub(crate) automated_decision: String,
    pub(crate) puid: String,
}

/// The countries that a decision can be for.
pub(crate) const COUNTRIES: [&str; 30] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS",
    "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
];

/// Returns a category that the database knows: the statement's, or else the one that says least.
pub(crate) fn category(stated: Option<&str>, is_legal: bool) -> String {
    let known = |category: &&str| {
        let name = category.strip_prefix(CATEGORY);
        name.is_some_and(|name| CATEGORIES.contains(&name))
    };
    let other = if is_legal {
        "ILLEGAL_OR_HARMFUL_SPEECH"
    } else {
        "OTHER_VIOLATION_TC"
    };
    let stated = stated.filter(known).map(str::to_owned);
    stated.unwrap_or_else(|| format!("{CATEGORY}{other}"))
}

/// Cuts a text to a number of characters.
pub(crate) fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// Returns the language of a BCP 47 tag as the database names it: ISO 639-1, in capitals.
pub(crate) fn language(tag: &str) -> Option<String> {
    let primary = tag.split(['-', '_']).next()?;
    let is_code = primary.len() == 2 && primary.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_code.then(|| primary.to_ascii_uppercase())
}

/// Returns a day as the database writes it; none before the earliest one that it takes.
pub(crate) fn day(micros: i64, earliest: &str) -> Option<String> {
    let at = jiff::Timestamp::from_microsecond(micros).ok()?;
    let day = at
        .to_zoned_datetime(jiff::tz::TimeZone::UTC)
        .date()
        .to_string();
    (day.len() == 10 && day.as_str() >= earliest).then_some(day)
}
