use proptest::prelude::*;
use stoa_proto::{Event, Verdict};

use super::*;

const BASE: i64 = 1_700_000_000;
const VERDICTS: [&str; 3] = ["approve", "hold", "reject"];

/// One of the events that may come about a comment.
fn event(n: u8, revision: u32, what: u8, at: i64) -> Event {
    let time = jiff::Timestamp::from_second(BASE + at).unwrap().to_string();
    let about = |data: serde_json::Value| {
        let mut data = data;
        for key in ["site", "article", "comment"] {
            data[key] = format!("the-{key}").into();
        }
        data
    };
    let (kind, data) = match what {
        0 => (
            "comment.submitted",
            serde_json::json!({"revision": revision, "parent": (at % 2 == 0).then(|| format!("p{n}")),
                "author": {"id": "u"}, "body": "words", "submitted_at": time}),
        ),
        1 => (
            "comment.scored",
            serde_json::json!({"score": n, "scored_at": time}),
        ),
        2 => (
            "comment.withdrawn",
            serde_json::json!({"withdrawn_at": time}),
        ),
        3 => (
            "comment.reported",
            serde_json::json!({"report": format!("r{n}"), "reason": "spam"}),
        ),
        _ => (
            "comment.decided",
            serde_json::json!({"revision": revision, "decision": format!("d{n}"),
                "verdict": VERDICTS[usize::from(n % 3)],
                "by": {"kind": "rules", "ruleset": "x"}, "decided_at": time}),
        ),
    };
    let event = serde_json::json!({"specversion": "1.0", "id": format!("e{n}"), "source": "test",
        "type": format!("stoa.{kind}.v1"), "data": about(data)});
    Event::from_json(event.to_string().as_bytes()).unwrap()
}

/// Applies events in order; positions name the event, not its order, so that rows compare.
fn row(events: &[Event]) -> CommentRow {
    let mut row = CommentRow::default();
    for event in events {
        let seq = event.id.trim_start_matches('e').parse().unwrap();
        row.apply(&Fact::of(event), Place { seq, offset: 0 });
    }
    row.decisions.sort_by_key(|decision| decision.place);
    row.log.events.sort_by_key(|applied| applied.place);
    row
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    proptest::collection::vec((1_u32..4, 0_u8..8, 0_i64..4), 0..20).prop_map(|drawn| {
        (0_u8..)
            .zip(drawn)
            .map(|(n, (revision, what, at))| event(n, revision, what, at))
            .collect()
    })
}

proptest! {
    #[test]
    fn a_comment_does_not_depend_on_the_order_of_its_events(
        (sorted, shuffled) in events().prop_flat_map(|e| (Just(e.clone()), Just(e).prop_shuffle()))
    ) {
        prop_assert_eq!(row(&sorted), row(&shuffled));
    }
}

#[test]
fn a_decision_waits_for_its_comment_and_for_its_revision() {
    let decided = event(0, 1, 4, 0);
    let edited = event(1, 2, 0, 0);
    let mut comment = row(std::slice::from_ref(&decided));
    assert_eq!(comment.status(), Status::Unknown);
    let submitted = event(2, 1, 0, 0);
    comment.apply(&Fact::of(&submitted), Place { seq: 2, offset: 0 });
    assert_eq!(comment.status(), Status::Approved);
    assert_eq!(
        comment.decision().map(|decision| decision.verdict),
        Some(Verdict::Approve)
    );
    comment.apply(&Fact::of(&edited), Place { seq: 1, offset: 0 });
    assert_eq!(comment.status(), Status::Pending);
    assert!(comment.decisions.is_empty());
}

#[test]
fn a_long_list_is_moved_to_rows_of_its_own() {
    let mut comment = CommentRow::default();
    let mut moved = Vec::new();
    for n in 0..=SPILL * 2 {
        let mut scored = event(0, 1, 1, 0);
        scored.id = format!("e{n}");
        moved.extend(comment.apply(
            &Fact::of(&scored),
            Place {
                seq: n as u64,
                offset: 0,
            },
        ));
    }
    let numbers: Vec<u32> = moved.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [0, 1]);
    assert!(moved.iter().all(|(_, events)| events.len() == SPILL));
    assert_eq!((comment.log.spilled, comment.log.events.len()), (2, 1));
}

#[test]
fn an_article_that_is_published_again_is_back() {
    let version = |at: i64| {
        Effect::Version(Rank {
            at,
            recorded: 0,
            event: [0; 8],
        })
    };
    let mut article = ArticleRow::default();
    let mut apply = |effect: Effect| {
        let mut fact = Fact::of(&event(0, 1, 3, 0));
        fact.effect = effect;
        article.apply(&fact, Place { seq: 0, offset: 0 });
        article.is_removed()
    };
    assert!(!apply(version(1)));
    assert!(apply(Effect::Removed(2)));
    assert!(apply(version(0)));
    assert!(!apply(version(3)));
}
