//! Strings that software trips over: each comes back from the archive as it was sent, or is refused.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that can't go on has failed"
)]

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stoa_tests::broker::Platform;
use stoa_tests::hostile::{BATCH, blank, normal, visible};
use stoa_tests::{Bus, Stack, Vhost, comment};

const THREAD: &str = "naughty";

/// Why a string can't be an id; the contract: 1 to 256 bytes, no control characters.
fn as_id(text: &str) -> Option<&'static str> {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    match text.len() {
        257.. => Some("too_large"),
        0 => Some("invalid_field"),
        _ => text.contains(breaks).then_some("invalid_field"),
    }
}

/// An event with the code and the field by which it is refused.
struct Sent {
    event: Value,
    refused: Option<(&'static str, &'static str)>,
}

/// Every string as a body, as a name and as an id of an event each.
fn events() -> Vec<Sent> {
    let strings = visible().into_iter().map(|text| (text, false));
    let strings = strings.chain(blank().into_iter().map(|text| (text, true)));
    let mut all = Vec::new();
    for (n, (text, is_blank)) in strings.enumerate() {
        let event = comment(THREAD, &format!("body-{n}"), None, &text);
        let refused = is_blank.then_some(("invalid_field", "data.body"));
        all.push(Sent { event, refused });

        let mut event = comment(THREAD, &format!("name-{n}"), None, "bonjour");
        event["data"]["author"]["display_name"] = json!(text);
        event["data"]["author"]["name"] = json!(text);
        let refused = (text.len() > 1_024).then_some(("too_large", "data.author.display_name"));
        all.push(Sent { event, refused });

        let mut event = comment(THREAD, &format!("id-{n}"), None, "bonjour");
        event["data"]["comment"] = json!(text);
        event["data"]["author"]["id"] = json!(format!("u-{n}"));
        let refused = as_id(&text).map(|code| (code, "data.comment"));
        all.push(Sent { event, refused });
    }
    all
}

/// Reads every page of a thread, by comment.
fn archived(stack: &Stack, n_comments: usize) -> BTreeMap<String, Value> {
    stack.decided("journal", THREAD, n_comments.min(1_000));
    let mut all = BTreeMap::new();
    let url = format!(
        "{}/v1/sites/journal/threads/{THREAD}?limit=250",
        stack.archive()
    );
    let mut page = stack.get(&url);
    loop {
        for comment in page["comments"].as_array().unwrap() {
            all.insert(
                comment["comment"].as_str().unwrap().to_owned(),
                comment.clone(),
            );
        }
        let Some(next) = page["next"].as_str() else {
            return all;
        };
        let address = reqwest::Url::parse_with_params(&url, [("after", next)]).unwrap();
        page = stack.get(address.as_str());
    }
}

/// Compares a comment in the archive with what was sent.
fn same(sent: &Value, found: &Value) {
    let data = &sent["data"];
    assert_eq!(found["body"], data["body"], "the original is kept");
    let text = normal(data["body"].as_str().unwrap());
    assert_eq!(found["text"], text, "{sent}");
    for name in ["id", "display_name", "name"] {
        assert_eq!(found["author"][name], data["author"][name], "{sent}");
    }
    let verdict = found["decision"]["verdict"].as_str();
    assert!(
        matches!(verdict, Some("approve" | "hold" | "reject")),
        "{found}"
    );
}

/// Checks a comment's own page and what it is under its address, whatever its id is.
fn has_an_address(stack: &Stack, id: &str) {
    let mut url = reqwest::Url::parse(&stack.archive()).unwrap();
    let path = ["v1", "sites", "journal", "comments", id];
    url.path_segments_mut().unwrap().extend(path);
    let found = stack.get(url.as_str());
    assert_eq!(found["comment"], id, "{url}");
}

fn checks_what_comes_back(stack: &Stack, sent: &[Sent]) {
    let accepted: Vec<&Sent> = sent.iter().filter(|sent| sent.refused.is_none()).collect();
    let archived = archived(stack, accepted.len());
    assert_eq!(archived.len(), accepted.len());
    for sent in accepted {
        let id = sent.event["data"]["comment"].as_str().unwrap();
        same(&sent.event, &archived[id]);
        // No client asks for these: every one takes them for a folder.
        if id != "." && id != ".." {
            has_an_address(stack, id);
        }
    }
    no_markup_reaches_a_page(stack);
}

fn no_markup_reaches_a_page(stack: &Stack) {
    let (status, page) = stack.get_text(
        &format!("{}/sites/journal/threads/{THREAD}", stack.archive()),
        true,
    );
    assert_eq!(status, 200);
    for markup in [
        "<script>kanari",
        "<img src=x",
        "<svg/onload",
        "<iframe",
        "<b onmouseover",
        "\u{1b}",
    ] {
        assert!(!page.contains(markup), "{markup}");
    }
    assert!(page.contains("&lt;img src=x"), "it is shown as text");
    assert!(!page.contains("href=\"javascript:"), "a link that runs");
}

#[test]
fn strings_come_back_or_are_refused_over_http() {
    let stack = Stack::start(Bus::Embedded);
    let sent = events();
    assert!(sent.len() > 3 * 250, "{}", sent.len());
    for part in sent.chunks(500) {
        let events: Vec<&Value> = part.iter().map(|sent| &sent.event).collect();
        let (status, answer) = stack.post(BATCH, json!(events).to_string());
        assert_eq!(status, 202, "{answer}");
        let found: BTreeMap<u64, Value> = answer["rejected"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (one["index"].as_u64().unwrap(), one.clone()))
            .collect();
        for (index, sent) in (0..).zip(part) {
            let refused = found.get(&index).map(|one| (&one["code"], &one["field"]));
            let expected = sent
                .refused
                .map(|(code, field)| (json!(code), json!(field)));
            let expected = expected.as_ref().map(|(code, field)| (code, field));
            assert_eq!(refused, expected, "{}", sent.event);
        }
    }
    checks_what_comes_back(&stack, &sent);
}

#[test]
fn amqp_strings_come_back_or_are_refused_over_the_broker() {
    let vhost = Vhost::new();
    let stack = Stack::start(Bus::Amqp(vhost.url.clone()));
    let mut platform = Platform::listening_to(&vhost, "stoa.rejected");
    let sent = events();
    for part in sent.chunks(100) {
        let events: Vec<&Value> = part.iter().map(|sent| &sent.event).collect();
        platform.publish(BATCH, &[], json!(events).to_string().as_bytes());
    }
    let mut expected: BTreeMap<String, Value> = sent
        .iter()
        .filter_map(|sent| {
            let id = sent.event["id"].as_str().unwrap().to_owned();
            Some((id, sent.refused.map(|(code, field)| json!([code, field]))?))
        })
        .collect();
    while !expected.is_empty() {
        let data = platform.hear()["data"].clone();
        let wanted = expected.remove(data["id"].as_str().unwrap());
        assert_eq!(wanted, Some(json!([data["code"], data["field"]])), "{data}");
    }
    checks_what_comes_back(&stack, &sent);
}
