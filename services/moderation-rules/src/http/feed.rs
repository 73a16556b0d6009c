//! `GET /admin/feed`: what happens to cases, as server-sent events, without words.
//!
//! An event's id is the sequence of its record. With `Last-Event-ID` the feed goes on behind it; if
//! that is not known any more, or the reader is too slow, it says `reload` and goes on from now.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use stoa_daemon::openapi::Unavailable;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use serde_json::json;
use stoa_daemon::auth::{Principal, Role};
use stoa_daemon::{Context, Problem};
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::{Admin, MAX_WATCHING, wrong};
use crate::view::Index;
use crate::view::feed::News;

/// The header by which a reader says what it saw last.
const LAST: &str = "last-event-id";
/// How often something is sent, so that a connection that is gone is found.
const ALIVE: Duration = Duration::from_secs(15);
/// How long a reader waits before it connects again, in milliseconds.
const RETRY: Duration = Duration::from_secs(2);

/// Follows what happens to the cases that the token may see, as server-sent events.
///
/// Events have ids, versions and sites, and no words. Up to 256 readers at a time.
#[utoipa::path(
    get,
    path = "/admin/feed",
    operation_id = "follow_cases",
    tag = "cases",
    params(("Last-Event-ID" = Option<u64>, Header, description = "The last event that was seen.")),
    extensions(("x-role" = json!(Role::Viewer))),
    responses((status = 200, description = "The events.", body = String, content_type = "text/event-stream"), Unavailable),
)]
pub(crate) async fn follow(
    State(admin): State<Admin>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let principal = admin.tokens.require(&headers, Role::Viewer)?;
    let last = headers.get(LAST).map(|value| {
        let number = value
            .to_str()
            .ok()
            .and_then(|text| text.parse::<u64>().ok());
        number.ok_or_else(|| wrong(LAST, "send the id of the last event of this feed"))
    });
    let last = last.transpose()?;
    let permit = Arc::clone(&admin.watching).try_acquire_owned();
    let permit = permit.map_err(|_| {
        let detail = format!("{MAX_WATCHING} requests watch the queue already: ask later");
        Problem::unavailable(detail, 30)
    })?;
    let end = admin.index.feed.end();
    let now = *end.borrow();
    let reader = Reader {
        next: last.map_or(now, |last| last.saturating_add(1)),
        ready: VecDeque::from([hello(last.is_none().then_some(now))]),
        index: admin.index,
        end,
        principal,
        context: admin.context,
        _permit: permit,
    };
    let events = futures_util::stream::unfold(reader, async |mut reader| {
        let event = reader.event().await?;
        Some((Ok(event), reader))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE)))
}

/// Someone who watches the queue.
struct Reader {
    next: u64,
    ready: VecDeque<Event>,
    index: Arc<Index>,
    end: watch::Receiver<u64>,
    principal: Principal,
    context: Context,
    _permit: OwnedSemaphorePermit,
}

impl Reader {
    /// Waits for the next event; none when the role stops.
    async fn event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            self.end.mark_unchanged();
            let latest = self.index.feed.since(self.next);
            if latest.lagged {
                self.ready.push_back(reload(latest.next));
            }
            let seen = latest.news.iter();
            let seen = seen.filter(|news| self.principal.allows_site(&news.site));
            self.ready.extend(seen.filter_map(|news| told(news)));
            self.next = latest.next;
            if self.ready.is_empty() {
                tokio::select! {
                    changed = self.end.changed() => changed.ok()?,
                    () = self.context.shutdown.cancelled() => return None,
                }
            }
        }
    }
}

/// The first event; its id says where the feed begins, if the reader does not know that.
fn hello(begins: Option<u64>) -> Event {
    let hello = Event::default().event("hello").retry(RETRY).data("{}");
    match begins {
        Some(end) => hello.id(end.saturating_sub(1).to_string()),
        None => hello,
    }
}

fn reload(end: u64) -> Event {
    let reload = Event::default().event("reload");
    let detail = json!({"detail": "something is missing here: read the queue again"});
    reload
        .id(end.saturating_sub(1).to_string())
        .data(detail.to_string())
}

fn told(news: &News) -> Option<Event> {
    let event = Event::default().event("case").id(news.seq.to_string());
    event.json_data(news).ok()
}
