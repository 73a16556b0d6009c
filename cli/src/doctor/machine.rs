//! The machine: data folder, disk, keys.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use stoa_daemon::folder;
use stoa_rules::RuleSet;

use super::Findings;
use crate::roles::{Configured, Role};

/// The bits of a mode that let everybody read.
const OTHERS_READ: u32 = 0o004;
/// The bits of a mode that let others than the owner read.
const NOT_OWNER: u32 = 0o077;

/// Looks at the data folder and what is in it.
pub(super) fn examine(configured: &Configured, findings: &mut Findings) {
    let dir = configured.data_dir();
    let shown = dir.display();
    if let Err(error) = std::fs::create_dir_all(dir) {
        findings.failed(
            "data folder",
            format!("{shown} can't be made: {error}; make it, and give it to the account of Stoa"),
        );
        return;
    }
    match folder::is_held(dir) {
        Ok(true) => findings.ok("data folder", format!("{shown}, in use by the role, which runs")),
        Ok(false) => match writable(dir) {
            Ok(()) => findings.ok("data folder", format!("{shown}, free: the role does not run here")),
            Err(error) => findings.failed(
                "data folder",
                format!("{shown} can't be written to: {error}; give it to the account of Stoa"),
            ),
        },
        Err(error) => findings.failed(
            "data folder",
            format!("{shown} can't be locked: {error}; give it to the account of Stoa, on a file system with flock"),
        ),
    }
    if let Ok(metadata) = dir.metadata()
        && metadata.permissions().mode() & OTHERS_READ != 0
    {
        findings.look(
            "data folder",
            format!("everybody on this machine can read {shown}: chmod o-rwx it"),
        );
    }
    disk(configured, findings);
    if configured.role() == Role::Archive {
        key(&dir.join("tlog").join("key"), findings);
    }
    if let Configured::ModerationRules(config) = configured
        && let Some(rules) = &config.rules_dir
    {
        match RuleSet::load(rules) {
            Ok(set) => findings.ok(
                "rule set",
                format!("{}, {} rules", rules.display(), set.rules().len()),
            ),
            Err(errors) => findings.failed(
                "rule set",
                format!(
                    "{} has {} errors; stoa rules check tells them",
                    rules.display(),
                    errors.0.len()
                ),
            ),
        }
    }
}

/// Whether a file can be made in a folder.
fn writable(dir: &Path) -> std::io::Result<()> {
    tempfile::Builder::new()
        .prefix(".doctor-")
        .tempfile_in(dir)
        .map(drop)
}

fn disk(configured: &Configured, findings: &mut Findings) {
    let Ok(stat) = rustix::fs::statvfs(configured.data_dir()) else {
        return;
    };
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let reserve = configured.reserve();
    let finding = format!(
        "{} MiB are free, {} MiB of them are left untouched",
        free >> 20,
        reserve >> 20
    );
    if free <= reserve {
        findings.failed(
            "disk",
            format!(
                "{finding}: the role would write nothing; free disk space, or lower its reserve"
            ),
        );
    } else if free < reserve.saturating_mul(4) {
        findings.look("disk", format!("{finding}: there is room for little more"));
    } else {
        findings.ok("disk", finding);
    }
}

/// The key with which checkpoints are signed.
fn key(path: &Path, findings: &mut Findings) {
    let shown = path.display();
    match path.metadata() {
        Ok(metadata) if metadata.permissions().mode() & NOT_OWNER != 0 => findings.failed(
            "signing key",
            format!("others than its owner (uid {}) can read {shown}: chmod 600 it, and think about who has read it", metadata.uid()),
        ),
        Ok(_) => findings.ok(
            "signing key",
            format!("{shown}; it belongs into a backup of its own: docs/backup.md"),
        ),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            findings.ok("signing key", "is made when the archive starts for the first time");
        }
        Err(error) => findings.failed("signing key", format!("{shown} can't be looked at: {error}")),
    }
}
