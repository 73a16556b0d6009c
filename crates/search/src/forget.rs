//! Forgetting words: deleted documents leave terms behind until their segments are written anew.

use tantivy::TantivyError;
use tantivy::indexer::NoMergePolicy;

use crate::document::Key;
use crate::error::Error;
use crate::open::{aside, remove};
use crate::search::Searcher;
use crate::writer::{Writer, merging};

impl Writer {
    /// Deletes documents, and returns when no file holds a term that only they had.
    ///
    /// Every segment with deleted documents is written anew, so it takes as long as that. An index
    /// that was set aside is removed.
    pub fn forget(&mut self, keys: &[Key], searcher: &Searcher) -> Result<(), Error> {
        remove(&aside(&self.dir))?;
        for key in keys {
            self.delete(key)?;
        }
        let applied = self.applied;
        self.commit(applied)?;
        // A merge that runs may carry on what was deleted after it began.
        if let Some(writer) = self.inner.take() {
            writer.wait_merging_threads()?;
        }
        self.start(Box::new(NoMergePolicy))?;
        let written = self.write_anew();
        self.writer()?.set_merge_policy(merging());
        written?;
        self.collect(searcher)
    }

    fn write_anew(&mut self) -> Result<(), Error> {
        for segment in self.index.searchable_segment_metas()? {
            if segment.has_deletes() {
                self.writer()?.merge(&[segment.id()]).wait()?;
            }
        }
        Ok(())
    }

    /// Removes the files of segments that were written anew.
    fn collect(&mut self, searcher: &Searcher) -> Result<(), Error> {
        searcher.reload()?;
        self.writer()?.garbage_collect_files().wait()?;
        if self.is_clean()? {
            return Ok(());
        }
        let reason = "files of what is to be forgotten are still there: try again";
        Err(TantivyError::SystemError(reason.to_owned()).into())
    }

    /// Whether the folder has files of the present segments alone.
    fn is_clean(&self) -> Result<bool, Error> {
        let metas = self.index.searchable_segment_metas()?;
        let known: Vec<String> = metas.iter().map(|meta| meta.id().uuid_string()).collect();
        let entries = std::fs::read_dir(&self.dir).map_err(Error::io("list", &self.dir))?;
        for entry in entries {
            let name = entry.map_err(Error::io("list", &self.dir))?.file_name();
            let name = name.to_string_lossy();
            let is_segment = name.len() > 32 && !name.starts_with('.');
            if is_segment && !known.iter().any(|id| name.starts_with(id)) {
                return Ok(false);
            }
        }
        Ok(metas.iter().all(|meta| !meta.has_deletes()))
    }
}
