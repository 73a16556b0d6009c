//! Following the folder of the rule set.
//!
//! The folder is looked at again and again instead of being subscribed to: a mounted folder in a
//! container and a Kubernetes `ConfigMap`, whose files are links that are swapped under it, tell
//! nobody of their changes. What is looked at is sizes, times and file numbers, of what links lead
//! to; a change is taken once nothing else changes for a while, and nothing while it is read.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use stoa_daemon::Context;

use crate::config::RulesConfig;
use crate::live::Rules;

/// Files and folders that are looked at; a rule set has at most 1 000 files.
const MAX_ENTRIES: usize = 4_000;
/// Folders in folders; deeper ones are left out, so that a link to a parent ends somewhere.
const MAX_DEPTH: usize = 8;

/// What tells one state of a folder from another, without reading its files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamp(Vec<(String, [u64; 7])>);

impl Stamp {
    /// Looks at a folder; what can't be read is left out, and seen once it can be. Blocks.
    pub(crate) fn of(root: &Path) -> Self {
        let mut entries = Vec::new();
        let mut waiting = vec![(root.to_owned(), String::new(), 0)];
        while let Some((path, name, depth)) = waiting.pop() {
            // `metadata` follows links, so that a swapped link is a changed file.
            let Ok(metadata) = std::fs::metadata(&path) else {
                continue;
            };
            if metadata.is_dir() && depth <= MAX_DEPTH {
                for entry in std::fs::read_dir(&path).into_iter().flatten().flatten() {
                    let own = entry.file_name().to_string_lossy().into_owned();
                    // Editors' drafts, and the folders between which a ConfigMap switches.
                    if !own.starts_with('.') && waiting.len() + entries.len() < MAX_ENTRIES {
                        waiting.push((entry.path(), format!("{name}/{own}"), depth + 1));
                    }
                }
            }
            if !metadata.is_dir() {
                entries.push((name, numbers(&metadata)));
            }
        }
        entries.sort_unstable();
        Self(entries)
    }
}

fn numbers(metadata: &std::fs::Metadata) -> [u64; 7] {
    [
        metadata.len(),
        metadata.dev(),
        metadata.ino(),
        metadata.mtime().cast_unsigned(),
        metadata.mtime_nsec().cast_unsigned(),
        // A copy that keeps its times still changes this one.
        metadata.ctime().cast_unsigned(),
        metadata.ctime_nsec().cast_unsigned(),
    ]
}

/// Tells when a change has come to rest.
#[derive(Debug)]
struct Settling {
    /// What was taken last.
    known: Stamp,
    /// What is new, and since when it has not changed.
    new: Option<(Stamp, Instant)>,
    settle: Duration,
}

impl Settling {
    /// Takes in what was seen, and returns whether it is new and has come to rest.
    fn see(&mut self, seen: &Stamp, now: Instant) -> bool {
        if *seen == self.known {
            self.new = None;
            return false;
        }
        match &self.new {
            Some((new, since)) if new == seen => now.duration_since(*since) >= self.settle,
            _ => {
                self.new = Some((seen.clone(), now));
                self.settle.is_zero()
            }
        }
    }

    /// Notes that it was taken, or refused: both only once.
    fn take(&mut self, seen: Stamp) {
        self.known = seen;
        self.new = None;
    }

    /// Returns how long to wait before looking again.
    fn pause(&self, poll: Duration) -> Duration {
        match self.new {
            Some(_) => poll.min(self.settle).max(Duration::from_millis(10)),
            None => poll,
        }
    }
}

/// Makes changes of the folder live, until shutdown.
pub(crate) async fn follow(
    rules: Arc<Rules>,
    config: RulesConfig,
    context: Context,
) -> anyhow::Result<()> {
    let poll = config.poll.get();
    let Some((dir, known)) = rules.folder().filter(|_| !poll.is_zero()) else {
        context.shutdown.cancelled().await;
        return Ok(());
    };
    let mut settling = Settling {
        known,
        new: None,
        settle: config.settle.get(),
    };
    loop {
        tokio::select! {
            () = tokio::time::sleep(settling.pause(poll)) => {}
            () = context.shutdown.cancelled() => return Ok(()),
        }
        let looked = dir.clone();
        let seen = context
            .tasks
            .spawn_blocking(move || Stamp::of(&looked))
            .await?;
        if !settling.see(&seen, Instant::now()) {
            continue;
        }
        let (following, expected) = (Arc::clone(&rules), seen.clone());
        let taken = context
            .tasks
            .spawn_blocking(move || following.folder_changed(&expected))
            .await?;
        if taken {
            settling.take(seen);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn every_kind_of_change_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("rules");
        let nothing = Stamp::of(&root);
        assert_eq!(nothing, Stamp::default());
        std::fs::create_dir_all(root.join("lists")).unwrap();
        std::fs::write(root.join("stoa.yaml"), "one").unwrap();
        let mut before = Stamp::of(&root);
        assert_ne!(before, nothing);
        assert_eq!(Stamp::of(&root), before);
        let mut check = |what: &str, change: &dyn Fn()| {
            change();
            let after = Stamp::of(&root);
            assert_ne!(after, before, "{what}");
            before = after;
        };
        let file = root.join("stoa.yaml");
        check("other content of the same length", &|| {
            let times = std::fs::metadata(&file).unwrap().modified().unwrap();
            std::fs::remove_file(&file).unwrap();
            std::fs::write(&file, "two").unwrap();
            let file = std::fs::File::options().write(true).open(&file).unwrap();
            file.set_modified(times).unwrap();
        });
        check("a new file", &|| {
            std::fs::write(root.join("lists/a.txt"), "a").unwrap();
        });
        check("a renamed file", &|| {
            std::fs::rename(root.join("lists/a.txt"), root.join("lists/b.txt")).unwrap();
        });
        check("a file that is gone", &|| {
            std::fs::remove_file(root.join("lists/b.txt")).unwrap();
        });
        std::fs::write(root.join(".stoa.yaml.swp"), "draft").unwrap();
        assert_eq!(Stamp::of(&root), before);
        // A link to a parent is no way to run for ever.
        symlink(&root, root.join("lists/round")).unwrap();
        Stamp::of(&root);
    }

    #[test]
    fn a_swapped_link_is_a_change() {
        let dir = tempfile::tempdir().unwrap();
        for version in ["..one", "..two"] {
            std::fs::create_dir(dir.path().join(version)).unwrap();
            std::fs::write(dir.path().join(version).join("stoa.yaml"), "same").unwrap();
        }
        symlink("..one", dir.path().join("..data")).unwrap();
        symlink("..data/stoa.yaml", dir.path().join("stoa.yaml")).unwrap();
        let before = Stamp::of(dir.path());
        symlink("..two", dir.path().join("..new")).unwrap();
        assert_eq!(Stamp::of(dir.path()), before);
        std::fs::rename(dir.path().join("..new"), dir.path().join("..data")).unwrap();
        assert_ne!(Stamp::of(dir.path()), before);
    }

    #[test]
    fn a_change_is_taken_once_it_has_come_to_rest() {
        let stamp = |n: u64| Stamp(vec![("/stoa.yaml".to_owned(), [n; 7])]);
        let mut settling = Settling {
            known: stamp(0),
            new: None,
            settle: Duration::from_millis(500),
        };
        let start = Instant::now();
        let see = |settling: &mut Settling, n, millis| {
            settling.see(&stamp(n), start + Duration::from_millis(millis))
        };
        assert!(!see(&mut settling, 0, 0));
        assert!(!see(&mut settling, 1, 1_000));
        assert!(!see(&mut settling, 1, 1_499));
        assert!(!see(&mut settling, 2, 1_500), "it changed again");
        assert!(!see(&mut settling, 2, 1_999));
        assert!(see(&mut settling, 2, 2_000));
        assert!(see(&mut settling, 2, 2_100), "it was not taken yet");
        settling.take(stamp(2));
        assert!(!see(&mut settling, 2, 9_000));
        // Back to what is known before it came to rest.
        assert!(!see(&mut settling, 3, 10_000));
        assert!(!see(&mut settling, 2, 10_100));
        assert!(!see(&mut settling, 3, 10_600));
    }
}
