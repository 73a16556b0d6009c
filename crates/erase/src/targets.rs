//! What was ordered to be erased.

use std::collections::{HashMap, HashSet};

use stoa_proto::{AuthorErased, CommentErased, Data, ErasureScope};

use crate::subject::{Subject, strings, subjects};

/// Comments and authors that were ordered to be erased.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    comments: HashMap<String, HashSet<String>>,
    authors: HashMap<String, HashMap<String, Order>>,
}

/// When an author was ordered to be erased: what they write later is not meant.
#[derive(Clone, Copy, Debug)]
struct Order {
    seq: u64,
    time_us: i64,
    scope: ErasureScope,
}

/// Up to where something of an author counts as written before the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// It is this record of the journal that has the orders.
    Record(u64),
    /// It was written elsewhere, at this time in microseconds since 1970.
    Time(i64),
}

impl Targets {
    /// Takes an event in, if it is an order, with the sequence and the time of the record that holds
    /// it.
    pub fn add(&mut self, data: &Data, seq: u64, time_us: i64) {
        match data {
            Data::CommentErased(CommentErased {
                site,
                comment,
                redaction: Some(_),
                ..
            }) => {
                let of_site = self.comments.entry(site.clone()).or_default();
                of_site.insert(comment.clone());
            }
            Data::AuthorErased(AuthorErased {
                site,
                author,
                scope,
                redaction: Some(_),
                ..
            }) => {
                let of_site = self.authors.entry(site.clone()).or_default();
                let order = of_site.entry(author.clone()).or_insert(Order {
                    seq,
                    time_us,
                    scope: *scope,
                });
                order.seq = order.seq.max(seq);
                order.time_us = order.time_us.max(time_us);
                if order.scope != *scope {
                    order.scope = ErasureScope::All;
                }
            }
            _ => {}
        }
    }

    /// Whether nothing is to be erased.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Counts comments and authors.
    pub fn len(&self) -> usize {
        let comments = self.comments.values().map(HashSet::len).sum::<usize>();
        comments + self.authors.values().map(HashMap::len).sum::<usize>()
    }

    /// Whether a comment is to be erased.
    pub fn has_comment(&self, site: &str, comment: &str) -> bool {
        let of_site = self.comments.get(site);
        of_site.is_some_and(|of_site| of_site.contains(comment))
    }

    /// Returns what of an author is to be erased, if something written then is meant.
    pub fn author(&self, site: &str, author: &str, at: Before) -> Option<ErasureScope> {
        let order = self.authors.get(site)?.get(author)?;
        let is_before = match at {
            Before::Record(seq) => seq < order.seq,
            Before::Time(time_us) => time_us <= order.time_us,
        };
        is_before.then_some(order.scope)
    }

    /// Whether an event, a batch or an event's data is about what is to be erased; what can't be read
    /// is, if it names one of them. The orders themselves are not.
    pub fn in_event(&self, body: &[u8], at: Before) -> bool {
        match subjects(body) {
            Some(subjects) => subjects.iter().any(|subject| self.is_about(subject, at)),
            None => self.in_bytes(body, at),
        }
    }

    /// Whether bytes name, as JSON strings, a site and something of it that is to be erased.
    pub fn in_bytes(&self, bytes: &[u8], at: Before) -> bool {
        let strings: HashSet<String> = strings(bytes).collect();
        let comments = self.comments.iter().any(|(site, comments)| {
            strings.contains(site) && strings.iter().any(|one| comments.contains(one))
        });
        comments
            || self.authors.keys().any(|site| {
                let meant = |one: &String| self.author(site, one, at).is_some();
                strings.contains(site) && strings.iter().any(meant)
            })
    }

    fn is_about(&self, subject: &Subject, at: Before) -> bool {
        let site = &subject.site;
        let comment = subject.comment.as_deref();
        subject.redaction.is_none()
            && (comment.is_some_and(|comment| self.has_comment(site, comment))
                || subject
                    .people()
                    .any(|id| self.author(site, id, at).is_some()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use stoa_proto::Event;

    use super::*;

    /// The comment c-1, and what the author `ü-1` wrote before record 10, at 1 000 µs.
    fn targets() -> Targets {
        let mut targets = Targets::default();
        for data in [
            json!({"site": "s", "article": "a", "comment": "c-1", "redaction": "r-1"}),
            json!({"site": "s", "article": "a", "comment": "c-2"}),
        ] {
            add(&mut targets, "stoa.comment.erased.v1", &data);
        }
        let author = json!({"site": "s", "author": "ü-1", "scope": "content", "redaction": "r-1"});
        add(&mut targets, "stoa.author.erased.v1", &author);
        targets
    }

    fn add(targets: &mut Targets, kind: &str, data: &serde_json::Value) {
        let event =
            json!({"specversion": "1.0", "id": "e", "source": "/s", "type": kind, "data": data});
        let event = Event::from_json(event.to_string().as_bytes()).unwrap();
        targets.add(&event.data, 10, 1_000);
    }

    #[test]
    fn an_order_counts_and_a_request_does_not() {
        let targets = targets();
        assert_eq!(targets.len(), 2);
        assert!(targets.has_comment("s", "c-1"));
        assert!(!targets.has_comment("s", "c-2") && !targets.has_comment("t", "c-1"));
    }

    #[test]
    fn what_an_author_writes_later_is_not_meant() {
        let targets = targets();
        let meant = |at| targets.author("s", "ü-1", at).is_some();
        assert!(meant(Before::Record(9)) && !meant(Before::Record(11)));
        assert!(meant(Before::Time(1_000)) && !meant(Before::Time(1_001)));
    }

    #[test]
    fn events_are_told_by_whom_and_what_they_are_about() {
        for (body, expected) in [
            (r#"{"data": {"site": "s", "comment": "c-1"}}"#, true),
            (r#"{"data": {"site": "s", "comment": "c-\u0031"}}"#, true),
            (r#"{"site": "s", "comment": "c-1"}"#, true),
            (
                r#"[{"data": {"site": "t"}}, {"data": {"site": "s", "comment": "c-1"}}]"#,
                true,
            ),
            (
                r#"{"data": {"site": "s", "author": {"id": "\u00fc-1"}}}"#,
                true,
            ),
            (r#"{"data": {"site": "s", "author": "ü-1"}}"#, true),
            (
                r#"{"data": {"site": "s", "comment": "c-3", "reporter": {"id": "ü-1"}}}"#,
                true,
            ),
            (
                r#"{"data": {"site": "s", "comment": "c-1", "redaction": "r-1"}}"#,
                false,
            ),
            (r#"{"data": {"site": "t", "comment": "c-1"}}"#, false),
            // Another comment that quotes the id.
            (
                r#"{"data": {"site": "s", "comment": "c-3", "body": "c-1"}}"#,
                false,
            ),
            // What can't be read is told by the strings in it.
            (r#"{"data": {"site": "s", "comment": "c-1", "bo"#, true),
            (r#"{"data": {"site": 7, "x": ["s", "\u0063-1"]}}"#, true),
            (r#"x" "s" "ü-1" {"#, true),
            (r#"{"data": {"site": "s", "comment": "c-11", "bo"#, false),
            ("", false),
        ] {
            let found = targets().in_event(body.as_bytes(), Before::Record(3));
            assert_eq!(found, expected, "{body}");
        }
    }
}
