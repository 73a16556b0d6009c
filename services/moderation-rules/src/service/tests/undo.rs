//! Moderators' decisions that are undone: what stood before stands again, and the case is open.

use std::time::Duration;

use stoa_proto::Exchange;

use super::at_desk::{at, refusal, undo};
use super::*;

const REJECT: &str = r#"{"verdict": "reject", "reason": {"code": "offensive"}}"#;

impl Fixture {
    async fn undone(&self, decision: &str, token: &str) -> Value {
        let path = undo(decision);
        self.done(Method::POST, &path, token, None).await
    }

    async fn not_undone(&self, decision: &str, token: &str) -> (u16, String, String) {
        self.refused(Method::POST, &undo(decision), token, None)
            .await
    }
}

#[tokio::test]
async fn what_stood_before_stands_again_and_the_case_is_open() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::with_cases(dir.path(), &["c-1", "c-2"]).await;
    fixture.event(reported("c-1", "r-1")).await;
    let before = fixture.get(&at("c-1", "")).await;
    let author = fixture.get("/admin/authors/courrier/author-of-c-1").await;
    let made = fixture.decided("c-1", MODERATOR, REJECT).await;
    fixture.clock.advance(Duration::from_mins(15));

    let answer = fixture.undone(&made, MODERATOR).await;
    let decision = &answer["decision"];
    let rules = &before["decisions"][0];
    for same in ["verdict", "labels", "statement", "revision"] {
        assert_eq!(decision[same], rules[same], "{same}");
    }
    // What quotes the comment stays where it can be erased with it.
    assert_eq!(decision["rules"], json!([]));
    assert_eq!(decision["by"], json!({"kind": "moderator", "id": "anne"}));
    assert_eq!(decision["supersedes"], json!(made));
    assert_eq!(decision["undoes"], json!(made));
    assert_eq!(decision["restores"], rules["decision"]);
    assert_ne!(decision["decision"], rules["decision"]);
    assert_eq!(
        (&answer["case"], &answer["version"]),
        (&before["case"], &json!(3))
    );

    // The same request again is the same decision.
    let records = fixture.service.journal.next();
    assert_eq!(fixture.undone(&made, MODERATOR).await, answer);
    assert_eq!(fixture.service.journal.next(), records);

    // Platforms and the archive hear of it.
    let told = fixture.told_last();
    let heard = |exchange, what: fn(&Data) -> bool| {
        told.iter()
            .any(|(to, key, data)| *to == exchange && !key.is_empty() && what(data))
    };
    let is_held =
        |data: &Data| matches!(data, Data::CommentDecided(told) if told.verdict == Verdict::Hold);
    let is_opened = |data: &Data| matches!(data, Data::CaseOpened(case) if case.priority == 21);
    assert!(heard(Exchange::Decisions, is_held) && heard(Exchange::Outcomes, is_held));
    assert!(heard(Exchange::Outcomes, is_opened));

    // All is as before but for the time, the version and the decisions, also after a restart.
    let fixture = fixture.again(dir.path(), true).await;
    let case = fixture.get(&at("c-1", "")).await;
    assert_eq!(case["decisions"].as_array().unwrap().len(), 3);
    for same in [
        "status",
        "priority",
        "reason",
        "labels",
        "history",
        "reports",
        "open_reports",
        "text",
    ] {
        assert_eq!(case[same], before[same], "{same}");
    }
    assert_eq!(
        fixture.get("/admin/authors/courrier/author-of-c-1").await,
        author
    );
    assert_eq!(fixture.queue("", MODERATOR).await, ["c-1", "c-2"]);
    assert_eq!(fixture.get("/admin/cases").await["open"], 2);
    let log = fixture.get("/admin/decisions?by=moderator").await;
    assert_eq!(log["decisions"].as_array().unwrap().len(), 2);
    let by_id = format!(
        "/admin/decisions/{}",
        decision["decision"].as_str().unwrap()
    );
    assert_eq!(fixture.get(&by_id).await["restores"], rules["decision"]);

    // A repeat of the comment ends with what stands, and the case can be decided again.
    let again = fixture.event(plain("c-1", "scoundrel")).await;
    let told = published(&again);
    assert!(matches!(told.last(), Some(Data::CaseOpened(_))), "{told:?}");
    let second = fixture
        .decided("c-1", SECOND, r#"{"verdict": "approve"}"#)
        .await;
    assert_ne!(second, made);
    assert_eq!(
        fixture.not_undone(&made, MODERATOR).await,
        refusal(409, "superseded", "")
    );
    fixture.undone(&second, ADMIN).await;
    fixture.stop().await;
}

#[tokio::test]
async fn reports_that_a_decision_answered_wait_again() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::with_cases(dir.path(), &["c-1"]).await;
    let report = |id: &str, by: &str| {
        let more = json!({"report": id, "reason": "spam", "reporter": {"id": by}});
        about("comment.reported", "c-1", more)
    };
    fixture.event(report("r-1", "u-8")).await;
    let reader = "/admin/authors/courrier/u-8";
    let made = fixture.decided("c-1", MODERATOR, REJECT).await;
    assert_eq!(fixture.get(reader).await["reports"]["upheld"], 1);
    fixture.undone(&made, MODERATOR).await;
    let counts = |author: Value| {
        let reports = author["reports"].clone();
        (
            reports["upheld"].as_u64().unwrap(),
            reports["dismissed"].as_u64().unwrap(),
        )
    };
    assert_eq!(counts(fixture.get(reader).await), (0, 0));
    assert_eq!(
        fixture.get(&at("c-1", "")).await["open_reports"]["reporters"],
        1
    );

    // They are answered once, by the decision that stays. One that comes meanwhile opens the case.
    let made = fixture.decided("c-1", MODERATOR, REJECT).await;
    fixture.event(report("r-2", "u-9")).await;
    let reopened = refusal(409, "case_open", "");
    assert_eq!(fixture.not_undone(&made, MODERATOR).await, reopened);
    assert_eq!(counts(fixture.get(reader).await), (1, 0));
    fixture
        .decided("c-1", MODERATOR, r#"{"verdict": "approve"}"#)
        .await;
    assert_eq!(counts(fixture.get(reader).await), (1, 0));
    assert_eq!(
        counts(fixture.get("/admin/authors/courrier/u-9").await),
        (0, 1)
    );
    fixture.stop().await;
}

#[tokio::test]
async fn what_cannot_be_undone_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let all = ["c-1", "c-2", "c-3", "c-4", "c-5"];
    let fixture = Fixture::with_cases(dir.path(), &all).await;
    let first = fixture.get(&at("c-1", "")).await;
    let by_rules = first["decisions"][0]["decision"].as_str().unwrap();
    let mut made = Vec::new();
    for id in all {
        made.push(
            fixture
                .decided(id, SECOND, r#"{"verdict": "approve"}"#)
                .await,
        );
    }
    fixture.event(edit("c-2", 2, "scoundrel")).await;
    fixture.event(reported("c-3", "r-1")).await;
    fixture.event(withdrawn("c-4")).await;
    fixture
        .event(about("comment.erased", "c-5", json!({"redaction": "r-1"})))
        .await;
    let nothing = "d-00000000000000000000000000000000";
    for (decision, token, expected) in [
        (nothing, SECOND, refusal(404, "not_found", "")),
        ("nothing", SECOND, refusal(404, "not_found", "")),
        (&made[0], ELSEWHERE, refusal(404, "not_found", "")),
        (&made[0], VIEWER, refusal(403, "forbidden", "")),
        (&made[0], MODERATOR, refusal(403, "forbidden", "")),
        (by_rules, SECOND, refusal(409, "not_by_moderator", "")),
        (&made[1], SECOND, refusal(409, "superseded", "")),
        (&made[2], SECOND, refusal(409, "case_open", "")),
        (&made[3], SECOND, refusal(409, "withdrawn", "")),
        (&made[4], SECOND, refusal(409, "erased", "")),
    ] {
        assert_eq!(
            fixture.not_undone(decision, token).await,
            expected,
            "{decision}"
        );
    }
    fixture
        .clock
        .advance(Duration::from_micros(15 * 60_000_000 + 1));
    let (status, problem) = fixture
        .request(Method::POST, &undo(&made[0]), ADMIN, None)
        .await;
    assert_eq!(
        (status, &problem["code"], &problem["limit"]),
        (StatusCode::CONFLICT, &json!("too_late"), &json!("15m"))
    );
    fixture.stop().await;

    let mut config = config(dir.path());
    config.review.undo = stoa_daemon::config::Duration::secs(0);
    let fixture = Fixture::open_as(config, dir.path()).await;
    assert_eq!(
        fixture.not_undone(&made[0], SECOND).await,
        refusal(409, "undo_off", "")
    );
    fixture.stop().await;
}
