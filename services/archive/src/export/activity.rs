//! A site as objects of `ActivityStreams`, which other systems read.

use anyhow::ensure;

use super::Export;
use crate::config::is_base;
use crate::http::copied;
use crate::read::Audience;

/// Where objects go: each as a document of JSON on one line.
pub type Put<'a> = &'a mut dyn FnMut(&str) -> anyhow::Result<()>;

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Articles and comments with their words.
    pub objects: u64,
    /// What is left of those without.
    pub tombstones: u64,
}

impl Export {
    /// Writes a site's articles, each with the comments on it behind it, as anyone may read them; ids
    /// begin with `base`, as `https://archive.example`.
    ///
    /// # Errors
    /// Those of the journal, of the view, and of `put`; another base.
    pub fn activity(&self, site: &str, base: &str, put: Put<'_>) -> anyhow::Result<Written> {
        ensure!(
            is_base(base),
            "`{base}` can't begin ids: it must be http:// or https:// and a host, as \
             https://archive.example, without a slash at its end"
        );
        let mut written = Written::default();
        self.threads(site, &mut |thread, _| {
            self.pages(site, thread, Audience::Public, &mut |number, page| {
                for (object, is_gone) in copied::objects(base, page, number == 1)? {
                    put(&object)?;
                    written.tombstones += u64::from(is_gone);
                    written.objects += u64::from(!is_gone);
                }
                Ok(())
            })
        })?;
        Ok(written)
    }
}
