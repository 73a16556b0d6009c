//! `GET /admin/statements`: restrictions as payloads of the DSA Transparency Database, in batches,
//! oldest first.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use stoa_daemon::Problem;
use stoa_daemon::auth::{Principal, Role};
use stoa_proto::{Data, Event, ReportReason, Sanction, Verdict, ids};

use super::{Admin, MAX_SCAN, wrong};
use crate::dsa::{self, BATCH, MAX_EXPLANATION, MAX_FACTS, MAX_SHORT, Payload};
use crate::record::{Automation, Change, Kept, Made, Reasons, Sanctioned, Stored, Told};
use crate::statement::Tongue;
use crate::statement::texts::Key;
use crate::view::tally::DAY;
use crate::view::{COMMENTS, KEPT, REPORTS, RESTRICTIONS, REVISIONS, SANCTIONS};

/// Decisions of a comment that are looked through for the one that ended a restriction.
const MAX_DECISIONS: usize = 1_000;
/// Rows of a page of CSV.
const ROWS: usize = 1_000;
/// The header that has `next` of a page of CSV.
const NEXT: HeaderName = HeaderName::from_static("x-next-cursor");
/// What is said of a restriction whose clause or law is not known.
const RULES_OF_SITE: &str = "Rules of the site";
const LAW: &str = "Law";

/// The fields as CSV has them.
const NAMES: [&str; 21] = [
    "decision_visibility",
    "decision_visibility_other",
    "end_date_visibility_restriction",
    "decision_account",
    "end_date_account_restriction",
    "decision_ground",
    "illegal_content_legal_ground",
    "illegal_content_explanation",
    "incompatible_content_ground",
    "incompatible_content_explanation",
    "content_type",
    "content_language",
    "category",
    "territorial_scope",
    "content_date",
    "application_date",
    "decision_facts",
    "source_type",
    "automated_detection",
    "automated_decision",
    "puid",
];

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ReportFormat)]
pub(super) enum Format {
    #[default]
    Json,
    Csv,
}

/// What is asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// Of this site alone.
    site: Option<String>,
    /// The first day, in UTC.
    from: Option<String>,
    /// The last day.
    to: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// What is answered.
    #[serde(default)]
    #[param(inline)]
    format: Format,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = StatementPage)]
struct Listing {
    statements: Vec<Payload>,
    /// Decisions that the database would refuse, and why; they are left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    invalid: Vec<Refused>,
    /// Restrictions of which an earlier version erased what their statements say; they are left out.
    erased: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = StatementInvalid)]
struct Refused {
    puid: String,
    field: &'static str,
    detail: String,
}

/// Reads a day: the days since 1970.
fn day(name: &str, text: Option<&String>) -> Result<Option<i64>, Problem> {
    let Some(text) = text else {
        return Ok(None);
    };
    let date = text.parse::<jiff::civil::Date>().ok();
    let at = date.and_then(|date| date.to_zoned_datetime(jiff::tz::TimeZone::UTC).ok());
    let at = at.map(|at| at.timestamp().as_microsecond().div_euclid(DAY));
    at.map(Some)
        .ok_or_else(|| wrong(name, "send a day, such as 2026-11-24"))
}

fn place(text: &str) -> Result<(i64, u64), Problem> {
    let place = text.split_once('.');
    place
        .and_then(|(day, seq)| Some((day.parse().ok()?, seq.parse().ok()?)))
        .ok_or_else(|| wrong("cursor", "send `next` of the page before"))
}

/// Lists restrictions as payloads of the DSA Transparency Database, oldest first.
///
/// JSON in batches of 100, or 1000 rows of CSV with `next` in the header `X-Next-Cursor`.
#[utoipa::path(
    get,
    path = "/admin/statements",
    operation_id = "list_statements",
    tag = "reports",
    params(Asked),
    extensions(("x-role" = json!(Role::Viewer))),
    responses((status = 200, description = "A page.", content(
        (Listing = "application/json"),
        (String = "text/csv"),
    ))),
)]
pub(super) async fn list(
    State(admin): State<Admin>,
    headers: HeaderMap,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Problem> {
    let principal = admin.tokens.require(&headers, Role::Viewer)?;
    let Query(asked) = query?;
    if let Some(site) = &asked.site {
        principal.require_site(site)?;
    }
    let from = day("from", asked.from.as_ref())?.unwrap_or(i64::MIN);
    let to = day("to", asked.to.as_ref())?.unwrap_or(i64::MAX);
    let begin = match &asked.cursor {
        None => (from, 0),
        Some(cursor) => {
            let (day, seq) = place(cursor)?;
            (day.max(from), seq.saturating_add(1))
        }
    };
    let format = asked.format;
    let listing = admin
        .blocking(move |admin| {
            let most = match format {
                Format::Json => BATCH,
                Format::Csv => ROWS,
            };
            admin.restrictions(&principal, asked.site.as_ref(), (begin, to), most)
        })
        .await?;
    Ok(match format {
        Format::Json => Json(listing).into_response(),
        Format::Csv => csv(&listing),
    })
}

/// Writes a page as CSV; a header says where to go on.
fn csv(listing: &Listing) -> Response {
    let mut rows = Vec::with_capacity(listing.statements.len());
    for payload in &listing.statements {
        if let Ok(serde_json::Value::Object(row)) = serde_json::to_value(payload) {
            rows.push(row);
        }
    }
    let text = dsa::csv::table(&NAMES, &rows);
    let kind = [(header::CONTENT_TYPE, "text/csv; charset=utf-8")];
    let mut response = (kind, text).into_response();
    let next = listing.next.as_deref();
    if let Some(next) = next.and_then(|next| HeaderValue::from_str(next).ok()) {
        response.headers_mut().insert(NEXT, next);
    }
    response
}

impl Admin {
    fn restrictions(
        &self,
        principal: &Principal,
        site: Option<&String>,
        (begin, to): ((i64, u64), i64),
        most: usize,
    ) -> anyhow::Result<Listing> {
        let mut listing = Listing {
            statements: Vec::new(),
            invalid: Vec::new(),
            erased: 0,
            next: None,
        };
        let rows = self.index.view.range(&RESTRICTIONS, begin..);
        for (scanned, row) in rows.enumerate() {
            let ((day, seq), own) = row?;
            if day > to {
                break;
            }
            let is_asked = site.is_none_or(|site| *site == own) && principal.allows_site(&own);
            let payload = is_asked.then(|| self.payload(seq)).transpose()?;
            listing.erased += usize::from(payload == Some(None));
            let payload = payload.flatten();
            match payload.map(|payload| (dsa::check(&payload), payload)) {
                Some((Ok(()), payload)) => listing.statements.push(payload),
                Some((Err(invalid), payload)) => listing.invalid.push(Refused {
                    puid: payload.puid,
                    field: invalid.field,
                    detail: invalid.detail,
                }),
                None => {}
            }
            if listing.statements.len() >= most || scanned >= MAX_SCAN {
                listing.next = Some(format!("{day}.{seq}"));
                break;
            }
        }
        Ok(listing)
    }

    /// Reads a record, or what is kept of it if its words were erased, and what its statement says.
    fn told(&self, seq: u64) -> anyhow::Result<Option<(Stored, Option<Told>)>> {
        if let Some(stored) = self.stored(seq)? {
            let told = Told::of(&stored);
            return Ok(Some((stored, told)));
        }
        let Some(by) = self.index.view.get(&KEPT, &seq)? else {
            return Ok(None);
        };
        let Some(record) = self.journal.read_seq(by)? else {
            return Ok(None);
        };
        Ok(Kept::of(&record)?.stored(seq))
    }

    /// Makes the payload of a restriction; none if what it says is not known any more.
    fn payload(&self, seq: u64) -> anyhow::Result<Option<Payload>> {
        let Some((stored, told)) = self.told(seq)? else {
            return Ok(None);
        };
        if let Change::Sanctioned(sanctioned) = &stored.change {
            return self.of_account(seq, sanctioned).map(Some);
        }
        match (stored.change.made(), &stored.reasons, told) {
            (Some(made), Some(reasons), Some(told)) => {
                let source = self.source(seq, &stored.change, reasons)?;
                self.of_comment(seq, made, reasons, &told, source).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn of_comment(
        &self,
        seq: u64,
        made: Made<'_>,
        reasons: &Reasons,
        told: &Told,
        source_type: &'static str,
    ) -> anyhow::Result<Payload> {
        let (language, submitted_at) = self.submitted(made)?;
        let is_legal = reasons.is_legal;
        let (reference, facts) = self.impersonal(made, is_legal, told);
        let facts_short = dsa::cut(&facts, MAX_EXPLANATION);
        let decided = dsa::day(made.at, "").unwrap_or_default();
        let ground = dsa::cut(&reference, MAX_SHORT);
        let created = submitted_at.and_then(|at| dsa::day(at, dsa::EARLIEST_CONTENT));
        Ok(Payload {
            decision_visibility: vec![match made.verdict {
                Verdict::Reject => "DECISION_VISIBILITY_CONTENT_REMOVED",
                _ => "DECISION_VISIBILITY_CONTENT_DISABLED",
            }],
            end_date_visibility_restriction: self.ended(seq, made)?,
            decision_ground: if is_legal {
                "DECISION_GROUND_ILLEGAL_CONTENT"
            } else {
                "DECISION_GROUND_INCOMPATIBLE_CONTENT"
            },
            illegal_content_legal_ground: is_legal.then(|| ground.clone()),
            illegal_content_explanation: is_legal.then(|| facts_short.clone()),
            incompatible_content_ground: (!is_legal).then_some(ground),
            incompatible_content_explanation: (!is_legal).then_some(facts_short),
            content_type: vec!["CONTENT_TYPE_TEXT"],
            content_language: language.as_deref().and_then(dsa::language),
            category: dsa::category(reasons.category.as_deref(), is_legal),
            territorial_scope: self.territories.to_vec(),
            content_date: created.unwrap_or_else(|| decided.clone()),
            application_date: decided,
            decision_facts: dsa::cut(&facts, MAX_FACTS),
            source_type,
            automated_detection: if reasons.is_detected { "Yes" } else { "No" },
            automated_decision: reasons.automation.as_str().to_owned(),
            puid: ids::derive("stoa-", &[&made.about.site, made.decision]),
            ..Payload::default()
        })
    }

    /// Returns the clause or law and the facts, without what a moderator wrote freely.
    fn impersonal(&self, made: Made<'_>, is_legal: bool, told: &Told) -> (String, String) {
        let general = if is_legal { LAW } else { RULES_OF_SITE };
        let general = match told.labels.join(", ").as_str() {
            "" => general.to_owned(),
            labels => format!("{general} ({labels})"),
        };
        if made.is_by_rules {
            let reference = told.reference.clone().unwrap_or(general);
            return (reference, told.facts.clone().unwrap_or_default());
        }
        let code = told.labels.first().map_or("-", String::as_str);
        let listed = self.review.reason(&made.about.site, code);
        let reference = listed.and_then(|listed| listed.reference.clone());
        let language = told.language.as_deref().and_then(Tongue::of);
        let text = self
            .statements
            .default_text(Key::Moderator, language.unwrap_or(Tongue::En));
        (reference.unwrap_or(general), text.replace("{reason}", code))
    }

    /// Returns the language of the revision that was decided about, and when it was written.
    fn submitted(&self, made: Made<'_>) -> anyhow::Result<(Option<String>, Option<i64>)> {
        let view = &self.index.view;
        let (site, comment) = (made.about.site.as_str(), made.about.comment.as_str());
        let row = view.get(&COMMENTS, &(site, comment))?;
        let seq = match row {
            Some(row) if row.revision == made.revision => Some(row.decided_seq),
            _ => view.get(&REVISIONS, &(site, comment, made.revision))?,
        };
        let decided = seq.map(|seq| self.told(seq)).transpose()?.flatten();
        let Some((stored, told)) = decided else {
            return Ok((None, None));
        };
        let at = stored.change.decided().map(|decided| decided.submitted_at);
        Ok((told.and_then(|told| told.content_language), at))
    }

    /// Finds the day on which another decision took a restriction's place.
    fn ended(&self, seq: u64, made: Made<'_>) -> anyhow::Result<Option<String>> {
        let (site, comment) = (made.about.site.as_str(), made.about.comment.as_str());
        let row = self.index.view.get(&COMMENTS, &(site, comment))?;
        if row.is_none_or(|row| row.decision == made.decision) {
            return Ok(None);
        }
        let seqs = self.index.decisions_of(site, comment, MAX_DECISIONS)?;
        for later in seqs.into_iter().filter(|later| *later > seq) {
            let Some((stored, _)) = self.told(later)? else {
                continue;
            };
            let supersedes = match stored.decision() {
                Some(later) => later.supersedes.as_deref() == Some(made.decision),
                // Which one it superseded is erased: of those that follow the first that is not
                // about an older revision.
                None => true,
            };
            if let Some(later) = stored.change.made()
                && supersedes
                && later.revision >= made.revision
            {
                return Ok(dsa::day(later.at, dsa::EARLIEST_DECISION));
            }
        }
        Ok(None)
    }

    /// Tells whether a notice led to a restriction.
    fn source(&self, seq: u64, change: &Change, reasons: &Reasons) -> anyhow::Result<&'static str> {
        let by_notice = |reason| match reason {
            Some(ReportReason::Illegal) => "SOURCE_ARTICLE_16",
            _ => "SOURCE_TYPE_OTHER_NOTIFICATION",
        };
        if let Change::ReportedFor(report) = change {
            return Ok(by_notice(Some(report.reason)));
        }
        let about = change.about().filter(|_| !reasons.is_detected);
        let Some(about) = about else {
            return Ok("SOURCE_VOLUNTARY");
        };
        let prefix = (about.site.as_str(), about.comment.as_str());
        let mut notice = None;
        for row in self.index.view.scan(&REPORTS, prefix) {
            let (_, reported) = row?;
            let reason = self.told(reported)?.and_then(|(stored, _)| reason(&stored));
            if reported < seq && (notice.is_none() || reason == Some(ReportReason::Illegal)) {
                notice = Some(by_notice(reason));
            }
        }
        Ok(notice.unwrap_or("SOURCE_VOLUNTARY"))
    }

    fn of_account(&self, seq: u64, sanctioned: &Sanctioned) -> anyhow::Result<Payload> {
        let (site, author) = (sanctioned.site.as_str(), sanctioned.author.as_str());
        let at = dsa::day(sanctioned.at, "").unwrap_or_default();
        let mut ends = sanctioned.until;
        for row in self.index.view.scan(&SANCTIONS, (site, author)) {
            let ((_, _, later), ()) = row?;
            let later = self.told(later)?.filter(|_| later > seq);
            if let Some((stored, _)) = later
                && let Change::Sanctioned(next) = stored.change
                && next.sanction != Sanction::Warn
            {
                ends = Some(ends.map_or(next.at, |ends| ends.min(next.at)));
                break;
            }
        }
        let ends = ends.and_then(|ends| dsa::day(ends, dsa::EARLIEST_DECISION));
        let (account, facts) = match sanctioned.sanction {
            Sanction::Ban => (
                Some("DECISION_ACCOUNT_TERMINATED"),
                "A moderator excluded the account from commenting.",
            ),
            Sanction::Suspend => (
                Some("DECISION_ACCOUNT_SUSPENDED"),
                "A moderator excluded the account from commenting for a time.",
            ),
            _ => (
                None,
                "A moderator decided that comments of the account are read before they are published.",
            ),
        };
        let is_of_account = account.is_some();
        Ok(Payload {
            decision_account: account,
            end_date_account_restriction: ends.clone().filter(|_| is_of_account),
            decision_visibility: (!is_of_account)
                .then_some("DECISION_VISIBILITY_OTHER")
                .into_iter()
                .collect(),
            decision_visibility_other: (!is_of_account)
                .then(|| "Comments of the account are read before they are published.".to_owned()),
            end_date_visibility_restriction: ends.filter(|_| !is_of_account),
            decision_ground: "DECISION_GROUND_INCOMPATIBLE_CONTENT",
            incompatible_content_ground: Some(RULES_OF_SITE.to_owned()),
            incompatible_content_explanation: Some(facts.to_owned()),
            content_type: vec!["CONTENT_TYPE_TEXT"],
            category: dsa::category(None, false),
            territorial_scope: self.territories.to_vec(),
            content_date: at.clone(),
            application_date: at,
            decision_facts: facts.to_owned(),
            source_type: "SOURCE_VOLUNTARY",
            automated_detection: "No",
            automated_decision: Automation::Not.as_str().to_owned(),
            puid: ids::derive("stoa-", &[site, author, &seq.to_string()]),
            ..Payload::default()
        })
    }
}

/// Returns what a report was made for, if the record is that of one.
fn reason(stored: &Stored) -> Option<ReportReason> {
    match &stored.change {
        Change::ReportedFor(report) => Some(report.reason),
        _ => match Event::from_json(&stored.input).ok()?.data {
            Data::CommentReported(reported) => Some(reported.reason),
            _ => None,
        },
    }
}
