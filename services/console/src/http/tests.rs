//! The desk through its router, with stubs of the roles that it asks.

mod access;
mod api;
mod appeals;
mod bulk;
mod cases;
mod languages;
mod live;
mod oidc;
mod operating;
mod reading;
mod rules;
mod webhooks;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Path, Query, RawQuery, State};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use stoa_daemon::auth::{Role, behalf};
use stoa_daemon::{Clock, Context};
use tower::ServiceExt as _;

use super::*;
use crate::accounts::{Origin, User};

const PASSWORD: &str = "eleven green tables";
const HOST: &str = "desk.example";

/// What the stubs answer, and what they were asked.
#[derive(Clone, Default)]
struct Stub {
    /// Over what a case is otherwise.
    case: Arc<Mutex<Value>>,
    /// Who decided, with which role, for which sites, and what.
    decided: Arc<Mutex<Vec<(String, Value)>>>,
    /// By what decisions are known that come again.
    keys: Arc<Mutex<Vec<String>>>,
    /// Decisions that were undone.
    undone: Arc<Mutex<Vec<String>>>,
    /// What else was done with cases.
    worked: Arc<Mutex<Vec<String>>>,
    /// What was looked for, as the query of each request.
    asked: Arc<Mutex<Vec<String>>>,
}

/// A case as moderation-rules shows it.
fn case(id: &str, over: &Value) -> Value {
    let mut case = json!({
        "case": id, "status": "open", "site": "courrier", "article": "a-1", "comment": "c-1", "revision": 1,
        "author": "u-1", "reason": "rules", "priority": 10, "version": 7, "labels": ["insult"], "rules": ["insult"],
        "opened_at": "2026-11-24T17:00:00Z", "due_at": "2026-11-24T17:55:00Z", "escalated": null, "text": "what a scoundrel he is",
        "event": {"data": {"author": {"id": "u-1", "display_name": "Jo"}, "language": "en",
                           "url": "https://courrier.example/c-1", "submitted_at": "2026-11-24T16:59:00Z"}},
        "decisions": [{
            "site": "courrier", "article": "a-1", "comment": "c-1", "revision": 1, "decision": "d-1", "verdict": "hold",
            "by": {"kind": "rules", "ruleset": "sha256:0"}, "decided_at": "2026-11-24T17:00:00Z",
            "rules": [{"id": "insult", "mode": "live", "explain": {"en": "Abusive language."}, "spans": [
                {"start": 7, "end": 16, "text": "scoundrel", "list": "bad", "term": "scoundrel"}]}],
        }],
        "thread": {"article": "a-1", "parent": "c-0", "depth": 1, "siblings": ["c-2"], "children": []},
        "history": {"approved": 3, "held": 1, "rejected": 2, "first_seen": "2026-01-02T03:04:05Z"},
        "assignee": null, "notes": [], "reports": 2, "open_reports": {"reporters": 1, "weight": 0.5, "reasons": ["offensive"]},
    });
    for (key, value) in over.as_object().into_iter().flatten() {
        case[key] = value.clone();
    }
    case
}

/// What a request calls itself.
fn key_of(headers: &HeaderMap) -> Option<String> {
    let key = headers.get("idempotency-key");
    key.map(|key| key.to_str().unwrap().to_owned())
}

fn moderation(stub: Stub) -> Router {
    let list = async |State(stub): State<Stub>| {
        let over = stub.case.lock().unwrap().clone();
        let listed = |id: &str| {
            let mut listed = case(id, &over);
            listed["excerpt"] = json!({"text": listed["text"], "author": "Jo", "language": "en"});
            listed["reporters"] = json!(1);
            listed
        };
        Json(json!({"cases": [listed("k-1"), listed("k-2")], "open": 2, "next": "9.9"}))
    };
    let one = async |State(stub): State<Stub>, Path(id): Path<String>| {
        let over = stub.case.lock().unwrap().clone();
        match id.as_str() {
            "k-1" | "k-2" => Ok(Json(case(&id, &over))),
            _ => Err(StatusCode::NOT_FOUND),
        }
    };
    let decide = async |State(stub): State<Stub>, headers: HeaderMap, Json(body): Json<Value>| {
        if body["version"] != 7 {
            let problem = json!({"code": "version_conflict", "detail": "the case has version 7"});
            return Err((StatusCode::CONFLICT, Json(problem)));
        }
        stub.keys.lock().unwrap().extend(key_of(&headers));
        let named = [behalf::OF, behalf::ROLE, behalf::SITES];
        let named = named.map(|name| headers[name].to_str().unwrap().to_owned());
        stub.decided.lock().unwrap().push((named.join(" "), body));
        Ok(Json(
            json!({"case": "k-1", "version": 8, "decision": {"decision": "d-2"}}),
        ))
    };
    let reasons = async |State(stub): State<Stub>, Query(asked): Query<Value>| {
        let told = stub.case.lock().unwrap()["around"].clone();
        let told = told
            .as_str()
            .unwrap_or("Calls for hatred on {site}.")
            .to_owned();
        let mut reasons = vec![
            json!({"code": "hate_speech", "ground": "legal", "category": null, "sites": [],
                   "text": {"de": "Hetze.", "en": told}}),
        ];
        if asked["site"] == "courrier" {
            reasons.push(json!({"code": "charter", "ground": "terms", "category": null, "sites": ["courrier"],
                                "text": {"fr": "Contraire à la charte."}}));
        }
        Json(json!({"reasons": reasons}))
    };
    let undo = async |State(stub): State<Stub>, Path(decision): Path<String>| {
        if decision != "d-2" {
            let problem = json!({"code": "superseded", "detail": "this decision stands no longer"});
            return Err((StatusCode::CONFLICT, Json(problem)));
        }
        stub.undone.lock().unwrap().push(decision);
        Ok(Json(
            json!({"case": "k-1", "version": 9, "decision": {"decision": "d-3"}}),
        ))
    };
    let claim = async |State(stub): State<Stub>| {
        stub.worked.lock().unwrap().push("claim".to_owned());
        Json(json!({}))
    };
    let release = async |State(stub): State<Stub>| {
        if stub.case.lock().unwrap()["assignee"].is_null() {
            let problem = json!({"code": "case_closed", "detail": "it is closed"});
            return Err((StatusCode::CONFLICT, Json(problem)));
        }
        stub.worked.lock().unwrap().push("release".to_owned());
        Ok(Json(json!({})))
    };
    let note = async |State(stub): State<Stub>, Json(body): Json<Value>| {
        let text = body["text"].as_str().unwrap();
        if text.is_empty() {
            let problem = json!({"detail": "a note has 1 to 4000 characters"});
            return Err((StatusCode::BAD_REQUEST, Json(problem)));
        }
        stub.worked.lock().unwrap().push(format!("note {text}"));
        Ok(Json(json!({})))
    };
    let author = async |Path((_, author)): Path<(String, String)>| {
        if author == "u-9" {
            return Err(StatusCode::NOT_FOUND);
        }
        Ok(Json(json!({
            "approved": 3, "held": 1, "rejected": 2, "first_seen": "2026-01-02T03:04:05Z",
            "trusted": true,
            "sanction": {"sanction": "warn", "since": null, "until": null, "by": "ana", "reason": null},
            "sanctions": [{"sanction": "warn", "since": "2026-11-01T00:00:00Z", "until": null, "by": "ana",
                           "reason": "be kind"}],
        })))
    };
    Router::new()
        .route("/admin/cases", get(list))
        .route("/admin/cases/{case}", get(one))
        .route("/admin/cases/{case}/decision", post(decide))
        .route("/admin/cases/{case}/claim", post(claim).delete(release))
        .route("/admin/cases/{case}/notes", post(note))
        .route("/admin/decisions/{decision}/undo", post(undo))
        .route("/admin/reasons", get(reasons))
        .route("/admin/authors/{site}/{author}", get(author))
        .with_state(stub.clone())
        .merge(more(stub))
}

/// What moderation-rules answers beside looking at cases and deciding one.
fn more(stub: Stub) -> Router {
    let feed = async || {
        let events = "event: hello\nid: 5\ndata: {}\n\nevent: case\nid: 6\ndata: {\"site\":\"courrier\",\"case\":\"k-1\"}\n\n";
        ([(header::CONTENT_TYPE, "text/event-stream")], events)
    };
    let escalate = async |State(stub): State<Stub>, Json(body): Json<Value>| {
        if body["note"] == "too much" {
            let problem = json!({"code": "too_many_notes", "limit": "200 notes", "detail": "…"});
            return Err((StatusCode::CONFLICT, Json(problem)));
        }
        stub.worked.lock().unwrap().push(format!("escalate {body}"));
        Ok(Json(json!({})))
    };
    let calm = async |State(stub): State<Stub>| {
        stub.worked.lock().unwrap().push("calm".to_owned());
        Json(json!({}))
    };
    let sanction = async |State(stub): State<Stub>,
                          Path((_, author)): Path<(String, String)>,
                          Json(body): Json<Value>| {
        if body["sanction"] == "lift" {
            let problem = json!({"code": "nothing_open", "detail": "the author is under nothing"});
            return Err((StatusCode::CONFLICT, Json(problem)));
        }
        stub.worked
            .lock()
            .unwrap()
            .push(format!("sanction {author} {body}"));
        Ok(Json(json!({})))
    };
    let bulk = async |State(stub): State<Stub>, Json(body): Json<Value>| {
        stub.worked.lock().unwrap().push(format!("bulk {body}"));
        if body["dry_run"] == true {
            let mut seen = case("k-1", &json!({}));
            seen["excerpt"] =
                json!({"text": "what a <b>scoundrel</b>", "author": "Jo", "language": "en"});
            return Json(
                json!({"dry_run": true, "cases": [seen], "labels": {"insult": 1},
                "left_out": [{"case": "k-3", "code": "claimed"}], "more": true}),
            );
        }
        Json(
            json!({"bulk": "bulk-1", "decided": [{"case": "k-1", "decision": "d-2"}],
            "left_out": [{"case": "k-2", "code": "version_conflict"}]}),
        )
    };
    let undo_bulk = async |Path(bulk): Path<String>| match bulk.as_str() {
        "bulk-1" => Ok(Json(
            json!({"bulk": bulk, "undone": [{"case": "k-1", "undoes": "d-2", "decision": "d-3"}],
            "left_out": [{"case": "k-2", "decision": "d-4", "code": "too_late", "detail": "…"}]}),
        )),
        _ => Err(StatusCode::NOT_FOUND),
    };
    let log = async |State(stub): State<Stub>, RawQuery(query): RawQuery| {
        stub.asked.lock().unwrap().push(query.unwrap_or_default());
        let over = stub.case.lock().unwrap().clone();
        Json(json!({"decisions": [reading::logged(&over)], "next": 17, "more": true}))
    };
    let logged = async |State(stub): State<Stub>, Path(id): Path<String>| {
        let over = stub.case.lock().unwrap().clone();
        (id == "d-1")
            .then(|| Json(reading::logged(&over)))
            .ok_or(StatusCode::NOT_FOUND)
    };
    Router::new()
        .route("/admin/cases/{case}/escalate", post(escalate).delete(calm))
        .route("/admin/cases/bulk", post(bulk))
        .route("/admin/bulk/{bulk}/undo", post(undo_bulk))
        .route("/admin/feed", get(feed))
        .route("/admin/authors/{site}/{author}/sanctions", post(sanction))
        .route("/admin/decisions", get(log))
        .route("/admin/decisions/{decision}", get(logged))
        .merge(rules::stub())
        .with_state(stub.clone())
        .merge(webhooks::routes(stub.clone()))
        .merge(appeals::routes(stub))
}

fn archive(stub: Stub) -> Router {
    let thread = async |State(stub): State<Stub>, Path((_, id)): Path<(String, String)>| {
        let over = stub.case.lock().unwrap().clone();
        (id != "none")
            .then(|| Json(reading::thread(&over)))
            .ok_or(StatusCode::NOT_FOUND)
    };
    let search = async |State(stub): State<Stub>, RawQuery(query): RawQuery| {
        let query = query.unwrap_or_default();
        stub.asked.lock().unwrap().push(query.clone());
        if query.contains("%22") {
            let problem = json!({"code": "bad_query", "detail": "character 1: never closed"});
            return Err((StatusCode::BAD_REQUEST, Json(problem)));
        }
        let over = stub.case.lock().unwrap().clone();
        let is_known = !query.contains("author=u-9");
        Ok(Json(reading::found(&over, is_known)))
    };
    let comment = async |State(stub): State<Stub>, Path((_, id)): Path<(String, String)>| {
        let text = stub.case.lock().unwrap()["around"].clone();
        let text = text
            .as_str()
            .map_or(format!("words of {id}"), str::to_owned);
        Json(json!({
            "parent": null, "status": "approved", "author": {"id": "u-2", "display_name": "Kim"}, "text": text,
            "submitted_at": "2026-11-24T16:00:00Z",
            "events": [{"type": "stoa.comment.reported.v1", "captured_at": "2026-11-24T17:01:00Z",
                        "data": {"reason": "offensive", "text": text}}],
        }))
    };
    Router::new()
        .route(
            "/v1/sites",
            get(async || Json(json!({"sites": ["courrier", "é b"]}))),
        )
        .route("/v1/search", get(search))
        .route("/v1/sites/{site}/threads/{thread}", get(thread))
        .route("/v1/sites/{site}/comments/{comment}", get(comment))
        .with_state(stub)
}

/// A desk with an account of each role, named after it.
struct Running {
    router: Router,
    accounts: Accounts,
    watch: Watch,
    moderation: crate::config::BackendConfig,
    clock: Clock,
    stub: Stub,
    _folder: tempfile::TempDir,
    context: Context,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.context.shutdown.cancel();
    }
}

impl Running {
    async fn new() -> Self {
        Self::with(&[]).await
    }

    async fn with(variables: &[(&str, &str)]) -> Self {
        let clock = Clock::fixed("2026-11-24T18:00:00Z".parse().unwrap());
        let context = Context::new("console", clock.clone());
        let (stub, any) = (Stub::default(), "127.0.0.1:0".parse().unwrap());
        let serve = stoa_daemon::http::serve;
        let moderation = serve(any, moderation(stub.clone()), &context, "moderation").await;
        let archive = serve(any, archive(stub.clone()), &context, "archive").await;
        let admin = serve(any, operating::stub(stub.clone()), &context, "ingest").await;
        let admin = format!("http://{}", admin.unwrap());
        let folder = tempfile::tempdir().unwrap();
        let own = [
            ("DATA_DIR", folder.path().to_str().unwrap().to_owned()),
            ("JOURNAL__RESERVE", "0 B".to_owned()),
            ("MODERATION__URL", format!("http://{}", moderation.unwrap())),
            ("ARCHIVE__URL", format!("http://{}", archive.unwrap())),
            ("ARCHIVE__ADMIN_URL", admin.clone()),
            ("INGEST__URL", admin),
            ("INGEST__TOKEN", "0123456789abcdef".to_owned()),
            ("MODERATION__TOKEN", "0123456789abcdef".to_owned()),
            ("ARCHIVE__TOKEN", "0123456789abcdef".to_owned()),
        ];
        let given = variables
            .iter()
            .map(|(key, value)| (*key, (*value).to_owned()));
        let mut environment: BTreeMap<&str, String> = own.into_iter().chain(given).collect();
        // An empty one is left out.
        environment.retain(|_, value| !value.is_empty());
        let environment = environment
            .into_iter()
            .map(|(key, value)| (format!("STOA_CONSOLE__{key}").into(), value.into()));
        let default = crate::config::DEFAULT_CONFIG;
        let config: Config =
            stoa_daemon::config::load_from("console", default, None, environment).unwrap();
        config.validate().unwrap();
        let accounts = Accounts::open(&config, &context).await.unwrap();
        let metrics = Metrics::new(&context.registry).unwrap();
        let watch = Watch::default();
        let desk = Desk::new(&config, &context, accounts.clone(), metrics, watch.clone()).unwrap();
        let running = Self {
            router: router(desk),
            accounts,
            watch,
            moderation: config.moderation.clone(),
            clock,
            stub,
            _folder: folder,
            context,
        };
        running.fill().await;
        running
    }

    async fn fill(&self) {
        let origin = Origin::default();
        let first = self.accounts.first_link().await.unwrap().unwrap();
        let new = Some(("admin".to_owned(), "Admin".to_owned()));
        let password = || PASSWORD.to_owned();
        self.accounts
            .set_up(&origin, &first, new, password())
            .await
            .unwrap();
        for role in [Role::Viewer, Role::Moderator, Role::Editor, Role::Auditor] {
            let user = User {
                id: role.to_string(),
                name: format!("The {role}"),
                role,
                sites: vec!["courrier".to_owned(), "é b".to_owned()],
                disabled: false,
            };
            let link = self.accounts.add(&origin, user).await.unwrap();
            self.accounts
                .set_up(&origin, &link, None, password())
                .await
                .unwrap();
        }
    }

    fn browser(&self) -> Browser {
        Browser {
            router: self.router.clone(),
            cookies: BTreeMap::new(),
            form: String::new(),
            stream: None,
            agent: String::new(),
        }
    }

    /// A browser in which somebody is signed in.
    async fn as_user(&self, id: &str) -> Browser {
        self.clock.advance(Duration::from_secs(15));
        let mut browser = self.browser();
        browser.get("/sign-in").await;
        let answer = browser
            .post("/sign-in", &[("id", id), ("password", PASSWORD)])
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        browser.get("/account").await;
        browser
    }
}

/// Keeps cookies, and sends a form as the page that it saw last has it.
#[derive(Clone)]
struct Browser {
    router: Router,
    cookies: BTreeMap<String, String>,
    form: String,
    /// What was answered last that has no end.
    stream: Option<Arc<tokio::sync::Mutex<axum::body::BodyDataStream>>>,
    agent: String,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Browser {
    async fn get(&mut self, path: &str) -> Answer {
        let request = Request::get(path).body(Body::empty()).unwrap();
        self.send(request).await
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_from(path, fields, &[("origin", "https://desk.example")])
            .await
    }

    async fn post_from(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(fields);
        if !fields.iter().any(|(name, _)| *name == guard::FORM_FIELD) {
            body.append_pair(guard::FORM_FIELD, &self.form);
        }
        let mut request = Request::post(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.finish())).unwrap())
            .await
    }

    async fn send(&mut self, mut request: Request<Body>) -> Answer {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let headers = request.headers_mut();
        headers.insert(header::HOST, HOST.parse().unwrap());
        headers.insert(header::USER_AGENT, self.agent.parse().unwrap());
        headers.insert(header::COOKIE, cookies.join("; ").parse().unwrap());
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let kind = parts.headers.get(header::CONTENT_TYPE);
        if kind.is_some_and(|kind| kind == "text/event-stream") {
            self.stream = Some(Arc::new(tokio::sync::Mutex::new(body.into_data_stream())));
            return Answer {
                status: parts.status,
                headers: parts.headers,
                body: String::new(),
            };
        }
        let body = to_bytes(body, 1 << 22).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        // What texts isolate is for people.
        let body = body.replace(['\u{2068}', '\u{2069}'], "");
        let field = format!("name=\"{}\" value=\"", guard::FORM_FIELD);
        if let Some((_, rest)) = body.split_once(&field) {
            self.form = rest.split('"').next().unwrap().to_owned();
        }
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    async fn method(&mut self, method: &Method, path: &str) -> Answer {
        if *method == Method::GET {
            self.get(path).await
        } else {
            self.post(path, &[]).await
        }
    }
}
