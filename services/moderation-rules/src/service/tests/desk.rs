//! What moderators do at a case without deciding it: claims, notes and escalations.

use std::time::Duration;

use super::at_desk::{at, refusal};
use super::*;

const APPROVE: &str = "approve";

#[tokio::test]
async fn a_claim_keeps_others_out_until_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::with_cases(dir.path(), &["c-1", "c-2"]).await;
    let (claim, decide) = (at("c-1", "/claim"), at("c-1", "/decision"));
    let approve = Some(json!({"verdict": APPROVE}));

    let case = fixture.done(Method::POST, &claim, MODERATOR, None).await;
    let anne = json!({"moderator": "anne", "until": "2026-11-24T12:10:00Z"});
    assert_eq!((&case["assignee"], &case["version"]), (&anne, &json!(1)));
    assert_eq!(fixture.get(&at("c-1", "")).await["assignee"], anne);
    assert_eq!(fixture.queue("?assignee=me", MODERATOR).await, ["c-1"]);
    assert_eq!(fixture.queue("?assignee=anne", SECOND).await, ["c-1"]);
    assert_eq!(fixture.queue("?assignee=none", SECOND).await, ["c-2"]);
    assert!(fixture.queue("?assignee=me", SECOND).await.is_empty());

    // Others can neither decide nor claim it, nor give it back, and hear whose it is.
    let claimed = refusal(409, "claimed", "");
    for (method, path, body) in [
        (Method::POST, &decide, approve.clone()),
        (Method::POST, &claim, None),
        (Method::DELETE, &claim, None),
    ] {
        assert_eq!(fixture.refused(method, path, SECOND, body).await, claimed);
    }
    let (_, problem) = fixture
        .post(&decide, SECOND, json!({"verdict": APPROVE}))
        .await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains("anne works on the case until 2026-11-24T12:10:00Z"),
        "{detail}"
    );

    // It is prolonged by whoever has it, outlives a restart, and a view that is built again.
    let longer = Some(json!({"minutes": 60}));
    fixture.clock.advance(Duration::from_mins(5));
    let case = fixture.done(Method::POST, &claim, MODERATOR, longer).await;
    assert_eq!(case["assignee"]["until"], "2026-11-24T13:05:00Z");
    let fixture = fixture.again(dir.path(), false).await;
    let fixture = fixture.again(dir.path(), true).await;
    assert_eq!(
        fixture.get(&at("c-1", "")).await["assignee"]["until"],
        "2026-11-24T13:05:00Z"
    );
    assert_eq!(
        fixture.refused(Method::POST, &claim, SECOND, None).await,
        claimed
    );

    // Once it is over, it is nobody's.
    fixture.clock.advance(Duration::from_hours(1));
    assert_eq!(fixture.get(&at("c-1", "")).await["assignee"], Value::Null);
    assert_eq!(
        fixture.queue("?assignee=none", MODERATOR).await,
        ["c-1", "c-2"]
    );
    fixture.done(Method::POST, &claim, SECOND, None).await;
    let back = fixture.done(Method::DELETE, &claim, SECOND, None).await;
    assert_eq!(back["assignee"], Value::Null);
    let records = fixture.service.journal.next();
    fixture.done(Method::DELETE, &claim, SECOND, None).await;
    assert_eq!(
        fixture.service.journal.next(),
        records,
        "there is nothing to give back"
    );

    // Deciding ends it; an admin need not wait.
    fixture.done(Method::POST, &claim, SECOND, None).await;
    fixture.done(Method::POST, &decide, ADMIN, approve).await;
    assert_eq!(fixture.get(&at("c-1", "")).await["assignee"], Value::Null);
    assert_eq!(
        fixture.refused(Method::POST, &claim, SECOND, None).await,
        refusal(409, "case_closed", "")
    );
    fixture.stop().await;
}

#[tokio::test]
async fn what_is_done_at_a_case_needs_its_site_a_role_and_sense() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::with_cases(dir.path(), &["c-1"]).await;
    let text = Some(json!({"text": "look"}));
    for (method, what, body) in [
        (Method::POST, "/claim", None),
        (Method::DELETE, "/claim", None),
        (Method::POST, "/notes", text),
        (Method::POST, "/escalate", None),
        (Method::DELETE, "/escalate", None),
    ] {
        let path = at("c-1", what);
        let asked = |token| fixture.refused(method.clone(), &path, token, body.clone());
        assert_eq!(
            asked(ELSEWHERE).await,
            refusal(404, "not_found", ""),
            "{what}"
        );
        assert_eq!(asked(VIEWER).await, refusal(403, "forbidden", ""), "{what}");
    }
    for (what, body, field) in [
        ("/claim", json!({"minutes": 0}), "minutes"),
        ("/claim", json!({"minutes": 61}), "minutes"),
        ("/notes", json!({"text": " "}), "text"),
        ("/notes", json!({"text": "é".repeat(4_001)}), "text"),
        ("/escalate", json!({"note": ""}), "note"),
    ] {
        let path = at("c-1", what);
        let found = fixture
            .refused(Method::POST, &path, MODERATOR, Some(body))
            .await;
        assert_eq!(found, refusal(400, "invalid_field", field), "{what}");
    }
    // Wrong bodies tell nothing of other sites' cases either.
    let path = at("c-1", "/claim");
    let wrong = Some(json!({"hours": 1}));
    assert_eq!(
        fixture
            .refused(Method::POST, &path, ELSEWHERE, wrong.clone())
            .await,
        refusal(404, "not_found", "")
    );
    assert_eq!(
        fixture.refused(Method::POST, &path, MODERATOR, wrong).await,
        refusal(400, "invalid_body", "hours")
    );
    fixture.stop().await;
}

#[tokio::test]
async fn notes_are_kept_in_order_and_once() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::with_cases(dir.path(), &["c-1"]).await;
    let path = at("c-1", "/notes");
    let note = |text: &str| json!({"text": text});
    let (_, first) = fixture
        .post(&path, MODERATOR, note("Ask the author."))
        .await;
    assert_eq!(
        (&first["author"], &first["at"], &first["text"]),
        (&json!("anne"), &json!(NOON), &json!("Ask the author."))
    );
    // The same request again is the same note, unless it calls itself otherwise.
    assert_eq!(
        fixture
            .post(&path, MODERATOR, note("Ask the author."))
            .await
            .1,
        first
    );
    let (_, second) = fixture
        .post_as("2", &path, MODERATOR, note("Ask the author."))
        .await;
    assert_ne!(second["note"], first["note"]);
    let (_, third) = fixture
        .post(&path, SECOND, note("é".repeat(4_000).as_str()))
        .await;
    let (_, again) = fixture
        .post_as("2", &path, MODERATOR, note("Ask the author."))
        .await;
    assert_eq!(again, second);
    let all = json!([first, second, third]);
    assert_eq!(fixture.get(&at("c-1", "")).await["notes"], all);

    // A case that is decided can be noted about; restarts keep all.
    fixture
        .done(
            Method::POST,
            &at("c-1", "/decision"),
            MODERATOR,
            Some(json!({"verdict": APPROVE})),
        )
        .await;
    let fixture = fixture.again(dir.path(), true).await;
    let (_, last) = fixture.post(&path, SECOND, note("It was irony.")).await;
    assert_eq!(
        fixture.get(&at("c-1", "")).await["notes"],
        json!([first, second, third, last])
    );
    assert_eq!(
        fixture.get("/admin/decisions").await["decisions"]
            .as_array()
            .unwrap()
            .len(),
        2
    );

    for n in 4..200 {
        fixture
            .done(Method::POST, &path, SECOND, Some(note(&n.to_string())))
            .await;
    }
    assert_eq!(
        fixture
            .refused(Method::POST, &path, SECOND, Some(note("more")))
            .await,
        refusal(409, "too_many_notes", "")
    );
    fixture.stop().await;
}

#[tokio::test]
async fn what_is_escalated_comes_first_until_it_is_decided() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::with_cases(dir.path(), &["c-1", "c-2", "c-3"]).await;
    fixture.event(reported("c-1", "r-1")).await;
    assert_eq!(fixture.queue("", MODERATOR).await, ["c-1", "c-2", "c-3"]);
    let path = at("c-3", "/escalate");
    let why = json!({"note": "Is this a threat?"});
    let case = fixture
        .done(Method::POST, &path, SECOND, Some(why.clone()))
        .await;
    assert_eq!(case["escalated"], json!({"by": "boris", "at": NOON}));
    assert_eq!(fixture.queue("", MODERATOR).await, ["c-3", "c-1", "c-2"]);
    assert_eq!(fixture.queue("?escalated=true", MODERATOR).await, ["c-3"]);
    assert_eq!(
        fixture.queue("?escalated=false", MODERATOR).await,
        ["c-1", "c-2"]
    );
    // A repeat changes nothing, another note is added.
    let records = fixture.service.journal.next();
    fixture.done(Method::POST, &path, SECOND, Some(why)).await;
    fixture.done(Method::POST, &path, MODERATOR, None).await;
    assert_eq!(fixture.service.journal.next(), records);
    let more = Some(json!({"note": "It is."}));
    let case = fixture.done(Method::POST, &path, MODERATOR, more).await;
    assert_eq!(case["escalated"]["by"], "boris");
    let whole = fixture.get(&at("c-3", "")).await;
    let notes = whole["notes"].as_array().unwrap().iter();
    let texts: Vec<_> = notes.map(|note| note["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["Is this a threat?", "It is."]);

    // Reports move it among what is escalated; pages go on behind it.
    fixture
        .done(Method::POST, &at("c-2", "/escalate"), MODERATOR, None)
        .await;
    fixture.event(reported("c-2", "r-2")).await;
    let fixture = fixture.again(dir.path(), true).await;
    assert_eq!(fixture.queue("", MODERATOR).await, ["c-2", "c-3", "c-1"]);
    let first = fixture.get("/admin/cases?limit=1").await;
    let next = format!("?limit=2&after={}", first["next"].as_str().unwrap());
    assert_eq!(fixture.queue(&next, MODERATOR).await, ["c-3", "c-1"]);

    // It ends when it is taken back, or decided.
    let case = fixture
        .done(Method::DELETE, &at("c-2", "/escalate"), SECOND, None)
        .await;
    assert_eq!(
        (&case["escalated"], &case["priority"]),
        (&Value::Null, &json!(21))
    );
    assert_eq!(fixture.queue("", MODERATOR).await, ["c-3", "c-1", "c-2"]);
    fixture
        .done(
            Method::POST,
            &at("c-3", "/decision"),
            MODERATOR,
            Some(json!({"verdict": APPROVE})),
        )
        .await;
    assert_eq!(fixture.queue("", MODERATOR).await, ["c-1", "c-2"]);
    assert_eq!(fixture.get(&at("c-3", "")).await["escalated"], Value::Null);
    fixture.stop().await;
}
