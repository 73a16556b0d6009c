//! Links: paths and anchors, with ids escaped.

use std::collections::HashMap;
use std::fmt::Write as _;

/// Where the links of a thread's page lead: on a running archive, or among files beside each other.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Links<'a> {
    /// To the archive that serves the page.
    Served,
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
    /// The style sheet.
    pub(crate) fn style(self) -> &'static str {
        match self {
            Self::Served => STYLE,
            Self::Copied { .. } => "../../assets/thread.css",
        }
    }

    /// The site's list.
    pub(crate) fn site(self, id: &str) -> String {
        match self {
            Self::Served => site(id),
            Self::Copied { .. } => "../../index.html".to_owned(),
        }
    }

    /// The page to search the site; files can't be searched.
    pub(crate) fn search(self, site: &str) -> Option<String> {
        match self {
            Self::Served => Some(search(site)),
            Self::Copied { .. } => None,
        }
    }

    /// A comment; among files, one of the same thread.
    pub(crate) fn comment(self, site: &str, id: &str) -> Option<String> {
        match self {
            Self::Served => Some(comment(site, id)),
            Self::Copied { pages, page } => {
                let on = *pages.get(id)?;
                let file = if on == page { String::new() } else { file(on) };
                Some(format!("{file}#{}", anchor(id)))
            }
        }
    }

    /// What comes after `next` in the thread.
    pub(crate) fn next(self, path: &str, next: &str, as_of: Option<&str>) -> String {
        match self {
            Self::Served => {
                let as_of = as_of.map(|at| format!("&as_of={}", escape(at)));
                let as_of = as_of.unwrap_or_default();
                format!("{path}?after={}{as_of}", escape(next))
            }
            Self::Copied { page, .. } => file(page + 1),
        }
    }
}

/// The style sheet on a running archive.
pub(crate) const STYLE: &str = "/assets/thread.css";

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
