//! What is known of an author: what became of their comments, sanctions, open cases and names.

use askama::Template;
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;
use stoa_daemon::auth::Role;

use super::decisions::Entry;
use super::line::Line;
use super::page::{Fault, Shell, render};
use super::time::Moment;
use super::visit::Visit;
use super::{Desk, links};
use crate::backend::{self, Case, Found, Known, Listing, Log, Sanction};

/// Comments, cases and decisions that are shown.
const COMMENTS: &str = "20";
const CASES: &str = "50";
const DECISIONS: &str = "20";

/// Where the list of comments begins.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    after: Option<String>,
}

/// What an author was put under, for people.
pub(super) struct Put {
    pub(super) what: String,
    pub(super) since: Option<Moment>,
    pub(super) until: Option<Moment>,
    pub(super) by: String,
    pub(super) reason: Option<String>,
}

impl Put {
    /// Shows a sanction.
    pub(super) fn new(sanction: Sanction, now: Timestamp) -> Self {
        Self {
            what: sanction.kind,
            since: Moment::new(sanction.since.as_ref(), now),
            until: Moment::new(sanction.until.as_ref(), now),
            by: sanction.by,
            reason: sanction.reason,
        }
    }
}

/// A case that waits.
struct Open {
    link: String,
    reason: String,
    labels: Vec<String>,
    opened: Option<Moment>,
}

#[derive(Template)]
#[template(path = "author.html")]
struct AuthorPage {
    shell: Shell,
    site: String,
    author: String,
    names: Vec<String>,
    /// Comments that are approved, held and rejected.
    counts: [u64; 3],
    is_trusted: bool,
    first_seen: Option<Moment>,
    sanction: Option<Put>,
    sanctions: Vec<Put>,
    cases: Vec<Open>,
    /// Where all of the open cases are decided at once.
    bulk: Option<String>,
    decisions: Vec<Entry>,
    more_decisions: Option<String>,
    lines: Option<Vec<Line>>,
    next: Option<String>,
}

/// `GET /authors/{site}/{author}`
pub(super) async fn page(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path((site, author)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    let user = visit.user()?;
    let now = desk.clock.now();
    let of = [("site", site.as_str()), ("author", author.as_str())];
    let with = |more: &[(&'static str, &'static str)]| [&of[..], more].concat();
    let mut search = with(&[("sort", "newest"), ("type", "comment"), ("limit", COMMENTS)]);
    search.extend(asked.after.as_deref().map(|after| ("after", after)));
    let cases = with(&[("limit", CASES)]);
    let log = with(&[("order", "newest"), ("limit", DECISIONS)]);
    let path = ["admin", "authors", &site, &author];
    let (known, cases, log, found) = tokio::join!(
        desk.moderation.get::<Known>(user, &path, &[]),
        desk.moderation
            .get::<Listing>(user, &["admin", "cases"], &cases),
        desk.moderation
            .get::<Log>(user, &["admin", "decisions"], &log),
        desk.archive.get::<Found>(user, &["v1", "search"], &search),
    );
    // An author whose comments are older than moderation-rules is known to the archive alone.
    let known = match known {
        Ok(known) => Some(known),
        Err(backend::Error::NotFound) => None,
        Err(error) => return Err(error.into()),
    };
    let found = found.ok();
    if known.is_none() && found.as_ref().is_none_or(|found| found.hits.is_empty()) {
        return Err(Fault::NotFound);
    }
    let (cases, log) = (cases?, log?);
    let mut names: Vec<String> = Vec::new();
    for hit in found.iter().flat_map(|found| &found.hits) {
        let name = hit
            .author
            .as_ref()
            .and_then(|author| author.display_name.as_ref());
        names.extend(name.filter(|name| !names.contains(name)).cloned());
    }
    let (lines, next) = match found {
        Some(found) => {
            let lines = found.hits.into_iter().map(|hit| Line::found(hit, now));
            (Some(lines.collect()), found.next)
        }
        None => (None, None),
    };
    let open: Vec<Open> = cases
        .cases
        .into_iter()
        .map(|listed| open(listed.case, now))
        .collect();
    let known = known.unwrap_or_default();
    let sanctions = known.sanctions.into_iter().map(|one| Put::new(one, now));
    let may_decide = user.role.at_least(Role::Moderator) && !open.is_empty();
    let decisions = log.decisions.into_iter();
    let page = AuthorPage {
        shell: Shell::new("author-title", &visit),
        names,
        counts: [known.approved, known.held, known.rejected],
        is_trusted: known.trusted,
        first_seen: Moment::new(known.first_seen.as_ref(), now),
        sanction: known.sanction.map(|one| Put::new(one, now)),
        sanctions: sanctions.collect(),
        bulk: may_decide.then(|| links::to(&["bulk"], &of)),
        cases: open,
        decisions: decisions
            .map(|one| Entry::new(&one, visit.words, now))
            .collect(),
        more_decisions: log.more.then(|| links::to(&["decisions"], &of)),
        lines,
        next: next.map(|next| links::to(&["authors", &site, &author], &[("after", &next)])),
        site,
        author,
    };
    Ok(render(StatusCode::OK, &page))
}

fn open(case: Case, now: Timestamp) -> Open {
    Open {
        link: links::case(&case.id),
        opened: Moment::new(case.opened_at.as_ref(), now),
        reason: case.reason,
        labels: case.labels,
    }
}
