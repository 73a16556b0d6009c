//! What has been taken in, whatever the order in which it came.

use stoa_proto::Reference;

use super::*;

const ASK: &str = "/admin/held";

/// Sets when ingest recorded an event, in minutes after ten.
fn recorded(minute: u32, mut event: Event) -> Event {
    let time = format!("2026-11-24T10:{minute:02}:00Z");
    event.recordedtime = Some(stoa_proto::Time::parse(&time).unwrap());
    event
}

fn article(minute: u32, kind: &str, tags: &[&str]) -> Event {
    let mut data = json!({"site": "courrier", "article": "a-1"});
    if kind != "article.removed" {
        data["title"] = json!("t");
        data["body"] = json!("b");
        data["tags"] = json!(tags);
    }
    recorded(minute, event(&format!("{kind}-{minute}"), kind, data))
}

fn appealed(id: &str, appeal: &str) -> Event {
    let more = json!({"decision": "d-1", "appeal": appeal, "author": "u-1", "text": "why?"});
    about("decision.appealed", id, more)
}

fn question(events: &[Event]) -> Value {
    let named = events.iter().map(Reference::of);
    json!({"events": named.collect::<Vec<_>>()})
}

impl Fixture {
    /// The places of the events that have not been taken in.
    async fn missing(&self, events: &[Event]) -> Vec<u64> {
        let (status, answer) = self.post(ASK, ADMIN, question(events)).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        assert_eq!(answer["asked"], events.len());
        serde_json::from_value(answer["missing"].clone()).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_event_is_missing_until_it_is_taken_in() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let events = [
        article(0, "article.published", &["sport"]),
        recorded(1, plain("c-1", "fine")),
        recorded(2, reported("c-1", "r-1")),
        recorded(3, appealed("c-1", "ap-1")),
        recorded(4, edit("c-1", 2, "better")),
        article(5, "article.updated", &["sport"]),
        recorded(6, withdrawn("c-1")),
        article(7, "article.removed", &[]),
    ];
    for (place, event) in events.iter().enumerate() {
        let place = place as u64;
        assert_eq!(
            fixture.missing(&events).await,
            (place..8).collect::<Vec<_>>()
        );
        fixture.event(event.clone()).await;
    }
    assert_eq!(fixture.missing(&events).await, [0; 0]);
    let vote = about("comment.scored", "c-9", json!({"score": 1}));
    let never_decided = appealed("c-9", "ap-9");
    assert_eq!(fixture.missing(&[vote, never_decided]).await, [0; 0]);
    fixture.stop().await;
    let fixture = Fixture::open(dir.path()).await;
    assert_eq!(fixture.missing(&events).await, [0; 0]);
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appeal_is_missing_together_with_its_comment() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let lost = [plain("c-1", "vermin"), appealed("c-1", "ap-1")];
    // The appeal came and was passed over, since the comment had not come.
    assert_eq!(case_news(&fixture.event(lost[1].clone()).await), [""; 0]);
    assert_eq!(fixture.missing(&lost).await, [0, 1]);
    fixture.events(lost.to_vec()).await;
    assert_eq!(fixture.missing(&lost).await, [0; 0]);
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_that_was_taken_back_is_held_and_changes_nothing_again() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let events = [
        recorded(1, plain("c-1", "scoundrel")),
        recorded(2, withdrawn("c-1")),
        recorded(3, edit("c-1", 2, "scoundrel again")),
    ];
    for event in &events {
        fixture.event(event.clone()).await;
    }
    assert_eq!(fixture.missing(&events).await, [0; 0]);
    let open = format!("/admin/cases/{}", case_of("c-1"));
    let before = fixture.get(&open).await;
    assert_eq!(before["closed"], Value::Null);
    // One by one, and together with what took it back.
    assert_eq!(case_news(&fixture.event(events[1].clone()).await), [""; 0]);
    fixture.events(events.to_vec()).await;
    let fresh = [
        recorded(4, edit("c-1", 3, "still a scoundrel")),
        recorded(2, withdrawn("c-1")),
    ];
    fixture.events(fresh.to_vec()).await;
    let after = fixture.get(&open).await;
    assert_eq!(
        (&after["closed"], &after["status"]),
        (&Value::Null, &before["status"])
    );
    // A later one counts.
    let news = fixture.event(recorded(5, withdrawn("c-1"))).await;
    assert_eq!(case_news(&news), ["closed withdrawn"]);
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_version_of_an_article_changes_nothing_again() {
    const RULES: &str = r#"
rules:
  - id: sport
    when: "'sport' in article.tags"
    then: { verdict: hold, labels: [sport] }
    reason: { code: sport }
    explain: { en: "About sport." }
"#;
    let dir = tempfile::tempdir().unwrap();
    write_rules(dir.path(), RULES);
    let fixture = Fixture::open(dir.path()).await;
    let (early, late) = (
        article(1, "article.published", &[]),
        article(2, "article.updated", &["sport"]),
    );
    fixture.events(vec![late.clone()]).await;
    assert_eq!(
        fixture.missing(&[early.clone(), late.clone()]).await,
        [0; 0]
    );
    fixture.events(vec![early]).await;
    let decision = fixture.decide(plain("c-1", "fine")).await;
    assert_eq!(verdict(&decision), (Verdict::Hold, vec!["sport"]));
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_admin_of_all_sites_may() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    for (token, expected) in [
        (MODERATOR, StatusCode::FORBIDDEN),
        (EDITOR, StatusCode::FORBIDDEN),
        (LOCAL_ADMIN, StatusCode::FORBIDDEN),
        (ADMIN, StatusCode::OK),
    ] {
        let page = fixture
            .request(Method::GET, "/admin/published", token, None)
            .await;
        let resent = fixture
            .post("/admin/published/resend", token, json!({"seqs": []}))
            .await;
        let held = fixture.post(ASK, token, question(&[])).await;
        assert_eq!([page.0, resent.0, held.0], [expected; 3], "{token}");
    }
    let many = vec![plain("c-1", "fine"); 4_001];
    let (status, problem) = fixture.post(ASK, ADMIN, question(&many)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(problem["limit"], "4000 events");
    let body = json!({"seqs": vec![0; 4_001]});
    let (status, problem) = fixture.post("/admin/published/resend", ADMIN, body).await;
    assert_eq!(
        (status, &problem["limit"]),
        (StatusCode::BAD_REQUEST, &json!("4000"))
    );
    fixture.stop().await;
}
