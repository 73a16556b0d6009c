//! What a search asks for.

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::Deserialize;
use stoa_daemon::Problem;
use stoa_search::{Cursor, Filters, Kind, Order, Query as Words, Searcher};
use utoipa::IntoParams;

use crate::read::Audience;
use crate::search::feed::{PUBLISHED, REMOVED};
use crate::standing::Status;

/// Hits of a page, unless asked otherwise.
const HITS: usize = 20;
/// Hits of a page, at most.
const HITS_MAX: usize = 100;

/// The parameters, as they are written; an empty one is as good as none.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct SearchQuery {
    /// Words to look for: `words`, `"a phrase"`, `-not`, `OR`, `pre*`.
    pub(super) q: String,
    /// The site; without one all, for which the token must be for all sites.
    pub(super) site: String,
    /// `comment` or `article`.
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// The article's id.
    pub(super) article: String,
    /// The author's id.
    pub(super) author: String,
    /// A label of the decision that stands.
    pub(super) label: String,
    /// The verdict of the decision that stands: `approve`, `reject` or `hold`.
    pub(super) verdict: String,
    /// `approved`, `pending`, `rejected`; of articles `published` or `removed`.
    pub(super) status: String,
    /// The language, as `fr`.
    pub(super) language: String,
    /// A day as 2026-11-24 or a moment as 2026-11-24T12:00:00Z.
    pub(super) from: String,
    /// A day, which is included, or the moment after the last.
    pub(super) to: String,
    /// `relevance` where there are words, `newest` or `oldest`.
    pub(super) sort: String,
    /// Hits of a page.
    #[param(value_type = Option<usize>, default = 20, minimum = 1, maximum = 100)]
    pub(super) limit: String,
    /// `next` of the page before.
    pub(super) after: String,
}

impl SearchQuery {
    /// Unwraps the parameters; 400 when they can't be read.
    pub(super) fn of(query: Result<Query<Self>, QueryRejection>) -> Result<Self, Problem> {
        let Query(query) = query?;
        Ok(query)
    }
}

/// What a search asks for, understood.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) text: String,
    pub(super) query: Words,
    pub(super) filters: Filters,
    pub(super) order: Order,
    pub(super) limit: usize,
    after: Option<String>,
}

/// Everything that a filter by status can be.
const STATUSES: [&str; 5] = [
    Status::Approved.as_str(),
    Status::Pending.as_str(),
    Status::Rejected.as_str(),
    PUBLISHED,
    REMOVED,
];
/// What everyone may read.
const PUBLIC: [&str; 2] = [Status::Approved.as_str(), PUBLISHED];

impl Asked {
    /// Understands the parameters: 400 with the one that is wrong.
    pub(super) fn of(asked: SearchQuery) -> Result<Self, Problem> {
        let query = Words::parse(&asked.q).map_err(|refusal| {
            Problem::bad_request(refusal.to_string())
                .with_code("bad_query")
                .with_field("q")
        })?;
        let given = |value: String| Some(value).filter(|value| !value.is_empty());
        let kinds = [Kind::Comment, Kind::Article].map(|kind| (kind.as_str(), kind));
        let verdicts = ["approve", "hold", "reject"].map(|verdict| (verdict, verdict));
        let orders = [
            ("relevance", Order::Relevance),
            ("newest", Order::Newest),
            ("oldest", Order::Oldest),
        ];
        let by_default = if query.is_empty() {
            Order::Newest
        } else {
            Order::Relevance
        };
        let status = one_of(
            "status",
            &asked.status,
            &STATUSES.map(|status| (status, status)),
        )?;
        let verdict = one_of("verdict", &asked.verdict, &verdicts)?;
        let filters = Filters {
            site: given(asked.site),
            kind: one_of("type", &asked.kind, &kinds)?,
            article: given(asked.article),
            author: given(asked.author),
            label: given(asked.label),
            verdict: verdict.map(str::to_owned),
            statuses: status.map(|status| vec![status]),
            language: given(asked.language),
            from: moment("from", &asked.from, 0)?,
            to: moment("to", &asked.to, 1)?,
        };
        Ok(Self {
            text: asked.q,
            query,
            filters,
            order: one_of("sort", &asked.sort, &orders)?.unwrap_or(by_default),
            limit: limit(&asked.limit)?,
            after: given(asked.after),
        })
    }

    /// Keeps to what an audience may read: 403 when it asks for what it may not.
    pub(super) fn restrict(&mut self, audience: Audience) -> Result<(), Problem> {
        if audience == Audience::Reviewer {
            return Ok(());
        }
        let statuses = self.filters.statuses.get_or_insert_with(|| PUBLIC.to_vec());
        if statuses.iter().all(|status| PUBLIC.contains(status)) {
            return Ok(());
        }
        let detail = "without a role that reviews, only approved comments and published articles \
                      can be found";
        Err(Problem::forbidden(detail).with_field("status"))
    }

    /// Reads the cursor: 400 when it is none of this search.
    pub(super) fn cursor(&self) -> Result<Option<Cursor>, Problem> {
        let read = |after: &String| Searcher::cursor(after, &self.text, &self.filters, self.order);
        self.after.as_ref().map(read).transpose().map_err(|bad| {
            Problem::bad_request(bad.to_string())
                .with_code("bad_cursor")
                .with_field("after")
        })
    }

    /// Returns the name of the order.
    pub(super) fn sort(&self) -> &'static str {
        match self.order {
            Order::Relevance => "relevance",
            Order::Newest => "newest",
            Order::Oldest => "oldest",
        }
    }
}

/// Reads one of some names; `None` when nothing is given.
fn one_of<T: Copy>(
    field: &str,
    value: &str,
    known: &[(&'static str, T)],
) -> Result<Option<T>, Problem> {
    if value.is_empty() {
        return Ok(None);
    }
    let found = known.iter().find(|(name, _)| *name == value);
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    found.map(|(_, value)| Some(*value)).ok_or_else(|| {
        let detail = format!("`{field}` is one of {}", names.join(", "));
        Problem::bad_request(detail).with_field(field)
    })
}

/// Reads a moment, or a day and so many days after its beginning in UTC.
fn moment(field: &str, value: &str, days: i64) -> Result<Option<i64>, Problem> {
    if value.is_empty() {
        return Ok(None);
    }
    let instant = value.parse::<Timestamp>().ok();
    let day = || {
        let day = value.parse::<Date>().ok()?.checked_add(days.days()).ok()?;
        TimeZone::UTC.to_timestamp(DateTime::from(day)).ok()
    };
    instant
        .or_else(day)
        .map(|at| Some(at.as_microsecond()))
        .ok_or_else(|| {
            let detail =
                format!("`{field}` is a day as 2026-11-24 or a moment as 2026-11-24T12:00:00Z");
            Problem::bad_request(detail).with_field(field)
        })
}

fn limit(value: &str) -> Result<usize, Problem> {
    match value.parse() {
        _ if value.is_empty() => Ok(HITS),
        Ok(limit) if (1..=HITS_MAX).contains(&limit) => Ok(limit),
        _ => Err(Problem::bad_request("`limit` is out of range")
            .with_field("limit")
            .with_limit(format!("1 to {HITS_MAX}"))),
    }
}
