//! Links: paths and anchors, with ids escaped.

use std::collections::HashMap;
use std::fmt::Write as _;

/// Where the links of a thread's page lead: on a running archive, or among files beside each other.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Links<'a> {
    /// To the archive that serves the page.
    Served {
        /// The entry after which the page begins.
        after: Option<&'a str>,
    },
    /// To files: `threads/NAME/index.html`, `threads/NAME/2.html` and so on under the site's list.
    Copied {
        /// On which page of the thread each comment is.
        pages: &'a HashMap<String, usize>,
        /// This page.
        page: usize,
    },
}

/// The file of a page of a list or of a thread, from 1.
pub(crate) fn file(page: usize) -> String {
    match page {
        1 => "index.html".to_owned(),
        page => format!("{page}.html"),
    }
}

impl Links<'_> {
    /// The site's list.
    pub(crate) fn site(self, id: &str) -> String {
        match self {
            Self::Served { .. } => site(id),
            Self::Copied { .. } => "../../index.html".to_owned(),
        }
    }

    /// A comment; among files, one of the same thread.
    pub(crate) fn comment(self, site: &str, id: &str) -> Option<String> {
        match self {
            Self::Served { .. } => Some(comment(site, id)),
            Self::Copied { pages, page } => {
                let on = *pages.get(id)?;
                let file = if on == page { String::new() } else { file(on) };
                Some(format!("{file}#{}", anchor(id)))
            }
        }
    }

    /// The thread's first page, on the others.
    pub(crate) fn first(self, path: &str) -> Option<String> {
        match self {
            Self::Served { after } => after.map(|_| path.to_owned()),
            Self::Copied { page, .. } => (page > 1).then(|| file(1)),
        }
    }

    /// What comes after an entry of the thread.
    pub(crate) fn next(self, path: &str, last: &str, as_of: Option<&str>) -> String {
        match self {
            Self::Served { .. } => after(path, last, as_of),
            Self::Copied { page, .. } => file(page + 1),
        }
    }
}

/// Returns the part of a page that comes after an entry.
pub(crate) fn after(path: &str, last: &str, as_of: Option<&str>) -> String {
    let as_of = as_of.map(|at| format!("&as_of={}", escape(at)));
    format!("{path}?after={}{}", escape(last), as_of.unwrap_or_default())
}

/// Escapes an id for a path segment or an anchor: everything but letters, digits, `-`, `.`, `_`
/// and `~` of ASCII.
pub(crate) fn escape(id: &str) -> String {
    let mut escaped = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            write!(escaped, "%{byte:02X}").ok();
        }
    }
    // `.` and `..` as a whole segment would be resolved away.
    match escaped.as_str() {
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        _ => escaped,
    }
}

/// Returns the page of a site.
pub(crate) fn site(site: &str) -> String {
    format!("/sites/{}", escape(site))
}

/// Returns the page to search a site.
pub(crate) fn search(site: &str) -> String {
    format!("/search?site={}", escape(site))
}

/// Returns the page of a thread.
pub(crate) fn thread(site: &str, thread: &str) -> String {
    format!("/sites/{}/threads/{}", escape(site), escape(thread))
}

/// Returns the feed of a site.
pub(crate) fn site_feed(site: &str) -> String {
    format!("/sites/{}/feed.atom", escape(site))
}

/// Returns the part of a site's sitemap that comes after a thread.
pub(crate) fn sitemap(site: &str, after: Option<&str>) -> String {
    let after = after.map(|after| format!("?after={}", escape(after)));
    format!(
        "/sites/{}/sitemap.xml{}",
        escape(site),
        after.unwrap_or_default()
    )
}

/// Returns the feed of a thread.
pub(crate) fn thread_feed(site: &str, thread: &str) -> String {
    format!("{}/feed.atom", self::thread(site, thread))
}

/// Returns a thread as JSON.
pub(crate) fn thread_json(site: &str, thread: &str) -> String {
    format!("/v1{}", self::thread(site, thread))
}

/// Returns a thread as ActivityStreams.
pub(crate) fn thread_activity(site: &str, thread: &str) -> String {
    format!("{}/activity", thread_json(site, thread))
}

/// Returns an article as ActivityStreams.
pub(crate) fn article(site: &str, article: &str) -> String {
    format!("{}/article", thread_json(site, article))
}

/// Returns a comment with its history as JSON.
pub(crate) fn comment_json(site: &str, comment: &str) -> String {
    format!("/v1{}", self::comment(site, comment))
}

/// Returns a comment as ActivityStreams.
pub(crate) fn comment_activity(site: &str, comment: &str) -> String {
    format!("{}/activity", comment_json(site, comment))
}

/// Returns the replies to a comment as ActivityStreams.
pub(crate) fn replies(site: &str, comment: &str) -> String {
    format!("{}/replies", comment_json(site, comment))
}

/// Returns what leads to a comment on its thread's page.
pub(crate) fn in_thread(site: &str, comment: &str) -> String {
    format!("{}/thread", self::comment(site, comment))
}

/// Returns a comment's permalink; it stays when the comment moves within its thread.
pub(crate) fn comment(site: &str, comment: &str) -> String {
    format!("/sites/{}/comments/{}", escape(site), escape(comment))
}

/// Returns a comment's anchor on its thread's page.
///
/// The escaped form is the anchor itself: a browser looks for a fragment as it is written before
/// it looks for what it stands for.
pub(crate) fn anchor(comment: &str) -> String {
    format!("c-{}", escape(comment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_stay_one_segment() {
        assert_eq!(comment("a/b", "é?#"), "/sites/a%2Fb/comments/%C3%A9%3F%23");
        assert_eq!(thread(".", ".."), "/sites/%2E/threads/%2E%2E");
        assert_eq!(anchor("c 1%20"), "c-c%201%2520");
    }
}
