//! When the archive was last backed up: a note that `stoa backup` leaves in the data folder.

use std::io;
use std::path::Path;

use jiff::Timestamp;

/// The note's name.
const FILE: &str = "last-backup";

/// Notes that a backup of an archive's folder came to its end at a time.
///
/// # Errors
/// If the folder can't be written, as when it is mounted read-only for the backup.
pub fn note(data_dir: &Path, at: Timestamp) -> io::Result<()> {
    let new = data_dir.join("last-backup.new");
    std::fs::write(&new, format!("{at}\n"))?;
    std::fs::rename(new, data_dir.join(FILE))
}

/// Returns when a backup last came to its end, in seconds since 1970; none if there is no note, or
/// none that can be read.
pub(crate) fn last(data_dir: &Path) -> Option<i64> {
    let text = std::fs::read_to_string(data_dir.join(FILE)).ok()?;
    text.trim().parse().ok().map(Timestamp::as_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(last(dir.path()), None);
        for at in [1_700_000_000, 1_800_000_000] {
            note(dir.path(), Timestamp::from_second(at).unwrap()).unwrap();
            assert_eq!(last(dir.path()), Some(at));
        }
        std::fs::write(dir.path().join(FILE), "yesterday").unwrap();
        assert_eq!(last(dir.path()), None);
        assert!(note(&dir.path().join("nowhere"), Timestamp::UNIX_EPOCH).is_err());
    }
}
