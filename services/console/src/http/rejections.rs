//! What ingest refused: why, and the bytes as they came.

use askama::Template;
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::page::{Fault, Shell, render};
use super::time::Moment;
use super::visit::Visit;
use super::{Desk, links};
use crate::backend::{self, Rejection, Rejections};

/// Rejections of a page.
const PAGE: &str = "50";
/// Bytes of an original that are shown.
const SHOWN: usize = 64 * 1024;

/// Which rejections are asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    code: String,
    after: String,
}

/// A rejection, for people.
struct Entry {
    link: String,
    rejection: Rejection,
    at: Option<Moment>,
}

#[derive(Template)]
#[template(path = "rejections.html")]
struct RejectionsPage {
    shell: Shell,
    told: Option<String>,
    asked: Asked,
    codes: Vec<&'static str>,
    entries: Vec<Entry>,
    next: Option<String>,
}

/// `GET /rejections`
pub(super) async fn page(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    let mut page = RejectionsPage {
        shell: Shell::new("rejections-title", &visit),
        told: None,
        asked,
        codes: stoa_proto::Code::ALL
            .iter()
            .map(|code| code.as_str())
            .collect(),
        entries: Vec::new(),
        next: None,
    };
    let Some(ingest) = &desk.ingest else {
        page.told = Some(visit.words.t("rejections-no-token"));
        return Ok(render(StatusCode::OK, &page));
    };
    let mut query = vec![("limit", PAGE)];
    let pairs = [
        ("code", page.asked.code.as_str()),
        ("after", &page.asked.after),
    ];
    query.extend(pairs.into_iter().filter(|(_, value)| !value.is_empty()));
    let path = ["admin", "rejections"];
    let listed: Rejections = ingest.get(visit.user()?, &path, &query).await?;
    let next = listed.next.map(|next| next.to_string());
    page.next = next.map(|next| {
        links::to(
            &["rejections"],
            &[("code", &page.asked.code), ("after", &next)],
        )
    });
    let now = desk.clock.now();
    let entry = |rejection: Rejection| Entry {
        link: links::to(&["rejections", &rejection.seq.to_string()], &[]),
        at: Moment::new(rejection.received_at.as_ref(), now),
        rejection,
    };
    page.entries = listed.rejections.into_iter().map(entry).collect();
    Ok(render(StatusCode::OK, &page))
}

#[derive(Template)]
#[template(path = "rejection.html")]
struct One {
    shell: Shell,
    rejection: Rejection,
    at: Option<Moment>,
    /// The beginning of what came, as text; nothing where ingest has it no more.
    original: Option<String>,
    is_cut: bool,
}

/// `GET /rejections/{seq}`
pub(super) async fn one(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(seq): Path<String>,
) -> Result<Response, Fault> {
    let ingest = desk.ingest.as_ref().ok_or(Fault::NotFound)?;
    let user = visit.user()?;
    let rejection: Rejection = ingest
        .get(user, &["admin", "rejections", &seq], &[])
        .await?;
    let original = ingest
        .bytes(user, &["admin", "rejections", &seq, "original"])
        .await;
    let original = match original {
        Ok(bytes) => Some(bytes),
        Err(backend::Error::NotFound) => None,
        Err(error) => return Err(error.into()),
    };
    let is_cut = original.as_ref().is_some_and(|bytes| bytes.len() > SHOWN);
    let text = original.map(|bytes| {
        let shown = bytes.get(..SHOWN).unwrap_or(&bytes);
        String::from_utf8_lossy(shown).into_owned()
    });
    let page = One {
        shell: Shell::new("rejection-title", &visit),
        at: Moment::new(rejection.received_at.as_ref(), desk.clock.now()),
        rejection,
        original: text,
        is_cut,
    };
    Ok(render(StatusCode::OK, &page))
}
