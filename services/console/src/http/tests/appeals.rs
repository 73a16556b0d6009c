//! Appeals, what an author will read, its texts, and transparency.

use axum::response::IntoResponse as _;
use axum::routing::put;

use super::*;

/// An appeal as moderation-rules shows it.
pub(super) fn appeal(over: &Value) -> Value {
    let mut appeal = json!({
        "id": "appeal-1", "appeal": "p-1", "status": "open", "site": "courrier", "article": "a-1", "comment": "c-1",
        "author": "u-1", "case": "k-1", "decision": "d-1", "verdict": "reject", "revision": 1,
        "moderators": ["anne"], "decidable": true, "text": "It was <b>satire</b>.",
        "appealed_at": "2026-11-24T17:00:00Z", "received_at": "2026-11-24T17:00:00Z",
    });
    for (key, value) in over.as_object().into_iter().flatten() {
        appeal[key] = value.clone();
    }
    appeal
}

fn texts(version: u64) -> Value {
    json!({
        "version": version, "languages": ["en", "fr"],
        "placeholders": {"rule": ["site", "rule"], "redress": ["site"], "reason.insult": ["site"]},
        "defaults": {"rule": {"en": "It met {rule}.", "fr": "Règle {rule}."}, "redress": {"en": "Ask us."},
                     "reason.insult": {"en": "Be kind."}},
        "texts": {"redress": {"fr": "Écrivez-nous."}},
    })
}

/// The routes of moderation-rules that these pages ask.
pub(super) fn routes(stub: Stub) -> Router {
    let list = async |State(stub): State<Stub>, RawQuery(query): RawQuery| {
        stub.asked.lock().unwrap().push(query.unwrap_or_default());
        Json(json!({"appeals": [appeal(&json!({"text": null}))], "next": 41}))
    };
    let resolve = async |State(stub): State<Stub>, Json(body): Json<Value>| {
        if body["version"] != 7 {
            let problem = json!({"code": "same_moderator", "detail": "it is your own"});
            return Err((StatusCode::CONFLICT, Json(problem)));
        }
        stub.decided.lock().unwrap().push((String::new(), body));
        let stands = case("k-1", &Value::Null)["decisions"][0].clone();
        Ok(Json(json!({"stands": stands})))
    };
    let write = async |State(stub): State<Stub>, headers: HeaderMap, Json(body): Json<Value>| {
        if headers[header::IF_MATCH] != "\"3\"" {
            let problem = json!({"code": "precondition_failed", "detail": "it has version 3"});
            return Err((StatusCode::PRECONDITION_FAILED, Json(problem)));
        }
        stub.worked.lock().unwrap().push(body.to_string());
        Ok(Json(texts(4)))
    };
    let preview = async |Json(body): Json<Value>| {
        let by = if body["rule"].is_null() {
            &body["reason"]["code"]
        } else {
            &body["rule"]
        };
        let facts = format!("<i>{by}</i> in {}", body["language"]);
        let redress = body["texts"]["redress"][body["language"].as_str().unwrap_or("en")].clone();
        Json(json!({"statement": {
            "ground": "legal", "reference": "§ 1", "facts": facts, "category": "STATEMENT_CATEGORY_VIOLENCE",
            "automated_detection": true, "automated_decision": "AUTOMATED_DECISION_PARTIALLY", "language": "fr",
            "redress": redress}}))
    };
    let versions = async || {
        Json(json!({"versions": [
            {"version": 3, "at": "2026-11-24T17:00:00Z", "by": "edith", "restores": 1},
            {"version": 2, "at": "2026-11-24T16:00:00Z", "by": "edith", "note": "=shorter"}]}))
    };
    let year = async |State(stub): State<Stub>,
                      Path(year): Path<String>,
                      RawQuery(query): RawQuery| {
        let query = query.unwrap_or_default();
        stub.asked.lock().unwrap().push(format!("{year}?{query}"));
        if query.contains("format=csv") {
            return "name,value\r\n".into_response();
        }
        Json(json!({
            "year": 2026, "complete": false,
            "decisions": {"rules": {"approve": 12, "hold": 3}, "moderators": {"reject": 2}, "undone": 1,
                "restrictions": {"total": 5, "by_ground": {"terms": 5}, "by_category": {"none": 5},
                                 "by_detection": {"automated": 5}, "by_automation": {"fully": 3, "partially": 2}}},
            "notices": {"received": 4, "by_reason": {"hate": 4}, "answered": {"reject": 4}, "median_seconds": 5400},
            "appeals": {"received": 2, "by_outcome": {"reversed": 1}, "refused": {"too_late": 1},
                        "median_seconds": null},
            "sanctions": {"ban": 1},
        }))
        .into_response()
    };
    let statements = async |RawQuery(query): RawQuery| {
        let query = query.unwrap_or_default();
        let is_second = query.contains("cursor=20.1");
        if query.contains("format=csv") {
            let mut page = "puid\r\na\r\n".into_response();
            if !is_second {
                let next = "20.1".parse().unwrap();
                page.headers_mut().insert("x-next-cursor", next);
            }
            return page;
        }
        let next = (!is_second).then_some("20.1");
        Json(json!({"statements": [{"puid": "a"}], "next": next})).into_response()
    };
    Router::new()
        .route("/admin/appeals", get(list))
        .route("/admin/appeals/{appeal}/resolution", post(resolve))
        .route("/admin/texts", put(write).get(async || Json(texts(3))))
        .route("/admin/texts/preview", post(preview))
        .route("/admin/texts/versions", get(versions))
        .route("/admin/texts/rollback", post(write))
        .route("/admin/transparency/{year}", get(year))
        .route("/admin/statements", get(statements))
        .with_state(stub)
}

#[tokio::test]
async fn appeals_are_listed_and_a_case_has_its_own() {
    let running = Running::new().await;
    let mut browser = running.as_user("moderator").await;
    let answer = browser.get("/appeals?status=upheld&site=courrier").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    for part in [
        "href=\"/cases/k-1\"",
        "href=\"/decisions/d-1\"",
        "<option value=\"upheld\" selected>",
        "href=\"/appeals?status=upheld&#38;site=courrier&#38;after=41\" rel=\"next\"",
    ] {
        assert!(answer.body.contains(part), "{part} in {}", answer.body);
    }
    assert_eq!(
        running.stub.asked.lock().unwrap().pop().unwrap(),
        "status=upheld&limit=30&site=courrier"
    );
    let open = json!({"appeals": [appeal(&Value::Null)]});
    *running.stub.case.lock().unwrap() = open;
    let answer = browser.get("/cases/k-1").await;
    for part in [
        "It was &#60;b&#62;satire&#60;/b&#62;.",
        "action=\"/cases/k-1/uphold\"",
        "name=\"appeal\" value=\"appeal-1\"",
    ] {
        assert!(answer.body.contains(part), "{part} in {}", answer.body);
    }
    // Who decided can't decide again, and is told who is asked.
    let own = json!({"appeals": [appeal(&json!({"decidable": false}))]});
    *running.stub.case.lock().unwrap() = own;
    let answer = browser.get("/cases/k-1").await;
    assert!(!answer.body.contains("/uphold"));
    assert!(!answer.body.contains("id=\"approve\""));
    assert!(
        answer
            .body
            .contains("The decision is by anne: another moderator has to decide.")
    );
}

#[tokio::test]
async fn a_decision_stands_in_a_persons_name() {
    let running = Running::new().await;
    let mut browser = running.as_user("moderator").await;
    browser.get("/cases/k-1").await;
    let fields = [("version", "7"), ("appeal", "appeal-1")];
    let answer = browser.post("/cases/k-1/uphold", &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let location = answer.headers["location"].to_str().unwrap();
    assert_eq!(location, "/cases/k-1?done=reject&of=k-1&decision=d-1");
    let (_, body) = running.stub.decided.lock().unwrap().pop().unwrap();
    assert_eq!(body, json!({"outcome": "upheld", "version": 7}));
    browser.get("/cases/k-1").await;
    let stale = [("version", "6"), ("appeal", "appeal-1")];
    let answer = browser.post("/cases/k-1/uphold", &stale).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(
        answer.body.contains("against your own decision"),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn what_the_author_will_read_is_shown_before() {
    let running = Running::new().await;
    let mut browser = running.as_user("moderator").await;
    let answer = browser.get("/cases/k-1").await;
    assert!(answer.body.contains("formaction=\"/cases/k-1/preview\""));
    let fields = [("version", "7"), ("reason", "hate_speech")];
    let answer = browser
        .post("/cases/k-1/preview?label=insult", &fields)
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    for part in [
        "&#60;i&#62;&#34;hate_speech&#34;&#60;/i&#62;",
        "<dd>law: <bdi>§ 1</bdi></dd>",
        "action=\"/cases/k-1/decision?label=insult\"",
        "name=\"reason\" value=\"hate_speech\"",
        "name=\"version\" value=\"7\"",
    ] {
        assert!(answer.body.contains(part), "{part} in {}", answer.body);
    }
    let answer = browser
        .post("/cases/k-1/preview", &[("version", "7")])
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn texts_are_tried_saved_and_taken_back() {
    let running = Running::new().await;
    let mut browser = running.as_user("editor").await;
    let answer = browser.get("/texts?key=redress").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    for part in [
        "Écrivez-nous.</textarea>",
        "Ask us.",
        "<bdi>{site}</bdi>",
        "href=\"/texts?key=reason.insult\">Insult</a>",
        "name=\"version\" value=\"3\"",
        "Version 2",
        ": <span dir=\"auto\">=shorter</span>",
    ] {
        assert!(answer.body.contains(part), "{part} in {}", answer.body);
    }
    let mut fields = vec![
        ("key", "redress"),
        ("version", "3"),
        ("text_en", "Write\r\nto us <now>."),
        ("text_fr", ""),
        ("note", "why"),
        ("act", "preview"),
    ];
    let answer = browser.post("/texts", &fields).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(
        answer.body.matches("to us &#60;now&#62;.").count() == 2,
        "{}",
        answer.body
    );
    assert!(
        running.stub.worked.lock().unwrap().is_empty(),
        "tried, not saved"
    );
    let rule = [("key", "rule"), ("version", "3"), ("act", "preview")];
    let answer = browser.post("/texts", &rule).await;
    let filled = "&#60;i&#62;&#34;insult&#34;&#60;/i&#62; in &#34;fr&#34;";
    assert!(answer.body.contains(filled), "{}", answer.body);
    fields[5] = ("act", "save");
    let answer = browser.post("/texts", &fields).await;
    assert_eq!(answer.headers["location"], "/texts?key=redress&saved=true");
    let sent: Value =
        serde_json::from_str(&running.stub.worked.lock().unwrap().pop().unwrap()).unwrap();
    assert_eq!(
        sent,
        json!({"texts": {"redress": {"en": "Write\nto us <now>."}}, "note": "why"})
    );
    // Somebody was faster: what was typed is still there.
    fields[1] = ("version", "2");
    let answer = browser.post("/texts", &fields).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.body.contains("to us &#60;now&#62;.</textarea>"));
    assert!(answer.body.contains("Somebody else has changed this"));
    let answer = browser
        .post("/texts/back", &[("version", "3"), ("to", "2")])
        .await;
    assert_eq!(answer.headers["location"], "/texts?saved=true");
    assert_eq!(
        running.stub.worked.lock().unwrap().pop().unwrap(),
        "{\"to\":2}"
    );
}

#[tokio::test]
async fn a_year_is_shown_and_files_are_whole() {
    let running = Running::new().await;
    let mut browser = running.as_user("auditor").await;
    let answer = browser.get("/transparency").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    for part in [
        "value=\"2026\"",
        "<caption>Decisions of rules</caption>",
        "<th scope=\"row\">approved</th><td class=\"number\">12</td>",
        "<th scope=\"row\">median, in hours</th><td class=\"number\">1.5</td>",
        "<th scope=\"row\">too late</th>",
        "href=\"/transparency/report?year=2026&#38;format=csv\"",
    ] {
        assert!(answer.body.contains(part), "{part} in {}", answer.body);
    }
    let answer = browser
        .get("/transparency/report?year=2026&site=courrier&format=csv")
        .await;
    assert_eq!(answer.body, "name,value\r\n");
    assert_eq!(
        answer.headers["content-disposition"],
        "attachment; filename=\"transparency.csv\""
    );
    let asked = running.stub.asked.lock().unwrap().pop().unwrap();
    assert_eq!(asked, "2026?format=csv&site=courrier");
    let csv = browser
        .get("/transparency/statements?from=2026-01-01&format=csv")
        .await;
    assert_eq!(csv.body, "puid\r\na\r\na\r\n");
    let json = browser.get("/transparency/statements?format=json").await;
    let line = "{\"statements\":[{\"puid\":\"a\"}]}\n";
    assert_eq!(json.body, line.repeat(2));
    let wrong = browser.get("/transparency/statements?from=yesterday").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
}
