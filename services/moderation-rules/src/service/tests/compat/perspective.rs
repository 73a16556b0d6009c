//! As Perspective's clients ask, and read.

use super::*;

const ANALYZE: &str = "/v1alpha1/comments:analyze";

async fn analyze(fixture: &Fixture, body: &Value) -> (StatusCode, Value) {
    let request = Request::post(format!("{ANALYZE}?key={PLATFORM}"))
        .header(header::CONTENT_TYPE, "application/json");
    let (status, _, answer) = send(fixture, request, body.to_string()).await;
    (status, read(&answer))
}

fn asks(text: &str, attributes: &[&str]) -> Value {
    let attributes: serde_json::Map<String, Value> = attributes
        .iter()
        .map(|name| ((*name).to_owned(), json!({})))
        .collect();
    json!({"comment": {"text": text, "type": "PLAIN_TEXT"}, "requestedAttributes": attributes})
}

#[tokio::test]
async fn a_text_is_scored_as_coral_asks_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = opened(dir.path()).await;
    let before = fixture.service.journal.next();
    let body = json!({
        "comment": {"text": "You scoundrel!"},
        "communityId": "Coral:courrier.example",
        "clientToken": "comment:4711",
        "sessionId": "4711",
        "languages": ["en"],
        "doNotStore": true,
        "context": {"entries": [{"text": "An article.", "type": "PLAIN_TEXT"}]},
        "requestedAttributes": {"TOXICITY": {"scoreType": "PROBABILITY", "scoreThreshold": 0.0}},
    });
    let (status, answer) = analyze(&fixture, &body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let score = json!({"value": 0.9, "type": "PROBABILITY"});
    assert_eq!(
        answer,
        json!({
            "attributeScores": {"TOXICITY": {
                "spanScores": [{"begin": 0, "end": 14, "score": score}],
                "summaryScore": score,
            }},
            "languages": ["en"],
            "clientToken": "comment:4711",
        })
    );
    let (_, fine) = analyze(
        &fixture,
        &asks("What a fine article this is.", &["TOXICITY"]),
    )
    .await;
    assert_eq!(
        fine["attributeScores"]["TOXICITY"]["summaryScore"]["value"],
        0.0
    );
    assert_eq!(fine["detectedLanguages"], fine["languages"]);
    assert!(fine.get("clientToken").is_none());
    assert_eq!(fixture.service.journal.next(), before);
    assert_eq!(counted(&fixture, "perspective", "answered"), Some(2.0));
    let held = [("protocol", "perspective"), ("verdict", "hold")];
    assert_eq!(
        fixture.metric("stoa_compat_verdicts_total", &held),
        Some(1.0)
    );
    fixture.stop().await;
}

#[tokio::test]
async fn places_are_told_in_utf16_and_what_is_below_the_threshold_is_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = opened(dir.path()).await;
    let mut body = asks("👩‍👧 You scoundrel, scoundrel!", &["TOXICITY", "INSULT"]);
    body["spanAnnotations"] = json!(true);
    let (_, answer) = analyze(&fixture, &body).await;
    let score = |value: f64| json!({"value": value, "type": "PROBABILITY"});
    let spans = |value| {
        json!([
            {"begin": 10, "end": 19, "score": score(value)},
            {"begin": 21, "end": 30, "score": score(value)},
        ])
    };
    let scores = &answer["attributeScores"];
    assert_eq!(scores["TOXICITY"]["spanScores"], spans(0.9), "{answer}");
    assert_eq!(scores["INSULT"]["spanScores"], spans(0.8), "{answer}");
    body["requestedAttributes"]["INSULT"] = json!({"scoreThreshold": 0.85});
    let (_, answer) = analyze(&fixture, &body).await;
    let names: Vec<&String> = answer["attributeScores"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(names, ["TOXICITY"]);
    // What is judged in other letters than were sent has no places but the whole.
    body["comment"]["text"] = json!("e\u{301} scoundrel");
    let (_, answer) = analyze(&fixture, &body).await;
    let spans = &answer["attributeScores"]["TOXICITY"]["spanScores"];
    assert_eq!(
        *spans,
        json!([{"begin": 0, "end": 12, "score": score(0.9)}])
    );
    fixture.stop().await;
}

#[tokio::test]
async fn what_nothing_serves_is_refused_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = opened(dir.path()).await;
    for name in ["SEXUALLY_EXPLICIT", "PROFANITY", "toxicity"] {
        let (status, answer) = analyze(&fixture, &asks("Fine.", &["TOXICITY", name])).await;
        let message =
            format!("nothing serves the attribute `{name}`; served here are: INSULT, TOXICITY");
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert_eq!(
            answer,
            json!({"error": {
                "code": 400,
                "message": message,
                "status": "INVALID_ARGUMENT",
                "details": [{
                    "@type": "type.googleapis.com/google.rpc.BadRequest",
                    "fieldViolations": [{"field": "requested_attributes", "description": message}],
                }],
            }})
        );
    }
    let (status, answer) = analyze(&fixture, &asks(" ", &["TOXICITY"])).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(
        answer,
        json!({"error": {
            "code": 400,
            "message": "Comment must be non-empty.",
            "status": "INVALID_ARGUMENT",
            "details": [{
                "@type": "type.googleapis.com/google.commentanalyzer.v1alpha1.Error",
                "errorType": "COMMENT_EMPTY",
            }],
        }})
    );
    let with = |key: &str, value: Value| {
        let mut body = asks("Fine.", &["TOXICITY"]);
        body[key] = value;
        body
    };
    for (body, status, field) in [
        (asks("Fine.", &[]), 400, "requested_attributes"),
        (
            with("clientToken", json!("x".repeat(5_000))),
            400,
            "client_token",
        ),
        (with("languages", json!(["no language"])), 400, "languages"),
        (
            with("comment", json!({"text": "x", "type": "HTML"})),
            400,
            "comment.type",
        ),
        (
            with(
                "requestedAttributes",
                json!({"TOXICITY": {"scoreType": "PERCENTILE"}}),
            ),
            400,
            "requested_attributes",
        ),
        (
            asks(&"x".repeat(70_000), &["TOXICITY"]),
            413,
            "comment.text",
        ),
    ] {
        let (answered, answer) = analyze(&fixture, &body).await;
        let error = &answer["error"];
        assert_eq!(
            (answered.as_u16(), &error["code"]),
            (status, &json!(status)),
            "{answer}"
        );
        assert_eq!(
            error["details"][0]["fieldViolations"][0]["field"], field,
            "{answer}"
        );
    }
    fixture.stop().await;
}

#[tokio::test]
async fn the_key_may_stand_in_three_places() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = opened(dir.path()).await;
    let body = asks("Fine.", &["TOXICITY"]).to_string();
    let plain = || Request::post(ANALYZE);
    let encoded: String = PLATFORM
        .bytes()
        .map(|byte| format!("%{byte:02x}"))
        .collect();
    for (request, status, name) in [
        (plain(), 401, "UNAUTHENTICATED"),
        (
            Request::post(format!("{ANALYZE}?key=unknown-unknown-unknown")),
            401,
            "UNAUTHENTICATED",
        ),
        (
            Request::post(format!("{ANALYZE}?key={VIEWER}")),
            403,
            "PERMISSION_DENIED",
        ),
        (
            Request::post(format!("{ANALYZE}?alt=json&key={encoded}")),
            200,
            "",
        ),
        (plain().header("x-goog-api-key", PLATFORM), 200, ""),
        (
            plain().header(header::AUTHORIZATION, format!("Bearer {PLATFORM}")),
            200,
            "",
        ),
    ] {
        let (answered, _, answer) = send(&fixture, request, body.clone()).await;
        assert_eq!(answered.as_u16(), status, "{answer}");
        if status != 200 {
            assert_eq!(read(&answer)["error"]["status"], name);
        }
    }
    fixture.stop().await;
}

#[tokio::test]
async fn a_suggestion_is_counted_and_its_token_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = opened(dir.path()).await;
    let before = fixture.service.journal.next();
    let body = json!({
        "comment": {"text": "You scoundrel!"},
        "attributeScores": {"TOXICITY": {"summaryScore": {"value": 0.1}}},
        "clientToken": "c-1",
    });
    let request = Request::post(format!("/v1alpha1/comments:suggestscore?key={PLATFORM}"));
    let (status, _, answer) = send(&fixture, request, body.to_string()).await;
    assert_eq!(
        (status, read(&answer)),
        (StatusCode::OK, json!({"clientToken": "c-1"}))
    );
    let told = fixture.metric("stoa_compat_feedback_total", &[("kind", "suggestscore")]);
    assert_eq!((told, fixture.service.journal.next()), (Some(1.0), before));
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_judged_in_time_has_no_number() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = hasty(dir.path(), |_| {}).await;
    let (status, answer) = analyze(&fixture, &asks("slow", &["TOXICITY"])).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer["error"]["status"], "UNAVAILABLE");
    assert!(answer.get("attributeScores").is_none());
    let late = [("protocol", "perspective"), ("verdict", "late")];
    assert_eq!(
        fixture.metric("stoa_compat_verdicts_total", &late),
        Some(1.0)
    );
    fixture.stop().await;
}
