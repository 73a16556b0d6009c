//! Ingest as a whole: its routers and its inbox over a real journal, view and embedded bus.

mod accept;
mod erase;
mod faults;
mod hostile;
mod life;
mod model;
mod published;
mod reject;
mod webhooks;

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};
use stoa_bus::{EmbeddedConfig, Env};
use stoa_daemon::Clock;
use stoa_daemon::auth::{Role, TokenConfig};
use stoa_daemon::config::Secret;
use stoa_proto::codec;
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::*;
use crate::config::{DEFAULT_CONFIG, SiteConfig};
use crate::record::{ACCEPTED, Accepted};

const PUBLISHER: &str = "publisher-token-of-the-tests";
const FOREIGN: &str = "foreign-publisher-of-the-tests";
const VIEWER: &str = "viewer-token-of-the-tests";
const MODERATOR: &str = "moderator-token-of-the-tests";
const ADMIN: &str = "admin-token-of-the-tests";
const LOCAL_ADMIN: &str = "local-admin-of-the-tests";
const SOURCE: &str = "https://courrier.example/comments";

/// A data folder and a clock that outlive the services on them.
struct Fixture {
    dir: TempDir,
    clock: Clock,
}

impl Fixture {
    fn new() -> Self {
        let at = "2026-11-24T12:00:00Z".parse().unwrap();
        Self {
            dir: TempDir::new().unwrap(),
            clock: Clock::fixed(at),
        }
    }

    fn config(&self) -> Config {
        let mut config: Config =
            stoa_daemon::config::load_from("ingest", DEFAULT_CONFIG, None, []).unwrap();
        config.data_dir = self.dir.path().join("ingest");
        config.budget.reserve = "1 B".parse().unwrap();
        config.sites = vec![SiteConfig {
            id: "courrier".to_owned(),
            sources: vec![SOURCE.to_owned()],
            accounts: None,
            imports: false,
            languages: Some(vec!["fr".to_owned(), "en".to_owned()]),
        }];
        config.tokens = vec![
            token("courrier", Role::Publisher, PUBLISHER, "*"),
            token("elsewhere", Role::Publisher, FOREIGN, "elsewhere"),
            token("viewer", Role::Viewer, VIEWER, "*"),
            token("moderator", Role::Moderator, MODERATOR, "*"),
            token("admin", Role::Admin, ADMIN, "*"),
        ];
        config
    }

    fn bus(&self, context: &Context) -> Bus {
        let env = Env {
            tasks: context.tasks.clone(),
            shutdown: context.shutdown.clone(),
            registry: context.registry.clone(),
            clock: context.clock.micros_fn(),
        };
        Bus::embedded(&self.dir.path().join("bus"), EmbeddedConfig::default(), env).unwrap()
    }

    async fn start(&self) -> Running {
        self.start_with(self.config()).await
    }

    async fn start_with(&self, config: Config) -> Running {
        let context = Context::new("ingest", self.clock.clone());
        let bus = self.bus(&context);
        let service = Service::open(&config, &context, bus).await.unwrap();
        Running {
            context,
            public: service.public_router(),
            admin: service.admin_router(),
            service: Some(service),
            worker: None,
        }
    }
}

fn token(name: &str, role: Role, secret: &str, site: &str) -> TokenConfig {
    TokenConfig {
        sites: vec![site.to_owned()],
        ..TokenConfig::from_secret(name, role, Secret::new(secret))
    }
}

/// An opened service. It publishes and consumes only after [`Running::work`].
struct Running {
    context: Context,
    public: Router,
    admin: Router,
    service: Option<Service>,
    worker: Option<tokio::task::JoinHandle<anyhow::Result<()>>>,
}

impl Running {
    fn work(&mut self) {
        let service = self.service.take().unwrap();
        self.worker = Some(self.context.tasks.spawn(service.work()));
    }

    fn service(&self) -> &Service {
        self.service.as_ref().unwrap()
    }

    async fn stop(mut self) {
        if self.worker.is_none() {
            self.work();
        }
        drop((self.public, self.admin));
        self.context.shutdown.cancel();
        self.worker.unwrap().await.unwrap().unwrap();
        self.context.tasks.close();
        tokio::time::timeout(Duration::from_secs(10), self.context.tasks.wait())
            .await
            .unwrap();
        assert_eq!(self.context.failure(), None);
    }

    async fn request(&self, request: Request<Body>) -> (StatusCode, Value) {
        let response = self.public.clone().oneshot(request).await.unwrap();
        read(response).await
    }

    /// Publishes a body as a structured event.
    async fn structured(&self, body: impl Into<Vec<u8>>) -> (StatusCode, Value) {
        self.request(publish(codec::STRUCTURED, body)).await
    }

    /// Publishes one event, and returns `accepted`, `duplicate` or the code and the field.
    async fn one(&self, event: &Value) -> String {
        let (status, answer) = self.structured(event.to_string()).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
        result(&answer)
    }

    async fn admin(&self, path: &str, token: &str) -> (StatusCode, Value) {
        let request = Request::get(path)
            .header("authorization", format!("Bearer {token}"))
            .body(Body::empty())
            .unwrap();
        read(self.admin.clone().oneshot(request).await.unwrap()).await
    }

    /// The events in the journal, as they are published.
    fn accepted(&self) -> Vec<Value> {
        let journal = &self.service().journal;
        journal
            .iter(journal.first())
            .map(Result::unwrap)
            .filter(|record| record.kind == ACCEPTED)
            .map(|record| {
                let accepted = Accepted::decode(&record.payload).unwrap();
                serde_json::from_slice(&accepted.event).unwrap()
            })
            .collect()
    }
}

fn result(answer: &Value) -> String {
    if answer["accepted"] == 1 {
        "accepted".to_owned()
    } else if answer["duplicate"] == 1 {
        "duplicate".to_owned()
    } else {
        let refused = &answer["rejected"][0];
        let field = refused["field"].as_str().unwrap_or("-");
        format!("{} {field}", refused["code"].as_str().unwrap())
    }
}

async fn read(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let body = to_bytes(response.into_body(), 1 << 24).await.unwrap();
    let value = serde_json::from_slice(&body)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&body).into_owned()));
    (status, value)
}

fn publish(content_type: &str, body: impl Into<Vec<u8>>) -> Request<Body> {
    Request::post("/v1/events")
        .header("authorization", format!("Bearer {PUBLISHER}"))
        .header("content-type", content_type)
        .body(Body::from(body.into()))
        .unwrap()
}

fn event(id: &str, kind: &str, data: &Value) -> Value {
    json!({
        "specversion": "1.0",
        "id": id,
        "source": SOURCE,
        "type": format!("stoa.{kind}.v1"),
        "data": data,
    })
}

fn comment(id: &str, comment: &str, body: &str) -> Value {
    event(id, "comment.submitted", &comment_data(comment, 1, body))
}

fn comment_data(comment: &str, revision: u32, body: &str) -> Value {
    json!({
        "site": "courrier",
        "article": "a-1",
        "comment": comment,
        "revision": revision,
        "author": {"id": "u-1"},
        "body": body,
    })
}
