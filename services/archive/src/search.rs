//! Search: an index of words that follows the journal and the view, on a thread of its own.
//!
//! It is a view of its own, in the folder `search`: disposable, and built again from the journal.
//! Its thread reads what the engine has written and never speaks to it.
//!
//! **Invariant:** an index that fails stops searching, and nothing else: it is opened again after a
//! while, and the archive stays ready.
//! **Invariant:** what is found is read from the view and the journal before it is shown; the index
//! says only where to look.

pub(crate) mod feed;
pub(crate) mod metrics;
mod work;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use serde::Serialize;
use stoa_daemon::Context;
use stoa_search::{Key, Searcher};
use tokio::sync::oneshot;
use utoipa::ToSchema;

use self::metrics::Metrics;
use self::work::{Command, Worker};
use crate::config::SearchConfig;
use crate::read::Reader;

/// The index's folder in the archive's.
pub(crate) const FOLDER: &str = "search";

/// Why the index does not follow.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The view or the journal can't be read.
    #[error(transparent)]
    Archive(#[from] crate::view::Error),
    /// The index can't be used.
    #[error(transparent)]
    Index(#[from] stoa_search::Error),
    /// The index made the program stumble.
    #[error("the search index is not what it should be")]
    Panicked,
    /// There is no index to change now: try again later.
    #[error("the search index is not open")]
    Closed,
    /// What was to be forgotten may still be in its files: try again.
    #[error("the search index may still have what it was to forget: {reason}")]
    Kept {
        /// Why.
        reason: String,
    },
    /// The process is stopping.
    #[error("the archive is stopping")]
    Stopping,
}

/// What the index does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
#[schema(as = SearchState)]
pub(crate) enum State {
    /// It is being opened.
    Opening,
    /// It is built, or has much to follow.
    CatchingUp,
    /// It has what the view has, or is about to.
    Following,
    /// The disk is full down to its reserve.
    Paused {
        /// What the journal says.
        reason: String,
    },
    /// It can't be used; it is opened again soon.
    Failed {
        /// Why.
        reason: String,
    },
}

/// The search index, for those who search; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    shared: Arc<Shared>,
    commands: mpsc::Sender<Command>,
}

/// What the index's thread and its users share.
#[derive(Debug)]
pub(crate) struct Shared {
    metrics: Metrics,
    state: Mutex<State>,
    searcher: Mutex<Option<Searcher>>,
    /// The next record that is to be followed; all before it can be found.
    applied: AtomicU64,
    /// Whether a search stumbled, so that the files are to be checked.
    suspect: AtomicBool,
}

/// What `/admin/status` says of the index.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SearchStatus)]
pub(crate) struct Report {
    #[serde(flatten)]
    state: State,
    /// Comments and articles that can be found.
    documents: i64,
    /// Sequence number of the record that is followed next.
    applied: u64,
    /// Records of the journal that are not followed yet.
    lag: i64,
}

/// The index's thread, while it runs.
pub(crate) type Running = tokio::task::JoinHandle<()>;

impl Search {
    /// Starts the index's thread, which ends at shutdown.
    pub(crate) fn start(
        config: &SearchConfig,
        data_dir: &Path,
        reader: Reader,
        metrics: Metrics,
        context: &Context,
    ) -> (Self, Running) {
        let (commands, receiver) = mpsc::channel();
        let shared = Arc::new(Shared {
            metrics,
            state: Mutex::new(State::Opening),
            searcher: Mutex::new(None),
            applied: AtomicU64::new(0),
            suspect: AtomicBool::new(false),
        });
        let worker = Worker {
            dir: data_dir.join(FOLDER),
            memory: config.memory.get(),
            interval: config.commit_interval.get(),
            reader,
            shared: Arc::clone(&shared),
            commands: receiver,
            context: context.clone(),
        };
        let running = context.tasks.spawn_blocking(move || worker.run());
        let (shutdown, stop) = (context.shutdown.clone(), commands.clone());
        context.tasks.spawn(async move {
            shutdown.cancelled().await;
            // Whoever has ended before needs no word.
            stop.send(Command::Stop).ok();
        });
        (Self { shared, commands }, running)
    }

    /// Returns what searches; `None` while there is nothing to search in.
    pub(crate) fn searcher(&self) -> Option<Searcher> {
        lock(&self.shared.searcher).clone()
    }

    /// Returns the metrics.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// Returns what the index does.
    pub(crate) fn state(&self) -> State {
        lock(&self.shared.state).clone()
    }

    /// Returns the sequence of the record that is followed next; all before it can be found.
    pub(crate) fn applied(&self) -> u64 {
        self.shared.applied.load(Ordering::Acquire)
    }

    /// Returns what `/admin/status` says.
    pub(crate) fn report(&self) -> Report {
        Report {
            state: self.state(),
            documents: self.shared.metrics.documents.get(),
            applied: self.applied(),
            lag: self.shared.metrics.lag.get(),
        }
    }

    /// Has the files checked, after a search that stumbled.
    pub(crate) fn suspect(&self) {
        self.shared.suspect.store(true, Ordering::Release);
    }

    /// Forgets documents: returns when no file of the index holds a term that only they had.
    ///
    /// Erase the words from the journal before: what is there is indexed again.
    pub(crate) async fn forget(&self, keys: Vec<Key>) -> Result<(), Failure> {
        let (reply, answer) = oneshot::channel();
        let sent = self.commands.send(Command::Forget { keys, reply });
        sent.map_err(|_| Failure::Stopping)?;
        answer.await.map_err(|_| Failure::Stopping)?
    }
}

/// Locks what is only ever replaced as a whole.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
