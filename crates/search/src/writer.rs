//! Changing an index.

use std::path::{Path, PathBuf};

use tantivy::indexer::{IndexWriterOptions, LogMergePolicy, MergePolicy};
use tantivy::{Index, IndexWriter, TantivyError};

use crate::document::{Document, Key};
use crate::error::Error;
use crate::open::{FORMAT, Options, Payload};
use crate::schema::Fields;

/// Documents below which segments count as equally small, and are merged together.
///
/// Raising it makes fewer segments, and writes what was just written over and over.
const SMALL: u32 = 1_000;

/// Changes an index. What was put or deleted is seen, and kept, after [`Writer::commit`].
pub struct Writer {
    pub(crate) dir: PathBuf,
    pub(crate) index: Index,
    pub(crate) fields: Fields,
    options: Options,
    pub(crate) applied: u64,
    /// `None` while it is opened again, and once that failed.
    pub(crate) inner: Option<IndexWriter>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut writer = formatter.debug_struct("Writer");
        writer
            .field("dir", &self.dir)
            .field("applied", &self.applied);
        writer.finish_non_exhaustive()
    }
}

impl Writer {
    pub(crate) fn new(
        dir: &Path,
        index: Index,
        fields: Fields,
        options: Options,
        applied: u64,
    ) -> Result<Self, TantivyError> {
        let mut writer = Self {
            dir: dir.to_owned(),
            index,
            fields,
            options,
            applied,
            inner: None,
        };
        writer.start(merging())?;
        Ok(writer)
    }

    /// Starts the threads that write and merge.
    pub(crate) fn start(&mut self, merging: Box<dyn MergePolicy>) -> Result<(), TantivyError> {
        let memory = usize::try_from(self.options.memory).unwrap_or(usize::MAX);
        let options = IndexWriterOptions::builder()
            .num_worker_threads(self.options.threads)
            .num_merge_threads(1)
            .memory_budget_per_thread(memory)
            .build();
        let writer = self.index.writer_with_options(options)?;
        writer.set_merge_policy(merging);
        self.inner = Some(writer);
        Ok(())
    }

    /// Returns the sequence of the record that is to be followed next.
    pub fn applied(&self) -> u64 {
        self.applied
    }

    /// Puts a document in place of the one with the same key.
    pub fn put(&mut self, document: &Document) -> Result<(), Error> {
        self.delete(&document.key)?;
        self.add(document)
    }

    /// Adds a document whose key is not in the index. A key that is deleted is looked up in every
    /// segment, so this costs less than [`Writer::put`].
    pub fn add(&mut self, document: &Document) -> Result<(), Error> {
        let filled = self.fields.fill(document);
        self.writer()?.add_document(filled)?;
        Ok(())
    }

    /// Deletes the document with a key, if there is one.
    pub fn delete(&mut self, key: &Key) -> Result<(), Error> {
        let term = self.fields.key_term(key);
        self.writer()?.delete_term(term);
        Ok(())
    }

    /// Makes the changes durable together with how far they go.
    pub fn commit(&mut self, applied: u64) -> Result<(), TantivyError> {
        let payload = Payload {
            format: FORMAT,
            applied,
        };
        let payload = serde_json::to_string(&payload)
            .map_err(|error| TantivyError::InternalError(error.to_string()))?;
        let mut commit = self.writer()?.prepare_commit()?;
        commit.set_payload(&payload);
        commit.commit()?;
        self.applied = applied;
        Ok(())
    }

    pub(crate) fn writer(&mut self) -> Result<&mut IndexWriter, TantivyError> {
        let missing = || TantivyError::SystemError("the writer has ended".to_owned());
        self.inner.as_mut().ok_or_else(missing)
    }
}

/// Says which segments are merged, and when.
///
/// Deleted documents are no reason: a comment is put again once it is decided, so there are some in
/// each new segment, and they go with its next merge.
pub(crate) fn merging() -> Box<dyn MergePolicy> {
    let mut policy = LogMergePolicy::default();
    policy.set_min_layer_size(SMALL);
    Box::new(policy)
}
