//! Links: paths and anchors, with ids escaped.

use std::fmt::Write as _;

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
