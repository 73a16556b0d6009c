//! The reasons that moderators choose from, and what they make of a statement.

use super::at_desk::{at, refusal};
use super::*;

/// A fixture with another text for one site.
async fn open(dir: &Path) -> Fixture {
    write_rules(dir, RULES);
    let mut config = config(dir);
    let more = json!({
        "code": "charter", "reference": "charter §3", "sites": ["courrier"],
        "text": {"fr": "Contraire à la charte de {site}, sous {article}.", "it": "Contrario."},
    });
    config
        .review
        .reasons
        .push(serde_json::from_value(more).unwrap());
    Fixture::open_as(config, dir).await
}

impl Fixture {
    /// The statement of a rejection for a reason.
    async fn stated(&self, id: &str, language: &str, reason: Value) -> Value {
        let more = json!({"language": language});
        let author = format!("author-of-{id}");
        self.event(comment(id, &author, "scoundrel", more)).await;
        let body = json!({"verdict": "reject", "reason": reason});
        let path = at(id, "/decision");
        let answer = self.done(Method::POST, &path, MODERATOR, Some(body)).await;
        answer["decision"]["statement"].clone()
    }
}

#[tokio::test]
async fn a_listed_code_says_what_the_author_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = open(dir.path()).await;
    let french = fixture
        .stated("c-1", "fr-CH", json!({"code": "hate"}))
        .await;
    assert_eq!(
        (&french["ground"], &french["language"]),
        (&json!("legal"), &json!("fr"))
    );
    assert_eq!(
        french["category"],
        "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH"
    );
    let facts = french["facts"].as_str().unwrap();
    assert!(
        facts.starts_with("Le commentaire incite à la haine"),
        "{facts}"
    );
    // A language without a text gets the default's, or else the first.
    let default = fixture
        .stated("c-2", "nl", json!({"code": "off_topic"}))
        .await;
    assert_eq!(
        default["facts"],
        "The comment has nothing to do with the article."
    );
    assert_eq!(default["language"], "en");
    let first = fixture
        .stated("c-3", "nl", json!({"code": "charter"}))
        .await;
    assert_eq!(
        first["facts"],
        "Contraire à la charte de courrier, sous a-1."
    );
    // The list names no category here, so the rules' stays.
    assert_eq!(first["category"], "STATEMENT_CATEGORY_CYBER_VIOLENCE");
    assert_eq!(
        (&first["reference"], &first["ground"]),
        (&json!("charter §3"), &json!("terms"))
    );
    let italian = fixture
        .stated("c-4", "it", json!({"code": "charter"}))
        .await;
    assert_eq!(
        (&italian["facts"], &italian["language"]),
        (&json!("Contrario."), &json!("it"))
    );
    // What the moderator says goes before the list.
    let own =
        json!({"code": "hate", "text": "In my words.", "reference": "§ 130", "ground": "terms"});
    let own = fixture.stated("c-5", "fr", own).await;
    assert_eq!(
        (&own["facts"], &own["reference"], &own["ground"]),
        (&json!("In my words."), &json!("§ 130"), &json!("terms"))
    );
    let unlisted = fixture.stated("c-6", "de", json!({"code": "other"})).await;
    assert!(unlisted["facts"].as_str().unwrap().contains("„other“"));
    fixture.stop().await;
}

#[tokio::test]
async fn the_list_shows_what_a_token_may_use() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = open(dir.path()).await;
    let codes = async |query: &str, token: &str| {
        let path = format!("/admin/reasons{query}");
        let listing = fixture.done(Method::GET, &path, token, None).await;
        let reasons = listing["reasons"].as_array().unwrap().clone();
        for reason in &reasons[..8] {
            let text = reason["text"].as_object().unwrap();
            assert_eq!(text.keys().collect::<Vec<_>>(), ["de", "en", "fr", "ru"]);
        }
        reasons.len()
    };
    assert_eq!(codes("", VIEWER).await, 9);
    assert_eq!(codes("?site=courrier", SECOND).await, 9);
    assert_eq!(codes("?site=elsewhere", VIEWER).await, 8);
    assert_eq!(codes("", ELSEWHERE).await, 8);
    let foreign = fixture.refused(Method::GET, "/admin/reasons?site=courrier", ELSEWHERE, None);
    assert_eq!(foreign.await, refusal(403, "forbidden", "site"));
    fixture.stop().await;
}

#[test]
fn reasons_that_cannot_work_are_refused_by_their_key() {
    let dir = tempfile::tempdir().unwrap();
    for (reason, key) in [
        (json!({"code": "a b", "text": {"en": "x"}}), "[8].code"),
        (json!({"code": "hate", "text": {"en": "x"}}), "[8].code"),
        (json!({"code": "x", "text": {}}), "[8].text"),
        (
            json!({"code": "x", "text": {"english": "x"}}),
            "[8].text.english",
        ),
        (json!({"code": "x", "text": {"en": ""}}), "[8].text.en"),
        (
            json!({"code": "x", "text": {"en": "by {author}"}}),
            "[8].text.en",
        ),
    ] {
        let mut config = config(dir.path());
        config
            .review
            .reasons
            .push(serde_json::from_value(reason).unwrap());
        let error = config.validate().unwrap_err().to_string();
        assert!(error.contains(&format!("review.reasons{key}")), "{error}");
    }
}
