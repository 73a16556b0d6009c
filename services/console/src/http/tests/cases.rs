use super::*;

#[tokio::test]
async fn the_queue_shows_cases_and_keeps_its_filter() {
    let running = Running::new().await;
    let mut browser = running.as_user("viewer").await;
    let answer = browser.get("/?label=insult").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    for part in [
        "<small>2 open</small>",
        "what a scoundrel he is",
        "<bdi>Jo</bdi> · <bdi>courrier</bdi>",
        ">1 h ago</time> · <span class=\"late\">",
        ">overdue by 5 min</time></span> · held by rules · 1 reported",
        "href=\"/cases/k-1?label=insult\"",
        "href=\"/\">label: <bdi>insult</bdi>",
        "href=\"/?site=courrier&#38;label=insult\"><bdi>courrier</bdi>",
        "href=\"/?label=insult&#38;after=9.9\" rel=\"next\"",
    ] {
        assert!(answer.body.contains(part), "{part} in {}", answer.body);
    }
}

#[tokio::test]
async fn a_case_shows_what_is_needed_to_decide_it() {
    let running = Running::new().await;
    let mut browser = running.as_user("moderator").await;
    let answer = browser.get("/cases/k-1").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    for part in [
        "what a <mark title=\"insult (bad)\">scoundrel</mark> he is",
        "<bdi>The tramway</bdi>",
        "words of c-0",
        "words of c-2",
        "be kind",
        "Now under: warning",
        "<dt>Rejected</dt><dd>2</dd>",
        "<p>2 in all. 1 since the last decision. Their weight is 0.5. Reasons: offensive.</p>",
        "Abusive language.",
        "name=\"version\" value=\"7\"",
        "lang=\"en\"",
    ] {
        assert!(answer.body.contains(part), "{part} in {}", answer.body);
    }
    let mut viewer = running.as_user("viewer").await;
    assert!(
        !viewer
            .get("/cases/k-1")
            .await
            .body
            .contains("id=\"approve\"")
    );
    assert_eq!(
        browser.get("/cases/k-9").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        browser.get("/cases/%2E%2E").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_decision_is_the_persons_and_leads_to_the_next_case() {
    let running = Running::new().await;
    let mut browser = running.as_user("moderator").await;
    let reject = [
        ("verdict", "reject"),
        ("reason", "hate_speech"),
        ("version", "7"),
    ];
    let answer = browser
        .post("/cases/k-1/decision?site=courrier", &reject)
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert_eq!(
        answer.headers["location"],
        "/cases/k-2?site=courrier&done=reject&of=k-1&decision=d-2"
    );
    let approve = [
        ("verdict", "approve"),
        ("reason", "hate_speech"),
        ("version", "7"),
    ];
    browser.post("/cases/k-2/decision", &approve).await;
    let decided = running.stub.decided.lock().unwrap().clone();
    let who = "moderator moderator courrier %C3%A9%20b".to_owned();
    let reason = json!({"code": "hate_speech"});
    assert_eq!(
        decided,
        [
            (
                who.clone(),
                json!({"verdict": "reject", "reason": reason, "version": 7})
            ),
            (
                who,
                json!({"verdict": "approve", "reason": null, "version": 7})
            ),
        ]
    );
}

#[tokio::test]
async fn a_form_that_is_sent_twice_is_one_request_and_another_page_s_is_not() {
    let running = Running::new().await;
    let mut browser = running.as_user("moderator").await;
    let reject = [
        ("verdict", "reject"),
        ("reason", "charter"),
        ("version", "7"),
    ];
    let approve = [("verdict", "approve"), ("version", "7")];
    browser.get("/cases/k-1").await;
    for fields in [&reject[..], &reject, &approve] {
        let answer = browser.post("/cases/k-1/decision", fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    }
    browser.get("/cases/k-1").await;
    browser.post("/cases/k-1/decision", &reject).await;
    let keys = running.stub.keys.lock().unwrap().clone();
    assert_eq!(keys[0], keys[1], "a double click");
    let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
    assert_eq!(distinct.len(), 3, "{keys:?}");
    assert!(keys.iter().all(|key| key.len() == 64), "{keys:?}");
}

#[tokio::test]
async fn a_decision_that_is_not_taken_is_told() {
    let running = Running::new().await;
    let mut browser = running.as_user("moderator").await;
    let old = [("verdict", "approve"), ("version", "6")];
    let answer = browser.post("/cases/k-1/decision", &old).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(
        answer
            .body
            .contains("Nothing was decided by you. The case has changed since you saw it."),
        "{}",
        answer.body
    );
    assert!(
        answer.body.contains("name=\"version\" value=\"7\""),
        "it can be decided anew"
    );
    for fields in [
        &[("verdict", "reject"), ("version", "7")][..],
        &[("verdict", "reject"), ("reason", "bogus"), ("version", "7")],
        &[("verdict", "reject"), ("reason", ""), ("version", "7")],
        &[("verdict", "approve")],
        &[("verdict", "hold"), ("version", "7")],
    ] {
        let answer = browser.post("/cases/k-1/decision", fields).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{fields:?}"
        );
    }
    assert!(running.stub.decided.lock().unwrap().is_empty());
}

#[tokio::test]
async fn reasons_are_those_of_the_site() {
    let running = Running::new().await;
    let mut browser = running.as_user("moderator").await;
    let answer = browser.get("/cases/k-1").await;
    for part in [
        "value=\"hate_speech\" data-digit=\"1\"",
        "<kbd>1</kbd> Hate speech <small>(law)</small>",
        ">Calls for hatred on courrier.</small>",
        "value=\"charter\" data-digit=\"2\"",
        ">Contraire à la charte.</small>",
    ] {
        assert!(answer.body.contains(part), "{part} in {}", answer.body);
    }
    *running.stub.case.lock().unwrap() = json!({"site": "gazette"});
    let answer = browser.get("/cases/k-1").await;
    assert!(!answer.body.contains("charter"), "{}", answer.body);
    let fields = [
        ("verdict", "reject"),
        ("reason", "charter"),
        ("version", "7"),
    ];
    let answer = browser.post("/cases/k-1/decision", &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_decision_can_be_undone_on_the_page_that_follows() {
    let running = Running::new().await;
    let mut browser = running.as_user("moderator").await;
    let approve = [("verdict", "approve"), ("version", "7")];
    let answer = browser
        .post("/cases/k-1/decision?site=courrier", &approve)
        .await;
    let next = answer.headers["location"].to_str().unwrap().to_owned();
    for page in [
        next.as_str(),
        "/?done=reject&of=k-1&decision=d-2&site=courrier",
    ] {
        let answer = browser.get(page).await;
        for part in [
            "<p>The comment before was ",
            "action=\"/cases/k-1/undo?site=courrier\"",
            "name=\"decision\" value=\"d-2\"",
        ] {
            assert!(answer.body.contains(part), "{part} in {}", answer.body);
        }
    }
    let answer = browser
        .post("/cases/k-1/undo?site=courrier", &[("decision", "d-1")])
        .await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    let told = "Nothing was undone. Another decision stands by now.";
    assert!(answer.body.contains(told), "{}", answer.body);
    assert!(running.stub.undone.lock().unwrap().is_empty());
    let answer = browser
        .post("/cases/k-1/undo?site=courrier", &[("decision", "d-2")])
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let back = answer.headers["location"].to_str().unwrap().to_owned();
    assert_eq!(back, "/cases/k-1?site=courrier&done=undo");
    assert_eq!(*running.stub.undone.lock().unwrap(), ["d-2"]);
    let answer = browser.get(&back).await;
    assert!(
        answer.body.contains("The decision was undone"),
        "{}",
        answer.body
    );
    assert!(
        !answer.body.contains("/undo"),
        "an undone one is not undone again"
    );
}

#[tokio::test]
async fn a_case_is_worked_on_and_given_back() {
    let running = Running::new().await;
    let mut browser = running.as_user("moderator").await;
    let answer = browser.get("/cases/k-1?site=courrier").await;
    assert!(answer.body.contains("id=\"work\""), "{}", answer.body);
    assert!(!answer.body.contains("/release"), "{}", answer.body);
    assert!(
        running.stub.worked.lock().unwrap().is_empty(),
        "looking changes nothing"
    );
    let answer = browser.post("/cases/k-1/claim?site=courrier", &[]).await;
    assert_eq!(answer.headers["location"], "/cases/k-1?site=courrier");

    let with =
        |name: &str| json!({"assignee": {"moderator": name, "until": "2026-11-24T18:10:00Z"}});
    *running.stub.case.lock().unwrap() = with("moderator");
    for page in ["/", "/cases/k-1"] {
        let answer = browser.get(page).await;
        let told = "with moderator until <time datetime=\"2026-11-24T18:10:00Z\" \
                    title=\"2026-11-24 18:10 UTC\" data-show=\"time\">18:10 UTC</time>";
        assert!(answer.body.contains(told), "{}", answer.body);
        assert!(!answer.body.contains("id=\"work\""), "{}", answer.body);
        assert_eq!(answer.body.contains("/cases/k-1/release"), page != "/");
    }
    let answer = browser.post("/cases/k-1/release", &[]).await;
    assert_eq!(answer.headers["location"], "/cases/k-1");

    *running.stub.case.lock().unwrap() = with("anne");
    let answer = browser.get("/cases/k-1").await;
    assert!(!answer.body.contains("/release"), "{}", answer.body);
    let mut admin = running.as_user("admin").await;
    let answer = admin.get("/cases/k-1").await;
    assert!(answer.body.contains("/release"), "{}", answer.body);
    let answer = admin.post("/cases/k-1/claim", &[]).await;
    assert_eq!(
        answer.status,
        StatusCode::CONFLICT,
        "not taken from another"
    );
    let told = "Nothing was done. anne works on it.";
    assert!(answer.body.contains(told), "{}", answer.body);
    assert_eq!(*running.stub.worked.lock().unwrap(), ["claim", "release"]);

    *running.stub.case.lock().unwrap() = json!({"status": "closed"});
    let answer = browser.get("/cases/k-1").await;
    assert!(!answer.body.contains("id=\"work\""), "{}", answer.body);
    let answer = browser.post("/cases/k-1/release", &[]).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(
        answer
            .body
            .contains("Nothing was done. The case is closed by now."),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn notes_are_shown_and_added() {
    let running = Running::new().await;
    *running.stub.case.lock().unwrap() = json!({"status": "closed", "notes": [
        {"note": 3, "author": "anne", "at": "2026-11-24T17:30:00Z", "text": "Ask <b>Jo</b>."},
    ]});
    let mut viewer = running.as_user("viewer").await;
    let answer = viewer.get("/cases/k-1").await;
    for part in [
        "<bdi>anne</bdi>",
        ">2026-11-24 17:30 UTC</time>",
        ">Ask &#60;b&#62;Jo",
    ] {
        assert!(answer.body.contains(part), "{part} in {}", answer.body);
    }
    assert!(!answer.body.contains("/notes"), "{}", answer.body);
    let mut browser = running.as_user("moderator").await;
    let answer = browser.get("/cases/k-1?site=courrier").await;
    let form = "action=\"/cases/k-1/notes?site=courrier\"";
    assert!(answer.body.contains(form), "{}", answer.body);
    let answer = browser
        .post(
            "/cases/k-1/notes?site=courrier",
            &[("text", " One.\r\nTwo. ")],
        )
        .await;
    assert_eq!(answer.headers["location"], "/cases/k-1?site=courrier");
    let answer = browser.post("/cases/k-1/notes", &[("text", " ")]).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    let told = "Nothing was done. a note has 1 to 4000 characters.";
    assert!(answer.body.contains(told), "{}", answer.body);
    assert_eq!(*running.stub.worked.lock().unwrap(), ["note One.\nTwo."]);
}

#[tokio::test]
async fn what_others_wrote_stays_text() {
    let running = Running::new().await;
    let mut browser = running.as_user("admin").await;
    for hostile in [
        "<script>alert(1)</script>",
        "<svg/onload=alert(1)>",
        "<img src=x onerror=alert(1)>",
        "\"><iframe srcdoc='<script>alert(1)</script>'>",
        "' autofocus onfocus=alert(1) x='",
        "</p></main></body><form action=https://evil.example>",
        "data:text/html,<script>alert(1)</script>",
        "javascript:alert(1)",
        "\u{202e}<b>desrever</b>\u{2066}",
        "{{ shell.form }}{% include \"x\" %}",
    ] {
        *running.stub.case.lock().unwrap() = json!({
            "text": hostile, "around": hostile, "title": hostile, "labels": [hostile], "rules": [hostile],
            "assignee": {"moderator": hostile, "until": null},
            "notes": [{"note": 1, "author": hostile, "at": null, "text": hostile}],
            "site": hostile, "author": hostile, "reason": hostile,
            "event": {"data": {"author": {"id": hostile, "display_name": hostile}, "language": hostile,
                               "url": hostile, "submitted_at": hostile}},
        });
        for path in [
            "/",
            "/cases/k-1",
            "/threads/courrier/a-1",
            "/authors/courrier/u-1",
            "/search?q=tram",
            "/decisions",
            "/parked",
            "/parked/ingest/17",
            "/rejections",
            "/rejections/5",
        ] {
            let answer = browser.get(path).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
            let lower = answer.body.to_lowercase();
            for tag in [
                "<script>",
                "<svg",
                "<img",
                "<iframe",
                "<b>",
                "evil.example>",
                "srcdoc='",
            ] {
                assert!(!lower.contains(tag), "{tag} of {hostile} at {path}");
            }
            for link in [
                "href=\"javascript:",
                "href=\"data:",
                "src=\"data:",
                "\" onfocus",
                "' onfocus",
            ] {
                assert!(!lower.contains(link), "{link} of {hostile} at {path}");
            }
            let has_words = answer.body.contains("class=\"words");
            assert!(has_words || !path.starts_with("/cases"), "{path}");
        }
    }
    let answer = browser.get("/cases/k-1").await;
    assert!(
        answer.body.contains("dir=\"auto\""),
        "what runs the other way ends with its element"
    );
}

#[tokio::test]
async fn a_role_that_does_not_answer_is_told_without_its_inside() {
    let running = Running::with(&[("MODERATION__URL", "http://127.0.0.1:1")]).await;
    let mut browser = running.as_user("viewer").await;
    let answer = browser.get("/").await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert!(!answer.body.contains("127.0.0.1"), "{}", answer.body);
}
