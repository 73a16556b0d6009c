//! A site as files of HTML, which a browser reads from the disk and any web server can hand out.
//!
//! ```text
//! index.html, 2.html …                  the site's threads
//! threads/NAME/index.html, 2.html …     a thread
//! assets/thread.css
//! ```
//!
//! **Invariant:** a name is made of letters, digits and dashes alone, whatever the thread's id is; and
//! no two threads have the same.

use sha2::{Digest as _, Sha256};

use super::{Export, PAGE};
use crate::http::copied::{self, Entry};
use crate::http::links::file;
use crate::read::Audience;

/// Threads of a page of the list.
const LIST: usize = 500;
/// Letters of an id that its file's name shows.
const SHOWN: usize = 40;

/// Where files go: a path with `/` between its parts, and what is in it.
pub type Put<'a> = &'a mut dyn FnMut(&str, &str) -> anyhow::Result<()>;

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Threads.
    pub threads: u64,
    /// Comments whose words are shown.
    pub comments: u64,
    /// Files.
    pub files: u64,
}

impl Export {
    /// Writes a site's pages: as anyone may see them, or with everything that reviewers see.
    ///
    /// # Errors
    /// Those of the journal, of the view, and of `put`.
    pub fn html(&self, site: &str, everything: bool, put: Put<'_>) -> anyhow::Result<Written> {
        let audience = if everything {
            Audience::Reviewer
        } else {
            Audience::Public
        };
        let mut written = Written::default();
        let mut put = |path: &str, text: &str, written: &mut Written| {
            written.files += 1;
            put(path, text)
        };
        put("assets/thread.css", copied::STYLE, &mut written)?;
        let (mut entries, mut page): (Vec<Entry>, usize) = (Vec::new(), 1);
        self.threads(site, &mut |thread, row| {
            if !self.reader.is_shown(site, thread, row, audience)? {
                return Ok(());
            }
            let folder = format!("threads/{}", name(thread));
            let url = format!("{folder}/{}", file(1));
            if entries.len() == LIST {
                let list = copied::list(site, std::mem::take(&mut entries), page, true);
                put(&file(page), &list, &mut written)?;
                page += 1;
            }
            entries.push(copied::entry(&self.reader, thread, row, audience, url)?);
            written.threads += 1;
            let pages = copied::pages_of(&self.reader, site, thread, audience, PAGE)?;
            self.pages(site, thread, audience, &mut |number, part| {
                let text = copied::thread(&part, audience, &pages, number);
                put(&format!("{folder}/{}", file(number)), &text, &mut written)?;
                if number == 1 {
                    written.comments += part.counts.shown;
                }
                Ok(())
            })
        })?;
        put(
            &file(page),
            &copied::list(site, entries, page, false),
            &mut written,
        )?;
        Ok(written)
    }
}

/// Names a thread's folder: what can be read of its id, and a hash of it.
fn name(thread: &str) -> String {
    let mut shown = String::new();
    for c in thread.chars() {
        if shown.len() == SHOWN {
            break;
        }
        if c.is_ascii_alphanumeric() {
            shown.push(c.to_ascii_lowercase());
        } else if !shown.ends_with('-') && !shown.is_empty() {
            shown.push('-');
        }
    }
    let hash = Sha256::digest(thread.as_bytes());
    let hash: String = hash
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    match shown.trim_end_matches('-') {
        "" => hash,
        shown => format!("{shown}-{hash}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_ids_stay_names() {
        for id in [
            "..",
            "../../etc/passwd",
            "a/b",
            "CON",
            "a\\b:c",
            "é ü",
            ".hidden",
            &"x".repeat(500),
            "a\u{202e}b",
        ] {
            let name = name(id);
            assert!(name.len() <= SHOWN + 33, "{name}");
            assert!(
                name.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
                "{name}"
            );
            assert!(!name.starts_with('-'), "{name}");
        }
        assert!(name("Café & bar").starts_with("caf-bar-"));
        // On file systems that don't tell capitals from small letters, either.
        assert_ne!(name("A"), name("a"));
        assert_ne!(name("a b"), name("a-b"));
    }
}
