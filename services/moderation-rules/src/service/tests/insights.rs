//! Insights: counts by day and hour that follow from the journal.

use std::time::Duration;

use super::*;
use crate::view::{MODERATOR_TALLIES, OPEN_BY_SITE, RULE_TALLIES, TALLIES, WAITING};

impl Fixture {
    async fn insights(&self, query: &str) -> Value {
        let path = format!("/admin/insights?{query}");
        self.request(Method::GET, &path, EDITOR, None).await.1
    }

    async fn judge(&self, comment: &str, verdict: &str, token: &str) -> String {
        let path = format!("/admin/cases/{}", case_of(comment));
        let version = self.get(&path).await["version"].clone();
        let body = json!({"verdict": verdict, "reason": {"code": "insult"}, "version": version});
        let (status, decided) = self.post(&format!("{path}/decision"), token, body).await;
        assert_eq!(status, 200, "{decided}");
        decided["decision"]["decision"].as_str().unwrap().to_owned()
    }

    /// All rows of all tallies.
    fn tallies(&self) -> Vec<String> {
        let view = &self.service.admin.index.view;
        let mut rows: Vec<String> = Vec::new();
        rows.extend(view.range(&TALLIES, ..).map(|row| format!("{row:?}")));
        rows.extend(view.range(&RULE_TALLIES, ..).map(|row| format!("{row:?}")));
        rows.extend(
            view.range(&MODERATOR_TALLIES, ..)
                .map(|row| format!("{row:?}")),
        );
        rows.extend(view.range(&WAITING, ..).map(|row| format!("{row:?}")));
        rows.extend(view.range(&OPEN_BY_SITE, ..).map(|row| format!("{row:?}")));
        rows
    }
}

fn rule(insights: &Value, id: &str) -> Value {
    let rules = insights["rules"].as_array().unwrap();
    rules
        .iter()
        .find(|rule| rule["rule"] == id)
        .unwrap()
        .clone()
}

fn last(insights: &Value) -> Value {
    insights["slots"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .clone()
}

#[tokio::test]
async fn days_and_hours_tell_what_happened_and_what_was_undone() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    for n in 1..=4 {
        fixture
            .event(plain(&format!("c-{n}"), "you scoundrel"))
            .await;
    }
    fixture.event(plain("c-5", "fine words")).await;
    fixture.event(plain("c-6", "you vermin")).await;
    fixture.event(reported("c-5", "r-1")).await;
    fixture.event(withdrawn("c-4")).await;
    fixture.clock.advance(Duration::from_mins(4));
    fixture.judge("c-1", "reject", MODERATOR).await;
    fixture.judge("c-2", "approve", SECOND).await;
    fixture.clock.advance(Duration::from_hours(1));
    let undone = fixture.judge("c-5", "approve", MODERATOR).await;

    let insights = fixture.insights("from=2026-11-23&to=2026-11-24").await;
    assert_eq!(insights["slots"].as_array().unwrap().len(), 2);
    let day = last(&insights);
    assert_eq!(day["at"], "2026-11-24");
    assert_eq!(
        day["opened"],
        json!({"rules": 4, "reported": 1, "appeal": 0})
    );
    assert_eq!(
        day["closed"],
        json!({"approved": 2, "rejected": 1, "withdrawn": 1, "superseded": 0, "erased": 0})
    );
    assert_eq!(
        day["verdicts"],
        json!({"approve": 1, "hold": 4, "reject": 1})
    );
    // Two waited four minutes, one an hour and four minutes.
    let took = &insights["decision_time"];
    assert_eq!(
        (&took["count"], &took["median_seconds"]),
        (&json!(3), &json!(255.0))
    );
    assert_eq!(took["p90_seconds"], 6_120.0);
    let now = &insights["now"];
    assert_eq!(
        (&now["open"], &now["oldest"], &now["oldest_seconds"]),
        (&json!(1), &json!("2026-11-24T12:00:00Z"), &json!(3_840))
    );
    let insult = rule(&insights, "insult");
    assert_eq!(
        (&insult["hits"], &insult["hits_by_slot"]),
        (&json!(4), &json!([0, 4]))
    );
    assert_eq!(
        insult["judged"],
        json!({"approved": 1, "rejected": 1, "override_rate": 0.5})
    );
    // In shadow it would have rejected all; moderators agreed once in three.
    let tried = rule(&insights, "tried");
    assert_eq!(
        (
            &tried["mode"],
            &tried["verdict"],
            &tried["hits"],
            &tried["shadow_hits"]
        ),
        (&json!("shadow"), &json!("reject"), &json!(0), &json!(6))
    );
    assert_eq!(
        tried["shadow_verdicts"],
        json!({"approve": 1, "hold": 4, "reject": 1})
    );
    assert_eq!(
        (
            &tried["shadow_judged"]["approved"],
            &tried["shadow_judged"]["rejected"]
        ),
        (&json!(2), &json!(1))
    );
    assert_eq!(
        insights["moderators"],
        json!([
            {"moderator": "anne", "approved": 1, "rejected": 1, "undone": 0},
            {"moderator": "boris", "approved": 1, "rejected": 0, "undone": 0}
        ])
    );

    let hours = fixture
        .insights("by=hour&from=2026-11-24&to=2026-11-24")
        .await;
    let slots = hours["slots"].as_array().unwrap();
    assert_eq!(slots.len(), 24);
    let closed: Vec<_> = [12, 13]
        .iter()
        .map(|hour: &usize| &slots[*hour]["closed"]["approved"])
        .collect();
    assert_eq!(closed, [1, 1]);
    assert_eq!(slots[13]["at"], "2026-11-24T13:00:00Z");

    undo_and_build_again(fixture, dir.path(), &undone).await;
}

async fn undo_and_build_again(fixture: Fixture, dir: &Path, undone: &str) {
    let path = format!("/admin/decisions/{undone}/undo");
    assert_eq!(fixture.post(&path, MODERATOR, json!({})).await.0, 200);
    let insights = fixture.insights("").await;
    assert_eq!(insights["from"], "2026-10-26");
    let day = last(&insights);
    assert_eq!(
        (&day["closed"]["approved"], &day["undone"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(day["opened"]["reported"], 1);
    assert_eq!(insights["decision_time"]["count"], 2);
    assert_eq!(insights["now"]["open"], 2);
    assert_eq!(rule(&insights, "tried")["shadow_judged"]["approved"], 1);
    assert_eq!(
        insights["moderators"][0],
        json!({"moderator": "anne", "approved": 0, "rejected": 1, "undone": 1})
    );
    let only = fixture.insights("rule=insult").await;
    assert_eq!(only["rules"].as_array().unwrap().len(), 1);

    // Built again from the journal, all counts are the same.
    let before = fixture.tallies();
    assert!(before.len() > 10, "{before:?}");
    fixture.stop().await;
    std::fs::remove_dir_all(dir.join("moderation/view")).unwrap();
    let fixture = Fixture::open(dir).await;
    assert_eq!(fixture.tallies(), before);
    fixture.stop().await;
}

#[tokio::test]
async fn a_token_sees_its_sites_and_a_range_has_bounds() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    fixture.event(plain("c-1", "you scoundrel")).await;
    let ask = async |query: &str, token: &str| {
        let path = format!("/admin/insights?{query}");
        fixture.request(Method::GET, &path, token, None).await
    };
    let (_, elsewhere) = ask("", ELSEWHERE).await;
    assert_eq!(
        (&elsewhere["now"]["open"], &elsewhere["sites"]),
        (&json!(0), &json!([]))
    );
    assert_eq!(rule(&elsewhere, "insult")["hits"], 0);
    assert_eq!(last(&elsewhere)["opened"]["rules"], 0);
    assert_eq!(ask("site=courrier", ELSEWHERE).await.0, 403);
    let (_, own) = ask("site=courrier", SECOND).await;
    assert_eq!(
        (&own["now"]["open"], &own["sites"]),
        (&json!(1), &json!(["courrier"]))
    );
    assert_eq!(ask("", PLATFORM).await.0, 403);
    for wrong in [
        "from=2026-11-25&to=2026-11-24",
        "from=2025-01-01",
        "by=hour&from=2026-11-01",
        "from=yesterday",
        "by=week",
    ] {
        assert_eq!(ask(wrong, VIEWER).await.0, 400, "{wrong}");
    }
    assert_eq!(ask("from=2025-10-21&to=2026-11-24", VIEWER).await.0, 200);
    fixture.stop().await;
}

#[tokio::test]
async fn who_decided_how_much_is_for_those_who_lead() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    for (comment, token) in [("c-1", MODERATOR), ("c-2", MODERATOR), ("c-3", SECOND)] {
        fixture.event(plain(comment, "you scoundrel")).await;
        fixture.judge(comment, "reject", token).await;
    }
    let all = ["anne", "boris"].as_slice();
    for (token, seen) in [
        (VIEWER, [].as_slice()),
        (MODERATOR, &["anne"]),
        (SECOND, &["boris"]),
        (EDITOR, all),
        (AUDITOR, all),
        (ADMIN, all),
        (LOCAL_ADMIN, all),
    ] {
        let path = "/admin/insights?site=courrier";
        let (_, insights) = fixture.request(Method::GET, path, token, None).await;
        let names: Vec<&str> = insights["moderators"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["moderator"].as_str().unwrap())
            .collect();
        assert_eq!(names, seen, "{token}");
        let total = json!({"approved": 0, "rejected": 3, "undone": 0});
        assert_eq!(insights["moderators_total"], total, "{token}");
        let told = insights.to_string();
        for name in all.iter().filter(|name| !seen.contains(name)) {
            assert!(!told.contains(name), "{token}: {told}");
        }
    }
    fixture.stop().await;
}

#[tokio::test]
async fn old_slots_are_removed() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    fixture.event(plain("c-1", "you scoundrel")).await;
    fixture.judge("c-1", "approve", MODERATOR).await;
    let rows = |fixture: &Fixture, table: &str| {
        let rows = fixture.tallies();
        rows.iter().filter(|row| row.starts_with(table)).count()
    };
    assert_eq!(rows(&fixture, "Ok(((0, "), 3);
    assert_eq!(rows(&fixture, "Ok(((1, "), 3);
    fixture.clock.advance(Duration::from_hours(24 * 9));
    fixture.event(plain("c-2", "fine words")).await;
    assert_eq!(
        rows(&fixture, "Ok(((0, "),
        5,
        "two sites' days and their rules"
    );
    assert_eq!(
        rows(&fixture, "Ok(((1, "),
        2,
        "the hours of long ago are gone"
    );
    fixture.clock.advance(Duration::from_hours(24 * 401));
    fixture.event(plain("c-3", "fine words")).await;
    assert_eq!(rows(&fixture, "Ok(((0, "), 2);
    let moderators = fixture.tallies();
    assert!(
        moderators.iter().all(|row| !row.contains("anne")),
        "{moderators:?}"
    );
    let before = fixture.tallies();
    fixture.stop().await;
    std::fs::remove_dir_all(dir.path().join("moderation/view")).unwrap();
    let fixture = Fixture::open(dir.path()).await;
    assert_eq!(fixture.tallies(), before);
    fixture.stop().await;
}
