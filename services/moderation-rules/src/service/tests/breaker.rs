//! The breaker of a new rule: it rejects up to its budget, and holds from there.

use std::time::Duration;

use super::*;

fn vermin(numbers: std::ops::Range<u32>) -> Vec<Event> {
    numbers
        .map(|n| plain(&format!("v-{n}"), "vermin"))
        .collect()
}

fn fine(numbers: std::ops::Range<u32>) -> Vec<Event> {
    numbers.map(|n| plain(&format!("f-{n}"), "fine")).collect()
}

impl Fixture {
    async fn verdicts(&self, events: Vec<Event>) -> Vec<Verdict> {
        let outcomes = self.events(events).await;
        outcomes.iter().map(|out| decision(out).verdict).collect()
    }

    /// How many of the events are rejected.
    async fn rejected(&self, events: Vec<Event>) -> usize {
        let verdicts = self.verdicts(events).await;
        verdicts
            .iter()
            .filter(|one| **one == Verdict::Reject)
            .count()
    }

    async fn shown(&self, rule: &str) -> Value {
        let shown = self.get("/admin/rules").await;
        let rules = shown["rules"].as_array().unwrap();
        rules.iter().find(|one| one["id"] == rule).unwrap().clone()
    }

    async fn reset(&self, rule: &str, token: &str) -> (u16, Value) {
        let path = format!("/admin/rules/{rule}/breaker");
        let (status, answer) = self.post(&path, token, json!({"state": "reset"})).await;
        (status.as_u16(), answer)
    }

    fn open_breakers(&self) -> Option<f64> {
        self.metric("stoa_rule_breaker_open", &[("rule", "hate")])
    }
}

#[tokio::test]
async fn a_new_rule_that_hits_too_much_holds_until_it_is_reset() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    assert_eq!(fixture.open_breakers(), Some(0.0));
    let outcomes = fixture.events(vermin(0..30)).await;
    let decisions: Vec<Decision> = outcomes.iter().map(|out| decision(out)).collect();
    for (n, decision) in decisions.iter().enumerate() {
        let hate = decision
            .rules
            .iter()
            .find(|rule| rule.id == "hate")
            .unwrap();
        let (expected, mark) = if n < 20 {
            (Verdict::Reject, None)
        } else {
            (Verdict::Hold, Some(&json!("breaker")))
        };
        assert_eq!(
            (decision.verdict, hate.extra.get("limited")),
            (expected, mark),
            "{n}"
        );
        assert_eq!(decision.labels, ["hate"]);
        assert!(decision.partial.is_empty());
        assert!(decision.statement.is_some());
    }
    assert_eq!(case_news(&outcomes[20]), ["opened rules 25"]);
    // A repeat gets what the first one got.
    let again = fixture.events(vermin(0..30)).await;
    let again: Vec<Decision> = again.iter().map(|out| decision(out)).collect();
    assert_eq!(again, decisions);
    let expected = json!({
        "state": "open", "hits": 21, "comments": 21,
        "opened_at": NOON, "watched_until": "2026-11-25T12:00:00Z",
    });
    assert_eq!(fixture.shown("hate").await["breaker"], expected);
    assert_eq!(fixture.open_breakers(), Some(1.0));
    let limited = [("rule", "hate"), ("limit", "breaker")];
    assert_eq!(
        fixture.metric("stoa_rule_limited_total", &limited),
        Some(10.0)
    );
    fixture.stop().await;

    // It stays open, also when the rule is no longer new, and without the view.
    std::fs::remove_dir_all(dir.path().join("moderation/view")).unwrap();
    let fixture = Fixture::open_at("2026-11-26T12:00:00Z", config(dir.path()), dir.path()).await;
    assert_eq!(fixture.open_breakers(), Some(1.0));
    assert_eq!(fixture.rejected(vermin(30..31)).await, 0);

    assert_eq!(fixture.reset("hate", ELSEWHERE).await.0, 403);
    assert_eq!(fixture.reset("no-such-rule", MODERATOR).await.0, 404);
    let (status, _) = fixture
        .post(
            "/admin/rules/hate/breaker",
            MODERATOR,
            json!({"state": "open"}),
        )
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let (status, answer) = fixture.reset("hate", MODERATOR).await;
    assert_eq!(
        (status, &answer["was_open"]),
        (200, &json!(true)),
        "{answer}"
    );
    assert_eq!(answer["breaker"]["state"], "closed");
    assert_eq!(
        answer["breaker"]["reset"],
        json!({"by": "anne", "at": "2026-11-26T12:00:00Z"})
    );
    assert_eq!(fixture.open_breakers(), Some(0.0));
    assert_eq!(
        fixture.reset("hate", MODERATOR).await.1["was_open"],
        json!(false)
    );
    assert_eq!(fixture.rejected(vermin(31..90)).await, 59);
    fixture.stop().await;
    let fixture = Fixture::open_at("2026-11-26T12:00:00Z", config(dir.path()), dir.path()).await;
    assert_eq!(fixture.rejected(vermin(90..100)).await, 10);
    fixture.stop().await;
}

#[tokio::test]
async fn a_reset_in_the_first_day_begins_to_count_anew() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    assert_eq!(fixture.rejected(vermin(0..25)).await, 20);
    fixture.reset("hate", EDITOR).await;
    assert_eq!(fixture.shown("hate").await["breaker"]["hits"], json!(0));
    assert_eq!(fixture.rejected(vermin(25..50)).await, 20);
    fixture.stop().await;
}

#[tokio::test]
async fn the_budget_is_a_share_too_and_the_window_slides() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    // 24 of 500 are less than 5 percent, 26 of 502 more; the 25th makes just 5 of 501.
    fixture.events(fine(0..476)).await;
    assert_eq!(fixture.rejected(vermin(0..24)).await, 24);
    assert_eq!(fixture.verdicts(vermin(24..25)).await, [Verdict::Reject]);
    assert_eq!(fixture.verdicts(vermin(25..26)).await, [Verdict::Hold]);
    fixture.reset("hate", EDITOR).await;

    // What is older than the window counts for nothing.
    assert_eq!(fixture.rejected(vermin(26..46)).await, 20);
    fixture.clock.advance(Duration::from_mins(66));
    assert_eq!(fixture.shown("hate").await["breaker"]["hits"], json!(0));
    assert_eq!(fixture.rejected(vermin(46..66)).await, 20);
    assert_eq!(fixture.rejected(vermin(66..67)).await, 0);
    fixture.stop().await;
}

#[tokio::test]
async fn hits_are_counted_across_a_restart_and_by_the_rules_content() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    assert_eq!(fixture.rejected(vermin(0..15)).await, 15);
    fixture.stop().await;
    let fixture = Fixture::open(dir.path()).await;
    let hits = &fixture.shown("hate").await["breaker"]["hits"];
    assert_eq!(hits, &json!(15));
    assert_eq!(fixture.rejected(vermin(15..25)).await, 5);

    // Another rule of the set changes: this one's breaker stays.
    let other = RULES.replace("scoundrel", "rascal");
    fixture.put(&other, "").await;
    assert_eq!(fixture.rejected(vermin(25..26)).await, 0);
    assert_eq!(fixture.open_breakers(), Some(1.0));
    // The rule changes, by a term of its list: it begins anew.
    let changed = other.replace("[vermin]", "[vermin, pest]");
    fixture.put(&changed, "").await;
    assert_eq!(fixture.rejected(vermin(26..50)).await, 20);
    fixture.stop().await;
}

#[tokio::test]
async fn only_what_is_new_and_rejects_is_watched() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    for rule in ["insult", "tried"] {
        let breaker = &fixture.shown(rule).await["breaker"];
        assert_eq!(
            breaker,
            &json!({"state": "closed", "hits": 0, "comments": 0}),
            "{rule}"
        );
    }
    fixture.clock.advance(Duration::from_hours(24));
    assert!(
        fixture.shown("hate").await["breaker"]
            .get("watched_until")
            .is_none()
    );
    assert_eq!(fixture.rejected(vermin(0..50)).await, 50);
    // A rule that comes back is as old as it was; a new one is new.
    fixture.put(&RULES.replace("[vermin]", "[pest]"), "").await;
    let new = &fixture.shown("hate").await["breaker"]["watched_until"];
    assert_eq!(new, "2026-11-26T12:00:00Z");
    fixture.put(RULES, "").await;
    assert_eq!(fixture.rejected(vermin(50..100)).await, 50);
    fixture.stop().await;

    let dir = tempfile::tempdir().unwrap();
    write_rules(dir.path(), RULES);
    let mut config = config(dir.path());
    config.breaker.watch = stoa_daemon::config::Duration::secs(0);
    let fixture = Fixture::open_as(config, dir.path()).await;
    assert_eq!(fixture.rejected(vermin(0..50)).await, 50);
    fixture.stop().await;
}

#[tokio::test]
async fn rules_from_before_the_log_are_not_watched() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    fixture.stop().await;
    // As an older version of the program leaves its folder: with a journal, without versions.
    std::fs::remove_dir_all(dir.path().join("moderation/rulesets")).unwrap();
    let fixture = Fixture::open(dir.path()).await;
    assert_eq!(fixture.rejected(vermin(0..50)).await, 50);
    fixture.stop().await;
}

#[tokio::test]
async fn a_limited_rule_leaves_the_decision_to_the_others() {
    let rules = r#"
rules:
  - { id: a, when: 'comment.text.contains("a")', then: { verdict: reject, labels: [a] }, reason: { code: a } }
  - { id: h, when: 'comment.text.contains("h")', then: { verdict: hold, labels: [h] }, reason: { code: h } }
  - { id: b, when: 'comment.text.contains("b")', then: { verdict: reject, labels: [b] }, reason: { code: b, ground: legal } }
"#;
    let dir = tempfile::tempdir().unwrap();
    write_rules(dir.path(), rules);
    let fixture = Fixture::open(dir.path()).await;
    for n in 0..30 {
        fixture.event(plain(&format!("c-{n}"), "a")).await;
    }
    // `a` holds; `b` still rejects, by its own reason, and `a` is marked all the same.
    let both = fixture.decide(plain("both", "a h b")).await;
    assert_eq!(verdict(&both), (Verdict::Reject, vec!["a", "b", "h"]));
    assert_eq!(both.statement.unwrap().ground, "legal");
    let marks = |decision: &[stoa_proto::FiredRule]| -> Vec<bool> {
        decision
            .iter()
            .map(|rule| rule.extra.contains_key("limited"))
            .collect()
    };
    assert_eq!(marks(&both.rules), [true, false, false]);
    let held = fixture.decide(plain("held", "h a")).await;
    assert_eq!(verdict(&held), (Verdict::Hold, vec!["a", "h"]));
    assert!(held.statement.unwrap().facts.contains("\"a\""));
    fixture.stop().await;
}

#[tokio::test]
async fn a_batch_gives_what_single_comments_give() {
    let mut all = Vec::new();
    for size in [1, 7, 64, 200] {
        let dir = tempfile::tempdir().unwrap();
        let fixture = Fixture::new(dir.path()).await;
        let events: Vec<Event> = (0..200)
            .map(|n| match n % 3 {
                // Answers are in another wave than what they answer.
                0 => comment(
                    &format!("c-{n}"),
                    &format!("u-{n}"),
                    "vermin",
                    json!({"parent": format!("c-{}", n - 1)}),
                ),
                1 => plain(&format!("c-{n}"), "fine"),
                _ => plain(&format!("c-{n}"), "vermin"),
            })
            .collect();
        let mut verdicts = Vec::new();
        for chunk in events.chunks(size) {
            verdicts.extend(fixture.verdicts(chunk.to_vec()).await);
        }
        let rejected = verdicts
            .iter()
            .filter(|one| **one == Verdict::Reject)
            .count();
        assert_eq!(rejected, 20, "in batches of {size}");
        let breaker = fixture.shown("hate").await["breaker"].clone();
        assert_eq!(breaker["hits"], json!(21), "in batches of {size}");
        all.push(breaker["state"].clone());
        fixture.stop().await;
    }
    assert_eq!(all, vec![json!("open"); 4]);
}

#[tokio::test]
async fn comments_of_a_batch_count_once_whatever_they_wait_for() {
    let dir = tempfile::tempdir().unwrap();
    write_rules(dir.path(), RULES);
    let mut config = config(dir.path());
    config.breaker.percent = 20;
    let fixture = Fixture::open_as(config, dir.path()).await;
    // The answers are judged behind what they answer: 25 of 125 are 20 percent, 26 are more.
    let mut events = fine(0..100);
    let answer = |n| {
        let parent = json!({"parent": format!("f-{n}")});
        comment(&format!("v-{n}"), &format!("u-{n}"), "vermin", parent)
    };
    events.extend((0..100).map(answer));
    assert_eq!(fixture.rejected(events).await, 25);
    fixture.stop().await;
}

#[tokio::test]
async fn a_rule_that_comes_to_a_busy_site_is_measured_from_there() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    // Of all these, its hits would be less than 5 percent.
    fixture.events(fine(0..1_000)).await;
    fixture
        .put(&RULES.replace("[vermin]", "[vermin, pest]"), "")
        .await;
    assert_eq!(fixture.rejected(vermin(0..30)).await, 20);
    assert_eq!(fixture.shown("hate").await["breaker"]["comments"], 21);
    fixture.stop().await;
}

#[tokio::test]
async fn what_is_counted_by_time_does_not_pile_up() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let rows = || {
        let view = &fixture.service.admin.index.view;
        let slices = view.scan(&crate::view::SLICES, ()).count();
        (slices, view.scan(&crate::view::REJECTIONS, ()).count())
    };
    for n in 0..40 {
        fixture.event(plain(&format!("v-{n}"), "vermin")).await;
        fixture.clock.advance(Duration::from_hours(3));
    }
    // Two rows for each slice of the last day and the hour before; today's and yesterday's.
    let (slices, days) = rows();
    assert!((16..=20).contains(&slices), "{slices}");
    assert_eq!(days, 2);
    fixture.stop().await;
}
