//! What a rule may reject in a day.

use std::time::Duration;

use super::*;

async fn open(time: &str, dir: &Path) -> Fixture {
    let mut config = config(dir);
    config.engine.reject_quota = 3;
    Fixture::open_at(time, config, dir).await
}

fn words(text: &str, numbers: std::ops::Range<u32>) -> Vec<Event> {
    let number = |n| plain(&format!("{}-{n}", text.replace(' ', "-")), text);
    numbers.map(number).collect()
}

async fn verdicts(fixture: &Fixture, events: Vec<Event>) -> String {
    let outcomes = fixture.events(events).await;
    let letter = |out: &Vec<Outgoing>| match decision(out).verdict {
        Verdict::Approve => 'a',
        Verdict::Hold => 'h',
        Verdict::Reject => 'r',
    };
    outcomes.iter().map(letter).collect()
}

#[tokio::test]
async fn it_holds_beyond_its_number_until_the_next_day() {
    let dir = tempfile::tempdir().unwrap();
    write_rules(dir.path(), RULES);
    let fixture = open("2026-11-24T23:59:00Z", dir.path()).await;
    let outcomes = fixture.events(words("vermin", 0..2)).await;
    assert!(
        outcomes
            .iter()
            .all(|out| decision(out).verdict == Verdict::Reject)
    );
    fixture.stop().await;

    // The count stands in the view, and follows from the journal without it.
    for remove in [false, true] {
        if remove {
            std::fs::remove_dir_all(dir.path().join("moderation/view")).unwrap();
        }
        let fixture = open("2026-11-24T23:59:00Z", dir.path()).await;
        let shown = fixture.get("/admin/rules").await;
        let rules = shown["rules"].as_array().unwrap();
        let hate = rules.iter().find(|rule| rule["id"] == "hate").unwrap();
        assert_eq!(hate["quota"], json!({"limit": 3, "used": 2}));
        fixture.stop().await;
    }
    let fixture = open("2026-11-24T23:59:00Z", dir.path()).await;
    assert_eq!(verdicts(&fixture, words("vermin", 2..6)).await, "rhhh");
    let held = fixture.decide(plain("held", "vermin")).await;
    let hate = held.rules.iter().find(|rule| rule.id == "hate").unwrap();
    assert_eq!(hate.extra["limited"], "quota");
    assert_eq!(held.labels, ["hate"]);
    let limited = [("rule", "hate"), ("limit", "quota")];
    assert_eq!(
        fixture.metric("stoa_rule_limited_total", &limited),
        Some(4.0)
    );
    // Midnight.
    fixture.clock.advance(Duration::from_mins(1));
    assert_eq!(verdicts(&fixture, words("vermin", 6..11)).await, "rrrhh");
    // The repeats of yesterday's are as they were.
    assert_eq!(verdicts(&fixture, words("vermin", 0..6)).await, "rrrhhh");
    fixture.stop().await;
}

#[tokio::test]
async fn each_rule_has_its_own_and_is_charged_for_what_was_rejected() {
    let rules = r#"
rules:
  - { id: a, when: 'comment.text.contains("a")', then: { verdict: reject, labels: [a] } }
  - { id: b, when: 'comment.text.contains("b")', then: { verdict: reject, labels: [b] } }
"#;
    let dir = tempfile::tempdir().unwrap();
    write_rules(dir.path(), rules);
    let fixture = open(NOON, dir.path()).await;
    assert_eq!(verdicts(&fixture, words("a", 0..2)).await, "rr");
    assert_eq!(verdicts(&fixture, words("a b", 0..2)).await, "rr");
    // `a` has 4, of which the last was by the word of `b`, which has 2.
    assert_eq!(verdicts(&fixture, words("b", 0..2)).await, "rh");
    assert_eq!(verdicts(&fixture, words("a", 2..3)).await, "h");
    fixture.stop().await;
}

#[tokio::test]
async fn without_one_there_is_no_limit() {
    let dir = tempfile::tempdir().unwrap();
    write_rules(dir.path(), RULES);
    let mut config = config(dir.path());
    config.breaker.watch = stoa_daemon::config::Duration::secs(0);
    let fixture = Fixture::open_as(config, dir.path()).await;
    assert_eq!(
        verdicts(&fixture, words("vermin", 0..100)).await,
        "r".repeat(100)
    );
    let shown = fixture.get("/admin/rules").await;
    assert!(shown["rules"][1].get("quota").is_none());
    fixture.stop().await;
}
