//! As `OpenAI`'s clients ask, and read.

use super::*;

async fn moderations(fixture: &Fixture, body: &Value) -> (StatusCode, HeaderMap, Value) {
    let request = Request::post("/v1/moderations")
        .header(header::AUTHORIZATION, format!("Bearer {PLATFORM}"))
        .header(header::CONTENT_TYPE, "application/json");
    let (status, headers, answer) = send(fixture, request, body.to_string()).await;
    (status, headers, read(&answer))
}

const KEYS: [&str; 13] = [
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/intent",
    "self-harm/instructions",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
];

#[tokio::test]
async fn every_text_has_all_categories() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = opened(dir.path()).await;
    let body = json!({
        "model": "omni-moderation-latest",
        "input": ["You scoundrel!", "What a fine article this is.", "Vermin, all of you."],
    });
    let (status, headers, answer) = moderations(&fixture, &body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(headers["stoa-categories"], "harassment, hate");
    assert!(answer["id"].as_str().unwrap().starts_with("modr-"));
    assert_eq!(answer["model"], format!("stoa/{}", fixture.hash()));
    let results = answer["results"].as_array().unwrap();
    for result in results {
        for part in [
            "categories",
            "category_scores",
            "category_applied_input_types",
        ] {
            let keys: Vec<&String> = result[part].as_object().unwrap().keys().collect();
            assert_eq!(keys, KEYS, "{part}");
        }
        let types = &result["category_applied_input_types"];
        assert_eq!(
            (&types["hate"], &types["sexual"]),
            (&json!(["text"]), &json!([]))
        );
        assert_eq!(result["categories"]["sexual"], false);
        assert_eq!(result["category_scores"]["sexual"], 0.0);
    }
    let short: Vec<Value> = results
        .iter()
        .map(|result| {
            let (of, scores) = (&result["categories"], &result["category_scores"]);
            json!([
                result["flagged"],
                of["harassment"],
                scores["harassment"],
                of["hate"],
                scores["hate"]
            ])
        })
        .collect();
    assert_eq!(
        short,
        [
            json!([true, true, 0.8, false, 0.0]),
            json!([false, false, 0.0, false, 0.0]),
            // The score is below the category's threshold; the rules reject it all the same.
            json!([true, false, 0.0, false, 0.4]),
        ]
    );
    fixture.stop().await;
}

#[tokio::test]
async fn a_text_or_the_parts_of_one_have_one_result() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = opened(dir.path()).await;
    let parts = json!([{"type": "text", "text": "You"}, {"type": "text", "text": "scoundrel"}]);
    for input in [json!("You scoundrel!"), parts] {
        let (_, _, answer) = moderations(&fixture, &json!({"input": input})).await;
        let results = answer["results"].as_array().unwrap();
        assert_eq!(results.len(), 1);
        assert_eq!(results[0]["categories"]["harassment"], true);
    }
    fixture.stop().await;
}

#[tokio::test]
async fn what_can_not_be_judged_is_refused_in_openais_shape() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = opened(dir.path()).await;
    let image = json!([
        {"type": "text", "text": "See:"},
        {"type": "image_url", "image_url": {"url": "https://courrier.example/a.png"}},
    ]);
    let (status, _, answer) = moderations(&fixture, &json!({"input": image})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(
        answer,
        json!({"error": {
            "message": "images are not judged here: send parts of the type text alone",
            "type": "invalid_request_error",
            "param": "input[1]",
            "code": "unsupported_input",
        }})
    );
    for (input, status, param) in [
        (json!([]), 400, "input"),
        (json!(vec!["x"; 101]), 400, "input"),
        (json!(""), 400, "input"),
        (json!(["Fine.", " "]), 400, "input[1]"),
        (json!(["Fine.", "x".repeat(70_000)]), 413, "input[1]"),
        (json!([{"type": "audio"}]), 400, "input[0]"),
    ] {
        let (answered, _, answer) = moderations(&fixture, &json!({"input": input})).await;
        assert_eq!(
            (answered.as_u16(), &answer["error"]["param"]),
            (status, &json!(param)),
            "{answer}"
        );
    }
    for (token, status, code) in [
        (None, 401, "invalid_api_key"),
        (Some("unknown-unknown-unknown"), 401, "invalid_api_key"),
        (Some(VIEWER), 403, "forbidden"),
    ] {
        let mut request = Request::post("/v1/moderations");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = json!({"input": "Fine."}).to_string();
        let (answered, _, answer) = send(&fixture, request, body).await;
        let answer = read(&answer);
        assert_eq!(
            (answered.as_u16(), &answer["error"]["code"]),
            (status, &json!(code))
        );
    }
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_judged_in_time_is_an_error_of_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = hasty(dir.path(), |_| {}).await;
    let (status, headers, answer) =
        moderations(&fixture, &json!({"input": ["Fine.", "slow"]})).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(headers[header::RETRY_AFTER], "1");
    let error = &answer["error"];
    assert_eq!(
        (&error["type"], &error["code"]),
        (&json!("server_error"), &json!("deadline"))
    );
    fixture.stop().await;
}
