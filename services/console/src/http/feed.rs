//! `GET /feed`: what happens to cases of the person's sites, as server-sent events, as long as they are signed in.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Interval, MissedTickBehavior};

use super::Desk;
use super::page::Fault;
use super::visit::Visit;
use crate::watch::Watch;

/// Pages that are live at a time.
pub(super) const MOST: usize = 512;
/// How often something is sent, so that a connection that is gone is found.
const ALIVE: Duration = Duration::from_secs(15);
/// How often it is looked whether the session still holds.
const LOOK: Duration = Duration::from_secs(1);
/// How long a browser waits before it connects again.
const RETRY: Duration = Duration::from_secs(3);

/// What a page saw last.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    /// The id of an event; one that the browser saw since, and names in a header, goes before it.
    last: Option<u64>,
}

/// Follows what happens.
pub(super) async fn follow(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let session = visit.session.clone().ok_or(Fault::SignedOut)?;
    let permit = Arc::clone(&desk.watchers).try_acquire_owned();
    let permit = permit.map_err(|_| Fault::Unavailable)?;
    let count = desk.watch.count();
    let now = *count.borrow();
    let last = headers.get("last-event-id");
    let last = last.and_then(|last| last.to_str().ok()?.parse::<u64>().ok());
    let last = last.or(asked.last);
    let hello = Event::default().event("hello").retry(RETRY).data("{}");
    let mut ready = VecDeque::from([hello]);
    let next = match last.map(|last| desk.watch.behind(last)) {
        None => now,
        Some(Some(next)) => next,
        Some(None) => {
            ready.push_back(reload());
            now
        }
    };
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let watcher = Watcher {
        next,
        ready,
        session: Some(session),
        count,
        looks,
        watch: desk.watch.clone(),
        desk,
        _permit: permit,
    };
    let events = futures_util::stream::unfold(watcher, async |mut watcher| {
        let event = watcher.event().await?;
        Some((Ok::<_, Infallible>(event), watcher))
    });
    let alive = KeepAlive::new().interval(ALIVE);
    let mut response = Sse::new(events).keep_alive(alive).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn reload() -> Event {
    Event::default().event("reload").data("{}")
}

/// Someone who watches.
struct Watcher {
    next: u64,
    ready: VecDeque<Event>,
    /// The secret of their session, until it is over.
    session: Option<String>,
    count: watch::Receiver<u64>,
    looks: Interval,
    watch: Watch,
    desk: Desk,
    _permit: OwnedSemaphorePermit,
}

impl Watcher {
    /// Waits for the next event; none when the session is over, or the console stops.
    async fn event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            let session = self.session.as_ref()?;
            let Some(user) = self.desk.accounts.still(session) else {
                self.session = None;
                return Some(Event::default().event("end").data("{}"));
            };
            self.count.mark_unchanged();
            let latest = self.watch.since(self.next);
            if latest.lagged {
                self.ready.push_back(reload());
            }
            for news in latest.news {
                if user.sites == ["*"] || user.sites.contains(&news.site) {
                    let event = Event::default().event("case").id(news.id.to_string());
                    self.ready.push_back(event.data(&news.data));
                }
            }
            self.next = latest.next;
            if self.ready.is_empty() {
                tokio::select! {
                    changed = self.count.changed() => changed.ok()?,
                    _ = self.looks.tick() => {}
                    () = self.desk.shutdown.cancelled() => return None,
                }
            }
        }
    }
}
