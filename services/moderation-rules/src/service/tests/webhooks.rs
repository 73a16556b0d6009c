//! Webhooks: receivers on this machine that answer as they are told, and a clock that is moved.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::response::{IntoResponse as _, Response};

use super::*;
use crate::config::WebhookConfig;
use crate::webhooks::entry::Class;
use crate::webhooks::guard::{Lookup, system};
use crate::webhooks::send::Sender;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// A request as it came.
#[derive(Clone, Debug)]
struct Seen {
    id: String,
    timestamp: String,
    signature: String,
    content_type: String,
    body: Vec<u8>,
}

impl Seen {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn comment(&self) -> String {
        let body = self.json();
        body["data"]["comment"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    fn verify(&self, secret: &str) -> Result<(), crate::NotVerified> {
        let headers = (&*self.id, &*self.timestamp, &*self.signature);
        let now = self.timestamp.parse().unwrap();
        crate::verify(&Secret::new(secret), headers, &self.body, now)
    }
}

type Answering = Box<dyn Fn(&Seen) -> Response + Send>;

/// Answers as it is told, and remembers what came.
struct Receiver {
    url: String,
    seen: Mutex<Vec<Seen>>,
    answering: Mutex<Answering>,
}

fn status(code: u16) -> Response {
    StatusCode::from_u16(code).unwrap().into_response()
}

impl Receiver {
    async fn start() -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Arc::new(Self {
            url: format!("http://{}/hook", listener.local_addr().unwrap()),
            seen: Mutex::default(),
            answering: Mutex::new(Box::new(|_| status(204))),
        });
        let own = Arc::clone(&receiver);
        let answer = move |request: Request<Body>| {
            let own = Arc::clone(&own);
            async move { own.answer(request).await }
        };
        let router = Router::new().fallback(answer);
        #[expect(clippy::disallowed_methods, reason = "the server ends with its test")]
        tokio::task::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    async fn answer(&self, request: Request<Body>) -> Response {
        let (parts, body) = request.into_parts();
        let text = |name: &str| {
            let value = parts.headers.get(name).map(|value| value.to_str().unwrap());
            value.unwrap_or_default().to_owned()
        };
        let seen = Seen {
            id: text("webhook-id"),
            timestamp: text("webhook-timestamp"),
            signature: text("webhook-signature"),
            content_type: text("content-type"),
            body: to_bytes(body, 1 << 24).await.unwrap().to_vec(),
        };
        let answer = self.answering.lock().unwrap()(&seen);
        self.seen.lock().unwrap().push(seen);
        answer
    }

    fn answers(&self, answering: impl Fn(&Seen) -> Response + Send + 'static) {
        *self.answering.lock().unwrap() = Box::new(answering);
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The comments of what came, in the order in which it came.
    fn comments(&self) -> Vec<String> {
        self.seen().iter().map(Seen::comment).collect()
    }

    async fn has(&self, requests: usize) {
        until("requests", || self.seen().len() >= requests).await;
    }
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..3_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not in 30 s: {what}");
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "every call makes the value in place"
)]
fn webhook(url: &str, more: Value) -> WebhookConfig {
    let mut webhook = json!({
        "name": "cms",
        "url": url,
        "secrets": [SECRET],
        "allow_http": true,
        "allow_private": true,
    });
    for (key, value) in more.as_object().unwrap() {
        webhook[key] = value.clone();
    }
    serde_json::from_value(webhook).unwrap()
}

/// A service with one endpoint, at work.
async fn working(dir: &Path, receiver: &Receiver, more: Value) -> Fixture {
    write_rules(dir, RULES);
    opened(dir, receiver, more, NOON).await
}

async fn opened(dir: &Path, receiver: &Receiver, more: Value, at: &str) -> Fixture {
    let mut config = config(dir);
    config.webhooks = vec![webhook(&receiver.url, more)];
    config.validate().unwrap();
    let fixture = Fixture::open_at(at, config, dir).await;
    let webhooks = fixture.service.admin.webhooks.clone().unwrap();
    webhooks.start(&fixture.context);
    // It has begun once the role's journal says so, too.
    until("began", || !webhooks.acts("cms", 1).unwrap().is_empty()).await;
    let path = "/admin/webhooks/cms";
    let (status, shown) = fixture.request(Method::GET, path, AUDITOR, None).await;
    assert_eq!(status, StatusCode::OK, "{shown}");
    fixture
}

impl Fixture {
    async fn webhook(&self) -> Value {
        let path = "/admin/webhooks/cms";
        let (status, shown) = self.request(Method::GET, path, AUDITOR, None).await;
        assert_eq!(status, StatusCode::OK, "{shown}");
        shown
    }

    async fn deliveries(&self, query: &str) -> Vec<Value> {
        let path = format!("/admin/webhooks/cms/deliveries{query}");
        let (status, page) = self.request(Method::GET, &path, AUDITOR, None).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        page["deliveries"].as_array().unwrap().clone()
    }

    /// Waits until the endpoint shows something.
    async fn shows(&self, name: &str, value: Value) {
        for _ in 0..1_000 {
            if self.webhook().await[name] == value {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{name} is not {value}: {}", self.webhook().await);
    }

    async fn act(&self, act: &str, body: Option<Value>) -> Value {
        let path = format!("/admin/webhooks/cms/{act}");
        let (status, answer) = self.request(Method::POST, &path, ADMIN, body).await;
        assert_eq!(status, StatusCode::OK, "{act}: {answer}");
        answer
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn decisions_are_posted_signed_and_as_they_are_on_the_bus() {
    let dir = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    let more = json!({"secrets": [OTHER, SECRET], "sites": ["courrier"]});
    let fixture = working(dir.path(), &receiver, more).await;
    let elsewhere = comment("c-0", "x", "Hello.", json!({"site": "elsewhere"}));
    fixture.event(elsewhere).await;
    let outgoing = fixture.event(plain("c-1", "A scoundrel wrote it.")).await;
    receiver.has(1).await;
    let seen = receiver.seen().remove(0);
    let decided = |event: &&Outgoing| event.kind == stoa_proto::Kind::CommentDecided;
    let decided = outgoing.iter().find(decided).unwrap();
    assert_eq!(seen.body, decided.body);
    assert_eq!(seen.id, decided.id);
    assert_eq!(
        seen.content_type,
        "application/cloudevents+json; charset=utf-8"
    );
    // While a secret is rolled, either verifies.
    assert_eq!((seen.verify(SECRET), seen.verify(OTHER)), (Ok(()), Ok(())));
    let noon: jiff::Timestamp = NOON.parse().unwrap();
    assert_eq!(seen.timestamp, noon.as_second().to_string());
    fixture.shows("delivered", json!(1)).await;
    fixture.shows("unread", json!(0)).await;
    let log = fixture.deliveries("").await;
    assert_eq!(log.len(), 1, "{log:?}");
    assert_eq!(log[0]["event"], decided.id.as_str());
    assert_eq!(
        (&log[0]["result"], &log[0]["status"]),
        (&json!("ok"), &json!(204))
    );
    assert_eq!(receiver.comments(), ["c-1"]);
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cases_sanctions_and_the_past_are_sent_to_whoever_asks_for_them() {
    let dir = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    let fixture = Fixture::new(dir.path()).await;
    fixture.event(plain("c-1", "A scoundrel wrote it.")).await;
    fixture.stop().await;
    let more = json!({"events": ["case.opened", "author.sanctioned"], "from": "beginning"});
    let fixture = opened(dir.path(), &receiver, more, NOON).await;
    receiver.has(1).await;
    let sanction = json!({"sanction": "premoderate", "reason": "Spam."});
    let path = "/admin/authors/courrier/author-of-c-1/sanctions";
    let (status, answer) = fixture.post(path, MODERATOR, sanction).await;
    assert!(status.is_success(), "{answer}");
    receiver.has(2).await;
    let kinds: Vec<_> = receiver
        .seen()
        .iter()
        .map(|seen| seen.json()["type"].clone())
        .collect();
    assert_eq!(kinds, ["stoa.case.opened.v1", "stoa.author.sanctioned.v1"]);
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_event_is_retried_while_others_go_on_given_up_and_replayed() {
    let dir = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    receiver.answers(|seen| status(if seen.comment() == "c-1" { 422 } else { 200 }));
    let fixture = working(dir.path(), &receiver, json!({"concurrent": 1})).await;
    fixture.event(plain("c-1", "One.")).await;
    fixture.event(plain("c-2", "Two.")).await;
    receiver.has(2).await;
    assert_eq!(receiver.comments(), ["c-1", "c-2"]);
    fixture.shows("retrying", json!(1)).await;
    // Ten attempts in all, and no other before its time has come.
    for attempt in 2..=10 {
        let before = receiver.seen().len();
        fixture.clock.advance(Duration::from_hours(27));
        receiver.has(before + 1).await;
        let expected = json!(u64::from(attempt == 10));
        fixture.shows("given_up", expected).await;
        // Somebody else's success says that the endpoint is well.
        fixture.event(plain(&format!("d-{attempt}"), "More.")).await;
        receiver.has(before + 2).await;
    }
    fixture.shows("retrying", json!(0)).await;
    let given_up = fixture.deliveries("?outcome=given_up").await;
    assert_eq!(given_up.len(), 1);
    assert_eq!(given_up[0]["attempt"], 10);
    let refused = fixture.deliveries("?result=refused").await;
    assert_eq!(refused.len(), 10);
    let first = &refused[9]["next_attempt"];
    assert!(
        first.as_str().unwrap().starts_with("2026-11-24T12:00:05"),
        "{first}"
    );

    // By its id, and as one of those that were given up.
    receiver.answers(|_| status(200));
    let id = given_up[0]["event"].clone();
    let before = receiver.seen().len();
    assert_eq!(
        fixture.act("replay", Some(json!({"event": id}))).await["events"],
        1
    );
    receiver.has(before + 1).await;
    let seen = receiver.seen();
    assert_eq!(json!(seen.last().unwrap().id), id);
    assert_eq!(seen.last().unwrap().comment(), "c-1");
    fixture.shows("retrying", json!(0)).await;
    let none = json!({"since": NOON, "given_up": true});
    assert_eq!(fixture.act("replay", Some(none)).await["events"], 0);
    // Everything of a time.
    let all = json!({"since": "2026-11-24T11:00:00Z"});
    assert_eq!(fixture.act("replay", Some(all)).await["events"], 11);
    receiver.has(before + 12).await;
    let ids: BTreeSet<_> = receiver.seen().into_iter().map(|seen| seen.id).collect();
    assert_eq!(ids.len(), 11);
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gone_disables_and_enabling_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    receiver.answers(|_| status(410));
    let fixture = working(dir.path(), &receiver, json!({"concurrent": 1})).await;
    fixture.event(plain("c-1", "One.")).await;
    fixture.shows("state", json!("disabled")).await;
    assert_eq!(fixture.webhook().await["disabled"]["why"], "gone");
    fixture.event(plain("c-2", "Two.")).await;
    fixture.clock.advance(Duration::from_hours(24));
    // A ping reaches it all the same, and changes nothing.
    let tested = fixture.act("test", None).await;
    assert_eq!(
        (&tested["result"], &tested["status"]),
        (&json!("gone"), &json!(410))
    );
    assert_eq!(receiver.seen().len(), 2);
    let ping = receiver.seen().remove(1);
    assert_eq!(ping.verify(SECRET), Ok(()));
    assert_eq!(ping.json()["type"], "stoa.webhook.ping.v1");
    assert_eq!(fixture.webhook().await["state"], "disabled");
    receiver.answers(|_| status(200));
    assert_eq!(fixture.act("enable", None).await["state"], "up");
    receiver.has(4).await;
    assert_eq!(receiver.comments()[2..], ["c-1", "c-2"]);
    fixture.shows("delivered", json!(2)).await;
    let up = [("endpoint", "cms")];
    for _ in 0..500 {
        if fixture.metric("stoa_webhook_endpoint_up", &up) == Some(1.0) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(fixture.metric("stoa_webhook_endpoint_up", &up), Some(1.0));
    assert_eq!(
        fixture.metric("stoa_webhook_endpoint_disabled", &up),
        Some(0.0)
    );
    let gone = [("endpoint", "cms"), ("result", "gone")];
    assert_eq!(
        fixture.metric("stoa_webhook_deliveries_total", &gone),
        Some(2.0)
    );
    let acts = fixture.webhook().await["acts"].clone();
    let acts: Vec<_> = acts
        .as_array()
        .unwrap()
        .iter()
        .map(|act| (&act["act"], &act["by"]))
        .collect();
    let expected = [("enabled", "ada"), ("tested", "ada"), ("began", "stoa")];
    assert_eq!(acts.len(), 3);
    for (act, (what, by)) in acts.iter().zip(expected) {
        assert_eq!((act.0, act.1), (&json!(what), &json!(by)));
    }
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_is_waited_for_as_long_as_the_receiver_says() {
    let dir = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    receiver.answers(|_| ([("retry-after", "120")], status(429)).into_response());
    let fixture = working(dir.path(), &receiver, json!({"concurrent": 1})).await;
    fixture.event(plain("c-1", "One.")).await;
    fixture
        .shows("paused_until", json!("2026-11-24T12:02:00Z"))
        .await;
    fixture.event(plain("c-2", "Two.")).await;
    receiver.answers(|_| status(200));
    fixture.clock.advance(Duration::from_secs(119));
    fixture.shows("ready", json!(1)).await;
    assert_eq!(receiver.seen().len(), 1);
    fixture.clock.advance(Duration::from_secs(1));
    receiver.has(3).await;
    assert_eq!(receiver.comments(), ["c-1", "c-1", "c-2"]);
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn days_of_failures_disable_it_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    receiver.answers(|_| status(500));
    let more = json!({"disable_after": "1d", "concurrent": 1});
    let fixture = working(dir.path(), &receiver, more).await;
    let events: Vec<_> = (0..40).map(|n| plain(&format!("c-{n}"), "Well.")).collect();
    fixture.events(events).await;
    fixture.shows("state", json!("failing")).await;
    assert_eq!(receiver.seen().len(), 5);
    // It is left alone for longer and longer, and tried with one event at a time.
    for hour in 0..12 {
        let tried = receiver.seen().len();
        assert_eq!(fixture.webhook().await["state"], "failing", "{hour}");
        fixture.clock.advance(Duration::from_hours(2));
        receiver.has(tried + 1).await;
        fixture.shows("retrying", json!(tried + 1)).await;
        assert_eq!(receiver.seen().len(), tried + 1);
    }
    fixture.shows("state", json!("disabled")).await;
    assert_eq!(fixture.webhook().await["disabled"]["why"], "failing");
    receiver.answers(|_| status(200));
    fixture.act("enable", None).await;
    fixture.shows("delivered", json!(40)).await;
    let ids: BTreeSet<_> = receiver.seen().into_iter().map(|seen| seen.id).collect();
    assert_eq!(ids.len(), 40);
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_goes_on_with_what_waits_and_repeats_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    receiver.answers(|seen| status(if seen.comment() == "c-3" { 400 } else { 200 }));
    let fixture = working(dir.path(), &receiver, json!({})).await;
    let events: Vec<_> = (0..20).map(|n| plain(&format!("c-{n}"), "Well.")).collect();
    fixture.events(events).await;
    fixture.shows("delivered", json!(19)).await;
    fixture.stop().await;
    receiver.answers(|_| status(200));
    let fixture = opened(dir.path(), &receiver, json!({}), "2026-11-24T12:00:06Z").await;
    fixture.shows("delivered", json!(20)).await;
    fixture.event(plain("c-20", "Well.")).await;
    fixture.shows("delivered", json!(21)).await;
    let comments = receiver.comments();
    assert_eq!(comments.len(), 22, "{comments:?}");
    assert_eq!(
        comments.iter().filter(|comment| *comment == "c-3").count(),
        2
    );
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_that_is_lost_or_damaged_does_not_send_the_past_again() {
    for is_damaged in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let receiver = Receiver::start().await;
        let more = json!({"from": "beginning"});
        let fixture = working(dir.path(), &receiver, more.clone()).await;
        fixture.event(plain("c-1", "One.")).await;
        fixture.shows("delivered", json!(1)).await;
        fixture.stop().await;
        let folder = dir.path().join("moderation/webhooks");
        if is_damaged {
            let segment = std::fs::read_dir(&folder)
                .unwrap()
                .map(|entry| entry.unwrap().path());
            let segment = segment
                .max_by_key(|path| path.metadata().unwrap().len())
                .unwrap();
            let mut bytes = std::fs::read(&segment).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            std::fs::write(&segment, bytes).unwrap();
        } else {
            std::fs::remove_dir_all(&folder).unwrap();
        }
        let fixture = opened(dir.path(), &receiver, more, NOON).await;
        fixture.shows("lost", json!(true)).await;
        fixture.event(plain("c-2", "Two.")).await;
        fixture.shows("delivered", json!(1)).await;
        assert_eq!(receiver.comments(), ["c-1", "c-2"]);
        // The log is gone with it, and a decision is found all the same.
        let first = json!({"event": receiver.seen()[0].id});
        assert_eq!(fixture.act("replay", Some(first)).await["events"], 1);
        receiver.has(3).await;
        assert_eq!(receiver.comments()[2], "c-1");
        fixture.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redirects_floods_and_silence_are_failures_or_harmless() {
    for (manner, result) in [
        ("redirect", "redirect"),
        ("flood", "ok"),
        ("silence", "timeout"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let (receiver, trap) = (Receiver::start().await, Receiver::start().await);
        let target = trap.url.clone();
        receiver.answers(move |_| match manner {
            "redirect" => (
                StatusCode::TEMPORARY_REDIRECT,
                [("location", target.clone())],
            )
                .into_response(),
            "flood" => {
                let chunk = || Ok::<_, std::io::Error>(vec![b'x'; 65_536]);
                Body::from_stream(futures_util::stream::repeat_with(chunk)).into_response()
            }
            _ => {
                let never = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
                std::thread::sleep(Duration::from_secs(2));
                Body::from_stream(never).into_response()
            }
        });
        let fixture = working(dir.path(), &receiver, json!({"timeout": "1s"})).await;
        fixture.event(plain("c-1", "One.")).await;
        receiver.has(1).await;
        for _ in 0..500 {
            if !fixture.deliveries("").await.is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let log = fixture.deliveries("").await;
        assert_eq!(log[0]["result"], result, "{log:?}");
        assert!(log[0]["duration_ms"].as_u64().unwrap() < 5_000);
        assert!(trap.seen().is_empty());
        fixture.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn auditors_read_and_admins_for_all_sites_act() {
    let dir = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    let fixture = working(dir.path(), &receiver, json!({})).await;
    for path in ["", "/cms", "/cms/deliveries"] {
        for (token, expected) in [
            (AUDITOR, StatusCode::OK),
            (ADMIN, StatusCode::OK),
            (MODERATOR, StatusCode::FORBIDDEN),
            (LOCAL_ADMIN, StatusCode::FORBIDDEN),
            ("who", StatusCode::UNAUTHORIZED),
        ] {
            let path = format!("/admin/webhooks{path}");
            let (status, body) = fixture.request(Method::GET, &path, token, None).await;
            assert_eq!(status, expected, "{path} {token}: {body}");
            assert!(!body.to_string().contains(SECRET));
        }
    }
    for act in ["test", "replay", "enable", "disable"] {
        let path = format!("/admin/webhooks/cms/{act}");
        for token in [AUDITOR, EDITOR, LOCAL_ADMIN] {
            let (status, _) = fixture.post(&path, token, json!({"event": "d-0"})).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{act} {token}");
        }
        let path = format!("/admin/webhooks/other/{act}");
        let (status, _) = fixture.post(&path, ADMIN, json!({"event": "d-0"})).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{act}");
    }
    for (body, expected) in [
        (json!({"event": "d-0"}), StatusCode::NOT_FOUND),
        (
            json!({"event": format!("decided-d-{}", "0".repeat(32))}),
            StatusCode::NOT_FOUND,
        ),
        (json!({}), StatusCode::BAD_REQUEST),
        (
            json!({"event": "d-0", "since": NOON}),
            StatusCode::BAD_REQUEST,
        ),
        (
            json!({"since": NOON, "until": NOON}),
            StatusCode::BAD_REQUEST,
        ),
    ] {
        let (status, answer) = fixture
            .post("/admin/webhooks/cms/replay", ADMIN, body)
            .await;
        assert_eq!(status, expected, "{answer}");
    }
    let acts = fixture.webhook().await["acts"].clone();
    assert_eq!(acts.as_array().unwrap().len(), 1, "{acts}");
    fixture.act("disable", None).await;
    fixture.event(plain("c-1", "One.")).await;
    // That it was disabled is a record of the journal, too.
    let shown = fixture.webhook().await;
    assert_eq!(
        (&shown["state"], &shown["unread"]),
        (&json!("disabled"), &json!(2)),
        "{shown}"
    );
    assert!(receiver.seen().is_empty());
    fixture.stop().await;
}

/// A resolver that answers one list after the other, and counts how often it is asked.
fn answering(lists: &'static [&'static [&'static str]]) -> (Lookup, Arc<Mutex<usize>>) {
    let asked = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&asked);
    let lookup: Lookup = Arc::new(move |_| {
        let mut asked = counted.lock().unwrap();
        let list = lists[(*asked).min(lists.len() - 1)];
        *asked += 1;
        let list = list.iter().map(|address| address.parse().unwrap());
        let list = list.collect();
        Box::pin(async move { Ok(list) })
    });
    (lookup, asked)
}

#[tokio::test]
async fn a_name_is_asked_once_and_what_it_may_not_be_is_never_connected_to() {
    let receiver = Receiver::start().await;
    let port = receiver.url.split(':').nth(2).unwrap();
    let url = format!("http://cms.example:{port}");
    let send = |lookup: Lookup, more: Value| {
        let sender = Sender::new(&webhook(&url, more), 0, lookup).unwrap();
        async move {
            let mut classes = Vec::new();
            for _ in 0..2 {
                let answer = sender.send("e-1", "{}".into(), 0).await;
                classes.push(answer.class);
            }
            classes
        }
    };
    // Private addresses are not used unless that is allowed, whatever else is in the answer.
    let (lookup, _) = answering(&[&["127.0.0.1"], &["::ffff:127.0.0.1", "10.0.0.1", "::1"]]);
    let classes = send(lookup, json!({"allow_private": false})).await;
    assert_eq!(classes, [Class::Blocked, Class::Blocked]);
    assert!(receiver.seen().is_empty());
    // Allowed, it is what was looked at that is connected to: the other answers are left out.
    receiver.answers(|_| ([("connection", "close")], status(200)).into_response());
    let (lookup, asked) = answering(&[&["169.254.169.254", "127.0.0.1"], &["169.254.169.254"]]);
    let classes = send(lookup, json!({})).await;
    assert_eq!(classes, [Class::Ok, Class::Blocked]);
    assert_eq!((receiver.seen().len(), *asked.lock().unwrap()), (1, 2));
    // An address in place of a name is looked at, too, without a resolver.
    for host in [
        "127.0.0.1",
        "[::1]",
        "2130706433",
        "[::ffff:7f00:1]",
        "169.254.169.254",
    ] {
        let url = format!("http://{host}:{port}/");
        let config = webhook(&url, json!({"allow_private": false}));
        let sender = Sender::new(&config, 0, system()).unwrap();
        let answer = sender.send("e-1", "{}".into(), 0).await;
        assert_eq!(answer.class, Class::Blocked, "{host}");
    }
    let url = format!("http://localhost:{port}/");
    let config = webhook(&url, json!({"allow_private": false}));
    let sender = Sender::new(&config, 0, system()).unwrap();
    assert_eq!(
        sender.send("e-1", "{}".into(), 0).await.class,
        Class::Blocked
    );
    assert_eq!(receiver.seen().len(), 1);
}
