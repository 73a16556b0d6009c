//! Search in the archive.

use askama::Template;
use axum::extract::{Extension, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::line::Line;
use super::page::{Fault, Shell, render};
use super::visit::Visit;
use super::{Desk, links};
use crate::backend::{self, Found, Sites};

const TYPES: [&str; 2] = ["comment", "article"];
const STATUSES: [&str; 5] = ["approved", "pending", "rejected", "published", "removed"];
const SORTS: [&str; 3] = ["relevance", "newest", "oldest"];

/// What is looked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    q: String,
    site: String,
    #[serde(rename = "type")]
    kind: String,
    status: String,
    language: String,
    author: String,
    article: String,
    label: String,
    from: String,
    to: String,
    sort: String,
    after: String,
}

impl Asked {
    fn pairs(&self) -> Vec<(&'static str, &str)> {
        let pairs = [
            ("q", self.q.as_str()),
            ("site", &self.site),
            ("type", &self.kind),
            ("status", &self.status),
            ("language", &self.language),
            ("author", &self.author),
            ("article", &self.article),
            ("label", &self.label),
            ("from", &self.from),
            ("to", &self.to),
            ("sort", &self.sort),
            ("after", &self.after),
        ];
        let given = pairs.into_iter().map(|(name, value)| (name, value.trim()));
        given.filter(|(_, value)| !value.is_empty()).collect()
    }
}

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage {
    shell: Shell,
    told: Option<String>,
    asked: Asked,
    sites: Vec<String>,
    /// Whether who looks may search in all sites at once.
    is_for_all: bool,
    found: Option<Shown>,
}

/// What was found, for people.
struct Shown {
    total: u64,
    catching_up: bool,
    lines: Vec<Line>,
    next: Option<String>,
}

/// `GET /search`
pub(super) async fn page(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Query(mut asked): Query<Asked>,
) -> Result<Response, Fault> {
    let user = visit.user()?;
    let Sites { sites } = desk.archive.get(user, &["v1", "sites"], &[]).await?;
    let is_for_all = user.sites == ["*"];
    let is_asked = !asked.pairs().is_empty();
    // Who is for some sites searches one of them.
    if asked.site.is_empty()
        && !is_for_all
        && let Some(first) = sites.first()
    {
        asked.site.clone_from(first);
    }
    let mut told = None;
    let mut status = StatusCode::OK;
    let mut found = None;
    if is_asked {
        match desk
            .archive
            .get::<Found>(user, &["v1", "search"], &asked.pairs())
            .await
        {
            Ok(answer) => found = Some(shown(&desk, &asked, answer)),
            Err(backend::Error::Refused(refusal)) => {
                status = StatusCode::UNPROCESSABLE_ENTITY;
                told = Some(refusal.told(visit.words));
            }
            // The configuration leaves search out, or there is no index to search in yet.
            Err(backend::Error::NotFound | backend::Error::Unavailable(_)) => {
                status = StatusCode::BAD_GATEWAY;
                told = Some(visit.words.t("search-off"));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let page = SearchPage {
        shell: Shell::new("search-title", &visit),
        told,
        asked,
        sites,
        is_for_all,
        found,
    };
    Ok(render(status, &page))
}

fn shown(desk: &Desk, asked: &Asked, found: Found) -> Shown {
    let now = desk.clock.now();
    let lines = found.hits.into_iter().map(|hit| Line::found(hit, now));
    let next = found.next.map(|after| {
        let asked = Asked {
            after,
            ..asked.clone()
        };
        links::to(&["search"], &asked.pairs())
    });
    Shown {
        total: found.total,
        catching_up: found.catching_up,
        lines: lines.collect(),
        next,
    }
}
