//! Over the bus: what is published is decided, and what is decided is published.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;
use stoa_bus::{BatchLimits, EventHandler, Events, Outcome, Parking, ParkingConfig};
use stoa_proto::{Exchange, Reader, Received};

use super::*;

/// Keeps what the archive would get.
#[derive(Clone, Default)]
struct Archive(Arc<Mutex<Vec<Received>>>);

impl EventHandler for Archive {
    async fn handle(&mut self, events: Vec<Received>) -> Vec<Outcome> {
        let outcomes = events.iter().map(|_| Ok(Vec::new())).collect();
        self.0.lock().unwrap().extend(events);
        outcomes
    }
}

impl Archive {
    /// Reads in the archive's place, and parks in a folder of its own.
    fn listen(context: &Context, bus: &Bus, dir: &Path) -> Self {
        let archive = Self::default();
        let own = ParkingConfig {
            dir: dir.join("archive/parked"),
            reader: Reader::Archive,
            max_bytes: 1 << 20,
            reserve_bytes: 0,
        };
        let registry = prometheus::Registry::new();
        let parking = Parking::open(&own, &registry, context.clock.micros_fn()).unwrap();
        let (reader, handler) = (bus.clone(), Events(archive.clone()));
        context.supervise("archive", async move {
            Ok(reader
                .run(Reader::Archive, handler, BatchLimits::default(), parking)
                .await?)
        });
        archive
    }

    /// Waits for a number of decisions, and returns all there are: comment, verdict, by whom.
    async fn decisions(&self, n_expected: usize) -> Vec<(String, &'static str, &'static str)> {
        for _ in 0..1_000 {
            let found: Vec<_> = self
                .0
                .lock()
                .unwrap()
                .iter()
                .filter_map(|event| match &event.data {
                    Data::CommentDecided(decision) => {
                        let by = match decision.by {
                            stoa_proto::By::Rules { .. } => "rules",
                            stoa_proto::By::Moderator { .. } => "moderator",
                        };
                        Some((decision.comment.clone(), decision.verdict.as_str(), by))
                    }
                    _ => None,
                })
                .collect();
            if found.len() >= n_expected {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{n_expected} decisions did not come");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn comments_in_decisions_out_and_moderators_decisions_too() {
    let dir = tempfile::tempdir().unwrap();
    let Fixture {
        context,
        service,
        router,
        public,
        bus,
        engine,
        clock,
    } = Fixture::new(dir.path()).await;
    let archive = Archive::listen(&context, &bus, dir.path());
    let working = tokio::task::JoinSet::from_iter([service.work()]);
    let events = [
        plain("c-1", "fine"),
        plain("c-2", "scoundrel"),
        plain("c-3", "vermin"),
    ];
    let outgoing = events
        .iter()
        .map(|event| Outgoing::new(Exchange::Content, event))
        .collect();
    bus.publisher().publish(outgoing).await.unwrap();
    let mut decisions = archive.decisions(3).await;
    decisions.sort();
    let expected = |comment: &str, verdict, by| (comment.to_owned(), verdict, by);
    assert_eq!(
        decisions,
        [
            expected("c-1", "approve", "rules"),
            expected("c-2", "hold", "rules"),
            expected("c-3", "reject", "rules")
        ]
    );

    let body = json!({"verdict": "approve"}).to_string();
    let request = Request::post(format!("/admin/cases/{}/decision", case_of("c-2")))
        .header("authorization", format!("Bearer {MODERATOR}"))
        .header("content-type", "application/json")
        .body(Body::from(body))
        .unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let decisions = archive.decisions(4).await;
    assert_eq!(decisions[3], expected("c-2", "approve", "moderator"));
    for _ in 0..500 {
        if context.ready.is_ready() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(context.ready.is_ready(), "{:?}", context.ready.report());

    drop((engine, public, router, bus, clock));
    context.shutdown.cancel();
    for ended in working.join_all().await {
        ended.unwrap();
    }
    context.tasks.close();
    context.tasks.wait().await;
    assert_eq!(context.failure(), None);
}

async fn send(router: &Router, method: Method, path: &str, body: Option<Value>) -> Value {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {ADMIN}"))
        .header("content-type", "application/json")
        .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))
        .unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_follows_is_listed_and_sent_again_byte_for_byte() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let article = json!({"site": "courrier", "article": "a-1", "title": "t", "body": "b"});
    let events = vec![
        event("e-a", "article.published", article),
        plain("c-1", "fine"),
        plain("c-2", "scoundrel"),
    ];
    // What the engine answers here, nobody publishes.
    let mut expected = fixture.events(events).await.concat();
    expected.retain(|event| event.exchange == Exchange::Outcomes);
    let Fixture {
        context,
        service,
        router,
        public,
        bus,
        engine,
        ..
    } = fixture;
    let empty = send(&router, Method::GET, "/admin/published", None).await;
    assert_eq!(empty["events"], json!([]), "the outbox has not begun");
    let archive = Archive::listen(&context, &bus, dir.path());
    let working = tokio::task::JoinSet::from_iter([service.work()]);
    let mut page = empty;
    while page["events"] == json!([]) {
        tokio::time::sleep(Duration::from_millis(5)).await;
        page = send(&router, Method::GET, "/admin/published", None).await;
    }
    let listed = page["events"].as_array().unwrap();
    let ids: Vec<_> = listed.iter().map(|event| event["id"].clone()).collect();
    let ids_expected: Vec<_> = expected.iter().map(|event| json!(event.id)).collect();
    assert_eq!(ids, ids_expected);
    let mut seqs: Vec<u64> = listed
        .iter()
        .map(|event| event["seq"].as_u64().unwrap())
        .collect();
    seqs.dedup();
    let mut asked = seqs.clone();
    asked.push(1_000);
    let body = json!({"seqs": asked});
    let answer = send(&router, Method::POST, "/admin/published/resend", Some(body)).await;
    assert_eq!(answer, json!({"resent": seqs, "gone": [1_000]}));
    archive.decisions(2).await;
    let arrived = archive.0.lock().unwrap().clone();
    let arrived: Vec<_> = arrived.iter().map(|event| event.json().clone()).collect();
    let bodies: Vec<_> = expected.iter().map(|event| event.body.clone()).collect();
    assert_eq!(arrived, bodies);

    drop((engine, public, router, bus));
    context.shutdown.cancel();
    for ended in working.join_all().await {
        ended.unwrap();
    }
    context.tasks.close();
    context.tasks.wait().await;
    assert_eq!(context.failure(), None);
}
