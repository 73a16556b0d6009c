//! Searching, as JSON: `GET /v1/search`.

mod asked;
pub(super) mod page;

use std::collections::HashMap;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use serde::Serialize;
use stoa_daemon::Problem;
use stoa_daemon::openapi::{NotFound, Unavailable};
use stoa_proto::Time;
use stoa_search::{Highlighter, Hit, Key, Page, Searcher};
use utoipa::ToSchema;

use self::asked::{Asked, SearchQuery};
use super::{Public, links};
use crate::engine::chain;
use crate::read::words::{ShownAuthor, ShownDecision};
use crate::read::{Audience, Reader};
use crate::search::feed::article_status;
use crate::search::{Failure, State as IndexState};
use crate::standing::Status;
use crate::view::Error;

/// Seconds after which it may be tried again while there is no index to search in.
const AGAIN: u32 = 2;

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SearchAnswer)]
pub(super) struct Answer {
    /// What was asked for.
    query: String,
    site: Option<String>,
    sort: &'static str,
    /// Hits on all pages.
    total: u64,
    hits: Vec<ShownHit>,
    /// `after` of the next page; null on the last.
    next: Option<String>,
    /// Whether the index is being built, and has not everything yet.
    catching_up: bool,
}

/// Something that was found, as this audience may see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SearchHit)]
pub(super) struct ShownHit {
    /// `comment` or `article`.
    #[serde(rename = "type")]
    kind: &'static str,
    site: String,
    article: String,
    comment: Option<String>,
    /// The article's title, where it may be read.
    title: Option<String>,
    /// The page's path.
    permalink: String,
    /// `approved`, `pending`, `rejected`; of articles `published` or `removed`.
    status: &'static str,
    /// How well it fits, where hits are sorted by that.
    score: Option<i64>,
    author: Option<ShownAuthor>,
    language: Option<String>,
    /// When it was written or published.
    at: Option<Time>,
    decision: Option<ShownDecision>,
    snippet: ShownSnippet,
}

/// A part of the text with most of what was looked for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Snippet)]
pub(super) struct ShownSnippet {
    text: String,
    /// What was looked for, in code points of `text`.
    ranges: Vec<Range>,
    /// The same as escaped HTML.
    html: String,
}

/// From a code point to before another.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SnippetRange)]
pub(super) struct Range {
    start: usize,
    end: usize,
}

impl From<stoa_search::Snippet> for ShownSnippet {
    fn from(snippet: stoa_search::Snippet) -> Self {
        let ranges = snippet.ranges.iter().map(|range| Range {
            start: range.start,
            end: range.end,
        });
        Self {
            ranges: ranges.collect(),
            html: snippet.html(),
            text: snippet.text,
        }
    }
}

/// Searches comments and articles.
///
/// `q` takes words, "phrases", `-not`, `OR` and prefixes with `*`; without `q` the filters alone choose.
/// Without a site the token must be for all sites.
#[utoipa::path(
    get,
    path = "/v1/search",
    operation_id = "search",
    tag = "search",
    params(SearchQuery),
    extensions(("x-access" = json!("site"))),
    responses((status = 200, description = "A page of hits.", body = Answer), NotFound, Unavailable),
)]
pub(super) async fn search(
    State(public): State<Public>,
    query: Result<Query<SearchQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Json<Answer>, Problem> {
    let asked = Asked::of(SearchQuery::of(query)?)?;
    let audience = audience(&public, &asked, &headers)?;
    answer(&public, asked, audience).await.map(Json)
}

/// Tells how much of what is asked for the sender of a request may read.
fn audience(public: &Public, asked: &Asked, headers: &HeaderMap) -> Result<Audience, Problem> {
    match &asked.filters.site {
        Some(site) => public.access.site(headers, site),
        None => public.access.everywhere(headers),
    }
}

/// Searches, and reads what was found.
async fn answer(public: &Public, mut asked: Asked, audience: Audience) -> Result<Answer, Problem> {
    let Some(search) = &public.search else {
        return Err(Problem::not_found("search is turned off here"));
    };
    asked.restrict(audience)?;
    let after = asked.cursor()?;
    let closed = || Problem::unavailable("the search index is not open", AGAIN);
    let searcher = search.searcher().ok_or_else(closed)?;
    let catching_up = search.state() != IndexState::Following;
    let page = Page {
        order: asked.order,
        after,
        limit: asked.limit,
    };
    let timer = search.metrics().query.start_timer();
    let reader = public.reader.clone();
    let finding = move || {
        let found = find(&reader, &searcher, &asked, &page, audience);
        found.map(|(total, hits, next)| Answer {
            sort: asked.sort(),
            query: asked.text,
            site: asked.filters.site,
            total,
            hits,
            next,
            catching_up,
        })
    };
    let found = public.context.tasks.spawn_blocking(finding).await;
    timer.observe_duration();
    match found {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(Failure::Index(error))) => {
            tracing::error!(reason = chain(&error), "cannot search");
            search.suspect();
            Err(closed())
        }
        Ok(Err(failure)) => {
            tracing::error!(reason = chain(&failure), "cannot read what was found");
            Err(Problem::internal())
        }
        Err(error) => {
            tracing::error!(%error, "cannot search");
            Err(Problem::internal())
        }
    }
}

type Found = (u64, Vec<ShownHit>, Option<String>);

fn find(
    reader: &Reader,
    searcher: &Searcher,
    asked: &Asked,
    page: &Page,
    audience: Audience,
) -> Result<Found, Failure> {
    let hits = searcher.search(&asked.text, &asked.query, &asked.filters, page)?;
    let mut shower = Shower {
        reader,
        audience,
        highlighter: Highlighter::new(&asked.query),
        titles: HashMap::new(),
    };
    let mut shown = Vec::with_capacity(hits.hits.len());
    for hit in &hits.hits {
        shown.extend(shower.show(hit)?);
    }
    Ok((hits.total, shown, hits.next.map(|next| next.write())))
}

/// Reads what was found, as it is now and as far as it may be read.
struct Shower<'a> {
    reader: &'a Reader,
    audience: Audience,
    highlighter: Highlighter,
    /// The titles of articles, by site and id.
    titles: HashMap<(String, String), Option<String>>,
}

impl Shower<'_> {
    /// Reads a hit; `None` when it may not be read any more, since it was indexed.
    fn show(&mut self, hit: &Hit) -> Result<Option<ShownHit>, Error> {
        match &hit.key.comment {
            Some(comment) => self.comment(hit, comment),
            None => self.article(hit),
        }
    }

    fn comment(&mut self, hit: &Hit, comment: &str) -> Result<Option<ShownHit>, Error> {
        let Key { site, article, .. } = &hit.key;
        let row = self.reader.index.comment(site, article, comment)?;
        let readable =
            row.filter(|row| self.audience.may_read(row) && row.status() != Status::Withdrawn);
        let Some(row) = readable else {
            return Ok(None);
        };
        let shown = self.reader.shown(&row, self.audience)?;
        let Some(words) = shown.words else {
            return Ok(None);
        };
        let snippet = self
            .highlighter
            .snippet(&words.text, words.language.as_deref());
        Ok(Some(ShownHit {
            kind: hit.key.kind().as_str(),
            title: self.title(site, article)?,
            permalink: links::comment(site, comment),
            site: site.clone(),
            article: article.clone(),
            comment: Some(comment.to_owned()),
            status: row.status().as_str(),
            score: hit.score,
            author: Some(words.author),
            language: words.language,
            at: words.submitted_at,
            decision: shown.decision,
            snippet: snippet.into(),
        }))
    }

    fn article(&self, hit: &Hit) -> Result<Option<ShownHit>, Error> {
        let Key { site, article, .. } = &hit.key;
        let Some(row) = self.reader.index.article(site, article)? else {
            return Ok(None);
        };
        let shown = self.reader.article(article, &row, self.audience)?;
        let Some(words) = shown.and_then(|shown| shown.words) else {
            return Ok(None);
        };
        let language = words.language.as_deref();
        let in_text = self.highlighter.snippet(&words.text, language);
        let in_title = self.highlighter.snippet(&words.title, language);
        let of_title = in_text.ranges.is_empty() && !in_title.ranges.is_empty();
        Ok(Some(ShownHit {
            kind: hit.key.kind().as_str(),
            permalink: links::thread(site, article),
            site: site.clone(),
            article: article.clone(),
            comment: None,
            title: Some(words.title),
            status: article_status(&row),
            score: hit.score,
            author: None,
            language: words.language,
            at: words.published_at,
            decision: None,
            snippet: if of_title { in_title } else { in_text }.into(),
        }))
    }

    /// Reads the title of an article, once.
    fn title(&mut self, site: &str, article: &str) -> Result<Option<String>, Error> {
        let key = (site.to_owned(), article.to_owned());
        if let Some(title) = self.titles.get(&key) {
            return Ok(title.clone());
        }
        let title = match self.reader.index.article(site, article)? {
            Some(row) => self.reader.title(&row, self.audience)?,
            None => None,
        };
        self.titles.insert(key, title.clone());
        Ok(title)
    }
}
