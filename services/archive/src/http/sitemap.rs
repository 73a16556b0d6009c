//! What search engines may find: threads of public sites, and nothing else.

use std::collections::BTreeSet;
use std::io;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use stoa_daemon::Problem;
use stoa_daemon::openapi::NotFound;
use stoa_proto::Time;

use super::params::After;
use super::visit::{SHARED, Visit, body};
use super::xml::Xml;
use super::{PageQuery, Public, links, nothing};
use crate::read::{Audience, Reader};
use crate::view::Error;

/// URLs of a part of a sitemap: with the longest ids it is below the 50 MB that it may have, and
/// below the 50 000 URLs.
const URLS: usize = 20_000;

const SPACE: [(&str, &str); 1] = [("xmlns", "http://www.sitemaps.org/schemas/sitemap/0.9")];
const XML: &str = "application/xml; charset=utf-8";

/// What crawlers may read: nothing where no site is public.
#[utoipa::path(
    get,
    path = "/robots.txt",
    operation_id = "get_robots",
    tag = "feeds",
    responses((status = 200, description = "The rules.", body = String)),
)]
pub(super) async fn robots(State(public): State<Public>, visit: Visit) -> Response {
    let text = if public.access.public().next().is_none() {
        "User-agent: *\nDisallow: /\n".to_owned()
    } else {
        format!(
            "User-agent: *\nDisallow: /v1/\nDisallow: /search\nDisallow: /tile/\n\
             Sitemap: {}/sitemap.xml\n",
            visit.base
        )
    };
    kept(body("text/plain; charset=utf-8", text))
}

/// The parts of the sitemaps of all public sites.
#[utoipa::path(
    get,
    path = "/sitemap.xml",
    operation_id = "get_sitemap",
    tag = "feeds",
    responses((status = 200, description = "The sitemap index.", body = String, content_type = "application/xml"), NotFound),
)]
pub(super) async fn index(State(public): State<Public>, visit: Visit) -> Result<Response, Problem> {
    let sites: Vec<String> = public.access.public().map(str::to_owned).collect();
    let read = public.read("sitemap", move |reader| {
        let mut parts = Vec::new();
        for site in sites {
            let threads = reader.findable(&site, None)?;
            let begins = begins(&threads, URLS);
            parts.extend(begins.map(|after| links::sitemap(&site, after)));
        }
        Ok(parts)
    });
    let parts = read.await?;
    if parts.is_empty() {
        return Err(nothing());
    }
    write(
        "sitemapindex",
        "sitemap",
        &visit.base,
        parts.into_iter().map(|part| (part, None)),
    )
}

/// The sitemap of a public site: its threads, by id.
#[utoipa::path(
    get,
    path = "/sites/{site}/sitemap.xml",
    operation_id = "get_site_sitemap",
    tag = "feeds",
    params(("site" = String, Path, description = "The site."), After),
    responses((status = 200, description = "The sitemap.", body = String, content_type = "application/xml"), NotFound),
)]
pub(super) async fn site(
    State(public): State<Public>,
    Path(site): Path<String>,
    query: Result<Query<PageQuery>, QueryRejection>,
    visit: Visit,
) -> Result<Response, Problem> {
    let after = PageQuery::of(query)?.after;
    if !public.access.is_public(&site) {
        return Err(nothing());
    }
    let of = site.clone();
    let read = public.read("sitemap", move |reader| {
        reader.findable(&of, after.as_deref())
    });
    let threads = read.await?.into_iter().take(URLS);
    let urls = threads.map(|(thread, at)| (links::thread(&site, &thread), at));
    write("urlset", "url", &visit.base, urls)
}

/// A thread, and when it was last active.
type Findable = (String, Option<i64>);

impl Reader {
    /// Lists the threads of a site after one, by id, but for those whose article was taken down, and
    /// those without one in which nothing was approved.
    fn findable(&self, site: &str, after: Option<&str>) -> Result<BTreeSet<Findable>, Error> {
        let mut threads = BTreeSet::new();
        let mut without_article = Vec::new();
        self.index.each_thread(site, |thread, row| {
            let is_meant = !row.is_removed() && after.is_none_or(|after| *thread > *after);
            if is_meant && row.latest.is_some() {
                threads.insert((thread, row.last_activity));
            } else if is_meant {
                without_article.push((thread, row.clone()));
            }
        })?;
        for (thread, row) in without_article {
            if self.is_shown(site, &thread, &row, Audience::Public)? {
                threads.insert((thread, row.last_activity));
            }
        }
        Ok(threads)
    }
}

/// Returns after which thread each part begins.
fn begins(threads: &BTreeSet<Findable>, length: usize) -> impl Iterator<Item = Option<&str>> {
    let first = threads.first().map(|_| None);
    let ends = threads.iter().skip(length - 1).step_by(length);
    let last = threads.last();
    let ends = ends.filter(move |end| Some(*end) != last);
    first
        .into_iter()
        .chain(ends.map(|(thread, _)| Some(thread.as_str())))
}

fn write(
    set: &str,
    one: &str,
    base: &str,
    urls: impl Iterator<Item = (String, Option<i64>)>,
) -> Result<Response, Problem> {
    let document = || -> io::Result<Vec<u8>> {
        let mut xml = Xml::new()?;
        xml.open(set, &SPACE)?;
        for (path, at) in urls {
            xml.open(one, &[])?
                .element("loc", &[], &format!("{base}{path}"))?;
            if let Some(at) = at {
                xml.element("lastmod", &[], Time::from_micros(at).as_str())?;
            }
            xml.close(one)?;
        }
        xml.close(set)?;
        Ok(xml.end())
    };
    let document = document().map_err(|error| {
        tracing::error!(%error, "cannot write a sitemap");
        Problem::internal()
    })?;
    Ok(kept(body(XML, document)))
}

/// Anyone may keep it: it has what anyone may read.
fn kept(response: Response) -> Response {
    ([(axum::http::header::CACHE_CONTROL, SHARED)], response).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_begins_where_the_last_ended() {
        for (threads, length, expected) in [
            (0, 2, vec![]),
            (1, 2, vec![None]),
            (2, 2, vec![None]),
            (3, 2, vec![None, Some("t1")]),
            (4, 2, vec![None, Some("t1")]),
            (5, 2, vec![None, Some("t1"), Some("t3")]),
            (2, 1, vec![None, Some("t0")]),
        ] {
            let threads: BTreeSet<Findable> =
                (0..threads).map(|n| (format!("t{n}"), None)).collect();
            let begins: Vec<Option<&str>> = begins(&threads, length).collect();
            assert_eq!(begins, expected, "{} by {length}", threads.len());
        }
    }
}
