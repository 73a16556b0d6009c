//! The log of decisions, and the view that follows from the journal.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::*;

fn seqs(listing: &Value) -> Vec<u64> {
    listing["decisions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["seq"].as_u64().unwrap())
        .collect()
}

#[tokio::test]
async fn the_log_has_filters_and_can_be_followed() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    fixture.event(plain("c-0", "fine")).await;
    fixture.event(reported("c-0", "r-1")).await;
    fixture.event(plain("c-1", "scoundrel")).await;
    fixture.event(plain("c-2", "vermin")).await;
    let decide = format!("/admin/cases/{}/decision", case_of("c-1"));
    fixture
        .post(&decide, MODERATOR, json!({"verdict": "approve"}))
        .await;

    let all = fixture.get("/admin/decisions").await;
    // Before the first decision stands that the new rules are watched.
    assert_eq!(seqs(&all), [1, 3, 4, 5]);
    assert_eq!((&all["next"], &all["more"]), (&json!(6), &json!(false)));
    assert_eq!(all["decisions"][1]["comment"], "c-1");
    let page = fixture.get("/admin/decisions?limit=2").await;
    assert_eq!(
        (seqs(&page), &page["next"], &page["more"]),
        (vec![1, 3], &json!(4), &json!(true))
    );
    assert_eq!(
        seqs(&fixture.get("/admin/decisions?limit=2&after=4").await),
        [4, 5]
    );
    assert_eq!(
        seqs(&fixture.get("/admin/decisions?verdict=approve").await),
        [1, 5]
    );
    assert_eq!(
        seqs(&fixture.get("/admin/decisions?by=moderator").await),
        [5]
    );
    assert_eq!(
        seqs(&fixture.get("/admin/decisions?comment=c-1").await),
        [3, 5]
    );
    assert_eq!(
        seqs(
            &fixture
                .get("/admin/decisions?site=courrier&comment=c-1")
                .await
        ),
        [3, 5]
    );
    assert_eq!(
        seqs(
            &fixture
                .get("/admin/decisions?site=courrier&comment=c-1&after=4")
                .await
        ),
        [5]
    );
    let id = all["decisions"][1]["decision"].as_str().unwrap();
    assert_eq!(
        fixture.get(&format!("/admin/decisions/{id}")).await,
        all["decisions"][1]
    );
    let (status, _) = fixture
        .request(Method::GET, "/admin/decisions/d-0", MODERATOR, None)
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);

    let (waited, _) = tokio::join!(fixture.get("/admin/decisions?after=6&wait=30"), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        fixture.event(plain("c-9", "fine")).await
    });
    assert_eq!(seqs(&waited), [6]);
    let empty = fixture.get("/admin/decisions?after=7&wait=1").await;
    assert_eq!((seqs(&empty), &empty["next"]), (vec![], &json!(7)));
    fixture.stop().await;
}

#[tokio::test]
async fn the_log_is_read_backwards_with_what_stands_now() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    fixture.event(plain("c-1", "scoundrel")).await;
    fixture.event(plain("c-2", "fine")).await;
    let decide = format!("/admin/cases/{}/decision", case_of("c-1"));
    fixture
        .post(&decide, MODERATOR, json!({"verdict": "approve"}))
        .await;

    let newest = async |query: &str| {
        let path = format!("/admin/decisions?order=newest{query}");
        fixture.get(&path).await
    };
    let all = newest("").await;
    assert_eq!(seqs(&all), [3, 2, 1]);
    assert_eq!(all["more"], false);
    let [approved, fine, held] = [0, 1, 2].map(|at| &all["decisions"][at]);
    assert_eq!(held["superseded_by"], approved["decision"]);
    assert_eq!(approved["superseded_by"], Value::Null);
    assert_eq!(fine["superseded_by"], Value::Null);

    let page = newest("&limit=2").await;
    assert_eq!((seqs(&page), &page["more"]), (vec![3, 2], &json!(true)));
    let rest = newest(&format!("&limit=2&before={}", page["next"])).await;
    assert_eq!((seqs(&rest), &rest["more"]), (vec![1], &json!(false)));

    let name = approved["by"]["id"].as_str().unwrap();
    for (query, expected) in [
        ("&rule=insult", vec![1]),
        ("&rule=none", vec![]),
        (&format!("&moderator={name}"), vec![3]),
        ("&moderator=nobody", vec![]),
        ("&author=author-of-c-1", vec![3, 1]),
        ("&author=nobody", vec![]),
        ("&by=rules&verdict=hold", vec![1]),
        ("&site=courrier&comment=c-1", vec![3, 1]),
        ("&from=2000-01-01T00:00:00Z", vec![3, 2, 1]),
        ("&from=2100-01-01T00:00:00Z", vec![]),
        ("&to=2000-01-01T00:00:00Z", vec![]),
        ("&to=2100-01-01T00:00:00Z", vec![3, 2, 1]),
    ] {
        assert_eq!(seqs(&newest(query).await), expected, "{query}");
    }
    for query in [
        "?order=newest&after=1",
        "?order=newest&wait=1",
        "?before=3",
        "?from=2000-01-01T00:00:00Z",
        "?to=2000-01-01T00:00:00Z",
        "?order=newest&from=yesterday",
    ] {
        let path = format!("/admin/decisions{query}");
        let (status, _) = fixture.request(Method::GET, &path, MODERATOR, None).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
    }
    fixture.stop().await;
}

async fn answers(fixture: &Fixture) -> Vec<Value> {
    let mut answers = Vec::new();
    for path in [
        "/admin/cases",
        "/admin/cases?status=closed",
        "/admin/decisions",
    ] {
        answers.push(fixture.get(path).await);
    }
    let mut rules = fixture.get("/admin/rules").await["rules"].clone();
    for rule in rules.as_array_mut().unwrap() {
        rule["since_start"] = Value::Null;
    }
    answers.push(rules);
    for id in ["c-1", "c-2", "c-3", "c-4"] {
        answers.push(fixture.get(&format!("/admin/cases/{}", case_of(id))).await);
    }
    answers
}

#[tokio::test]
async fn the_view_can_be_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let batch = vec![
        plain("c-1", "scoundrel"),
        plain("c-2", "scoundrel"),
        comment("c-3", "author-of-c-2", "vermin", json!({"parent": "c-2"})),
        plain("c-4", "scoundrel"),
        edit("c-1", 2, "old scoundrel"),
        reported("c-3", "r-1"),
        reported("c-2", "r-2"),
        withdrawn("c-4"),
        event(
            "e-a",
            "article.published",
            json!({"site": "courrier", "article": "a-1", "title": "t", "body": "b", "published_at": "2026-11-01T00:00:00Z"}),
        ),
    ];
    fixture.events(batch).await;
    let decide = format!("/admin/cases/{}/decision", case_of("c-2"));
    let reason = json!({"verdict": "reject", "reason": {"code": "offensive"}});
    assert_eq!(
        fixture.post(&decide, MODERATOR, reason.clone()).await.0,
        StatusCode::OK
    );
    let before = answers(&fixture).await;
    fixture.stop().await;

    // Left as it is.
    let fixture = Fixture::open(dir.path()).await;
    assert_eq!(answers(&fixture).await, before);
    fixture.stop().await;

    std::fs::remove_dir_all(dir.path().join("moderation/view")).unwrap();
    let fixture = Fixture::open(dir.path()).await;
    assert_eq!(answers(&fixture).await, before);
    // And it goes on from there.
    assert_eq!(
        fixture.post(&decide, MODERATOR, reason).await.0,
        StatusCode::OK
    );
    let next = fixture
        .decide(comment("c-9", "author-of-c-2", "fine", json!({})))
        .await;
    assert_eq!(next.labels, ["record"]);
    fixture.stop().await;
}

#[tokio::test]
async fn the_view_holds_no_words() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let named = json!({"author": {"id": "author-u-1", "display_name": "Ernestine Quibble"}});
    fixture
        .event(comment("c-1", "", "You scoundrel of Zanzibar!", named))
        .await;
    fixture.stop().await;
    let mut folders = vec![dir.path().join("moderation/view")];
    let mut ids_found = false;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            let has = |word: &str| {
                bytes
                    .windows(word.len())
                    .any(|part| part == word.as_bytes())
            };
            ids_found |= has("author-u-1");
            for word in ["scoundrel", "Zanzibar", "Ernestine"] {
                assert!(!has(word), "{word} in {}", path.display());
            }
        }
    }
    assert!(ids_found, "the view was not written");
}
