//! The parts of ingest, opened in order and joined.

use std::sync::Arc;

use axum::Router;
use stoa_bus::{BatchLimits, Bus, Outbox, Parking};
use stoa_daemon::Context;
use stoa_daemon::auth::Tokens;
use stoa_erase::{Orders, Sweeper};
use stoa_journal::Journal;
use stoa_proto::Reader;

use crate::budget::Budget;
use crate::config::Config;
use crate::engine::{Engine, Handle};
use crate::erasure::Held;
use crate::http::Public;
use crate::http::rejections::Admin;
use crate::inbox::Inbox;
use crate::intake::Intake;
use crate::metrics::Metrics;
use crate::outgoing;
use crate::policy::Policy;
use crate::retention::Retention;
use crate::view::Index;
use crate::webhooks::Hook;

/// The longest record: an original of the largest message, or an event with its plain text.
const MAX_RECORD_BYTES: u32 = 32 * 1024 * 1024;

/// Ingest, opened: its journal is whole, its view has caught up and its engine runs.
pub(crate) struct Service {
    context: Context,
    bus: Bus,
    journal: Journal,
    outbox: Outbox,
    intake: Arc<Intake>,
    engine: Handle,
    engine_ended: tokio::sync::oneshot::Receiver<()>,
    budget: Budget,
    retention: Retention,
    metrics: Metrics,
    public: Public,
    admin: Admin,
    parking: Parking,
    sweeper: Sweeper<Held>,
}

impl Service {
    /// Opens journal and view, and starts the engine.
    pub(crate) async fn open(config: &Config, context: &Context, bus: Bus) -> anyhow::Result<Self> {
        let tokens = Tokens::new(&config.tokens)?.with_open(config.open);
        let policy = Policy::new(config, matches!(bus, Bus::Embedded(_)))?;
        let metrics = Metrics::new(&context.registry)?;

        let journal = open_journal(config, context).await?;
        context.ready.set("journal", Ok(()));
        let index = open_index(config, context, &journal, &metrics).await?;
        context.ready.set("view", Ok(()));

        let parking = stoa_parked::open(
            Reader::Ingest,
            &config.data_dir,
            &config.bus,
            config.budget.reserve.get(),
            context,
        )
        .await?;
        let outbox = Outbox::open(journal.clone(), &config.data_dir.join("outbox.cursor"))?;
        let waiting = outbox.handle();
        let budget = Budget::new(
            config.budget.clone(),
            journal.clone(),
            waiting.clone(),
            context.clock.clone(),
        );
        context.ready.set("budget", budget.check());

        let orders = Orders::default();
        let sweeper = Sweeper::open(
            &config.data_dir,
            Held,
            waiting.clone(),
            (journal.clone(), parking.clone(), bus.clone()),
            orders.clone(),
            context,
        )?;
        let intake = Arc::new(Intake::new(policy, context.clock.clone(), metrics.clone()));
        let (engine, handle) = Engine::new(
            journal.clone(),
            Arc::clone(&index),
            metrics.clone(),
            &config.engine,
            orders,
        );
        let engine_ended = start_engine(engine, context);

        let retention = Retention::new(
            journal.clone(),
            waiting.clone(),
            handle.clone(),
            config.duplicate_window.get(),
        );
        let public = Public::new(
            &config.http,
            tokens.clone(),
            Hook::all(&config.webhooks, &metrics)?,
            Arc::clone(&intake),
            handle.clone(),
            budget.clone(),
        );
        let admin = Admin {
            tokens,
            journal: journal.clone(),
            index,
            outbox: waiting,
            budget: budget.clone(),
            bus: bus.clone(),
            context: context.clone(),
        };
        Ok(Self {
            context: context.clone(),
            bus,
            journal,
            outbox,
            intake,
            engine: handle,
            engine_ended,
            budget,
            retention,
            metrics,
            public,
            admin,
            parking,
            sweeper,
        })
    }

    /// The public routes.
    pub(crate) fn public_router(&self) -> Router {
        self.public.clone().router()
    }

    /// The admin routes of ingest.
    pub(crate) fn admin_router(&self) -> Router {
        let tokens = self.admin.tokens.clone();
        let parked = stoa_parked::router(self.parking.clone(), tokens, &self.context);
        self.admin.clone().router(parked)
    }

    /// Publishes, consumes and forgets until shutdown, then lets the engine finish.
    pub(crate) async fn work(self) -> anyhow::Result<()> {
        let Self {
            context,
            bus,
            journal,
            engine_ended,
            ..
        } = self;
        let watched = Arc::clone(&self.admin.index);
        context.supervise(
            "budget",
            self.budget
                .clone()
                .watch(context.clone(), bus.clone(), self.metrics, watched),
        );
        context.supervise("retention", self.retention.run(context.clone()));
        context.supervise("erasure", self.sweeper.run(context.clone()));
        context.supervise("check", check(journal.clone(), context.clone()));
        let publisher = bus.publisher();
        let shutdown = context.shutdown.clone();
        let failing = context.clone();
        let outbox = self.outbox;
        context.supervise("outbox", async move {
            let map = |record| {
                outgoing::of(&record).unwrap_or_else(|error| {
                    failing.fail(error.to_string());
                    Vec::new()
                })
            };
            Ok(outbox.run(publisher, map, shutdown).await?)
        });
        let inbox = Inbox::new(self.intake, self.engine, self.budget);
        let (limits, parking) = (BatchLimits::default(), self.parking);
        context.supervise("inbox", async move {
            Ok(bus.run(Reader::Ingest, inbox, limits, parking).await?)
        });
        drop(self.public);
        drop(self.admin);

        context.shutdown.cancelled().await;
        // The engine ends when the last listener and the inbox have let go of it.
        engine_ended.await.ok();
        journal.close().await;
        Ok(())
    }
}

async fn open_journal(config: &Config, context: &Context) -> anyhow::Result<Journal> {
    let dir = config.data_dir.join("journal");
    let options = stoa_journal::Options {
        segment_bytes: config.journal.segment.get(),
        max_record_bytes: MAX_RECORD_BYTES,
        reserve_bytes: config.budget.reserve.get(),
    };
    let clock = context.clock.micros_fn();
    let opened = context
        .tasks
        .spawn_blocking(move || Journal::open(&dir, options, clock))
        .await??;
    if let Some(torn) = &opened.report.torn {
        tracing::warn!(
            segment = %torn.segment.display(),
            at = torn.at,
            bytes = torn.bytes,
            "an unfinished record at the journal's end was cut: it was never acknowledged"
        );
    }
    Ok(opened.journal)
}

/// Checks the whole journal beside everything else; damage stops the process.
async fn check(journal: Journal, context: Context) -> anyhow::Result<()> {
    tokio::select! {
        damage = journal.damaged(context.clock.micros_fn()) => Err(damage.into()),
        () = context.shutdown.cancelled() => Ok(()),
    }
}

async fn open_index(
    config: &Config,
    context: &Context,
    journal: &Journal,
    metrics: &Metrics,
) -> anyhow::Result<Arc<Index>> {
    let dir = config.data_dir.join("view");
    let (config, journal, metrics) = (config.view.clone(), journal.clone(), metrics.clone());
    let open = move || Index::open(&dir, &config, &journal, &metrics);
    Ok(Arc::new(context.tasks.spawn_blocking(open).await??))
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

#[cfg(test)]
mod tests;
