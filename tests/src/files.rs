//! What files hold.

use std::path::{Path, PathBuf};

/// Lists all files below a folder.
pub fn below(folder: &Path) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        // What went meanwhile has nothing.
        let Ok(entries) = std::fs::read_dir(folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files
}

/// Lists words and the files below a folder that have them, as they are or as JSON may write them.
pub fn with_words(folder: &Path, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for path in below(folder) {
        let bytes = std::fs::read(&path).unwrap_or_default();
        let has = |word: &str| memchr::memmem::find(&bytes, word.as_bytes()).is_some();
        for word in words {
            if has(word) || has(&escaped(word)) {
                found.push(format!("{word} in {}", path.display()));
            }
        }
    }
    found
}

/// Writes what is not ASCII as JSON may.
fn escaped(word: &str) -> String {
    let escape = |c: char| match c {
        c if c.is_ascii() => c.to_string(),
        c => format!("\\u{:04x}", u32::from(c)),
    };
    word.chars().map(escape).collect()
}
