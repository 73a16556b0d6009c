//! What was published: listed without words, and sent again byte for byte.

use bytes::Bytes;
use serde_json::value::RawValue;
use stoa_proto::{Exchange, Kind};

use super::*;

const PAGE: &str = "/admin/published";
const RESEND: &str = "/admin/published/resend";

/// Publishes a comment, a refused one, its report and an article: records 0 to 3.
async fn filled(fixture: &Fixture) -> Running {
    let ingest = fixture.start().await;
    let about = json!({"site": "courrier", "article": "a-1", "comment": "c-1",
        "report": "r-1", "reason": "spam", "text": "secret words"});
    let article = json!({"site": "courrier", "article": "a-1", "title": "secret title",
        "body": "secret words"});
    for (event, expected) in [
        (comment("e-1", "c-1", "secret words"), "accepted"),
        (comment("e-2", "c-2", ""), "invalid_field data.body"),
        (event("e-3", "comment.reported", &about), "accepted"),
        (event("e-4", "article.published", &article), "accepted"),
    ] {
        assert_eq!(ingest.one(&event).await, expected);
    }
    ingest
}

/// Waits until the outbox has published everything.
async fn published(ingest: &Running) {
    for _ in 0..500 {
        let (_, status) = ingest.admin("/admin/status", ADMIN).await;
        if status["waiting"]["records"] == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the outbox does not get on");
}

async fn page(ingest: &Running, query: &str) -> Value {
    let (status, page) = ingest.admin(&format!("{PAGE}{query}"), ADMIN).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    page
}

fn seqs(page: &Value) -> Vec<u64> {
    let events = page["events"].as_array().unwrap();
    events
        .iter()
        .map(|event| event["seq"].as_u64().unwrap())
        .collect()
}

async fn resend(ingest: &Running, token: &str, body: &Value) -> (StatusCode, Value) {
    let request = Request::post(RESEND)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .unwrap();
    read(ingest.admin.clone().oneshot(request).await.unwrap()).await
}

/// The events that the exchange has got, byte for byte.
fn sent(fixture: &Fixture) -> Vec<Bytes> {
    let dir = fixture
        .dir
        .path()
        .join("bus")
        .join(Exchange::Content.name());
    let mut events = Vec::new();
    for record in stoa_journal::Reader::open(&dir).unwrap() {
        let body = record.unwrap().payload;
        if body.starts_with(b"[") {
            let parts: Vec<&RawValue> = serde_json::from_slice(&body).unwrap();
            events.extend(
                parts
                    .iter()
                    .map(|part| body.slice_ref(part.get().as_bytes())),
            );
        } else {
            events.push(body);
        }
    }
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_published_is_listed_by_its_keys() {
    let fixture = Fixture::new();
    let mut ingest = filled(&fixture).await;
    assert_eq!(
        seqs(&page(&ingest, "").await),
        [0; 0],
        "nothing is published yet"
    );
    ingest.work();
    published(&ingest).await;
    let whole = page(&ingest, "").await;
    assert_eq!(
        whole,
        json!({"events": [
            {"seq": 0, "source": SOURCE, "id": "e-1", "type": Kind::CommentSubmitted.as_str(),
             "site": "courrier", "thread": "a-1", "comment": "c-1", "revision": 1,
             "time": "2026-11-24T12:00:00Z"},
            {"seq": 2, "source": SOURCE, "id": "e-3", "type": Kind::CommentReported.as_str(),
             "site": "courrier", "thread": "a-1", "comment": "c-1", "report": "r-1",
             "time": "2026-11-24T12:00:00.000001Z"},
            {"seq": 3, "source": SOURCE, "id": "e-4", "type": Kind::ArticlePublished.as_str(),
             "site": "courrier", "thread": "a-1", "time": "2026-11-24T12:00:00.000002Z"},
        ], "next": null, "from": 0, "end": 4})
    );
    let first = page(&ingest, "?limit=1").await;
    assert_eq!((seqs(&first), &first["next"]), (vec![0], &json!(1)));
    let rest = page(&ingest, "?from=1&limit=2").await;
    assert_eq!((seqs(&rest), &rest["next"]), (vec![2, 3], &Value::Null));
    ingest.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_on_its_way_and_what_is_too_old_are_left_out() {
    let fixture = Fixture::new();
    let mut ingest = filled(&fixture).await;
    fixture.clock.advance(Duration::from_secs(20));
    assert_eq!(ingest.one(&comment("e-5", "c-5", "late")).await, "accepted");
    ingest.work();
    published(&ingest).await;
    fixture.clock.advance(Duration::from_secs(11));
    for (query, expected) in [
        ("?settle=30", vec![0, 2, 3]),
        ("?settle=40", vec![]),
        ("?settle=0&since=2026-11-24T12:00:01Z", vec![4]),
        ("?since=2026-11-24T13:00:21%2B01:00", vec![]),
        ("?from=3&since=2026-11-24T12:00:01Z", vec![3, 4]),
    ] {
        assert_eq!(seqs(&page(&ingest, query).await), expected, "{query}");
    }
    ingest.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_sent_again_byte_for_byte() {
    let fixture = Fixture::new();
    let mut ingest = filled(&fixture).await;
    ingest.work();
    published(&ingest).await;
    let (status, answer) = resend(&ingest, ADMIN, &json!({"seqs": [3, 1, 0, 3, 900]})).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer, json!({"resent": [0, 3], "gone": [1, 900]}));
    ingest.stop().await;
    let sent = sent(&fixture);
    assert_eq!(sent.len(), 5);
    assert_eq!((&sent[3], &sent[4]), (&sent[0], &sent[2]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_erased_is_neither_listed_nor_sent() {
    let fixture = Fixture::new();
    let mut ingest = filled(&fixture).await;
    let journal = ingest.service().journal.clone();
    ingest.work();
    published(&ingest).await;
    journal.redact(0).await.unwrap();
    assert_eq!(seqs(&page(&ingest, "").await), [2, 3]);
    let (_, answer) = resend(&ingest, ADMIN, &json!({"seqs": [0]})).await;
    assert_eq!(answer, json!({"resent": [], "gone": [0]}));
    drop(journal);
    ingest.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_admin_of_all_sites_may_and_only_so_much() {
    let fixture = Fixture::new();
    let mut config = fixture.config();
    config
        .tokens
        .push(token("local", Role::Admin, LOCAL_ADMIN, "courrier"));
    let ingest = fixture.start_with(config).await;
    for (token, expected) in [
        ("nobody-knows-this-token", StatusCode::UNAUTHORIZED),
        (MODERATOR, StatusCode::FORBIDDEN),
        (LOCAL_ADMIN, StatusCode::FORBIDDEN),
        (ADMIN, StatusCode::OK),
    ] {
        assert_eq!(ingest.admin(PAGE, token).await.0, expected, "{token}");
        let (status, _) = resend(&ingest, token, &json!({"seqs": []})).await;
        assert_eq!(status, expected, "{token}");
    }
    let (status, problem) = resend(&ingest, ADMIN, &json!({"seqs": vec![0; 4_001]})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(
        (&problem["field"], &problem["limit"]),
        (&json!("seqs"), &json!("4000"))
    );
    for query in ["?since=yesterday", "?settle=-1", "?until=1"] {
        let (status, _) = ingest.admin(&format!("{PAGE}{query}"), ADMIN).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
    }
    ingest.stop().await;
}
