use super::*;

/// The routes of moderation-rules for webhooks.
pub(super) fn routes(stub: Stub) -> Router {
    let list = async || Json(json!({"webhooks": [webhook()]}));
    let one = async |Path(name): Path<String>| {
        (name == "cms")
            .then(|| Json(webhook()))
            .ok_or(StatusCode::NOT_FOUND)
    };
    let log = async |State(stub): State<Stub>, RawQuery(query): RawQuery| {
        stub.asked.lock().unwrap().push(query.unwrap_or_default());
        Json(json!({"next": 7, "deliveries": [{
            "at": "2026-11-24T17:00:00Z", "event": "d-1", "type": "comment.decided",
            "site": "courrier", "attempt": 10, "result": "refused", "status": 422,
            "duration_ms": 12, "outcome": "given_up",
        }]}))
    };
    let act =
        async |State(stub): State<Stub>, Path((_, act)): Path<(String, String)>, body: String| {
            stub.worked.lock().unwrap().push(format!("{act} {body}"));
            Json(json!({"result": "timeout", "events": 1}))
        };
    Router::new()
        .route("/admin/webhooks", get(list))
        .route("/admin/webhooks/{name}", get(one))
        .route("/admin/webhooks/{name}/deliveries", get(log))
        .route("/admin/webhooks/{name}/{act}", post(act))
        .with_state(stub)
}

fn webhook() -> Value {
    json!({
        "name": "cms", "url": "https://cms.example/<hook>", "sites": ["*"],
        "events": ["comment.decided"], "state": "failing", "lost": false, "retrying": 2,
        "ready": 1, "unread": 0, "delivered": 5, "given_up": 1,
        "oldest": "2026-11-24T17:00:00Z", "last_success": "2026-11-24T16:00:00Z",
        "last_failure": {"at": "2026-11-24T17:01:00Z", "result": "failed", "status": 503},
        "acts": [{"act": "tested", "by": "ada", "at": "2026-11-24T16:30:00Z"}],
    })
}

async fn holds(browser: &mut Browser, path: &str, parts: &[&str]) -> String {
    let answer = browser.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
    for part in parts {
        assert!(answer.body.contains(part), "{part} in {}", answer.body);
    }
    answer.body
}

#[tokio::test]
async fn webhooks_are_shown_and_admins_act() {
    let running = Running::new().await;
    let mut browser = running.as_user("admin").await;
    let listed = [
        "href=\"/webhooks/cms\" data-item>cms</a> · <strong>takes nothing at the moment</strong>",
        "https://cms.example/&#60;hook&#62;",
        "2 events wait for another attempt",
        "the receiver failed",
    ];
    holds(&mut browser, "/webhooks", &listed).await;
    let shown = [
        "<bdi>d-1</bdi> · comment.decided",
        "attempt 10 · <strong>refused</strong> · 422",
        "given up",
        "tested · <bdi>ada</bdi>",
        "name=\"event\" value=\"d-1\"",
        "before=7\" rel=\"next\"",
    ];
    holds(
        &mut browser,
        "/webhooks/cms?outcome=given_up&event=d-1",
        &shown,
    )
    .await;
    let asked = running.stub.asked.lock().unwrap().clone();
    assert_eq!(asked.last().unwrap(), "limit=50&outcome=given_up&event=d-1");
    assert_eq!(
        browser.get("/webhooks/other").await.status,
        StatusCode::NOT_FOUND
    );

    // Nothing is done that is not confirmed.
    holds(&mut browser, "/webhooks/cms", &[]).await;
    for (act, fields) in [
        ("enable", &[][..]),
        ("disable", &[("confirm", "no")]),
        ("replay", &[("since", "2026-11-24")]),
        ("replay", &[("since", "yesterday"), ("confirm", "yes")]),
    ] {
        let answer = browser.post(&format!("/webhooks/cms/{act}"), fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{act}");
    }
    for (act, fields, location) in [
        ("test", &[][..], "/webhooks/cms?result=timeout"),
        (
            "disable",
            &[("confirm", "yes")],
            "/webhooks/cms?done=disabled",
        ),
        (
            "enable",
            &[("confirm", "yes")],
            "/webhooks/cms?done=enabled",
        ),
        ("replay", &[("event", "d-1")], "/webhooks/cms?done=replayed"),
        (
            "replay",
            &[
                ("since", "2026-11-24"),
                ("given_up", "yes"),
                ("confirm", "yes"),
            ],
            "/webhooks/cms?done=replayed",
        ),
    ] {
        let answer = browser.post(&format!("/webhooks/cms/{act}"), fields).await;
        assert_eq!(answer.headers["location"], location, "{act}");
    }
    let worked = running.stub.worked.lock().unwrap().clone();
    let [all @ .., last] = worked.as_slice() else {
        panic!("nothing was done");
    };
    assert_eq!(
        all,
        [
            "test {}",
            "disable {}",
            "enable {}",
            "replay {\"event\":\"d-1\"}"
        ]
    );
    let last: Value = serde_json::from_str(last.strip_prefix("replay ").unwrap()).unwrap();
    assert_eq!(
        last,
        json!({"since": "2026-11-24T00:00:00Z", "given_up": true})
    );
    let told = ["role=\"alert\">The ping: no answer in time."];
    holds(&mut browser, "/webhooks/cms?result=timeout", &told).await;
    let kept = ["did something with a webhook", "webhook: <bdi>cms</bdi>"];
    holds(&mut browser, "/audit?by=admin", &kept).await;
}

#[tokio::test]
async fn auditors_see_webhooks_and_no_buttons() {
    let running = Running::new().await;
    let mut browser = running.as_user("auditor").await;
    let body = holds(&mut browser, "/webhooks/cms", &["d-1"]).await;
    assert!(!body.contains("/webhooks/cms/"), "{body}");
}
