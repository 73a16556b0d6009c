//! Links: those of the markup, and bare URLs in the text.

use std::borrow::Cow;
use std::collections::HashSet;

use linkify::{LinkFinder, LinkKind};

use super::matcher::Matcher;
use crate::input::Link;

/// Links that are looked at: events carry no more.
const LINKS: usize = 1_024;

/// Bytes of a host: what is longer can't be resolved, and looking it up would cost its square.
const HOST_BYTES: usize = 253;

/// A link of a comment.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    pub(crate) url: Cow<'a, str>,
    /// The host in lower case; empty where the URL has none.
    pub(crate) host: String,
    /// Where it stands in the text, in bytes.
    place: Place<'a>,
}

#[derive(Debug)]
enum Place<'a> {
    At(usize, usize),
    Shown(&'a str),
    Nowhere,
}

impl Found<'_> {
    /// Returns where the link stands in the text, in bytes, if it is visible there.
    pub(crate) fn place(&self, text: &str) -> Option<(usize, usize)> {
        match self.place {
            Place::At(start, end) => Some((start, end)),
            Place::Shown(shown) => text.find(shown).map(|start| (start, start + shown.len())),
            Place::Nowhere => None,
        }
    }
}

/// Finds all links: first those of the markup, then bare ones that the markup doesn't have.
pub(crate) fn find<'a>(text: &'a str, links: &'a [Link<'a>], matcher: &Matcher) -> Vec<Found<'a>> {
    let mut found: Vec<Found<'a>> = links
        .iter()
        .take(LINKS)
        .map(|link| Found {
            url: Cow::Borrowed(link.url),
            host: host(link.url),
            place: match link.text {
                Some(shown) if !shown.is_empty() => Place::Shown(shown),
                _ => Place::Nowhere,
            },
        })
        .collect();
    if !text.as_bytes().windows(2).any(may_be_link) {
        return found;
    }
    // What a link of the markup shows is often its target.
    let shown = links
        .iter()
        .filter_map(|link| link.text)
        .flat_map(str::split_whitespace);
    let known: HashSet<&str> = links.iter().map(|link| link.url).chain(shown).collect();
    let mut finder = LinkFinder::new();
    finder.kinds(&[LinkKind::Url]).url_must_have_scheme(false);
    for bare in finder.links(text) {
        if found.len() >= LINKS {
            break;
        }
        let host = host(bare.as_str());
        if !known.contains(bare.as_str()) && is_meant(bare.as_str(), &host, matcher) {
            found.push(Found {
                url: Cow::Borrowed(bare.as_str()),
                host,
                place: Place::At(bare.start(), bare.end()),
            });
        }
    }
    found
}

/// Tells whether two bytes can be part of a URL: a dot before a letter or digit, or `:/`.
fn may_be_link(pair: &[u8]) -> bool {
    match pair {
        [b'.', next] => next.is_ascii_alphanumeric() || !next.is_ascii(),
        [b':', b'/'] => true,
        _ => false,
    }
}

/// Tells whether a URL was meant as one.
///
/// Without a scheme, `fin.Puis` is a sentence's end; so a URL without one must begin with `www.`,
/// have a path after a plausible top-level domain, or be a domain of a list.
fn is_meant(url: &str, host: &str, matcher: &Matcher) -> bool {
    if url.contains("://") {
        return true;
    }
    let written = url.split(['/', '?', '#']).next().unwrap_or_default();
    let top = written.rsplit('.').next().unwrap_or_default();
    let plausible = top.len() >= 2 && top.bytes().all(|b| b.is_ascii_lowercase());
    written
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("www."))
        || (plausible && url.len() > written.len() + 1)
        || matcher.domain(host).next().is_some()
}

/// Returns a host as hosts are compared: in lower case.
pub(crate) fn host_name(host: &str) -> String {
    host.to_lowercase()
}

/// Returns a URL's host in lower case, without user, port and trailing dot.
fn host(url: &str) -> String {
    let rest = match url.split_once("://") {
        Some((_, rest)) => rest,
        None if url.starts_with("//") => url.trim_start_matches('/'),
        None if ["mailto:", "tel:", "javascript:", "data:"]
            .iter()
            .any(|scheme| {
                url.get(..scheme.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
            }) =>
        {
            return String::new();
        }
        None => url,
    };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let host = host.trim_end_matches('.');
    if host.len() > HOST_BYTES {
        String::new()
    } else {
        host.to_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_links_and_their_hosts() {
        let check = |text: &str, expected: &[(&str, &str)]| {
            let found = find(text, &[], &Matcher::default());
            let found: Vec<(&str, &str)> = found
                .iter()
                .map(|link| (&*link.url, link.host.as_str()))
                .collect();
            assert_eq!(found, expected, "{text}");
        };
        check("rien", &[]);
        check(
            "voir https://Example.org/a?b.",
            &[("https://Example.org/a?b", "example.org")],
        );
        check("www.example.org", &[("www.example.org", "www.example.org")]);
        check("example.org/x", &[("example.org/x", "example.org")]);
        check("c'est la fin.Puis on part", &[]);
        check(
            "http://user@evil.example:80/",
            &[("http://user@evil.example:80/", "evil.example")],
        );
        check("écrire à a@example.org", &[]);
    }

    #[test]
    fn counts_a_link_of_the_markup_once() {
        let links = [Link {
            url: "https://a.example/",
            text: Some("https://a.example/"),
        }];
        let text = "voir https://a.example/ ici";
        let found = find(text, &links, &Matcher::default());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].place(text), Some((5, 23)));
    }
}
