//! The live rule set and its replacement.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::*;

fn rule<'a>(shown: &'a Value, id: &str) -> &'a Value {
    shown["rules"]
        .as_array()
        .unwrap()
        .iter()
        .find(|rule| rule["id"] == id)
        .unwrap()
}

#[tokio::test]
async fn it_is_shown_with_what_its_rules_did() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    fixture.event(plain("c-1", "scoundrel")).await;
    fixture.event(plain("c-2", "scoundrel vermin")).await;
    let shown = fixture.get("/admin/rules").await;
    assert_eq!(shown["hash"], fixture.service.rules.live().set.hash());
    assert_eq!(shown["loaded_at"], "2026-11-24T12:00:00Z");
    let insult =
        json!({"hits": 2, "shadow_hits": 0, "verdicts": {"approve": 0, "hold": 1, "reject": 1}});
    assert_eq!(rule(&shown, "insult")["total"], insult);
    assert_eq!(rule(&shown, "insult")["since_start"], insult);
    assert_eq!(rule(&shown, "tried")["total"]["shadow_hits"], 2);
    assert_eq!(rule(&shown, "tried")["mode"], "shadow");
    fixture.stop().await;

    let fixture = Fixture::open(dir.path()).await;
    let shown = fixture.get("/admin/rules").await;
    assert_eq!(rule(&shown, "insult")["total"], insult);
    assert_eq!(rule(&shown, "insult")["since_start"]["hits"], 0);
    fixture.stop().await;
}

#[tokio::test]
async fn a_broken_file_keeps_the_old_one_and_a_whole_one_replaces_it() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let before = fixture.get("/admin/rules").await;
    let reload = "/admin/rules/reload";
    let (status, _) = fixture.request(Method::POST, reload, MODERATOR, None).await;
    assert_eq!(status, StatusCode::FORBIDDEN);

    write_rules(
        dir.path(),
        &RULES.replace("comment.text.hits(\"bad\")", "comment.txt.hits(\"bad\")"),
    );
    let (status, problem) = fixture.request(Method::POST, reload, EDITOR, None).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("invalid_rules"))
    );
    let diagnostic = &problem["diagnostics"][0];
    assert_eq!(diagnostic["file"], "stoa.yaml");
    assert!(diagnostic["line"].as_u64().unwrap() > 0 && diagnostic["column"].as_u64().unwrap() > 0);
    let mut shown = fixture.get("/admin/rules").await;
    let pending = std::mem::take(&mut shown["pending_errors"]);
    assert_eq!(pending["diagnostics"], problem["diagnostics"]);
    assert_eq!(shown, before);
    assert_eq!(
        fixture.decide(plain("c-1", "scoundrel")).await.labels,
        ["insult"]
    );

    write_rules(dir.path(), &RULES.replace("scoundrel", "rascal"));
    let (status, shown) = fixture.request(Method::POST, reload, EDITOR, None).await;
    assert_eq!(status, StatusCode::OK);
    assert_ne!(shown["hash"], before["hash"]);
    assert_eq!(shown["pending_errors"], Value::Null);
    assert_eq!(shown["activated"]["by"], "edith");
    assert_eq!(
        fixture.decide(plain("c-2", "rascal")).await.labels,
        ["insult"]
    );
    assert!(
        fixture
            .decide(plain("c-3", "scoundrel"))
            .await
            .labels
            .is_empty()
    );
    fixture.stop().await;
}

#[tokio::test]
async fn a_broken_rule_set_at_the_start_is_a_configuration_error() {
    let dir = tempfile::tempdir().unwrap();
    write_rules(
        dir.path(),
        "rules: [{id: x, when: nonsense, then: {verdict: hold}}]",
    );
    let context = Context::new("moderation-rules", Clock::system());
    let env = Env {
        tasks: context.tasks.clone(),
        shutdown: context.shutdown.clone(),
        registry: context.registry.clone(),
        clock: context.clock.micros_fn(),
    };
    let bus = Bus::embedded(&dir.path().join("bus"), EmbeddedConfig::default(), env).unwrap();
    let Err(error) = Service::open(&config(dir.path()), &context, bus).await else {
        panic!("it opened");
    };
    assert_eq!(stoa_daemon::lifecycle::Exit::of(&error).code(), 78);
    assert!(format!("{error:#}").contains("stoa.yaml:1"), "{error:#}");
}

#[tokio::test]
async fn without_a_folder_the_starter_rule_set_is_live() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(dir.path());
    config.rules_dir = None;
    let fixture = Fixture::open_as(config, dir.path()).await;
    let shown = fixture.get("/admin/rules").await;
    assert_eq!(shown["source"], "starter");
    assert_eq!(shown["activated"]["by"], "starter");
    assert!(shown["rules"].as_array().unwrap().len() > 10);
    // It was tried before it was shipped: none of its rules is watched as new.
    for rule in shown["rules"].as_array().unwrap() {
        assert!(rule.get("since").is_none() && rule["breaker"].get("watched_until").is_none());
    }
    fixture.stop().await;
}

#[tokio::test]
async fn what_each_rule_does_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let count = |name: &str, rule: &str| fixture.metric(name, &[("rule", rule)]);
    for n in 0..70 {
        fixture.event(plain(&format!("c-{n}"), "fine")).await;
    }
    fixture.event(plain("bad", "scoundrel")).await;
    fixture.event(plain("worse", "scoundrel vermin")).await;
    let evaluations = "stoa_rule_evaluations_total";
    // A rule whose list has no hit, or that a fact does not come near, is not evaluated.
    assert_eq!(count(evaluations, "tried"), Some(72.0));
    assert_eq!(count(evaluations, "flood"), Some(0.0));
    assert_eq!(count(evaluations, "insult"), Some(2.0));
    assert_eq!(count(evaluations, "hate"), Some(1.0));
    let hits = |rule, mode| {
        let labels = [("rule", rule), ("mode", mode)];
        fixture.metric("stoa_rule_hits_total", &labels)
    };
    assert_eq!(
        (hits("insult", "acted"), hits("insult", "shadow")),
        (Some(2.0), Some(0.0))
    );
    assert_eq!(
        (hits("tried", "acted"), hits("tried", "shadow")),
        (Some(0.0), Some(72.0))
    );
    // The first comment and the 65th were timed.
    let seconds = "stoa_rule_evaluation_seconds_total";
    assert!(count(seconds, "tried") > Some(0.0));
    assert_eq!(count(seconds, "insult"), Some(0.0));

    // A rejection confirms a hold, an approval goes against whoever restricted.
    let overrides = "stoa_rule_overrides_total";
    let decide = format!("/admin/cases/{}/decision", case_of("bad"));
    let reject = json!({"verdict": "reject", "reason": {"code": "offensive"}});
    assert_eq!(
        fixture.post(&decide, MODERATOR, reject).await.0,
        StatusCode::OK
    );
    assert_eq!(count(overrides, "insult"), Some(0.0));
    fixture.event(reported("worse", "r-1")).await;
    let decide = format!("/admin/cases/{}/decision", case_of("worse"));
    for _ in 0..2 {
        let approve = json!({"verdict": "approve"});
        assert_eq!(
            fixture.post(&decide, MODERATOR, approve).await.0,
            StatusCode::OK
        );
        assert_eq!(count(overrides, "insult"), Some(1.0));
        assert_eq!(count(overrides, "hate"), Some(1.0));
        assert_eq!(count(overrides, "tried"), Some(0.0));
    }
    // Who leaves the rule set leaves the metrics.
    fixture
        .put(&RULES.replace("id: flood", "id: torrent"), "")
        .await;
    assert_eq!(count(evaluations, "flood"), None);
    assert_eq!(count(evaluations, "torrent"), Some(0.0));
    assert_eq!(count(evaluations, "insult"), Some(2.0));
    fixture.stop().await;
}
