use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request};
use serde_json::{Value, json};
use stoa_bus::{
    BatchLimits, Bus, EmbeddedConfig, Env, EventHandler, Events, HandlerError, Outcome,
};
use stoa_daemon::Clock;
use stoa_daemon::auth::TokenConfig;
use stoa_daemon::config::Secret;
use stoa_proto::{Data, Event, Exchange, Outgoing, Reader, Received};
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::*;

const ADMIN: &str = "admin-token-of-the-tests";
const MODERATOR: &str = "moderator-token-of-the-tests";
const VIEWER: &str = "viewer-token-of-the-tests";
const FOREIGN: &str = "foreign-admin-of-the-tests";

/// Refuses the events of one author until it is mended.
struct Handler(Arc<AtomicBool>);

impl EventHandler for Handler {
    async fn handle(&mut self, events: Vec<Received>) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for event in events {
            if event.id.starts_with("bad") && !self.0.load(Ordering::SeqCst) {
                outcomes.push(Err(HandlerError::Reject(
                    "never seen such a thing".to_owned(),
                )));
                break;
            }
            outcomes.push(Ok(Vec::new()));
        }
        outcomes
    }
}

struct Running {
    router: Router,
    context: Context,
    parking: Parking,
    bus: Bus,
    mended: Arc<AtomicBool>,
    _dir: TempDir,
}

fn token(name: &str, role: Role, secret: &str, site: &str) -> TokenConfig {
    TokenConfig {
        sites: vec![site.to_owned()],
        ..TokenConfig::from_secret(name, role, Secret::new(secret))
    }
}

impl Running {
    async fn start() -> Self {
        let dir = TempDir::new().unwrap();
        let clock = Clock::fixed("2026-11-24T12:00:00Z".parse().unwrap());
        let context = Context::new("archive", clock);
        let env = Env {
            tasks: context.tasks.clone(),
            shutdown: context.shutdown.clone(),
            registry: context.registry.clone(),
            clock: context.clock.micros_fn(),
        };
        let bus = Bus::embedded(&dir.path().join("bus"), EmbeddedConfig::default(), env).unwrap();
        let amqp = stoa_bus::AmqpConfig::default();
        let parking = crate::open(Reader::Archive, dir.path(), &amqp, 0, &context)
            .await
            .unwrap();
        let tokens = Tokens::new(&[
            token("ada", Role::Admin, ADMIN, "*"),
            token("moderator", Role::Moderator, MODERATOR, "*"),
            token("viewer", Role::Viewer, VIEWER, "courrier"),
            token("foreign", Role::Admin, FOREIGN, "elsewhere"),
        ])
        .unwrap();
        let mended = Arc::new(AtomicBool::new(false));
        let handler = Events(Handler(Arc::clone(&mended)));
        let (reading, parked) = (bus.clone(), parking.clone());
        context.tasks.spawn(async move {
            let limits = BatchLimits::default();
            reading.run(Reader::Archive, handler, limits, parked).await
        });
        Self {
            router: router(parking.clone(), tokens, &context).into(),
            context,
            parking,
            bus,
            mended,
            _dir: dir,
        }
    }

    /// Publishes events of threads, and waits until so many are parked.
    async fn park(&self, ids: &[(&str, &str, &str)], n_parked: usize) {
        let events = ids.iter().map(|(id, site, article)| {
            let data = json!({"site": site, "article": article, "comment": "c"});
            let data = Data::CommentWithdrawn(serde_json::from_value(data).unwrap());
            Outgoing::new(Exchange::Content, &Event::new(*id, "/test", data))
        });
        self.bus
            .publisher()
            .publish(events.collect())
            .await
            .unwrap();
        while self.parking.page(&Filter::default(), None, 99).parked.len() < n_parked {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn ask(&self, method: Method, path: &str, token: &str) -> (u16, Value) {
        self.ask_with(method, path, token, Body::empty()).await
    }

    async fn ask_with(&self, method: Method, path: &str, token: &str, body: Body) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {token}"))
            .body(body)
            .unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str, token: &str) -> (u16, Value) {
        self.ask(Method::GET, path, token).await
    }

    async fn stop(self) {
        self.context.shutdown.cancel();
        self.context.tasks.close();
        self.context.tasks.wait().await;
    }
}

/// Three of a thread, of which the first is refused, and one of another site.
const EVENTS: [(&str, &str, &str); 4] = [
    ("bad-1", "courrier", "a-1"),
    ("e-2", "courrier", "a-1"),
    ("bad-3", "courrier", "a-1"),
    ("bad-4", "elsewhere", "a-1"),
];

fn field<'a>(listing: &'a Value, name: &str) -> Vec<&'a Value> {
    let parked = listing["parked"].as_array().unwrap().iter();
    parked.map(|one| &one[name]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_parked_is_listed_page_by_page() {
    let running = Running::start().await;
    running.park(&EVENTS, 4).await;
    let (status, all) = running.get("/admin/parked", ADMIN).await;
    assert_eq!((status, &all["next"]), (200, &Value::Null));
    assert_eq!(field(&all, "event"), ["bad-1", "e-2", "bad-3", "bad-4"]);
    assert_eq!(
        field(&all, "state"),
        ["refused", "waiting", "waiting", "refused"]
    );
    let first = &all["parked"][0];
    let expected = json!({
        "id": 0, "state": "refused", "site": "courrier", "thread": "a-1", "event": "bad-1",
        "source": "/test", "type": "stoa.comment.withdrawn.v1",
        "reason": "never seen such a thing", "behind": null, "attempts": 0, "last_attempt": null,
        "parked_at": "2026-11-24T12:00:00Z", "bytes": first["bytes"],
    });
    assert_eq!(*first, expected);
    assert_eq!(all["parked"][1]["behind"], 0);
    let (_, page) = running.get("/admin/parked?limit=3", ADMIN).await;
    assert_eq!(
        (page["parked"].as_array().unwrap().len(), &page["next"]),
        (3, &json!(2))
    );
    let (_, page) = running.get("/admin/parked?limit=3&cursor=2", ADMIN).await;
    assert_eq!(
        (field(&page, "event"), &page["next"]),
        (vec![&json!("bad-4")], &Value::Null)
    );
    let (_, page) = running
        .get("/admin/parked?thread=a-1&site=elsewhere", ADMIN)
        .await;
    assert_eq!(field(&page, "event"), ["bad-4"]);
    let (_, page) = running.get("/admin/parked?thread=a-2", ADMIN).await;
    assert_eq!(page["parked"], json!([]));
    let (status, problem) = running.get("/admin/parked?tread=a-2", ADMIN).await;
    assert_eq!(status, 400, "{problem}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_sees_what_is_its_own() {
    let running = Running::start().await;
    running.park(&EVENTS, 4).await;
    let (_, page) = running.get("/admin/parked", VIEWER).await;
    assert_eq!(field(&page, "event"), ["bad-1", "e-2", "bad-3"]);
    let (_, page) = running.get("/admin/parked", FOREIGN).await;
    assert_eq!(field(&page, "event"), ["bad-4"]);
    for (method, path, token, expected) in [
        (Method::GET, "/admin/parked", "unknown", 401),
        (Method::GET, "/admin/parked?site=elsewhere", VIEWER, 403),
        (Method::GET, "/admin/parked/0", VIEWER, 403),
        (Method::GET, "/admin/parked/0", FOREIGN, 404),
        (Method::GET, "/admin/parked/x", ADMIN, 404),
        (Method::GET, "/admin/parked/99", ADMIN, 404),
        (Method::POST, "/admin/parked/0/retry", VIEWER, 403),
        (Method::POST, "/admin/parked/0/retry", FOREIGN, 404),
        (Method::POST, "/admin/parked/99/retry", ADMIN, 404),
        (Method::DELETE, "/admin/parked/0?reason=x", MODERATOR, 403),
        (Method::DELETE, "/admin/parked/0?reason=x", FOREIGN, 404),
        (Method::DELETE, "/admin/parked/99?reason=x", ADMIN, 404),
        (Method::DELETE, "/admin/parked/0", ADMIN, 400),
        (Method::DELETE, "/admin/parked/0?reason=%20", ADMIN, 400),
    ] {
        let (status, problem) = running.ask(method.clone(), path, token).await;
        assert_eq!(status, expected, "{method} {path}: {problem}");
    }
    let (_, problem) = running.get("/admin/parked/99", ADMIN).await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("GET /admin/parked"), "{detail}");
    assert_eq!(
        field(&running.get("/admin/parked", ADMIN).await.1, "id").len(),
        4
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_shown_whole_and_retried() {
    let running = Running::start().await;
    running.park(&EVENTS, 4).await;
    let (status, came) = running
        .ask(Method::POST, "/admin/parked/1/retry", MODERATOR)
        .await;
    let reason = "never seen such a thing";
    let parked = json!({"result": "parked", "handled": 0, "left": 3, "reason": reason});
    assert_eq!((status, came), (200, parked));
    let (status, whole) = running.get("/admin/parked/0", MODERATOR).await;
    assert_eq!((status, &whole["attempts"]), (200, &json!(1)));
    let tried = json!({"at": "2026-11-24T12:00:00Z", "reason": reason});
    assert_eq!(whole["last_attempt"], tried);
    assert_eq!(whole["history"], json!([tried]));
    assert_eq!(whole["content_type"], "application/cloudevents+json");
    let body: Value = serde_json::from_str(whole["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["id"], "bad-1");
    running.mended.store(true, Ordering::SeqCst);
    let (status, came) = running
        .ask(Method::POST, "/admin/parked/2/retry", MODERATOR)
        .await;
    let handled = json!({"result": "handled", "handled": 3, "left": 0, "reason": null});
    assert_eq!((status, came), (200, handled));
    let (_, page) = running.get("/admin/parked", ADMIN).await;
    assert_eq!(field(&page, "event"), ["bad-4"]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_dropped_for_a_reason() {
    let running = Running::start().await;
    running.park(&EVENTS, 4).await;
    let reason = Body::from(json!({"reason": "a bug of theirs"}).to_string());
    let dropped = running
        .ask_with(Method::DELETE, "/admin/parked/0", ADMIN, reason)
        .await;
    assert_eq!(dropped, (200, json!({"dropped": 0, "left": 2})));
    let gone = running.get("/admin/parked/0", ADMIN).await;
    assert_eq!(gone.0, 404);
    // The second passes, and at the third the thread is held up again.
    while running.get("/admin/parked/2", ADMIN).await.1["state"] != "refused" {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(running.get("/admin/parked/1", ADMIN).await.0, 404);
    let long = format!("/admin/parked/2?reason={}", "x".repeat(MAX_REASON + 1));
    let (status, problem) = running.ask(Method::DELETE, &long, ADMIN).await;
    assert_eq!((status, &problem["field"]), (400, &json!("reason")));
    running.context.shutdown.cancel();
    while running
        .ask(Method::POST, "/admin/parked/2/retry", ADMIN)
        .await
        .0
        != 503
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    running.stop().await;
}

#[test]
fn a_body_that_is_no_text_is_shown_as_base64() {
    let parked = Parked {
        id: 1,
        thread: None,
        event: None,
        source: None,
        kind: None,
        reason: Some("no".to_owned()),
        behind: None,
        n_attempts: 0,
        attempts: Vec::new(),
        at: 0,
        bytes: 3,
    };
    let message = Message {
        body: vec![0xff, 0, b'a'].into(),
        ..Message::default()
    };
    let whole = serde_json::to_value(Whole::new(parked, message)).unwrap();
    assert_eq!(
        (&whole["body"], &whole["body_base64"]),
        (&Value::Null, &json!("/wBh"))
    );
}
