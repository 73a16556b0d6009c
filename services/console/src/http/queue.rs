//! The queue: open cases, the most urgent first.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::{Extension, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use percent_encoding::utf8_percent_encode;
use serde::Deserialize;
use stoa_daemon::auth::Role;

use super::Desk;
use super::page::{Fault, Shell, render};
use super::time::Moment;
use super::undo::{Done, Just};
use super::visit::Visit;
use super::work::With;
use crate::accounts::User;
use crate::backend::{Listed, Listing, SEGMENT};

/// Cases of a page.
const PAGE: &str = "20";
/// Characters of a comment that the queue shows.
pub(super) const EXCERPT: usize = 160;

/// Which cases are asked for.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Filter {
    pub(super) site: Option<String>,
    pub(super) label: Option<String>,
    pub(super) rule: Option<String>,
}

/// A part of the queue.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(flatten)]
    filter: Filter,
    #[serde(flatten)]
    just: Just,
    after: Option<String>,
}

impl Filter {
    /// What is filtered by, with its value.
    pub(super) fn pairs(&self) -> Vec<(&'static str, &str)> {
        let fields = [
            ("site", &self.site),
            ("label", &self.label),
            ("rule", &self.rule),
        ];
        let given = fields
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_deref()?)));
        given.collect()
    }

    /// The address of something under this filter.
    pub(super) fn link(&self, path: &str, more: &[(&str, &str)]) -> String {
        let mut pairs = self.pairs();
        pairs.extend(more);
        if pairs.is_empty() {
            return path.to_owned();
        }
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(pairs);
        format!("{path}?{}", query.finish())
    }

    /// The address of a case under this filter.
    pub(super) fn case(&self, id: &str, more: &[(&str, &str)]) -> String {
        self.link(
            &format!("/cases/{}", utf8_percent_encode(id, SEGMENT)),
            more,
        )
    }

    fn with(&self, name: &str, value: Option<&str>) -> Self {
        let mut changed = self.clone();
        let value = value.map(str::to_owned);
        match name {
            "site" => changed.site = value,
            "label" => changed.label = value,
            _ => changed.rule = value,
        }
        changed
    }
}

struct Choice {
    what: &'static str,
    value: String,
    link: String,
}

struct Entry {
    link: String,
    opened: Option<Moment>,
    with: Option<With>,
    listed: Listed,
    due: Option<Moment>,
}

#[derive(Template)]
#[template(path = "queue.html")]
struct Queue {
    shell: Shell,
    done: Option<Done>,
    open: Option<u64>,
    /// What is filtered by, with links that end it.
    chosen: Vec<Choice>,
    /// What else can be filtered by.
    choices: Vec<(&'static str, Vec<Choice>)>,
    entries: Vec<Entry>,
    next: Option<String>,
    is_first: bool,
    may_decide: bool,
    filter: Filter,
    /// The address of the queue from its beginning.
    again: String,
}

/// `GET /`
pub(super) async fn page(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    let user = visit.user()?;
    let Asked {
        filter,
        just,
        after,
    } = asked;
    let mut query = filter.pairs();
    let chars = EXCERPT.to_string();
    query.extend([("limit", PAGE), ("excerpt", &chars)]);
    query.extend(after.as_deref().map(|after| ("after", after)));
    let listing: Listing = desk
        .moderation
        .get(user, &["admin", "cases"], &query)
        .await?;
    let choices = choices(&filter, &listing.cases);
    let chosen = filter.pairs().into_iter().map(|(what, value)| Choice {
        what,
        value: value.to_owned(),
        link: filter.with(what, None).link("/", &[]),
    });
    let now = desk.clock.now();
    let entries = listing.cases.into_iter();
    let entries = entries.map(|listed| entry(user, &filter, now, listed));
    let next = listing.next.as_deref();
    let page = Queue {
        shell: Shell::new("queue-title", &visit),
        done: just.told(&filter),
        open: listing.open,
        chosen: chosen.collect(),
        choices,
        entries: entries.collect(),
        next: next.map(|next| filter.link("/", &[("after", next)])),
        is_first: after.is_none(),
        may_decide: user.role.at_least(Role::Moderator),
        again: filter.link("/", &[]),
        filter,
    };
    Ok(render(StatusCode::OK, &page))
}

/// What the cases of a page can be filtered by, and is not.
fn choices(filter: &Filter, listed: &[Listed]) -> Vec<(&'static str, Vec<Choice>)> {
    let cases = || listed.iter().map(|listed| &listed.case);
    let sites: BTreeSet<_> = cases().map(|case| &case.site).collect();
    let labels: BTreeSet<_> = cases().flat_map(|case| &case.labels).collect();
    let rules: BTreeSet<_> = cases().flat_map(|case| &case.rules).collect();
    let pairs = filter.pairs();
    let offered = [("site", sites), ("label", labels), ("rule", rules)].into_iter();
    let open = offered.filter(|(what, values)| {
        !values.is_empty() && pairs.iter().all(|(chosen, _)| chosen != what)
    });
    let choice = |what, value: &String| Choice {
        what,
        value: value.clone(),
        link: filter.with(what, Some(value)).link("/", &[]),
    };
    open.map(|(what, values)| {
        let choices = values.into_iter().map(|value| choice(what, value));
        (what, choices.collect())
    })
    .collect()
}

/// A case of a page.
fn entry(user: &User, filter: &Filter, now: Timestamp, listed: Listed) -> Entry {
    let case = &listed.case;
    Entry {
        link: filter.case(&case.id, &[]),
        opened: Moment::new(case.opened_at.as_ref(), now),
        due: Moment::new(case.due_at.as_ref(), now),
        with: case
            .assignee
            .as_ref()
            .map(|claim| With::new(claim, user, now)),
        listed,
    }
}
