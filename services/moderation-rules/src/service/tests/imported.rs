//! Comments that come with what another system had decided.

use serde_json::json;
use stoa_proto::{By, Verdict};

use super::*;

fn imported(id: &str, body: &str, state: &str) -> Event {
    let more = json!({"imported": {"from": "disqus", "state": state}, "revision": 1});
    comment(id, &format!("author-of-{id}"), body, more)
}

#[tokio::test]
async fn what_was_decided_elsewhere_stands_in_place_of_the_rules() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let cases = [
        ("visible", "Vermin and scoundrel", Verdict::Approve, vec![]),
        ("pending", "A fine article.", Verdict::Hold, vec![]),
        ("spam", "A fine article.", Verdict::Reject, vec!["spam"]),
        ("deleted", "", Verdict::Reject, vec!["deleted"]),
    ];
    let events = cases
        .iter()
        .map(|(state, body, ..)| imported(state, body, state))
        .collect();
    let outgoing = fixture.events(events).await;
    for ((state, _, expected, labels), outgoing) in cases.iter().zip(&outgoing) {
        let decided = decision(outgoing);
        assert_eq!(verdict(&decided), (*expected, labels.clone()), "{state}");
        let by = By::Moderator {
            id: "import:disqus".to_owned(),
        };
        assert_eq!((&decided.by, &decided.statement), (&by, &None), "{state}");
        assert!(decided.rules.is_empty(), "{state}");
        assert_eq!(
            decided.decision,
            stoa_proto::ids::import_decision_id("courrier", state, 1, "disqus")
        );
        let news = match *state {
            "pending" => vec!["opened rules 10"],
            _ => vec![],
        };
        assert_eq!(case_news(outgoing), news, "{state}");
    }
    let import = |verdict| {
        fixture.metric(
            "stoa_decisions_total",
            &[("source", "import"), ("verdict", verdict)],
        )
    };
    assert_eq!(
        (import("approve"), import("hold"), import("reject")),
        (Some(1.0), Some(1.0), Some(2.0))
    );
    // A repeat is answered with what was decided.
    let again = fixture
        .event(imported("spam", "A fine article.", "spam"))
        .await;
    assert_eq!(decision(&again), decision(&outgoing[2]));
    // It counts for the author as any other decision does.
    let author = fixture.get("/admin/authors/courrier/author-of-spam").await;
    assert_eq!(author["rejected"], 1, "{author}");
    fixture.stop().await;
    // And after a start from the journal.
    std::fs::remove_dir_all(dir.path().join("moderation/view")).unwrap();
    let fixture = Fixture::open(dir.path()).await;
    let again = fixture.event(imported("deleted", "", "deleted")).await;
    assert_eq!(decision(&again), decision(&outgoing[3]));
    fixture.stop().await;
}

#[tokio::test]
async fn an_imported_comment_can_be_decided_and_edited_like_any_other() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let held = decision(&fixture.event(imported("c-1", "Well.", "pending")).await);
    let path = format!("/admin/cases/{}/decision", case_of("c-1"));
    let (status, body) = fixture
        .post(&path, MODERATOR, json!({"verdict": "approve"}))
        .await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(
        body["decision"]["supersedes"],
        json!(held.decision),
        "{body}"
    );

    let before = decision(&fixture.event(imported("c-2", "Well.", "visible")).await);
    let edited = decision(&fixture.event(edit("c-2", 2, "Vermin and scoundrel")).await);
    assert_eq!(edited.verdict, Verdict::Reject);
    assert!(matches!(edited.by, By::Rules { .. }));
    assert_eq!(edited.supersedes, Some(before.decision));
    fixture.stop().await;
}
