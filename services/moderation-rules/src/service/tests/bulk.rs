//! Many cases at once: what would be decided, what is, and that it is undone.

use super::at_desk::{at, refusal};
use super::*;

const BULK: &str = "/admin/cases/bulk";

impl Fixture {
    async fn bulk(&self, token: &str, body: Value) -> Value {
        self.done(Method::POST, BULK, token, Some(body)).await
    }

    async fn status(&self, comment: &str) -> Value {
        self.get(&at(comment, "")).await["status"].clone()
    }
}

/// What the cases of an answer are about.
fn comments(answer: &Value) -> Vec<&str> {
    let cases = answer["cases"].as_array().unwrap().iter();
    cases
        .map(|case| case["comment"].as_str().unwrap())
        .collect()
}

/// The list that is sent back, from a dry run.
fn seen(preview: &Value) -> Value {
    let cases = preview["cases"].as_array().unwrap().iter();
    cases
        .map(|case| json!({"case": case["case"], "version": case["version"]}))
        .collect()
}

#[tokio::test]
async fn a_preview_is_decided_as_it_was_seen_and_once() {
    let dir = tempfile::tempdir().unwrap();
    let all = ["c-1", "c-2", "c-3", "c-4", "c-5"];
    let fixture = Fixture::with_cases(dir.path(), &all).await;
    fixture
        .event(comment(
            "x-1",
            "u-x",
            "scoundrel",
            json!({"site": "elsewhere"}),
        ))
        .await;
    let approve = Some(json!({"verdict": "approve"}));
    fixture
        .done(Method::POST, &at("c-2", "/decision"), MODERATOR, approve)
        .await;
    fixture
        .done(Method::POST, &at("c-3", "/claim"), MODERATOR, None)
        .await;
    let foreign = stoa_proto::ids::case_id("elsewhere", "x-1");
    let mut cases: Vec<String> = all.iter().map(|id| case_of(id)).collect();
    cases.push(foreign.clone());

    let reason = json!({"code": "spam"});
    let ask = json!({"cases": cases, "verdict": "reject", "reason": reason, "dry_run": true});
    let records = fixture.service.journal.next();
    let preview = fixture.bulk(SECOND, ask).await;
    assert_eq!(comments(&preview), ["c-1", "c-4", "c-5"]);
    assert_eq!(preview["labels"], json!({"insult": 3}));
    assert_eq!(
        (&preview["dry_run"], &preview["more"]),
        (&json!(true), &json!(false))
    );
    let left = |case: &str, code: &str| json!({"case": case, "code": code});
    let left_out = json!([
        left(&case_of("c-2"), "case_closed"),
        left(&case_of("c-3"), "claimed"),
        left(&foreign, "not_found"),
    ]);
    assert_eq!(preview["left_out"], left_out);
    assert_eq!(
        fixture.service.journal.next(),
        records,
        "a dry run writes nothing"
    );

    // What changed since is not decided.
    fixture.event(edit("c-5", 2, "still a scoundrel")).await;
    let mut wanted = seen(&preview);
    let foreign_case = json!({"case": foreign, "version": 1});
    wanted.as_array_mut().unwrap().push(foreign_case);
    let body = json!({"cases": wanted, "verdict": "reject", "reason": reason});
    let done = fixture.bulk(SECOND, body.clone()).await;
    let decided = done["decided"].as_array().unwrap();
    let of: Vec<_> = decided.iter().map(|made| &made["case"]).collect();
    assert_eq!(of, [&json!(case_of("c-1")), &json!(case_of("c-4"))]);
    let left_out = json!([
        left(&foreign, "not_found"),
        left(&case_of("c-5"), "version_conflict")
    ]);
    assert_eq!(done["left_out"], left_out);
    assert_eq!(fixture.status("c-1").await, "closed");
    let whole = fixture.get(&at("c-4", "")).await;
    assert_eq!(whole["decisions"][1]["decision"], decided[1]["decision"]);
    assert_eq!(whole["decisions"][1]["labels"], json!(["spam"]));

    // The same request again is the same bulk, also after a restart.
    let fixture = fixture.again(dir.path(), true).await;
    let records = fixture.service.journal.next();
    assert_eq!(fixture.bulk(SECOND, body).await, done);
    assert_eq!(fixture.service.journal.next(), records);
    fixture.stop().await;
}

#[tokio::test]
async fn a_bulk_is_undone_but_for_what_was_decided_since() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::with_cases(dir.path(), &["c-1", "c-4"]).await;
    let one = |id: &str| json!({"case": case_of(id), "version": 1});
    let ask = json!({"cases": [one("c-1"), one("c-4")], "verdict": "approve"});
    let done = fixture.bulk(SECOND, ask).await;
    let decided = done["decided"].as_array().unwrap();
    // One was undone by itself; the other is.
    let one = decided[0]["decision"].as_str().unwrap();
    let path = format!("/admin/decisions/{one}/undo");
    fixture.done(Method::POST, &path, ADMIN, None).await;
    let undo = format!("/admin/bulk/{}/undo", done["bulk"].as_str().unwrap());
    for (token, expected) in [
        (ELSEWHERE, refusal(404, "not_found", "")),
        (VIEWER, refusal(403, "forbidden", "")),
    ] {
        assert_eq!(
            fixture.refused(Method::POST, &undo, token, None).await,
            expected
        );
    }
    let none = fixture.done(Method::POST, &undo, MODERATOR, None).await;
    assert_eq!(
        (&none["undone"], &none["left_out"][1]["code"]),
        (&json!([]), &json!("forbidden"))
    );
    let undone = fixture.done(Method::POST, &undo, SECOND, None).await;
    assert_eq!(undone["undone"][0]["undoes"], decided[1]["decision"]);
    assert_eq!(undone["undone"].as_array().unwrap().len(), 1);
    let kept = &undone["left_out"][0];
    assert_eq!(
        (&kept["decision"], &kept["code"]),
        (&json!(one), &json!("superseded"))
    );
    assert_eq!(
        fixture.queue("?site=courrier", MODERATOR).await,
        ["c-1", "c-4"]
    );
    assert_eq!(
        fixture.done(Method::POST, &undo, SECOND, None).await,
        undone,
        "a repeat"
    );
    let unknown = fixture
        .refused(Method::POST, "/admin/bulk/bulk-0/undo", SECOND, None)
        .await;
    assert_eq!(unknown, refusal(404, "not_found", ""));
    fixture.stop().await;
}

#[tokio::test]
async fn an_author_s_cases_and_those_of_a_subtree_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    for (id, author, parent) in [
        ("c-1", "u-1", None),
        ("c-2", "u-2", Some("c-1")),
        ("c-3", "u-1", Some("c-2")),
        ("c-4", "u-3", None),
        ("c-5", "u-1", None),
    ] {
        let more = json!({"parent": parent});
        fixture.event(comment(id, author, "scoundrel", more)).await;
    }
    let found = async |select: &str, of: Value, token: &str| {
        let mut body = json!({"verdict": "approve", "dry_run": true});
        body[select] = of;
        let answer = fixture.bulk(token, body).await;
        comments(&answer)
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let author = json!({"site": "courrier", "author": "u-1"});
    assert_eq!(
        found("author", author.clone(), MODERATOR).await,
        ["c-1", "c-3", "c-5"]
    );
    assert!(found("author", author, ELSEWHERE).await.is_empty());
    let subtree = json!({"site": "courrier", "comment": "c-1"});
    assert_eq!(
        found("subtree", subtree.clone(), MODERATOR).await,
        ["c-1", "c-2", "c-3"]
    );
    assert!(found("subtree", subtree, ELSEWHERE).await.is_empty());
    let nobody = json!({"site": "courrier", "comment": "c-9"});
    assert!(found("subtree", nobody, MODERATOR).await.is_empty());
    fixture.stop().await;
}

#[tokio::test]
async fn a_bulk_that_says_too_little_or_too_much_is_refused_with_the_field() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let author = json!({"site": "courrier", "author": "u-1"});
    let many: Vec<String> = (0..501).map(|n| format!("case-{n}")).collect();
    for (body, field) in [
        (json!({"verdict": "approve"}), "cases"),
        (
            json!({"verdict": "approve", "cases": [], "dry_run": true}),
            "cases",
        ),
        (
            json!({"verdict": "approve", "cases": many, "dry_run": true}),
            "cases",
        ),
        (
            json!({"verdict": "approve", "cases": ["case-1", "case-1"], "dry_run": true}),
            "cases",
        ),
        (
            json!({"verdict": "approve", "cases": ["case-1"], "author": author, "dry_run": true}),
            "cases",
        ),
        // Only what was seen is decided.
        (json!({"verdict": "approve", "cases": ["case-1"]}), "cases"),
        (json!({"verdict": "approve", "author": author}), "cases"),
        (
            json!({"verdict": "reject", "author": author, "dry_run": true}),
            "reason",
        ),
        (
            json!({"verdict": "hold", "author": author, "dry_run": true}),
            "verdict",
        ),
    ] {
        let found = fixture
            .refused(Method::POST, BULK, MODERATOR, Some(body.clone()))
            .await;
        assert_eq!(found, refusal(400, "invalid_field", field), "{body}");
    }
    let body = json!({"verdict": "approve", "cases": ["case-1"], "dry_run": true});
    let found = fixture
        .refused(Method::POST, BULK, VIEWER, Some(body))
        .await;
    assert_eq!(found, refusal(403, "forbidden", ""));
    fixture.stop().await;
}
