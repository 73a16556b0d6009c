//! The transparency report of a year: what is counted, how long things took, and that a view which
//! is built again counts the same.

use std::time::Duration;

use super::at_desk::{at, refusal, undo};
use super::*;

const REPORT: &str = "/admin/transparency/2026";
const REJECT: &str = r#"{"verdict": "reject", "reason": {"code": "hate"}}"#;
const APPROVE: &str = r#"{"verdict": "approve"}"#;

impl Fixture {
    /// What a page says that is no JSON.
    pub(super) async fn text(&self, path: &str) -> String {
        let request = Request::get(path)
            .header(header::AUTHORIZATION, format!("Bearer {VIEWER}"))
            .body(Body::empty());
        let response = self.router.clone().oneshot(request.unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let kind = response.headers()[header::CONTENT_TYPE]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(kind.starts_with("text/csv"), "{kind}");
        let body = to_bytes(response.into_body(), 1 << 24).await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }

    async fn appealed(&self, comment: &str, decision: &str) -> String {
        let more = json!({"decision": decision, "appeal": "p"});
        self.event(about("decision.appealed", comment, more)).await;
        format!(
            "/admin/appeals/{}/resolution",
            crate::view::appeal_id("courrier", comment, "p")
        )
    }
}

/// A year in a day: decisions, reports, appeals, what is undone, and a sanction.
async fn fill(fixture: &Fixture) {
    let rejected = fixture.decide(plain("c-1", "vermin")).await.decision;
    fixture.event(plain("c-2", "scoundrel")).await;
    let other = comment("c-3", "u-3", "vermin", json!({"site": "elsewhere"}));
    fixture.event(other).await;
    fixture.event(plain("c-4", "fine")).await;
    for report in ["r-1", "r-2"] {
        let more = json!({"report": report, "reason": "hate", "reporter": {"id": report}});
        fixture.event(about("comment.reported", "c-4", more)).await;
    }
    fixture.clock.advance(Duration::from_hours(2));
    fixture.decided("c-4", MODERATOR, REJECT).await;
    // An appeal is upheld after a day, that is undone, and it is reversed after two.
    let path = fixture.appealed("c-1", &rejected).await;
    fixture.clock.advance(Duration::from_hours(24));
    let answer = fixture
        .done(
            Method::POST,
            &path,
            SECOND,
            Some(json!({"outcome": "upheld"})),
        )
        .await;
    let upheld = answer["stands"]["decision"].as_str().unwrap();
    fixture
        .done(Method::POST, &undo(upheld), SECOND, None)
        .await;
    fixture.clock.advance(Duration::from_hours(24));
    fixture
        .done(
            Method::POST,
            &path,
            SECOND,
            Some(json!({"outcome": "reversed"})),
        )
        .await;
    fixture
        .appealed("c-2", "d-00000000000000000000000000000000")
        .await;
    // A rejection that is undone had answered nobody.
    let made = fixture.decided("c-2", MODERATOR, REJECT).await;
    fixture
        .done(Method::POST, &undo(&made), MODERATOR, None)
        .await;
    fixture
        .done(
            Method::POST,
            &at("c-2", "/decision"),
            MODERATOR,
            Some(serde_json::from_str(APPROVE).unwrap()),
        )
        .await;
    let sanctions = "/admin/authors/courrier/u-9/sanctions";
    fixture
        .done(
            Method::POST,
            sanctions,
            MODERATOR,
            Some(json!({"sanction": "ban"})),
        )
        .await;
}

/// Other years and sites have other counts.
async fn others_see_their_own(fixture: &Fixture) {
    let before = fixture.get("/admin/transparency/2025").await;
    assert_eq!(
        (&before["complete"], &before["decisions"]["rules"]),
        (&json!(true), &json!({}))
    );
    let foreign = fixture.done(Method::GET, REPORT, ELSEWHERE, None).await;
    assert_eq!(foreign["decisions"]["rules"], json!({"reject": 1}));
    for (path, token, expected) in [
        (
            format!("{REPORT}?site=courrier"),
            ELSEWHERE,
            refusal(403, "forbidden", "site"),
        ),
        (
            "/admin/transparency/last".to_owned(),
            VIEWER,
            refusal(400, "invalid_field", "year"),
        ),
    ] {
        assert_eq!(
            fixture.refused(Method::GET, &path, token, None).await,
            expected
        );
    }
}

#[tokio::test]
async fn a_year_is_counted_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    fill(&fixture).await;
    let all = fixture.get(REPORT).await;
    let report = fixture.get(&format!("{REPORT}?site=courrier")).await;
    assert_eq!(
        all["decisions"]["rules"],
        json!({"approve": 1, "hold": 1, "reject": 2})
    );
    assert_eq!(
        report["decisions"]["rules"],
        json!({"approve": 1, "hold": 1, "reject": 1})
    );
    assert_eq!(
        report["decisions"]["moderators"],
        json!({"approve": 2, "reject": 3})
    );
    assert_eq!(report["decisions"]["undone"], 2);
    let restrictions = &report["decisions"]["restrictions"];
    assert_eq!(restrictions["total"], 5);
    assert_eq!(restrictions["by_ground"], json!({"legal": 4, "terms": 1}));
    assert_eq!(
        restrictions["by_category"],
        json!({"STATEMENT_CATEGORY_CYBER_VIOLENCE": 1, "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH": 2, "none": 2})
    );
    assert_eq!(
        restrictions["by_detection"],
        json!({"automated": 4, "not_automated": 1})
    );
    assert_eq!(
        restrictions["by_automation"],
        json!({"fully": 2, "not_automated": 1, "partially": 2})
    );
    assert_eq!(
        report["notices"],
        json!({"received": 2, "by_reason": {"hate": 2}, "answered": {"reject": 2}, "median_seconds": 7_680})
    );
    assert_eq!(
        report["appeals"],
        json!({"received": 2, "by_outcome": {"reversed": 1}, "refused": {"unknown_decision": 1},
            "median_seconds": 180_224})
    );
    assert_eq!(report["sanctions"], json!({"ban": 1}));
    assert_eq!(
        (&report["complete"], &report["year"]),
        (&json!(false), &json!(2026))
    );
    let csv = fixture
        .text(&format!("{REPORT}?site=courrier&format=csv"))
        .await;
    assert!(
        csv.starts_with("name,value\r\nyear,2026\r\nsite,courrier\r\ncomplete,false\r\n"),
        "{csv}"
    );
    assert!(csv.contains("\r\nappeals.by_outcome.reversed,1\r\n"));

    others_see_their_own(&fixture).await;
    // Words that were erased take no count along.
    fixture
        .event(about("comment.erased", "c-1", json!({"redaction": "r-1"})))
        .await;
    let fixture = fixture.again(dir.path(), true).await;
    assert_eq!(fixture.get(REPORT).await, all);
    fixture.stop().await;
}
