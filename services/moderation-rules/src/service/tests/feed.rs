//! The feed of what happens to cases.

use futures_util::StreamExt as _;

use super::at_desk::{at, refusal};
use super::*;

/// The events of a feed: `case opened c-…`, without comments.
struct Feed {
    body: axum::body::BodyDataStream,
    rest: String,
}

impl Feed {
    async fn next(&mut self) -> (String, String, Value) {
        loop {
            if let Some((event, rest)) = self.rest.split_once("\n\n") {
                let field = |name: &str| {
                    let mut lines = event.lines();
                    let found = lines.find_map(|line| line.strip_prefix(&format!("{name}: ")));
                    found.unwrap_or_default().to_owned()
                };
                let found = (field("event"), field("id"), field("data"));
                self.rest = rest.to_owned();
                if !found.0.is_empty() {
                    return (found.0, found.1, serde_json::from_str(&found.2).unwrap());
                }
                continue;
            }
            let more = self.body.next().await.unwrap().unwrap();
            self.rest.push_str(std::str::from_utf8(&more).unwrap());
        }
    }

    /// The next events' `what` and comment's case, with who did it.
    async fn told(&mut self, many: usize) -> Vec<String> {
        let mut told = Vec::new();
        for _ in 0..many {
            let (event, _, data) = self.next().await;
            let text = |key: &str| data[key].as_str().unwrap_or("-").to_owned();
            told.push(match event.as_str() {
                "case" => format!("{} {} {}", text("what"), data["version"], text("by")),
                _ => event,
            });
        }
        told
    }
}

impl Fixture {
    async fn feed(&self, token: &str, last: Option<&str>) -> Feed {
        let mut request =
            Request::get("/admin/feed").header(header::AUTHORIZATION, format!("Bearer {token}"));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let kind = &response.headers()[header::CONTENT_TYPE];
        assert_eq!(kind, "text/event-stream");
        let body = response.into_body().into_data_stream();
        Feed {
            body,
            rest: String::new(),
        }
    }
}

#[tokio::test]
async fn a_feed_tells_what_happens_to_the_cases_that_its_reader_may_see() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::with_cases(dir.path(), &["c-0"]).await;
    let mut feed = fixture.feed(VIEWER, None).await;
    let mut foreign = fixture.feed(ELSEWHERE, None).await;
    let (hello, began, _) = feed.next().await;
    assert_eq!(
        (hello.as_str(), foreign.next().await.0.as_str()),
        ("hello", "hello")
    );

    fixture.event(plain("c-1", "scoundrel")).await;
    let (event, id, data) = feed.next().await;
    assert_eq!(event, "case");
    let told = json!({"what": "opened", "case": case_of("c-1"), "site": "courrier", "version": 1,
        "labels": ["insult"], "rules": ["insult"]});
    assert_eq!(data, told, "and no words");
    fixture
        .done(Method::POST, &at("c-1", "/claim"), MODERATOR, None)
        .await;
    fixture
        .done(Method::DELETE, &at("c-1", "/claim"), MODERATOR, None)
        .await;
    let note = Some(json!({"text": "Hm."}));
    fixture
        .done(Method::POST, &at("c-1", "/notes"), SECOND, note)
        .await;
    fixture
        .done(Method::POST, &at("c-1", "/escalate"), SECOND, None)
        .await;
    fixture
        .done(Method::DELETE, &at("c-1", "/escalate"), SECOND, None)
        .await;
    fixture.event(edit("c-1", 2, "you scoundrel")).await;
    let approve = Some(json!({"verdict": "approve"}));
    let decided = fixture
        .done(Method::POST, &at("c-1", "/decision"), MODERATOR, approve)
        .await;
    let path = format!(
        "/admin/decisions/{}/undo",
        decided["decision"]["decision"].as_str().unwrap()
    );
    fixture.done(Method::POST, &path, MODERATOR, None).await;
    fixture.event(withdrawn("c-1")).await;
    let told = [
        "claimed 1 anne",
        "released 1 anne",
        "noted 1 boris",
        "escalated 1 boris",
        "calmed 1 boris",
        "changed 2 -",
        "decided 3 anne",
        "opened 4 -",
        "closed 5 -",
    ];
    assert_eq!(feed.told(told.len()).await, told);

    // Who comes back goes on behind what they saw; who sees another site got nothing of all that.
    let mut again = fixture.feed(VIEWER, Some(&id)).await;
    assert_eq!(
        again.told(3).await,
        ["hello", "claimed 1 anne", "released 1 anne"]
    );
    let mut again = fixture.feed(VIEWER, Some(&began)).await;
    assert_eq!(again.told(2).await, ["hello", "opened 1 -"]);
    let elsewhere = json!({"site": "elsewhere"});
    fixture
        .event(comment("x-1", "u-x", "scoundrel", elsewhere))
        .await;
    assert_eq!(foreign.next().await.2["site"], "elsewhere");
    let mut late = fixture.feed(VIEWER, Some("99999")).await;
    assert_eq!(late.told(2).await, ["hello", "reload"]);
    let wrong = Request::get("/admin/feed")
        .header(header::AUTHORIZATION, format!("Bearer {VIEWER}"))
        .header("last-event-id", "x");
    let wrong = wrong.body(Body::empty()).unwrap();
    let wrong = fixture.router.clone().oneshot(wrong).await.unwrap();
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    let refused = fixture
        .refused(Method::GET, "/admin/feed", PLATFORM, None)
        .await;
    assert_eq!(refused, refusal(403, "forbidden", ""));

    // A stop ends it.
    let tasks = fixture.context.tasks.clone();
    let ended = tasks.spawn(async move { while feed.body.next().await.is_some() {} });
    drop((again, late, foreign));
    fixture.stop().await;
    ended.await.unwrap();
}

#[tokio::test]
async fn a_key_means_one_request() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::with_cases(dir.path(), &["c-1", "c-2"]).await;
    let approve = json!({"verdict": "approve"});
    let (status, first) = fixture
        .post_as("k", &at("c-1", "/decision"), MODERATOR, approve.clone())
        .await;
    assert_eq!(status, StatusCode::OK);
    fixture.event(edit("c-1", 2, "another scoundrel")).await;
    let records = fixture.service.journal.next();
    let again = fixture
        .post_as("k", &at("c-1", "/decision"), MODERATOR, approve.clone())
        .await;
    assert_eq!(
        again,
        (StatusCode::OK, first),
        "though the case is open again"
    );
    assert_eq!(fixture.service.journal.next(), records);

    // Another body or another address is another request; another person's key is another key.
    let spam = json!({"verdict": "reject", "reason": {"code": "spam"}});
    for (path, body) in [
        (at("c-1", "/decision"), &spam),
        (at("c-2", "/decision"), &approve),
    ] {
        let (status, problem) = fixture.post_as("k", &path, MODERATOR, body.clone()).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
        assert_eq!(
            (&problem["code"], &problem["field"]),
            (&json!("key_reused"), &json!("idempotency-key"))
        );
    }
    let (status, _) = fixture
        .post_as("k", &at("c-2", "/decision"), SECOND, spam.clone())
        .await;
    assert_eq!(status, StatusCode::OK);

    // What was refused is refused again, with the same words; what is not known is told by the route.
    let refused = fixture
        .post_as("n", &at("c-2", "/claim"), MODERATOR, json!({"minutes": 5}))
        .await;
    assert_eq!(refused.0, StatusCode::CONFLICT);
    let again = fixture
        .post_as("n", &at("c-2", "/claim"), MODERATOR, json!({"minutes": 5}))
        .await;
    assert_eq!(again, refused);
    let (status, _) = fixture
        .post_as("k", &at("c-1", "/decision"), "unknown", approve)
        .await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let long = "k".repeat(257);
    let (status, _) = fixture
        .post_as(&long, &at("c-1", "/decision"), MODERATOR, spam)
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    fixture.stop().await;
}

#[tokio::test]
async fn two_requests_with_one_key_at_once_are_one() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::with_cases(dir.path(), &["c-1"]).await;
    let records = fixture.service.journal.next();
    let path = at("c-1", "/claim");
    let claim = || fixture.post_as("k", &path, MODERATOR, json!({"minutes": 5}));
    let (one, two, three) = tokio::join!(claim(), claim(), claim());
    assert_eq!(one.0, StatusCode::OK);
    assert!(one == two && two == three);
    assert_eq!(fixture.service.journal.next(), records + 1);
    fixture.stop().await;
}
