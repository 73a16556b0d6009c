//! One connection to moderation-rules' feed for all who watch the queue, and the last news of it.
//!
//! News have no words. Whoever watches gets those of their sites alone ([`crate::http`]); who comes
//! back after a moment gets what they missed, and is told to read again where that is not kept.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use futures_util::StreamExt as _;
use serde::Deserialize;
use stoa_daemon::Context;
use tokio::sync::watch;

use crate::config::BackendConfig;

/// News that are kept.
const MOST: usize = 1_024;
/// How long is waited before the next attempt to connect.
const AGAIN: Duration = Duration::from_secs(2);
/// Attempts that fail until that is a warning: a role that is started at the same time listens a
/// moment later.
const QUIETLY: u32 = 5;
/// Without a sign of life for so long a connection is given up; one comes every 15 seconds.
const SILENCE: Duration = Duration::from_secs(45);
/// Bytes of an event at most.
const MAX_EVENT: usize = 64 * 1024;

/// How far the feed is read.
#[derive(Debug, Default)]
struct Reading {
    /// The id of the last event.
    last: Option<u64>,
    /// Attempts that failed since it was last read.
    failed: u32,
}

/// What happened to a case.
#[derive(Debug)]
pub(crate) struct News {
    /// As moderation-rules calls it.
    pub(crate) id: u64,
    pub(crate) site: String,
    /// JSON.
    pub(crate) data: String,
}

/// What a watcher gets.
#[derive(Debug, Default)]
pub(crate) struct Latest {
    pub(crate) news: Vec<Arc<News>>,
    /// From where to ask next.
    pub(crate) next: u64,
    /// Whether something is missing before these.
    pub(crate) lagged: bool,
}

/// The last news; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Watch(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    ring: Mutex<Ring>,
    /// How many news there were, ever.
    count: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Ring {
    news: VecDeque<Arc<News>>,
    /// The number of the first that is kept.
    first: u64,
    /// News behind this id are all here.
    behind: Option<u64>,
}

impl Default for Watch {
    fn default() -> Self {
        Self(Arc::new(Inner {
            ring: Mutex::default(),
            count: watch::channel(0).0,
        }))
    }
}

impl Watch {
    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.0.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what tells of more news, by their number.
    pub(crate) fn count(&self) -> watch::Receiver<u64> {
        self.0.count.subscribe()
    }

    /// Returns the news from a number on.
    pub(crate) fn since(&self, next: u64) -> Latest {
        let ring = self.ring();
        let skip = usize::try_from(next.saturating_sub(ring.first)).unwrap_or(usize::MAX);
        Latest {
            news: ring.news.iter().skip(skip).cloned().collect(),
            next: ring.first + ring.news.len() as u64,
            lagged: next < ring.first,
        }
    }

    /// Returns the number of the news behind an id; none if some of them are not kept.
    pub(crate) fn behind(&self, id: u64) -> Option<u64> {
        let ring = self.ring();
        ring.behind.filter(|behind| *behind <= id)?;
        let seen = ring.news.partition_point(|news| news.id <= id);
        Some(ring.first + seen as u64)
    }

    /// Returns the id of the last news; none before the first connection.
    pub(crate) fn last(&self) -> Option<u64> {
        let ring = self.ring();
        let last = ring.news.back().map(|news| news.id);
        last.or(ring.behind)
    }

    /// Takes news in.
    fn add(&self, news: News) {
        let mut ring = self.ring();
        ring.news.push_back(Arc::new(news));
        if ring.news.len() > MOST {
            let gone = ring.news.pop_front();
            ring.behind = gone.map(|gone| gone.id);
            ring.first += 1;
        }
        let count = ring.first + ring.news.len() as u64;
        self.0.count.send_replace(count);
    }

    /// Forgets all: something is missing from here.
    pub(crate) fn restart(&self, id: u64) {
        let mut ring = self.ring();
        // One more than there were, so that everyone who watches finds that they lag.
        ring.first += ring.news.len() as u64 + 1;
        ring.news.clear();
        ring.behind = Some(id);
        self.0.count.send_replace(ring.first);
    }

    /// Takes in what a test makes up.
    #[cfg(test)]
    pub(crate) fn tell(&self, id: u64, site: &str, data: &str) {
        self.begin(0);
        let (site, data) = (site.to_owned(), data.to_owned());
        self.add(News { id, site, data });
    }

    /// Begins behind an id, if nothing is known yet.
    fn begin(&self, id: u64) {
        self.ring().behind.get_or_insert(id);
    }

    /// Follows moderation-rules until shutdown; where it can't be reached, again and again.
    pub(crate) async fn follow(
        self,
        config: BackendConfig,
        context: Context,
    ) -> anyhow::Result<()> {
        let client = reqwest::Client::builder()
            .read_timeout(SILENCE)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let mut at = Reading::default();
        loop {
            let reading = self.read(&client, &config, &mut at);
            let ended = tokio::select! {
                ended = reading => ended,
                () = context.shutdown.cancelled() => return Ok(()),
            };
            if let Err(error) = ended {
                let error = format!("{error:#}");
                at.failed = at.failed.saturating_add(1);
                if at.failed == QUIETLY {
                    tracing::warn!(
                        error,
                        "moderation-rules' feed can't be followed; pages are not live"
                    );
                } else {
                    tracing::debug!(error, "moderation-rules' feed is not there, once more");
                }
            }
            tokio::select! {
                () = tokio::time::sleep(AGAIN) => {}
                () = context.shutdown.cancelled() => return Ok(()),
            }
        }
    }

    /// Reads the feed to its end.
    async fn read(
        &self,
        client: &reqwest::Client,
        config: &BackendConfig,
        at: &mut Reading,
    ) -> anyhow::Result<()> {
        let token = config.token.as_ref().context("no token")?;
        let mut request = client
            .get(format!("{}/admin/feed", config.url))
            .bearer_auth(token.expose());
        if let Some(last) = at.last {
            request = request.header("last-event-id", last);
        }
        let answer = request.send().await?.error_for_status()?;
        at.failed = 0;
        let mut body = answer.bytes_stream();
        let mut text = Vec::new();
        while let Some(more) = body.next().await {
            text.extend_from_slice(&more?);
            while let Some(end) = text.windows(2).position(|two| two == b"\n\n") {
                let event: Vec<u8> = text.drain(..end + 2).collect();
                let event = Event::read(&String::from_utf8_lossy(&event));
                at.last = event.id.or(at.last);
                self.take(event)?;
            }
            anyhow::ensure!(text.len() <= MAX_EVENT, "an event without an end");
        }
        Ok(())
    }

    fn take(&self, event: Event) -> anyhow::Result<()> {
        #[derive(Deserialize)]
        struct About {
            site: String,
        }
        match (event.name.as_str(), event.id) {
            ("case", Some(id)) => {
                let About { site } = serde_json::from_str(&event.data)?;
                let data = event.data;
                self.add(News { id, site, data });
            }
            ("reload", Some(id)) => self.restart(id),
            ("hello", Some(id)) => self.begin(id),
            _ => {}
        }
        Ok(())
    }
}

/// An event as the stream has it.
#[derive(Debug, Default, PartialEq)]
struct Event {
    name: String,
    id: Option<u64>,
    data: String,
}

impl Event {
    /// Reads its lines; moderation-rules writes data on one.
    fn read(text: &str) -> Self {
        let mut event = Self::default();
        for (field, value) in text.lines().filter_map(|line| line.split_once(": ")) {
            match field {
                "event" => value.clone_into(&mut event.name),
                "id" => event.id = value.parse().ok(),
                "data" => value.clone_into(&mut event.data),
                _ => {}
            }
        }
        event
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(id: u64) -> Event {
        let data = r#"{"site":"courrier"}"#;
        Event::read(&format!("event: case\nid: {id}\ndata: {data}\n\n"))
    }

    #[test]
    fn who_comes_back_gets_what_they_missed_or_hears_that_it_is_gone() {
        let watch = Watch::default();
        let since = |next| {
            let latest = watch.since(next);
            let ids: Vec<u64> = latest.news.iter().map(|news| news.id).collect();
            (ids, latest.next, latest.lagged)
        };
        assert_eq!(
            (watch.behind(9), watch.last()),
            (None, None),
            "before the first connection"
        );
        watch
            .take(Event::read("event: hello\nid: 9\ndata: {}\n\n"))
            .unwrap();
        watch.take(Event::read(": alive\n\n")).unwrap();
        for id in [11, 14] {
            watch.take(case(id)).unwrap();
        }
        assert_eq!(since(0), (vec![11, 14], 2, false));
        assert_eq!(
            [8, 9, 11, 20].map(|id| watch.behind(id)),
            [None, Some(0), Some(1), Some(2)]
        );
        assert_eq!(since(2), (vec![], 2, false));
        assert_eq!(watch.last(), Some(14));
        watch
            .take(Event::read("event: reload\nid: 30\ndata: {}\n\n"))
            .unwrap();
        assert_eq!(since(2), (vec![], 3, true));
        assert_eq!([14, 30].map(|id| watch.behind(id)), [None, Some(3)]);
        for id in 0..=MOST as u64 {
            watch.take(case(100 + id)).unwrap();
        }
        assert!(since(3).2, "the first of them is gone");
        assert_eq!(since(4).0.len(), MOST);
        assert!(
            watch
                .take(Event::read("event: case\nid: 1\ndata: {}"))
                .is_err()
        );
    }
}
