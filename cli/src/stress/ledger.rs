//! The ledger: a durable file of what was attempted and how it was answered.
//!
//! JSON, one object a line. The first line says what the run sends; then there is a line before
//! the first sending of an event, and one after its answer. So the lines have an order: what is
//! answered in an earlier line was answered before what is attempted in a later one was sent.

mod read;

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

pub(super) use self::read::{header, replay};
use super::corpus::{Corpus, Shape};
use super::plan::Kind;
use super::run::{How, expected_code};

/// How often what was written is made durable.
const SYNC: Duration = Duration::from_millis(100);

/// Lines of answers that wait for the next sending, or the next [`SYNC`], at most.
const BUFFER_BYTES: usize = 64 * 1024;

/// The version of the lines.
const VERSION: u32 = 1;

/// The first line.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Header {
    /// [`VERSION`].
    stress_ledger: u32,
    #[serde(flatten)]
    shape: Shape,
}

/// Any other line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Line<'a> {
    /// An event is about to be sent.
    Attempted {
        /// Its number.
        attempted: u32,
        /// Its id.
        id: Cow<'a, str>,
        /// What it is.
        kind: Cow<'a, str>,
        thread: Cow<'a, str>,
        /// Its position in its thread, from 0.
        position: u32,
        /// The batch that it is in.
        batch: u32,
        /// `archived`, or the code by which it must be refused.
        expect: Cow<'a, str>,
    },
    /// An event was answered.
    Answered {
        /// Its number.
        answered: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        taken: Option<How>,
        /// The code by which it was refused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refused: Option<Cow<'a, str>>,
    },
}

impl<'a> Line<'a> {
    /// Makes the line before the first sending of an event.
    pub(super) fn attempted(n: u32, batch: u32, kind: Kind, corpus: &Corpus) -> Self {
        let expect = expected_code(kind).map_or("archived", stoa_proto::Code::as_str);
        Self::Attempted {
            attempted: n,
            id: corpus.event_id(n).into(),
            kind: kind.name().into(),
            thread: corpus.thread_id(corpus.thread_of(n)).into(),
            position: corpus.position_of(n),
            batch,
            expect: expect.into(),
        }
    }

    /// Makes the line of an event that was taken.
    pub(super) fn taken(n: u32, how: How) -> Self {
        Self::Answered {
            answered: n,
            taken: Some(how),
            refused: None,
        }
    }

    /// Makes the line of an event that was refused.
    pub(super) fn refused(n: u32, code: &'a str) -> Self {
        Self::Answered {
            answered: n,
            taken: None,
            refused: Some(code.into()),
        }
    }
}

/// A ledger. What was attempted is with the system before it is sent, so that a kill of the tool
/// loses none of it; a thread of its own makes it durable, so that the disk never slows the load.
pub(super) struct Ledger {
    out: Arc<Out>,
    /// Ended when the ledger is closed.
    syncing: Mutex<Option<Syncing>>,
}

/// The file, or why no more is written.
struct Out(Mutex<std::io::Result<BufWriter<File>>>);

impl Out {
    /// Nothing is written behind the first failure, which is told when the ledger is closed.
    fn with(&self, write: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>) {
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(file) = &mut *out
            && let Err(error) = write(file)
        {
            *out = Err(error);
        }
    }
}

struct Syncing {
    stop: Sender<()>,
    thread: JoinHandle<std::io::Result<()>>,
}

impl Ledger {
    /// Makes the file anew.
    pub(super) fn create(path: &Path, shape: &Shape) -> anyhow::Result<Self> {
        let file = File::create(path)
            .with_context(|| format!("the ledger {} can't be made", path.display()))?;
        let durable = file.try_clone()?;
        let file = BufWriter::with_capacity(BUFFER_BYTES, file);
        let out = Arc::new(Out(Mutex::new(Ok(file))));
        let (written, (stop, stopped)) = (Arc::clone(&out), channel::<()>());
        let thread = std::thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || {
                while stopped.recv_timeout(SYNC) == Err(RecvTimeoutError::Timeout) {
                    written.with(BufWriter::flush);
                    durable.sync_data()?;
                }
                Ok(())
            })?;
        let ledger = Self {
            out,
            syncing: Mutex::new(Some(Syncing { stop, thread })),
        };
        ledger.write(&Header {
            stress_ledger: VERSION,
            shape: shape.clone(),
        });
        ledger.flush();
        Ok(ledger)
    }

    /// Writes a line; it may stay in memory until the next [`Ledger::flush`].
    pub(super) fn write(&self, line: &impl Serialize) {
        // Plain data is always JSON.
        let Ok(mut text) = serde_json::to_string(line) else {
            return;
        };
        text.push('\n');
        self.out.with(|file| file.write_all(text.as_bytes()));
    }

    /// Gives the system all lines.
    pub(super) fn flush(&self) {
        self.out.with(BufWriter::flush);
    }

    /// Makes everything durable and tells whether all of it could be written.
    pub(super) fn close(&self) -> anyhow::Result<()> {
        let syncing = self
            .syncing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(Syncing { stop, thread }) = syncing else {
            return Ok(());
        };
        drop(stop);
        let synced = thread
            .join()
            .unwrap_or_else(|_| Err(std::io::Error::other("its thread stopped")));
        self.out.with(|file| {
            file.flush()?;
            file.get_ref().sync_data()
        });
        let closed = Err(std::io::Error::other("it is closed"));
        let mut out = self.out.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *out, closed)
            .and(synced)
            .context("the ledger can't be written")
    }
}
