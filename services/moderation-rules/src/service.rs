//! The parts of moderation-rules, opened in order and joined.

#[cfg(test)]
mod tests;

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use stoa_bus::{BatchLimits, Bus, Events, Outbox, Parking};
use stoa_daemon::Context;
use stoa_daemon::auth::Tokens;
use stoa_erase::{Orders, Sweeper};
use stoa_journal::{Journal, Record};
use stoa_proto::{Outgoing, Reader};

use crate::config::{Config, RulesConfig};
use crate::consumer::{Consumer, Scoring};
use crate::engine::erase::Held;
use crate::engine::{Engine, Handle, Parts, limits};
use crate::http::Admin;
use crate::http::appeal_page::AppealPage;
use crate::http::idempotency::{self, FirstAnswers};
use crate::http::moderate::Public;
use crate::http::rules::backtests::Backtests;
use crate::http::rules::draft::Drafts;
use crate::live::{Places, Refused, Rules};
use crate::metrics::Metrics;
use crate::record::{ANSWERED, REVIEWED, SANCTIONED, Stored, UNDONE, Unreadable};
use crate::scorers::{self, Scorers};
use crate::statement::Statements;
use crate::statement::link::Links;
use crate::statement::texts::Texts;
use crate::view::{Index, TEXTS};
use crate::watch;
use crate::webhooks::{Webhooks, guard};

/// The longest record: the largest comment with its plain text, and what was decided about it.
const MAX_RECORD_BYTES: u32 = 32 * 1024 * 1024;

/// Bytes that the bus hands over at a time.
const BATCH_BYTES: usize = 16 * 1024 * 1024;

/// How often readiness follows the bus.
const PERIOD: Duration = Duration::from_secs(1);

/// Moderation-rules, opened: its rule set is live, its journal whole, its view caught up.
pub(crate) struct Service {
    context: Context,
    bus: Bus,
    journal: Journal,
    outbox: Outbox,
    rules: Arc<Rules>,
    metrics: Metrics,
    engine: Handle,
    engine_ended: tokio::sync::oneshot::Receiver<()>,
    admin: Admin,
    public: Public,
    appeal_page: AppealPage,
    parking: Parking,
    scorers: Option<Arc<Scorers>>,
    batch_events: usize,
    rules_config: RulesConfig,
    sweeper: Sweeper<Held>,
}

impl Service {
    /// Loads the rules, opens journal and view, and starts the engine.
    pub(crate) async fn open(config: &Config, context: &Context, bus: Bus) -> anyhow::Result<Self> {
        Self::open_with(config, context, bus, stoa_rules::RuleSet::evaluate_observed).await
    }

    /// Opens the service with another way to judge a comment.
    #[expect(
        clippy::too_many_lines,
        reason = "parts in the order in which they need each other"
    )]
    pub(crate) async fn open_with(
        config: &Config,
        context: &Context,
        bus: Bus,
        evaluate: crate::engine::Evaluate,
    ) -> anyhow::Result<Self> {
        let tokens = Tokens::new(&config.tokens)?;
        let metrics = Metrics::new(&context.registry)?;
        let scorers = Scorers::new(&config.scorers, &metrics)?;
        let rules = load_rules(config, context, &metrics).await?;
        context.ready.set("rules", Ok(()));
        let journal = open_journal(config, context).await?;
        context.ready.set("journal", Ok(()));
        let index = open_index(config, context, &journal).await?;
        metrics.open_cases(index.open_cases()?);
        let live = rules.live();
        live.metrics.breakers(&limits::open(&index, &live)?);
        context.ready.set("view", Ok(()));

        let parking = stoa_parked::open(
            Reader::Moderation,
            &config.data_dir,
            &config.bus,
            config.journal.reserve.get(),
            context,
        )
        .await?;
        let outbox = Outbox::open(journal.clone(), &config.data_dir.join("outbox.cursor"))?;
        let orders = Orders::default();
        let review = Arc::new(config.review.clone());
        let statements = Arc::new(open_statements(config, context).await?);
        statements.set_texts(texts(&journal, &index)?);
        let parts = Arc::new(Parts {
            journal: journal.clone(),
            index: Arc::clone(&index),
            rules: Arc::clone(&rules),
            metrics: metrics.clone(),
            clock: context.clock.clone(),
            config: config.engine.clone(),
            review: Arc::clone(&review),
            breaker: config.breaker,
            statements: Arc::clone(&statements),
            orders: orders.clone(),
            evaluate,
            watching: Mutex::default(),
            samples: AtomicU64::default(),
        });
        let (engine, handle) = Engine::new(Arc::clone(&parts));
        let sweeper = Sweeper::open(
            &config.data_dir,
            Held(handle.clone()),
            outbox.handle(),
            (journal.clone(), parking.clone(), bus.clone()),
            orders,
            context,
        )?;
        let public = Public::new(
            config,
            tokens.clone().with_open(config.open),
            Arc::clone(&parts),
            handle.clone(),
            scorers.clone(),
            context,
        )?;
        let appeal_page = AppealPage::new(parts, bus.clone(), &config.http.proxies, context);
        let engine_ended = start_engine(engine, context);
        let webhooks =
            open_webhooks(config, context, (&journal, &index, &handle), &metrics).await?;
        let admin = Admin {
            webhooks,
            tokens,
            journal: journal.clone(),
            index,
            rules: Arc::clone(&rules),
            engine: handle.clone(),
            outbox: outbox.handle(),
            bus: bus.clone(),
            engine_config: config.engine.clone(),
            breaker: config.breaker,
            review,
            statements,
            territories: config.statement.territorial_scope.as_slice().into(),
            compiling: Arc::new(tokio::sync::Semaphore::new(1)),
            watching: Arc::new(tokio::sync::Semaphore::new(crate::http::MAX_WATCHING)),
            drafts: Drafts::default(),
            backtests: Backtests::default(),
            context: context.clone(),
        };
        Ok(Self {
            context: context.clone(),
            bus,
            journal,
            outbox,
            rules,
            metrics,
            engine: handle,
            engine_ended,
            admin,
            public,
            appeal_page,
            parking,
            scorers,
            batch_events: config.engine.batch_events,
            rules_config: config.rules.clone(),
            sweeper,
        })
    }

    /// Returns the admin routes.
    pub(crate) fn admin_router(&self) -> Router {
        let tokens = self.admin.tokens.clone();
        let parked = stoa_parked::router(self.parking.clone(), tokens, &self.context);
        let router = self.admin.clone().router(parked);
        let first = FirstAnswers::new(self.admin.tokens.clone(), self.context.clock.clone());
        router.layer(from_fn_with_state(first, idempotency::answer))
    }

    /// Returns the public routes.
    pub(crate) fn public_router(&self) -> Router {
        self.public
            .clone()
            .router(self.appeal_page.clone().routes())
    }

    /// Consumes and publishes until shutdown, then lets the engine finish.
    pub(crate) async fn work(self) -> anyhow::Result<()> {
        let Self {
            context,
            bus,
            journal,
            outbox,
            engine_ended,
            ..
        } = self;
        let index = Arc::clone(&self.admin.index);
        if let Some(webhooks) = &self.admin.webhooks {
            webhooks.start(&context);
        }
        drop(self.admin);
        drop((self.public, self.appeal_page));
        let scoring = self.scorers.map(|scorers| Scoring {
            scorers,
            rules: Arc::clone(&self.rules),
            clock: context.clock.clone(),
        });
        context.supervise("erasure", self.sweeper.run(context.clone()));
        let publisher = bus.publisher();
        let shutdown = context.shutdown.clone();
        let failing = context.clone();
        context.supervise("outbox", async move {
            let map = |record: Record| {
                reviewed(&record).unwrap_or_else(|error| {
                    failing.fail(error.to_string());
                    Vec::new()
                })
            };
            Ok(outbox.run(publisher, map, shutdown).await?)
        });
        let following = watch::follow(Arc::clone(&self.rules), self.rules_config, context.clone());
        context.supervise("rules", following);
        context.supervise("reload", reload_on_hangup(self.rules, context.clone()));
        let following = follow(
            bus.clone(),
            journal.clone(),
            self.metrics.clone(),
            context.clone(),
        );
        context.supervise("readiness", following);
        context.supervise("check", check(journal.clone(), context.clone()));
        let limits = BatchLimits {
            max_messages: self.batch_events,
            max_bytes: BATCH_BYTES,
        };
        let parking = self.parking;
        let consumer = Events(Consumer::new(self.engine, self.metrics, scoring));
        context.supervise("consumer", async move {
            Ok(bus
                .run(Reader::Moderation, consumer, limits, parking)
                .await?)
        });

        context.shutdown.cancelled().await;
        // The engine ends when the last listener and the consumer have let go of it.
        engine_ended.await.ok();
        context
            .tasks
            .spawn_blocking(move || index.view.close())
            .await??;
        journal.close().await;
        Ok(())
    }
}

/// Returns what the outbox publishes of a record: moderators' decisions, those that were undone,
/// sanctions, and what a request over HTTP asked for.
///
/// What follows from the bus's events is published by the bus's loop, before it acknowledges them.
fn reviewed(record: &Record) -> Result<Vec<Outgoing>, Unreadable> {
    if !matches!(record.kind, REVIEWED | ANSWERED | SANCTIONED | UNDONE) {
        return Ok(Vec::new());
    }
    Ok(Stored::read(record)?
        .map(|stored| stored.outgoing())
        .unwrap_or_default())
}

async fn load_rules(
    config: &Config,
    context: &Context,
    metrics: &Metrics,
) -> anyhow::Result<Arc<Rules>> {
    let (clock, metrics) = (context.clock.clone(), metrics.clone());
    let places = Places {
        dir: config.rules_dir.clone(),
        versions: config.data_dir.join("rulesets"),
        keep: config.rules.keep_versions,
        proven: config.data_dir.join("journal").exists(),
        scores: scorers::names(&config.scorers),
    };
    let open = move || Rules::open(places, clock, metrics);
    Ok(Arc::new(context.tasks.spawn_blocking(open).await??))
}

/// Makes what writes statements; with links for appeals where authors can reach the listener.
async fn open_statements(config: &Config, context: &Context) -> anyhow::Result<Statements> {
    let url = config.http.public_url.clone();
    let links = if url.is_empty() {
        None
    } else {
        let (dir, appeals) = (config.data_dir.clone(), &config.review.appeals);
        let (key, within) = (appeals.key.clone(), appeals.within.get());
        let open = move || Links::open(key.as_ref(), &dir, &url, within);
        Some(context.tasks.spawn_blocking(open).await??)
    };
    Ok(Statements::new(config.statement.clone(), links))
}

/// Reads the texts that an editor wrote last.
fn texts(journal: &Journal, index: &Index) -> anyhow::Result<Texts> {
    let Some(last) = index.view.scan(&TEXTS, ()).next_back() else {
        return Ok(Texts::default());
    };
    let (version, seq) = last?;
    let stored = journal
        .read_seq(seq)?
        .map(|record| Stored::read(&record))
        .transpose()?
        .flatten();
    let written = stored.and_then(|stored| stored.texts());
    Ok(Texts {
        version,
        edited: written.map(|written| written.texts).unwrap_or_default(),
    })
}

async fn open_journal(config: &Config, context: &Context) -> anyhow::Result<Journal> {
    let dir = config.data_dir.join("journal");
    let options = stoa_journal::Options {
        segment_bytes: config.journal.segment.get(),
        max_record_bytes: MAX_RECORD_BYTES,
        reserve_bytes: config.journal.reserve.get(),
    };
    let clock = context.clock.micros_fn();
    let open = move || Journal::open(&dir, options, clock);
    let opened = context.tasks.spawn_blocking(open).await??;
    if let Some(torn) = &opened.report.torn {
        tracing::warn!(
            segment = %torn.segment.display(),
            at = torn.at,
            bytes = torn.bytes,
            "an unfinished record at the journal's end was cut: it was never acknowledged"
        );
    }
    opened.journal.never_trimmed()?;
    Ok(opened.journal)
}

/// Checks the whole journal beside everything else; damage stops the process.
async fn check(journal: Journal, context: Context) -> anyhow::Result<()> {
    tokio::select! {
        damage = journal.damaged() => Err(damage.into()),
        () = context.shutdown.cancelled() => Ok(()),
    }
}

async fn open_index(
    config: &Config,
    context: &Context,
    journal: &Journal,
) -> anyhow::Result<Arc<Index>> {
    let dir = config.data_dir.join("view");
    let (config, journal) = (config.view.clone(), journal.clone());
    let open = move || Index::open(&dir, &config, &journal);
    Ok(Arc::new(context.tasks.spawn_blocking(open).await??))
}

/// Opens what is known of the endpoints of webhooks.
async fn open_webhooks(
    config: &Config,
    context: &Context,
    (journal, index, engine): (&Journal, &Arc<Index>, &Handle),
    metrics: &Metrics,
) -> anyhow::Result<Option<Webhooks>> {
    let (config, metrics, clock) = (config.clone(), metrics.clone(), context.clock.clone());
    let (journal, index, engine) = (journal.clone(), Arc::clone(index), engine.clone());
    let open = move || {
        let role = (&journal, &index, &engine);
        Webhooks::open(&config, role, &metrics, &clock, &guard::system())
    };
    context.tasks.spawn_blocking(open).await?
}

fn start_engine(engine: Engine, context: &Context) -> tokio::sync::oneshot::Receiver<()> {
    let (ended, engine_ended) = tokio::sync::oneshot::channel();
    let ready = context.ready.clone();
    context.supervise("engine", async move {
        let result = engine.run().await;
        if let Err(error) = &result {
            ready.set("journal", Err(format!("{error:#}")));
        }
        drop(ended);
        result
    });
    engine_ended
}

/// Reads the rule set again at every SIGHUP; a broken one changes nothing, and is logged.
async fn reload_on_hangup(rules: Arc<Rules>, context: Context) -> anyhow::Result<()> {
    let mut hangups = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?;
    loop {
        tokio::select! {
            _ = hangups.recv() => {}
            () = context.shutdown.cancelled() => return Ok(()),
        }
        let rules = Arc::clone(&rules);
        let reloaded = context
            .tasks
            .spawn_blocking(move || rules.reload("folder"))
            .await?;
        match reloaded {
            Ok(_) => {}
            Err(Refused::Broken(errors)) => {
                tracing::error!(%errors, "the rule set was not reloaded");
            }
            Err(error) => tracing::error!(?error, "the rule set was not reloaded"),
        }
    }
}

/// Keeps readiness and gauges up to date until shutdown.
async fn follow(
    bus: Bus,
    journal: Journal,
    metrics: Metrics,
    context: Context,
) -> anyhow::Result<()> {
    let mut ticks = tokio::time::interval(PERIOD);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = context.shutdown.cancelled() => return Ok(()),
        }
        context.ready.set("bus", bus.status().ready());
        let room = journal.room().map_err(|full| full.to_string());
        context.ready.set("disk", room);
        metrics.free_disk(journal.free_bytes());
    }
}
