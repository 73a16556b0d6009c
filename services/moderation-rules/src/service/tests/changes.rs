//! Changing the rule set over HTTP.

use super::*;

const PATH: &str = "/admin/rules";

async fn try_put(
    fixture: &Fixture,
    tag: Option<&str>,
    body: Value,
) -> (StatusCode, Option<String>, Value) {
    fixture
        .exchange(Method::PUT, PATH, EDITOR, tag, Some(body))
        .await
}

fn files(rules: &str) -> Value {
    json!({"files": {"stoa.yaml": rules}, "note": "because"})
}

#[tokio::test]
async fn a_rule_set_replaces_the_one_that_was_read() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let (status, tag, before) = fixture
        .exchange(Method::GET, PATH, MODERATOR, None, None)
        .await;
    let tag = tag.unwrap();
    assert_eq!((status, &tag), (StatusCode::OK, &fixture.tag()));
    assert_eq!(before["pending_errors"], Value::Null);

    let rules = RULES.replace("scoundrel", "rascal");
    let (status, new, shown) = try_put(&fixture, Some(&tag), files(&rules)).await;
    assert_eq!(status, StatusCode::OK, "{shown}");
    assert_ne!(shown["hash"], before["hash"]);
    assert_eq!(new.unwrap(), fixture.tag());
    let activated = &shown["activated"];
    assert_eq!(
        (&activated["by"], &activated["how"], &activated["note"]),
        (&json!("edith"), &json!("put"), &json!("because"))
    );
    assert_eq!(activated["replaced"], before["hash"]);
    let decision = fixture.decide(plain("c-1", "rascal")).await;
    assert_eq!(decision.labels, ["insult"]);

    // Whoever read the old one is told, and changes nothing.
    let (status, current, problem) = try_put(&fixture, Some(&tag), files(RULES)).await;
    assert_eq!(status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(problem["code"], "rules_changed");
    assert_eq!(current.unwrap(), fixture.tag());
    // The same again is no other activation.
    let (status, _) = fixture.put(&rules, "again").await;
    assert_eq!(status, StatusCode::OK);
    let listed = fixture.get("/admin/rules/versions").await;
    assert_eq!(listed["versions"].as_array().unwrap().len(), 2);
    fixture.stop().await;
}

#[tokio::test]
async fn what_is_refused_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(dir.path());
    write_rules(dir.path(), RULES);
    let local = TokenConfig::from_secret("lara", Role::Editor, Secret::new("lara-lara-lara-lara"));
    config.tokens.push(TokenConfig {
        sites: vec!["courrier".to_owned()],
        ..local
    });
    let fixture = Fixture::open_as(config, dir.path()).await;
    let before = fixture.get(PATH).await;
    let tag = fixture.tag();
    let other = RULES.replace("scoundrel", "rascal");

    for token in [MODERATOR, "lara-lara-lara-lara"] {
        for (method, path) in [
            (Method::PUT, PATH),
            (Method::POST, "/admin/rules/rollback"),
            (Method::POST, "/admin/rules/reload"),
        ] {
            let body = match path {
                PATH => files(&other),
                _ => json!({"to": before["hash"]}),
            };
            let (status, _, _) = fixture
                .exchange(method, path, token, Some(&tag), Some(body))
                .await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{path}");
        }
    }
    let broken = files(
        &RULES
            .replace("comment.text", "comment.txt")
            .replace("author.recent", "author.recnt"),
    );
    let long = "x".repeat(2_001);
    for (tag, body, status, code) in [
        (None, files(&other), 428, "precondition_required"),
        (Some("rascal"), files(&other), 400, "bad_request"),
        (Some("\"sha256:0\""), files(&other), 412, "rules_changed"),
        (Some(tag.as_str()), broken, 422, "invalid_rules"),
        (Some(&tag), json!({"files": {}}), 422, "invalid_rules"),
        (
            Some(&tag),
            json!({"files": {"../stoa.yaml": RULES}}),
            400,
            "invalid_field",
        ),
        (
            Some(&tag),
            json!({"files": {"stoa.yaml": RULES}, "note": long}),
            400,
            "invalid_field",
        ),
        (Some(&tag), json!({"stoa.yaml": RULES}), 400, "invalid_body"),
    ] {
        let (answered, _, problem) = try_put(&fixture, tag, body).await;
        assert_eq!(
            (answered.as_u16(), &problem["code"]),
            (status, &json!(code)),
            "{problem}"
        );
        if code == "invalid_rules" && problem["diagnostics"].as_array().unwrap().len() > 1 {
            // Every error at once, each with its place.
            let lines = problem["diagnostics"].as_array().unwrap().iter();
            assert!(
                lines.clone().count() >= 3 && lines.clone().all(|d| d["line"].as_u64() > Some(0))
            );
        }
    }
    let large = json!({"files": {"stoa.yaml": "x".repeat(33 << 20)}});
    let (status, _, problem) = try_put(&fixture, Some(&tag), large).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{problem}");
    assert_eq!(fixture.get(PATH).await, before);
    let decision = fixture.decide(plain("c-1", "scoundrel")).await;
    assert_eq!(decision.labels, ["insult"]);
    fixture.stop().await;
}

#[tokio::test]
async fn a_dry_run_tells_what_would_be() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let before = fixture.get(PATH).await;
    let path = "/admin/rules?dry_run=true";
    let try_it = async |rules: &str, tag: Option<&str>| {
        let body = json!({"files": {"stoa.yaml": rules, "README.md": "?"}});
        let (status, _, answer) = fixture
            .exchange(Method::PUT, path, EDITOR, tag, Some(body))
            .await;
        (status, answer)
    };
    let other = RULES.replace("scoundrel", "rascal");
    let (status, answer) = try_it(&other, None).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        (&answer["rules"], &answer["live"], &answer["unused"]),
        (&json!(7), &json!(false), &json!(["README.md"]))
    );
    assert_eq!(try_it(RULES, None).await.1["live"], json!(true));
    let (status, answer) = try_it("rules: [", None).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer["diagnostics"][0]["file"], "stoa.yaml");
    let (status, _) = try_it(&other, Some("\"sha256:0\"")).await;
    assert_eq!(status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(fixture.get(PATH).await, before);
    // What was said of it is what it is.
    fixture.put(&other, "now").await;
    assert_eq!(fixture.hash(), try_it(&other, None).await.1["hash"]);
    fixture.stop().await;
}

#[tokio::test]
async fn an_earlier_version_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let first = fixture.hash();
    fixture
        .put(&RULES.replace("scoundrel", "rascal"), "rascals")
        .await;
    let second = fixture.hash();
    let back = async |to: &str, tag: Option<&str>| {
        let body = json!({"to": to, "note": "too much"});
        let (status, _, answer) = fixture
            .exchange(
                Method::POST,
                "/admin/rules/rollback",
                EDITOR,
                tag,
                Some(body),
            )
            .await;
        (status.as_u16(), answer)
    };
    let tag = fixture.tag();
    assert_eq!(back(&first, None).await.0, 428);
    assert_eq!(back(&first, Some(&format!("\"{first}\""))).await.0, 412);
    assert_eq!(back("sha256:0", Some(&tag)).await.0, 404);
    let (status, shown) = back(first.strip_prefix("sha256:").unwrap(), Some(&tag)).await;
    assert_eq!(status, 200, "{shown}");
    assert_eq!(shown["hash"], json!(first));
    let activated = &shown["activated"];
    assert_eq!(
        (
            &activated["how"],
            &activated["by"],
            &activated["note"],
            &activated["replaced"]
        ),
        (
            &json!("rollback"),
            &json!("edith"),
            &json!("too much"),
            &json!(second)
        )
    );
    let decision = fixture.decide(plain("c-1", "scoundrel")).await;
    assert_eq!(decision.labels, ["insult"]);
    fixture.stop().await;
}

#[tokio::test]
async fn what_can_not_be_kept_does_not_become_live() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let before = fixture.hash();
    let versions = dir.path().join("moderation/rulesets");
    let aside = dir.path().join("aside");
    std::fs::rename(&versions, &aside).unwrap();
    std::fs::write(&versions, "in the way").unwrap();
    let other = RULES.replace("scoundrel", "rascal");
    let (status, problem) = fixture.put(&other, "").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{problem}");
    assert_eq!(fixture.hash(), before);
    std::fs::remove_file(&versions).unwrap();
    std::fs::rename(&aside, &versions).unwrap();
    assert_eq!(fixture.put(&other, "").await.0, StatusCode::OK);
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_those_who_read_the_same_one_may_change_it() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let mut live = fixture.hash();
    for round in 0..5 {
        let tag = fixture.tag();
        let one = async |n: u32| {
            let word = format!("rascal{round}{n}");
            let body = files(&RULES.replace("scoundrel", &word));
            try_put(&fixture, Some(&tag), body).await.0.as_u16()
        };
        let (a, b, c, d) = tokio::join!(one(1), one(2), one(3), one(4));
        let mut statuses = [a, b, c, d];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412, 412, 412]);
        assert_ne!(std::mem::replace(&mut live, fixture.hash()), fixture.hash());
    }
    fixture.stop().await;
}
