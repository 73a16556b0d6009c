//! Atom 1.0 (RFC 4287) with threading (RFC 4685): the latest approved comments, whoever asks.

use std::io;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;
use stoa_daemon::Problem;
use stoa_daemon::openapi::{NotFound, NotModified};

use super::said::{Said, name};
use super::visit::{Visit, body};
use super::xml::Xml;
use super::{Public, html, links, nothing};
use crate::read::latest::{Latest, LatestComment};
use crate::read::version::Read;

/// Entries of a feed, unless asked otherwise.
const ENTRIES: usize = 50;
/// Entries of a feed, at most.
const MOST: usize = 100;

/// `updated` of a feed whose comments have no time.
const NEVER: &str = "1970-01-01T00:00:00Z";

pub(super) const ATOM: &str = "application/atom+xml";
const ATOM_UTF8: &str = "application/atom+xml; charset=utf-8";

/// How much of a feed is asked for.
#[derive(Clone, Copy, Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct FeedQuery {
    /// Comments of the feed.
    #[param(default = 50, minimum = 1, maximum = 200)]
    limit: Option<usize>,
}

type FeedQueryResult = Result<Query<FeedQuery>, QueryRejection>;

fn limit(query: FeedQueryResult) -> Result<usize, Problem> {
    let Query(query) = query?;
    match query.limit.unwrap_or(ENTRIES) {
        limit @ 1..=MOST => Ok(limit),
        _ => Err(Problem::bad_request("`limit` is out of range")
            .with_field("limit")
            .with_limit(format!("1 to {MOST}"))),
    }
}

/// The latest approved comments of a site, as an Atom feed.
#[utoipa::path(
    get,
    path = "/sites/{site}/feed.atom",
    operation_id = "feed_of_site",
    tag = "feeds",
    params(("site" = String, Path, description = "The site."), FeedQuery),
    extensions(("x-access" = json!("site"))),
    responses((status = 200, description = "The feed.", body = String, content_type = ATOM), NotFound, NotModified),
)]
pub(super) async fn site(
    State(public): State<Public>,
    Path(site): Path<String>,
    query: FeedQueryResult,
    visit: Visit,
) -> Result<Response, Problem> {
    let allowed = visit.of(&public, &site)?;
    let limit = limit(query)?;
    let (of, asked) = (site.clone(), allowed.clone());
    let read = public.read("feed", move |reader| {
        reader.latest(&of, limit, |version| asked.has(version))
    });
    let feed = Feed {
        base: &visit.base,
        site: &site,
        thread: None,
    };
    feed.answer(&allowed, read.await?)
}

/// The latest approved comments of a thread, as an Atom feed.
#[utoipa::path(
    get,
    path = "/sites/{site}/threads/{thread}/feed.atom",
    operation_id = "feed_of_thread",
    tag = "feeds",
    params(("site" = String, Path, description = "The site."), ("thread" = String, Path, description = "The article's id."), FeedQuery),
    extensions(("x-access" = json!("site"))),
    responses((status = 200, description = "The feed.", body = String, content_type = ATOM), NotFound, NotModified),
)]
pub(super) async fn thread(
    State(public): State<Public>,
    Path((site, thread)): Path<(String, String)>,
    query: FeedQueryResult,
    visit: Visit,
) -> Result<Response, Problem> {
    let allowed = visit.of(&public, &site)?;
    let limit = limit(query)?;
    let (of, within, asked) = (site.clone(), thread.clone(), allowed.clone());
    let read = public.read("feed", move |reader| {
        reader.latest_of(&of, &within, limit, |version| asked.has(version))
    });
    let read = read.await?.ok_or_else(nothing)?;
    let feed = Feed {
        base: &visit.base,
        site: &site,
        thread: Some(&thread),
    };
    feed.answer(&allowed, read)
}

/// Where a feed is.
struct Feed<'a> {
    base: &'a str,
    site: &'a str,
    thread: Option<&'a str>,
}

impl Feed<'_> {
    fn answer(
        &self,
        allowed: &super::visit::Allowed,
        read: Read<Latest>,
    ) -> Result<Response, Problem> {
        let read = match read {
            Read::Unchanged(version) => Read::Unchanged(version),
            Read::New(version, latest) => {
                let written = self.write(&latest).map_err(|error| {
                    tracing::error!(%error, "cannot write a feed");
                    Problem::internal()
                })?;
                Read::New(version, written)
            }
        };
        Ok(allowed.answer(read, |xml| body(ATOM_UTF8, xml)))
    }

    fn write(&self, latest: &Latest) -> io::Result<Vec<u8>> {
        let (page, own) = match self.thread {
            Some(thread) => (
                links::thread(self.site, thread),
                links::thread_feed(self.site, thread),
            ),
            None => (links::site(self.site), links::site_feed(self.site)),
        };
        let (page, own) = (
            format!("{}{page}", self.base),
            format!("{}{own}", self.base),
        );
        let said: Vec<(&LatestComment, Said<'_>)> = latest
            .comments
            .iter()
            .map(|comment| (comment, Said::among_latest(self.site, comment)))
            .filter(|(_, said)| said.words.is_some())
            .collect();
        let updated = said.iter().filter_map(|(_, said)| said.changed()).max();
        let title = match self.thread {
            Some(thread) => latest.titles.get(thread).map_or(thread, String::as_str),
            None => self.site,
        };
        let mut xml = Xml::new()?;
        let spaces = [
            ("xmlns", "http://www.w3.org/2005/Atom"),
            ("xmlns:thr", "http://purl.org/syndication/thread/1.0"),
        ];
        xml.open("feed", &spaces)?
            .element("id", &[], &own)?
            .element("title", &[], &format!("Comments: {}", straight(title)))?
            .element("updated", &[], updated.map_or(NEVER, |time| time.as_str()))?
            .empty("link", &[("rel", "self"), ("type", ATOM), ("href", &own)])?
            .empty(
                "link",
                &[("rel", "alternate"), ("type", "text/html"), ("href", &page)],
            )?
            .element("generator", &[], "Stoa")?;
        for (_, said) in &said {
            self.entry(&mut xml, said, &latest.titles)?;
        }
        xml.close("feed")?;
        Ok(xml.end())
    }

    fn entry(
        &self,
        xml: &mut Xml,
        said: &Said<'_>,
        titles: &std::collections::BTreeMap<String, String>,
    ) -> io::Result<()> {
        let Some(words) = said.words else {
            return Ok(());
        };
        let (id, context) = (said.iri(self.base), said.context(self.base));
        let author = straight(name(words));
        let title = titles.get(said.thread).map_or(said.thread, String::as_str);
        let language = words.language.as_deref().unwrap_or_default();
        let language = [("xml:lang", language)];
        let tagged = words.language.as_deref().is_some_and(html::is_language);
        xml.open("entry", if tagged { &language } else { &[] })?
            .element("id", &[], &id)?
            .element("title", &[], &format!("{author}: {}", straight(title)))?
            .element(
                "updated",
                &[],
                said.changed().map_or(NEVER, |time| time.as_str()),
            )?;
        if let Some(published) = &said.dates.published {
            xml.element("published", &[], published.as_str())?;
        }
        xml.open("author", &[])?
            .element("name", &[], &author)?
            .close("author")?
            .empty(
                "link",
                &[("rel", "alternate"), ("type", "text/html"), ("href", &id)],
            )?;
        let answered = said.answers(self.base);
        let page = said.parent.map_or(context.as_str(), |_| answered.as_str());
        xml.empty(
            "thr:in-reply-to",
            &[("ref", &answered), ("type", "text/html"), ("href", page)],
        )?
        .element("content", &[("type", "html")], &html::words(&words.text))?
        .close("entry")?;
        Ok(())
    }
}

/// Leaves out what turns the direction of the text around it: readers show titles as they are.
fn straight(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    text.chars().filter(|c| !turns(*c)).collect()
}
