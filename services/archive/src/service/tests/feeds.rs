//! Feeds are Atom, and have what anyone may read.

use quick_xml::Reader as XmlReader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::Event as XmlEvent;

use super::formats::thread;
use super::*;

/// An element of a document: its name, its attributes, and the text in it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Element {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    text: String,
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> &str {
        self.attributes
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value)
    }
}

/// Parses a document, in which every element is closed and no character is forbidden.
pub(super) fn elements(xml: &str) -> Vec<Element> {
    assert!(
        xml.chars()
            .all(|c| (!c.is_control() || c == '\n' || c == '\t') && c != '\u{fffe}'),
        "{xml}"
    );
    let mut reader = XmlReader::from_str(xml);
    let (mut elements, mut open) = (Vec::<Element>::new(), Vec::<usize>::new());
    let start = |start: &quick_xml::events::BytesStart<'_>| Element {
        name: start.name().as_ref().to_owned(),
        attributes: start
            .attributes()
            .map(|attribute| {
                let attribute = attribute.unwrap();
                let key = attribute.key.as_ref().to_owned();
                let value = &*attribute.value;
                (
                    key,
                    quick_xml::escape::unescape(value).unwrap().into_owned(),
                )
            })
            .collect(),
        text: String::new(),
    };
    loop {
        match reader.read_event().unwrap() {
            XmlEvent::Start(element) => {
                open.push(elements.len());
                elements.push(start(&element));
            }
            XmlEvent::Empty(element) => elements.push(start(&element)),
            XmlEvent::End(_) => {
                open.pop().unwrap();
            }
            XmlEvent::Text(text) => {
                elements[*open.last().unwrap()].text.push_str(&text);
            }
            XmlEvent::GeneralRef(name) => {
                let text = match name.resolve_char_ref().unwrap() {
                    Some(c) => c.to_string(),
                    None => resolve_xml_entity(&name).unwrap().to_owned(),
                };
                elements[*open.last().unwrap()].text.push_str(&text);
            }
            XmlEvent::Eof => break,
            _ => {}
        }
    }
    assert!(open.is_empty());
    elements
}

pub(super) fn texts(elements: &[Element], name: &str) -> Vec<String> {
    let named = elements.iter().filter(|element| element.name == name);
    named.map(|element| element.text.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_s_feed_has_the_threads_that_were_active_last() {
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    let mut events = Vec::new();
    for (thread, hour) in [("t-1", 3), ("t-2", 1), ("t-3", 2)] {
        let id = format!("of-{thread}");
        let mut submitted = comment(&id, None, 1);
        submitted["data"]["article"] = json!(thread);
        submitted["data"]["submitted_at"] = json!(format!("2026-11-02T0{hour}:00:00Z"));
        let mut approved = decision(&format!("d-{thread}"), &id, "approve");
        approved["data"]["article"] = json!(thread);
        events.extend([submitted, approved]);
    }
    archive.publish(&events, 6).await;
    let ids = async |archive: &Running, limit: usize| {
        let path = format!("/sites/courrier/feed.atom?limit={limit}");
        let (_, _, body) = request(archive.public.clone(), &path, "").await;
        let ids = texts(&elements(&body), "id").split_off(1);
        let ids: Vec<String> = ids
            .iter()
            .map(|id| id.rsplit('/').next().unwrap().to_owned())
            .collect();
        ids
    };
    assert_eq!(ids(&archive, 2).await, ["of-t-1", "of-t-3"]);
    assert_eq!(ids(&archive, 9).await, ["of-t-1", "of-t-3", "of-t-2"]);
    // A thread in which somebody writes again comes first, once.
    let mut later = comment("later", None, 1);
    later["data"]["article"] = json!("t-2");
    later["data"]["submitted_at"] = json!("2026-11-02T09:00:00Z");
    let mut approved = decision("d-later", "later", "approve");
    approved["data"]["article"] = json!("t-2");
    archive.publish(&[later, approved], 8).await;
    assert_eq!(ids(&archive, 2).await, ["later", "of-t-1"]);
    archive.stop().await;
    let archive = fixture.start().await;
    assert_eq!(
        ids(&archive, 9).await,
        ["later", "of-t-1", "of-t-3", "of-t-2"]
    );
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn feeds_have_the_latest_approved_comments() {
    let (_fixture, archive) = thread().await;
    let other = event(
        "other",
        "comment.submitted",
        json!({"article": "a-2", "comment": "o-1", "author": {"id": "u"}, "body": "Other words.",
            "submitted_at": "2026-11-02T12:00:00Z"}),
    );
    let mut approved = decision("d-o", "o-1", "approve");
    approved["data"]["article"] = json!("a-2");
    archive.publish(&[other, approved], 16).await;
    for token in ["", VIEWER] {
        for (path, expected) in [
            (
                "/sites/courrier/feed.atom",
                &["o-1", "c-6", "c-2", "c-1"][..],
            ),
            ("/sites/courrier/feed.atom?limit=2", &["o-1", "c-6"]),
            (
                "/sites/courrier/threads/a-1/feed.atom",
                &["c-6", "c-2", "c-1"],
            ),
            ("/sites/courrier/threads/a-2/feed.atom", &["o-1"]),
        ] {
            let (status, headers, body) = request(archive.public.clone(), path, token).await;
            assert_eq!(status, StatusCode::OK, "{path}");
            assert_eq!(
                headers["content-type"],
                "application/atom+xml; charset=utf-8"
            );
            for never in ["words of c-3", "words of c-4", "words of c-5", "m-secret"] {
                assert!(!body.contains(never), "{path}: {never}");
            }
            let ids: Vec<String> = texts(&elements(&body), "id")
                .iter()
                .skip(1)
                .map(|id| id.rsplit('/').next().unwrap().to_owned())
                .collect();
            assert_eq!(ids, expected, "{path}");
        }
    }
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_says_who_wrote_when_and_what_is_answered() {
    let (_fixture, archive) = thread().await;
    let (_, _, body) = request(
        archive.public.clone(),
        "/sites/courrier/threads/a-1/feed.atom",
        "",
    )
    .await;
    let elements = elements(&body);
    assert_eq!(
        elements[0].attribute("xmlns"),
        "http://www.w3.org/2005/Atom"
    );
    assert_eq!(
        texts(&elements, "title"),
        [
            "Comments: Le titre",
            "Constantin N.: Le titre",
            "Constantin N.: Le titre",
            "Constantin N.: Le titre"
        ]
    );
    assert_eq!(
        texts(&elements, "updated"),
        [
            "2026-11-02T09:08:00+01:00",
            "2026-11-02T09:08:00+01:00",
            "2026-11-02T09:02:00+01:00",
            "2026-11-02T09:01:00+01:00",
        ]
    );
    assert_eq!(texts(&elements, "published")[0], "2026-11-02T08:06:00Z");
    assert_eq!(
        texts(&elements, "content")[2],
        "<p dir=\"auto\">One &amp; two &lt;3</p>"
    );
    let answers: Vec<&str> = elements
        .iter()
        .filter(|element| element.name == "thr:in-reply-to")
        .map(|element| element.attribute("ref"))
        .collect();
    assert_eq!(
        answers,
        [
            "https://archive.example/sites/courrier/comments/c-4",
            "https://archive.example/sites/courrier/comments/c-1",
            "https://archive.example/v1/sites/courrier/threads/a-1/article",
        ]
    );
    let own = elements
        .iter()
        .find(|element| element.attribute("rel") == "self");
    assert_eq!(
        own.unwrap().attribute("href"),
        "https://archive.example/sites/courrier/threads/a-1/feed.atom"
    );
    for (path, expected) in [
        (
            "/sites/courrier/threads/never/feed.atom",
            StatusCode::NOT_FOUND,
        ),
        ("/sites/courrier/feed.atom?limit=0", StatusCode::BAD_REQUEST),
        (
            "/sites/courrier/feed.atom?limit=101",
            StatusCode::BAD_REQUEST,
        ),
        ("/sites/courrier/feed.atom?limit=x", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(archive.get(path, "").await.0, expected, "{path}");
    }
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_of_a_site_is_exact_over_many_threads() {
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    let mut events = Vec::new();
    // 37 and 60 have no common factor, so every minute is another.
    let mut by_time: Vec<(u32, String)> = Vec::new();
    for n in 0..40_u32 {
        let (id, minute) = (format!("c-{n}"), n * 37 % 60);
        for mut event in [
            comment(&id, None, minute),
            decision(&format!("d-{n}"), &id, "approve"),
        ] {
            event["data"]["article"] = json!(format!("t-{}", n % 7));
            events.push(event);
        }
        by_time.push((minute, id));
    }
    by_time.sort_unstable_by(|left, right| right.cmp(left));
    archive.publish(&events, 80).await;
    for limit in [1, 2, 5, 11, 40] {
        let path = format!("/sites/courrier/feed.atom?limit={limit}");
        let (_, _, body) = request(archive.public.clone(), &path, "").await;
        let ids: Vec<String> = texts(&elements(&body), "id")
            .iter()
            .skip(1)
            .map(|id| id.rsplit('/').next().unwrap().to_owned())
            .collect();
        let expected: Vec<&String> = by_time.iter().map(|(_, id)| id).take(limit).collect();
        assert_eq!(ids.iter().collect::<Vec<_>>(), expected);
    }
    archive.stop().await;
}
