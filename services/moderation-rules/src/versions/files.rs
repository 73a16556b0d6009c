//! The files of versions, each in a folder that is named after its hash.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use stoa_rules::RuleSet;

/// What the names of unfinished folders begin with.
const UNFINISHED: &str = ".tmp-";

/// Returns the folder of a version; none for what is no hash, so that no other folder can be named.
pub(super) fn folder(dir: &Path, hash: &str) -> Option<PathBuf> {
    let digits = hash.strip_prefix("sha256:")?;
    is_name(digits).then(|| dir.join(digits))
}

fn is_name(digits: &str) -> bool {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    digits.len() == 64 && digits.bytes().all(hex)
}

/// Makes created, renamed and removed names of a folder durable.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Removes what was not finished before a crash.
pub(super) fn remove_unfinished(dir: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Writes a version's files, whole or not at all; what is there already and not as it was written
/// is replaced.
pub(super) fn write(dir: &Path, set: &RuleSet) -> anyhow::Result<()> {
    let target = folder(dir, set.hash())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not a hash"))?;
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let unfinished = dir.join(format!("{UNFINISHED}{name}"));
    if unfinished.exists() {
        std::fs::remove_dir_all(&unfinished)?;
    }
    if target.is_dir() {
        let files = set.sources();
        let files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()));
        if read(&target).is_ok_and(|there| there == files.collect()) {
            return Ok(());
        }
        std::fs::rename(&target, &unfinished)?;
        std::fs::remove_dir_all(&unfinished)?;
    }
    let mut folders = BTreeSet::from([unfinished.clone()]);
    for (path, text) in set.sources() {
        let path = unfinished.join(path);
        let mut parent = path.parent();
        while let Some(folder) = parent.filter(|folder| folder.starts_with(&unfinished)) {
            folders.insert(folder.to_owned());
            parent = folder.parent();
        }
        std::fs::create_dir_all(path.parent().unwrap_or(&unfinished))?;
        let mut file = File::create_new(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
    }
    folders.iter().try_for_each(|folder| sync_dir(folder))?;
    std::fs::rename(&unfinished, &target)?;
    Ok(sync_dir(dir)?)
}

/// Reads all files of a folder, by their paths in it.
pub(super) fn read(root: &Path) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![(root.to_owned(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                folders.push((entry.path(), format!("{path}/")));
            } else {
                files.insert(path, std::fs::read(entry.path())?);
            }
        }
    }
    Ok(files)
}

/// Removes every version but those with these hashes.
pub(super) fn retain(dir: &Path, kept: &HashSet<&str>) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !is_name(&name) || kept.contains(format!("sha256:{name}").as_str()) {
            continue;
        }
        // Under another name first, so that a crash leaves no version with half of its files.
        let going = dir.join(format!("{UNFINISHED}{name}"));
        std::fs::rename(entry.path(), &going)?;
        std::fs::remove_dir_all(going)?;
    }
    Ok(())
}
