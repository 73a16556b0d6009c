//! The task of one endpoint: reads what is to be sent, sends it, and writes down what came of it.
//!
//! **Order.** Events are sent in the order of the journal, several at a time, but of one thread one
//! at a time. An event that is not taken is passed by those after it, and comes later.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use stoa_daemon::Context;
use stoa_journal::Iter;
use tokio::sync::watch;
use tokio::time::Instant;

use super::entry::{Class, Entry, Then, Tried};
use super::source::{self, Item};
use super::state::{Answer, MAX_ROWS, Place, SECOND, Standing};
use super::{Endpoint, Inner, STOA};
use crate::config::WebhookFrom;
use crate::record::WebhookAct;

/// Events in memory, beside those on their way.
const BUFFER: usize = 64;
/// How long requests on their way are waited for at shutdown.
const GRACE: Duration = Duration::from_secs(5);
/// How often it is looked whether something is due, at the least.
const LOOK: Duration = Duration::from_millis(250);
/// How often its metrics follow.
const SHOW: Duration = Duration::from_secs(2);
/// How often it is written down how far was read when nothing was sent.
const SAVE: Duration = Duration::from_secs(10);

/// Sends to one endpoint.
pub(super) struct Worker {
    inner: Arc<Inner>,
    endpoint: Arc<Endpoint>,
    context: Context,
    iter: Option<Iter>,
    /// Read, and not sent yet.
    buffer: VecDeque<Item>,
    /// On their way; and those of them that were never tried.
    busy: HashSet<Place>,
    fresh: BTreeSet<Place>,
    lanes: HashSet<u64>,
    saved: Instant,
    shown: Option<Instant>,
}

/// Something to send.
struct Job {
    item: Item,
    attempt: u32,
}

/// What was sent, and what came of it.
struct Done {
    item: Item,
    attempt: u32,
    answer: Answer,
}

impl Worker {
    pub(super) fn new(inner: &Arc<Inner>, endpoint: &Arc<Endpoint>, context: &Context) -> Self {
        Self {
            inner: Arc::clone(inner),
            endpoint: Arc::clone(endpoint),
            context: context.clone(),
            iter: None,
            buffer: VecDeque::new(),
            busy: HashSet::new(),
            fresh: BTreeSet::new(),
            lanes: HashSet::new(),
            saved: Instant::now(),
            shown: None,
        }
    }

    fn name(&self) -> &str {
        &self.endpoint.config.name
    }

    fn standing<T>(&self, look: impl FnOnce(&Standing) -> T) -> Option<T> {
        self.inner.store.with(self.name(), look)
    }

    /// Sends until shutdown.
    pub(super) async fn run(mut self) -> anyhow::Result<()> {
        let shutdown = self.context.shutdown.clone();
        match self.begin().await {
            // The disk is full, or the engine is gone.
            Err(_) if shutdown.is_cancelled() => return Ok(()),
            begun => begun?,
        }
        let mut flights: FuturesUnordered<BoxFuture<'static, Done>> = FuturesUnordered::new();
        let mut durable = self.inner.journal.durable();
        while !shutdown.is_cancelled() {
            self.fill().await?;
            while let Some(job) = self.pick().await? {
                flights.push(self.fly(job));
            }
            self.show().await?;
            self.save(false).await?;
            let read = self.iter.as_ref().map_or(u64::MAX, Iter::position);
            let reads = self.may_read();
            let look = self.look();
            tokio::select! {
                biased;
                () = shutdown.cancelled() => {}
                Some(done) = flights.next() => {
                    let mut all = vec![done];
                    while let Some(Some(done)) = flights.next().now_or_never() {
                        all.push(done);
                    }
                    self.write(all).await?;
                }
                () = self.endpoint.wake.notified() => {}
                () = grown(&mut durable, read), if reads => {}
                () = tokio::time::sleep(look) => {}
            }
        }
        let late = tokio::time::sleep(GRACE);
        tokio::pin!(late);
        loop {
            tokio::select! {
                () = &mut late => break,
                done = flights.next() => match done {
                    Some(done) => self.write(vec![done]).await?,
                    None => break,
                },
            }
        }
        self.save(true).await
    }

    /// Finds where it was, or where it begins.
    async fn begin(&mut self) -> anyhow::Result<()> {
        let name = self.name().to_owned();
        let had_begun = self.inner.had_begun(&name)?;
        if self.standing(|_| ()).is_none() {
            let end = self.inner.journal.next();
            let next = match self.endpoint.config.from {
                WebhookFrom::Beginning if !had_begun => self.inner.journal.first(),
                _ => end,
            };
            if had_begun {
                tracing::error!(
                    endpoint = name,
                    next,
                    "it is not known any more what the webhook was sent: it goes on with what is decided now; have the time before replayed"
                );
            } else {
                tracing::info!(endpoint = name, next, "the webhook begins");
            }
            let entry = Entry::Began {
                endpoint: name.clone(),
                next,
                at: self.context.clock.micros(),
                lost: had_begun,
            };
            self.inner.store.write(vec![entry]).await?;
        }
        if !had_begun {
            self.inner.audit(&name, WebhookAct::Began, STOA).await?;
        }
        let next = self.standing(|standing| standing.next).unwrap_or_default();
        self.iter = Some(self.inner.journal.iter(next));
        Ok(())
    }

    /// Whether more may be read: not while it is disabled, nor while it takes nothing and has
    /// something to be tried with.
    fn may_read(&self) -> bool {
        let allows = self.standing(|standing| {
            standing.disabled.is_none()
                && standing.rows.len() < 2 * MAX_ROWS
                && (self.buffer.is_empty() || !standing.is_failing())
        });
        allows.unwrap_or_default() && self.buffer.len() < BUFFER
    }

    /// Reads on until something is found.
    async fn fill(&mut self) -> anyhow::Result<()> {
        while self.may_read() && !self.context.shutdown.is_cancelled() {
            let Some(iter) = self.iter.take() else {
                return Ok(());
            };
            if iter.position() >= self.inner.journal.next() {
                self.iter = Some(iter);
                break;
            }
            let endpoint = Arc::clone(&self.endpoint);
            let read = move || source::read(iter, &endpoint.filter);
            let (iter, mut found) = self.context.tasks.spawn_blocking(read).await??;
            self.iter = Some(iter);
            self.standing(|standing| found.retain(|item| !standing.knows(item.place)));
            self.buffer.append(&mut found);
        }
        self.note();
        Ok(())
    }

    /// Lets others know how far it is.
    fn note(&self) {
        let read = self.iter.as_ref().map_or(0, Iter::position);
        let held = self.buffer.len() + self.fresh.len();
        self.endpoint.read.store(read, Ordering::Relaxed);
        self.endpoint.held.store(held as u64, Ordering::Relaxed);
        // What is on its way was read before, and is the older by no more than an attempt.
        if let Some(first) = self.buffer.front() {
            let since = first.since;
            self.endpoint.held_since.store(since, Ordering::Relaxed);
        }
    }

    /// Takes what is to be sent next, if something is.
    async fn pick(&mut self) -> anyhow::Result<Option<Job>> {
        loop {
            if self.busy.len() >= self.endpoint.config.concurrent {
                return Ok(None);
            }
            let now = self.context.clock.micros();
            let next = self.standing(|standing| {
                let is_left_alone = now < standing.paused_until;
                if standing.disabled.is_some() || is_left_alone {
                    return None;
                }
                let is_failing = standing.is_failing();
                if is_failing && !self.busy.is_empty() {
                    return None;
                }
                let mut rows = standing.rows.iter().filter(|(place, row)| {
                    row.due <= now && !self.busy.contains(*place) && !self.lanes.contains(&row.lane)
                });
                // What was never tried says more about the endpoint than what was refused.
                let row = if is_failing && !self.buffer.is_empty() {
                    None
                } else {
                    rows.next()
                };
                Some(row.map(|(place, row)| (*place, row.clone())))
            });
            let Some(Some(row)) = next else {
                return Ok(None);
            };
            let Some((place, row)) = row else {
                return Ok(self.pick_fresh());
            };
            let (journal, endpoint) = (self.inner.journal.clone(), Arc::clone(&self.endpoint));
            let again = move || source::again(&journal, place, &endpoint.filter);
            let attempt = row.attempts.saturating_add(1);
            match self.context.tasks.spawn_blocking(again).await?? {
                Some(item) => return Ok(Some(Job { item, attempt })),
                None => self.drop_row(place, attempt, row.lane, row.since).await?,
            }
        }
    }

    /// Takes the first event of a thread that has none on its way.
    fn pick_fresh(&mut self) -> Option<Job> {
        let mut buffer = self.buffer.iter();
        let free = buffer.position(|item| !self.lanes.contains(&item.lane))?;
        let item = self.buffer.remove(free)?;
        self.fresh.insert(item.place);
        Some(Job { item, attempt: 1 })
    }

    /// Lets go of an event that is not there any more.
    async fn drop_row(
        &mut self,
        place: Place,
        attempt: u32,
        lane: u64,
        since: i64,
    ) -> anyhow::Result<()> {
        self.endpoint.metrics.tried(Class::Erased);
        let tried = Tried {
            endpoint: self.name().to_owned(),
            place: Some(place),
            next: self.next(),
            event: String::new(),
            kind: String::new(),
            site: String::new(),
            lane,
            since,
            attempt,
            class: Class::Erased,
            status: None,
            millis: 0,
            at: self.context.clock.micros(),
            then: Then::Done,
            pause: None,
        };
        let entry = Entry::Tried(Box::new(tried));
        Ok(self.inner.store.write(vec![entry]).await?)
    }

    /// Sends it.
    fn fly(&mut self, job: Job) -> BoxFuture<'static, Done> {
        self.busy.insert(job.item.place);
        self.lanes.insert(job.item.lane);
        let endpoint = Arc::clone(&self.endpoint);
        let now = self.context.clock.micros() / SECOND;
        async move {
            let Job { item, attempt } = job;
            let answer = endpoint.sender.send(&item.id, item.body.clone(), now).await;
            Done {
                item,
                attempt,
                answer,
            }
        }
        .boxed()
    }

    /// Everything before it is done with or waits, but what is in memory and on its way.
    fn next(&self) -> u64 {
        let read = self.iter.as_ref().map_or(0, Iter::position);
        let buffered = self.buffer.iter().map(|item| item.place.0).min();
        let fresh = self.fresh.first().map(|place| place.0);
        [Some(read), buffered, fresh]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or_default()
    }

    /// Writes down what came of requests.
    async fn write(&mut self, all: Vec<Done>) -> anyhow::Result<()> {
        let mut standing = self.standing(Clone::clone).unwrap_or_default();
        let was_failing = standing.is_failing();
        let disable_after = self.endpoint.config.disable_after.get().as_micros();
        let disable_after = i64::try_from(disable_after).unwrap_or(i64::MAX);
        let mut entries = Vec::with_capacity(all.len());
        for done in all {
            let Done {
                item,
                attempt,
                answer,
            } = done;
            self.busy.remove(&item.place);
            self.fresh.remove(&item.place);
            self.lanes.remove(&item.lane);
            self.endpoint.metrics.tried(answer.class);
            let now = self.context.clock.micros();
            let chance = rand::random::<f64>();
            let times = (now, disable_after, chance);
            let verdict = standing.judge(item.place, attempt, answer, times);
            if !answer.class.is_fine() {
                tracing::debug!(
                    endpoint = self.name(),
                    event.id = item.id,
                    attempt,
                    class = answer.class.as_str(),
                    status = answer.status,
                    "an event was not taken"
                );
            }
            let tried = Tried {
                endpoint: self.name().to_owned(),
                place: Some(item.place),
                next: self.next(),
                event: item.id,
                kind: item.kind.short().to_owned(),
                site: item.site,
                lane: item.lane,
                since: item.since,
                attempt,
                class: answer.class,
                status: answer.status,
                millis: answer.millis,
                at: now,
                then: verdict.then,
                pause: verdict.pause,
            };
            let tried = Entry::Tried(Box::new(tried));
            standing.apply(&tried);
            entries.push(tried);
            if let Some(why) = verdict.disables.filter(|_| standing.disabled.is_none()) {
                tracing::error!(endpoint = self.name(), ?why, "the webhook is disabled");
                let disabled = Entry::Disabled {
                    endpoint: self.name().to_owned(),
                    why,
                    by: STOA.to_owned(),
                    at: now,
                };
                standing.apply(&disabled);
                entries.push(disabled);
            }
        }
        match (was_failing, standing.is_failing()) {
            (false, true) => tracing::warn!(
                endpoint = self.name(),
                class = standing.last_class.map(Class::as_str),
                status = standing.last_status,
                "the webhook takes nothing: it is tried less often until it does"
            ),
            (true, false) => {
                tracing::info!(endpoint = self.name(), "the webhook takes events again");
            }
            _ => {}
        }
        self.inner.store.write(entries).await?;
        self.saved = Instant::now();
        self.note();
        Ok(())
    }

    /// Writes down how far was read, if nothing else said so for a while.
    async fn save(&mut self, at_once: bool) -> anyhow::Result<()> {
        if !at_once && self.saved.elapsed() < SAVE {
            return Ok(());
        }
        self.saved = Instant::now();
        let next = self.next();
        let known = self.standing(|standing| standing.next);
        if known.is_some_and(|known| known < next) {
            let endpoint = self.name().to_owned();
            let entry = Entry::Read { endpoint, next };
            self.inner.store.write(vec![entry]).await?;
        }
        Ok(())
    }

    /// How long nothing need be looked at, unless something happens.
    fn look(&self) -> Duration {
        let waits = self.standing(|standing| standing.due().is_some());
        if waits.unwrap_or_default() || !self.buffer.is_empty() {
            LOOK
        } else {
            SHOW
        }
    }

    /// Keeps the metrics up to date.
    async fn show(&mut self) -> anyhow::Result<()> {
        if self.shown.is_some_and(|shown| shown.elapsed() < SHOW) {
            return Ok(());
        }
        self.shown = Some(Instant::now());
        let (inner, endpoint) = (Arc::clone(&self.inner), Arc::clone(&self.endpoint));
        let count = move || inner.backlog(&endpoint);
        let backlog = self.context.tasks.spawn_blocking(count).await??;
        let up = self.standing(|standing| standing.disabled.is_none() && !standing.is_failing());
        let disabled = self.standing(|standing| standing.disabled.is_some());
        let now = self.context.clock.micros();
        let metrics = &self.endpoint.metrics;
        metrics.backlog(&backlog, now);
        metrics.stands(up.unwrap_or_default(), disabled.unwrap_or_default());
        Ok(())
    }
}

/// Waits until the journal has more; a closed journal never has.
async fn grown(durable: &mut watch::Receiver<u64>, read: u64) {
    if durable.wait_for(|end| *end > read).await.is_err() {
        std::future::pending::<()>().await;
    }
}
