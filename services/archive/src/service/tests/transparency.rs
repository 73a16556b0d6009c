//! The transparency log over HTTP.

use stoa_tlog::{Checkpoint, ConsistencyProof, Frontier, Verifier};

use super::*;

fn comment(n: usize) -> Value {
    json!({
        "specversion": "1.0", "id": format!("e-{n}"), "source": "https://news.example/",
        "type": "stoa.comment.submitted.v1", "recordedtime": "2026-11-24T12:00:00Z",
        "data": {"site": "courrier", "article": "a-1", "comment": format!("c-{n}"),
                 "author": {"id": "u-1"}, "body": format!("words of {n}")},
    })
}

async fn publish(running: &Running, numbers: std::ops::Range<usize>) {
    let outgoing = numbers.map(|n| {
        let event = Event::from_json(comment(n).to_string().as_bytes()).unwrap();
        Outgoing::new(Exchange::Content, &event)
    });
    let publisher = running.bus.publisher();
    publisher.publish(outgoing.collect()).await.unwrap();
}

/// Waits for a checkpoint over so many records; returns its note.
async fn checkpoint(running: &Running, at_least: u64) -> String {
    let waiting = async {
        loop {
            if let (StatusCode::OK, Value::String(note)) = running.get("/checkpoint", VIEWER).await
                && Checkpoint::read_unverified(&note).unwrap().size >= at_least
            {
                return note;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting)
        .await
        .unwrap()
}

async fn text(running: &Running, path: &str, token: &str) -> String {
    match running.ok(path, token).await {
        Value::String(text) => text,
        other => panic!("{path}: {other}"),
    }
}

async fn bytes(running: &Running, path: &str) -> Vec<u8> {
    let request = Request::get(path).header("authorization", format!("Bearer {VIEWER}"));
    let request = request.body(Body::empty()).unwrap();
    let answer = running.public.clone().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    to_bytes(answer.into_body(), usize::MAX)
        .await
        .unwrap()
        .to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_tiles_and_proofs_are_served_and_agree() {
    let fixture = Fixture::new();
    let mut config = fixture.config();
    config.transparency.enabled = true;
    config.transparency.origin = "archive.example/log".to_owned();
    config.transparency.checkpoint_every = "50ms".parse().unwrap();
    let running = fixture.start_with(config).await;
    publish(&running, 0..300).await;
    let old = checkpoint(&running, 300).await;
    publish(&running, 300..600).await;
    let note = checkpoint(&running, 600).await;

    let key = Verifier::parse(&text(&running, "/v1/log/key", VIEWER).await).unwrap();
    let signed = Checkpoint::open(&note, &key).unwrap();
    assert_eq!(signed.origin, "archive.example/log");

    // The entries lead to the leaves, and these to the root.
    let mut frontier = Frontier::default();
    for first in (0..signed.size).step_by(256) {
        let width = (signed.size - first).min(256);
        let part = if width == 256 {
            String::new()
        } else {
            format!(".p/{width}")
        };
        let tile = bytes(&running, &format!("/tile/0/{:03}{part}", first / 256)).await;
        let entries = bytes(&running, &format!("/tile/entries/{:03}{part}", first / 256)).await;
        for (entry, hash) in entries.chunks(63).zip(tile.chunks(32)) {
            assert_eq!(entry[..2], [0, 61]);
            let leaf = stoa_tlog::leaf(&entry[2..]);
            assert_eq!(leaf[..], *hash);
            frontier.push(leaf);
        }
    }
    assert_eq!(frontier.size(), signed.size);
    assert_eq!(frontier.root(), signed.root);

    let path = "/v1/sites/courrier/comments/c-7/proof";
    let proof = text(&running, path, VIEWER).await;
    let proven = crate::transparency::read_proof(&proof, &key).unwrap();
    assert!(proof.ends_with(&note) || proven.checkpoint.size >= signed.size);
    let event = serde_json::from_slice::<Value>(&proven.event.unwrap().to_json()).unwrap();
    assert_eq!(event["data"]["comment"], "c-7");

    let size = Checkpoint::open(&old, &key).unwrap().size;
    let path = format!("/v1/log/consistency?old={size}");
    let proof = ConsistencyProof::parse(&text(&running, &path, VIEWER).await).unwrap();
    proof.verify(&old, &key).unwrap();

    // Its checkpoints come back as events, and are no reason for another one.
    let come_back = async {
        while running.journal.next() < 602 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), come_back)
        .await
        .unwrap();
    let quiet = checkpoint(&running, 600).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(checkpoint(&running, 600).await, quiet);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_for_tokens_unless_it_is_public_and_a_proof_for_viewers() {
    let fixture = Fixture::new();
    let mut config = fixture.config();
    config.transparency.enabled = true;
    config.transparency.checkpoint_every = "50ms".parse().unwrap();
    let running = fixture.start_with(config.clone()).await;
    publish(&running, 0..3).await;
    checkpoint(&running, 3).await;
    for path in [
        "/checkpoint",
        "/tile/0/000.p/3",
        "/v1/log/key",
        "/v1/log/consistency?old=1",
    ] {
        let (status, _) = running.get(path, "").await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{path}");
    }
    let proof = "/v1/sites/courrier/comments/c-1/proof";
    for (token, expected) in [
        ("", StatusCode::FORBIDDEN),
        (FOREIGN, StatusCode::FORBIDDEN),
        (VIEWER, StatusCode::OK),
    ] {
        assert_eq!(running.get(proof, token).await.0, expected, "{token}");
    }
    for path in [
        "/tile/0/000",
        "/tile/0/001.p/1",
        "/tile/0/000.p/0",
        "/tile/0/../../key",
        "/tile/64/000",
        "/v1/sites/courrier/comments/c-9/proof",
    ] {
        assert_eq!(
            running.get(path, VIEWER).await.0,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    for path in [
        "/v1/log/consistency",
        "/v1/log/consistency?old=x",
        "/v1/log/consistency?old=99",
    ] {
        assert_eq!(
            running.get(path, VIEWER).await.0,
            StatusCode::BAD_REQUEST,
            "{path}"
        );
    }
    running.stop().await;

    config.transparency.public = true;
    let running = fixture.start_with(config).await;
    let (status, _) = running.get("/checkpoint", "").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(running.get(proof, "").await.0, StatusCode::FORBIDDEN);
    running.stop().await;
}
