//! A trace that a platform began goes on: from a request or a message to every event that follows.
#![expect(
    clippy::indexing_slicing,
    reason = "a test that can't go on has failed"
)]

use lapin::types::AMQPValue;
use serde_json::{Value, json};
use stoa_tests::broker::Platform;
use stoa_tests::{Bus, PATIENCE, Stack, Vhost, comment};

const EVENT: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";

fn parent(n: u32) -> String {
    format!("00-0af7651916cd43dd8448eb211c803{n:03}-b7ad6b7169203331-01")
}

/// A comment that opens no case, so that one decision follows from it.
fn plain(n: u32, attribute: Option<String>) -> Value {
    let mut event = comment("t", &format!("c-{n}"), None, "bonjour à tous");
    if let Some(traceparent) = attribute {
        event["traceparent"] = json!(traceparent);
    }
    event
}

#[test]
fn amqp_decisions_have_the_trace_of_their_comment() {
    let vhost = Vhost::new();
    let stack = Stack::start(Bus::Amqp(vhost.url.clone()));
    let mut platform = Platform::listening_to(&vhost, "stoa.decisions");
    let header = |n| AMQPValue::LongString(parent(n).into());
    let name = "traceparent";
    let post = |headers: &[(&str, &str)], event: String| {
        assert_eq!(stack.post_with(headers, event).0, 202);
    };
    // The attribute, a header of the request for one or several events, and both: the attribute counts.
    post(
        &[("content-type", EVENT)],
        plain(1, Some(parent(1))).to_string(),
    );
    post(
        &[("content-type", EVENT), (name, &parent(2))],
        plain(2, None).to_string(),
    );
    let batch = json!([plain(3, None), plain(4, Some(parent(4)))]).to_string();
    post(&[("content-type", BATCH), (name, &parent(3))], batch);
    // None, and one that is none.
    post(&[("content-type", EVENT)], plain(5, None).to_string());
    post(
        &[("content-type", EVENT), (name, "00-0-0-01")],
        plain(6, None).to_string(),
    );
    // The header of a message.
    let headers = [(name.to_owned(), header(7))];
    platform.publish(EVENT, &headers, plain(7, None).to_string().as_bytes());
    let headers = [(name.to_owned(), header(9))];
    platform.publish(
        EVENT,
        &headers,
        plain(8, Some(parent(8))).to_string().as_bytes(),
    );
    // The same event in another trace is a repeat, and stays in the first.
    post(
        &[("content-type", EVENT), (name, &parent(9))],
        plain(1, None).to_string(),
    );

    let mut heard = std::collections::BTreeMap::new();
    while heard.len() < 8 {
        let (event, header) = platform.with_header(PATIENCE, name).unwrap();
        assert_eq!(event["type"], "stoa.comment.decided.v1", "{event}");
        let comment = event["data"]["comment"].as_str().unwrap().to_owned();
        let attribute = event[name].as_str().map(str::to_owned);
        assert_eq!(attribute, header, "{comment}");
        heard.insert(comment, attribute);
    }
    for n in 1..=8 {
        let expected = (![5, 6].contains(&n)).then(|| parent(n));
        assert_eq!(heard[&format!("c-{n}")], expected, "c-{n}");
    }
}
