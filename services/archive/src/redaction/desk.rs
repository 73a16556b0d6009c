//! The desk: what is due is ordered, and what is done gets its receipt.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use stoa_bus::{Bus, Holds, Parking};
use stoa_daemon::Context;
use stoa_erase::{Before, Targets};
use stoa_proto::data::Extra;
use stoa_proto::shard::SHARDS;
use stoa_proto::{
    AuthorErased, CommentErased, Data, ErasureScope, Event, Exchange, Outgoing, RedactionCompleted,
    RedactionDecided, RedactionDecision, Time, ids,
};

use super::hold::Hold;
use super::{RedactionRow, Request, SOURCE, Target};
use crate::config::{RedactionConfig, RetentionConfig, SiteConfig};
use crate::engine::chain;
use crate::fact::digest;
use crate::metrics::Metrics;
use crate::read::Reader;
use crate::row::CommentRow;
use crate::search::{FOLDER, Search};
use crate::standing::Status;
use crate::view::{COMMENTS, Error, REDACTIONS};

/// How often the desk looks at what is open.
const EVERY: Duration = Duration::from_secs(1);
/// How often it looks for what a site keeps no longer.
const RETENTION_EVERY: Duration = Duration::from_hours(1);
/// An order that has not come back after so long is sent again.
const AGAIN: Duration = Duration::from_mins(1);
/// How long a turn waits for the search index to follow, unless a test is in a hurry.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// Orders, and requests of a policy, that are sent in one turn.
const TURN: usize = 1_000;

/// Who asks for what a site keeps no longer.
const POLICY: &str = "retention";

/// The task's part.
pub(crate) struct Desk {
    pub(crate) reader: Reader,
    pub(crate) search: Option<Search>,
    pub(crate) data_dir: PathBuf,
    pub(crate) bus: Bus,
    pub(crate) parking: Parking,
    pub(crate) metrics: Metrics,
    pub(crate) config: RedactionConfig,
    pub(crate) sites: Vec<SiteConfig>,
    pub(crate) context: Context,
    pub(crate) sent: HashMap<String, Instant>,
    /// How long a turn waits for the search index to follow.
    pub(crate) patience: Duration,
}

/// What is to be done in a turn.
#[derive(Debug, Default)]
struct Turn {
    orders: Vec<Event>,
    done: Vec<(String, Request, RedactionRow)>,
    open: usize,
}

impl Desk {
    /// Works until shutdown.
    pub(crate) async fn run(mut self) -> anyhow::Result<()> {
        let mut last_policy: Option<Instant> = None;
        loop {
            if last_policy.is_none_or(|last| last.elapsed() >= RETENTION_EVERY) {
                match self.keep_no_longer().await {
                    // There may be more of it.
                    Ok(TURN..) => {}
                    Ok(_) => last_policy = Some(Instant::now()),
                    Err(error) => self.failed(error.as_ref()),
                }
            }
            if let Err(error) = self.turn().await {
                self.failed(error.as_ref());
            }
            tokio::select! {
                () = self.context.shutdown.cancelled() => return Ok(()),
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    fn failed(&self, error: &(dyn std::error::Error + 'static)) {
        self.metrics.redaction_failures.inc();
        tracing::error!(
            reason = chain(error),
            "redactions do not go on; they are tried again"
        );
    }

    async fn turn(&mut self) -> anyhow::Result<()> {
        let (reader, config, sites) =
            (self.reader.clone(), self.config.clone(), self.sites.clone());
        let now = self.context.clock.micros();
        let look = move || look(&reader, &config, &sites, now);
        let turn = self.context.tasks.spawn_blocking(look).await??;
        self.metrics
            .redactions_open
            .set(i64::try_from(turn.open).unwrap_or(i64::MAX));

        self.sent.retain(|_, at| at.elapsed() < AGAIN);
        let fresh = |event: &Event| !self.sent.contains_key(&event.id);
        let orders: Vec<Event> = turn.orders.into_iter().filter(fresh).collect();
        self.publish(Exchange::Inbox, &orders).await?;
        let now = Instant::now();
        self.sent
            .extend(orders.into_iter().map(|event| (event.id, now)));

        if turn.done.is_empty() {
            return Ok(());
        }
        let (reader, done) = (self.reader.clone(), turn.done.clone());
        let targets = move || targets(&reader, &done);
        let targets = self.context.tasks.spawn_blocking(targets).await??;
        let holds = Holds::new(move |body, at| targets.in_event(body, Before::Time(at)));
        self.parking.erase(holds).await?;
        self.forget().await?;
        let completed: Vec<Event> = turn
            .done
            .iter()
            .map(|(site, request, row)| self.receipt(site, request, row))
            .collect::<Result<_, Error>>()?;
        self.publish(Exchange::Outcomes, &completed).await
    }

    /// Has the search index forget what was erased; what it followed is gone from the journal.
    async fn forget(&self) -> anyhow::Result<()> {
        let Some(search) = &self.search else {
            // It may be left from a time when there was one.
            let dir = self.data_dir.join(FOLDER);
            return match tokio::fs::remove_dir_all(&dir).await {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
                _ => Ok(()),
            };
        };
        let applied = self.reader.index.applied();
        let started = Instant::now();
        while search.applied() < applied {
            // It may have failed, or wait for room: other orders are not to wait for it.
            if started.elapsed() > self.patience {
                anyhow::bail!("the search index does not follow: {:?}", search.state());
            }
            tokio::select! {
                () = self.context.shutdown.cancelled() => anyhow::bail!("the archive stops"),
                () = tokio::time::sleep(Duration::from_millis(50)) => {}
            }
        }
        Ok(search.forget(Vec::new()).await?)
    }

    fn receipt(&self, site: &str, request: &Request, row: &RedactionRow) -> Result<Event, Error> {
        let basis = match row.place {
            Some(place) => self.reader.load::<Basis>(place)?,
            None => None,
        };
        let data = RedactionCompleted {
            site: site.to_owned(),
            redaction: request.id.clone(),
            scope: request.scope,
            legal_basis: basis.and_then(|stored| stored.data.legal_basis),
            requested_at: Time::from_micros(request.at),
            completed_at: self.now(),
            comments: row.comments,
            records: row.records,
            extra: Extra::new(),
        };
        let id = ids::derive("rc-", &[site, &request.id]);
        Ok(self.says(id, Data::RedactionCompleted(data)))
    }

    /// Asks for redactions of what sites keep no longer; returns of how many.
    async fn keep_no_longer(&self) -> anyhow::Result<usize> {
        let (reader, sites) = (self.reader.clone(), self.sites.clone());
        let now = self.context.clock.micros();
        let expired = move || expired(&reader, &sites, now);
        let expired = self.context.tasks.spawn_blocking(expired).await??;
        let asked = expired.len();
        let mut events = Vec::with_capacity(2 * asked);
        for comment in expired {
            let Expired { site, id, .. } = &comment;
            let redaction = ids::redaction_id(SOURCE, id);
            let confirmed = RedactionDecided {
                site: site.clone(),
                redaction: redaction.clone(),
                decision: RedactionDecision::Confirmed,
                by: POLICY.to_owned(),
                decided_at: self.now(),
                extra: Extra::new(),
            };
            let id = ids::derive("rd-", &[site, &redaction, POLICY]);
            events.push(self.says(comment.id.clone(), comment.request(self.now())));
            events.push(self.says(id, Data::RedactionDecided(confirmed)));
        }
        self.publish(Exchange::Outcomes, &events).await?;
        Ok(asked)
    }

    async fn publish(&self, exchange: Exchange, events: &[Event]) -> anyhow::Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        let outgoing = events.iter().map(|event| Outgoing::new(exchange, event));
        let publisher = self.bus.publisher();
        tokio::select! {
            () = self.context.shutdown.cancelled() => Ok(()),
            sent = publisher.publish(outgoing.collect()) => Ok(sent?),
        }
    }

    fn says(&self, id: String, data: Data) -> Event {
        let mut event = Event::new(id, SOURCE, data);
        event.recordedtime = Some(self.now());
        event
    }

    fn now(&self) -> Time {
        Time::from_micros(self.context.clock.micros())
    }
}

/// What a request says of its reason.
#[derive(Debug, serde::Deserialize)]
struct Basis {
    #[serde(default)]
    legal_basis: Option<String>,
}

/// Looks at what is open.
fn look(
    reader: &Reader,
    config: &RedactionConfig,
    sites: &[SiteConfig],
    now: i64,
) -> Result<Turn, Error> {
    let mut turn = Turn::default();
    for (site, row) in reader.index.open_redactions()? {
        turn.open += 1;
        let Some(request) = row.request.clone() else {
            continue;
        };
        let is_agreed = !config.confirm || row.confirmed.is_some();
        if !is_agreed || now < config.due(request.at) || turn.orders.len() >= TURN {
            continue;
        }
        let hold = Hold::of(sites, &site);
        let is_left = match &request.target {
            Target::Comment { article, comment } => order_comment(
                reader,
                &hold,
                &site,
                (article, comment),
                &request,
                &mut turn,
            )?,
            Target::Author { author } => {
                order_author(reader, &hold, &site, author, &request, &row, &mut turn)?
            }
        };
        if !is_left {
            turn.done.push((site, request, row));
        }
    }
    Ok(turn)
}

fn order_comment(
    reader: &Reader,
    hold: &Hold<'_>,
    site: &str,
    (article, comment): (&str, &str),
    request: &Request,
    turn: &mut Turn,
) -> Result<bool, Error> {
    let row = reader.index.comment(site, article, comment)?;
    let is_erased = |row: &CommentRow| {
        let erased = row.erased.as_ref();
        erased.is_some_and(|erased| erased.covers(request.scope))
    };
    if row.as_ref().is_some_and(is_erased) {
        return Ok(false);
    }
    if !hold.comment(comment, row.as_ref()) {
        turn.orders.push(order(site, article, comment, request));
    }
    Ok(true)
}

fn order_author(
    reader: &Reader,
    hold: &Hold<'_>,
    site: &str,
    author: &str,
    request: &Request,
    row: &RedactionRow,
    turn: &mut Turn,
) -> Result<bool, Error> {
    if hold.author(author) {
        return Ok(true);
    }
    let whose = digest(&[author]);
    let mut is_left = false;
    reader
        .index
        .each_comment(site, &mut |article, comment, row| {
            let is_theirs = row.content.is_some_and(|content| content.author == whose);
            let erased = row.erased.as_ref();
            if is_theirs && !erased.is_some_and(|erased| erased.covers(request.scope)) {
                is_left = true;
                if !hold.comment(comment, Some(row)) {
                    turn.orders.push(order(site, article, comment, request));
                }
            }
            turn.orders.len() < TURN
        })?;
    if is_left || row.ordered {
        return Ok(is_left);
    }
    if hold.reports(reader, (site, author), request.scope)? {
        return Ok(true);
    }
    turn.orders.push(author_order(site, author, request));
    Ok(true)
}

/// Lists what was erased, for what else holds it.
fn targets(reader: &Reader, done: &[(String, Request, RedactionRow)]) -> Result<Targets, Error> {
    let mut targets = Targets::default();
    // Whatever is parked by now came before.
    let mut add = |event: &Event| targets.add(&event.data, u64::MAX, i64::MAX);
    for (site, request, _) in done {
        match &request.target {
            Target::Comment { article, comment } => add(&order(site, article, comment, request)),
            Target::Author { author } => {
                add(&author_order(site, author, request));
                reader
                    .index
                    .each_comment(site, &mut |article, comment, row| {
                        let erased = row.erased.as_ref();
                        if erased.is_some_and(|erased| erased.redaction == request.id) {
                            add(&order(site, article, comment, request));
                        }
                        true
                    })?;
            }
        }
    }
    Ok(targets)
}

fn author_order(site: &str, author: &str, request: &Request) -> Event {
    let data = AuthorErased {
        site: site.to_owned(),
        author: author.to_owned(),
        scope: request.scope,
        legal_basis: None,
        requested_at: None,
        redaction: Some(request.id.clone()),
        extra: Extra::new(),
    };
    let id = ids::derive("ro-", &[&request.id, "author"]);
    Event::new(id, SOURCE, Data::AuthorErased(data))
}

fn order(site: &str, article: &str, comment: &str, request: &Request) -> Event {
    let data = CommentErased {
        site: site.to_owned(),
        article: article.to_owned(),
        comment: comment.to_owned(),
        scope: request.scope,
        legal_basis: None,
        requested_at: None,
        redaction: Some(request.id.clone()),
        extra: Extra::new(),
    };
    let id = ids::derive("ro-", &[&request.id, article, comment]);
    Event::new(id, SOURCE, Data::CommentErased(data))
}

/// A comment that its site keeps no longer.
struct Expired {
    site: String,
    article: String,
    comment: String,
    /// The id of the request.
    id: String,
    rule: String,
}

impl Expired {
    fn request(&self, at: Time) -> Data {
        let mut extra = Extra::new();
        extra.insert("by".to_owned(), POLICY.into());
        Data::CommentErased(CommentErased {
            site: self.site.clone(),
            article: self.article.clone(),
            comment: self.comment.clone(),
            scope: ErasureScope::Content,
            legal_basis: Some(format!("retention: {}", self.rule)),
            requested_at: Some(at),
            redaction: None,
            extra,
        })
    }
}

/// Finds comments that their sites keep no longer, and for which nobody asked yet.
fn expired(reader: &Reader, sites: &[SiteConfig], now: i64) -> Result<Vec<Expired>, Error> {
    let mut expired = Vec::new();
    for site in sites {
        let Some(retention) = &site.retention else {
            continue;
        };
        let hold = Hold::of(sites, &site.id);
        let mut failed = None;
        reader
            .index
            .each_comment(&site.id, &mut |article, comment, row| {
                let Some(rule) = rule(retention, row, now) else {
                    return true;
                };
                if row.erased.is_some() || hold.comment(comment, Some(row)) {
                    return true;
                }
                let id = ids::derive("rt-", &[&site.id, article, comment]);
                let key = (site.id.clone(), ids::redaction_id(SOURCE, &id));
                match reader.index.tables().get(&REDACTIONS, &key) {
                    Ok(None) => expired.push(Expired {
                        site: site.id.clone(),
                        article: article.to_owned(),
                        comment: comment.to_owned(),
                        id,
                        rule,
                    }),
                    Ok(Some(_)) => {}
                    Err(error) => {
                        failed = Some(error);
                        return false;
                    }
                }
                expired.len() < TURN
            })?;
        if let Some(error) = failed {
            return Err(error.into());
        }
    }
    Ok(expired)
}

/// Tells by which rule a comment is kept no longer.
fn rule(retention: &RetentionConfig, row: &CommentRow, now: i64) -> Option<String> {
    row.content?;
    let is_over = |kept: &stoa_daemon::config::Duration, at: i64| {
        let kept = i64::try_from(kept.get().as_micros()).unwrap_or(i64::MAX);
        at.saturating_add(kept) < now
    };
    if row.status() == Status::Rejected
        && let (Some(kept), Some(decision)) = (&retention.rejected, row.decision())
        && is_over(kept, decision.decided_at)
    {
        return Some(format!("rejected comments are kept for {kept}"));
    }
    let (kept, at) = (retention.all.as_ref()?, row.revised?);
    is_over(kept, at).then(|| format!("comments are kept for {kept}"))
}

impl crate::view::Index {
    /// Calls `each` with article, comment and row of a site's comments until it says no.
    fn each_comment(
        &self,
        site: &str,
        each: &mut dyn FnMut(&str, &str, &CommentRow) -> bool,
    ) -> Result<(), Error> {
        for shard in 0..SHARDS {
            for row in self.tables().scan(&COMMENTS, (shard, site.to_owned())) {
                let ((_, _, article, comment), row) = row?;
                if !each(&article, &comment, &row) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}
