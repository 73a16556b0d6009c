//! The log of decisions, the newest first, and one of them.

use askama::Template;
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;

use super::case::{Decided, decided};
use super::days::{Edge, edge};
use super::page::{Fault, Shell, render};
use super::reason::category;
use super::visit::Visit;
use super::{Desk, links};
use crate::backend::{Log, Logged};
use crate::language::Words;

/// Decisions of a page.
const PAGE: &str = "30";

const VERDICTS: [&str; 3] = ["approve", "hold", "reject"];
const BY: [&str; 2] = ["rules", "moderator"];

/// Which decisions are asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    site: String,
    verdict: String,
    by: String,
    rule: String,
    moderator: String,
    author: String,
    from: String,
    to: String,
    before: String,
}

impl Asked {
    fn pairs(&self) -> [(&'static str, &str); 9] {
        [
            ("site", self.site.trim()),
            ("verdict", &self.verdict),
            ("by", &self.by),
            ("rule", self.rule.trim()),
            ("moderator", self.moderator.trim()),
            ("author", self.author.trim()),
            ("from", &self.from),
            ("to", &self.to),
            ("before", &self.before),
        ]
    }
}

/// A decision in the log, for people.
pub(super) struct Entry {
    pub(super) decided: Decided,
    /// Its page.
    pub(super) own: String,
    pub(super) site: String,
    pub(super) comment: String,
    pub(super) place: String,
    pub(super) labels: Vec<String>,
    pub(super) statement: Option<Told>,
    /// The page of the decision in whose place it stands, and of the one that stands in its.
    pub(super) supersedes: Option<String>,
    pub(super) superseded_by: Option<String>,
}

/// What the author was told.
pub(super) struct Told {
    pub(super) ground: String,
    pub(super) reference: Option<String>,
    pub(super) category: Option<String>,
}

impl Entry {
    /// Shows a decision.
    pub(super) fn new(logged: &Logged, words: Words, now: Timestamp) -> Self {
        let one = &logged.decision;
        let page = |id: &String| links::to(&["decisions", id], &[]);
        let statement = one.statement.as_ref().map(|statement| {
            let statement = serde_json::to_value(statement).unwrap_or_default();
            let text = |key: &str| statement.get(key)?.as_str().map(str::to_owned);
            Told {
                ground: text("ground").unwrap_or_default(),
                reference: text("reference"),
                category: text("category").map(|text| category(words, &text)),
            }
        });
        Self {
            decided: decided(one, now, words),
            own: page(&one.decision),
            place: links::comment(&one.site, &one.article, &one.comment),
            site: one.site.clone(),
            comment: one.comment.clone(),
            labels: one.labels.clone(),
            statement,
            supersedes: one.supersedes.as_ref().map(page),
            superseded_by: logged.superseded_by.as_ref().map(page),
        }
    }
}

#[derive(Template)]
#[template(path = "decisions.html")]
struct Decisions {
    shell: Shell,
    told: Option<String>,
    asked: Asked,
    entries: Vec<Entry>,
    next: Option<String>,
}

/// `GET /decisions`
pub(super) async fn page(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    let user = visit.user()?;
    let times =
        [(&asked.from, Edge::First), (&asked.to, Edge::Last)].map(|(day, end)| edge(day, end));
    let mut page = Decisions {
        shell: Shell::new("decisions-title", &visit),
        told: None,
        asked: asked.clone(),
        entries: Vec::new(),
        next: None,
    };
    let [Ok(from), Ok(to)] = times else {
        page.told = Some(visit.words.t("common-bad-day"));
        return Ok(render(StatusCode::UNPROCESSABLE_ENTITY, &page));
    };
    let mut query = vec![("order", "newest"), ("limit", PAGE)];
    let asks = asked.pairs().into_iter();
    query.extend(asks.filter(|(name, value)| !value.is_empty() && !matches!(*name, "from" | "to")));
    query.extend(from.as_deref().map(|from| ("from", from)));
    query.extend(to.as_deref().map(|to| ("to", to)));
    let log: Log = desk
        .moderation
        .get(user, &["admin", "decisions"], &query)
        .await?;
    let now = desk.clock.now();
    let next = log.next.to_string();
    page.next = log.more.then(|| {
        let mut asked = asked.pairs().to_vec();
        asked.retain(|(name, _)| *name != "before");
        asked.push(("before", &next));
        links::to(&["decisions"], &asked)
    });
    let decisions = log.decisions.into_iter();
    page.entries = decisions
        .map(|one| Entry::new(&one, visit.words, now))
        .collect();
    Ok(render(StatusCode::OK, &page))
}

#[derive(Template)]
#[template(path = "decision.html")]
struct One {
    shell: Shell,
    entry: Entry,
}

/// `GET /decisions/{decision}`
pub(super) async fn one(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let path = ["admin", "decisions", &id];
    let logged: Logged = desk.moderation.get(visit.user()?, &path, &[]).await?;
    let page = One {
        shell: Shell::new("decision-title", &visit),
        entry: Entry::new(&logged, visit.words, desk.clock.now()),
    };
    Ok(render(StatusCode::OK, &page))
}
