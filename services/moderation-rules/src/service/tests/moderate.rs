//! Verdicts over HTTP.

use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::*;

/// Asks for verdicts, with a token or without.
async fn ask(fixture: &Fixture, token: Option<&str>, body: String) -> (StatusCode, Value) {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
    if let Some(token) = token {
        let value = format!("Bearer {token}").parse().unwrap();
        headers.insert(header::AUTHORIZATION, value);
    }
    send(fixture, headers, body).await
}

async fn send(fixture: &Fixture, headers: HeaderMap, body: String) -> (StatusCode, Value) {
    let mut request = Request::post("/v1/moderate");
    *request.headers_mut().unwrap() = headers;
    let request = request.body(Body::from(body)).unwrap();
    let response = fixture.public.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 1 << 24).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

/// Asks as the platform, and returns the answer.
async fn asked(fixture: &Fixture, body: Value) -> Value {
    let (status, answer) = ask(fixture, Some(PLATFORM), body.to_string()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer
}

fn said(body: &str) -> Value {
    json!({"site": "courrier", "article": "a-1", "author": {"id": "u-1"}, "body": body, "language": "en"})
}

fn with(mut comment: Value, key: &str, value: impl Into<Value>) -> Value {
    comment[key] = value.into();
    comment
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_comment_is_judged_with_everything_that_a_decision_has() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let answer = asked(&fixture, said("You scoundrel!")).await;
    assert_eq!(answer["verdict"], "hold");
    assert_eq!(answer["labels"], json!(["insult"]));
    assert_eq!(
        answer["reason"],
        json!({"code": "offensive", "ground": "terms", "reference": "charter §3",
               "category": "STATEMENT_CATEGORY_CYBER_VIOLENCE"})
    );
    assert_eq!(answer["explain"]["fr"], "Vocabulaire injurieux.");
    let span = &answer["rules"][0]["spans"][0];
    assert_eq!(
        (
            &span["start"],
            &span["end"],
            &span["text"],
            &span["list"],
            &span["term"]
        ),
        (
            &json!(4),
            &json!(13),
            &json!("scoundrel"),
            &json!("bad"),
            &json!("scoundrel")
        )
    );
    assert_eq!(answer["partial"], json!([]));
    assert_eq!(answer["ruleset"], fixture.hash());
    assert!(answer["took_ms"].as_f64().unwrap() > 0.0);
    assert!(answer.get("comment").is_none() && answer.get("decision").is_none());

    let many =
        json!({"comments": [said("A fine article."), with(said("Vermin"), "comment", "c-9")]});
    let answer = asked(&fixture, many).await;
    let results = answer["results"].as_array().unwrap();
    let verdicts: Vec<&Value> = results.iter().map(|result| &result["verdict"]).collect();
    assert_eq!(verdicts, ["approve", "reject"]);
    assert_eq!(results[1]["comment"], "c-9");
    assert_eq!(results[0]["rules"][0]["mode"], "shadow");
    assert_eq!(
        fixture.metric("stoa_moderate_requests_total", &[("result", "answered")]),
        Some(2.0)
    );
    assert_eq!(
        fixture.metric("stoa_moderate_comments_total", &[("verdict", "reject")]),
        Some(1.0)
    );
    fixture.stop().await;
}

#[tokio::test]
async fn markup_is_read_as_ingest_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let html = with(
        said("<p>You <b>scoun</b>drel &amp; co</p>"),
        "format",
        "html",
    );
    let answer = asked(&fixture, html).await;
    let span = &answer["rules"][0]["spans"][0];
    assert_eq!(
        (&span["start"], &span["text"]),
        (&json!(4), &json!("scoundrel"))
    );
    // What Stoa makes of a body is not taken from others.
    let forged = with(said("You scoundrel"), "normalized", json!({"text": "fine"}));
    assert_eq!(asked(&fixture, forged).await["verdict"], "hold");
    fixture.stop().await;
}

#[tokio::test]
async fn judging_reads_the_history_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let before = fixture.service.journal.next();
    for _ in 0..5 {
        // Nothing is counted: the rule `flood` would hold the fourth otherwise.
        assert_eq!(asked(&fixture, said("Fine.")).await["verdict"], "approve");
    }
    assert_eq!(fixture.service.journal.next(), before);
    for n in 0..3 {
        fixture
            .event(comment(
                &format!("c-{n}"),
                "u-1",
                "Fine.",
                json!({"submitted_at": NOON}),
            ))
            .await;
    }
    let answer = asked(&fixture, with(said("Fine."), "submitted_at", NOON)).await;
    assert_eq!(answer["labels"], json!(["flood"]));
    fixture.stop().await;
}

#[tokio::test]
async fn a_recorded_comment_is_decided_once_and_published() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let body = with(
        with(said("You scoundrel!"), "comment", "c-1"),
        "record",
        true,
    );
    let first = asked(&fixture, body.clone()).await;
    assert_eq!(
        (&first["verdict"], &first["reason"]["code"]),
        (&json!("hold"), &json!("offensive"))
    );
    assert_eq!(first["explain"]["en"], "Abusive language.");
    let after = fixture.service.journal.next();
    let again = asked(&fixture, body).await;
    assert_eq!(again["decision"], first["decision"]);
    assert_eq!(again["rules"], first["rules"]);
    assert_eq!(fixture.service.journal.next(), after);
    let case = fixture
        .get(&format!("/admin/cases/{}", case_of("c-1")))
        .await;
    assert_eq!(case["text"], "You scoundrel!", "{case}");
    // Over the bus it is the same comment.
    let repeated = fixture
        .decide(comment("c-1", "u-1", "You scoundrel!", json!({})))
        .await;
    assert_eq!(json!(repeated.decision), first["decision"]);
    // What follows is published from the journal, as a moderator's decision is.
    let record = fixture
        .service
        .journal
        .read_seq(after - 1)
        .unwrap()
        .unwrap();
    let outgoing = crate::service::reviewed(&record).unwrap();
    assert_eq!(json!(decision(&outgoing).decision), first["decision"]);
    assert_eq!(case_news(&outgoing), ["opened rules 10"]);
    let (status, problem) = ask(
        &fixture,
        Some(PLATFORM),
        with(said("x"), "record", true).to_string(),
    )
    .await;
    assert_eq!(
        (status, &problem["field"]),
        (StatusCode::BAD_REQUEST, &json!("comment"))
    );
    fixture.stop().await;
    // The view follows from the journal alone.
    std::fs::remove_dir_all(dir.path().join("moderation/view")).unwrap();
    let fixture = Fixture::open(dir.path()).await;
    let repeated = fixture
        .decide(comment("c-1", "u-1", "You scoundrel!", json!({})))
        .await;
    assert_eq!(json!(repeated.decision), first["decision"]);
    fixture.stop().await;
}

#[tokio::test]
async fn a_token_that_may_publish_or_moderate_is_needed_for_the_site() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let elsewhere = with(said("Fine."), "site", "elsewhere");
    for (token, comment, status) in [
        (None, said("Fine."), StatusCode::UNAUTHORIZED),
        (
            Some("unknown-unknown-unknown"),
            said("Fine."),
            StatusCode::UNAUTHORIZED,
        ),
        (Some(VIEWER), said("Fine."), StatusCode::FORBIDDEN),
        (Some(PLATFORM), elsewhere.clone(), StatusCode::FORBIDDEN),
        (Some(PLATFORM), said("Fine."), StatusCode::OK),
        (Some(MODERATOR), elsewhere, StatusCode::OK),
    ] {
        let (answered, body) = ask(&fixture, token, comment.to_string()).await;
        assert_eq!(answered, status, "{token:?} {body}");
        if status == StatusCode::FORBIDDEN && token == Some(PLATFORM) {
            assert_eq!(body["field"], "site");
        }
    }
    fixture.stop().await;

    let dir = tempfile::tempdir().unwrap();
    write_rules(dir.path(), RULES);
    let mut open = config(dir.path());
    (open.open, open.tokens) = (true, Vec::new());
    let fixture = Fixture::open_as(open, dir.path()).await;
    let (status, _) = ask(&fixture, None, said("Fine.").to_string()).await;
    assert_eq!(status, StatusCode::OK);
    // Open mode opens nothing else.
    let (status, _) = fixture.request(Method::GET, "/admin/cases", "", None).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    fixture.stop().await;
}

#[tokio::test]
async fn what_is_over_a_limit_or_wrong_is_named() {
    let dir = tempfile::tempdir().unwrap();
    write_rules(dir.path(), RULES);
    let mut small = config(dir.path());
    small.moderate.max_body = "128 KiB".parse().unwrap();
    let fixture = Fixture::open_as(small, dir.path()).await;
    let many = json!({"comments": vec![said("x"); 101]});
    let long = json!({"comments": [said("x"), said(&"x".repeat(64 * 1024 + 1))]});
    let large = json!({"comments": vec![said(&"x".repeat(60 * 1024)); 3]});
    let mut unnamed = said("x");
    unnamed.as_object_mut().unwrap().remove("author");
    for (body, status, code, field) in [
        (many, 400, "invalid_field", json!("comments")),
        (
            json!({"comments": []}),
            400,
            "invalid_field",
            json!("comments"),
        ),
        (
            json!({"comments": 1}),
            400,
            "invalid_field",
            json!("comments"),
        ),
        (
            json!({"comments": [1]}),
            400,
            "invalid_field",
            json!("comments[0]"),
        ),
        (long, 413, "too_large", json!("comments[1].body")),
        (large, 413, "too_large", Value::Null),
        (unnamed, 400, "missing_field", json!("author")),
        (said(" "), 400, "invalid_field", json!("body")),
        (
            with(said("x"), "deadline_ms", 10_001),
            400,
            "invalid_field",
            json!("deadline_ms"),
        ),
        (
            with(said("x"), "deadline_ms", 0),
            400,
            "invalid_field",
            json!("deadline_ms"),
        ),
        (
            with(said("x"), "record", "yes"),
            400,
            "invalid_field",
            json!("record"),
        ),
        (
            json!({"comments": [said("x")], "recrod": true}),
            400,
            "invalid_field",
            json!("recrod"),
        ),
        (json!([]), 400, "bad_request", Value::Null),
    ] {
        let (answered, problem) = ask(&fixture, Some(PLATFORM), body.to_string()).await;
        assert_eq!(answered.as_u16(), status, "{problem}");
        assert_eq!(
            (&problem["code"], &problem["field"]),
            (&json!(code), &field),
            "{problem}"
        );
        assert!(!problem["detail"].as_str().unwrap().is_empty());
        let has_limit = code == "too_large" || field == json!("deadline_ms");
        assert!(!has_limit || problem["limit"].is_string(), "{problem}");
    }
    let (status, problem) = ask(&fixture, Some(PLATFORM), "{".to_owned()).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (400, &json!("invalid_json"))
    );
    let mut headers = HeaderMap::new();
    headers.insert(
        header::AUTHORIZATION,
        format!("Bearer {PLATFORM}").parse().unwrap(),
    );
    let (status, _) = send(&fixture, headers, said("x").to_string()).await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    fixture.stop().await;
}

/// Judges slowly, once the text says so.
fn slowly(
    set: &stoa_rules::RuleSet,
    input: &stoa_rules::Input<'_>,
    begins: &mut dyn FnMut(usize),
) -> stoa_rules::Outcome {
    if input.text.contains("slow") {
        std::thread::sleep(std::time::Duration::from_millis(400));
    }
    set.evaluate_observed(input, begins)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_judged_in_time_is_held() {
    let dir = tempfile::tempdir().unwrap();
    write_rules(dir.path(), RULES);
    let fixture = Fixture::open_with(dir.path(), slowly).await;
    let body =
        json!({"comments": [said("Fine."), said("slow"), said("Fine.")], "deadline_ms": 100});
    let started = std::time::Instant::now();
    let answer = asked(&fixture, body).await;
    assert!(started.elapsed() < std::time::Duration::from_millis(350));
    let results = answer["results"].as_array().unwrap();
    let short: Vec<_> = results
        .iter()
        .map(|r| (&r["verdict"], &r["partial"]))
        .collect();
    let late = (&json!("hold"), &json!(["deadline"]));
    assert_eq!(short, [(&json!("approve"), &json!([])), late, late]);
    assert_eq!(
        fixture.metric("stoa_moderate_late_comments_total", &[]),
        Some(2.0)
    );

    // What the engine decides after the deadline stays decided.
    let body = with(
        with(
            with(said("slow scoundrel"), "comment", "c-1"),
            "record",
            true,
        ),
        "deadline_ms",
        50,
    );
    let first = asked(&fixture, body.clone()).await;
    assert_eq!(first["partial"], json!(["deadline"]));
    let again = asked(&fixture, with(body, "deadline_ms", 5_000)).await;
    assert_eq!(
        (&again["labels"], &again["partial"]),
        (&json!(["insult"]), &json!([]))
    );
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_beyond_the_queue_are_sent_away() {
    let dir = tempfile::tempdir().unwrap();
    write_rules(dir.path(), RULES);
    let mut narrow = config(dir.path());
    narrow.moderate.queue = 1;
    let fixture = Fixture::open_all(NOON, narrow, dir.path(), slowly).await;
    let first = ask(&fixture, Some(PLATFORM), said("slow").to_string());
    let second = async {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        ask(&fixture, Some(PLATFORM), said("Fine.").to_string()).await
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!([first.0.as_u16(), second.0.as_u16()], [200, 503]);
    let busy = fixture.metric("stoa_moderate_requests_total", &[("result", "busy")]);
    assert_eq!(busy, Some(1.0));
    fixture.stop().await;
}
