//! A role's data folder, which one process holds.
//!
//! Another instance of the role on the same folder may stand by: it waits for the folder, and goes on where the first
//! one ended. A process that stands still keeps the folder, so nothing is written behind its back; the system takes
//! the folder from a process that is gone, however it ended.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::Context;
use crate::lifecycle::Stopped;

/// The file in the folder whose lock is the folder's.
const LOCK_FILE: &str = "instance.lock";
/// How often somebody who waits looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// What a process that stands by is not ready for.
const COMPONENT: &str = "folder";

/// Takes a role's data folder, until everything that has the context has ended: until then something may be written.
///
/// # Errors
/// If another process has it and this one is not to stand by; [`Stopped`] if it stood by until shutdown.
pub async fn hold(dir: &Path, standby: bool, context: &Context) -> anyhow::Result<()> {
    let waits = "another instance has the data folder";
    loop {
        if let Some(file) = try_lock(dir)
            .with_context(|| format!("the data folder {} can't be locked", dir.display()))?
        {
            context.hold(file);
            if standby {
                context.ready.set(COMPONENT, Ok(()));
            }
            return Ok(());
        }
        if !standby {
            bail!(
                "the data folder {} is in use by another process; stop that one first, or set `standby` to wait for it",
                dir.display()
            );
        }
        context.ready.set(COMPONENT, Err(waits.to_owned()));
        tokio::select! {
            () = tokio::time::sleep(LOOK_AGAIN) => {}
            () = context.shutdown.cancelled() => return Err(Stopped.into()),
        }
    }
}

/// Tells whether a process has the folder.
///
/// # Errors
/// If that can't be found out.
pub fn is_held(dir: &Path) -> io::Result<bool> {
    if !dir.join(LOCK_FILE).exists() {
        return Ok(false);
    }
    Ok(try_lock(dir)?.is_none())
}

/// Locks the folder; none if another process has it.
fn try_lock(dir: &Path) -> io::Result<Option<File>> {
    std::fs::create_dir_all(dir)?;
    let mut options = OpenOptions::new();
    let file = options
        .write(true)
        .create(true)
        .truncate(false)
        .open(dir.join(LOCK_FILE))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Clock;

    #[tokio::test]
    async fn who_stands_by_takes_over_once_the_folder_is_free() {
        let dir = tempfile::tempdir().unwrap();
        let other = try_lock(dir.path()).unwrap().unwrap();
        let context = Context::new("test", Clock::system());
        let refused = hold(dir.path(), false, &context)
            .await
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains("in use by another process; stop that one first"),
            "{refused}"
        );
        let waiting = hold(dir.path(), true, &context);
        let mut waiting = std::pin::pin!(waiting);
        let waited = tokio::time::timeout(LOOK_AGAIN * 2, waiting.as_mut()).await;
        assert!(waited.is_err());
        assert!(!context.ready.is_ready());
        drop(other);
        waiting.await.unwrap();
        assert!(context.ready.is_ready());
        assert!(try_lock(dir.path()).unwrap().is_none());
    }

    #[tokio::test]
    async fn who_stands_by_can_be_stopped() {
        let dir = tempfile::tempdir().unwrap();
        let _other = try_lock(dir.path()).unwrap().unwrap();
        let context = Context::new("test", Clock::system());
        context.shutdown.cancel();
        let stopped = hold(dir.path(), true, &context).await.unwrap_err();
        assert!(stopped.is::<Stopped>());
    }
}
