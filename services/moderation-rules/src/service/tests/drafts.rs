//! Drafts of the rules: checked, tried and backtested before they are live; and lists changed.

use super::*;

/// Rules of which one example fails, and which reject more than the live ones.
fn draft() -> String {
    RULES.replace(
        "then: { verdict: hold, labels: [insult] }",
        "then: { verdict: reject, labels: [insult] }",
    ) + "  - id: loud\n    when: comment.capitals > 0.5\n    then: { verdict: hold, labels: [loud] }\n    \
           examples: { match: [SHOUTED], pass: [said, WRONG] }\n"
}

#[tokio::test]
async fn a_draft_is_checked_with_each_of_its_examples() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let check = async |rules: &str, token: &str| {
        let body = json!({"files": {"stoa.yaml": rules, "notes.txt": "x"}});
        fixture.post("/admin/rules/check", token, body).await
    };
    let (status, checked) = check(&draft(), EDITOR).await;
    assert_eq!(status, 200, "{checked}");
    assert_eq!(
        (&checked["valid"], &checked["live"]),
        (&json!(false), &json!(false))
    );
    let examples: Vec<_> = checked["examples"].as_array().unwrap().iter().collect();
    let told: Vec<_> = examples
        .iter()
        .map(|one| {
            (
                &one["text"],
                &one["should_fire"],
                &one["fires"],
                &one["passes"],
            )
        })
        .collect();
    let (yes, no) = (&json!(true), &json!(false));
    assert_eq!(
        told,
        [
            (&json!("SHOUTED"), yes, yes, yes),
            (&json!("said"), no, no, yes),
            (&json!("WRONG"), no, yes, no)
        ]
    );
    let wrong = &checked["diagnostics"][0];
    assert_eq!(
        (&wrong["line"], &wrong["column"]),
        (&examples[2]["line"], &examples[2]["column"])
    );
    assert_eq!(checked["unused"], json!(["notes.txt"]));
    let lint = checked["lint"].as_array().unwrap();
    assert!(
        lint.iter().any(|one| one["code"] == "no-examples"),
        "{lint:?}"
    );

    let (_, checked) = check(RULES, EDITOR).await;
    assert_eq!((&checked["valid"], &checked["live"]), (yes, yes));
    assert_eq!(checked["hash"], fixture.hash().as_str());
    let (_, checked) = check(&RULES.replace("author.recent", "author.resent"), EDITOR).await;
    assert_eq!((&checked["valid"], &checked["hash"]), (no, &Value::Null));
    assert_eq!(
        checked["diagnostics"][0]["help"],
        "did you mean `author.recent`?"
    );
    for token in [VIEWER, MODERATOR] {
        assert_eq!(check(RULES, token).await.0, 403);
    }
    assert_eq!(
        fixture.get("/admin/rules").await["hash"],
        fixture.hash().as_str()
    );
    fixture.stop().await;
}

#[tokio::test]
async fn a_text_is_tried_with_facts_about_its_author() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let files = json!({"stoa.yaml": RULES.replace("verdict: hold, labels: [insult]", "verdict: reject, labels: [insult]")});
    let attempt = async |body: Value| fixture.post("/admin/rules/try", EDITOR, body).await;
    let text = json!({"text": "you scoundrel", "author": {"rejected": 2}});
    let (status, tried) = attempt(json!({"comment": text})).await;
    assert_eq!(status, 200, "{tried}");
    assert_eq!(
        (&tried["verdict"], &tried["decided_by"]),
        (&json!("hold"), &json!("insult"))
    );
    assert_eq!(tried["hash"], fixture.hash().as_str());
    let (_, tried) = attempt(json!({"files": files, "comment": text})).await;
    assert_eq!(
        (&tried["verdict"], &tried["decided_by"]),
        (&json!("reject"), &json!("insult"))
    );
    assert_eq!(tried["explain"]["fr"], "Vocabulaire injurieux.");
    let fate = |id: &str| {
        let rules = tried["rules"].as_array().unwrap();
        rules.iter().find(|rule| rule["id"] == id).unwrap().clone()
    };
    assert_eq!(fate("insult")["fate"], "acted");
    assert_eq!(
        (
            &fate("insult")["spans"][0]["start"],
            &fate("insult")["spans"][0]["end"]
        ),
        (&json!(4), &json!(13))
    );
    assert_eq!(fate("record")["fate"], "acted");
    assert_eq!(fate("tried")["fate"], "recorded");
    assert_eq!(fate("deep")["fate"], "condition");
    let (status, problem) =
        attempt(json!({"comment": {"text": "x", "author": {"age": "long"}}})).await;
    assert_eq!(
        (status.as_u16(), &problem["field"]),
        (400, &json!("comment"))
    );
    let (status, problem) =
        attempt(json!({"files": {"stoa.yaml": "rules: ["}, "comment": {"text": "x"}})).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (422, &json!("invalid_rules"))
    );
    // Nothing of it was counted, or decided.
    assert_eq!(
        fixture.get("/admin/decisions").await["decisions"],
        json!([])
    );
    fixture.stop().await;
}

impl Fixture {
    /// Waits for the end of a backtest.
    async fn ended(&self, id: &str) -> Value {
        for _ in 0..3_000 {
            let shown = self.get(&format!("/admin/rules/backtests/{id}")).await;
            if shown["state"] != "running" {
                return shown;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("the backtest does not end");
    }

    async fn backtest(&self, rules: &str, more: Value) -> (StatusCode, Value) {
        let mut body = json!({"files": {"stoa.yaml": rules}});
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        self.post("/admin/rules/backtests", EDITOR, body).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backtest_tells_what_a_draft_would_have_changed() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    for n in 0..6 {
        let text = ["a scoundrel", "a flower"][n % 2];
        let more = json!({"submitted_at": format!("2026-11-24T11:0{n}:00Z")});
        fixture
            .event(comment(&format!("c-{n}"), &format!("u-{n}"), text, more))
            .await;
    }
    let decide = async |comment: &str, verdict: &str| {
        let body = json!({"verdict": verdict, "reason": {"code": "insult"}, "version": 1});
        let path = format!("/admin/cases/{}/decision", case_of(comment));
        let (status, decided) = fixture.post(&path, MODERATOR, body).await;
        assert_eq!(status, 200, "{decided}");
        decided["decision"]["decision"].as_str().unwrap().to_owned()
    };
    decide("c-0", "reject").await;
    decide("c-2", "approve").await;
    // What was undone says nothing.
    let undone = decide("c-4", "approve").await;
    let path = format!("/admin/decisions/{undone}/undo");
    assert_eq!(fixture.post(&path, MODERATOR, json!({})).await.0, 200);

    let rules = RULES.replace(
        "verdict: hold, labels: [insult]",
        "verdict: reject, labels: [insult]",
    );
    let (status, begun) = fixture.backtest(&rules, json!({})).await;
    assert_eq!(status, 202, "{begun}");
    let ended = fixture.ended(begun["id"].as_str().unwrap()).await;
    assert_eq!(ended["state"], "done");
    let report = &ended["report"];
    assert_eq!(report["input"]["comments"], 6);
    assert_eq!(report["matrix"]["hold"]["reject"], 3, "{report}");
    assert_eq!(report["matrix"]["approve"]["approve"], 3);
    assert_eq!(report["flips_by_rule"][0]["rule"], "insult");
    assert_eq!(
        (&report["by_day"][0]["name"], &report["by_day"][0]["flips"]),
        (&json!("2026-11-24"), &json!(3))
    );
    // Of two comments that moderators judged, one was rightly rejected.
    let scores = &report["draft"]["strict_scores"];
    assert_eq!(
        (&scores["precision"], &scores["recall"]),
        (&json!(0.5), &json!(1.0))
    );
    assert_eq!(report["labels"]["matched"], 2);
    let examples = report["samples"][0]["comments"].as_array().unwrap();
    assert_eq!(examples.len(), 3);
    assert!(
        examples.iter().all(|one| one.get("text").is_none()),
        "{examples:?}"
    );
    assert_eq!(
        examples[0]["case"],
        case_of(examples[0]["comment"].as_str().unwrap())
    );
    assert!(!ended.to_string().contains("a scoundrel"), "{ended}");

    // A bound counts the newest.
    let (_, begun) = fixture.backtest(&rules, json!({"max_comments": 2})).await;
    let ended = fixture.ended(begun["id"].as_str().unwrap()).await;
    let input = &ended["report"]["input"];
    assert_eq!(
        (&input["comments"], &input["before"]),
        (&json!(2), &json!(2))
    );
    let listed = fixture.get("/admin/rules/backtests").await;
    assert_eq!(listed["backtests"].as_array().unwrap().len(), 2);
    for (field, most) in [("days", 91), ("max_comments", 100_001)] {
        let (status, problem) = fixture.backtest(&rules, json!({field: most})).await;
        assert_eq!((status.as_u16(), &problem["field"]), (400, &json!(field)));
    }
    let body = json!({"files": {"stoa.yaml": rules}});
    assert_eq!(
        fixture
            .post("/admin/rules/backtests", MODERATOR, body)
            .await
            .0,
        403
    );

    fixture.clock.advance(std::time::Duration::from_hours(1));
    let listed = fixture.get("/admin/rules/backtests").await;
    assert_eq!(listed["backtests"], json!([]));
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_backtest_runs_at_a_time_and_is_called_off() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let n: usize = 1_500;
    let events = (0..n).map(|n| plain(&format!("c-{n}"), "a scoundrel among many words"));
    fixture.events(events.collect()).await;
    let (status, begun) = fixture.backtest(RULES, json!({})).await;
    assert_eq!(status, 202, "{begun}");
    let (status, problem) = fixture.backtest(RULES, json!({})).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (409, &json!("backtest_running"))
    );
    let path = format!("/admin/rules/backtests/{}", begun["id"].as_str().unwrap());
    let (status, _) = fixture.request(Method::DELETE, &path, EDITOR, None).await;
    assert_eq!(status, 200);
    let ended = fixture.ended(begun["id"].as_str().unwrap()).await;
    assert_eq!(
        (&ended["state"], ended.get("report")),
        (&json!("cancelled"), None)
    );
    assert_eq!(fixture.backtest(RULES, json!({})).await.0, 202);
    // A stop does not wait for its end.
    fixture.stop().await;
}

#[tokio::test]
async fn terms_of_a_list_are_added_and_removed_by_a_new_version() {
    let dir = tempfile::tempdir().unwrap();
    let rules = RULES.replace(
        "{ match: word, terms: [scoundrel] }",
        "{ file: lists/bad.txt }",
    );
    write_rules(dir.path(), &rules);
    std::fs::create_dir_all(dir.path().join("rules/lists")).unwrap();
    let words = "# words\nscoundrel\nrogue [prefix]\n";
    std::fs::write(dir.path().join("rules/lists/bad.txt"), words).unwrap();
    let fixture = Fixture::open(dir.path()).await;
    let listed = fixture.get("/admin/rules/lists?q=ROGUE").await;
    let told: Vec<_> = listed["lists"]
        .as_array()
        .unwrap()
        .iter()
        .map(|list| (&list["name"], &list["terms_file"], &list["terms"]))
        .collect();
    let found = json!([{"term": "rogue [prefix]", "line": 3}]);
    assert_eq!(
        told,
        [
            (&json!("bad"), &json!("lists/bad.txt"), &found),
            (&json!("worse"), &Value::Null, &json!([]))
        ]
    );
    assert_eq!(listed["hits"][0]["list"], "bad");

    let path = "/admin/rules/lists/bad";
    let before = fixture.tag();
    let change = async |path: &str, token: &str, tag: Option<&str>, body: Value| {
        let (status, _, body) = fixture
            .exchange(Method::POST, path, token, tag, Some(body))
            .await;
        (status.as_u16(), body)
    };
    let body = json!({"add": ["varlet"], "remove": ["rogue [prefix]"], "note": "old words"});
    assert_eq!(change(path, EDITOR, None, body.clone()).await.0, 428);
    assert_eq!(
        change(path, MODERATOR, Some(&before), body.clone()).await.0,
        403
    );
    let (status, shown) = change(path, EDITOR, Some(&before), body.clone()).await;
    assert_eq!(status, 200, "{shown}");
    assert_eq!(shown["activated"]["note"], "old words");
    let list = fixture.get(path).await;
    let terms: Vec<_> = list["terms"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["term"])
        .collect();
    assert_eq!(terms, [&json!("scoundrel"), &json!("varlet")]);
    let decided = fixture.decide(plain("c-1", "you varlet")).await;
    assert_eq!(decided.verdict, Verdict::Hold);

    assert_eq!(
        change(path, EDITOR, Some(&before), body.clone()).await.0,
        412
    );
    let (status, problem) = change(path, EDITOR, Some(&fixture.tag()), body).await;
    assert_eq!((status, &problem["code"]), (400, &json!("no_such_term")));
    let inline = "/admin/rules/lists/worse";
    let (status, problem) =
        change(inline, EDITOR, Some(&fixture.tag()), json!({"add": ["x"]})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("no_terms_file")));
    let (status, problem) = change(
        path,
        EDITOR,
        Some(&fixture.tag()),
        json!({"add": ["oaf [often]"]}),
    )
    .await;
    assert_eq!((status, &problem["code"]), (422, &json!("invalid_rules")));
    for wrong in ["# x", "a\nb", " "] {
        let (status, _) = change(path, EDITOR, Some(&fixture.tag()), json!({"add": [wrong]})).await;
        assert_eq!(status, 400, "{wrong:?}");
    }
    fixture.stop().await;
}

#[tokio::test]
async fn new_and_changed_rules_are_saved_to_shadow_and_put_to_work_one_by_one() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let rules = RULES.replace("author.recent >= 3", "author.recent >= 2")
        + "  - { id: short, when: comment.length < 6, then: { verdict: hold } }\n";
    let body = json!({"files": {"stoa.yaml": rules}});
    let path = "/admin/rules?shadow=true";
    let (status, _, shown) = fixture
        .exchange(Method::PUT, path, EDITOR, Some(&fixture.tag()), Some(body))
        .await;
    assert_eq!(status, 200, "{shown}");
    let modes = |shown: &Value| -> Vec<String> {
        let rules = shown["rules"].as_array().unwrap().iter();
        let shadow = rules.filter(|rule| rule["mode"] == "shadow");
        shadow
            .map(|rule| rule["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(modes(&shown), ["flood", "tried", "short"]);
    assert_eq!(
        fixture.decide(plain("c-1", "brief")).await.verdict,
        Verdict::Approve
    );

    let change = async |rule: &str, token: &str, mode: &str| {
        let (path, tag) = (format!("/admin/rules/{rule}/mode"), fixture.tag());
        let body = json!({"mode": mode, "note": "it proved itself"});
        let (status, _, body) = fixture
            .exchange(Method::POST, &path, token, Some(&tag), Some(body))
            .await;
        (status.as_u16(), body)
    };
    let (status, shown) = change("short", EDITOR, "live").await;
    assert_eq!(
        (status, modes(&shown)),
        (200, vec!["flood".to_owned(), "tried".to_owned()])
    );
    assert_eq!(shown["activated"]["note"], "it proved itself");
    assert_eq!(
        fixture.decide(plain("c-2", "brief")).await.verdict,
        Verdict::Hold
    );
    assert_eq!(change("short", EDITOR, "sometimes").await.0, 400);
    assert_eq!(change("none", EDITOR, "live").await.0, 404);
    assert_eq!(change("short", MODERATOR, "shadow").await.0, 403);
    fixture.stop().await;
}
