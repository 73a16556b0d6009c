//! The files of a rule set: reading them, their canonical text, and the hash over it.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Component, Path};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::diagnostic::{Diagnostic, Errors};

/// Bytes of one file: a list of 100 000 terms is about 1 MiB.
const FILE_BYTES: u64 = 16 * 1024 * 1024;

/// Files of one rule set.
pub(crate) const FILES: usize = 1_000;

/// Where files come from.
pub(crate) trait Files {
    /// Reads a file by its path relative to the rule set's folder; the error is one phrase.
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;

    /// Names the files that could have been meant, if that is known.
    fn names(&self) -> Vec<String>;
}

/// A folder on disk.
pub(crate) struct Folder<'a>(pub(crate) &'a Path);

impl Files for Folder<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let file = std::fs::File::open(self.0.join(path)).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
            _ => error.to_string(),
        })?;
        let mut bytes = Vec::new();
        file.take(FILE_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| error.to_string())?;
        within_limit(bytes)
    }

    fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for folder in ["", "lists"] {
            let entries = std::fs::read_dir(self.0.join(folder))
                .into_iter()
                .flatten()
                .flatten();
            for entry in entries.take(FILES) {
                let name = entry.file_name().to_string_lossy().into_owned();
                names.push(if folder.is_empty() {
                    name
                } else {
                    format!("{folder}/{name}")
                });
            }
        }
        names
    }
}

impl Files for BTreeMap<String, Vec<u8>> {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let bytes = self
            .get(path)
            .ok_or_else(|| "there is no such file".to_owned())?;
        within_limit(bytes.clone())
    }

    fn names(&self) -> Vec<String> {
        self.keys().cloned().collect()
    }
}

fn within_limit(bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    if bytes.len() as u64 > FILE_BYTES {
        return Err(format!(
            "the file is larger than {} MiB",
            FILE_BYTES / (1024 * 1024)
        ));
    }
    Ok(bytes)
}

/// One file's canonical text: UTF-8, no byte order mark, lines ended by a line feed alone.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    /// Makes the canonical text of a file's bytes.
    pub(crate) fn new(path: &str, bytes: Vec<u8>) -> Result<Self, Diagnostic> {
        let text = String::from_utf8(bytes).map_err(|error| not_utf8(path, error.as_bytes()))?;
        let text = match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        };
        let text = if text.contains('\r') {
            text.replace("\r\n", "\n")
        } else {
            text
        };
        Ok(Self {
            path: path.to_owned(),
            text,
        })
    }

    /// Makes a diagnostic about a place in this file.
    pub(crate) fn error(
        &self,
        (line, column): (u32, u32),
        message: impl Into<String>,
        help: Option<String>,
    ) -> Diagnostic {
        let index = usize::try_from(line).unwrap_or(0);
        let snippet = (index > 0)
            .then(|| self.text.lines().nth(index - 1))
            .flatten()
            .map(|line| line.chars().take(200).collect());
        Diagnostic {
            file: self.path.clone(),
            line,
            column,
            message: message.into(),
            help,
            snippet,
        }
    }

    /// Returns the line and column, from 1 and in characters, of a byte offset.
    pub(crate) fn place(&self, offset: usize) -> (u32, u32) {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (
            u32::try_from(line).unwrap_or(u32::MAX),
            u32::try_from(column).unwrap_or(u32::MAX),
        )
    }
}

fn not_utf8(path: &str, bytes: &[u8]) -> Diagnostic {
    let valid = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
    let start = bytes.get(..valid).unwrap_or_default();
    let line = start.split(|b| *b == b'\n').count();
    let byte = bytes.get(valid).copied().unwrap_or_default();
    let last = start.rsplit(|b| *b == b'\n').next().unwrap_or_default();
    let column = String::from_utf8_lossy(last).chars().count() + 1;
    let rest = bytes.get(valid - last.len()..).unwrap_or_default();
    let shown = rest.split(|b| *b == b'\n').next().unwrap_or_default();
    Diagnostic {
        file: path.to_owned(),
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: u32::try_from(column).unwrap_or(u32::MAX),
        message: format!("not UTF-8: byte 0x{byte:02x}"),
        help: Some("save the file as UTF-8, for instance with `iconv -f latin1 -t utf-8`".into()),
        snippet: Some(String::from_utf8_lossy(shown).chars().take(200).collect()),
    }
}

/// The files that a rule set uses, each read once.
pub(crate) struct Sources<'a> {
    files: &'a dyn Files,
    read: BTreeMap<String, Arc<Source>>,
}

impl<'a> Sources<'a> {
    pub(crate) fn new(files: &'a dyn Files) -> Self {
        Self {
            files,
            read: BTreeMap::new(),
        }
    }

    /// Reads the file at the root of the rule set.
    pub(crate) fn root(&mut self, path: &str) -> Result<Arc<Source>, Errors> {
        let source = match self.files.read(path) {
            Ok(bytes) => Source::new(path, bytes).map_err(|error| Errors(vec![error]))?,
            Err(message) => {
                return Err(Errors(vec![Diagnostic {
                    file: path.to_owned(),
                    line: 0,
                    column: 0,
                    message,
                    help: Some("a rule set is a folder with a `stoa.yaml` at its root".into()),
                    snippet: None,
                }]));
            }
        };
        let source = Arc::new(source);
        self.read.insert(path.to_owned(), Arc::clone(&source));
        Ok(source)
    }

    /// Reads a file that another one names at a place.
    pub(crate) fn named(
        &mut self,
        path: &str,
        by: &Source,
        place: (u32, u32),
    ) -> Result<Arc<Source>, Diagnostic> {
        if let Some(source) = self.read.get(path) {
            return Ok(Arc::clone(source));
        }
        let inside = !path.is_empty()
            && !path.contains('\\')
            && Path::new(path)
                .components()
                .all(|part| matches!(part, Component::Normal(_)));
        if !inside {
            return Err(by.error(
                place,
                format!("`{path}` is not a path inside the rule set's folder"),
                Some("name a file relative to the folder of stoa.yaml, without `..`".into()),
            ));
        }
        if self.read.len() >= FILES {
            return Err(by.error(place, format!("more than {FILES} files"), None));
        }
        let bytes = self.files.read(path).map_err(|message| {
            let names = self.files.names();
            let help = crate::diagnostic::did_you_mean(path, names.iter().map(String::as_str));
            by.error(place, format!("can't read `{path}`: {message}"), help)
        })?;
        let source = Arc::new(Source::new(path, bytes)?);
        self.read.insert(path.to_owned(), Arc::clone(&source));
        Ok(source)
    }

    /// Returns the files that were read, by their paths.
    pub(crate) fn read_files(&self) -> BTreeMap<String, Arc<Source>> {
        self.read.clone()
    }

    /// Computes the rule set's hash: SHA-256 over every file's path and canonical text, each
    /// preceded by its length, in the order of the paths.
    pub(crate) fn hash(&self) -> String {
        let mut hasher = Sha256::new();
        for (path, source) in &self.read {
            for part in [path, &source.text] {
                hasher.update((part.len() as u64).to_be_bytes());
                hasher.update(part.as_bytes());
            }
        }
        let mut hash = String::from("sha256:");
        for byte in hasher.finalize() {
            hash.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
            hash.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        }
        hash
    }
}
