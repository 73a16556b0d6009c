//! Cases: the queue, one case, decisions by moderators, reports, appeals and withdrawals.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use stoa_proto::Verdict;

use super::*;

fn ids(listing: &Value) -> Vec<&str> {
    listing["cases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| case["comment"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn the_queue_has_filters_and_pages() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    for n in 0..5 {
        fixture.event(plain(&format!("c-{n}"), "scoundrel")).await;
    }
    fixture
        .event(comment(
            "x-1",
            "u-x",
            "scoundrel",
            json!({"site": "elsewhere"}),
        ))
        .await;
    fixture.event(reported("c-3", "r-1")).await;

    // A report raises the priority; the rest comes oldest first.
    let all = fixture.get("/admin/cases").await;
    assert_eq!(ids(&all), ["c-3", "c-0", "c-1", "c-2", "c-4", "x-1"]);
    assert_eq!((&all["open"], &all["next"]), (&json!(6), &Value::Null));

    let mut seen = Vec::new();
    let mut path = "/admin/cases?limit=2".to_owned();
    loop {
        let page = fixture.get(&path).await;
        seen.extend(ids(&page).iter().map(|id| (*id).to_owned()));
        match page["next"].as_str() {
            Some(next) => path = format!("/admin/cases?limit=2&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ids(&all));

    assert_eq!(
        ids(&fixture.get("/admin/cases?site=elsewhere").await),
        ["x-1"]
    );
    assert_eq!(
        ids(&fixture.get("/admin/cases?author=author-of-c-2").await),
        ["c-2"]
    );
    assert_eq!(
        ids(&fixture.get("/admin/cases?label=insult&rule=insult").await).len(),
        6
    );
    assert!(ids(&fixture.get("/admin/cases?label=hate").await).is_empty());
    assert!(ids(&fixture.get("/admin/cases?status=closed").await).is_empty());

    let (status, problem) = fixture
        .request(Method::GET, "/admin/cases?after=x", MODERATOR, None)
        .await;
    assert_eq!(
        (status, &problem["field"]),
        (StatusCode::BAD_REQUEST, &json!("after"))
    );
    let (status, _) = fixture
        .request(Method::GET, "/admin/cases?colour=red", MODERATOR, None)
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    fixture.stop().await;
}

#[tokio::test]
async fn a_token_sees_its_sites_alone() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    fixture.event(plain("c-1", "scoundrel")).await;
    let case = format!("/admin/cases/{}", case_of("c-1"));
    let decision = stoa_proto::ids::decision_id(
        "courrier",
        "c-1",
        1,
        fixture.service.rules.live().set.hash(),
    );
    let decision = format!("/admin/decisions/{decision}");
    fixture.get(&decision).await;
    for path in [&case, &decision] {
        let (status, _) = fixture.request(Method::GET, path, ELSEWHERE, None).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
    let post = fixture
        .post(
            &format!("{case}/decision"),
            ELSEWHERE,
            json!({"verdict": "approve"}),
        )
        .await;
    assert_eq!(post.0, StatusCode::NOT_FOUND);
    for (path, empty) in [("/admin/cases", "cases"), ("/admin/decisions", "decisions")] {
        let (_, listing) = fixture.request(Method::GET, path, ELSEWHERE, None).await;
        assert_eq!(listing[empty], json!([]), "{path}");
        let (status, _) = fixture
            .request(
                Method::GET,
                &format!("{path}?site=courrier"),
                ELSEWHERE,
                None,
            )
            .await;
        assert_eq!(status, StatusCode::FORBIDDEN);
    }
    let (status, _) = fixture
        .request(Method::GET, "/admin/cases", "nobody-knows-this", None)
        .await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    fixture.stop().await;
}

#[tokio::test]
async fn a_case_shows_what_is_needed_and_is_decided_once() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let reply =
        |id: &str, parent: &str, body: &str| comment(id, "u-1", body, json!({"parent": parent}));
    fixture.event(plain("c-1", "fine")).await;
    fixture.event(reply("c-2", "c-1", "You scoundrel!")).await;
    fixture.event(reply("c-3", "c-1", "fine")).await;
    fixture
        .event(comment("c-4", "u-4", "fine", json!({"parent": "c-2"})))
        .await;
    let path = format!("/admin/cases/{}", case_of("c-2"));
    let case = fixture.get(&path).await;
    assert_eq!(case["text"], "You scoundrel!");
    assert_eq!(case["event"]["data"]["body"], "You scoundrel!");
    assert_eq!(case["decisions"][0]["rules"][0]["id"], "insult");
    assert_eq!(
        case["thread"],
        json!({"article": "a-1", "parent": "c-1", "depth": 1, "siblings": ["c-3"], "children": ["c-4"]})
    );
    assert_eq!(
        (&case["history"]["approved"], &case["history"]["held"]),
        (&json!(1), &json!(1))
    );
    let rules_decision = case["decisions"][0]["decision"].clone();

    let decide = format!("{path}/decision");
    let stale = json!({"verdict": "approve", "version": 7});
    let (status, problem) = fixture.post(&decide, MODERATOR, stale).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::CONFLICT, &json!("version_conflict"))
    );

    let body = json!({"verdict": "reject", "version": 1, "reason": {"code": "offensive", "reference": "charter §3"}});
    let (status, answer) = fixture.post(&decide, MODERATOR, body.clone()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let made = &answer["decision"];
    assert_eq!(made["verdict"], "reject");
    assert_eq!(made["by"], json!({"kind": "moderator", "id": "anne"}));
    assert_eq!(made["supersedes"], rules_decision);
    assert_eq!(made["labels"], json!(["offensive"]));
    assert_eq!(
        made["statement"]["automated_decision"],
        "AUTOMATED_DECISION_PARTIALLY"
    );
    assert_eq!(made["statement"]["automated_detection"], true);
    assert_eq!(
        made["statement"]["category"],
        "STATEMENT_CATEGORY_CYBER_VIOLENCE"
    );

    // The same request again is the same decision; anything else is told what was decided.
    let records = fixture.service.journal.next();
    assert_eq!(
        fixture.post(&decide, MODERATOR, body.clone()).await,
        (StatusCode::OK, answer.clone())
    );
    assert_eq!(fixture.service.journal.next(), records);
    for (token, body) in [(SECOND, body), (MODERATOR, json!({"verdict": "approve"}))] {
        let (status, problem) = fixture.post(&decide, token, body).await;
        assert_eq!(
            (status, &problem["code"]),
            (StatusCode::CONFLICT, &json!("case_closed"))
        );
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("anne decided reject"), "{detail}");
    }
    let closed = fixture.get(&path).await;
    assert_eq!(
        (&closed["status"], &closed["closed"]["moderator"]),
        (&json!("closed"), &json!("anne"))
    );
    assert_eq!(closed["decisions"].as_array().unwrap().len(), 2);
    assert_eq!(
        ids(&fixture.get("/admin/cases?status=closed").await),
        ["c-2"]
    );
    assert_eq!(closed["history"]["rejected"], 1);

    // A repeat of the comment brings the rules' decision, and behind it what stands.
    let again = fixture.event(reply("c-2", "c-1", "You scoundrel!")).await;
    let verdicts: Vec<Verdict> = published(&again)
        .into_iter()
        .filter_map(|data| match data {
            Data::CommentDecided(decision) => Some(decision.verdict),
            _ => None,
        })
        .collect();
    assert_eq!(verdicts, [Verdict::Hold, Verdict::Reject]);
    // Later comments of the author are judged with it.
    assert_eq!(
        fixture
            .decide(comment("c-5", "u-1", "fine", json!({})))
            .await
            .labels,
        ["record"]
    );
    fixture.stop().await;
}

#[tokio::test]
async fn a_decision_that_says_too_little_is_refused_with_the_field() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    fixture.event(plain("c-2", "scoundrel")).await;
    let path = format!("/admin/cases/{}", case_of("c-2"));
    let decide = format!("{path}/decision");
    let refused = [
        (json!({"verdict": "hold"}), "verdict"),
        (json!({"verdict": "reject"}), "reason"),
        (
            json!({"verdict": "reject", "reason": {"code": "not a code"}}),
            "reason.code",
        ),
    ];
    for (body, field) in refused {
        let (status, problem) = fixture.post(&decide, MODERATOR, body).await;
        assert_eq!(
            (status, &problem["field"]),
            (StatusCode::BAD_REQUEST, &json!(field))
        );
    }
    let unknown = json!({"verdict": "approve", "verdct": "approve"});
    let (status, problem) = fixture.post(&decide, MODERATOR, unknown).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::BAD_REQUEST, &json!("invalid_body"))
    );
    let (status, _) = fixture
        .post(
            "/admin/cases/case-0/decision",
            MODERATOR,
            json!({"verdict": "approve"}),
        )
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(fixture.get(&path).await["status"], "open");
    fixture.stop().await;
}

#[tokio::test]
async fn two_moderators_at_once_make_one_decision() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    fixture.event(plain("c-1", "scoundrel")).await;
    let decide = format!("/admin/cases/{}/decision", case_of("c-1"));
    let (one, two) = tokio::join!(
        fixture.post(
            &decide,
            MODERATOR,
            json!({"verdict": "approve", "version": 1})
        ),
        fixture.post(
            &decide,
            SECOND,
            json!({"verdict": "reject", "version": 1, "reason": {"code": "x"}})
        ),
    );
    let mut statuses = [one.0, two.0];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::OK, StatusCode::CONFLICT]);
    // That a new rule is watched, the rules' decision, and one of a moderator.
    assert_eq!(fixture.service.journal.next(), 3);
    fixture.stop().await;
}

#[tokio::test]
async fn reports_and_appeals_open_cases_and_edits_do_not_answer_them() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    fixture.event(plain("c-1", "fine")).await;
    let first = fixture.event(reported("c-1", "r-1")).await;
    assert_eq!(case_news(&first), ["opened reported 21"]);
    assert_eq!(
        fixture.event(reported("c-1", "r-1")).await,
        first,
        "a repeat"
    );
    assert!(fixture.event(reported("c-1", "r-2")).await.is_empty());
    assert_eq!(
        fixture.get("/admin/cases").await["cases"][0]["priority"],
        22
    );
    assert!(case_news(&fixture.event(edit("c-1", 2, "very fine")).await).is_empty());
    assert_eq!(fixture.get("/admin/cases").await["cases"][0]["revision"], 2);

    // A report before its comment.
    assert!(fixture.event(reported("c-2", "r-3")).await.is_empty());
    assert_eq!(
        case_news(&fixture.event(plain("c-2", "fine")).await),
        ["opened reported 21"]
    );

    let made = fixture.decide(plain("c-3", "vermin")).await;
    let appeal = |id: &str| {
        let more = json!({"decision": made.decision, "appeal": "p-1"});
        about("decision.appealed", id, more)
    };
    let opened = fixture.event(appeal("c-3")).await;
    assert_eq!(case_news(&opened), ["opened appeal 30"]);
    assert_eq!(fixture.event(appeal("c-3")).await, opened);
    assert!(fixture.event(appeal("unknown")).await.is_empty());
    let decide = format!("/admin/cases/{}/decision", case_of("c-3"));
    assert_eq!(
        fixture
            .post(&decide, MODERATOR, json!({"verdict": "approve"}))
            .await
            .0,
        StatusCode::OK
    );
    fixture.stop().await;
}

#[tokio::test]
async fn a_withdrawal_closes_the_case_and_a_newer_revision_takes_it_back() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    fixture.event(plain("c-1", "scoundrel")).await;
    let closed = fixture.event(withdrawn("c-1")).await;
    assert_eq!(case_news(&closed), ["closed withdrawn"]);
    assert_eq!(fixture.event(withdrawn("c-1")).await, closed);
    assert!(ids(&fixture.get("/admin/cases").await).is_empty());
    assert!(
        fixture.event(reported("c-1", "r-1")).await.is_empty(),
        "nobody waits for what is gone"
    );
    assert_eq!(
        case_news(&fixture.event(edit("c-1", 2, "scoundrel")).await),
        ["opened rules 11"]
    );

    // A withdrawal before its comment.
    fixture.event(withdrawn("c-2")).await;
    let outgoing = fixture.event(plain("c-2", "scoundrel")).await;
    assert_eq!(decision(&outgoing).verdict, Verdict::Hold);
    assert!(case_news(&outgoing).is_empty());
    fixture.stop().await;
}
