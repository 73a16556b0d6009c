//! A disk on which syncs fail or are slow, for processes that are launched with it.

use std::path::PathBuf;
use std::process::Command;

use crate::Stack;

/// A library for `LD_PRELOAD` that stands before `fsync` and `fdatasync`, and the file that tells it
/// what to do. It is built with the C compiler that Rust links with.
#[derive(Debug)]
pub struct Fsync {
    folder: tempfile::TempDir,
}

impl Fsync {
    /// Builds the library.
    pub fn new() -> Self {
        let fsync = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src/fsync.c");
        let output = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .arg(fsync.library())
            .args([source, "-ldl"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        fsync
    }

    fn library(&self) -> PathBuf {
        self.folder.path().join("fsync.so")
    }

    fn order(&self) -> PathBuf {
        self.folder.path().join("order")
    }

    /// Puts it before the syncs of files with this in their path, in what is launched from now on.
    pub fn preload(&self, stack: &mut Stack, path: &str) {
        stack.set("LD_PRELOAD", self.library().to_str().unwrap());
        stack.set("STOA_FSYNC_ORDER", self.order().to_str().unwrap());
        stack.set("STOA_FSYNC_PATH", path);
    }

    /// Lets syncs fail.
    pub fn fail(&self) {
        std::fs::write(self.order(), "eio").unwrap();
    }

    /// Lets each sync take so many milliseconds longer.
    pub fn delay(&self, millis: u32) {
        std::fs::write(self.order(), millis.to_string()).unwrap();
    }

    /// Lets syncs be as they are.
    pub fn heal(&self) {
        std::fs::remove_file(self.order()).unwrap();
    }
}

impl Default for Fsync {
    fn default() -> Self {
        Self::new()
    }
}
