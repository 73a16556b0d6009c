//! The texts of statements: what editors say, its versions, and what an author would read.

use super::at_desk::{at, refusal};
use super::*;

const TEXTS: &str = "/admin/texts";

impl Fixture {
    /// Sends texts, and returns the status, the `ETag` and the answer.
    async fn write(&self, tag: Option<&str>, texts: Value) -> (u16, String, Value) {
        let body = json!({"texts": texts, "note": "why"});
        let (status, tag, body) = self
            .exchange(Method::PUT, TEXTS, EDITOR, tag, Some(body))
            .await;
        (status.as_u16(), tag.unwrap_or_default(), body)
    }

    async fn would_read(&self, body: Value) -> Value {
        let path = format!("{TEXTS}/preview");
        let answer = self.done(Method::POST, &path, VIEWER, Some(body)).await;
        answer["statement"].clone()
    }
}

#[tokio::test]
async fn what_an_editor_says_is_told_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let before = fixture.get(TEXTS).await;
    assert_eq!(
        (&before["version"], &before["texts"]),
        (&json!(0), &json!({}))
    );
    let en = &before["defaults"]["rule"]["en"];
    assert_eq!(
        *en,
        "The text of the comment met the rule \"{rule}\": {explanation}"
    );
    assert_eq!(
        before["placeholders"]["moderator"],
        json!(["site", "article", "reason", "appeal_url"])
    );
    let texts = json!({
        "rule": {"en": "{site}/{article} {rule}: {explanation}"},
        "reason.insult": {"en": "Be kind on {site}."},
        "redress": {"en": "Write to us."},
    });
    assert_eq!(fixture.write(None, texts.clone()).await.0, 428);
    assert_eq!(fixture.write(Some("\"1\""), texts.clone()).await.0, 412);
    let (status, tag, after) = fixture.write(Some("\"0\""), texts.clone()).await;
    assert_eq!(
        (status, tag.as_str(), &after["texts"]),
        (200, "\"1\"", &texts)
    );
    // The same again is the same version; what somebody else wrote is not lost.
    assert_eq!(fixture.write(Some("*"), texts.clone()).await.1, "\"1\"");
    assert_eq!(fixture.write(Some("\"0\""), json!({})).await.0, 412);

    let held = fixture
        .decide(plain("c-1", "scoundrel"))
        .await
        .statement
        .unwrap();
    assert_eq!(held.facts, "courrier/a-1 insult: Abusive language.");
    assert_eq!(held.redress.as_deref(), Some("Write to us."));
    let french = comment("c-2", "u-2", "scoundrel", json!({"language": "fr"}));
    let held = fixture.decide(french).await.statement.unwrap();
    assert!(
        held.facts.starts_with("Le texte du commentaire"),
        "{}",
        held.facts
    );

    let fixture = fixture.again(dir.path(), true).await;
    let body = json!({"verdict": "reject", "reason": {"code": "insult"}});
    let path = at("c-1", "/decision");
    let answer = fixture
        .done(Method::POST, &path, MODERATOR, Some(body))
        .await;
    assert_eq!(
        answer["decision"]["statement"]["facts"],
        "Be kind on courrier."
    );

    // Back to the defaults, and forth again.
    let back = |to: u64| json!({"to": to});
    let path = format!("{TEXTS}/rollback");
    let send = |tag: &'static str, body: Value| {
        fixture.exchange(Method::POST, &path, EDITOR, Some(tag), Some(body))
    };
    assert_eq!(
        send("\"0\"", back(0)).await.0,
        StatusCode::PRECONDITION_FAILED
    );
    let (status, _, problem) = send("*", back(9)).await;
    assert_eq!((status.as_u16(), &problem["field"]), (400, &json!("to")));
    assert_eq!(send("\"1\"", back(0)).await.2["texts"], json!({}));
    assert_eq!(send("\"2\"", back(1)).await.2["texts"], texts);
    let listed = fixture.get(&format!("{TEXTS}/versions")).await;
    let told: Vec<_> = listed["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| {
            (
                version["version"].as_u64().unwrap(),
                version["restores"].as_u64(),
                version["by"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (3, Some(1), "edith"),
            (2, Some(0), "edith"),
            (1, None, "edith")
        ]
    );
    assert_eq!(listed["versions"][2]["note"], "why");
    let first = fixture.get(&format!("{TEXTS}/versions/1")).await;
    assert_eq!(first["texts"], texts);
    fixture.stop().await;
}

#[tokio::test]
async fn who_may_and_what_cannot_be_said() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let body = || Some(json!({"texts": {}}));
    for (token, expected) in [
        (VIEWER, refusal(403, "forbidden", "")),
        (MODERATOR, refusal(403, "forbidden", "")),
        (LOCAL_ADMIN, refusal(403, "forbidden", "")),
    ] {
        assert_eq!(
            fixture.refused(Method::PUT, TEXTS, token, body()).await,
            expected
        );
    }
    for (texts, field, limit) in [
        (
            json!({"rule": {"en": "{author}"}}),
            "texts.rule.en",
            Value::Null,
        ),
        (
            json!({"rule": {"tlh": "nuqneH"}}),
            "texts.rule.tlh",
            Value::Null,
        ),
        (
            json!({"reason.lost": {"en": "x"}}),
            "texts.reason.lost",
            Value::Null,
        ),
        (
            json!({"redress": {"de": "x".repeat(4_001)}}),
            "texts.redress.de",
            json!("4000 characters"),
        ),
    ] {
        let (status, _, problem) = fixture.write(Some("*"), texts).await;
        assert_eq!(
            (status, &problem["field"], &problem["limit"]),
            (400, &json!(field), &limit)
        );
    }
    fixture.stop().await;
}

#[tokio::test]
async fn an_author_is_told_in_the_language_that_they_wrote_in() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let by =
        |id: &str, language: Value| comment(id, "u-7", "scoundrel", json!({"language": language}));
    let told = |decision: Decision| decision.statement.unwrap().language.unwrap();
    assert_eq!(told(fixture.decide(by("c-1", json!("fr-CA"))).await), "fr");
    assert_eq!(told(fixture.decide(by("c-2", Value::Null)).await), "fr");
    assert_eq!(
        told(fixture.decide(by("c-3", json!("ja"))).await),
        "fr",
        "no texts in it"
    );
    assert_eq!(told(fixture.decide(by("c-4", json!("de"))).await), "de");
    let fixture = fixture.again(dir.path(), true).await;
    assert_eq!(told(fixture.decide(by("c-5", Value::Null)).await), "de");
    let unknown = comment("c-6", "u-8", "scoundrel", json!({"language": null}));
    assert_eq!(told(fixture.decide(unknown).await), "en");
    let body = json!({"verdict": "reject", "reason": {"code": "insult"}});
    let path = at("c-2", "/decision");
    let answer = fixture
        .done(Method::POST, &path, MODERATOR, Some(body))
        .await;
    assert_eq!(answer["decision"]["statement"]["language"], "de");
    fixture.stop().await;
}

#[tokio::test]
async fn a_preview_is_what_the_author_will_read() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    fixture.event(plain("c-1", "scoundrel")).await;
    let case = case_of("c-1");
    let reason = json!({"code": "spam", "reference": "§ 4"});
    let preview = fixture
        .would_read(json!({"case": case, "reason": reason}))
        .await;
    let body = json!({"verdict": "reject", "reason": reason});
    let path = at("c-1", "/decision");
    let answer = fixture
        .done(Method::POST, &path, MODERATOR, Some(body))
        .await;
    assert_eq!(answer["decision"]["statement"], preview);
    let preview = fixture
        .would_read(json!({"case": case, "rule": "insult", "language": "fr"}))
        .await;
    assert!(
        preview["facts"]
            .as_str()
            .unwrap()
            .ends_with("Vocabulaire injurieux.")
    );
    let draft = json!({"unjudged": {"ru": "Ждите на {site}."}});
    let body = json!({"case": case, "language": "ru", "texts": draft});
    assert_eq!(
        fixture.would_read(body).await["facts"],
        "Ждите на courrier."
    );
    assert_eq!(fixture.get(TEXTS).await["version"], 0);
    let path = format!("{TEXTS}/preview");
    for (body, token, expected) in [
        (
            json!({"case": case}),
            ELSEWHERE,
            refusal(404, "not_found", ""),
        ),
        (
            json!({"rule": "lost"}),
            VIEWER,
            refusal(400, "invalid_field", "rule"),
        ),
        (
            json!({"language": "tlh"}),
            VIEWER,
            refusal(400, "invalid_field", "language"),
        ),
        (
            json!({"rule": "insult", "reason": reason}),
            VIEWER,
            refusal(400, "invalid_field", "rule"),
        ),
        (
            json!({"texts": {"lost": {}}}),
            VIEWER,
            refusal(400, "invalid_field", "texts.lost"),
        ),
    ] {
        assert_eq!(
            fixture
                .refused(Method::POST, &path, token, Some(body))
                .await,
            expected
        );
    }
    fixture.stop().await;
}
