//! Deciding: verdicts, facts, repeats, edits, and what fails.

use serde_json::json;
use stoa_proto::{By, Exchange, Verdict};

use super::*;

#[tokio::test]
async fn each_verdict_has_its_events_and_its_statement() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;

    let fine = fixture.event(plain("c-1", "A fine article.")).await;
    let decided = decision(&fine);
    assert_eq!(verdict(&decided), (Verdict::Approve, vec![]));
    assert_eq!(decided.statement, None);
    let exchanges: Vec<Exchange> = fine.iter().map(|outgoing| outgoing.exchange).collect();
    assert_eq!(exchanges, [Exchange::Outcomes, Exchange::Decisions]);
    assert_eq!(fine[1].routing_key, "courrier.approve");
    let event = Event::from_json(&fine[0].body).unwrap();
    assert_eq!(event.id, format!("decided-{}", decided.decision));
    assert!(event.traceparent.unwrap().starts_with("00-0af7"));
    assert_eq!(event.subject.as_deref(), Some("c-1"));
    // The rule on trial is recorded, and did not act.
    assert_eq!(decided.rules.len(), 1);
    assert_eq!(
        (decided.rules[0].id.as_str(), decided.rules[0].mode.as_str()),
        ("tried", "shadow")
    );

    let held = fixture.event(plain("c-2", "You scoundrel!")).await;
    let decided = decision(&held);
    assert_eq!(verdict(&decided), (Verdict::Hold, vec!["insult"]));
    assert_eq!(case_news(&held), ["opened rules 10"]);
    assert!(held.iter().all(|outgoing| {
        outgoing.kind == stoa_proto::Kind::CommentDecided || outgoing.exchange == Exchange::Outcomes
    }));
    let spans = &decided.rules[0].spans;
    assert_eq!(
        (spans[0].start, spans[0].end, spans[0].text.as_str()),
        (4, 13, "scoundrel")
    );
    let statement = decided.statement.unwrap();
    assert_eq!(statement.ground, "terms");
    assert_eq!(statement.reference.as_deref(), Some("charter §3"));
    assert_eq!(
        statement.category.as_deref(),
        Some("STATEMENT_CATEGORY_CYBER_VIOLENCE")
    );
    assert_eq!(statement.automated_decision, "AUTOMATED_DECISION_FULLY");
    assert!(statement.automated_detection && statement.redress.is_some());
    assert_eq!(statement.language.as_deref(), Some("en"));
    assert!(statement.facts.contains("insult") && statement.facts.contains("Abusive language."));
    assert!(!statement.facts.contains("scoundrel") && !statement.facts.contains("author-of"));

    let refused = fixture.event(plain("c-3", "Vermin and scoundrel")).await;
    let decided = decision(&refused);
    assert_eq!(verdict(&decided), (Verdict::Reject, vec!["hate", "insult"]));
    assert_eq!(decided.statement.unwrap().ground, "legal");
    assert!(case_news(&refused).is_empty());
    assert!(matches!(decided.by, By::Rules { ruleset } if ruleset.starts_with("sha256:")));
    fixture.stop().await;
}

#[tokio::test]
async fn the_statement_speaks_the_comments_language() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let decided = fixture
        .decide(comment(
            "c-1",
            "u",
            "scoundrel",
            json!({"language": "fr-FR"}),
        ))
        .await;
    let statement = decided.statement.unwrap();
    assert_eq!(statement.language.as_deref(), Some("fr"));
    assert!(
        statement.facts.contains("Vocabulaire injurieux."),
        "{}",
        statement.facts
    );
    fixture.stop().await;
}

#[tokio::test]
async fn a_repeat_is_answered_letter_for_letter_also_within_a_batch_and_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let events = || {
        vec![
            plain("c-1", "You scoundrel!"),
            plain("c-2", "Fine."),
            plain("c-1", "You scoundrel!"),
        ]
    };
    let first = fixture.events(events()).await;
    assert_eq!(first[0], first[2]);
    assert_eq!(first[0].len(), 3);
    let records = fixture.service.journal.next();
    // That a new rule is watched, and two decisions.
    assert_eq!(records, 3);

    // As if the process had ended before anything was published: the bus brings it again, the
    // rules are others by now, and the time is another.
    fixture.stop().await;
    write_rules(dir.path(), &RULES.replace("scoundrel", "gentleman"));
    let fixture = Fixture::open(dir.path()).await;
    fixture.clock.advance(std::time::Duration::from_hours(1));
    assert_eq!(fixture.events(events()).await, first);
    assert_eq!(fixture.service.journal.next(), records);
    fixture.stop().await;
}

#[tokio::test]
async fn history_within_one_batch_is_exact_however_it_is_spread_over_threads() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let mut events = Vec::new();
    // 200 authors with four comments each: the fourth is a flood. The reject of one author in
    // their first comment shows in the second.
    for round in 0..4 {
        for author in 0..200 {
            let body = if author == 7 && round == 0 {
                "vermin"
            } else {
                "fine"
            };
            let id = format!("c-{author}-{round}");
            events.push(comment(&id, &format!("u-{author}"), body, json!({})));
        }
    }
    let outcomes = fixture.events(events).await;
    for (index, outgoing) in outcomes.iter().enumerate() {
        let (round, author) = (index / 200, index % 200);
        let expected = match (author, round) {
            (7, 0) => (Verdict::Reject, vec!["hate"]),
            (7, 3) => (Verdict::Hold, vec!["flood", "record"]),
            (7, _) => (Verdict::Hold, vec!["record"]),
            (_, 3) => (Verdict::Hold, vec!["flood"]),
            _ => (Verdict::Approve, vec![]),
        };
        assert_eq!(verdict(&decision(outgoing)), expected, "{author} {round}");
    }
    fixture.stop().await;
}

#[tokio::test]
async fn depth_and_age_of_the_article_are_known_from_earlier_events() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let reply = |id: &str, parent: &str| comment(id, id, "fine", json!({"parent": parent}));
    let thread = vec![
        plain("c-1", "fine"),
        reply("c-2", "c-1"),
        reply("c-3", "c-2"),
        reply("c-9", "unseen"),
    ];
    let outcomes = fixture.events(thread).await;
    let labels: Vec<Vec<String>> = outcomes.iter().map(|out| decision(out).labels).collect();
    assert_eq!(labels, [vec![], vec![], vec!["deep".to_owned()], vec![]]);

    let article = |published: &str| json!({"site": "courrier", "article": "a-1", "title": "t", "body": "b", "published_at": published});
    let old = event("e-a", "article.published", article("2020-01-01T00:00:00Z"));
    assert!(fixture.event(old.clone()).await.is_empty());
    assert_eq!(fixture.decide(plain("c-4", "fine")).await.labels, ["old"]);
    let records = fixture.service.journal.next();
    fixture.event(old).await;
    assert_eq!(
        fixture.service.journal.next(),
        records,
        "nothing new is not written"
    );
    fixture
        .event(event(
            "e-b",
            "article.updated",
            article("2026-11-24T00:00:00Z"),
        ))
        .await;
    assert_eq!(
        fixture.decide(plain("c-5", "fine")).await.labels,
        Vec::<String>::new()
    );
    fixture.stop().await;
}

#[tokio::test]
async fn an_edit_is_decided_anew_and_takes_its_case_along() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let first = fixture.decide(plain("c-1", "You scoundrel!")).await;
    let second = fixture.event(edit("c-1", 2, "You old scoundrel!")).await;
    assert_eq!(decision(&second).supersedes, Some(first.decision.clone()));
    assert!(case_news(&second).is_empty());
    let case = fixture
        .get(&format!("/admin/cases/{}", case_of("c-1")))
        .await;
    assert_eq!(
        (&case["revision"], &case["version"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(case["text"], "You old scoundrel!");

    let third = fixture.event(edit("c-1", 3, "You gentleman!")).await;
    assert_eq!(case_news(&third), ["closed superseded"]);
    assert_eq!(
        decision(&third).supersedes,
        Some(decision(&second).decision)
    );
    let fourth = fixture.event(edit("c-1", 4, "scoundrel")).await;
    assert_eq!(case_news(&fourth), ["opened rules 10"]);
    assert_ne!(fourth[2].id, "opened-1");

    // A revision that comes late is decided, supersedes nothing and leaves the case.
    fixture.decide(edit("c-2", 3, "fine")).await;
    let late = fixture.event(edit("c-2", 1, "scoundrel")).await;
    assert_eq!(decision(&late).verdict, Verdict::Hold);
    assert_eq!(decision(&late).supersedes, None);
    assert!(case_news(&late).is_empty());
    let history = fixture
        .get(&format!("/admin/cases/{}", case_of("c-1")))
        .await["history"]
        .clone();
    assert_eq!(
        (&history["approved"], &history["held"]),
        (&json!(0), &json!(1))
    );
    fixture.stop().await;
}

#[tokio::test]
async fn a_panic_in_the_rules_holds_the_comment_and_spares_its_neighbours() {
    let dir = tempfile::tempdir().unwrap();
    write_rules(dir.path(), RULES);
    let fixture = Fixture::open_with(dir.path(), |set, input, begins| {
        assert!(!input.text.contains("poison"), "a bug in a rule");
        set.evaluate_observed(input, begins)
    })
    .await;
    let mut events: Vec<Event> = (0..100).map(|n| plain(&format!("c-{n}"), "fine")).collect();
    events.push(plain("p-1", "poison"));
    let outcomes = fixture.events(events).await;
    let held = decision(&outcomes[100]);
    assert_eq!(
        (held.verdict, held.partial),
        (Verdict::Hold, vec!["rules".to_owned()])
    );
    assert!(held.statement.is_some());
    assert_eq!(case_news(&outcomes[100]), ["opened rules 10"]);
    assert!(
        outcomes[..100]
            .iter()
            .all(|out| decision(out).verdict == Verdict::Approve)
    );
    fixture.stop().await;
}

#[tokio::test]
async fn what_is_of_no_concern_here_leaves_no_record() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let scored = about("comment.scored", "c-1", json!({"score": 3}));
    let erased = event(
        "e-x",
        "author.erased",
        json!({"site": "courrier", "author": "u", "scope": "all"}),
    );
    let outcomes = fixture.events(vec![scored, erased]).await;
    assert!(outcomes.iter().all(Vec::is_empty));
    assert_eq!(fixture.service.journal.next(), 0);
    fixture.stop().await;
}
