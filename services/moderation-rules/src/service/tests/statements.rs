//! Statements for the DSA Transparency Database: what each restriction becomes there, and what
//! never leaves.

use std::time::Duration;

use super::at_desk::{at, refusal, undo};
use super::*;

const STATEMENTS: &str = "/admin/statements";
const REJECT: &str = r#"{"verdict": "reject", "reason": {"code": "insult"}}"#;

impl Fixture {
    async fn statements(&self, query: &str) -> Vec<Value> {
        let answer = self.get(&format!("{STATEMENTS}{query}")).await;
        assert_eq!(answer.get("invalid"), None, "{answer}");
        answer["statements"].as_array().unwrap().clone()
    }
}

/// Detection, decision, source and what happened of a statement.
fn automation(statement: &Value) -> [&str; 4] {
    let text = |name: &str| statement[name].as_str().unwrap();
    let visibility = statement["decision_visibility"][0].as_str().unwrap();
    [
        text("automated_detection"),
        text("automated_decision")
            .strip_prefix("AUTOMATED_DECISION_")
            .unwrap(),
        text("source_type").strip_prefix("SOURCE_").unwrap(),
        visibility
            .strip_prefix("DECISION_VISIBILITY_CONTENT_")
            .unwrap(),
    ]
}

#[tokio::test]
async fn who_found_and_who_decided_is_never_the_other_way_round() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    // Held by a rule and rejected by a moderator; reported and rejected; rejected by a rule alone.
    fixture.event(plain("c-1", "scoundrel")).await;
    fixture.decided("c-1", MODERATOR, REJECT).await;
    fixture.event(plain("c-2", "fine")).await;
    fixture.event(reported("c-2", "r-1")).await;
    fixture.decided("c-2", MODERATOR, REJECT).await;
    fixture.event(plain("c-3", "vermin")).await;
    fixture.event(plain("c-4", "fine")).await;
    let illegal = json!({"report": "r-2", "reason": "illegal"});
    fixture
        .event(about("comment.reported", "c-4", illegal))
        .await;
    fixture.decided("c-4", MODERATOR, REJECT).await;
    let statements = fixture.statements("").await;
    let found: Vec<_> = statements.iter().map(automation).collect();
    assert_eq!(
        found,
        [
            ["Yes", "FULLY", "VOLUNTARY", "DISABLED"],
            ["Yes", "PARTIALLY", "VOLUNTARY", "REMOVED"],
            ["No", "NOT_AUTOMATED", "TYPE_OTHER_NOTIFICATION", "REMOVED"],
            ["Yes", "FULLY", "VOLUNTARY", "REMOVED"],
            ["No", "NOT_AUTOMATED", "ARTICLE_16", "REMOVED"],
        ]
    );
    let hate = &statements[3];
    assert_eq!(hate["decision_ground"], "DECISION_GROUND_ILLEGAL_CONTENT");
    assert_eq!(hate["illegal_content_legal_ground"], "Law (hate)");
    assert_eq!(
        hate["category"],
        "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH"
    );
    assert_eq!(
        (&hate["content_language"], &hate["content_date"]),
        (&json!("EN"), &json!("2026-11-24"))
    );
    let held = &statements[0];
    assert_eq!(held["incompatible_content_ground"], "charter §3");
    assert_eq!(held["category"], "STATEMENT_CATEGORY_CYBER_VIOLENCE");
    // What was superseded has ended; there is no way to take a statement back.
    assert_eq!(held["end_date_visibility_restriction"], "2026-11-24");
    assert_eq!(statements[1].get("end_date_visibility_restriction"), None);
    fixture.stop().await;
}

#[tokio::test]
async fn a_rule_that_reads_reports_did_not_find_the_comment() {
    const REPORTS: &str = r#"
rules:
  - id: reported
    when: comment.reports >= 2
    then: { verdict: hold, labels: [reported] }
    explain: { en: "Several readers reported it." }
"#;
    let dir = tempfile::tempdir().unwrap();
    write_rules(dir.path(), REPORTS);
    let fixture = Fixture::open(dir.path()).await;
    fixture.event(plain("c-1", "fine")).await;
    for report in ["r-1", "r-2"] {
        fixture.event(reported("c-1", report)).await;
    }
    fixture.decided("c-1", MODERATOR, REJECT).await;
    let statements = fixture.statements("").await;
    let found: Vec<_> = statements.iter().map(automation).collect();
    assert_eq!(
        found,
        [
            ["No", "FULLY", "TYPE_OTHER_NOTIFICATION", "DISABLED"],
            ["No", "PARTIALLY", "TYPE_OTHER_NOTIFICATION", "REMOVED"],
        ]
    );
    fixture.stop().await;
}

#[tokio::test]
async fn nothing_of_a_person_leaves() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(dir.path());
    config.statement.territorial_scope = vec!["FR".to_owned()];
    write_rules(dir.path(), RULES);
    let fixture = Fixture::open_as(config, dir.path()).await;
    let words = comment(
        "c-zwirbel",
        "u-knirps",
        "a scoundrel quastenborl",
        json!({}),
    );
    fixture.event(words).await;
    let reason = json!({"code": "own", "text": "You wrote quastenborl, Mr Pflimmer.", "reference": "as Spindel said"});
    let body = json!({"verdict": "reject", "reason": reason});
    fixture
        .done(
            Method::POST,
            &at("c-zwirbel", "/decision"),
            MODERATOR,
            Some(body),
        )
        .await;
    let path = "/admin/authors/courrier/u-knirps/sanctions";
    for sanction in ["warn", "premoderate", "suspend", "ban", "lift"] {
        fixture.clock.advance(Duration::from_hours(24));
        let mut body = json!({"sanction": sanction, "reason": "Mr Pflimmer"});
        if sanction == "suspend" {
            body["until"] = json!("2027-11-24T00:00:00Z");
        }
        fixture
            .done(Method::POST, path, MODERATOR, Some(body))
            .await;
    }
    let json = fixture.get(STATEMENTS).await.to_string();
    let csv = fixture.text(&format!("{STATEMENTS}?format=csv")).await;
    for planted in [
        "zwirbel",
        "knirps",
        "quastenborl",
        "Pflimmer",
        "Spindel",
        "anne",
        "a-1",
    ] {
        assert!(
            !json.contains(planted) && !csv.contains(planted),
            "{planted}: {json}"
        );
    }
    let statements = fixture.statements("").await;
    let accounts: Vec<_> = statements[2..]
        .iter()
        .map(|one| {
            let ends = one.get("end_date_account_restriction");
            let ends = ends.or(one.get("end_date_visibility_restriction"));
            (
                one["decision_account"].as_str(),
                ends.and_then(Value::as_str),
            )
        })
        .collect();
    assert_eq!(
        accounts,
        [
            (None, Some("2026-11-27")),
            (Some("DECISION_ACCOUNT_SUSPENDED"), Some("2026-11-28")),
            (Some("DECISION_ACCOUNT_TERMINATED"), Some("2026-11-29")),
        ]
    );
    assert_eq!(
        statements[2]["decision_visibility"],
        json!(["DECISION_VISIBILITY_OTHER"])
    );
    assert!(
        statements
            .iter()
            .all(|one| one["territorial_scope"] == json!(["FR"]))
    );
    let mut puids: Vec<_> = statements
        .iter()
        .map(|one| one["puid"].to_string())
        .collect();
    puids.sort();
    puids.dedup();
    assert_eq!(puids.len(), statements.len());
    let mut lines = csv.split("\r\n");
    assert!(lines.next().unwrap().starts_with("decision_visibility,"));
    assert_eq!(lines.count(), statements.len() + 1);
    fixture.stop().await;
}

#[tokio::test]
async fn batches_days_and_sites() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    for n in 0..130 {
        fixture.event(plain(&format!("c-{n}"), "vermin")).await;
    }
    let first = fixture.get(STATEMENTS).await;
    assert_eq!(first["statements"].as_array().unwrap().len(), 100);
    let next = first["next"].as_str().unwrap();
    let second = fixture.get(&format!("{STATEMENTS}?cursor={next}")).await;
    assert_eq!(
        (
            second["statements"].as_array().unwrap().len(),
            &second["next"]
        ),
        (30, &Value::Null)
    );
    let csv = fixture.text(&format!("{STATEMENTS}?format=csv")).await;
    assert_eq!(csv.split("\r\n").count(), 132, "all, a header and an end");
    for (query, n) in [
        ("?from=2026-11-25", 0),
        ("?to=2026-11-23", 0),
        ("?from=2026-11-24&to=2026-11-24&site=courrier", 100),
    ] {
        assert_eq!(fixture.statements(query).await.len(), n, "{query}");
    }
    let foreign = fixture.done(Method::GET, STATEMENTS, ELSEWHERE, None).await;
    assert_eq!(foreign["statements"], json!([]));
    for (query, token, expected) in [
        (
            "?site=courrier",
            ELSEWHERE,
            refusal(403, "forbidden", "site"),
        ),
        (
            "?from=yesterday",
            VIEWER,
            refusal(400, "invalid_field", "from"),
        ),
        ("?cursor=x", VIEWER, refusal(400, "invalid_field", "cursor")),
    ] {
        let path = format!("{STATEMENTS}{query}");
        assert_eq!(
            fixture.refused(Method::GET, &path, token, None).await,
            expected
        );
    }
    // What was undone stands no longer, and what it restored is a statement again.
    fixture
        .event(comment("d-1", "u-d", "scoundrel", json!({})))
        .await;
    let made = fixture.decided("d-1", MODERATOR, REJECT).await;
    fixture
        .done(Method::POST, &undo(&made), MODERATOR, None)
        .await;
    let rest = fixture.statements(&format!("?cursor={next}")).await;
    let ends = rest[30..]
        .iter()
        .map(|one| one.get("end_date_visibility_restriction").is_some());
    assert_eq!(ends.collect::<Vec<_>>(), [true, true, false]);
    let before = fixture.get(STATEMENTS).await;
    let fixture = fixture.again(dir.path(), true).await;
    assert_eq!(fixture.get(STATEMENTS).await, before);
    fixture.stop().await;
}
