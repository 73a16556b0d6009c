//! One case: everything that is needed to decide it.

use askama::Template;
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::future::join_all;
use jiff::Timestamp;
use serde_json::Value;
use stoa_daemon::auth::Role;
use stoa_proto::{By, Decision};

use super::Desk;
use super::appeals::Appeal;
use super::author::Put;
use super::decide::reasons;
use super::links;
use super::page::{Fault, Shell, render};
use super::queue::Filter;
use super::reason::Reason;
use super::time::Moment;
use super::undo::{Done, Just};
use super::visit::Visit;
use super::words::{Part, excerpt, parts};
use super::work::{Note, With};
use crate::accounts::User;
use crate::backend::{self, Archived, ArchivedThread, Article, Known, Whole};
use crate::language::Words;

/// Comments above a case's that are shown, and answers beside it.
const ABOVE: usize = 3;
const BESIDE: usize = 3;
/// Characters that are shown of a comment that is not the case's.
const EXCERPT: usize = 400;

/// A comment around the case's.
struct Around {
    author: String,
    text: Option<String>,
    status: String,
    written: Option<Moment>,
}

struct Report {
    reason: String,
    text: String,
    reported: Option<Moment>,
}

/// A rule that fired.
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) mode: String,
    pub(super) explain: String,
    /// What matched, with the list that has it.
    pub(super) terms: Vec<(String, Option<String>)>,
}

/// A decision.
pub(super) struct Decided {
    pub(super) verdict: &'static str,
    /// The moderator; nobody where rules decided.
    pub(super) by: Option<String>,
    pub(super) at: Option<Moment>,
    pub(super) rules: Vec<Rule>,
    pub(super) facts: Option<String>,
}

#[derive(Template)]
#[template(path = "case.html")]
pub(super) struct CasePage {
    shell: Shell,
    pub(super) told: Option<String>,
    done: Option<Done>,
    whole: Whole,
    opened: Option<Moment>,
    written: Option<Moment>,
    author: String,
    language: Option<String>,
    url: Option<String>,
    parts: Vec<Part>,
    article: Option<Article>,
    article_url: Option<String>,
    /// The pages of its thread and of its author.
    thread_page: String,
    author_page: String,
    above: Vec<Around>,
    beside: Vec<Around>,
    first_seen: Option<Moment>,
    is_trusted: bool,
    sanction: Option<Put>,
    sanctions: Vec<Put>,
    reports: Vec<Report>,
    weight: f64,
    /// Why the comment was reported since the last decision.
    reported_for: String,
    decided: Vec<Decided>,
    with: Option<With>,
    notes: Vec<Note>,
    appeals: Vec<Appeal>,
    /// What was written and could not be taken.
    pub(super) noting: String,
    pub(super) escalating: String,
    may_note: bool,
    /// Whether the case is open, for somebody who may decide cases, and nobody else works on it.
    may_decide: bool,
    due: Option<Moment>,
    /// What the form of measures begins with.
    kind: &'static str,
    until: &'static str,
    why: &'static str,
    /// The addresses of all that waits of the author, and below the comment.
    of_author: String,
    of_comment: String,
    reasons: Vec<Reason>,
    /// What the addresses of forms begin and end with.
    path: String,
    query: String,
    queue: String,
}

/// What is asked for beside the case.
#[derive(Debug, Default, serde::Deserialize)]
pub(super) struct Asked {
    #[serde(flatten)]
    filter: Filter,
    #[serde(flatten)]
    just: Just,
}

/// `GET /cases/{case}`
pub(super) async fn page(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    let mut page = read(&desk, &visit, &id, &asked.filter).await?;
    page.done = asked.just.told(&asked.filter);
    Ok(render(StatusCode::OK, &page))
}

/// Shows a case again, with what was wrong.
pub(super) async fn refuse(
    desk: &Desk,
    visit: &Visit,
    id: &str,
    filter: &Filter,
    told: String,
    status: StatusCode,
) -> Result<Response, Fault> {
    let mut page = read(desk, visit, id, filter).await?;
    page.told = Some(told);
    Ok(render(status, &page))
}

/// Reads a case and what is around it.
pub(super) async fn read(
    desk: &Desk,
    visit: &Visit,
    id: &str,
    filter: &Filter,
) -> Result<CasePage, Fault> {
    let user = visit.user()?;
    let mut whole: Whole = desk
        .moderation
        .get(user, &["admin", "cases", id], &[])
        .await?;
    let case = &whole.case;
    let author = ["admin", "authors", &case.site, &case.author];
    let thread = ["v1", "sites", &case.site, "threads", &case.article];
    let comment = ["v1", "sites", &case.site, "comments", &case.comment];
    let one = [("limit", "1")];
    // What is only around the case may be missing.
    let (reasons, known, thread, archived, around) = tokio::join!(
        reasons(desk, user, Some(&case.site)),
        desk.moderation.get::<Known>(user, &author, &[]),
        desk.archive.get::<ArchivedThread>(user, &thread, &one),
        desk.archive.get::<Archived>(user, &comment, &[]),
        around(desk, user, &whole),
    );
    let (known, archived) = (known.ok(), archived.ok());
    let article = thread.ok().and_then(|thread| thread.article);
    let now = desk.clock.now();
    let data = whole.event.as_ref().map(|event| &event.data);
    let (is_trusted, sanction, sanctions) = known.map_or((false, None, Vec::new()), |known| {
        (known.trusted, known.sanction, known.sanctions)
    });
    let put = |sanction| Put::new(sanction, now);
    let (reasons, latest) = ((1..).zip(reasons?), whole.decisions.iter().rev());
    let is_moderator = user.role.at_least(Role::Moderator);
    let may_work = case.status == "open" && is_moderator;
    let with = case.assignee.as_ref();
    let with = with.map(|claim| With::new(claim, user, now));
    let site = ("site", case.site.as_str());
    let plain = Filter::default();
    let reported_for = whole.open_reports.reasons.iter();
    let reported_for = reported_for.map(|reason| visit.words.code("report", reason));
    let appeals = std::mem::take(&mut whole.appeals).into_iter();
    let appeals: Vec<_> = appeals.map(|appeal| Appeal::new(appeal, now)).collect();
    let is_for_others = appeals.iter().any(Appeal::is_for_others);
    let case = &whole.case;
    let notes = whole.notes.iter();
    Ok(CasePage {
        shell: Shell::new("case-title", visit),
        told: None,
        done: None,
        opened: Moment::new(case.opened_at.as_ref(), now),
        written: Moment::new(data.and_then(|data| data.submitted_at.as_ref()), now),
        author: whole.author().to_owned(),
        language: data.and_then(|data| data.language.clone()),
        url: data.and_then(|data| web(data.url.as_ref())),
        parts: parts(
            whole.text.as_deref().unwrap_or_default(),
            &whole.decisions,
            case.revision,
        ),
        thread_page: links::comment(&case.site, &case.article, &case.comment),
        author_page: links::author(&case.site, &case.author),
        article_url: web(article.as_ref().and_then(|article| article.url.as_ref())),
        article,
        above: around.0,
        beside: around.1,
        first_seen: Moment::new(whole.history.first_seen.as_ref(), now),
        is_trusted,
        sanction: sanction.map(put),
        sanctions: sanctions.into_iter().map(put).collect(),
        reports: archived.map_or_else(Vec::new, |archived| reports(archived, now)),
        weight: (whole.open_reports.weight * 10.0).round() / 10.0,
        reported_for: reported_for.collect::<Vec<_>>().join(", "),
        decided: latest
            .map(|decision| decided(decision, now, visit.words))
            .collect(),
        may_decide: may_work && !is_for_others && with.as_ref().is_none_or(|with| with.is_mine),
        with,
        due: Moment::new(case.due_at.as_ref(), now).filter(|_| case.status == "open"),
        noting: String::new(),
        escalating: String::new(),
        kind: "",
        until: "",
        why: "",
        of_author: plain.link("/bulk", &[site, ("author", &case.author)]),
        of_comment: plain.link("/bulk", &[site, ("comment", &case.comment)]),
        notes: notes.map(|note| Note::new(note, now)).collect(),
        appeals,
        may_note: is_moderator,
        reasons: reasons
            .map(|(key, reason)| Reason::new(Some(key), reason, Some(case), visit.words))
            .collect(),
        path: Filter::default().case(id, &[]),
        query: filter.link("", &[]),
        queue: filter.link("/", &[]),
        whole,
    })
}

impl CasePage {
    /// Whether the case is open, for somebody who may decide cases.
    fn may_work(&self) -> bool {
        self.may_note && self.whole.case.status == "open"
    }
}

/// What readers said against a comment.
fn reports(archived: Archived, now: Timestamp) -> Vec<Report> {
    let reports = archived.events.into_iter();
    let reports = reports.filter(|event| event.kind.contains("comment.reported"));
    let report = |event: backend::Happened| {
        let text = |key: &str| {
            let text = event.data.get(key).and_then(Value::as_str);
            text.unwrap_or_default()
        };
        Report {
            reason: text("reason").to_owned(),
            text: text("text").to_owned(),
            reported: Moment::new(event.captured_at.as_ref(), now),
        }
    };
    reports.map(report).collect()
}

/// An address that a browser may follow.
pub(super) fn web(url: Option<&String>) -> Option<String> {
    let is_web = |url: &&String| url.starts_with("https://") || url.starts_with("http://");
    url.filter(is_web).cloned()
}

/// The comments above a case's, the topmost first, and some that answer the same one.
async fn around(desk: &Desk, user: &User, whole: &Whole) -> (Vec<Around>, Vec<Around>) {
    let site = whole.case.site.as_str();
    let read = async |id: &str| {
        let path = ["v1", "sites", site, "comments", id];
        desk.archive.get::<Archived>(user, &path, &[]).await.ok()
    };
    let show = |archived: Archived| Around {
        author: archived.author.display_name.unwrap_or(archived.author.id),
        text: archived.text.map(|text| excerpt(&text, EXCERPT)),
        status: archived.status,
        written: Moment::new(archived.submitted_at.as_ref(), desk.clock.now()),
    };
    let mut above = Vec::new();
    let mut parent = whole.thread.parent.clone();
    while let Some(id) = parent.take()
        && above.len() < ABOVE
        && let Some(archived) = read(&id).await
    {
        parent.clone_from(&archived.parent);
        above.push(show(archived));
    }
    above.reverse();
    let siblings = whole.thread.siblings.iter().take(BESIDE);
    let beside = join_all(siblings.map(|id| read(id))).await;
    (above, beside.into_iter().flatten().map(show).collect())
}

/// Shows a decision.
pub(super) fn decided(decision: &Decision, now: Timestamp, words: Words) -> Decided {
    let rule = |rule: &stoa_proto::FiredRule| {
        let term = |span: &stoa_proto::Span| (span.text.clone(), span.list.clone());
        let explain = rule
            .explain
            .get(words.0.as_str())
            .or_else(|| rule.explain.get("en"))
            .or_else(|| rule.explain.values().next());
        Rule {
            id: rule.id.clone(),
            mode: rule.mode.clone(),
            explain: explain.cloned().unwrap_or_default(),
            terms: rule.spans.iter().map(term).collect(),
        }
    };
    Decided {
        verdict: match decision.verdict {
            stoa_proto::Verdict::Approve => "approve",
            stoa_proto::Verdict::Hold => "hold",
            stoa_proto::Verdict::Reject => "reject",
        },
        by: match &decision.by {
            By::Moderator { id } => Some(id.clone()),
            By::Rules { .. } => None,
        },
        at: Moment::new(Some(&decision.decided_at.to_string()), now),
        rules: decision.rules.iter().map(rule).collect(),
        facts: decision
            .statement
            .as_ref()
            .map(|statement| statement.facts.clone()),
    }
}
