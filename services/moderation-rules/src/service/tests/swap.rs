//! Rule sets are swapped while comments are judged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use stoa_proto::By;

use super::*;

/// Rule sets of which any mixture gives labels that none of them gives.
fn set(n: u32) -> String {
    let verdict = ["hold", "reject", "approve"][n as usize % 3];
    format!(
        r#"
lists:
  first: {{ match: word, terms: [word, only{n}] }}
rules:
  - {{ id: always, when: 'comment.length > 0', then: {{ labels: [always-{n}] }} }}
  - {{ id: list, when: 'comment.text.hits("first")', then: {{ verdict: {verdict}, labels: [list-{n}] }} }}
  - {{ id: own-{n}, when: 'comment.text.contains("word")', then: {{ labels: [own-{n}] }} }}
"#
    )
}

const SETS: u32 = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_decision_is_wholly_that_of_one_set_and_none_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    write_rules(dir.path(), &set(0));
    let mut config = config(dir.path());
    // A rule that rejects everything would be held by its breaker.
    config.breaker.watch = stoa_daemon::config::Duration::secs(0);
    let fixture = Fixture::open_as(config, dir.path()).await;
    let hashes: BTreeMap<String, u32> = (0..SETS)
        .map(|n| {
            let files = [("stoa.yaml".to_owned(), set(n).into_bytes())];
            let set = stoa_rules::RuleSet::from_sources(&files.into()).unwrap();
            (set.hash().to_owned(), n)
        })
        .collect();
    let first = fixture.hash();
    let done = AtomicBool::new(false);

    let swaps = async {
        for round in 0..12 {
            for n in 1..SETS {
                assert_eq!(fixture.put(&set(n), "").await.0, StatusCode::OK);
                let (tag, body) = (fixture.tag(), json!({"to": first}));
                let path = "/admin/rules/rollback";
                let (status, _, answer) = fixture
                    .exchange(Method::POST, path, EDITOR, Some(&tag), Some(body))
                    .await;
                assert_eq!(status, StatusCode::OK, "{answer}");
            }
            write_rules(dir.path(), &set(round % SETS));
            let path = "/admin/rules/reload";
            let (status, _) = fixture.request(Method::POST, path, EDITOR, None).await;
            assert_eq!(status, StatusCode::OK);
        }
        done.store(true, Ordering::SeqCst);
    };
    let judge = async |worker: u32| {
        let mut decided = Vec::new();
        let mut batch = 0;
        while !done.load(Ordering::SeqCst) {
            let id = |n| format!("c-{worker}-{batch}-{n}");
            let events: Vec<Event> = (0..40).map(|n| plain(&id(n), "a word")).collect();
            let outcomes = fixture.events(events).await;
            assert_eq!(outcomes.len(), 40);
            for (outgoing, n) in outcomes.iter().zip(0..) {
                let decision = decision(outgoing);
                assert_eq!(decision.comment, id(n));
                decided.push(decision);
            }
            batch += 1;
        }
        decided
    };
    let ((), one, two) = tokio::join!(swaps, judge(1), judge(2));

    let mut seen = BTreeSet::new();
    let mut comments = BTreeSet::new();
    for decision in one.iter().chain(&two) {
        let By::Rules { ruleset } = &decision.by else {
            panic!("{:?}", decision.by);
        };
        let n = hashes[ruleset];
        seen.insert(n);
        comments.insert(decision.comment.clone());
        let expected = ["always", "list", "own"].map(|name| format!("{name}-{n}"));
        assert_eq!(decision.labels, expected);
        let verdicts = [Verdict::Hold, Verdict::Reject, Verdict::Approve];
        assert_eq!(decision.verdict, verdicts[n as usize % 3]);
        let rules: Vec<&str> = decision.rules.iter().map(|rule| rule.id.as_str()).collect();
        assert_eq!(rules, ["always", "list", &format!("own-{n}")]);
    }
    assert!(
        seen.len() > 2,
        "the sets were not swapped under load: {seen:?}"
    );
    assert_eq!(comments.len(), one.len() + two.len());
    assert_eq!(fixture.service.journal.next(), comments.len() as u64);
    fixture.stop().await;
}
