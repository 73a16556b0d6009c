//! The transport inside one process: an exchange is a journal, a reader a durable cursor.
//!
//! ```text
//! DIR/stoa.content/              a journal; a record is one event or a batch of them
//! DIR/cursors/archive.stoa.content   how far a reader is in an exchange
//! ```
//!
//! A publish is confirmed when its records are durable. What every reader has passed is dropped,
//! segment by segment; what is to be erased is overwritten before ([`erase`]). An exchange without readers keeps nothing: a publish to it is confirmed at
//! once.

mod erase;
mod keeper;
mod source;
mod writer;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use stoa_journal::{Journal, Options};
use stoa_proto::{Exchange, Reader};

use crate::consume::{self, Setting};
use crate::handler::Handler;
use crate::health::Health;
use crate::life::Life;
use crate::metrics::Metrics;
use crate::pack::PackLimits;
use crate::parking::Parking;
use crate::publisher::Publisher;
use crate::{BatchLimits, CursorFile, EmbeddedConfig, Env, Error};

/// Room above the largest batch that a record may hold: a platform's largest message.
const MAX_RECORD_BYTES: u32 = 64 * 1024 * 1024;

/// How far a reader is in an exchange.
#[derive(Debug)]
struct Place {
    file: CursorFile,
    /// The first sequence that is not settled; saved now and then.
    settled: AtomicU64,
}

impl Place {
    /// Saves the position. This blocks on the disk.
    fn save(&self) -> Result<(), Error> {
        self.file.save(self.settled.load(Ordering::Acquire))
    }
}

/// The embedded bus.
pub struct Embedded {
    env: Env,
    life: Life,
    metrics: Metrics,
    health: Arc<Health>,
    publisher: Publisher,
    journals: BTreeMap<Exchange, Journal>,
    places: BTreeMap<(Reader, Exchange), Arc<Place>>,
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Embedded")
            .field("places", &self.places)
            .finish_non_exhaustive()
    }
}

impl Embedded {
    /// Opens journals and cursors and starts the tasks.
    pub(crate) fn open(dir: &Path, config: &EmbeddedConfig, env: Env) -> Result<Self, Error> {
        let options = Options {
            segment_bytes: config.segment_bytes,
            max_record_bytes: MAX_RECORD_BYTES,
            reserve_bytes: config.reserve_bytes,
        };
        let open = |name: &str| -> Result<Journal, Error> {
            let path = dir.join(name);
            std::fs::create_dir_all(&path).map_err(|source| Error::File {
                action: "make the folder",
                path: path.clone(),
                source,
            })?;
            let opened = Journal::open(&path, options.clone(), Arc::clone(&env.clock))?;
            if let Some(torn) = &opened.report.torn {
                tracing::warn!(
                    segment = %torn.segment.display(),
                    bytes = torn.bytes,
                    "an unfinished record at the journal's end was cut: it was never confirmed"
                );
            }
            Ok(opened.journal)
        };
        let mut journals = BTreeMap::new();
        let mut places = BTreeMap::new();
        for reader in Reader::ALL {
            for exchange in reader.exchanges() {
                if !journals.contains_key(exchange) {
                    journals.insert(*exchange, open(exchange.name())?);
                }
                let name = format!("{}.{}", reader.name(), exchange.name());
                let file = CursorFile::open(&dir.join("cursors").join(name))?;
                let settled = AtomicU64::new(file.position());
                places.insert((reader, *exchange), Arc::new(Place { file, settled }));
            }
        }
        let metrics = Metrics::new(&env)?;
        let health = Arc::new(Health::default());
        let (publisher, submissions) = Publisher::new(metrics.clone());
        let limits = PackLimits {
            events: config.batch_events.max(1),
            bytes: config.batch_bytes.max(1),
            across_groups: true,
        };
        let writer = writer::Writer {
            journals: journals.clone(),
            limits,
            health: Arc::clone(&health),
            metrics: metrics.clone(),
            shutdown: env.shutdown.clone(),
        };
        let life = Life::new(env.shutdown.clone());
        env.tasks.spawn(writer.run(submissions, life.clone()));
        let keeper = keeper::Keeper {
            journals: journals.clone(),
            places: places.clone(),
            tasks: env.tasks.clone(),
            shutdown: env.shutdown.clone(),
        };
        env.tasks.spawn(keeper.run());
        Ok(Self {
            env,
            life,
            metrics,
            health,
            publisher,
            journals,
            places,
        })
    }

    pub(crate) fn health(&self) -> &Health {
        &self.health
    }

    pub(crate) fn publisher(&self) -> &Publisher {
        &self.publisher
    }

    /// Runs the consumer loop of a reader.
    pub(crate) async fn run(
        &self,
        reader: Reader,
        handler: impl Handler,
        limits: BatchLimits,
        parking: Parking,
    ) -> Result<(), Error> {
        let _running = self.life.consumer();
        let mut feeds = Vec::new();
        for exchange in reader.exchanges() {
            let (Some(journal), Some(place)) = (
                self.journals.get(exchange),
                self.places.get(&(reader, *exchange)),
            ) else {
                continue;
            };
            feeds.push(source::Feed::new(*exchange, journal, Arc::clone(place)));
        }
        let env = self.env.clone();
        let source = source::EmbeddedSource::new(reader, feeds, env, self.metrics.clone());
        let setting = Setting {
            reader,
            publisher: self.publisher.clone(),
            metrics: self.metrics.clone(),
            health: Arc::clone(&self.health),
            limits,
            parking,
            shutdown: self.env.shutdown.clone(),
        };
        consume::run(source, handler, setting).await
    }
}
