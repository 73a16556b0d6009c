//! Rules, lists and insights, with a stub of what moderation-rules tells of them.

use super::*;

const TEXT: &str = "rules:\n  - id: insult\n";

/// A rule set's answer; another version is live once one was saved, or where the stub says so.
fn live(stub: &Stub) -> Value {
    let n_saved = stub.worked.lock().unwrap().len();
    json!({
        "hash": format!("sha256:{n_saved}"), "loaded_at": "2026-11-24T17:00:00Z", "source": "starter",
        "activated": {"number": 1, "hash": "sha256:0", "at": "2026-11-24T17:00:00Z", "by": "ed<b>", "how": "put",
                      "note": "=fewer <i>", "kept": true},
        "pending_errors": null,
        "rules": [{
            "id": "insult", "file": "stoa.yaml", "line": 2, "mode": "shadow", "verdict": "hold", "labels": ["a&b"],
            "description": "<script>alert(1)</script>", "explain": {"en": "Abuse <b>."}, "sites": [], "languages": [],
            "examples": 1, "breaker": {"state": "open", "hits": 21, "comments": 40},
        }],
    })
}

fn insights() -> Value {
    let verdicts = json!({"approve": 5, "hold": 2, "reject": 1});
    let time =
        json!({"count": 3, "median_seconds": 240.0, "p90_seconds": 7200.0, "buckets": [0, 3, 0]});
    let slot = |at: &str| {
        json!({
            "at": at, "opened": {"rules": 4, "reported": 1, "appeal": 0}, "verdicts": verdicts, "undone": 1,
            "closed": {"approved": 2, "rejected": 1, "withdrawn": 1, "superseded": 0, "erased": 0},
            "decision_time": time,
        })
    };
    let judged = |rate: Value| json!({"approved": 1, "rejected": 1, "override_rate": rate});
    json!({
        "by": "day", "from": "2026-11-23", "to": "2026-11-24", "site": null, "sites": ["courrier"],
        "now": {"open": 12, "oldest": "2026-11-24T16:00:00Z", "oldest_seconds": 7200},
        "slots": [slot("2026-11-23"), slot("2026-11-24")], "decision_time": time, "bounds_seconds": [10, 30],
        "rules": [{
            "rule": "insult", "mode": "shadow", "verdict": "hold", "hits": 3, "verdicts": verdicts, "shadow_hits": 7,
            "shadow_verdicts": verdicts, "judged": judged(Value::Null), "shadow_judged": judged(json!(0.25)),
            "hits_by_slot": [1, 2], "shadow_by_slot": [3, 4],
        }],
        "moderators_total": {"approved": 9, "rejected": 4, "undone": 1},
        "moderators": [{"moderator": "=cmd|x", "approved": 2, "rejected": 1, "undone": 0}],
    })
}

fn report() -> Value {
    let side = json!({"scores": {"precision": 0.5, "recall": 1.0}, "strict_scores": null});
    json!({
        "input": {"comments": 40, "first": "2026-11-20T00:00:00Z", "last": "2026-11-24T00:00:00Z"},
        "live": side, "draft": side, "flips": 3,
        "matrix": {"hold": {"reject": 3}, "approve": {"approve": 37}},
        "flips_by_rule": [{"rule": "insult", "stricter": 3, "milder": 0}],
        "by_day": [{"name": "2026-11-20", "comments": 40, "stricter": 3, "milder": 0}],
        "samples": [{"live": "hold", "draft": "reject", "flips": 3, "comments": [
            {"site": "courrier", "comment": "c<1>", "case": "k-1", "live_rules": ["insult"], "draft_rules": ["insult"]}]}],
    })
}

fn backtest(state: &str) -> Value {
    let report = (state == "done").then(report);
    json!({"id": "bt-1", "state": state, "by": "editor", "progress": {"done": 3, "total": 40}, "report": report})
}

async fn done(
    State(stub): State<Stub>,
    Path(what): Path<String>,
    Json(body): Json<Value>,
) -> Json<Value> {
    stub.worked.lock().unwrap().push(format!("{what} {body}"));
    Json(live(&stub))
}

pub(super) fn stub() -> Router<Stub> {
    let shown = async |State(stub): State<Stub>| Json(live(&stub));
    let put = async |State(stub): State<Stub>,
                     Query(asked): Query<Value>,
                     headers: HeaderMap,
                     Json(body): Json<Value>| {
        let expected = format!("\"{}\"", live(&stub)["hash"].as_str().unwrap());
        if headers["if-match"] != *expected {
            let problem = json!({"code": "rules_changed", "detail": "read it"});
            return (StatusCode::PRECONDITION_FAILED, Json(problem));
        }
        let saved = format!("{} {}", asked["shadow"], body["files"]["stoa.yaml"]);
        stub.worked.lock().unwrap().push(saved);
        (StatusCode::OK, Json(live(&stub)))
    };
    let check = async |Json(body): Json<Value>| {
        let text = body["files"]["stoa.yaml"].as_str().unwrap();
        let wrong = text.contains("wrong");
        let diagnostics = wrong.then(|| {
            json!({"file": "stoa.yaml", "line": 2, "column": 5, "message": "unknown <fact>", "help": "did you mean it?",
                   "snippet": null})
        });
        Json(json!({
            "valid": !wrong, "live": false, "hash": null, "rules": 1, "unused": ["a.txt"], "lint": [],
            "diagnostics": diagnostics.into_iter().collect::<Vec<_>>(),
            "examples": [{"rule": "insult", "file": "stoa.yaml", "line": 2, "column": 1, "text": "<u>x", "should_fire": true,
                          "fires": false, "passes": false}],
        }))
    };
    let attempt = async |Json(body): Json<Value>| {
        let text = body["comment"].to_string();
        Json(json!({
            "verdict": "reject", "labels": ["insult"], "explain": {"fr": "Injure."}, "partial": [], "took_us": 12,
            "rules": [{"id": "insult", "verdict": "reject", "fate": "acted", "message": text,
                       "spans": [{"start": 0, "end": 1, "text": "<x>"}]}],
        }))
    };
    let version = async || Json(json!({"files": {"stoa.yaml": TEXT, "lists/bad.txt": "oaf\n"}}));
    let versions = async |State(stub): State<Stub>| {
        let activated = live(&stub)["activated"].clone();
        Json(json!({"versions": [activated], "next": 1}))
    };
    let diff = async || {
        Json(json!({
            "from": "sha256:0", "to": "sha256:1", "rules": [{"id": "insult", "change": "changed"}],
            "files": [{"path": "stoa.yaml", "change": "changed", "diff": "--- a\n+++ b\n@@ -1 +1 @@\n-<a>\n+<b>\n"}],
        }))
    };
    let one = async |State(stub): State<Stub>| {
        let state = stub.case.lock().unwrap()["backtest"].clone();
        Json(backtest(state.as_str().unwrap_or("done")))
    };
    let list = json!({"name": "bad", "match": "word", "fold": "full", "language": "fr", "file": "stoa.yaml", "line": 3,
                      "terms_file": "lists/bad.txt", "n_terms": 2, "terms": [{"term": "oaf [prefix]"}, {"term": "<lout>"}]});
    let lists = json!({"ruleset": "sha256:0", "lists": [list], "hits": [{"list": "bad", "term": "oaf", "text": "0af"}]});
    Router::new()
        .route("/admin/rules", get(shown).put(put))
        .route("/admin/rules/check", post(check))
        .route("/admin/rules/try", post(attempt))
        .route("/admin/rules/versions", get(versions))
        .route("/admin/rules/versions/{hash}", get(version))
        .route("/admin/rules/diff", get(diff))
        .route(
            "/admin/rules/rollback",
            post(async |state, body| done(state, Path("rollback".to_owned()), body).await),
        )
        .route("/admin/rules/{rule}/mode", post(done))
        .route(
            "/admin/rules/backtests",
            post(async || (StatusCode::ACCEPTED, Json(backtest("running")))),
        )
        .route("/admin/rules/backtests/{id}", get(one))
        .route("/admin/rules/lists", get(async move || Json(lists)))
        .route(
            "/admin/rules/lists/{list}",
            get(async move || Json(list)).post(done),
        )
        .route("/admin/insights", get(async || Json(insights())))
}

#[track_caller]
fn has(answer: &Answer, parts: &[&str]) {
    for part in parts {
        assert!(answer.body.contains(part), "{part} in {}", answer.body);
    }
    for markup in ["<script>", "<i>", "<u>", "<fact>", "<lout>", "<b>"] {
        assert!(!answer.body.contains(markup), "{markup} in {}", answer.body);
    }
}

#[tokio::test]
async fn rules_are_shown_with_what_they_did() {
    let running = Running::new().await;
    let mut browser = running.as_user("viewer").await;
    let answer = browser.get("/rules").await;
    has(
        &answer,
        &[
            "href=\"/rules/results/insult\"",
            "<td>25 % <small>of 2 decisions</small></td>",
            "open: it holds instead",
            "aria-current=\"page\">Rules</a>",
        ],
    );
    assert!(!answer.body.contains("/rules/edit"));
    let answer = browser.get("/rules/results/insult").await;
    has(
        &answer,
        &[
            "data-chart=\"line\"",
            "<time>2026-11-24</time>",
            "<td>2</td><td>4</td>",
            "it would have asked for: held",
        ],
    );
    assert!(!answer.body.contains("/mode\""), "viewers change nothing");
    assert_eq!(
        browser.get("/rules/results/none").await.status,
        StatusCode::NOT_FOUND
    );
    has(
        &browser.get("/rules/versions").await,
        &["ed&#60;b&#62;", "=fewer &#60;i&#62;", "rel=\"next\""],
    );
    has(
        &browser.get("/rules/diff?from=sha256:0").await,
        &[
            "<span class=\"removed\">-&#60;a&#62;",
            "<span class=\"added\">+&#60;b&#62;",
        ],
    );
    let mut admin = running.as_user("admin").await;
    let answer = admin.get("/rules/results/insult").await;
    has(&answer, &["/mode\"", "Let it reject again"]);
    let fields = [
        ("mode", "percent"),
        ("percent", "20"),
        ("hash", "sha256:0"),
        ("note", " more "),
    ];
    let answer = admin.post("/rules/results/insult/mode", &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let worked = running.stub.worked.lock().unwrap().clone();
    assert_eq!(worked, [r#"insult {"mode":"20%","note":"more"}"#]);
}

/// What the editor's form sends.
fn fields(what: &str) -> [(&str, &str); 8] {
    [
        ("base", "sha256:0"),
        ("file", "stoa.yaml"),
        ("text:stoa.yaml", "rules:\r\n  - id: wrong\r\n"),
        ("days", "7"),
        ("try", "you <oaf>"),
        ("try-rejected", "3"),
        ("note", "why"),
        ("do", what),
    ]
}

#[tokio::test]
async fn a_draft_is_checked_tried_backtested_and_saved_without_a_script() {
    let running = Running::new().await;
    let mut browser = running.as_user("admin").await;
    let answer = browser.get("/rules/edit").await;
    has(
        &answer,
        &[
            "rules:\n  - id: insult",
            "value=\"open:lists/bad.txt\"",
            "name=\"base\" value=\"sha256:0\"",
        ],
    );
    let answer = browser.post("/rules/edit", &fields("check")).await;
    has(
        &answer,
        &[
            "unknown &#60;fact&#62;",
            "data-line=\"2\" data-column=\"5\"",
            "1 error: it can’t become live.",
            "Not used",
        ],
    );
    let part = browser.post("/rules/edit/check", &fields("")).await;
    assert!(!part.body.contains("<html"), "{}", part.body);
    has(&part, &["unknown &#60;fact&#62;", "should fire"]);
    // What was typed stays while another file is shown.
    let answer = browser
        .post("/rules/edit", &fields("open:lists/bad.txt"))
        .await;
    has(
        &answer,
        &[
            "<textarea name=\"text:stoa.yaml\" hidden>\nrules:\n  - id: wrong\n</textarea>",
            "oaf\n</textarea>",
            "value=\"show:2:5:stoa.yaml\"",
        ],
    );
    let mut away = fields("show:2:5:stoa.yaml").to_vec();
    away[1] = ("file", "lists/bad.txt");
    let answer = browser.post("/rules/edit", &away).await;
    let shown = "data-line=\"2\" data-column=\"5\">\nrules:\n  - id: wrong\n</textarea>";
    has(&answer, &[shown]);
    has(
        &browser.post("/rules/edit", &fields("difference")).await,
        &["-  - id: insult", "+  - id: wrong"],
    );
    let answer = browser.post("/rules/edit", &fields("try")).await;
    has(
        &answer,
        &[
            "<strong>rejected</strong>",
            "&#34;rejected&#34;:3",
            "Injure.",
            "12 microseconds",
            "you &#60;oaf&#62;",
        ],
    );
    let answer = browser.post("/rules/edit", &fields("backtest")).await;
    has(
        &answer,
        &[
            "data-state=\"running\"",
            "name=\"backtest\" value=\"bt-1\"",
            "value=\"3\"",
        ],
    );
    let mut look = fields("look").to_vec();
    look.push(("backtest", "bt-1"));
    let answer = browser.post("/rules/edit", &look).await;
    has(
        &answer,
        &[
            "3 verdicts would change.",
            "<td class=\"flip\">3</td>",
            "c&#60;1&#62;",
            "href=\"/cases/k-1\"",
            "<td>50 %</td>",
        ],
    );
}

#[tokio::test]
async fn a_draft_is_saved_unless_somebody_was_faster() {
    let running = Running::new().await;
    let mut browser = running.as_user("admin").await;
    browser.get("/rules/edit").await;
    let answer = browser.post("/rules/edit", &fields("save:shadow")).await;
    assert_eq!(answer.status, StatusCode::OK);
    has(
        &answer,
        &[
            "Saved: this is live now.",
            "name=\"base\" value=\"sha256:1\"",
        ],
    );
    let worked = running.stub.worked.lock().unwrap().clone();
    assert_eq!(worked, [r#""true" "rules:\n  - id: wrong\n""#]);
    // Somebody was faster: nothing is saved, and nothing that was typed is lost.
    let answer = browser.post("/rules/edit", &fields("save:live")).await;
    assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED);
    has(
        &answer,
        &[
            "Somebody else has changed the rules meanwhile.",
            "\nrules:\n  - id: wrong\n</textarea>",
            "value=\"rebase\"",
        ],
    );
    let answer = browser.post("/rules/edit", &fields("rebase")).await;
    has(
        &answer,
        &["name=\"base\" value=\"sha256:1\"", "+  - id: wrong"],
    );
    assert_eq!(running.stub.worked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_file_of_rules_may_be_longer_than_other_forms() {
    let running = Running::new().await;
    let mut browser = running.as_user("admin").await;
    let long = "# a line\n".repeat(20_000);
    let fields = [
        ("base", "sha256:0"),
        ("file", "stoa.yaml"),
        ("text:stoa.yaml", long.as_str()),
    ];
    let answer = browser.post("/rules/edit/check", &fields).await;
    assert_eq!(answer.status, StatusCode::OK);
    let answer = browser.post("/lists/bad", &[("add", long.as_str())]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn lists_are_looked_through_and_changed() {
    let running = Running::new().await;
    let mut browser = running.as_user("admin").await;
    has(
        &browser.get("/lists?q=0af").await,
        &[
            "This text hits:",
            "<mark><bdi>0af</bdi></mark>",
            "href=\"/lists/bad\"",
        ],
    );
    let answer = browser.get("/lists/bad?q=LOUT").await;
    has(&answer, &["value=\"&#60;lout&#62;\""]);
    assert!(!answer.body.contains("oaf [prefix]"));
    let fields = [
        ("hash", "sha256:0"),
        ("add", "a\r\n\r\n b \r\n"),
        ("remove", "oaf [prefix]"),
        ("remove", "x"),
        ("note", ""),
    ];
    let answer = browser.post("/lists/bad", &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let worked = running.stub.worked.lock().unwrap().clone();
    assert_eq!(
        worked,
        [r#"bad {"add":["a","b"],"remove":["oaf [prefix]","x"],"note":""}"#]
    );
    let mut viewer = running.as_user("viewer").await;
    assert!(
        !viewer
            .get("/lists/bad")
            .await
            .body
            .contains("method=\"post\" action=\"/lists")
    );
}

#[tokio::test]
async fn insights_are_charts_tables_and_files() {
    let running = Running::new().await;
    let mut browser = running.as_user("viewer").await;
    let answer = browser.get("/insights?by=day&site=courrier").await;
    has(
        &answer,
        &[
            "<option value=\"courrier\" selected>",
            "<dd>12</dd>",
            ">2 h ago</time>",
            "<dd>4 min</dd>",
            "data-chart=\"bars\"",
            "<td>–</td><td>25</td>",
            "href=\"/insights.csv?site=courrier&#38;by=day&#38;table=slots\"",
            "up to 10 s",
            "<bdi>Total</bdi></th><td>9</td><td>4</td><td>1</td>",
        ],
    );
    assert_eq!(answer.body.matches("<figure class=\"chart\"").count(), 8);
    assert!(answer.body.len() < 30_000, "{} bytes", answer.body.len());
    for (table, first) in [
        ("slots", "at,opened_rules,"),
        (
            "rules",
            "rule,at,hits,shadow_hits,override_rate,shadow_override_rate\r\ninsult,total,3,7,,0.25\r\n",
        ),
        (
            "moderators",
            "moderator,approved,rejected,undone\r\n'=cmd|x,2,1,0\r\n,9,4,1\r\n",
        ),
    ] {
        let answer = browser.get(&format!("/insights.csv?table={table}")).await;
        assert!(answer.body.starts_with(first), "{}", answer.body);
        let name = answer.headers["content-disposition"].to_str().unwrap();
        assert!(name.starts_with("attachment; filename=\""), "{name}");
    }
    assert_eq!(
        browser.get("/insights.csv?table=other").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn assets_are_compressed_for_who_reads_that() {
    let running = Running::new().await;
    let mut browser = running.browser();
    let path = assets::path("uplot/uPlot.iife.min.js");
    let plain = browser.get(path).await;
    assert!(plain.body.len() > 50_000 && !plain.headers.contains_key("content-encoding"));
    let request = Request::get(path).header(header::ACCEPT_ENCODING, "gzip, br");
    let answer = running
        .router
        .clone()
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(answer.headers()["content-encoding"], "gzip");
    assert_eq!(answer.headers()["vary"], "accept-encoding");
    let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    assert!(body.len() < 24_000, "{} bytes", body.len());
    assert_eq!(body.get(..2), Some(&[0x1f, 0x8b][..]));
}
