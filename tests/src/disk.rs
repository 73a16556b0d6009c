//! A small disk of a test's own, which can be filled.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system in memory, mounted on a folder of its own until it goes out of scope.
///
/// Mounting needs root, or `sudo` without a password.
#[derive(Debug)]
pub struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    /// Makes one of so many MiB.
    pub fn new(mib: u32) -> Self {
        let disk = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let (size, path) = (format!("size={mib}m,mode=777"), disk.path().to_owned());
        as_root(&["mount", "-t", "tmpfs", "-o", &size, "tmpfs"], &path);
        disk
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file of so many bytes, or as many as there is room for; it is there until it is removed.
    pub fn fill(&self, name: &str, bytes: u64) -> PathBuf {
        let path = self.path().join(name);
        let mut file = std::fs::File::create(&path).unwrap();
        let piece = vec![1; 64 * 1024];
        let mut left = bytes;
        while left > 0 {
            let length = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
            match file.write(&piece[..length]) {
                Ok(written) => left -= written as u64,
                Err(error) => {
                    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
                    break;
                }
            }
        }
        path
    }

    /// The bytes that are free.
    pub fn free(&self) -> u64 {
        let output = Command::new("df")
            .args(["--output=avail", "-B1"])
            .arg(self.path())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().nth(1).unwrap().trim().parse().unwrap()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        as_root(&["umount", "--lazy"], self.folder.path());
    }
}

fn as_root(command: &[&str], path: &Path) {
    let run = |words: &[&str]| {
        let status = Command::new(words[0]).args(&words[1..]).arg(path).output();
        status.is_ok_and(|output| output.status.success())
    };
    assert!(
        run(command) || run(&[&["sudo", "-n"], command].concat()),
        "`{}` needs root, or sudo without a password: run ./scripts/test as root",
        command.join(" ")
    );
}
