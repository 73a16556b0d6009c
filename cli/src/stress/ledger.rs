//! The ledger: a durable file of what was attempted and what was acknowledged.
//!
//! A line is `a ID` before the first sending of an event, and `k ID` after its acknowledgement.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;

/// How often what was written is made durable.
const SYNC: Duration = Duration::from_millis(100);

/// A ledger with a thread of its own, so that its disk never slows the load.
pub(super) struct Ledger(Mutex<Option<Open>>);

struct Open {
    lines: Sender<String>,
    writer: JoinHandle<std::io::Result<()>>,
}

impl Ledger {
    /// Makes the file anew.
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
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
        Ok(Self(Mutex::new(Some(Open { lines, writer }))))
    }

    /// Notes that an event is about to be sent.
    pub(super) fn attempted(&self, id: &str) {
        self.write('a', id);
    }

    /// Notes that an event was acknowledged.
    pub(super) fn acknowledged(&self, id: &str) {
        self.write('k', id);
    }

    fn write(&self, what: char, id: &str) {
        let open = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(open) = &*open {
            // A writer that has ended tells why when the ledger is closed.
            open.lines.send(format!("{what} {id}\n")).ok();
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
