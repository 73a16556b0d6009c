//! Scores from a classifier outside: a server on this machine that answers as it is told.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use stoa_bus::EventHandler as _;

use super::*;
use crate::consumer::{Consumer, Scoring};

const SCORED: &str = r#"
lists:
  doubtful: { match: word, terms: [hm] }
rules:
  - id: toxic
    when: score("toxicity") > 0.8 && !comment.text.contains("plain")
    then: { verdict: reject, labels: [toxic] }
    reason: { code: toxic }
    explain: { en: Toxic. }
  - id: doubtful
    on_missing: skip
    when: comment.text.hits("doubtful") && score("insult") >= 0.5
    then: { verdict: hold, labels: [doubtful] }
    reason: { code: doubtful }
    explain: { en: Doubtful. }
"#;

/// What the server does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Answers,
    Waits,
    Fails,
    Refuses,
    Redirects,
    Rambles,
    Floods,
    OutOfRange,
    Empty,
}

/// A classifier for which `toxic` in a text is toxic, and `hm` an insult.
#[derive(Debug)]
struct Classifier {
    url: String,
    manner: Mutex<Manner>,
    calls: AtomicUsize,
    /// The bodies and queries that came.
    seen: Mutex<Vec<(String, Value)>>,
}

impl Classifier {
    async fn start() -> std::sync::Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/analyze", listener.local_addr().unwrap());
        let classifier = std::sync::Arc::new(Self {
            url,
            manner: Mutex::new(Manner::Answers),
            calls: AtomicUsize::new(0),
            seen: Mutex::default(),
        });
        let own = std::sync::Arc::clone(&classifier);
        let answer = move |request: Request<Body>| {
            let own = std::sync::Arc::clone(&own);
            async move { own.answer(request).await }
        };
        let router = Router::new().fallback(answer);
        #[expect(clippy::disallowed_methods, reason = "the server ends with its test")]
        tokio::task::spawn(async move { axum::serve(listener, router).await });
        classifier
    }

    fn is(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    async fn answer(
        &self,
        request: Request<Body>,
    ) -> (StatusCode, [(header::HeaderName, String); 1], String) {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let (head, body) = request.into_parts();
        let body: Value = serde_json::from_slice(&to_bytes(body, 1 << 24).await.unwrap()).unwrap();
        let authorization = head.headers.get(header::AUTHORIZATION);
        let key = authorization.map_or_else(
            || head.uri.query().unwrap_or_default().to_owned(),
            |value| value.to_str().unwrap().to_owned(),
        );
        self.seen.lock().unwrap().push((key, body.clone()));
        let manner = *self.manner.lock().unwrap();
        let (status, text) = match manner {
            Manner::Answers => (StatusCode::OK, scored(&body, 0.0).to_string()),
            Manner::Waits => {
                tokio::time::sleep(Duration::from_secs(5)).await;
                (StatusCode::OK, scored(&body, 0.0).to_string())
            }
            Manner::Fails => (StatusCode::INTERNAL_SERVER_ERROR, String::new()),
            Manner::Refuses => (StatusCode::BAD_REQUEST, String::new()),
            Manner::Redirects => (StatusCode::TEMPORARY_REDIRECT, String::new()),
            Manner::Rambles => (StatusCode::OK, "<html>".to_owned()),
            Manner::Floods => (StatusCode::OK, " ".repeat(2 << 20)),
            Manner::OutOfRange => (StatusCode::OK, scored(&body, 7.0).to_string()),
            Manner::Empty => (
                StatusCode::OK,
                json!({"attributeScores": {}, "results": []}).to_string(),
            ),
        };
        (status, [(header::LOCATION, self.url.clone())], text)
    }
}

/// What either provider would say.
fn scored(body: &Value, more: f64) -> Value {
    let of = |text: &str| {
        let toxic = if text.contains("toxic") { 0.93 } else { 0.1 };
        let insult = if text.contains("hm") { 0.7 } else { 0.0 };
        (toxic + more, insult)
    };
    if let Some(text) = body["comment"]["text"].as_str() {
        let (toxic, insult) = of(text);
        let score = |value| json!({"summaryScore": {"value": value, "type": "PROBABILITY"}});
        return json!({"attributeScores": {"TOXICITY": score(toxic), "INSULT": score(insult)}, "languages": ["en"]});
    }
    let texts = body["input"].as_array().unwrap().iter();
    let results = texts.map(|text| {
        let (toxic, insult) = of(text.as_str().unwrap());
        json!({"flagged": false, "category_scores": {"TOXICITY": toxic, "INSULT": insult}})
    });
    json!({"id": "x", "model": "m", "results": results.collect::<Vec<_>>()})
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "every call makes the value in place"
)]
fn with_scorer(dir: &Path, kind: &str, classifier: &Classifier, more: Value) -> Config {
    write_rules(dir, SCORED);
    let mut scorer = json!({
        "name": "outside",
        "kind": kind,
        "url": classifier.url,
        "key": "secret-of-outside",
        "attributes": {"toxicity": "TOXICITY", "insult": "INSULT"},
        "timeout": "300ms",
        "breaker_failures": 3,
        "breaker_pause": "200ms",
    });
    for (key, value) in more.as_object().unwrap() {
        scorer[key] = value.clone();
    }
    let mut config = config(dir);
    config.scorers = vec![serde_json::from_value(scorer).unwrap()];
    config.validate().unwrap();
    config
}

async fn open(dir: &Path, kind: &str, classifier: &Classifier) -> Fixture {
    Fixture::open_as(with_scorer(dir, kind, classifier, json!({})), dir).await
}

/// Hands events over as the bus does.
async fn consume(fixture: &Fixture, events: Vec<Event>) -> Vec<Decision> {
    let scoring = fixture.service.scorers.clone().map(|scorers| Scoring {
        scorers,
        rules: std::sync::Arc::clone(&fixture.service.rules),
        clock: fixture.clock.clone(),
    });
    let mut consumer = Consumer::new(
        fixture.engine.clone(),
        fixture.service.metrics.clone(),
        scoring,
    );
    let events = events.into_iter().map(Into::into).collect();
    let outcomes = consumer.handle(events).await;
    outcomes
        .into_iter()
        .map(|outcome| decision(&outcome.unwrap()))
        .collect()
}

fn asked_with(fixture: &Fixture, result: &str) -> f64 {
    let labels = [("scorer", "outside"), ("result", result)];
    fixture
        .metric("stoa_scorer_requests_total", &labels)
        .unwrap()
}

#[tokio::test]
async fn scores_of_both_shapes_are_used_recorded_and_remembered() {
    for (kind, calls) in [("perspective", 3), ("openai", 1)] {
        let dir = tempfile::tempdir().unwrap();
        let classifier = Classifier::start().await;
        let fixture = open(dir.path(), kind, &classifier).await;
        let batch = vec![
            plain("c-1", "toxic"),
            plain("c-2", "fine"),
            plain("c-3", "hm"),
            plain("c-4", "toxic"),
        ];
        let decisions = consume(&fixture, batch.clone()).await;
        let verdicts: Vec<Verdict> = decisions.iter().map(|decision| decision.verdict).collect();
        assert_eq!(
            verdicts,
            [
                Verdict::Reject,
                Verdict::Approve,
                Verdict::Hold,
                Verdict::Reject
            ],
            "{kind}"
        );
        assert!(decisions.iter().all(|decision| decision.partial.is_empty()));
        assert_eq!(decisions[0].extra["scores"], json!({"toxicity": 0.93}));
        assert_eq!(
            decisions[2].extra["scores"],
            json!({"insult": 0.7, "toxicity": 0.1})
        );
        // Each text is asked about once, and not again when it comes again.
        assert_eq!(classifier.calls(), calls, "{kind}");
        let again = consume(&fixture, vec![plain("c-5", "toxic")]).await;
        assert_eq!(again[0].verdict, Verdict::Reject);
        assert_eq!(classifier.calls(), calls, "{kind}");
        assert_eq!(
            fixture.metric("stoa_scorer_cache_total", &[("result", "hit")]),
            Some(1.0)
        );
        // A repeat is answered from the journal, whatever the classifier says by now.
        classifier.is(Manner::Fails);
        assert_eq!(consume(&fixture, batch).await, decisions);

        let seen = classifier.seen.lock().unwrap().clone();
        let (key, body) = &seen[0];
        if kind == "perspective" {
            assert_eq!(key, "key=secret-of-outside");
            assert_eq!(body["doNotStore"], json!(true));
            assert_eq!(body["languages"], json!(["en"]));
            assert_eq!(
                body["requestedAttributes"],
                json!({"INSULT": {}, "TOXICITY": {}})
            );
        } else {
            assert_eq!(key, "Bearer secret-of-outside");
            assert_eq!(body["input"], json!(["toxic", "fine", "hm"]));
        }
        assert!(!body.to_string().contains("author-of"));
        fixture.stop().await;
    }
}

#[tokio::test]
async fn a_slow_scorer_holds_nothing_up() {
    let dir = tempfile::tempdir().unwrap();
    let classifier = Classifier::start().await;
    let fixture = open(dir.path(), "perspective", &classifier).await;
    classifier.is(Manner::Waits);
    let started = std::time::Instant::now();
    let batch = (0..20)
        .map(|n| plain(&format!("c-{n}"), &format!("hm {n}")))
        .collect();
    let decisions = consume(&fixture, batch).await;
    assert!(
        started.elapsed() < Duration::from_millis(1_500),
        "{:?}",
        started.elapsed()
    );
    for decision in &decisions {
        // The rule that holds says so; the one that skips says nothing.
        assert_eq!(decision.verdict, Verdict::Hold);
        assert_eq!(decision.partial, ["rule:toxic", "score:toxicity"]);
        assert!(!decision.extra.contains_key("scores"));
    }
    let ids: Vec<&str> = decisions
        .iter()
        .map(|decision| decision.comment.as_str())
        .collect();
    assert_eq!(ids, (0..20).map(|n| format!("c-{n}")).collect::<Vec<_>>());
    fixture.stop().await;
}

#[tokio::test]
async fn answers_that_are_none_leave_the_score_missing() {
    for (kind, manner, result) in [
        ("perspective", Manner::Fails, "failed"),
        ("perspective", Manner::Redirects, "failed"),
        ("perspective", Manner::Refuses, "refused"),
        ("perspective", Manner::Rambles, "malformed"),
        ("perspective", Manner::Floods, "malformed"),
        ("perspective", Manner::OutOfRange, "malformed"),
        ("perspective", Manner::Empty, "malformed"),
        ("openai", Manner::Rambles, "malformed"),
        ("openai", Manner::OutOfRange, "malformed"),
        ("openai", Manner::Empty, "malformed"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let classifier = Classifier::start().await;
        let config = with_scorer(dir.path(), kind, &classifier, json!({"timeout": "5s"}));
        let fixture = Fixture::open_as(config, dir.path()).await;
        classifier.is(manner);
        let decisions = consume(&fixture, vec![plain("c-1", "toxic")]).await;
        assert_eq!(decisions[0].verdict, Verdict::Hold, "{manner:?}");
        assert_eq!(decisions[0].partial, ["rule:toxic", "score:toxicity"]);
        assert!(
            (asked_with(&fixture, result) - 1.0).abs() < 0.1,
            "{kind} {manner:?}"
        );
        // A redirect is not followed, and nothing is sent twice.
        assert_eq!(classifier.calls(), 1);
        fixture.stop().await;
    }
}

#[tokio::test]
async fn a_scorer_that_fails_is_left_alone_until_one_request_succeeds() {
    let dir = tempfile::tempdir().unwrap();
    let classifier = Classifier::start().await;
    let fixture = open(dir.path(), "perspective", &classifier).await;
    let decide = async |n: usize| {
        let decisions = consume(
            &fixture,
            vec![plain(&format!("c-{n}"), &format!("toxic {n}"))],
        )
        .await;
        decisions[0].verdict
    };
    let is_open = || fixture.metric("stoa_scorer_breaker_open", &[]).unwrap() > 0.5;
    classifier.is(Manner::Fails);
    for n in 0..3 {
        assert!(!is_open());
        assert_eq!(decide(n).await, Verdict::Hold);
    }
    assert!(is_open());
    classifier.is(Manner::Answers);
    assert_eq!(decide(3).await, Verdict::Hold);
    assert_eq!(classifier.calls(), 3);
    tokio::time::sleep(Duration::from_millis(250)).await;
    assert_eq!(decide(4).await, Verdict::Reject);
    assert!(!is_open());
    assert_eq!(decide(5).await, Verdict::Reject);
    assert_eq!(classifier.calls(), 5);
    fixture.stop().await;
}

#[tokio::test]
async fn a_request_for_a_verdict_uses_scores_within_its_deadline() {
    let dir = tempfile::tempdir().unwrap();
    let classifier = Classifier::start().await;
    let fixture = open(dir.path(), "openai", &classifier).await;
    let ask = async |text: &str| {
        let body = json!({"site": "courrier", "article": "a-1", "author": {"id": "u"}, "body": text, "deadline_ms": 200});
        let request = Request::post("/v1/moderate")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {PLATFORM}"))
            .body(Body::from(body.to_string()))
            .unwrap();
        let response = fixture.public.clone().oneshot(request).await.unwrap();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        serde_json::from_slice::<Value>(&body).unwrap()
    };
    let answer = ask("toxic").await;
    assert_eq!(
        (&answer["verdict"], &answer["scores"]),
        (&json!("reject"), &json!({"toxicity": 0.93}))
    );
    classifier.is(Manner::Waits);
    let answer = ask("something else").await;
    assert_eq!(answer["partial"], json!(["rule:toxic", "score:toxicity"]));
    assert_eq!(answer["verdict"], "hold");
    fixture.stop().await;
}

#[tokio::test]
async fn a_rule_set_whose_scores_nobody_gives_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let classifier = Classifier::start().await;
    let fixture = open(dir.path(), "perspective", &classifier).await;
    let (status, problem) = fixture
        .put(&SCORED.replace("\"toxicity\"", "\"toxicty\""), "")
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let diagnostic = &problem["diagnostics"][0];
    assert_eq!(
        diagnostic["message"],
        "rule `toxic`: no scorer gives `toxicty`"
    );
    assert!(
        diagnostic["help"].as_str().unwrap().contains("toxicity"),
        "{diagnostic}"
    );
    // The folder is held to the same at a reload, and at a start.
    write_rules(dir.path(), &SCORED.replace("\"insult\"", "\"insolence\""));
    let (status, _) = fixture
        .request(Method::POST, "/admin/rules/reload", EDITOR, None)
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    fixture.stop().await;

    let dir = tempfile::tempdir().unwrap();
    write_rules(dir.path(), SCORED);
    let (config, clock) = (config(dir.path()), Clock::fixed(NOON.parse().unwrap()));
    let context = Context::new("moderation-rules", clock.clone());
    let env = Env {
        tasks: context.tasks.clone(),
        shutdown: context.shutdown.clone(),
        registry: context.registry.clone(),
        clock: clock.micros_fn(),
    };
    let bus = Bus::embedded(&dir.path().join("bus"), EmbeddedConfig::default(), env).unwrap();
    let error = Service::open(&config, &context, bus).await.err().unwrap();
    let error = format!("{error:#}");
    assert!(
        error.contains("no scorer gives `toxicity`") && error.contains("[[scorers]]"),
        "{error}"
    );
}

#[test]
fn a_scorer_that_cannot_work_is_refused_by_its_key() {
    let dir = tempfile::tempdir().unwrap();
    for (key, value, part) in [
        ("url", json!("nowhere"), "scorers[0].url"),
        ("url", json!("http://scores.example/v1"), "https"),
        ("url", json!("ftp://scores.example/"), "https"),
        ("url", json!("https://u:p@scores.example/"), "use `key`"),
        ("url", json!("https://scores.example/?key=x"), "use `key`"),
        ("attributes", json!({}), "scorers[0].attributes"),
        (
            "attributes",
            json!({"Toxicity": "TOXICITY"}),
            "no name of a score",
        ),
        ("concurrency", json!(0), "scorers[0].concurrency"),
        ("batch", json!(1_000), "scorers[0].batch"),
        ("timeout", json!("0s"), "scorers[0].timeout"),
        ("name", json!(""), "scorers[0].name"),
    ] {
        let mut scorer = json!({
            "name": "x", "kind": "openai", "url": "https://scores.example/v1/moderations",
            "attributes": {"toxicity": "harassment"},
        });
        scorer[key] = value;
        let mut config = config(dir.path());
        config.scorers = vec![serde_json::from_value(scorer).unwrap()];
        let error = config.validate().unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
        assert!(!error.contains("u:p@"), "{error}");
    }
}

#[tokio::test]
async fn an_attribute_that_is_made_of_a_score_is_that_score_or_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let classifier = Classifier::start().await;
    let mut config = with_scorer(dir.path(), "perspective", &classifier, json!({}));
    let served = json!({"score": "insult", "labels": ["toxic"], "hit": 0.6});
    config.compat.attributes =
        [("INSULT".to_owned(), serde_json::from_value(served).unwrap())].into();
    config.validate().unwrap();
    let fixture = Fixture::open_as(config, dir.path()).await;
    let ask = async |text: &str| {
        let body = json!({"comment": {"text": text}, "requestedAttributes": {"INSULT": {}}});
        let request = Request::post(format!("/v1alpha1/comments:analyze?key={PLATFORM}"))
            .body(Body::from(body.to_string()))
            .unwrap();
        let response = fixture.public.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 24).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        (
            status.as_u16(),
            body["attributeScores"]["INSULT"]["summaryScore"]["value"].clone(),
        )
    };
    // No rule reads the score of this text.
    assert_eq!(ask("hm, plain").await, (200, json!(0.7)));
    assert_eq!(ask("plain").await, (200, json!(0.0)));
    // The rule's label is a hit, which is more than the score.
    assert_eq!(ask("toxic").await, (200, json!(0.6)));
    for manner in [Manner::Fails, Manner::Waits] {
        classifier.is(manner);
        assert_eq!(ask(&format!("{manner:?} plain")).await, (503, Value::Null));
    }
    fixture.stop().await;
}
