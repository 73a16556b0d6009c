//! The service as a whole: temporary folders, the embedded bus, and requests to its router.

mod appeal_page;
mod appeals;
mod at_desk;
mod backtest;
mod breaker;
mod bulk;
mod bus;
mod cases;
mod changes;
mod compat;
mod decide;
mod desk;
mod drafts;
mod erase;
mod feed;
mod held;
mod imported;
mod insights;
mod life;
mod logs;
mod memory;
mod moderate;
mod queue;
mod quota;
mod reasons;
mod reports;
mod rules;
mod sanctions;
mod scores;
mod statements;
mod swap;
mod texts;
mod transparency;
mod undo;
mod versions;
mod watch;
mod webhooks;

use std::ffi::OsString;
use std::path::Path;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};
use stoa_bus::{Bus, EmbeddedConfig, Env};
use stoa_daemon::auth::{Role, TokenConfig};
use stoa_daemon::config::Secret;
use stoa_daemon::{Clock, Context};
use stoa_proto::{Data, Decision, Event, Outgoing, Verdict};
use tower::ServiceExt as _;

use super::Service;
use crate::config::{Config, DEFAULT_CONFIG};
use crate::engine::{Evaluate, Handle};

const RULES: &str = r#"
lists:
  bad: { match: word, terms: [scoundrel] }
  worse: { match: word, terms: [vermin] }
rules:
  - id: insult
    when: comment.text.hits("bad")
    then: { verdict: hold, labels: [insult] }
    reason: { code: offensive, ground: terms, reference: "charter §3", category: STATEMENT_CATEGORY_CYBER_VIOLENCE }
    explain: { en: "Abusive language.", fr: "Vocabulaire injurieux." }
  - id: hate
    when: comment.text.hits("worse")
    then: { verdict: reject, labels: [hate] }
    reason: { code: hate, ground: legal }
    explain: { en: "Hateful language." }
  - id: flood
    when: author.recent >= 3
    then: { verdict: hold, labels: [flood] }
    reason: { code: spam }
    explain: { en: "Many comments in a short time." }
  - id: record
    when: author.rejected > 0
    then: { verdict: hold, labels: [record] }
    reason: { code: record }
    explain: { en: "An earlier comment was rejected." }
  - id: deep
    when: has(comment.depth) && comment.depth >= 2
    then: { verdict: hold, labels: [deep] }
    reason: { code: deep }
    explain: { en: "Deep in the thread." }
  - id: old-article
    when: has(article.age) && article.age > duration("365d")
    then: { verdict: hold, labels: [old] }
    reason: { code: old }
    explain: { en: "The article is old." }
  - id: tried
    mode: shadow
    when: comment.length > 0
    then: { verdict: reject, labels: [tried] }
    reason: { code: tried }
    explain: { en: "Tried out." }
"#;

const NOON: &str = "2026-11-24T12:00:00Z";

const MODERATOR: &str = "anne-anne-anne-anne";
const SECOND: &str = "boris-boris-boris-boris";
const EDITOR: &str = "editor-editor-editor";
const AUDITOR: &str = "auditor-auditor-auditor";
const PLATFORM: &str = "platform-platform";
const VIEWER: &str = "viewer-viewer-viewer";
const ELSEWHERE: &str = "elsewhere-elsewhere";
const ADMIN: &str = "admin-admin-admin-admin";
const LOCAL_ADMIN: &str = "local-admin-local-admin";

/// A service in a folder; what it is asked goes through its engine and its router.
struct Fixture {
    context: Context,
    clock: Clock,
    service: Service,
    engine: Handle,
    router: Router,
    public: Router,
    bus: Bus,
}

fn write_rules(dir: &Path, rules: &str) {
    std::fs::create_dir_all(dir.join("rules")).unwrap();
    std::fs::write(dir.join("rules/stoa.yaml"), rules).unwrap();
}

fn config(dir: &Path) -> Config {
    let data = OsString::from("STOA_MODERATION_RULES__DATA_DIR");
    let environment = [(data, dir.join("moderation").into_os_string())];
    let mut config: Config =
        stoa_daemon::config::load_from("moderation-rules", DEFAULT_CONFIG, None, environment)
            .unwrap();
    config.rules_dir = Some(dir.join("rules"));
    let token = |name: &str, role, secret: &str, site: &str| TokenConfig {
        sites: vec![site.to_owned()],
        ..TokenConfig::from_secret(name, role, Secret::new(secret))
    };
    config.tokens = vec![
        token("anne", Role::Moderator, MODERATOR, "*"),
        token("boris", Role::Moderator, SECOND, "courrier"),
        token("edith", Role::Editor, EDITOR, "*"),
        token("aude", Role::Auditor, AUDITOR, "*"),
        token("platform", Role::Publisher, PLATFORM, "courrier"),
        token("vera", Role::Viewer, VIEWER, "*"),
        token("els", Role::Moderator, ELSEWHERE, "elsewhere"),
        token("ada", Role::Admin, ADMIN, "*"),
        token("lola", Role::Admin, LOCAL_ADMIN, "courrier"),
    ];
    config
}

impl Fixture {
    async fn new(dir: &Path) -> Self {
        write_rules(dir, RULES);
        Self::open(dir).await
    }

    async fn open(dir: &Path) -> Self {
        Self::open_as(config(dir), dir).await
    }

    /// Opens the service with a configuration of its own.
    async fn open_as(config: Config, dir: &Path) -> Self {
        Self::open_at(NOON, config, dir).await
    }

    async fn open_at(time: &str, config: Config, dir: &Path) -> Self {
        Self::open_all(time, config, dir, stoa_rules::RuleSet::evaluate_observed).await
    }

    async fn open_with(dir: &Path, evaluate: Evaluate) -> Self {
        Self::open_all(NOON, config(dir), dir, evaluate).await
    }

    async fn open_all(time: &str, config: Config, dir: &Path, evaluate: Evaluate) -> Self {
        let clock = Clock::fixed(time.parse().unwrap());
        let context = Context::new("moderation-rules", clock.clone());
        let env = Env {
            tasks: context.tasks.clone(),
            shutdown: context.shutdown.clone(),
            registry: context.registry.clone(),
            clock: clock.micros_fn(),
        };
        let bus = Bus::embedded(&dir.join("bus"), EmbeddedConfig::default(), env).unwrap();
        let service = Service::open_with(&config, &context, bus.clone(), evaluate)
            .await
            .unwrap();
        Self {
            clock,
            engine: service.engine.clone(),
            router: service.admin_router(),
            public: service.public_router(),
            service,
            bus,
            context,
        }
    }

    /// Ends the service as a stop does.
    async fn stop(self) {
        let Self {
            context,
            service,
            engine,
            router,
            public,
            bus,
            ..
        } = self;
        drop((engine, router, public, bus));
        context.shutdown.cancel();
        service.work().await.unwrap();
        context.tasks.close();
        context.tasks.wait().await;
        assert_eq!(context.failure(), None);
    }

    async fn events(&self, events: Vec<Event>) -> Vec<Vec<Outgoing>> {
        let events = events.into_iter().map(Into::into).collect();
        self.engine.events(events).await.unwrap()
    }

    /// Hands over one event, and returns what follows.
    async fn event(&self, event: Event) -> Vec<Outgoing> {
        self.events(vec![event]).await.remove(0)
    }

    /// Hands over one event, and returns the decision that follows.
    async fn decide(&self, event: Event) -> Decision {
        decision(&self.event(event).await)
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let (status, _, body) = self.exchange(method, path, token, None, body).await;
        (status, body)
    }

    /// Posts a request that calls itself something.
    async fn post_as(
        &self,
        key: &str,
        path: &str,
        token: &str,
        body: Value,
    ) -> (StatusCode, Value) {
        let request = Request::post(path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header("idempotency-key", key)
            .body(Body::from(body.to_string()));
        let response = self.router.clone().oneshot(request.unwrap()).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 24).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    /// Sends a request, with `If-Match` if that is given; answers with the `ETag`, too.
    async fn exchange(
        &self,
        method: Method,
        path: &str,
        token: &str,
        if_match: Option<&str>,
        body: Option<Value>,
    ) -> (StatusCode, Option<String>, Value) {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        if let Some(tag) = if_match {
            request = request.header(header::IF_MATCH, tag);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let response = self
            .router
            .clone()
            .oneshot(request.body(body).unwrap())
            .await
            .unwrap();
        let status = response.status();
        let tag = response.headers().get(header::ETAG);
        let tag = tag.map(|tag| tag.to_str().unwrap().to_owned());
        let body = to_bytes(response.into_body(), 1 << 24).await.unwrap();
        (status, tag, serde_json::from_slice(&body).unwrap())
    }

    /// Replaces the live rule set by one of a single file.
    async fn put(&self, rules: &str, note: &str) -> (StatusCode, Value) {
        let tag = self.tag();
        let body = json!({"files": {"stoa.yaml": rules}, "note": note});
        let (status, _, body) = self
            .exchange(Method::PUT, "/admin/rules", EDITOR, Some(&tag), Some(body))
            .await;
        (status, body)
    }

    /// The entity tag of the live rule set.
    fn tag(&self) -> String {
        format!("\"{}\"", self.hash())
    }

    fn hash(&self) -> String {
        self.service.rules.live().set.hash().to_owned()
    }

    /// The value of a metric, summed over the labels that are not asked for.
    fn metric(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let families = self.context.registry.gather();
        let family = families.iter().find(|family| family.name() == name)?;
        let has = |metric: &&prometheus::proto::Metric| {
            labels.iter().all(|(name, value)| {
                let mut own = metric.get_label().iter();
                own.any(|label| label.name() == *name && label.value() == *value)
            })
        };
        let found: Vec<f64> = family
            .get_metric()
            .iter()
            .filter(has)
            .map(|metric| metric.get_counter().get_value() + metric.get_gauge().get_value())
            .collect();
        (!found.is_empty()).then(|| found.iter().sum())
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.request(Method::GET, path, MODERATOR, None).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    async fn post(&self, path: &str, token: &str, body: Value) -> (StatusCode, Value) {
        self.request(Method::POST, path, token, Some(body)).await
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "every call makes the value in place"
)]
fn event(id: &str, kind: &str, data: Value) -> Event {
    let event = json!({
        "specversion": "1.0",
        "id": id,
        "source": "https://courrier.example/comments",
        "type": format!("stoa.{kind}.v1"),
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "data": data,
    });
    Event::from_json(event.to_string().as_bytes()).unwrap()
}

/// A comment on article `a-1`; `more` goes over its data.
#[expect(
    clippy::needless_pass_by_value,
    reason = "every call makes the value in place"
)]
fn comment(id: &str, author: &str, body: &str, more: Value) -> Event {
    let mut data = json!({
        "site": "courrier",
        "article": "a-1",
        "comment": id,
        "author": {"id": author},
        "body": body,
        "language": "en",
        "submitted_at": "2026-11-24T11:00:00Z",
    });
    for (key, value) in more.as_object().unwrap() {
        data[key] = value.clone();
    }
    event(
        &format!("e-{id}-{}", data["revision"]),
        "comment.submitted",
        data,
    )
}

fn plain(id: &str, body: &str) -> Event {
    comment(id, &format!("author-of-{id}"), body, json!({}))
}

fn edit(id: &str, revision: u32, body: &str) -> Event {
    comment(
        id,
        &format!("author-of-{id}"),
        body,
        json!({"revision": revision}),
    )
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "every call makes the value in place"
)]
fn about(kind: &str, id: &str, more: Value) -> Event {
    let mut data = json!({"site": "courrier", "article": "a-1", "comment": id});
    for (key, value) in more.as_object().unwrap() {
        data[key] = value.clone();
    }
    event(&format!("e-{kind}-{id}-{more}"), kind, data)
}

fn withdrawn(id: &str) -> Event {
    about("comment.withdrawn", id, json!({}))
}

fn reported(id: &str, report: &str) -> Event {
    about(
        "comment.reported",
        id,
        json!({"report": report, "reason": "spam"}),
    )
}

/// The published events' data, each once.
fn published(outgoing: &[Outgoing]) -> Vec<Data> {
    let mut seen = std::collections::HashSet::new();
    let new = outgoing
        .iter()
        .filter(|outgoing| seen.insert(outgoing.id.clone()));
    new.map(|outgoing| Event::from_json(&outgoing.body).unwrap().data)
        .collect()
}

fn decision(outgoing: &[Outgoing]) -> Decision {
    let found = published(outgoing).into_iter().find_map(|data| match data {
        Data::CommentDecided(decision) => Some(decision),
        _ => None,
    });
    found.unwrap()
}

/// What is told about cases: `opened rules 10`, `closed withdrawn`.
fn case_news(outgoing: &[Outgoing]) -> Vec<String> {
    let news = published(outgoing)
        .into_iter()
        .filter_map(|data| match data {
            Data::CaseOpened(case) => Some(format!("opened {} {}", case.reason, case.priority)),
            Data::CaseClosed(case) => Some(format!("closed {}", case.reason)),
            _ => None,
        });
    news.collect()
}

fn case_of(comment: &str) -> String {
    stoa_proto::ids::case_id("courrier", comment)
}

fn verdict(decision: &Decision) -> (Verdict, Vec<&str>) {
    (
        decision.verdict,
        decision.labels.iter().map(String::as_str).collect(),
    )
}
