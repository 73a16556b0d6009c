//! The texts of statements that an editor can change, and what stands in them for what.
//!
//! A text is filled in one pass, so that what is filled in is never taken for a placeholder.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::tongue::Tongue;
use crate::config::ReasonConfig;

/// Characters of a text.
pub(crate) const MAX_TEXT: usize = 4_000;
/// What the keys of the texts of listed reasons begin with.
const REASON: &str = "reason.";

/// A text of statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// The facts of a decision by a rule.
    Rule,
    /// The facts of a hold because a comment could not be judged.
    Unjudged,
    /// The facts of a moderator's rejection for a reason that is not listed.
    Moderator,
    /// What the author can do about a decision.
    Redress,
}

impl Key {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Rule, Self::Unjudged, Self::Moderator, Self::Redress];

    /// Returns the name by which editors know it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Unjudged => "unjudged",
            Self::Moderator => "moderator",
            Self::Redress => "redress",
        }
    }

    /// Returns what can stand in it.
    pub(crate) fn placeholders(self) -> &'static [&'static str] {
        match self {
            Self::Rule => &["site", "article", "rule", "explanation", "appeal_url"],
            Self::Unjudged | Self::Redress => &["site", "article", "appeal_url"],
            Self::Moderator => &["site", "article", "reason", "appeal_url"],
        }
    }
}

/// What can stand in the text of a listed reason.
pub(crate) const OF_REASONS: &[&str] = &["site", "article", "appeal_url"];

/// What editors say otherwise: key → language → text.
pub(crate) type Edited = BTreeMap<String, BTreeMap<String, String>>;

/// The texts that are live.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Texts {
    /// 0 before anybody has changed any.
    pub(crate) version: u64,
    pub(crate) edited: Edited,
}

/// Why texts can't be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub(crate) struct Wrong {
    pub(crate) field: String,
    pub(crate) detail: String,
    pub(crate) limit: Option<String>,
}

impl Texts {
    /// Returns a text in a language.
    pub(super) fn text<'t>(
        &'t self,
        key: Key,
        tongue: Tongue,
        configured: Option<&'t str>,
    ) -> &'t str {
        let edited = self.edited.get(key.as_str());
        let edited = edited.and_then(|texts| texts.get(tongue.as_str()));
        edited
            .map(String::as_str)
            .or(configured)
            .unwrap_or_else(|| tongue.default_text(key))
    }

    /// Returns what a listed reason says, in the first of some languages in which it says
    /// something, or else in its first.
    pub(super) fn reason<'t>(
        &'t self,
        listed: &'t ReasonConfig,
        languages: &[&str],
    ) -> Option<(&'t str, &'t str)> {
        let edited = self.edited.get(&format!("{REASON}{}", listed.code));
        let pair = |(language, text): (&'t String, &'t String)| (language.as_str(), text.as_str());
        let wanted = languages.iter().find_map(|language| {
            let primary = language.split(['-', '_']).next()?.to_ascii_lowercase();
            let edited = edited.and_then(|texts| texts.get_key_value(&primary));
            edited.or_else(|| listed.text.get_key_value(&primary))
        });
        wanted.or_else(|| listed.text.first_key_value()).map(pair)
    }
}

/// Checks what an editor wants to say.
pub(crate) fn check(edited: &Edited, reasons: &[ReasonConfig]) -> Result<(), Wrong> {
    let wrong = |field: String, detail: String, limit: Option<String>| {
        Err(Wrong {
            field,
            detail,
            limit,
        })
    };
    for (key, texts) in edited {
        let known = Key::ALL.iter().find(|known| known.as_str() == key);
        let code = key.strip_prefix(REASON);
        let listed = code.is_some_and(|code| reasons.iter().any(|reason| reason.code == code));
        let placeholders = match known {
            Some(known) => known.placeholders(),
            None if listed => OF_REASONS,
            None => {
                let names = Key::ALL.map(Key::as_str).join("`, `");
                let detail = format!(
                    "there is no text `{key}`: use `{names}`, or `{REASON}` and the code of a listed reason"
                );
                return wrong(format!("texts.{key}"), detail, None);
            }
        };
        for (language, text) in texts {
            let field = format!("texts.{key}.{language}");
            if !Tongue::ALL.iter().any(|tongue| tongue.as_str() == language) {
                let names = Tongue::ALL.map(Tongue::as_str).join("`, `");
                let detail = format!("there are no texts in `{language}`: use `{names}`");
                return wrong(field, detail, None);
            }
            if text.trim().is_empty() || text.chars().count() > MAX_TEXT {
                let detail = format!(
                    "a text has 1 to {MAX_TEXT} characters: shorten it, or leave it out to have the default"
                );
                return wrong(field, detail, Some(format!("{MAX_TEXT} characters")));
            }
            if let Some(unknown) = unknown(text, placeholders) {
                let names = placeholders.join("}, {");
                let detail = format!("`{unknown}` stands for nothing here: use {{{names}}}");
                return wrong(field, detail, None);
            }
        }
    }
    Ok(())
}

/// Finds the first brace that is no part of a placeholder, with what follows it.
fn unknown<'t>(text: &'t str, placeholders: &[&str]) -> Option<&'t str> {
    let mut rest = text;
    while let Some(place) = rest.find(['{', '}']) {
        let (_, brace) = rest.split_at(place);
        let Some((name, after)) = brace
            .strip_prefix('{')
            .and_then(|rest| rest.split_once('}'))
        else {
            return brace.split_inclusive(char::is_whitespace).next();
        };
        if !placeholders.contains(&name) {
            let length = brace.len() - after.len();
            return Some(brace.split_at(length).0);
        }
        rest = after;
    }
    None
}

/// Fills a text in one pass; a placeholder without a value is left empty.
pub(super) fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            filled.push('{');
            rest = after;
            continue;
        };
        let value = values.iter().find(|(known, _)| *known == name);
        filled.push_str(value.map_or("", |(_, value)| value));
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// A version of the texts as a record has it, where an event stands that led to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Written {
    pub(crate) texts: Edited,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(key: &str, language: &str, text: &str) -> Edited {
        let texts = BTreeMap::from([(language.to_owned(), text.to_owned())]);
        BTreeMap::from([(key.to_owned(), texts)])
    }

    #[test]
    fn what_is_filled_in_is_no_placeholder() {
        let values = [("rule", "{site}"), ("site", "courrier")];
        for (text, filled) in [
            ("{rule} on {site}.", "{site} on courrier."),
            ("{nothing}{site", "{site"),
            ("é { {site} }", "é  }"),
            ("", ""),
        ] {
            assert_eq!(fill(text, &values), filled, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_said_is_named() {
        let long = "x".repeat(MAX_TEXT + 1);
        for (key, language, text, field, says) in [
            ("rules", "en", "x", "texts.rules", "`rule`, `unjudged`"),
            (
                "reason.unlisted",
                "en",
                "x",
                "texts.reason.unlisted",
                "listed reason",
            ),
            ("rule", "tlh", "x", "texts.rule.tlh", "`en`, `fr`"),
            ("rule", "fr", " ", "texts.rule.fr", "1 to 4000"),
            ("rule", "fr", &long, "texts.rule.fr", "1 to 4000"),
            ("rule", "fr", "a {reason} b", "texts.rule.fr", "`{reason}`"),
            ("redress", "en", "a } b", "texts.redress.en", "`} `"),
            ("redress", "en", "a {site", "texts.redress.en", "`{site`"),
        ] {
            let wrong = check(&edited(key, language, text), &[]).unwrap_err();
            assert_eq!(wrong.field, field);
            assert!(wrong.detail.contains(says), "{wrong}");
        }
        for key in Key::ALL {
            for tongue in Tongue::ALL {
                let text = tongue.default_text(key);
                assert_eq!(
                    check(&edited(key.as_str(), tongue.as_str(), text), &[]),
                    Ok(())
                );
            }
        }
    }
}
