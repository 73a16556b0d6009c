//! Sanctions of authors: what a moderator imposes, what rules make of it, and who hears of it.

use std::time::Duration;

use stoa_proto::{AuthorSanctioned, By, Exchange, Sanction};

use super::*;

const DAY: Duration = Duration::from_hours(24);
const AUTHOR: &str = "/admin/authors/courrier/u-7";

/// The starter rule set judges.
async fn open(dir: &Path) -> Fixture {
    open_at(NOON, dir).await
}

async fn open_at(time: &str, dir: &Path) -> Fixture {
    let mut config = config(dir);
    config.rules_dir = None;
    Fixture::open_at(time, config, dir).await
}

impl Fixture {
    async fn sanction(&self, body: Value) -> (StatusCode, Value) {
        let path = format!("{AUTHOR}/sanctions");
        self.post(&path, MODERATOR, body).await
    }

    async fn imposed(&self, body: Value) -> Value {
        let (status, answer) = self.sanction(body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    }

    /// What becomes of a comment by the author.
    async fn said(&self, id: &str) -> Decision {
        self.decide(comment(id, "u-7", "Merci.", json!({}))).await
    }

    /// What becomes of it because of a sanction, if something does.
    async fn kept_back(&self, id: &str) -> Option<Verdict> {
        let decision = self.said(id).await;
        let is_sanction = |label: &String| label == "sanction";
        decision
            .labels
            .iter()
            .any(is_sanction)
            .then_some(decision.verdict)
    }

    /// What the outbox publishes of the journal's sanctions.
    fn told(&self) -> Vec<(Exchange, String, AuthorSanctioned)> {
        let records = self.service.journal.iter(0).map(Result::unwrap);
        let outgoing = records.flat_map(|record| super::super::reviewed(&record).unwrap());
        let sanctions = outgoing.filter_map(|out| {
            let event = Event::from_json(&out.body).unwrap();
            match event.data {
                Data::AuthorSanctioned(told) => Some((out.exchange, out.routing_key, told)),
                _ => None,
            }
        });
        sanctions.collect()
    }
}

#[tokio::test]
async fn a_sanction_holds_until_it_ends_or_is_lifted() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = open(dir.path()).await;
    assert_eq!(fixture.kept_back("c-1").await, None);

    let imposed = fixture
        .imposed(json!({"sanction": "premoderate", "reason": "Insultes répétées"}))
        .await;
    let premoderated = json!({"sanction": "premoderate", "since": NOON, "until": null,
                              "by": "anne", "reason": "Insultes répétées"});
    assert_eq!(imposed, premoderated);
    assert_eq!(fixture.kept_back("c-2").await, Some(Verdict::Hold));

    let end = "2026-11-26T13:00:00+01:00";
    let body = json!({"sanction": "suspend", "until": end, "reason": "again"});
    let suspended = fixture.imposed(body.clone()).await;
    assert_eq!(
        (&suspended["until"], &suspended["since"]),
        (&json!(end), &json!(NOON))
    );
    assert_eq!(fixture.kept_back("c-3").await, Some(Verdict::Reject));
    // The same request by the same moderator is the same sanction.
    let records = fixture.service.journal.next();
    fixture.clock.advance(DAY);
    assert_eq!(fixture.imposed(body.clone()).await, suspended);
    assert_eq!(fixture.service.journal.next(), records);
    fixture.clock.advance(Duration::from_micros(86_399_999_999));
    assert_eq!(fixture.kept_back("c-4").await, Some(Verdict::Reject));
    fixture.clock.advance(Duration::from_micros(1));
    assert_eq!(fixture.kept_back("c-5").await, None);
    assert_eq!(fixture.get(AUTHOR).await["sanction"], Value::Null);
    let (status, problem) = fixture.sanction(body).await;
    assert_eq!(
        (status, &problem["field"]),
        (StatusCode::BAD_REQUEST, &json!("until"))
    );

    fixture.imposed(json!({"sanction": "ban"})).await;
    assert_eq!(fixture.kept_back("c-6").await, Some(Verdict::Reject));
    let lifted = fixture
        .imposed(json!({"sanction": "lift", "reason": "appeal"}))
        .await;
    assert_eq!(lifted["since"], "2026-11-26T12:00:00Z");
    assert_eq!(fixture.kept_back("c-7").await, None);
    fixture.clock.advance(DAY);
    // A repeat is answered as the first time; another request has nothing to lift.
    assert_eq!(
        fixture
            .imposed(json!({"sanction": "lift", "reason": "appeal"}))
            .await,
        lifted
    );
    let (status, problem) = fixture.sanction(json!({"sanction": "lift"})).await;
    assert_eq!(
        (status, &problem["code"], &problem["field"]),
        (
            StatusCode::CONFLICT,
            &json!("nothing_open"),
            &json!("sanction")
        )
    );

    let author = fixture.get(AUTHOR).await;
    let kinds: Vec<_> = author["sanctions"].as_array().unwrap().iter().collect();
    let kinds: Vec<_> = kinds
        .iter()
        .map(|act| act["sanction"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["lift", "ban", "suspend", "premoderate"]);
    assert_eq!(author["sanctions"][3], premoderated);
    let counts = ["approved", "held", "rejected"].map(|key| author[key].as_u64().unwrap());
    // What was rejected meanwhile counts: another rule holds what comes after it.
    assert_eq!(counts, [2, 2, 3]);
    assert_eq!(
        author["reports"],
        json!({"upheld": 0, "dismissed": 0, "weight": 1.0})
    );

    // Platforms and the archive hear of each, in order.
    let told = fixture.told();
    assert_eq!(told.len(), 8);
    let keys: Vec<_> = told
        .iter()
        .filter(|(exchange, ..)| *exchange == Exchange::Decisions)
        .map(|(_, key, told)| (key.as_str(), told.sanction))
        .collect();
    let expected = [
        Sanction::Premoderate,
        Sanction::Suspend,
        Sanction::Ban,
        Sanction::Lift,
    ];
    assert_eq!(
        keys,
        expected.map(|sanction| ("courrier.sanctioned", sanction))
    );
    let (exchange, _, first) = &told[0];
    assert_eq!(*exchange, Exchange::Outcomes);
    assert_eq!(first.reason.as_deref(), Some("Insultes répétées"));
    assert_eq!(first.by, Some(By::Moderator { id: "anne".into() }));
    fixture.stop().await;
}

fn fired(decision: &Decision) -> (Verdict, Vec<&str>) {
    let rules = decision.rules.iter().map(|rule| rule.id.as_str());
    (decision.verdict, rules.collect())
}

#[tokio::test]
async fn a_warning_shuts_nobody_out_and_is_kept_for_ninety_days() {
    let dir = tempfile::tempdir().unwrap();
    write_rules(
        dir.path(),
        "rules:\n  - { id: warned, when: 'author.sanction == \"warn\" && !author.sanctioned', then: { labels: [warned] } }\n  - { id: any, when: author.sanctioned, then: { verdict: hold } }\n",
    );
    let fixture = Fixture::open(dir.path()).await;
    fixture.imposed(json!({"sanction": "warn"})).await;
    assert_eq!(
        fired(&fixture.said("c-1").await),
        (Verdict::Approve, vec!["warned"])
    );
    // A restriction goes before it, and gives it back.
    fixture
        .imposed(json!({"sanction": "suspend", "until": "2026-11-25T12:00:00Z"}))
        .await;
    assert_eq!(
        fired(&fixture.said("c-2").await),
        (Verdict::Hold, vec!["any"])
    );
    fixture.clock.advance(DAY);
    assert_eq!(
        fired(&fixture.said("c-3").await),
        (Verdict::Approve, vec!["warned"])
    );
    fixture.clock.advance(DAY * 89);
    assert_eq!(
        fired(&fixture.said("c-4").await),
        (Verdict::Approve, vec![])
    );

    // Two warnings in the same words are two if the moderator says so.
    let warn = async |key: &str| {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{AUTHOR}/sanctions"))
            .header(header::AUTHORIZATION, format!("Bearer {MODERATOR}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header("Idempotency-Key", key);
        let body = json!({"sanction": "warn"}).to_string();
        let request = request.body(Body::from(body)).unwrap();
        fixture
            .router
            .clone()
            .oneshot(request)
            .await
            .unwrap()
            .status()
    };
    let records = fixture.service.journal.next();
    for (key, n_records) in [("k-1", 1), ("k-1", 1), ("k-2", 2)] {
        assert_eq!(warn(key).await, StatusCode::OK);
        assert_eq!(fixture.service.journal.next() - records, n_records, "{key}");
    }
    assert_eq!(warn(&"k".repeat(257)).await, StatusCode::BAD_REQUEST);
    fixture.stop().await;
}

#[tokio::test]
async fn a_sanction_outlives_a_restart_and_the_view() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = open(dir.path()).await;
    // An author of whom nothing is known yet.
    fixture
        .imposed(json!({"sanction": "ban", "reason": "spam"}))
        .await;
    let shown = async |fixture: &Fixture| {
        let author = fixture.get(AUTHOR).await;
        (author["sanction"].clone(), author["sanctions"].clone())
    };
    let before = shown(&fixture).await;
    fixture.stop().await;
    for remove in [false, true] {
        if remove {
            std::fs::remove_dir_all(dir.path().join("moderation/view")).unwrap();
        }
        let fixture = open(dir.path()).await;
        assert_eq!(shown(&fixture).await, before);
        let id = format!("c-{remove}");
        assert_eq!(fixture.kept_back(&id).await, Some(Verdict::Reject));
        fixture.stop().await;
        if !remove {
            continue;
        }
        let later = open_at("2028-01-01T00:00:00Z", dir.path()).await;
        assert_eq!(later.kept_back("c-later").await, Some(Verdict::Reject));
        later.stop().await;
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_with_its_field_and_who_may_not_is_told_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = open(dir.path()).await;
    let long = "x".repeat(4_001);
    for (body, field) in [
        (json!({"sanction": "suspend"}), "until"),
        (json!({"sanction": "suspend", "until": "tomorrow"}), "until"),
        (json!({"sanction": "suspend", "until": NOON}), "until"),
        (
            json!({"sanction": "premoderate", "until": "2020-01-01T00:00:00Z"}),
            "until",
        ),
        (
            json!({"sanction": "ban", "until": "2027-01-01T00:00:00Z"}),
            "until",
        ),
        (
            json!({"sanction": "warn", "until": "2027-01-01T00:00:00Z"}),
            "until",
        ),
        (
            json!({"sanction": "lift", "until": "2027-01-01T00:00:00Z"}),
            "until",
        ),
        (json!({"sanction": "ban", "reason": long}), "reason"),
    ] {
        let (status, problem) = fixture.sanction(body.clone()).await;
        assert_eq!(
            (status, &problem["code"], &problem["field"]),
            (
                StatusCode::BAD_REQUEST,
                &json!("invalid_field"),
                &json!(field)
            ),
            "{body}"
        );
    }
    for body in [
        json!({"sanction": "shun"}),
        json!({"sanction": "ban", "untl": null}),
    ] {
        let (status, problem) = fixture.sanction(body).await;
        assert_eq!(
            (status, &problem["code"]),
            (StatusCode::BAD_REQUEST, &json!("invalid_body"))
        );
    }
    let ban = || json!({"sanction": "ban"});
    let path = format!("{AUTHOR}/sanctions");
    for (token, expected) in [
        (VIEWER, StatusCode::FORBIDDEN),
        (PLATFORM, StatusCode::FORBIDDEN),
        (ELSEWHERE, StatusCode::NOT_FOUND),
        ("nobody-knows-this", StatusCode::UNAUTHORIZED),
    ] {
        assert_eq!(
            fixture.post(&path, token, ban()).await.0,
            expected,
            "{token}"
        );
    }
    let no_one = format!("/admin/authors/courrier/{}/sanctions", "u".repeat(257));
    let (status, problem) = fixture.post(&no_one, MODERATOR, ban()).await;
    assert_eq!(
        (status, &problem["field"]),
        (StatusCode::BAD_REQUEST, &json!("author"))
    );
    // Nothing of it was written.
    let (status, _) = fixture.request(Method::GET, AUTHOR, VIEWER, None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    fixture.imposed(ban()).await;
    let (status, _) = fixture.request(Method::GET, AUTHOR, ELSEWHERE, None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (status, shown) = fixture.request(Method::GET, AUTHOR, VIEWER, None).await;
    assert_eq!(
        (status, &shown["sanction"]["by"]),
        (StatusCode::OK, &json!("anne"))
    );
    fixture.stop().await;
}
