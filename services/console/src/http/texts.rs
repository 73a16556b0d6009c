//! The texts of statements: one of them in all languages, what an author would read, and versions.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Extension, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::page::{Fault, Shell, render, see};
use super::time::Moment;
use super::visit::Visit;
use super::{Desk, links};
use crate::accounts::Act;
use crate::backend::rules::RuleSet;
use crate::backend::{self, Live, Version, Versions, WouldRead};

/// What stands for the ids in a preview.
const RULE: &str = "rule";
const REASON: &str = "reason.";

/// Which text is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    key: String,
    /// Whether it was just saved.
    saved: bool,
}

/// A text in a language.
struct Text {
    language: String,
    /// What an editor says; empty where it is said as by default.
    own: String,
    default: String,
    preview: Option<String>,
}

/// A version, for people.
struct Past {
    whole: Version,
    at: Option<Moment>,
}

#[derive(Template)]
#[template(path = "texts.html")]
struct Page {
    shell: Shell,
    told: Option<String>,
    is_saved: bool,
    key: String,
    /// Ids of the texts, what they are called, and their pages.
    keys: Vec<(String, String, String)>,
    placeholders: Vec<String>,
    texts: Vec<Text>,
    note: String,
    version: u64,
    past: Vec<Past>,
}

/// What was typed: by language, and the note.
#[derive(Debug, Default)]
struct Typed {
    texts: BTreeMap<String, String>,
    note: String,
}

/// `GET /texts`
pub(super) async fn page(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    let live = live(&desk, &visit).await?;
    let mut page = show(&desk, &visit, live, &asked.key, None).await?;
    page.is_saved = asked.saved;
    Ok(render(StatusCode::OK, &page))
}

/// `POST /texts`: saves a text, or shows what an author would read.
pub(super) async fn change(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, Fault> {
    let user = visit.user()?;
    let live = live(&desk, &visit).await?;
    let key = visit.field("key").to_owned();
    let mut typed = Typed {
        note: visit.field("note").trim().to_owned(),
        ..Typed::default()
    };
    for language in &live.languages {
        // Browsers send the ends of lines as two characters.
        let text = visit.field(&format!("text_{language}"));
        let text = text.replace("\r\n", "\n").trim().to_owned();
        typed.texts.insert(language.clone(), text);
    }
    let mut texts = live.texts.clone();
    let mut own = typed.texts.clone();
    own.retain(|_, text| !text.is_empty());
    texts.insert(key.clone(), own);
    texts.retain(|_, texts| !texts.is_empty());
    if visit.field("act") == "preview" {
        let mut page = show(&desk, &visit, live, &key, Some(&typed)).await?;
        let told = try_out(&desk, &visit, &mut page, &texts).await?;
        page.told = told;
        return Ok(render(StatusCode::OK, &page));
    }
    let note = Some(&typed.note).filter(|note| !note.is_empty());
    let body = json!({"texts": texts, "note": note});
    let path = ["admin", "texts"];
    let seen = visit.field("version");
    let written: Result<Live, backend::Error> = desk.moderation.put(user, &path, seen, &body).await;
    match written {
        Ok(live) => {
            let version = live.version;
            let act = Act::TextsChanged { version };
            desk.accounts.note(&visit.origin, act).await?;
            let asked = [("key", key.as_str()), ("saved", "true")];
            Ok(see(&links::to(&["texts"], &asked)))
        }
        Err(backend::Error::Refused(refusal)) => {
            let mut page = show(&desk, &visit, live, &key, Some(&typed)).await?;
            page.told = Some(refusal.told(visit.words));
            Ok(render(StatusCode::CONFLICT, &page))
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /texts/back`: takes an earlier version again.
pub(super) async fn back(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, Fault> {
    let to = visit.field("to").parse::<u64>().unwrap_or(u64::MAX);
    let path = ["admin", "texts", "rollback"];
    let seen = visit.field("version");
    let back: Result<Live, backend::Error> = desk
        .moderation
        .post_seen(visit.user()?, &path, seen, &json!({"to": to}))
        .await;
    match back {
        Ok(live) => {
            let version = live.version;
            let act = Act::TextsChanged { version };
            desk.accounts.note(&visit.origin, act).await?;
            Ok(see("/texts?saved=true"))
        }
        Err(backend::Error::Refused(refusal)) => {
            let live = live(&desk, &visit).await?;
            let mut page = show(&desk, &visit, live, "", None).await?;
            page.told = Some(refusal.told(visit.words));
            Ok(render(StatusCode::CONFLICT, &page))
        }
        Err(error) => Err(error.into()),
    }
}

async fn live(desk: &Desk, visit: &Visit) -> Result<Live, Fault> {
    let path = ["admin", "texts"];
    Ok(desk.moderation.get(visit.user()?, &path, &[]).await?)
}

/// Shows a text, the first one if none is named, with what was typed in place of what is live.
async fn show(
    desk: &Desk,
    visit: &Visit,
    live: Live,
    key: &str,
    typed: Option<&Typed>,
) -> Result<Page, Fault> {
    let path = ["admin", "texts", "versions"];
    let versions: Versions = desk.moderation.get(visit.user()?, &path, &[]).await?;
    let now = desk.clock.now();
    let is_known = live.placeholders.contains_key(key);
    let key = if is_known { key } else { RULE };
    let of = |texts: &backend::Texts, language: &String| {
        let text = texts.get(key).and_then(|texts| texts.get(language));
        text.cloned().unwrap_or_default()
    };
    let texts = live.languages.iter().map(|language| Text {
        own: match typed {
            Some(typed) => typed.texts.get(language).cloned().unwrap_or_default(),
            None => of(&live.texts, language),
        },
        default: of(&live.defaults, language),
        language: language.clone(),
        preview: None,
    });
    let name = |key: &String| match key.strip_prefix(REASON) {
        Some(code) => visit.words.code("reason", code),
        None => visit.words.code("text", key),
    };
    let keys = live.placeholders.keys();
    let past = versions.versions.into_iter();
    Ok(Page {
        shell: Shell::new("texts-title", visit),
        told: None,
        is_saved: false,
        keys: keys
            .map(|key| {
                let page = links::to(&["texts"], &[("key", key)]);
                (key.clone(), name(key), page)
            })
            .collect(),
        placeholders: live.placeholders.get(key).cloned().unwrap_or_default(),
        texts: texts.collect(),
        note: typed.map(|typed| typed.note.clone()).unwrap_or_default(),
        version: live.version,
        past: past
            .map(|whole| Past {
                at: Moment::new(whole.at.as_ref(), now),
                whole,
            })
            .collect(),
        key: key.to_owned(),
    })
}

/// Fills a page with what an author would read; says what is wrong with the texts, if something is.
async fn try_out(
    desk: &Desk,
    visit: &Visit,
    page: &mut Page,
    texts: &backend::Texts,
) -> Result<Option<String>, Fault> {
    let user = visit.user()?;
    let mut rule = None;
    if page.key == RULE {
        // Any rule shows how its text is filled.
        let live: RuleSet = desk.moderation.get(user, &["admin", "rules"], &[]).await?;
        rule = live.rules.into_iter().next().map(|rule| rule.id);
    }
    for text in &mut page.texts {
        let reason = match page.key.strip_prefix(REASON) {
            None if page.key == "moderator" => Some("example"),
            code => code,
        };
        let reason = reason.map(|code| json!({"code": code}));
        let language = &text.language;
        let body = json!({"language": language, "texts": texts, "rule": rule, "reason": reason});
        let path = ["admin", "texts", "preview"];
        let preview: Result<WouldRead, backend::Error> =
            desk.moderation.post(user, &path, &body).await;
        match preview {
            Ok(WouldRead { statement }) if page.key == "redress" => {
                text.preview = statement.redress;
            }
            Ok(WouldRead { statement }) if page.key != RULE || rule.is_some() => {
                text.preview = Some(statement.facts);
            }
            // Without a rule nothing fills it: as it is here.
            Ok(_) => text.preview = Some(text.own.clone()).filter(|own| !own.is_empty()),
            Err(backend::Error::Refused(refusal)) => return Ok(Some(refusal.told(visit.words))),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}
