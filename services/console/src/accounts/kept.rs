//! Sessions over a restart: from an orderly end to the next start they lie in a file, as digests of their secrets.
//!
//! The file is gone as soon as it is read, so that none comes back that was ended since. It names the record of the
//! journal that came next when it was written: what was done after that still counts.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Accounts;
use super::secret::{Digest, keep};
use super::session::Session;
use super::state::State;

/// The file's name in the data folder.
const FILE: &str = "sessions";

/// What the file has.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Kept {
    next: u64,
    sessions: Vec<(Digest, Session)>,
}

pub(super) fn path(data_dir: &Path) -> PathBuf {
    data_dir.join(FILE)
}

/// Takes the sessions that were kept; without any, everyone signs in again.
pub(super) fn take(path: &Path) -> Option<Kept> {
    let read = std::fs::read(path).and_then(|file| {
        std::fs::remove_file(path)?;
        Ok(serde_json::from_slice(&file)?)
    });
    match read {
        Ok(kept) => Some(kept),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => {
            let path = path.display();
            tracing::warn!(%error, %path, "the sessions of before are not taken up: everyone signs in again");
            None
        }
    }
}

impl Kept {
    /// Takes sessions up where the journal is as it was when they were kept.
    pub(super) fn restore(kept: &mut Option<Self>, seq: u64, state: &mut State) {
        if let Some(kept) = kept.take_if(|kept| kept.next == seq) {
            state.sessions = kept.sessions.into_iter().collect();
        }
    }
}

impl Accounts {
    /// Keeps who is signed in for the next start.
    pub(crate) async fn keep_sessions(&self) {
        let _writing = self.0.writing.lock().await;
        let kept = Kept {
            next: self.0.journal.next(),
            sessions: self.state().sessions.all(),
        };
        let path = self.0.sessions.clone();
        let write = move || keep(&path, &serde_json::to_vec(&kept)?);
        let written = self.0.tasks.spawn_blocking(write).await;
        if let Err(error) = written.map_err(anyhow::Error::from).flatten() {
            tracing::warn!(
                error = format!("{error:#}"),
                "sessions are not kept: everyone signs in again"
            );
        }
    }
}
