//! The parts of the archive, opened in order and joined.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use stoa_bus::{BatchLimits, Bus, Events, Parking};
use stoa_daemon::Context;
use stoa_daemon::auth::Tokens;
use stoa_journal::Journal;
use stoa_proto::Reader as QueueReader;

use crate::backup;
use crate::config::Config;
use crate::engine::Engine;
use crate::http::access::Access;
use crate::http::admin::Admin;
use crate::http::{self, Public};
use crate::metrics::Metrics;
use crate::read::Reader;
use crate::redaction::desk::{Desk, PATIENCE};
use crate::search::{self, Search};
use crate::transparency::{self, Log};
use crate::view::{Index, OpenOptions};

/// The longest record: an event with its plain text beside the original.
pub(crate) const MAX_RECORD_BYTES: u32 = 32 * 1024 * 1024;

/// Bytes of messages that the engine takes at a time.
const BATCH_BYTES: usize = 16 * 1024 * 1024;

/// How often readiness looks at the bus.
const WATCH_EVERY: Duration = Duration::from_millis(500);

/// The archive, opened: its journal is whole and its view has caught up.
pub(crate) struct Service {
    context: Context,
    bus: Bus,
    engine: Engine,
    public: Public,
    admin: Admin,
    parking: Parking,
    checkpoint_every: Duration,
    searching: Option<search::Running>,
    desk: Desk,
}

impl Service {
    /// Opens journal and view.
    pub(crate) async fn open(config: &Config, context: &Context, bus: Bus) -> anyhow::Result<Self> {
        let tokens = Tokens::new(&config.tokens)?.with_open(config.open);
        let metrics = Metrics::new(&context.registry)?;

        let journal = open_journal(config, context).await?;
        context.ready.set("journal", Ok(()));
        let index = open_index(config, context, &journal, &metrics).await?;
        context.ready.set("view", Ok(()));
        metrics.progress(journal.next(), journal.bytes(), index.applied());

        let log = open_log(config, context, &journal, &metrics).await?;

        let bus_config = &config.bus;
        let parking = stoa_parked::open(
            QueueReader::Archive,
            &config.data_dir,
            bus_config,
            config.journal.reserve.get(),
            context,
        )
        .await?;
        let engine = Engine {
            journal: journal.clone(),
            index: Arc::clone(&index),
            metrics: metrics.clone(),
            batch_events: config.engine.batch_events,
            context: context.clone(),
        };
        let reader = Reader {
            journal: journal.clone(),
            index: Arc::clone(&index),
            until: None,
        };
        let (search, searching) = open_search(config, context, &reader)?.unzip();
        let desk = Desk {
            reader: reader.clone(),
            search: search.clone(),
            data_dir: config.data_dir.clone(),
            bus: bus.clone(),
            parking: parking.clone(),
            metrics: metrics.clone(),
            config: config.redaction.clone(),
            sites: config.sites.clone(),
            context: context.clone(),
            sent: HashMap::new(),
            patience: PATIENCE,
        };
        let public = Public {
            reader,
            search: search.clone(),
            access: Access::new(tokens.clone(), &config.sites),
            url: config.http.public_url.as_str().into(),
            log,
            is_log_open: config.transparency.public,
            metrics,
            context: context.clone(),
        };
        let admin = Admin {
            tokens,
            journal,
            index,
            search,
            bus: bus.clone(),
            redaction: config.redaction.clone(),
            context: context.clone(),
        };
        Ok(Self {
            context: context.clone(),
            bus,
            engine,
            public,
            admin,
            parking,
            checkpoint_every: config.transparency.checkpoint_every.get(),
            searching,
            desk,
        })
    }

    /// The public routes.
    pub(crate) fn public_router(&self) -> Router {
        http::router(self.public.clone())
    }

    /// The admin routes of the archive.
    pub(crate) fn admin_router(&self) -> Router {
        let tokens = self.admin.tokens.clone();
        let parked = stoa_parked::router(self.parking.clone(), tokens, &self.context);
        self.admin.clone().router(parked)
    }

    /// Archives until shutdown.
    pub(crate) async fn work(self) -> anyhow::Result<()> {
        let Self {
            context,
            bus,
            engine,
            public,
            admin,
            parking,
            checkpoint_every,
            searching,
            desk,
        } = self;
        if let Some(log) = public.log.clone() {
            let metrics = engine.metrics.clone();
            let following =
                transparency::follow(log, checkpoint_every, bus.clone(), metrics, context.clone());
            context.supervise("transparency", following);
        }
        context.supervise("redactions", desk.run());
        drop((public, admin));
        let metrics = engine.metrics.clone();
        let (journal, index) = (engine.journal.clone(), Arc::clone(&engine.index));
        context.supervise("check", check(journal.clone(), context.clone()));
        let data_dir = journal.dir().parent().unwrap_or(journal.dir()).to_owned();
        let limits = BatchLimits {
            max_messages: engine.batch_events,
            max_bytes: BATCH_BYTES,
        };
        let consuming = bus.run(QueueReader::Archive, Events(engine), limits, parking);
        let mut consuming = std::pin::pin!(consuming);
        loop {
            context.ready.set("bus", bus.status().ready());
            let room = journal.room().map_err(|full| full.to_string());
            context.ready.set("disk", room);
            metrics.free_disk(journal.free_bytes());
            metrics.kept(
                index.bytes(),
                journal.verified_us(),
                backup::last(&data_dir).unwrap_or_default(),
            );
            tokio::select! {
                ended = consuming.as_mut() => {
                    ended?;
                    break;
                }
                () = tokio::time::sleep(WATCH_EVERY) => {}
            }
        }
        if let Some(searching) = searching {
            // It reads the view.
            searching.await?;
        }
        context
            .tasks
            .spawn_blocking(move || index.close())
            .await??;
        journal.close().await;
        Ok(())
    }
}

/// Starts the search index, unless the configuration leaves it out.
fn open_search(
    config: &Config,
    context: &Context,
    reader: &Reader,
) -> anyhow::Result<Option<(Search, search::Running)>> {
    if !config.search.enabled {
        return Ok(None);
    }
    let metrics = search::metrics::Metrics::new(&context.registry)?;
    let (data_dir, reader) = (&config.data_dir, reader.clone());
    Ok(Some(Search::start(
        &config.search,
        data_dir,
        reader,
        metrics,
        context,
    )))
}

async fn open_journal(config: &Config, context: &Context) -> anyhow::Result<Journal> {
    let dir = config.data_dir.join("journal");
    let options = stoa_journal::Options {
        segment_bytes: config.journal.segment.get(),
        max_record_bytes: MAX_RECORD_BYTES,
        reserve_bytes: config.journal.reserve.get(),
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
    opened.journal.never_trimmed()?;
    Ok(opened.journal)
}

/// Checks the whole journal beside everything else; damage stops the process.
async fn check(journal: Journal, context: Context) -> anyhow::Result<()> {
    tokio::select! {
        damage = journal.damaged(context.clock.micros_fn()) => Err(damage.into()),
        () = context.shutdown.cancelled() => Ok(()),
    }
}

/// Opens the transparency log, unless the archive keeps none.
async fn open_log(
    config: &Config,
    context: &Context,
    journal: &Journal,
    metrics: &Metrics,
) -> anyhow::Result<Option<Arc<Log>>> {
    if !config.transparency.enabled {
        return Ok(None);
    }
    let (dir, origin) = (config.data_dir.clone(), config.transparency.origin.clone());
    let journal = journal.clone();
    let open = move || Log::open(&dir, &origin, &journal);
    let log = context.tasks.spawn_blocking(open).await??;
    if let Some(signed) = log.signed() {
        metrics.signed_records(signed.checkpoint.size);
    }
    Ok(Some(Arc::new(log)))
}

async fn open_index(
    config: &Config,
    context: &Context,
    journal: &Journal,
    metrics: &Metrics,
) -> anyhow::Result<Arc<Index>> {
    let dir = config.data_dir.join("view");
    let options = OpenOptions {
        watchdog: config.view.open_timeout.get(),
        cache_bytes: config.view.cache.get(),
    };
    let (journal, metrics) = (journal.clone(), metrics.clone());
    let ready = context.ready.clone();
    let open = move || {
        let index = Index::open(&dir, options, &journal)?;
        let mut reported = 0;
        let replayed = index.catch_up(&journal, &mut |done, total| {
            if done == 0 || done == total || done - reported >= 500_000 {
                reported = done;
                tracing::info!(done, total, "the view catches up with the journal");
            }
            ready.set("view", Err("catching up with the journal".to_owned()));
        })?;
        metrics.replayed.inc_by(replayed);
        metrics.set_aside.inc_by(u64::from(index.was_set_aside()));
        Ok::<_, crate::Error>(Arc::new(index))
    };
    Ok(context.tasks.spawn_blocking(open).await??)
}

#[cfg(test)]
mod tests;
