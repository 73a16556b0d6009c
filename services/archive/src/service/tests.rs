//! The archive as a whole: its routers over a real journal, view and embedded bus.

mod faults;
mod feeds;
mod formats;
mod held;
mod keeping;
mod order;
mod pages;
mod past;
mod redaction;
mod search;
mod transparency;
mod visibility;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use stoa_bus::{EmbeddedConfig, Env};
use stoa_daemon::Clock;
use stoa_daemon::auth::{Role, TokenConfig};
use stoa_proto::{Event, Exchange, Outgoing};
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::*;
use crate::config::{DEFAULT_CONFIG, SiteConfig};

const VIEWER: &str = "viewer-token-of-the-tests";
const FOREIGN: &str = "foreign-viewer-of-the-tests";
const PUBLISHER: &str = "publisher-token-of-the-tests";
const ADMIN: &str = "admin-token-of-the-tests";
const LOCAL_ADMIN: &str = "local-admin-of-the-tests";

/// A host that open mode answers as well.
const HOST: &str = "localhost:8083";

/// A data folder that outlives the services on it.
struct Fixture {
    dir: TempDir,
}

impl Fixture {
    fn new() -> Self {
        Self {
            dir: TempDir::new().unwrap(),
        }
    }

    fn config(&self) -> Config {
        let mut config: Config =
            stoa_daemon::config::load_from("archive", DEFAULT_CONFIG, None, []).unwrap();
        config.data_dir = self.dir.path().join("archive");
        // Its checkpoints are events, too; the tests count those that they publish.
        config.transparency.enabled = false;
        config.sites = vec![SiteConfig {
            id: "courrier".to_owned(),
            public: true,
            ..site("courrier")
        }];
        config.tokens = vec![
            token("viewer", Role::Viewer, VIEWER, "*"),
            token("foreign", Role::Viewer, FOREIGN, "elsewhere"),
            token("publisher", Role::Publisher, PUBLISHER, "private"),
            token("admin", Role::Admin, ADMIN, "*"),
            token("local", Role::Admin, LOCAL_ADMIN, "courrier"),
        ];
        config
    }

    async fn start(&self) -> Running {
        self.start_with(self.config()).await
    }

    async fn start_with(&self, config: Config) -> Running {
        self.start_as(config, |_| ()).await
    }

    /// Starts a service that was changed before.
    async fn start_as(&self, config: Config, change: impl FnOnce(&mut Service)) -> Running {
        let clock = Clock::fixed("2026-11-24T12:00:00Z".parse().unwrap());
        let context = Context::new("archive", clock);
        let env = Env {
            tasks: context.tasks.clone(),
            shutdown: context.shutdown.clone(),
            registry: context.registry.clone(),
            clock: context.clock.micros_fn(),
        };
        let bus =
            Bus::embedded(&self.dir.path().join("bus"), EmbeddedConfig::default(), env).unwrap();
        let mut service = Service::open(&config, &context, bus.clone()).await.unwrap();
        change(&mut service);
        let running = Running {
            public: service.public_router(),
            admin: service.admin_router(),
            index: Arc::clone(&service.engine.index),
            journal: service.engine.journal.clone(),
            search: service.public.search.clone(),
            worker: context.tasks.spawn(service.work()),
            context,
            bus,
        };
        tokio::task::yield_now().await;
        running
    }
}

/// A site of which nothing is said.
fn site(id: &str) -> SiteConfig {
    serde_json::from_value(json!({"id": id})).unwrap()
}

fn token(name: &str, role: Role, secret: &str, site: &str) -> TokenConfig {
    TokenConfig {
        sites: vec![site.to_owned()],
        ..TokenConfig::from_secret(name, role, stoa_daemon::config::Secret::new(secret))
    }
}

/// A running archive.
struct Running {
    context: Context,
    bus: Bus,
    public: Router,
    admin: Router,
    index: Arc<Index>,
    journal: Journal,
    search: Option<Search>,
    worker: tokio::task::JoinHandle<anyhow::Result<()>>,
}

impl Running {
    /// Publishes events, and waits until the archive holds `total` records and has seen the last.
    async fn publish(&self, events: &[Value], total: u64) {
        let outgoing = events.iter().map(|event| {
            let event = Event::from_json(event.to_string().as_bytes()).unwrap();
            let exchange = if event.kind().is_inbound() {
                Exchange::Content
            } else {
                Exchange::Outcomes
            };
            Outgoing::new(exchange, &event)
        });
        let before = self.seen();
        self.bus
            .publisher()
            .publish(outgoing.collect())
            .await
            .unwrap();
        let expected = before + events.len() as u64;
        let done = async {
            while self.seen() < expected {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), done)
            .await
            .unwrap();
        assert_eq!(self.journal.next(), total);
        assert_eq!(self.index.applied(), total);
    }

    /// Counts the events that were handled, repeats included.
    fn seen(&self) -> u64 {
        self.counted("stoa_archive_events_total")
    }

    /// Adds up a counter.
    fn counted(&self, name: &str) -> u64 {
        let families = self.context.registry.gather();
        let family = families.iter().find(|family| family.name() == name);
        let counters = family
            .map(prometheus::proto::MetricFamily::get_metric)
            .unwrap_or_default();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "counts"
        )]
        let sum = counters
            .iter()
            .map(|metric| metric.get_counter().get_value())
            .sum::<f64>() as u64;
        sum
    }

    /// Waits until something holds.
    async fn until(&self, holds: impl Fn() -> bool) {
        let waiting = async {
            while !holds() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), waiting)
            .await
            .unwrap();
    }

    async fn stop(self) {
        let Self {
            context,
            bus,
            public,
            admin,
            index,
            journal,
            search,
            worker,
        } = self;
        drop((public, admin, index, journal, search, bus));
        context.shutdown.cancel();
        worker.await.unwrap().unwrap();
        context.tasks.close();
        tokio::time::timeout(Duration::from_secs(10), context.tasks.wait())
            .await
            .unwrap();
        assert_eq!(context.failure(), None);
    }

    /// Requests a path with a token, or without one where it is empty.
    async fn get(&self, path: &str, token: &str) -> (StatusCode, Value) {
        let (status, _, body) = request(self.public.clone(), path, token).await;
        (
            status,
            serde_json::from_str(&body).unwrap_or(Value::String(body)),
        )
    }

    /// Requests what there must be.
    async fn ok(&self, path: &str, token: &str) -> Value {
        let (status, body) = self.get(path, token).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    /// Erases the words of a comment of the thread `a-1`.
    async fn erase(&self, comment: &str) {
        let row = self.index.comment("courrier", "a-1", comment).unwrap();
        let content = row.unwrap().content.unwrap();
        self.journal.redact(content.place.seq).await.unwrap();
    }

    /// Draws a thread of the site `courrier`: one line an entry, indented, with status.
    async fn tree(&self, token: &str) -> Vec<String> {
        let thread = self.ok("/v1/sites/courrier/threads/a-1", token).await;
        draw(&thread)
    }
}

async fn request(
    router: Router,
    path: &str,
    token: &str,
) -> (StatusCode, axum::http::HeaderMap, String) {
    let mut request = Request::get(path).header("host", HOST);
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    answer(router, request.body(Body::empty()).unwrap()).await
}

/// Requests a path with headers.
async fn request_with(
    archive: &Running,
    path: &str,
    headers: &[(&str, &str)],
) -> (StatusCode, axum::http::HeaderMap, String) {
    let mut request = Request::get(path).header("host", HOST);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).unwrap();
    answer(archive.public.clone(), request).await
}

async fn answer(
    router: Router,
    request: Request<Body>,
) -> (StatusCode, axum::http::HeaderMap, String) {
    let response = router.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 1 << 26).await.unwrap();
    (
        parts.status,
        parts.headers,
        String::from_utf8(body.to_vec()).unwrap(),
    )
}

fn draw(thread: &Value) -> Vec<String> {
    let draw = |item: &Value| {
        let depth = usize::try_from(item["depth"].as_u64().unwrap()).unwrap();
        let problem = item["parent_problem"]
            .as_str()
            .map(|problem| format!(" !{problem}"));
        format!(
            "{}{} {}{}",
            " ".repeat(depth),
            item["comment"].as_str().unwrap(),
            item["status"].as_str().unwrap(),
            problem.unwrap_or_default(),
        )
    };
    thread["comments"]
        .as_array()
        .unwrap()
        .iter()
        .map(draw)
        .collect()
}

/// An event about something on the site `courrier`, with its kind's short name.
fn event(id: &str, kind: &str, mut data: Value) -> Value {
    if data.get("site").is_none() {
        data["site"] = json!("courrier");
    }
    if data.get("article").is_none() && !kind.starts_with("author") && kind != "appeal.resolved" {
        data["article"] = json!("a-1");
    }
    json!({
        "specversion": "1.0",
        "id": id,
        "source": "https://courrier.example/",
        "type": format!("stoa.{kind}.v1"),
        "recordedtime": "2026-11-24T11:00:00Z",
        "data": data,
    })
}

fn article(title: &str) -> Value {
    event(
        &format!("article-{title}"),
        "article.published",
        json!({"title": title, "body": "The first.\n\nThe second.", "authors": ["Ada"],
            "attribution": [{"name": "Agency", "url": "https://agency.example/1"}],
            "media_credits": ["Photo: B."], "language": "fr", "comments": {"count": 7},
            "published_at": "2026-11-01T08:00:00+01:00"}),
    )
}

/// A comment of the minute `at`.
fn comment(id: &str, parent: Option<&str>, at: u32) -> Value {
    revision(id, parent, at, 1)
}

fn revision(id: &str, parent: Option<&str>, at: u32, revision: u32) -> Value {
    let kind = if revision == 1 {
        "comment.submitted"
    } else {
        "comment.edited"
    };
    event(
        &format!("{id}-{revision}"),
        kind,
        json!({"comment": id, "parent": parent, "revision": revision,
            "author": {"id": "u-7", "display_name": "Constantin N."},
            "body": format!("The words of {id}, revision {revision}."),
            "submitted_at": format!("2026-11-02T09:{at:02}:00+01:00")}),
    )
}

fn decision(id: &str, comment: &str, verdict: &str) -> Value {
    decided(
        id,
        comment,
        1,
        verdict,
        &json!({"kind": "rules", "ruleset": "sha256:0"}),
    )
}

fn decided(id: &str, comment: &str, revision: u32, verdict: &str, by: &Value) -> Value {
    event(
        &format!("decided-{id}"),
        "comment.decided",
        json!({"comment": comment, "revision": revision, "decision": id, "verdict": verdict,
            "labels": ["a-label"], "by": by, "decided_at": "2026-11-02T10:00:00Z",
            "rules": [{"id": "r", "mode": "live", "spans": [
                {"start": 0, "end": 3, "text": "The", "via": []}]}]}),
    )
}
