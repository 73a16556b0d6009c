//! Links: those of the markup, and bare URLs in the text.

use std::borrow::Cow;
use std::collections::HashSet;

use linkify::{LinkFinder, LinkKind};

use super::matcher::Matcher;
use super::reading::{Genuine, Script, genuine, script};
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

/// Returns a host as hosts are compared: in lower case, and with the letters that stand behind `xn--`.
///
/// What can't be decoded stays as it was written.
pub(crate) fn host_name(host: &str) -> String {
    if host.is_ascii() && !host.contains("xn--") && !host.contains("XN--") {
        return host.to_ascii_lowercase();
    }
    let (unicode, result) = idna::domain_to_unicode(host);
    match result {
        Ok(()) => unicode,
        Err(_) => host.to_lowercase(),
    }
}

/// Returns the domain that somebody registered, by the public suffix list: `bbc.co.uk` of
/// `news.bbc.co.uk`; the host itself where there is none, as for addresses.
pub(crate) fn registrable(host: &str) -> &str {
    if host.parse::<std::net::IpAddr>().is_ok() {
        return host;
    }
    psl::domain_str(host).unwrap_or(host)
}

/// Whether a host imitates another: letters of several scripts in one label, or a label that is
/// wholly in Cyrillic or Greek and looks Latin.
pub(crate) fn is_confusable(host: &str) -> bool {
    host.split('.').any(|label| {
        let (mut latin, mut alike, mut own) = (false, false, false);
        for c in label.chars().filter(|c| c.is_alphabetic()) {
            match script(c) {
                Script::Latin => latin = true,
                Script::Other => own = true,
                of if genuine(c, of) != Genuine::No => own = true,
                _ => alike = true,
            }
        }
        alike && (latin || !own)
    })
}

impl Found<'_> {
    /// Whether the link shows another domain than it leads to.
    pub(crate) fn lies(&self) -> bool {
        let Place::Shown(shown) = self.place else {
            return false;
        };
        let shown = shown.trim();
        let written = shown.split_whitespace().next().unwrap_or_default();
        let looks_like_host = written.contains('.') && written.len() == shown.len();
        let host = host(written);
        looks_like_host
            && psl::suffix(host.as_bytes()).is_some_and(|suffix| suffix.is_known())
            && registrable(&host) != registrable(&self.host)
    }
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
        host_name(host)
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
    fn hosts_are_what_they_are() {
        assert_eq!(host("https://XN--80AK6AA92E.com/"), "аррӏе.com");
        assert_eq!(host("https://bücher.example/"), "bücher.example");
        assert_eq!(registrable("news.bbc.co.uk"), "bbc.co.uk");
        assert_eq!(registrable("a.b.github.io"), "b.github.io");
        assert_eq!(registrable("127.0.0.1"), "127.0.0.1");
        for (host, expected) in [
            ("аррӏе.com", true),
            ("pаypal.com", true),
            ("paypal.com", false),
            ("почта.рф", false),
            ("bücher.de", false),
            ("日本.jp", false),
        ] {
            assert_eq!(is_confusable(host), expected, "{host}");
        }
    }

    #[test]
    fn a_link_lies_when_it_shows_another_domain() {
        let check = |url: &str, shown: &str, expected: bool| {
            let links = [Link {
                url,
                text: Some(shown),
            }];
            let found = find("", &links, &Matcher::default());
            assert_eq!(found[0].lies(), expected, "{shown} -> {url}");
        };
        check("https://evil.example/", "https://www.bank.com/login", true);
        check("https://evil.example/", "bank.com", true);
        check("https://www.bank.com/x", "bank.com", false);
        check("https://evil.example/", "click here", false);
        check("https://evil.example/", "fin.Puis", false);
        check("https://evil.example/", "etc.", false);
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
