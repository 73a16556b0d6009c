//! Addresses of pages.

use percent_encoding::utf8_percent_encode;

use crate::backend::SEGMENT;

/// The address of a page, given as the segments of its path and what it is asked; what is empty is left out.
pub(super) fn to(segments: &[&str], asked: &[(&str, &str)]) -> String {
    let mut address = String::new();
    for segment in segments {
        address.push('/');
        address.extend(utf8_percent_encode(segment, SEGMENT));
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(asked.iter().filter(|(_, value)| !value.is_empty()));
    let query = query.finish();
    if !query.is_empty() {
        address.push('?');
        address.push_str(&query);
    }
    address
}

/// The page of a thread.
pub(super) fn thread(site: &str, article: &str) -> String {
    to(&["threads", site, article], &[])
}

/// The place of a comment on the page of its thread.
pub(super) fn comment(site: &str, article: &str, comment: &str) -> String {
    let comment = utf8_percent_encode(comment, SEGMENT);
    format!("{}#c-{comment}", thread(site, article))
}

/// The page of an author.
pub(super) fn author(site: &str, author: &str) -> String {
    to(&["authors", site, author], &[])
}

/// The page of a case.
pub(super) fn case(id: &str) -> String {
    to(&["cases", id], &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_named_stays_one_segment() {
        assert_eq!(thread("a/b", "c?d#e"), "/threads/a%2Fb/c%3Fd%23e");
        assert_eq!(comment("a", "b", "\"><é"), "/threads/a/b#c-%22%3E%3C%C3%A9");
        assert_eq!(
            to(
                &["search"],
                &[("q", "a&b"), ("site", ""), ("sort", "newest")]
            ),
            "/search?q=a%26b&sort=newest"
        );
    }
}
