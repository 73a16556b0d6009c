//! Bad input in the shapes of other services and of platforms' webhooks: it is refused or judged, and harms nothing.
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::blocking::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use sha2::Sha256;
use stoa_tests::hostile::{CANARY, EVENT, SITE, blank, cases, visible};
use stoa_tests::{Bus, Stack, TOKEN, comment};

const FORUM: &str = "forum-0123456789abcdef";
const REMARK: &str = "remark-0123456789abcdef";
const BLOG: &str = "blog-0123456789abcdef";
const CORAL: &str = "coral-0123456789abcdef";

fn signature(secret: &str, body: &[u8]) -> String {
    let mut code = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    code.update(body);
    let code = code.finalize().into_bytes();
    let hex: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

fn start() -> Stack {
    let mut stack = Stack::prepare(Bus::Embedded, tempfile::tempdir().unwrap());
    let config = stack.folder.path().join("config");
    std::fs::create_dir(&config).unwrap();
    let source = "https://journal.example/comments";
    let mut ingest = format!("[[sites]]\nid = \"{SITE}\"\nsources = [\"{source}\"]\n");
    for (kind, secret) in [
        ("discourse", FORUM),
        ("remark42", REMARK),
        ("wordpress", BLOG),
    ] {
        ingest.push_str(&format!(
            "[[webhooks]]\nname = \"{kind}\"\nkind = \"{kind}\"\nsite = \"{SITE}\"\nsource = \"{source}\"\n\
             secrets = [\"{secret}\"]\n"
        ));
    }
    let moderation = format!(
        "[compat]\nsite = \"{SITE}\"\n[[compat.coral]]\nsite = \"{SITE}\"\nsecrets = [\"{CORAL}\"]\n"
    );
    for (role, text) in [
        ("ingest", ingest.as_str()),
        ("moderation-rules", &moderation),
        ("console", ""),
        ("archive", ""),
    ] {
        std::fs::write(config.join(format!("{role}.toml")), text).unwrap();
    }
    stack.configure(&config);
    stack.launch_all();
    stack
}

/// A way in: what is sent for a text, and the request for a body.
struct Way {
    name: &'static str,
    /// The body of a request that has the text in it.
    says: fn(&str) -> Vec<u8>,
    /// The request for a body.
    asks: fn(&Client, &Stack, &[u8]) -> RequestBuilder,
}

fn moderation(stack: &Stack, path: &str) -> String {
    format!("http://127.0.0.1:{}{path}", stack.port + 1)
}

/// Every way in, with whoever may use it.
fn ways() -> Vec<Way> {
    vec![
        Way {
            name: "perspective",
            says: |text| {
                let asks = json!({"comment": {"text": text}, "requestedAttributes": {"TOXICITY": {}},
                                  "spanAnnotations": true});
                asks.to_string().into_bytes()
            },
            asks: |client, stack, body| {
                let path = format!("/v1alpha1/comments:analyze?key={TOKEN}");
                client.post(moderation(stack, &path)).body(body.to_vec())
            },
        },
        Way {
            name: "openai",
            says: |text| json!({"input": [text]}).to_string().into_bytes(),
            asks: |client, stack, body| {
                let url = moderation(stack, "/v1/moderations");
                client.post(url).bearer_auth(TOKEN).body(body.to_vec())
            },
        },
        Way {
            name: "akismet",
            says: |text| {
                let mut form = reqwest::Url::parse("http://x/").unwrap();
                form.query_pairs_mut()
                    .append_pair("api_key", TOKEN)
                    .append_pair("blog", text)
                    .append_pair("user_ip", text)
                    .append_pair("permalink", text)
                    .append_pair("comment_author", text)
                    .append_pair("comment_content", text);
                form.query().unwrap().as_bytes().to_vec()
            },
            asks: |client, stack, body| {
                let url = moderation(stack, "/1.1/comment-check");
                client.post(url).body(body.to_vec())
            },
        },
        Way {
            name: "coral",
            says: |text| {
                let asks = json!({"action": "NEW", "comment": {"body": text, "parentID": text},
                                  "author": {"id": text, "role": text}, "story": {"id": text}});
                asks.to_string().into_bytes()
            },
            asks: |client, stack, body| {
                let url = moderation(stack, "/v1/compat/coral");
                let request = client.post(url).body(body.to_vec());
                request.header("x-coral-signature", signature(CORAL, body))
            },
        },
        Way {
            name: "discourse",
            says: |text| {
                let post = json!({"post": {"id": 1, "topic_id": 1, "post_number": 1, "user_id": 1, "username": text,
                                           "raw": text, "topic_slug": text, "created_at": text}});
                post.to_string().into_bytes()
            },
            asks: |client, stack, body| {
                let url = format!("{}/v1/webhooks/discourse", stack.ingest());
                let request = client.post(url).body(body.to_vec());
                request
                    .header("x-discourse-event", "post_created")
                    .header("x-discourse-event-signature", signature(FORUM, body))
            },
        },
        Way {
            name: "remark42",
            says: |text| {
                let comment = json!({"id": text, "pid": text, "text": text, "user": {"id": text, "name": text},
                                     "locator": {"url": text}, "time": text, "edit": {"time": text}});
                comment.to_string().into_bytes()
            },
            asks: |client, stack, body| {
                let url = format!("{}/v1/webhooks/remark42?token={REMARK}", stack.ingest());
                client.post(url).body(body.to_vec())
            },
        },
        Way {
            name: "wordpress",
            says: |text| {
                let comment = json!([{"id": text, "post": 1, "author_name": text, "author_email": text,
                                      "content": {"raw": text}, "date_gmt": text, "modified_gmt": text}]);
                comment.to_string().into_bytes()
            },
            asks: |client, stack, body| {
                let url = format!("{}/v1/webhooks/wordpress", stack.ingest());
                client
                    .post(url)
                    .header("x-stoa-secret", BLOG)
                    .body(body.to_vec())
            },
        },
    ]
}

/// Checks that an answer is one: no failure of the service, in a shape, and without the words that were sent.
fn is_answer(name: &str, what: &str, response: Response) -> u16 {
    let status = response.status();
    assert!(
        !status.is_server_error(),
        "{name} answers {status} to {what}"
    );
    let text = response.text().unwrap();
    assert!(!text.contains(CANARY), "{name} repeats {what}: {text}");
    status.as_u16()
}

#[test]
fn bad_input_is_answered_and_harms_nothing() {
    let mut stack = start();
    let client = Client::new();
    let mut statuses: BTreeMap<(&str, u16), usize> = BTreeMap::new();
    let cases = cases();
    for way in ways() {
        for case in &cases {
            let request = (way.asks)(&client, &stack, &case.body);
            let status = is_answer(way.name, &case.name, request.send().unwrap());
            *statuses.entry((way.name, status)).or_default() += 1;
        }
        for text in visible().into_iter().chain(blank()) {
            let body = (way.says)(&format!("{text}{CANARY}"));
            let request = (way.asks)(&client, &stack, &body);
            is_answer(way.name, &text, request.send().unwrap());
            let body = (way.says)(&text);
            let request = (way.asks)(&client, &stack, &body);
            is_answer(way.name, &text, request.send().unwrap());
        }
    }
    // An event is nothing that anybody else speaks, whatever it is: none is taken for a comment.
    for (name, statuses_of) in [
        ("perspective", &[400, 413][..]),
        ("openai", &[400, 413]),
        ("akismet", &[200, 413]),
        ("coral", &[200, 413]),
        ("discourse", &[200, 400, 413]),
        ("remark42", &[202, 400, 413]),
        ("wordpress", &[200, 202, 400, 413]),
    ] {
        let mut found = statuses.iter().filter(|((of, _), _)| *of == name);
        assert!(
            found.all(|((_, status), _)| statuses_of.contains(status)),
            "{name}: {statuses:?}"
        );
    }
    assert!(stack.is_well(), "a process is gone or not ready");
    let event = comment("after", "c-after", None, "bonjour").to_string();
    let (status, answer) = stack.post(EVENT, event);
    assert_eq!((status, &answer["accepted"]), (202, &json!(1)), "{answer}");
    let thread: Value = stack.decided(SITE, "after", 1);
    assert_eq!(thread["comments"][0]["text"], "bonjour");
    for log in stack.logs() {
        let text = std::fs::read_to_string(&log).unwrap();
        for said in [CANARY, FORUM, REMARK, BLOG, CORAL, TOKEN] {
            assert!(!text.contains(said), "{}: {said}", log.display());
        }
    }
}
