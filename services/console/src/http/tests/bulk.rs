//! Many cases at once, what authors are put under, escalations, and cases that are another's.

use super::*;

impl Running {
    fn worked(&self) -> Vec<String> {
        std::mem::take(&mut *self.stub.worked.lock().unwrap())
    }
}

#[tokio::test]
async fn many_cases_are_looked_at_decided_and_undone() {
    let running = Running::new().await;
    let mut browser = running.as_user("moderator").await;
    let queue = browser.get("/").await.body;
    assert!(
        queue.contains("name=\"case\" value=\"k-2\" form=\"bulk\""),
        "{queue}"
    );
    for (query, asked) in [
        ("case=k-1&case=k-3", r#""cases":["k-1","k-3"]"#),
        (
            "site=courrier&author=u-1",
            r#""author":{"site":"courrier","author":"u-1"}"#,
        ),
        (
            "site=courrier&comment=c-1",
            r#""subtree":{"site":"courrier","comment":"c-1"}"#,
        ),
    ] {
        let page = browser.get(&format!("/bulk?{query}")).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        let worked = running.worked();
        assert!(
            worked[0].contains(asked) && worked[0].contains("\"dry_run\":true"),
            "{worked:?}"
        );
        for part in [
            "1 case would be decided.",
            "what a &#60;b&#62;scoundrel&#60;/b&#62;",
            "value=\"k-1@7\" checked",
            "There are more.",
            "somebody else works on it",
            "value=\"charter\"",
        ] {
            assert!(page.body.contains(part), "{part}: {}", page.body);
        }
    }
    let none = browser.get("/bulk").await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(running.worked().is_empty(), "nothing was asked");

    let fields = [
        ("case", "k-1@7"),
        ("case", "k-2@3"),
        ("verdict", "reject"),
        ("reason", "charter"),
    ];
    for wrong in [
        &fields[2..],
        &fields[..3],
        &[fields[0], ("verdict", "hold")],
    ] {
        let answer = browser.post("/bulk", wrong).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong:?}");
    }
    assert!(
        running
            .worked()
            .iter()
            .all(|asked| asked.contains("dry_run"))
    );
    // The stub lists this reason for a site alone.
    let fields = [fields[0], fields[1], fields[2], ("reason", "hate_speech")];
    let done = browser.post("/bulk", &fields).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.body);
    let asked = r#"bulk {"cases":[{"case":"k-1","version":7},{"case":"k-2","version":3}],"verdict":"reject","reason":{"code":"hate_speech"}}"#;
    assert_eq!(running.worked(), [asked]);
    for part in [
        "1 comment was rejected.",
        "it has changed since you saw it",
        "/bulk/bulk-1/undo",
    ] {
        assert!(done.body.contains(part), "{part}: {}", done.body);
    }
    let undone = browser.post("/bulk/bulk-1/undo", &[]).await;
    assert!(
        undone
            .body
            .contains("1 decision was undone; its case is open again."),
        "{}",
        undone.body
    );
    assert!(
        undone
            .body
            .contains("the time in which it can be undone is over")
    );
    assert_eq!(
        browser.post("/bulk/bulk-2/undo", &[]).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_measure_is_looked_at_before_it_is_taken() {
    let running = Running::new().await;
    let mut browser = running.as_user("moderator").await;
    let path = "/cases/k-1/measure?label=insult";
    let suspend = [
        ("sanction", "suspend"),
        ("until", "2026-12-31"),
        ("why", "Again & again."),
    ];
    let page = browser.post(path, &suspend).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    for part in [
        "Until then each new comment",
        "Again &#38; again.",
        "name=\"sure\"",
        "/bulk?site=courrier&#38;author=u-1",
    ] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    assert!(running.worked().is_empty(), "looking does nothing");
    let mut sure = suspend.to_vec();
    sure.push(("sure", "1"));
    let done = browser.post(path, &sure).await;
    assert_eq!(
        done.headers["location"],
        "/cases/k-1?label=insult&done=measure"
    );
    let asked = r#"sanction u-1 {"sanction":"suspend","until":"2026-12-31T23:59:59Z","reason":"Again & again."}"#;
    assert_eq!(running.worked(), [asked]);
    for wrong in [
        [("sanction", "suspend"), ("until", "")],
        [("sanction", "ban"), ("until", "2026-12-31")],
        [("sanction", "premoderate"), ("until", "soon")],
        [("sanction", "torture"), ("until", "")],
    ] {
        let mut fields = wrong.to_vec();
        fields.push(("sure", "1"));
        let answer = browser.post(path, &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong:?}");
        assert!(
            !answer.body.contains("name=\"sure\""),
            "what is wrong can't be done"
        );
    }
    let lift = [("sanction", "lift"), ("sure", "1")];
    let refused = browser.post(path, &lift).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(
        refused.body.contains("the author is under nothing"),
        "{}",
        refused.body
    );
    assert!(running.worked().is_empty());
}

#[tokio::test]
async fn a_case_is_escalated_and_a_refused_note_stays() {
    let running = Running::new().await;
    let mut browser = running.as_user("moderator").await;
    let answer = browser
        .post("/cases/k-1/escalate", &[("note", " A threat? ")])
        .await;
    assert_eq!(answer.headers["location"], "/cases/k-1");
    browser.post("/cases/k-1/escalate", &[]).await;
    browser.post("/cases/k-1/calm", &[]).await;
    assert_eq!(
        running.worked(),
        [r#"escalate {"note":"A threat?"}"#, "escalate {}", "calm"]
    );
    let refused = browser
        .post("/cases/k-1/escalate", &[("note", "too much")])
        .await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(
        refused.body.contains(">too much</textarea>"),
        "{}",
        refused.body
    );
    *running.stub.case.lock().unwrap() = json!({"escalated": {"by": "anne", "at": null}});
    let page = browser.get("/cases/k-1").await.body;
    assert!(
        page.contains("put first by anne") && page.contains("/cases/k-1/calm"),
        "{page}"
    );
    assert!(page.contains("overdue by 5 min"), "{page}");
}

#[tokio::test]
async fn a_case_of_somebody_else_is_not_decided_but_taken_over_by_an_admin() {
    let running = Running::new().await;
    let claim = json!({"assignee": {"moderator": "anne", "until": "2026-11-24T18:10:00Z"}});
    *running.stub.case.lock().unwrap() = claim;
    let mut moderator = running.as_user("moderator").await;
    let mut admin = running.as_user("admin").await;
    for browser in [&mut moderator, &mut admin] {
        let page = browser.get("/cases/k-1").await.body;
        assert!(
            page.contains("anne works on it") && !page.contains("id=\"approve\""),
            "{page}"
        );
    }
    assert!(
        !moderator
            .get("/cases/k-1")
            .await
            .body
            .contains("name=\"take\"")
    );
    let plain = admin.post("/cases/k-1/claim", &[]).await;
    assert_eq!(
        plain.status,
        StatusCode::CONFLICT,
        "not by a button that was shown before"
    );
    let taken = admin.post("/cases/k-1/claim", &[("take", "1")]).await;
    assert_eq!(taken.headers["location"], "/cases/k-1");
    assert_eq!(running.worked(), ["claim"]);
}
