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
use std::sync::Mutex;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
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

/// A ledger with a thread of its own, so that its disk never slows the load.
pub(super) struct Ledger(Mutex<Option<Open>>);

struct Open {
    lines: Sender<String>,
    writer: JoinHandle<std::io::Result<()>>,
}

impl Ledger {
    /// Makes the file anew.
    pub(super) fn create(path: &Path, shape: &Shape) -> anyhow::Result<Self> {
        let file = File::create(path)
            .with_context(|| format!("the ledger {} can't be made", path.display()))?;
        let (lines, received) = channel::<String>();
        let writer = std::thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || {
                let mut out = BufWriter::new(file);
                loop {
                    match received.recv_timeout(SYNC) {
                        Ok(line) => {
                            out.write_all(line.as_bytes())?;
                            for line in received.try_iter().take(100_000) {
                                out.write_all(line.as_bytes())?;
                            }
                            out.flush()?;
                            out.get_ref().sync_data()?;
                            std::thread::sleep(SYNC);
                        }
                        Err(RecvTimeoutError::Timeout) => {}
                        Err(RecvTimeoutError::Disconnected) => {
                            out.flush()?;
                            return out.get_ref().sync_data();
                        }
                    }
                }
            })?;
        let ledger = Self(Mutex::new(Some(Open { lines, writer })));
        ledger.write(&Header {
            stress_ledger: VERSION,
            shape: shape.clone(),
        });
        Ok(ledger)
    }

    /// Writes a line.
    pub(super) fn write(&self, line: &impl Serialize) {
        // Plain data is always JSON.
        let Ok(mut text) = serde_json::to_string(line) else {
            return;
        };
        text.push('\n');
        let open = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(open) = &*open {
            // A writer that has ended tells why when the ledger is closed.
            open.lines.send(text).ok();
        }
    }

    /// Writes out everything and tells whether all of it could be written.
    pub(super) fn close(&self) -> anyhow::Result<()> {
        let open = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        let Some(Open { lines, writer }) = open else {
            return Ok(());
        };
        drop(lines);
        match writer.join() {
            Ok(written) => written.context("the ledger can't be written"),
            Err(_) => anyhow::bail!("the ledger's writer stopped"),
        }
    }
}
