//! Authors' appeals: the list of them, one on the page of its case, and that a decision stands.

use askama::Template;
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::case::refuse;
use super::page::{Fault, Shell, render, see};
use super::queue::Filter;
use super::time::Moment;
use super::visit::Visit;
use super::{Desk, links};
use crate::accounts::Act;
use crate::backend::{self, Resolved};

/// Appeals of a page.
const PAGE: &str = "30";

const STATUSES: [&str; 6] = ["open", "upheld", "reversed", "moot", "refused", "all"];

/// An appeal, for people.
pub(super) struct Appeal {
    pub(super) whole: backend::Appeal,
    pub(super) received: Option<Moment>,
    pub(super) ended: Option<Moment>,
    /// The pages of its case and of the decision that it is against.
    pub(super) case: String,
    pub(super) decision: Option<String>,
    /// Who may not decide it.
    pub(super) against: String,
}

impl Appeal {
    /// Shows an appeal.
    pub(super) fn new(whole: backend::Appeal, now: Timestamp) -> Self {
        let ended = whole.resolution.as_ref();
        Self {
            received: Moment::new(whole.received_at.as_ref(), now),
            ended: Moment::new(ended.and_then(|ended| ended.at.as_ref()), now),
            case: links::case(&whole.case),
            decision: whole
                .decision
                .as_ref()
                .map(|id| links::to(&["decisions", id], &[])),
            against: whole.moderators.join(", "),
            whole,
        }
    }

    /// Whether it waits, and for somebody else than who looks.
    pub(super) fn is_for_others(&self) -> bool {
        self.whole.status == "open" && !self.whole.decidable && !self.whole.moderators.is_empty()
    }
}

/// Which appeals are asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    status: String,
    site: String,
    author: String,
    after: String,
}

#[derive(Template)]
#[template(path = "appeals.html")]
struct Page {
    shell: Shell,
    asked: Asked,
    appeals: Vec<Appeal>,
    next: Option<String>,
}

/// `GET /appeals`
pub(super) async fn page(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Query(mut asked): Query<Asked>,
) -> Result<Response, Fault> {
    let user = visit.user()?;
    if !STATUSES.contains(&asked.status.as_str()) {
        "open".clone_into(&mut asked.status);
    }
    let mut query = vec![("status", asked.status.as_str()), ("limit", PAGE)];
    let asks = [
        ("site", asked.site.trim()),
        ("author", asked.author.trim()),
        ("after", asked.after.as_str()),
    ];
    query.extend(asks.iter().filter(|(_, value)| !value.is_empty()));
    let listing: backend::Appeals = desk
        .moderation
        .get(user, &["admin", "appeals"], &query)
        .await?;
    let now = desk.clock.now();
    let next = listing.next.map(|next| {
        let next = next.to_string();
        let asked = [
            ("status", asked.status.as_str()),
            ("site", asked.site.trim()),
            ("author", asked.author.trim()),
            ("after", next.as_str()),
        ];
        links::to(&["appeals"], &asked)
    });
    let appeals = listing.appeals.into_iter();
    let page = Page {
        shell: Shell::new("appeals-title", &visit),
        appeals: appeals.map(|one| Appeal::new(one, now)).collect(),
        next,
        asked,
    };
    Ok(render(StatusCode::OK, &page))
}

/// `POST /cases/{case}/uphold`: the rejection that an author appeals against stands.
pub(super) async fn uphold(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Query(filter): Query<Filter>,
) -> Result<Response, Fault> {
    let user = visit.user()?;
    let version = visit.field("version").parse::<u64>().unwrap_or_default();
    let path = ["admin", "appeals", visit.field("appeal"), "resolution"];
    let body = json!({"outcome": "upheld", "version": version});
    let answer: Result<Resolved, backend::Error> = desk
        .moderation
        .post_once((user, &visit.once), &path, &body)
        .await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(backend::Error::Refused(refusal)) => {
            let why = refusal.told(visit.words);
            let told = visit.words.with("case-not-decided", "why", why);
            return refuse(&desk, &visit, &id, &filter, told, StatusCode::CONFLICT).await;
        }
        Err(error) => return Err(error.into()),
    };
    let decided = Act::Decided {
        case: id.clone(),
        verdict: "reject".to_owned(),
        reason: None,
        version,
    };
    desk.accounts.note(&visit.origin, decided).await?;
    let mut done = vec![("done", "reject")];
    if let Some(stands) = &answer.stands {
        done.extend([("of", id.as_str()), ("decision", stands.decision.as_str())]);
    }
    Ok(see(&filter.case(&id, &done)))
}
