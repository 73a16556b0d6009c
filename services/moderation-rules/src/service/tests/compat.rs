//! Requests in the shapes of other services: the documents that their clients send, and those that they read.

mod akismet;
mod coral;
mod openai;
mod perspective;

use axum::http::HeaderMap;
use axum::http::request::Builder;

use super::*;
use crate::config::ServedConfig;

/// A token for one site, of a moderator of another name than the others.
const SITELESS: &str = MODERATOR;

/// The configuration of the tests, in which `hate` and `insult` are labels.
fn configured(dir: &Path) -> Config {
    write_rules(dir, RULES);
    let mut config = config(dir);
    let served = |labels: &[&str], hit| ServedConfig {
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        score: None,
        hit,
        threshold: 0.5,
    };
    config.compat.attributes = [
        ("TOXICITY".to_owned(), served(&["insult", "hate"], 0.9)),
        ("INSULT".to_owned(), served(&["insult"], 0.8)),
        ("PROFANITY".to_owned(), served(&[], 1.0)),
    ]
    .into();
    config.compat.categories = [
        ("harassment".to_owned(), served(&["insult"], 0.8)),
        ("hate".to_owned(), served(&["hate"], 0.4)),
    ]
    .into();
    config
}

async fn opened(dir: &Path) -> Fixture {
    Fixture::open_as(configured(dir), dir).await
}

/// Judges slowly, once the text says so.
fn slowly(
    set: &stoa_rules::RuleSet,
    input: &stoa_rules::Input<'_>,
    begins: &mut dyn FnMut(usize),
) -> stoa_rules::Outcome {
    if input.text.contains("slow") {
        std::thread::sleep(std::time::Duration::from_millis(400));
    }
    set.evaluate_observed(input, begins)
}

/// Opens a service that has 100 ms for a verdict.
async fn hasty(dir: &Path, change: impl FnOnce(&mut Config)) -> Fixture {
    let mut config = configured(dir);
    config.moderate.deadline = "100ms".parse().unwrap();
    change(&mut config);
    Fixture::open_all(NOON, config, dir, slowly).await
}

/// Sends a request to the public listener; the body is text.
async fn send(
    fixture: &Fixture,
    request: Builder,
    body: impl Into<Body>,
) -> (StatusCode, HeaderMap, String) {
    let request = request.body(body.into()).unwrap();
    let response = fixture.public.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = to_bytes(body, 1 << 24).await.unwrap();
    (
        head.status,
        head.headers,
        String::from_utf8(body.to_vec()).unwrap(),
    )
}

fn read(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or_else(|_| panic!("not JSON: {body}"))
}

fn counted(fixture: &Fixture, protocol: &str, result: &str) -> Option<f64> {
    let labels = [("protocol", protocol), ("result", result)];
    fixture.metric("stoa_compat_requests_total", &labels)
}

/// Every route with what makes it answer, were it not for the body.
fn everywhere() -> Vec<Builder> {
    let bearer = format!("Bearer {PLATFORM}");
    vec![
        Request::post(format!("/v1alpha1/comments:analyze?key={PLATFORM}")),
        Request::post(format!("/v1alpha1/comments:suggestscore?key={PLATFORM}")),
        Request::post("/v1/moderations").header(header::AUTHORIZATION, &bearer),
        Request::post("/1.1/comment-check").header(header::AUTHORIZATION, &bearer),
        Request::post("/1.1/verify-key"),
        Request::post("/1.1/submit-spam"),
        Request::post("/1.1/submit-ham"),
        Request::post("/v1/compat/coral"),
    ]
}

#[tokio::test]
async fn what_is_over_the_limit_is_refused_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    let mut small = configured(dir.path());
    small.moderate.max_body = "64 KiB".parse().unwrap();
    let fixture = Fixture::open_as(small, dir.path()).await;
    for request in everywhere() {
        let (status, _, body) = send(&fixture, request, "x".repeat(64 * 1024 + 1)).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{body}");
        assert!(body.contains("65536"), "{body}");
    }
    fixture.stop().await;
    // What has one comment may have a MiB, so that whoever is not known yet costs no more.
    let dir = tempfile::tempdir().unwrap();
    let fixture = opened(dir.path()).await;
    for request in everywhere() {
        let is_many = request.uri_ref().unwrap().path() == "/v1/moderations";
        let (status, _, body) = send(&fixture, request, "x".repeat(1024 * 1024 + 1)).await;
        let expected = if is_many { 400 } else { 413 };
        assert_eq!(status.as_u16(), expected, "{body}");
    }
    fixture.stop().await;
}

/// Bodies of all sorts, none of which is a request.
const GARBAGE: [&[u8]; 16] = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"17",
    b"{}",
    b"{\"comment\": 1}",
    b"{\"comment\": {\"text\": null}, \"requestedAttributes\": []}",
    b"{\"input\": {}}",
    b"{\"input\": [[]]}",
    b"{\"input\": [{\"type\": \"text\"}]}",
    b"{\"action\": \"DROP\"}",
    b"\xff\xfe\x00",
    b"%%%=%zz&=&&==",
    b"blog=\xff\xff&user_ip",
    b"{\"comment\":{\"text\":\"\\ud800\"}}",
];

#[tokio::test]
async fn garbage_is_refused_everywhere_and_harms_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = opened(dir.path()).await;
    let before = fixture.service.journal.next();
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    for body in GARBAGE.into_iter().chain([deep.as_bytes()]) {
        for request in everywhere() {
            let (status, headers, answer) = send(&fixture, request, body.to_vec()).await;
            let is_refused = status.is_client_error() || ["valid", "invalid"].contains(&&*answer);
            assert!(
                is_refused && !status.is_server_error(),
                "{body:?} {status} {answer}"
            );
            assert!(headers.contains_key(header::CONTENT_TYPE));
        }
    }
    assert_eq!(fixture.service.journal.next(), before);
    fixture.stop().await;
}

#[tokio::test]
async fn a_token_for_several_sites_needs_a_site_in_the_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let ask = || {
        Request::post("/v1/moderations").header(header::AUTHORIZATION, format!("Bearer {SITELESS}"))
    };
    let body = json!({"input": "Fine."}).to_string();
    let fixture = opened(dir.path()).await;
    let (status, _, answer) = send(&fixture, ask(), body.clone()).await;
    assert_eq!(
        (status.as_u16(), &read(&answer)["error"]["param"]),
        (400, &json!("site"))
    );
    assert!(answer.contains("compat.site"), "{answer}");
    fixture.stop().await;
    let mut config = configured(dir.path());
    config.compat.site = Some("courrier".to_owned());
    let fixture = Fixture::open_as(config, dir.path()).await;
    let (status, _, answer) = send(&fixture, ask(), body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    fixture.stop().await;
}
