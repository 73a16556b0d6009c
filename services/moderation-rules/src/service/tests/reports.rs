//! Reports: whose they are, what they weigh, and what rules make of them.

use std::sync::atomic::{AtomicUsize, Ordering};

use stoa_proto::ids;

use super::at_desk::at;
use super::*;
use crate::engine::Batch;
use crate::record::{About, Change, Step, Stored};
use crate::view::{AUTHORS, State};

const REPORTED: &str = r#"
lists:
  bad: { match: word, terms: [scoundrel] }
rules:
  - id: insult
    when: comment.text.hits("bad")
    then: { verdict: hold, labels: [insult] }
  - id: reported
    when: comment.reports_weight >= 3.0
    then: { verdict: hold, labels: [reported] }
    reason: { code: reported }
    explain: { en: "Several readers reported it." }
  - id: illegal
    when: comment.reports >= 2 && comment.report_reasons == ["hate", "illegal"]
    then: { verdict: reject, labels: [illegal] }
    reason: { code: illegal, ground: legal }
    explain: { en: "Readers say that it is against the law." }
  - id: tried
    mode: shadow
    when: comment.reports > 0
    then: { verdict: reject }
    reason: { code: tried }
    explain: { en: "Tried out." }
"#;

fn report_for(id: &str, report: &str, reporter: &str, reason: &str) -> Event {
    let more = json!({"report": report, "reporter": {"id": reporter}, "reason": reason});
    about("comment.reported", id, more)
}

/// A report whose id says whose it is.
fn by(id: &str, reporter: &str) -> Event {
    report_for(id, &format!("r-{id}-{reporter}"), reporter, "spam")
}

fn decided(outgoing: &[Outgoing]) -> Option<Decision> {
    let decided = |data| match data {
        Data::CommentDecided(decision) => Some(decision),
        _ => None,
    };
    published(outgoing).into_iter().find_map(decided)
}

async fn open(dir: &Path) -> Fixture {
    write_rules(dir, REPORTED);
    Fixture::open(dir).await
}

impl Fixture {
    /// Lets a moderator decide the case of a comment.
    async fn moderate(&self, comment: &str, verdict: &str) -> Decision {
        let path = format!("/admin/cases/{}/decision", case_of(comment));
        let body = json!({"verdict": verdict, "reason": {"code": "read"}});
        let (status, answer) = self.post(&path, MODERATOR, body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        serde_json::from_value(answer["decision"].clone()).unwrap()
    }

    /// What a reporter's record is: upheld, dismissed.
    fn record(&self, reporter: &str) -> (u64, u64) {
        let view = &self.service.admin.index.view;
        let row = view.get(&AUTHORS, &("courrier", reporter)).unwrap();
        let row = row.unwrap_or_default();
        (row.upheld, row.dismissed)
    }

    async fn case(&self, comment: &str) -> Value {
        self.get(&format!("/admin/cases/{}", case_of(comment)))
            .await
    }
}

#[tokio::test]
async fn enough_reports_hold_what_was_approved() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = open(dir.path()).await;
    let approved = fixture.decide(plain("c-1", "fine")).await;
    assert_eq!(approved.verdict, Verdict::Approve);
    let first = fixture.event(by("c-1", "u-1")).await;
    assert_eq!(case_news(&first), ["opened reported 21"]);
    assert_eq!(decided(&first), None);
    assert!(fixture.event(by("c-1", "u-2")).await.is_empty());

    let third = fixture.event(by("c-1", "u-3")).await;
    let held = decided(&third).unwrap();
    assert_eq!(verdict(&held), (Verdict::Hold, vec!["reported"]));
    let hash = fixture.hash();
    let id = ids::report_decision_id("courrier", "c-1", 1, &hash, "r-c-1-u-3");
    assert_eq!(held.decision, id);
    assert_eq!(held.supersedes, Some(approved.decision.clone()));
    let rules: Vec<_> = held
        .rules
        .iter()
        .map(|rule| (&*rule.id, &*rule.mode))
        .collect();
    assert_eq!(rules, [("reported", "live"), ("tried", "shadow")]);
    let statement = held.statement.clone().unwrap();
    assert!(statement.facts.contains("Several readers reported it."));
    assert!(case_news(&third).is_empty(), "the case was open");

    // A repeat of anything is answered letter for letter, and behind it comes what stands.
    assert_eq!(fixture.event(by("c-1", "u-1")).await, first);
    assert_eq!(fixture.event(by("c-1", "u-3")).await, third);
    let again = fixture.event(plain("c-1", "fine")).await;
    let again: Vec<Verdict> = published(&again)
        .into_iter()
        .map(|data| match data {
            Data::CommentDecided(decision) => decision.verdict,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(again, [Verdict::Approve, Verdict::Hold]);

    let case = fixture.case("c-1").await;
    assert_eq!(
        (
            &case["priority"],
            &case["labels"],
            &case["rules"],
            &case["text"]
        ),
        (
            &json!(23),
            &json!(["reported"]),
            &json!(["reported"]),
            &json!("fine")
        )
    );
    assert_eq!(
        (&case["reports"], &case["reason"]),
        (&json!(3), &json!("reported"))
    );
    assert_eq!(
        case["open_reports"],
        json!({"reporters": 3, "weight": 3.0, "reasons": ["spam"]})
    );
    assert_eq!(
        (&case["history"]["approved"], &case["history"]["held"]),
        (&json!(0), &json!(1))
    );
    for path in [
        "/admin/decisions",
        "/admin/decisions?site=courrier&comment=c-1",
    ] {
        let listed = fixture.get(path).await;
        let ids: Vec<_> = listed["decisions"].as_array().unwrap().iter().collect();
        assert_eq!(ids.len(), 2, "{path}");
        assert_eq!(ids[1]["decision"], json!(id), "{path}");
    }
    assert_eq!(
        fixture.get(&format!("/admin/decisions/{id}")).await["verdict"],
        "hold"
    );

    // What is held already is not decided again.
    assert!(fixture.event(by("c-1", "u-4")).await.is_empty());
    assert_eq!(fixture.case("c-1").await["priority"], 24);
    // A shadow rule counts wherever it was looked at.
    let hits = |rule, mode| {
        let labels = [("rule", rule), ("mode", mode)];
        fixture
            .metric("stoa_rule_hits_total", &labels)
            .unwrap_or_default()
    };
    assert_eq!(
        (hits("tried", "shadow"), hits("reported", "acted")),
        (3.0, 1.0)
    );
    fixture.stop().await;
}

#[tokio::test]
async fn a_reporter_counts_once_and_those_without_a_name_each() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = open(dir.path()).await;
    fixture.event(plain("c-1", "fine")).await;
    for n in 0..5 {
        let report = format!("r-{n}");
        let again = fixture
            .event(report_for("c-1", &report, "u-1", "other"))
            .await;
        assert_eq!(decided(&again), None);
    }
    let case = fixture.case("c-1").await;
    assert_eq!(
        (&case["priority"], &case["reports"]),
        (&json!(21), &json!(5))
    );
    assert_eq!(case["open_reports"]["reporters"], 1);
    assert_eq!(decided(&fixture.event(reported("c-1", "n-1")).await), None);
    let third = fixture.event(reported("c-1", "n-2")).await;
    assert_eq!(decided(&third).unwrap().labels, ["reported"]);
    let reasons = &fixture.case("c-1").await["open_reports"]["reasons"];
    assert_eq!(reasons, &json!(["spam", "other"]));
    fixture.stop().await;
}

#[tokio::test]
async fn who_was_always_wrong_no_longer_tips_it_and_who_was_right_does_so_sooner() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = open(dir.path()).await;
    let crowd = ["w-1", "w-2", "w-3"];
    let report_all = async |id: &str| {
        fixture.event(plain(id, "fine")).await;
        let mut last = None;
        for reporter in crowd {
            last = decided(&fixture.event(by(id, reporter)).await);
        }
        last
    };
    let held = report_all("c-1").await.unwrap();
    let approval = fixture.moderate("c-1", "approve").await;
    assert_eq!(approval.supersedes, Some(held.decision));
    assert_eq!(fixture.record("w-1"), (0, 1));
    assert_eq!(report_all("c-2").await, None);
    let case = fixture.case("c-2").await;
    assert_eq!(
        (&case["priority"], &case["open_reports"]["weight"]),
        (&json!(22), &json!(2.0))
    );

    // Two who were right twice weigh as much as three of whom nothing is known.
    for id in ["g-1", "g-2"] {
        fixture.event(plain(id, "fine")).await;
        for reporter in ["u-1", "u-2"] {
            fixture.event(by(id, reporter)).await;
        }
        fixture.moderate(id, "reject").await;
    }
    assert_eq!(fixture.record("u-2"), (2, 0));
    fixture.event(plain("g-3", "fine")).await;
    let first = fixture.event(by("g-3", "u-1")).await;
    assert_eq!(case_news(&first), ["opened reported 22"]);
    let second = fixture.event(by("g-3", "u-2")).await;
    assert_eq!(decided(&second).unwrap().labels, ["reported"]);
    fixture.stop().await;
}

#[tokio::test]
async fn a_moderator_answers_the_reports_so_far_once() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = open(dir.path()).await;
    fixture.event(plain("c-1", "fine")).await;
    for reporter in ["u-1", "u-2", "u-3"] {
        fixture.event(by("c-1", reporter)).await;
    }
    let rejection = fixture.moderate("c-1", "reject").await;
    let open_reports = &fixture.case("c-1").await["open_reports"];
    assert_eq!(
        open_reports,
        &json!({"reporters": 0, "weight": 0.0, "reasons": []})
    );
    // Another moderator decides otherwise, with no new reports.
    let appeal = json!({"decision": rejection.decision, "appeal": "p-1"});
    fixture
        .event(about("decision.appealed", "c-1", appeal))
        .await;
    let path = at("c-1", "/decision");
    let (_, answer) = fixture
        .post(&path, SECOND, json!({"verdict": "approve"}))
        .await;
    assert_eq!(answer["decision"]["supersedes"], rejection.decision);
    assert_eq!(fixture.record("u-1"), (1, 0));

    // What a moderator approved can be held again, by new reports.
    fixture.event(plain("c-2", "a scoundrel")).await;
    let approval = fixture.moderate("c-2", "approve").await;
    let mut last = Vec::new();
    for (n, reporter) in ["n-1", "n-2", "n-3"].into_iter().enumerate() {
        last = fixture.event(by("c-2", reporter)).await;
        assert_eq!(decided(&last).is_some(), n == 2);
    }
    let held = decided(&last).unwrap();
    assert_eq!(verdict(&held), (Verdict::Hold, vec!["reported"]));
    assert_eq!(held.supersedes, Some(approval.decision));
    // Of the rules, those that acted last are the ones that a moderator confirms or not.
    fixture.moderate("c-2", "approve").await;
    let overrides = |rule| {
        let found = fixture.metric("stoa_rule_overrides_total", &[("rule", rule)]);
        found.unwrap_or_default()
    };
    // c-1: rejected, then approved; c-2: approved twice.
    assert_eq!((overrides("insult"), overrides("reported")), (1.0, 2.0));
    fixture.stop().await;
}

#[tokio::test]
async fn reports_outlive_a_restart_and_the_view() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = open(dir.path()).await;
    fixture.event(plain("c-0", "fine")).await;
    fixture.event(by("c-0", "u-1")).await;
    fixture.moderate("c-0", "reject").await;
    fixture.event(plain("c-1", "fine")).await;
    fixture.event(by("c-1", "u-1")).await;
    fixture.event(by("c-1", "u-2")).await;
    fixture.event(plain("c-2", "fine")).await;
    for reporter in ["u-2", "u-3", "u-4"] {
        fixture.event(by("c-2", reporter)).await;
    }
    let before = (fixture.case("c-1").await, fixture.case("c-2").await);
    assert_eq!(before.0["open_reports"]["weight"], json!(1.0 + 4.0 / 3.0));
    fixture.stop().await;
    for remove in [false, true] {
        if remove {
            std::fs::remove_dir_all(dir.path().join("moderation/view")).unwrap();
        }
        let fixture = Fixture::open(dir.path()).await;
        let after = (fixture.case("c-1").await, fixture.case("c-2").await);
        assert_eq!(after, before);
        assert_eq!(fixture.record("u-1"), (1, 0));
        fixture.stop().await;
    }
    let fixture = Fixture::open(dir.path()).await;
    let tipped = fixture.event(by("c-1", "u-5")).await;
    assert_eq!(decided(&tipped).unwrap().labels, ["reported"]);
    fixture.stop().await;
}

#[tokio::test]
async fn a_batch_gives_what_single_events_give() {
    let events = || {
        let mut events = vec![by("c-1", "u-0"), plain("c-1", "fine")];
        events.extend(["u-1", "u-2", "u-3"].map(|reporter| by("c-1", reporter)));
        events.push(edit("c-1", 2, "very fine"));
        // What is read of the author and the parent has to be read at the right moment.
        events.push(comment(
            "c-2",
            "author-of-c-1",
            "fine",
            json!({"parent": "c-1"}),
        ));
        events.extend(["u-1", "u-2", "u-3"].map(|reporter| by("c-2", reporter)));
        events.push(comment(
            "c-3",
            "author-of-c-1",
            "fine",
            json!({"parent": "c-2"}),
        ));
        events.push(by("c-1", "u-1"));
        events
    };
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let fixture = open(one.path()).await;
    let mut singly = Vec::new();
    for event in events() {
        singly.push(fixture.event(event).await);
    }
    fixture.stop().await;
    let fixture = open(two.path()).await;
    let together = fixture.events(events()).await;
    assert_eq!(together, singly);
    let verdicts: Vec<_> = together
        .iter()
        .map(|out| decided(out).map(|decision| decision.verdict.as_str()))
        .collect();
    let expected = [
        None,
        Some("approve"),
        None,
        Some("hold"),
        None,
        // An edit is judged with the reports that nobody has answered.
        Some("hold"),
        Some("approve"),
        None,
        None,
        Some("hold"),
        Some("approve"),
        None,
    ];
    assert_eq!(verdicts, expected);
    fixture.stop().await;
}

#[tokio::test]
async fn a_rejection_because_of_reports_has_the_limits_of_every_rejection() {
    let rejected = async |fixture: &Fixture, numbers: std::ops::Range<u32>| {
        let mut verdicts = Vec::new();
        for n in numbers {
            let id = format!("c-{n}");
            fixture.event(plain(&id, "fine")).await;
            let hate = report_for(&id, "r-1", &format!("a-{n}"), "hate");
            fixture.event(hate).await;
            let illegal = report_for(&id, "r-2", &format!("b-{n}"), "illegal");
            verdicts.push(decided(&fixture.event(illegal).await).unwrap());
        }
        verdicts
    };
    let dir = tempfile::tempdir().unwrap();
    let fixture = open(dir.path()).await;
    let decisions = rejected(&fixture, 0..25).await;
    for (n, decision) in decisions.iter().enumerate() {
        let rule = &decision.rules[0];
        let (expected, mark) = if n < 20 {
            (Verdict::Reject, None)
        } else {
            (Verdict::Hold, Some(&json!("breaker")))
        };
        assert_eq!(
            (decision.verdict, rule.extra.get("limited")),
            (expected, mark),
            "{n}"
        );
    }
    let shown = fixture.get("/admin/rules").await;
    let rules = shown["rules"].as_array().unwrap();
    let illegal = rules.iter().find(|rule| rule["id"] == "illegal").unwrap();
    assert_eq!(
        (
            &illegal["breaker"]["state"],
            &illegal["breaker"]["comments"]
        ),
        (&json!("open"), &json!(42))
    );
    fixture.stop().await;

    let dir = tempfile::tempdir().unwrap();
    write_rules(dir.path(), REPORTED);
    let mut config = config(dir.path());
    config.engine.reject_quota = 3;
    let fixture = Fixture::open_as(config, dir.path()).await;
    let decisions = rejected(&fixture, 0..5).await;
    let n_rejected = |decisions: &[Decision]| {
        let verdicts = decisions.iter().map(|decision| decision.verdict);
        verdicts
            .filter(|verdict| *verdict == Verdict::Reject)
            .count()
    };
    assert_eq!(n_rejected(&decisions), 3);
    assert_eq!(decisions[3].rules[0].extra["limited"], "quota");
    // The first report had opened the case; a rejection by rules does not answer the readers.
    assert_eq!(fixture.case("c-0").await["status"], "open");
    fixture.stop().await;
}

#[tokio::test]
async fn what_cannot_be_judged_again_is_reported_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    write_rules(dir.path(), REPORTED);
    let fixture = Fixture::open_with(dir.path(), |set, input, begins| {
        assert!(!input.on_report, "a bug in a rule");
        set.evaluate_observed(input, begins)
    })
    .await;
    fixture.event(plain("c-1", "fine")).await;
    for (reporter, news) in [
        ("u-1", Some("opened reported 21")),
        ("u-2", None),
        ("u-3", None),
    ] {
        let outgoing = fixture.event(by("c-1", reporter)).await;
        assert_eq!(case_news(&outgoing), news.into_iter().collect::<Vec<_>>());
        assert_eq!(decided(&outgoing), None);
    }
    assert_eq!(fixture.case("c-1").await["priority"], 23);
    fixture.stop().await;

    // Words that were erased, and a comment that was taken back.
    let dir = tempfile::tempdir().unwrap();
    let fixture = open(dir.path()).await;
    for id in ["c-1", "c-2", "c-3"] {
        fixture.event(plain(id, "fine")).await;
    }
    // The first record is that a rule is watched.
    let journal = &fixture.service.journal;
    assert!(
        Stored::read(&journal.read_seq(1).unwrap().unwrap())
            .unwrap()
            .is_some()
    );
    journal.redact(1).await.unwrap();
    fixture.event(withdrawn("c-2")).await;
    for (id, expected) in [("c-1", None), ("c-2", None), ("c-3", Some(Verdict::Hold))] {
        let mut last = None;
        for reporter in ["u-1", "u-2", "u-3"] {
            last = decided(&fixture.event(by(id, reporter)).await);
        }
        assert_eq!(last.map(|decision| decision.verdict), expected, "{id}");
    }
    assert_eq!(fixture.case("c-1").await["priority"], 23);
    fixture.stop().await;
}

#[tokio::test]
async fn without_a_rule_that_reads_reports_nothing_is_judged_again() {
    static JUDGED: AtomicUsize = AtomicUsize::new(0);
    let dir = tempfile::tempdir().unwrap();
    write_rules(dir.path(), RULES);
    let fixture = Fixture::open_with(dir.path(), |set, input, begins| {
        JUDGED.fetch_add(1, Ordering::SeqCst);
        set.evaluate_observed(input, begins)
    })
    .await;
    fixture.event(plain("c-1", "fine")).await;
    for reporter in ["u-1", "u-2", "u-3"] {
        assert_eq!(decided(&fixture.event(by("c-1", reporter)).await), None);
    }
    assert_eq!(JUDGED.load(Ordering::SeqCst), 1);
    fixture.stop().await;
}

#[tokio::test]
async fn a_score_is_that_of_the_first_decision() {
    let rules = r#"
rules:
  - id: toxic
    when: comment.reports >= 2 && score("toxicity") > 0.5
    then: { verdict: hold, labels: [toxic] }
"#;
    let dir = tempfile::tempdir().unwrap();
    write_rules(dir.path(), rules);
    let mut config = config(dir.path());
    let scorer = json!({
        "name": "outside", "kind": "perspective", "url": "http://127.0.0.1:9/",
        "attributes": {"toxicity": "TOXICITY"},
    });
    config.scorers = vec![serde_json::from_value(scorer).unwrap()];
    let fixture = Fixture::open_as(config, dir.path()).await;
    for (id, score, expected) in [("c-1", 0.7, Some(Verdict::Hold)), ("c-2", 0.3, None)] {
        let batch = Batch {
            events: vec![plain(id, "fine").into()],
            scores: vec![vec![("toxicity".into(), score)]],
            asked: false,
        };
        fixture.engine.batch(batch).await.unwrap();
        assert_eq!(decided(&fixture.event(by(id, "u-1")).await), None);
        let second = decided(&fixture.event(by(id, "u-2")).await);
        assert_eq!(second.as_ref().map(|decision| decision.verdict), expected);
        if let Some(decision) = second {
            assert_eq!(decision.extra["scores"], json!({"toxicity": score}));
            assert!(decision.partial.is_empty());
        }
    }
    fixture.stop().await;
}

#[tokio::test]
async fn a_report_of_an_older_journal_counts_as_that_of_somebody_unknown() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = open(dir.path()).await;
    fixture.event(plain("c-1", "fine")).await;
    let about = About {
        site: "courrier".into(),
        article: "a-1".into(),
        comment: "c-1".into(),
    };
    let older = Change::Reported {
        about,
        report: "r-1".into(),
        at: 0,
        case: Step::None,
    };
    // The fifth kind of change, as it always was; what came since stands behind it.
    assert_eq!(postcard::to_stdvec(&older).unwrap()[0], 4);
    let mut state = State::new(&fixture.service.admin.index);
    state.apply(99, &older).unwrap();
    let row = state.comment("courrier", "c-1").unwrap().unwrap();
    let reports = row.open_reports();
    assert_eq!(
        (row.n_reports, reports.count(), reports.weight()),
        (1, 1, 1.0)
    );
    assert!(reports.reporters().is_empty() && reports.reasons().is_empty());
    drop(state);
    fixture.stop().await;
}
