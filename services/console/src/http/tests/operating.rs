use super::*;

/// The admin listeners of ingest and of the archive: what is parked there, and what was refused.
pub(super) fn stub(stub: Stub) -> Router {
    let list = async |State(stub): State<Stub>| {
        let over = stub.case.lock().unwrap().clone();
        Json(json!({"parked": [parked(&over)], "next": 18}))
    };
    let one = async |State(stub): State<Stub>, Path(id): Path<String>| {
        let over = stub.case.lock().unwrap().clone();
        (id == "17")
            .then(|| Json(parked(&over)))
            .ok_or(StatusCode::NOT_FOUND)
    };
    let retry = async |State(stub): State<Stub>, Path(id): Path<String>| {
        stub.worked.lock().unwrap().push(format!("retry {id}"));
        Json(json!({"result": "parked", "handled": 0, "left": 1, "reason": "still"}))
    };
    let drop =
        async |State(stub): State<Stub>, Path(id): Path<String>, RawQuery(query): RawQuery| {
            let query = query.unwrap_or_default();
            stub.worked
                .lock()
                .unwrap()
                .push(format!("drop {id} {query}"));
            Json(json!({"dropped": 17, "left": 0}))
        };
    let rejections = async |State(stub): State<Stub>, RawQuery(query): RawQuery| {
        stub.asked.lock().unwrap().push(query.unwrap_or_default());
        let over = stub.case.lock().unwrap().clone();
        Json(json!({"rejections": [rejection(&over)], "next": 4}))
    };
    let rejected = async |State(stub): State<Stub>, Path(seq): Path<String>| {
        let over = stub.case.lock().unwrap().clone();
        ["5", "6"]
            .contains(&seq.as_str())
            .then(|| Json(rejection(&over)))
            .ok_or(StatusCode::NOT_FOUND)
    };
    let original = async |State(stub): State<Stub>, Path(seq): Path<String>| {
        let over = stub.case.lock().unwrap()["around"].clone();
        let text = over.as_str().unwrap_or("{\"half\": ").to_owned();
        (seq == "5")
            .then(|| [text.into_bytes(), vec![0xff]].concat())
            .ok_or(StatusCode::NOT_FOUND)
    };
    Router::new()
        .route("/admin/parked", get(list))
        .route("/admin/parked/{id}", get(one).delete(drop))
        .route("/admin/parked/{id}/retry", post(retry))
        .route("/admin/rejections", get(rejections))
        .route("/admin/rejections/{seq}", get(rejected))
        .route("/admin/rejections/{seq}/original", get(original))
        .with_state(stub)
}

fn parked(over: &Value) -> Value {
    let text = |key: &str, otherwise: &str| over[key].as_str().unwrap_or(otherwise).to_owned();
    json!({
        "id": 17, "state": "refused", "site": text("site", "courrier"), "thread": text("title", "a-1"),
        "event": text("author", "e-1"), "source": text("around", "https://courrier.example"),
        "type": "stoa.comment.submitted.v9", "reason": text("around", "unsupported_version"), "behind": null,
        "attempts": 2, "last_attempt": null, "parked_at": "2026-11-24T17:00:00Z", "bytes": 120,
        "history": [{"at": "2026-11-24T17:02:00Z", "reason": text("around", "unsupported_version")}],
        "content_type": "application/json", "headers": [["x-one", text("around", "1")]],
        "body": text("around", "{\"a\": 1}"),
    })
}

fn rejection(over: &Value) -> Value {
    let text = |key: &str, otherwise: &str| over[key].as_str().unwrap_or(otherwise).to_owned();
    json!({
        "seq": 5, "id": text("author", "e-5"), "source": text("around", "https://courrier.example"),
        "type": text("title", "stoa.comment.submitted.v1"), "code": "missing_field", "field": text("title", "data.body"),
        "message": text("around", "`data.body` is missing"), "received_at": "2026-11-24T17:00:00Z",
        "transport": "http", "publisher": "courrier", "original_bytes": 10,
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
async fn what_is_parked_is_shown_tried_again_and_dropped() {
    let running = Running::new().await;
    let mut browser = running.as_user("admin").await;
    // moderation-rules' stub has no such route, and is told as a role that can't be asked.
    let body = holds(
        &mut browser,
        "/parked",
        &[
            "href=\"/parked/ingest/17\" data-item>17 · <bdi>e-1</bdi>",
            "href=\"/parked/archive/17\"",
            "unsupported_version",
            "2 attempts",
            "href=\"/parked?role=archive&#38;cursor=18\" rel=\"next\"",
        ],
    )
    .await;
    assert_eq!(
        body.matches("This role can’t be asked").count(),
        1,
        "{body}"
    );
    let one = [
        "<h1>Parked event <small>ingest 17</small></h1>",
        "<dt>x-one</dt><dd><bdi>1</bdi></dd>",
        "<bdi class=\"comment\">{&#34;a&#34;: 1}</bdi></pre>",
        "action=\"/parked/ingest/17/retry\"",
    ];
    holds(&mut browser, "/parked/ingest/17", &one).await;
    for path in [
        "/parked/ingest/18",
        "/parked/console/17",
        "/parked/moderation-rules/17",
    ] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }

    holds(&mut browser, "/parked/ingest/17", &[]).await;
    let answer = browser.post("/parked/ingest/17/retry", &[]).await;
    assert_eq!(answer.headers["location"], "/parked?done=parked");
    holds(
        &mut browser,
        "/parked?done=parked",
        &["It was refused again."],
    )
    .await;
    for fields in [
        &[][..],
        &[("reason", "sent twice")],
        &[("confirm", "yes"), ("reason", " ")],
    ] {
        let answer = browser.post("/parked/ingest/17/drop", fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            answer.body.contains("Nothing was dropped"),
            "{}",
            answer.body
        );
    }
    let fields = [("confirm", "yes"), ("reason", "sent & lost")];
    let answer = browser.post("/parked/ingest/17/drop", &fields).await;
    assert_eq!(answer.headers["location"], "/parked?done=dropped");
    let worked = running.stub.worked.lock().unwrap().clone();
    assert_eq!(worked, ["retry 17", "drop 17 reason=sent+%26+lost"]);
    let kept = [
        "tried a parked event again",
        "dropped a parked event",
        "reason: <bdi>sent &#38; lost</bdi>",
    ];
    holds(&mut browser, "/audit?by=admin", &kept).await;
}

#[tokio::test]
async fn refused_events_are_shown_with_their_bytes() {
    let running = Running::new().await;
    let mut browser = running.as_user("admin").await;
    holds(
        &mut browser,
        "/rejections?code=missing_field",
        &[
            "href=\"/rejections/5\" data-item><bdi>e-5</bdi>",
            "`data.body` is missing",
            "<option selected>missing_field</option>",
            "href=\"/rejections?code=missing_field&#38;after=4\" rel=\"next\"",
        ],
    )
    .await;
    let asked = running.stub.asked.lock().unwrap().last().cloned();
    assert_eq!(asked.unwrap(), "limit=50&code=missing_field");
    // Bytes that are no text have the sign that stands for them.
    let bytes = [
        "<bdi class=\"comment\">{&#34;half&#34;: \u{fffd}</bdi></pre>",
        "http · 10 bytes",
    ];
    holds(&mut browser, "/rejections/5", &bytes).await;
    holds(
        &mut browser,
        "/rejections/6",
        &["The bytes are not kept here"],
    )
    .await;
    let answer = browser.get("/rejections/7").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn without_a_token_for_ingest_the_rest_works() {
    let running = Running::with(&[("INGEST__TOKEN", "")]).await;
    let mut browser = running.as_user("admin").await;
    holds(
        &mut browser,
        "/rejections",
        &["The console has no token for ingest"],
    )
    .await;
    let body = holds(&mut browser, "/parked", &["href=\"/parked/archive/17\""]).await;
    assert!(!body.contains("/parked/ingest/17"), "{body}");
}

#[tokio::test]
async fn sites_are_counted() {
    let running = Running::new().await;
    let mut browser = running.as_user("admin").await;
    holds(
        &mut browser,
        "/sites",
        &[
            "<bdi>é b</bdi></h2>",
            "<dt>Comments</dt><dd>1</dd>",
            "href=\"/?site=courrier\"",
            "href=\"/search?site=courrier&#38;sort=newest\"",
        ],
    )
    .await;
}

#[tokio::test]
async fn auditors_read_who_did_what() {
    let running = Running::new().await;
    let mut admin = running.as_user("admin").await;
    let fields = [("name", "=1+1"), ("role", "viewer"), ("sites", "*")];
    admin.post("/users/viewer", &fields).await;
    let mut browser = running.as_user("auditor").await;
    let body = holds(
        &mut browser,
        "/audit",
        &[
            "The chain is whole: ",
            "<strong>changed an account</strong> · <bdi>admin</bdi>",
            "before.name: <bdi>The viewer</bdi> · ",
            "after.name: <bdi>=1+1</bdi>",
            "<strong>signed in</strong> · <bdi>auditor</bdi>",
            "until: <bdi>2026-11-25T18:00:00Z</bdi>",
        ],
    )
    .await;
    for secret in ["argon2", "hash:", "$19", "link: <bdi>"] {
        assert!(!body.contains(secret), "{secret} in {body}");
    }
    let body = holds(
        &mut browser,
        "/audit?act=changed",
        &["changed an account</strong>"],
    )
    .await;
    assert!(!body.contains("<strong>signed in"), "{body}");
    let body = holds(
        &mut browser,
        "/audit?by=nobody",
        &["There is nothing here."],
    )
    .await;
    assert!(!body.contains("<strong>"), "{body}");
    let body = holds(&mut browser, "/audit?to=2026-11-23", &[]).await;
    assert!(!body.contains("<strong>"), "{body}");
    holds(
        &mut browser,
        "/audit?from=2026-11-24&to=2026-11-24",
        &["<strong>signed in"],
    )
    .await;
    let answer = browser.get("/audit?from=soon").await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);

    let answer = browser.get("/audit.csv?act=changed").await;
    assert_eq!(answer.headers["content-type"], "text/csv; charset=utf-8");
    let mut lines = answer.body.split("\r\n");
    assert!(
        lines
            .next()
            .unwrap()
            .starts_with("\"number\",\"time\",\"by\"")
    );
    let line = lines.next().unwrap();
    assert!(
        line.contains(",\"admin\",") && line.contains(",\"changed\","),
        "{line}"
    );
    assert!(line.contains("after.name==1+1"), "{line}");
    assert_eq!(lines.next(), Some(""));
}

#[tokio::test]
async fn the_journal_is_read_page_by_page() {
    let running = Running::new().await;
    let origin = Origin {
        by: Some("=admin".to_owned()),
        ..Origin::default()
    };
    for at in 0..120_u64 {
        let act = crate::accounts::Act::Decided {
            case: format!("k-{at}"),
            verdict: "approve".to_owned(),
            reason: None,
            version: 1,
        };
        running.accounts.note(&origin, act).await.unwrap();
    }
    let mut browser = running.as_user("auditor").await;
    let mut seen = Vec::new();
    let mut path = "/audit?act=decided".to_owned();
    loop {
        let body = holds(&mut browser, &path, &[]).await;
        let cases = body.split("case: <bdi>").skip(1);
        seen.extend(cases.map(|rest| rest.split('<').next().unwrap().to_owned()));
        let Some((before, _)) = body.split_once("\" rel=\"next\"") else {
            break;
        };
        path = before.rsplit('"').next().unwrap().replace("&#38;", "&");
    }
    let expected: Vec<String> = (0..120).rev().map(|at| format!("k-{at}")).collect();
    assert_eq!(seen, expected);
    let table = browser.get("/audit.csv?act=decided").await.body;
    assert_eq!(table.matches("\"'=admin\"").count(), 120, "{table}");
}
