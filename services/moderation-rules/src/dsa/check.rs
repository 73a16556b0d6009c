//! The rules of the database about fields.

use super::{CATEGORIES, CATEGORY, COUNTRIES, MAX_EXPLANATION, MAX_FACTS, MAX_SHORT, Payload};

/// Characters of a puid.
const MAX_PUID: usize = 500;
/// The earliest days that content and decisions can have.
pub(crate) const EARLIEST_CONTENT: &str = "2000-01-01";
pub(crate) const EARLIEST_DECISION: &str = "2020-01-01";

const VISIBILITY: [&str; 7] = [
    "DECISION_VISIBILITY_CONTENT_REMOVED",
    "DECISION_VISIBILITY_CONTENT_DISABLED",
    "DECISION_VISIBILITY_CONTENT_DEMOTED",
    "DECISION_VISIBILITY_CONTENT_AGE_RESTRICTED",
    "DECISION_VISIBILITY_CONTENT_INTERACTION_RESTRICTED",
    "DECISION_VISIBILITY_CONTENT_LABELLED",
    OTHER,
];
const OTHER: &str = "DECISION_VISIBILITY_OTHER";
const ACCOUNT: [&str; 2] = ["DECISION_ACCOUNT_SUSPENDED", "DECISION_ACCOUNT_TERMINATED"];
const ILLEGAL: &str = "DECISION_GROUND_ILLEGAL_CONTENT";
const INCOMPATIBLE: &str = "DECISION_GROUND_INCOMPATIBLE_CONTENT";
const CONTENT: [&str; 8] = [
    "CONTENT_TYPE_APP",
    "CONTENT_TYPE_AUDIO",
    "CONTENT_TYPE_IMAGE",
    "CONTENT_TYPE_PRODUCT",
    "CONTENT_TYPE_SYNTHETIC_MEDIA",
    "CONTENT_TYPE_TEXT",
    "CONTENT_TYPE_VIDEO",
    "CONTENT_TYPE_OTHER",
];
const SOURCES: [&str; 4] = [
    "SOURCE_ARTICLE_16",
    "SOURCE_TRUSTED_FLAGGER",
    "SOURCE_TYPE_OTHER_NOTIFICATION",
    "SOURCE_VOLUNTARY",
];
const AUTOMATION: [&str; 3] = [
    "AUTOMATED_DECISION_FULLY",
    "AUTOMATED_DECISION_PARTIALLY",
    "AUTOMATED_DECISION_NOT_AUTOMATED",
];

/// A field that the database would refuse.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {detail}")]
pub(crate) struct Invalid {
    pub(crate) field: &'static str,
    pub(crate) detail: String,
}

/// Checks a payload by the database's rules, and returns the first field that it would refuse.
pub(crate) fn check(payload: &Payload) -> Result<(), Invalid> {
    let visibility = &payload.decision_visibility;
    one_of("decision_visibility", visibility, &VISIBILITY)?;
    one_of(
        "decision_account",
        payload.decision_account.as_slice(),
        &ACCOUNT,
    )?;
    if visibility.is_empty() && payload.decision_account.is_none() {
        return invalid(
            "decision_visibility",
            "a statement needs a decision at least",
        );
    }
    with(
        "decision_visibility_other",
        payload.decision_visibility_other.as_ref(),
        visibility.contains(&OTHER),
        MAX_SHORT,
    )?;
    check_ground(payload)?;
    if payload.content_type.is_empty() {
        return invalid("content_type", "name one at least");
    }
    one_of("content_type", &payload.content_type, &CONTENT)?;
    if let Some(language) = &payload.content_language
        && !(language.len() == 2 && language.bytes().all(|byte| byte.is_ascii_uppercase()))
    {
        return invalid("content_language", "use ISO 639-1, in capitals");
    }
    let category = payload.category.strip_prefix(CATEGORY);
    if !category.is_some_and(|name| CATEGORIES.contains(&name)) {
        return invalid("category", format!("there is no `{}`", payload.category));
    }
    for country in &payload.territorial_scope {
        one_of("territorial_scope", &[country], &COUNTRIES)?;
    }
    date(
        "content_date",
        Some(&payload.content_date),
        EARLIEST_CONTENT,
    )?;
    date(
        "application_date",
        Some(&payload.application_date),
        EARLIEST_DECISION,
    )?;
    let ends = &payload.end_date_visibility_restriction;
    date(
        "end_date_visibility_restriction",
        ends.as_ref(),
        EARLIEST_DECISION,
    )?;
    let ends = &payload.end_date_account_restriction;
    date(
        "end_date_account_restriction",
        ends.as_ref(),
        EARLIEST_DECISION,
    )?;
    with(
        "decision_facts",
        Some(&payload.decision_facts),
        true,
        MAX_FACTS,
    )?;
    one_of("source_type", &[payload.source_type], &SOURCES)?;
    one_of(
        "automated_detection",
        &[payload.automated_detection],
        &["Yes", "No"],
    )?;
    one_of(
        "automated_decision",
        &[&*payload.automated_decision],
        &AUTOMATION,
    )?;
    let is_sign = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !(1..=MAX_PUID).contains(&payload.puid.len()) || !payload.puid.chars().all(is_sign) {
        let detail = format!("use 1 to {MAX_PUID} of A-Z, a-z, 0-9, `-` and `_`");
        return invalid("puid", detail);
    }
    Ok(())
}

/// Checks what a decision rests on.
fn check_ground(payload: &Payload) -> Result<(), Invalid> {
    one_of(
        "decision_ground",
        &[payload.decision_ground],
        &[ILLEGAL, INCOMPATIBLE],
    )?;
    let is_illegal = payload.decision_ground == ILLEGAL;
    for (field, text, is_there, most) in [
        (
            "illegal_content_legal_ground",
            &payload.illegal_content_legal_ground,
            is_illegal,
            MAX_SHORT,
        ),
        (
            "illegal_content_explanation",
            &payload.illegal_content_explanation,
            is_illegal,
            MAX_EXPLANATION,
        ),
        (
            "incompatible_content_ground",
            &payload.incompatible_content_ground,
            !is_illegal,
            MAX_SHORT,
        ),
        (
            "incompatible_content_explanation",
            &payload.incompatible_content_explanation,
            !is_illegal,
            MAX_EXPLANATION,
        ),
    ] {
        with(field, text.as_ref(), is_there, most)?;
    }
    Ok(())
}

fn invalid(field: &'static str, detail: impl Into<String>) -> Result<(), Invalid> {
    let detail = detail.into();
    Err(Invalid { field, detail })
}

fn one_of(field: &'static str, values: &[&str], known: &[&str]) -> Result<(), Invalid> {
    match values.iter().find(|value| !known.contains(value)) {
        Some(value) => invalid(field, format!("there is no `{value}`")),
        None => Ok(()),
    }
}

/// Checks a text that is to be there, or not.
fn with(
    field: &'static str,
    text: Option<&String>,
    is_there: bool,
    most: usize,
) -> Result<(), Invalid> {
    match (text, is_there) {
        (None, false) => Ok(()),
        (Some(_), false) => invalid(field, "it does not go with this decision"),
        (Some(text), true) if !text.trim().is_empty() && text.chars().count() <= most => Ok(()),
        (_, true) => invalid(field, format!("it has 1 to {most} characters")),
    }
}

fn date(field: &'static str, day: Option<&String>, earliest: &str) -> Result<(), Invalid> {
    let Some(day) = day else {
        return Ok(());
    };
    let is_date = day.len() == 10 && day.parse::<jiff::civil::Date>().is_ok();
    if is_date && day.as_str() >= earliest {
        return Ok(());
    }
    invalid(field, format!("use Y-m-d, from {earliest} on"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload() -> Payload {
        Payload {
            decision_visibility: vec!["DECISION_VISIBILITY_CONTENT_REMOVED"],
            decision_ground: INCOMPATIBLE,
            incompatible_content_ground: Some("charter §3".to_owned()),
            incompatible_content_explanation: Some("Abusive language.".to_owned()),
            content_type: vec!["CONTENT_TYPE_TEXT"],
            content_language: Some("FR".to_owned()),
            category: "STATEMENT_CATEGORY_CYBER_VIOLENCE".to_owned(),
            territorial_scope: vec!["FR".to_owned()],
            content_date: "2000-01-01".to_owned(),
            application_date: "2020-01-01".to_owned(),
            decision_facts: "x".repeat(MAX_FACTS),
            source_type: "SOURCE_VOLUNTARY",
            automated_detection: "Yes",
            automated_decision: "AUTOMATED_DECISION_FULLY".to_owned(),
            puid: "A-z_9".repeat(100),
            ..Payload::default()
        }
    }

    /// Makes something wrong.
    type Change = fn(&mut Payload);

    #[test]
    fn each_rule_is_held() {
        assert_eq!(check(&payload()), Ok(()));
        let text = |text: &str| Some(text.to_owned());
        let cases: [(&str, Change); 23] = [
            ("decision_visibility", |p| {
                p.decision_visibility.clear();
            }),
            ("decision_visibility", |p| {
                p.decision_visibility.push("DECISION_VISIBILITY_LOST");
            }),
            ("decision_visibility_other", |p| {
                p.decision_visibility.push(OTHER);
            }),
            ("decision_visibility_other", |p| {
                p.decision_visibility_other = Some("x".into());
            }),
            ("decision_account", |p| {
                p.decision_account = Some("DECISION_ACCOUNT_LOST");
            }),
            ("decision_ground", |p| p.decision_ground = ""),
            ("incompatible_content_ground", |p| {
                p.incompatible_content_ground = None;
            }),
            ("incompatible_content_ground", |p| {
                p.incompatible_content_ground = Some("é".repeat(501));
            }),
            ("incompatible_content_explanation", |p| {
                p.incompatible_content_explanation = Some("é".repeat(2_001));
            }),
            ("illegal_content_legal_ground", |p| {
                p.illegal_content_legal_ground = Some("x".into());
            }),
            ("content_type", |p| {
                p.content_type.clear();
            }),
            ("content_language", |p| {
                p.content_language = Some("fr".into());
            }),
            ("category", |p| {
                p.category = "CYBER_VIOLENCE".into();
            }),
            ("territorial_scope", |p| {
                p.territorial_scope.push("US".into());
            }),
            ("content_date", |p| {
                p.content_date = "1999-12-31".into();
            }),
            ("content_date", |p| {
                p.content_date = "2023-02-30".into();
            }),
            ("application_date", |p| {
                p.application_date = "2019-12-31".into();
            }),
            ("end_date_visibility_restriction", |p| {
                p.end_date_visibility_restriction = Some("soon".into());
            }),
            ("decision_facts", |p| {
                p.decision_facts.push('x');
            }),
            ("source_type", |p| p.source_type = "SOURCE_LOST"),
            ("automated_detection", |p| p.automated_detection = "true"),
            ("automated_decision", |p| {
                p.automated_decision.clear();
            }),
            ("puid", |p| {
                p.puid = "courrier/c-1".into();
            }),
        ];
        for (field, change) in cases {
            let mut payload = payload();
            change(&mut payload);
            assert_eq!(check(&payload).unwrap_err().field, field);
        }
        let mut long = payload();
        long.puid = "x".repeat(501);
        assert_eq!(check(&long).unwrap_err().field, "puid");
        let mut illegal = payload();
        illegal.decision_ground = ILLEGAL;
        assert_eq!(
            check(&illegal).unwrap_err().field,
            "illegal_content_legal_ground"
        );
        illegal.illegal_content_legal_ground = text("§ 130");
        illegal.illegal_content_explanation = text("why");
        assert_eq!(
            check(&illegal).unwrap_err().field,
            "incompatible_content_ground"
        );
        illegal.incompatible_content_ground = None;
        illegal.incompatible_content_explanation = None;
        assert_eq!(check(&illegal), Ok(()));
        let mut account = payload();
        account.decision_visibility.clear();
        account.decision_account = Some("DECISION_ACCOUNT_TERMINATED");
        assert_eq!(check(&account), Ok(()));
    }
}
