//! What is deployed: the repository's own files, and what is made of them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// Runs the deployment's script that makes secrets and definitions.
pub fn init(scripts: &Path, out: &Path) {
    let made = Command::new("bash")
        .arg(scripts.join("init"))
        .arg(out)
        .arg("127.0.0.1")
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
}
