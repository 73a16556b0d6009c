//! A limit for the memory of processes.

use std::path::PathBuf;

/// A control group with a limit, within that of this process; removed when it goes out of scope.
///
/// It needs root. With version 2 of control groups the group of this process must hand the limit
/// down (`memory` in its `cgroup.subtree_control`).
#[derive(Debug)]
pub(crate) struct Group {
    folder: PathBuf,
    /// The file that counts the processes that were killed.
    events: &'static str,
    /// The file with the most bytes that were in use.
    peak: &'static str,
}

impl Group {
    /// Makes one of so many MiB.
    pub(crate) fn new(mib: u64) -> Self {
        let own = std::fs::read_to_string("/proc/self/cgroup").unwrap();
        let of = |start: &str| {
            let mut lines = own.lines();
            lines.find_map(|line| Some(line.split_once(start)?.1.trim_start_matches('/')))
        };
        let root = PathBuf::from("/sys/fs/cgroup");
        let (parent, limit, events, peak) = match of(":memory:") {
            Some(path) => (
                root.join("memory").join(path),
                "memory.limit_in_bytes",
                "memory.oom_control",
                "memory.max_usage_in_bytes",
            ),
            None => (
                root.join(of("0::").unwrap()),
                "memory.max",
                "memory.events",
                "memory.peak",
            ),
        };
        let folder = parent.join(format!("stoa-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let group = Self {
            folder,
            events,
            peak,
        };
        std::fs::write(group.folder.join(limit), (mib << 20).to_string()).unwrap();
        group
    }

    /// Returns the lines of a shell script that bring its process into the group.
    pub(crate) fn enter(&self) -> String {
        let processes = self.folder.join("cgroup.procs");
        format!("echo $$ >{}\n", processes.display())
    }

    /// Returns the most MiB that its processes and the files that they use had, which the system
    /// keeps below the limit.
    pub(crate) fn most(&self) -> u64 {
        let text = std::fs::read_to_string(self.folder.join(self.peak)).unwrap();
        text.trim().parse::<u64>().unwrap() >> 20
    }

    /// Counts the processes that were killed because they had no memory.
    pub(crate) fn kills(&self) -> u64 {
        let text = std::fs::read_to_string(self.folder.join(self.events)).unwrap();
        let count = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
        count.unwrap().parse().unwrap()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Its processes have ended, which the system may take a moment to notice.
        stoa_tests::eventually("the group is empty", || {
            std::fs::remove_dir(&self.folder).is_ok()
        });
    }
}
