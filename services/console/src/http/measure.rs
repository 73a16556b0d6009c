//! What a moderator puts an author under, from one of their cases: chosen, looked at, then done.

use askama::Template;
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::de::IgnoredAny;
use serde_json::json;

use super::Desk;
use super::page::{Fault, Shell, render, see};
use super::queue::Filter;
use super::visit::Visit;
use crate::accounts::Act;
use crate::backend::{self, Case, Whole};

/// What can be chosen, in order.
pub(super) const KINDS: [&str; 5] = ["warn", "premoderate", "suspend", "ban", "lift"];

/// What is asked for, as the form has it.
struct Measure<'a> {
    kind: &'a str,
    /// A day.
    until: &'a str,
    reason: String,
}

#[derive(Template)]
#[template(path = "measure.html")]
struct MeasurePage {
    shell: Shell,
    told: Option<String>,
    author: String,
    kind: String,
    until: String,
    why: String,
    /// The address of all that waits of this author.
    all: String,
    action: String,
    back: String,
}

/// `POST /cases/{case}/measure`: shows what it means; with the field `sure`, does it.
pub(super) async fn take(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Query(filter): Query<Filter>,
) -> Result<Response, Fault> {
    let user = visit.user()?;
    let path = ["admin", "cases", &id];
    let whole: Whole = desk.moderation.get(user, &path, &[]).await?;
    let measure = Measure {
        kind: visit.field("sanction"),
        until: visit.field("until"),
        reason: visit.field("why").replace("\r\n", "\n").trim().to_owned(),
    };
    let wrong = measure.wrong();
    if wrong.is_some() || visit.field("sure").is_empty() {
        let status = match wrong {
            Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
            None => StatusCode::OK,
        };
        let told = wrong.map(|id| visit.words.t(id));
        return Ok(render(
            status,
            &page(&visit, &whole, measure, &filter, told),
        ));
    }
    let Case { site, author, .. } = &whole.case;
    let path = ["admin", "authors", site, author, "sanctions"];
    let mut body = json!({"sanction": measure.kind});
    if let Some(body) = body.as_object_mut() {
        let until = measure.until().map(Into::into);
        body.extend(until.map(|until| ("until".to_owned(), until)));
        let reason = (!measure.reason.is_empty()).then(|| measure.reason.as_str().into());
        body.extend(reason.map(|reason| ("reason".to_owned(), reason)));
    }
    let answer: Result<IgnoredAny, _> = desk
        .moderation
        .post_once((user, &visit.once), &path, &body)
        .await;
    if let Err(backend::Error::Refused(refusal)) = answer {
        let why = refusal.told(visit.words);
        let told = visit.words.with("case-not-done", "why", why);
        let page = page(&visit, &whole, measure, &filter, Some(told));
        return Ok(render(StatusCode::CONFLICT, &page));
    }
    answer?;
    let sanctioned = Act::Sanctioned {
        site: site.clone(),
        author: author.clone(),
        sanction: measure.kind.to_owned(),
        until: measure.until(),
    };
    desk.accounts.note(&visit.origin, sanctioned).await?;
    Ok(see(&filter.case(&id, &[("done", "measure")])))
}

impl Measure<'_> {
    /// The text that says what is missing.
    fn wrong(&self) -> Option<&'static str> {
        let ends = matches!(self.kind, "suspend" | "premoderate");
        if !KINDS.contains(&self.kind) {
            Some("measure-choose")
        } else if self.kind == "suspend" && self.until.is_empty() {
            Some("measure-needs-end")
        } else if !ends && !self.until.is_empty() {
            Some("measure-has-no-end")
        } else if !self.until.is_empty() && self.until.parse::<jiff::civil::Date>().is_err() {
            Some("measure-no-date")
        } else {
            None
        }
    }

    /// The end of the day that it holds until, in UTC.
    fn until(&self) -> Option<String> {
        (!self.until.is_empty()).then(|| format!("{}T23:59:59Z", self.until))
    }
}

fn page(
    visit: &Visit,
    whole: &Whole,
    measure: Measure<'_>,
    filter: &Filter,
    told: Option<String>,
) -> MeasurePage {
    let case = &whole.case;
    let of_author = [("site", case.site.as_str()), ("author", &case.author)];
    let action = Filter::default().case(&case.id, &[]);
    MeasurePage {
        shell: Shell::new("measure-title", visit),
        told,
        author: whole.author().to_owned(),
        kind: measure.kind.to_owned(),
        until: measure.until.to_owned(),
        why: measure.reason,
        all: Filter::default().link("/bulk", &of_author),
        action: format!("{action}/measure{}", filter.link("", &[])),
        back: filter.case(&case.id, &[]),
    }
}
