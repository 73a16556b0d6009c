//! Authors' appeals: who may decide them, how they end, and when they are open again.

use std::time::Duration;

use stoa_proto::{AppealOutcome, AppealResolved, Exchange};

use super::at_desk::{at, refusal, undo};
use super::*;

const REJECT: &str = r#"{"verdict": "reject", "reason": {"code": "offensive"}}"#;
const APPROVE: &str = r#"{"verdict": "approve"}"#;

/// The author's appeal against a decision.
fn appeal(comment: &str, decision: &str, id: &str) -> Event {
    let author = format!("author-of-{comment}");
    let more = json!({"decision": decision, "appeal": id, "author": author, "text": "Why?"});
    about("decision.appealed", comment, more)
}

/// The address of an appeal.
fn at_appeal(comment: &str, id: &str, what: &str) -> String {
    let id = crate::view::appeal_id("courrier", comment, id);
    format!("/admin/appeals/{id}{what}")
}

/// What is told about appeals.
fn resolved(outgoing: &[Outgoing]) -> Vec<AppealResolved> {
    let told = published(outgoing).into_iter();
    let told = told.filter_map(|data| match data {
        Data::AppealResolved(resolved) => Some(resolved),
        _ => None,
    });
    told.collect()
}

impl Fixture {
    /// Has a moderator reject a comment that the rules held, and its author appeal.
    async fn rejected_and_appealed(&self, comment: &str, token: &str) -> String {
        self.event(plain(comment, "scoundrel")).await;
        let made = self.decided(comment, token, REJECT).await;
        let told = self.event(appeal(comment, &made, "p-1")).await;
        assert_eq!(case_news(&told), ["opened appeal 30"]);
        made
    }

    async fn resolve(&self, comment: &str, token: &str, body: Value) -> Value {
        let path = at_appeal(comment, "p-1", "/resolution");
        self.done(Method::POST, &path, token, Some(body)).await
    }

    async fn not_resolved(&self, comment: &str, token: &str, body: Value) -> (u16, String, String) {
        let path = at_appeal(comment, "p-1", "/resolution");
        self.refused(Method::POST, &path, token, Some(body)).await
    }

    /// The appeals of a list: comment, what the platform calls them, status.
    async fn appeals(&self, query: &str, token: &str) -> Vec<String> {
        let path = format!("/admin/appeals{query}");
        let listing = self.done(Method::GET, &path, token, None).await;
        let row = |row: &Value| {
            let text = |key: &str| row[key].as_str().unwrap().to_owned();
            format!("{} {} {}", text("comment"), text("appeal"), text("status"))
        };
        listing["appeals"]
            .as_array()
            .unwrap()
            .iter()
            .map(row)
            .collect()
    }
}

#[tokio::test]
async fn an_appeal_is_upheld_opened_again_and_reversed() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let rules = fixture.decide(plain("c-1", "vermin")).await;
    let opened = fixture.event(appeal("c-1", &rules.decision, "p-1")).await;
    assert_eq!(case_news(&opened), ["opened appeal 30"]);
    assert!(resolved(&opened).is_empty());
    let path = at_appeal("c-1", "p-1", "");
    let shown = fixture.get(&path).await;
    assert_eq!(shown["text"], "Why?");
    assert_eq!(
        (&shown["verdict"], &shown["status"], &shown["decidable"]),
        (&json!("reject"), &json!("open"), &json!(true))
    );
    assert_eq!(shown["appealed"], shown["stands"]);
    let case = fixture.get(&at("c-1", "")).await;
    assert_eq!(case["appeals"][0]["text"], "Why?");

    // Upheld without a reason: the statement stands, and a person has looked.
    let answer = fixture
        .resolve(
            "c-1",
            MODERATOR,
            json!({"outcome": "upheld", "version": shown["version"]}),
        )
        .await;
    let stands = &answer["stands"];
    assert_eq!(
        (&answer["status"], &stands["verdict"]),
        (&json!("upheld"), &json!("reject"))
    );
    assert_eq!(stands["labels"], json!(["hate"]));
    let before = rules.statement.as_ref().unwrap();
    assert_eq!(stands["statement"]["facts"], json!(before.facts));
    assert_eq!(stands["statement"]["automated_detection"], true);
    assert_eq!(
        stands["statement"]["automated_decision"],
        "AUTOMATED_DECISION_PARTIALLY"
    );
    let second = stands["decision"].as_str().unwrap().to_owned();
    let told = fixture.told_last();
    for exchange in [Exchange::Decisions, Exchange::Outcomes] {
        let mut told = told.iter().filter(|(to, ..)| *to == exchange);
        let found = told.find_map(|(_, key, data)| match data {
            Data::AppealResolved(resolved) => Some((key, resolved)),
            _ => None,
        });
        let (key, resolved) = found.unwrap();
        assert_eq!(resolved.outcome, AppealOutcome::Upheld);
        assert_eq!(resolved.decision, second);
        assert_eq!(resolved.appealed.as_ref(), Some(&rules.decision));
        assert_eq!(*key == "courrier.appeal", exchange == Exchange::Decisions);
    }
    // The same request again is the same answer.
    let records = fixture.service.journal.next();
    let again = fixture
        .resolve("c-1", MODERATOR, json!({"outcome": "upheld"}))
        .await;
    assert_eq!((again, fixture.service.journal.next()), (answer, records));

    // Undone, it is open again, and events say so.
    fixture
        .done(Method::POST, &undo(&second), MODERATOR, None)
        .await;
    let reopens = |data: &Data| match data {
        Data::CommentDecided(told) => told.extra.get("reopens") == Some(&json!(["p-1"])),
        Data::CaseOpened(told) => told.extra.get("reopens") == Some(&json!(["p-1"])),
        _ => false,
    };
    assert!(fixture.told_last().iter().all(|(.., data)| reopens(data)));
    assert_eq!(fixture.appeals("", VIEWER).await, ["c-1 p-1 open"]);
    let reversed = fixture
        .resolve("c-1", SECOND, json!({"outcome": "reversed"}))
        .await;
    assert_eq!(reversed["stands"]["verdict"], "approve");
    let listed = fixture.get("/admin/appeals?status=all").await;

    // A view that is built again says the same.
    let fixture = fixture.again(dir.path(), true).await;
    assert_eq!(fixture.get("/admin/appeals?status=all").await, listed);
    assert!(fixture.appeals("", VIEWER).await.is_empty());
    assert_eq!(
        fixture.appeals("?status=reversed", VIEWER).await,
        ["c-1 p-1 reversed"]
    );
    fixture.stop().await;
}

#[tokio::test]
async fn another_moderator_decides() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let made = fixture.rejected_and_appealed("c-1", ADMIN).await;
    fixture.rejected_and_appealed("c-2", MODERATOR).await;
    let own = refusal(409, "same_moderator", "");
    for (comment, token) in [("c-1", ADMIN), ("c-2", MODERATOR)] {
        for body in [REJECT, APPROVE] {
            let body = serde_json::from_str(body).unwrap();
            let path = at(comment, "/decision");
            let refused = fixture.refused(Method::POST, &path, token, Some(body));
            assert_eq!(refused.await, own, "{comment}");
        }
        let upheld = json!({"outcome": "upheld"});
        assert_eq!(fixture.not_resolved(comment, token, upheld).await, own);
        let case = case_of(comment);
        let mut bulk = json!({"cases": [{"case": case, "version": 3}], "verdict": "approve"});
        for dry_run in [true, false] {
            bulk["dry_run"] = json!(dry_run);
            let (status, answer) = fixture.post("/admin/cases/bulk", token, bulk.clone()).await;
            assert_eq!(status, StatusCode::OK);
            let left = json!([{"case": case, "code": "same_moderator"}]);
            assert_eq!(answer["left_out"], left, "{comment} {dry_run}");
        }
    }
    let mine = fixture.appeals("?decidable=true", MODERATOR).await;
    assert_eq!(mine, ["c-1 p-1 open"]);
    assert_eq!(fixture.appeals("?decidable=true", VIEWER).await, [""; 0]);
    // Who undoes a decision gives back somebody else's verdict.
    let second = fixture
        .resolve("c-1", SECOND, json!({"outcome": "upheld"}))
        .await;
    let second = second["stands"]["decision"].as_str().unwrap();
    fixture
        .done(Method::POST, &undo(second), SECOND, None)
        .await;
    assert_eq!(
        fixture
            .not_resolved("c-1", ADMIN, json!({"outcome": "upheld"}))
            .await,
        own
    );
    let shown = fixture.get(&at_appeal("c-1", "p-1", "")).await;
    assert_eq!(shown["moderators"], json!(["ada"]));
    assert_eq!(shown["decision"], made);
    fixture.stop().await;

    let mut alone = config(dir.path());
    alone.review.appeals.same_moderator = true;
    let fixture = Fixture::open_as(alone, dir.path()).await;
    let answer = fixture
        .resolve("c-2", MODERATOR, json!({"outcome": "reversed"}))
        .await;
    assert_eq!(answer["resolution"]["moderator"], "anne");
    fixture.stop().await;
}

#[tokio::test]
async fn what_nobody_has_to_decide_is_kept_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let rejected = fixture.decide(plain("c-1", "vermin")).await.decision;
    let approved = fixture.decide(plain("c-2", "fine")).await.decision;
    let gone = fixture.decide(plain("c-3", "vermin")).await.decision;
    fixture.event(withdrawn("c-3")).await;
    let by = |id: &str, author: Value| {
        let more = json!({"decision": rejected, "appeal": id, "author": author});
        about("decision.appealed", "c-1", more)
    };
    let nothing = "d-00000000000000000000000000000000";
    for (event, why) in [
        (appeal("c-1", nothing, "p-1"), Some("unknown_decision")),
        (
            appeal("c-1", "no decision", "p-2"),
            Some("unknown_decision"),
        ),
        (appeal("c-1", &approved, "p-3"), Some("unknown_decision")),
        (by("p-6", json!("somebody else")), Some("not_author")),
        (appeal("c-2", &approved, "p-4"), Some("not_restricted")),
        (appeal("c-3", &gone, "p-5"), Some("withdrawn")),
        // The platform vouches for whom it does not name.
        (by("p-7", Value::Null), None),
    ] {
        let told = fixture.event(event.clone()).await;
        let refused = resolved(&told).into_iter().next();
        let outcome = refused.as_ref().map(|refused| refused.outcome);
        assert_eq!(outcome, why.map(|_| AppealOutcome::Upheld), "{event:?}");
        assert_eq!(refused.and_then(|told| told.refused).as_deref(), why);
        assert_eq!(case_news(&told).is_empty(), why.is_some());
        assert_eq!(fixture.event(event).await, told, "a repeat");
    }
    fixture.stop().await;
}

#[tokio::test]
async fn one_appeal_a_decision_in_time_and_to_an_end() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let made = fixture.decide(plain("c-1", "vermin")).await.decision;
    fixture.event(appeal("c-1", &made, "p-1")).await;
    let repeated = fixture.event(appeal("c-1", &made, "p-2")).await;
    assert!(repeated.is_empty(), "the first is answered");
    assert_eq!(
        fixture.appeals("?status=all", VIEWER).await,
        ["c-1 p-2 refused", "c-1 p-1 open"]
    );
    // Who answers an appeal against a rejection has the last word here.
    let answer = fixture
        .resolve("c-1", MODERATOR, json!({"outcome": "upheld"}))
        .await;
    let last = answer["stands"]["decision"].as_str().unwrap();
    let told = fixture.event(appeal("c-1", last, "p-3")).await;
    assert_eq!(resolved(&told)[0].refused.as_deref(), Some("exhausted"));

    // A rejection of what rules held can be appealed, as the hold could.
    let held = fixture.decide(plain("c-2", "scoundrel")).await.decision;
    fixture.event(appeal("c-2", &held, "p-1")).await;
    let no_reason = fixture.not_resolved("c-2", MODERATOR, json!({"outcome": "upheld"}));
    assert_eq!(no_reason.await, refusal(400, "invalid_field", "reason"));
    let made = fixture.decided("c-2", MODERATOR, REJECT).await;
    let told = fixture.event(appeal("c-2", &made, "p-2")).await;
    assert_eq!(case_news(&told), ["opened appeal 30"]);

    // What is approved by now is reversed at once.
    let first = fixture.decide(plain("c-3", "scoundrel")).await.decision;
    let second = fixture.decided("c-3", MODERATOR, APPROVE).await;
    let told = resolved(&fixture.event(appeal("c-3", &first, "p-1")).await).remove(0);
    assert_eq!(
        (told.outcome, &told.decision),
        (AppealOutcome::Reversed, &second)
    );
    assert_eq!(told.refused, None);

    let late = fixture.decide(plain("c-4", "vermin")).await.decision;
    let other = fixture.decide(plain("c-5", "vermin")).await.decision;
    fixture.clock.advance(Duration::from_hours(183 * 24));
    let told = fixture.event(appeal("c-4", &late, "p-1")).await;
    assert_eq!(case_news(&told), ["opened appeal 30"], "the last moment");
    fixture.clock.advance(Duration::from_micros(1));
    let told = fixture.event(appeal("c-5", &other, "p-1")).await;
    assert_eq!(resolved(&told)[0].refused.as_deref(), Some("too_late"));
    fixture.stop().await;
}

#[tokio::test]
async fn an_edit_answers_no_appeal_and_what_is_gone_needs_no_answer() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    // The case is open because of rules, and the author does not want to wait.
    let held = fixture.decide(plain("c-1", "scoundrel")).await.decision;
    let before = fixture.get(&at("c-1", "")).await["version"].clone();
    fixture.event(appeal("c-1", &held, "p-1")).await;
    let body = json!({"verdict": "approve", "version": before});
    let path = at("c-1", "/decision");
    let stale = fixture.refused(Method::POST, &path, MODERATOR, Some(body));
    assert_eq!(stale.await, refusal(409, "version_conflict", "version"));
    assert!(case_news(&fixture.event(edit("c-1", 2, "fine")).await).is_empty());
    assert_eq!(fixture.appeals("", VIEWER).await, ["c-1 p-1 open"]);

    fixture.rejected_and_appealed("c-2", MODERATOR).await;
    let erased = about("comment.erased", "c-2", json!({"redaction": "r-1"}));
    for (event, why) in [(withdrawn("c-1"), "withdrawn"), (erased, "erased")] {
        let told = fixture.event(event).await;
        assert_eq!(case_news(&told), [format!("closed {why}")]);
        let told = resolved(&told);
        assert_eq!(told.len(), 1);
        assert_eq!(
            (told[0].outcome, told[0].refused.as_deref()),
            (AppealOutcome::Upheld, Some(why))
        );
        assert_eq!(told[0].appeal, "p-1");
    }
    let moot = fixture.get("/admin/appeals?status=moot").await;
    let why: Vec<_> = moot["appeals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["why"])
        .collect();
    assert_eq!(why, ["erased", "withdrawn"]);
    assert_eq!(
        fixture.get(&at_appeal("c-2", "p-1", "")).await["text"],
        Value::Null
    );
    let gone = fixture.not_resolved("c-1", MODERATOR, json!({"outcome": "reversed"}));
    assert_eq!(gone.await, refusal(409, "appeal_closed", ""));
    fixture.stop().await;
}

#[tokio::test]
async fn appeals_of_other_sites_are_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    fixture.rejected_and_appealed("c-1", MODERATOR).await;
    let path = at_appeal("c-1", "p-1", "");
    assert_eq!(fixture.appeals("", ELSEWHERE).await, [""; 0]);
    let hidden = fixture.refused(Method::GET, &path, ELSEWHERE, None).await;
    assert_eq!(hidden, refusal(404, "not_found", ""));
    let upheld = json!({"outcome": "upheld"});
    assert_eq!(
        fixture.not_resolved("c-1", ELSEWHERE, upheld.clone()).await,
        refusal(404, "not_found", "")
    );
    assert_eq!(
        fixture.not_resolved("c-1", VIEWER, upheld).await,
        refusal(403, "forbidden", "")
    );
    let site = fixture.refused(Method::GET, "/admin/appeals?site=courrier", ELSEWHERE, None);
    assert_eq!(site.await, refusal(403, "forbidden", "site"));
    for comment in ["c-2", "c-3"] {
        fixture.rejected_and_appealed(comment, MODERATOR).await;
    }
    let first = fixture.get("/admin/appeals?limit=2").await;
    let next = format!("?limit=2&after={}", first["next"]);
    assert_eq!(fixture.appeals(&next, VIEWER).await, ["c-3 p-1 open"]);
    let first = fixture.get("/admin/appeals?status=all&limit=2").await;
    let next = format!("?status=all&limit=2&after={}", first["next"]);
    assert_eq!(fixture.appeals(&next, VIEWER).await, ["c-1 p-1 open"]);
    assert_eq!(
        fixture.appeals("?comment=c-2", VIEWER).await,
        ["c-2 p-1 open"]
    );
    fixture.stop().await;
}
