//! The page by which authors appeal: what it shows, what it takes, and whose links it knows.

use std::time::Duration;

use stoa_bus::{BatchLimits, Events, Parking, ParkingConfig};
use stoa_proto::{Reader, Received};

use super::at_desk::{at, undo};
use super::*;

fn with_links(dir: &Path) -> Config {
    let mut config = config(dir);
    config.http.public_url = "https://talk.example/stoa".to_owned();
    config
}

/// The path of the link in a statement.
fn path(statement: Option<&stoa_proto::Statement>) -> String {
    let url = statement.unwrap().appeal_url.clone().unwrap();
    let path = url.strip_prefix("https://talk.example/stoa").unwrap();
    path.to_owned()
}

impl Fixture {
    async fn linked(dir: &Path) -> Self {
        write_rules(dir, RULES);
        Self::open_as(with_links(dir), dir).await
    }

    /// Asks for a page; with a form, sends it.
    async fn page(&self, path: &str, form: Option<&str>) -> (u16, axum::http::HeaderMap, String) {
        let request = Request::builder().uri(path);
        let request = match form {
            None => request.body(Body::empty()),
            Some(form) => request
                .method(Method::POST)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(Body::from(form.to_owned())),
        };
        let response = self.public.clone().oneshot(request.unwrap()).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (
            status.as_u16(),
            headers,
            String::from_utf8(body.to_vec()).unwrap(),
        )
    }
}

/// Ingest's part: hands what is in the inbox over.
struct Inbox(tokio::sync::mpsc::UnboundedSender<Event>);

impl stoa_bus::EventHandler for Inbox {
    async fn handle(&mut self, events: Vec<Received>) -> Vec<stoa_bus::Outcome> {
        for event in &events {
            self.0.send((**event).clone()).unwrap();
        }
        events.iter().map(|_| Ok(Vec::new())).collect()
    }
}

/// Reads in ingest's place.
fn listen(fixture: &Fixture, dir: &Path, inbox: Inbox) {
    let own = ParkingConfig {
        dir: dir.join("ingest/parked"),
        reader: Reader::Ingest,
        max_bytes: 1 << 20,
        reserve_bytes: 0,
    };
    let registry = prometheus::Registry::new();
    let parking = Parking::open(&own, &registry, fixture.clock.micros_fn()).unwrap();
    let bus = fixture.bus.clone();
    fixture.context.supervise("ingest", async move {
        let limits = BatchLimits::default();
        Ok(bus
            .run(Reader::Ingest, Events(inbox), limits, parking)
            .await?)
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_author_appeals_and_reads_what_became_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::linked(dir.path()).await;
    let held = plain("c-1", "a <b>scoundrel</b> & more");
    let held = fixture.decide(held).await;
    let body = json!({"verdict": "reject", "reason": {"code": "x", "text": "<script>1</script>"}});
    let answer = fixture
        .done(Method::POST, &at("c-1", "/decision"), MODERATOR, Some(body))
        .await;
    let decision: Decision = serde_json::from_value(answer["decision"].clone()).unwrap();
    let link = path(decision.statement.as_ref());
    assert_ne!(
        link,
        path(held.statement.as_ref()),
        "each decision has its own"
    );

    let (status, headers, html) = fixture.page(&link, None).await;
    assert_eq!(status, 200);
    let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'self'; form-action 'self'"));
    assert_eq!(headers["x-robots-tag"], "noindex, nofollow");
    assert_eq!(headers[header::CACHE_CONTROL], "private, no-store");
    for shown in [
        "lang=\"en\"",
        "name=\"robots\"",
        "&#60;script&#62;1",
        "a &#60;b&#62;scoundrel",
        "<textarea",
    ] {
        assert!(html.contains(shown), "{shown}: {html}");
    }
    for hidden in ["<script", "style=", "anne", "author-of-c-1"] {
        assert!(!html.contains(hidden), "{hidden}: {html}");
    }
    assert_eq!(fixture.page("/v1/appeals.css", None).await.0, 200);

    // Nothing, too much, and what is no form.
    let long = format!("text={}", "x".repeat(4_001));
    let huge = format!("text={}", "x".repeat(70_000));
    for (form, status) in [
        ("text=++", 422),
        ("other=1", 400),
        (&long, 422),
        (&huge, 413),
    ] {
        let (answered, _, html) = fixture.page(&link, Some(form)).await;
        assert_eq!(answered, status);
        assert!(html.contains("role=\"alert\"") && html.contains("<textarea"));
    }
    let (sender, mut inbox) = tokio::sync::mpsc::unbounded_channel();
    listen(&fixture, dir.path(), Inbox(sender));
    let (status, headers, _) = fixture
        .page(&link, Some("text=It+was%0D%0Aa+%26+b%00."))
        .await;
    assert_eq!(status, 303);
    let token = link.rsplit('/').next().unwrap();
    assert_eq!(headers[header::LOCATION], token);
    let (_, _, html) = fixture.page(&link, None).await;
    assert!(
        html.contains("was received") && !html.contains("<textarea"),
        "on its way"
    );
    let (status, _, html) = fixture.page(&link, Some("text=again")).await;
    assert!(
        status == 200 && html.contains("was received"),
        "twice is once"
    );

    let event = tokio::time::timeout(Duration::from_secs(10), inbox.recv())
        .await
        .unwrap()
        .unwrap();
    event.check().unwrap();
    let Data::DecisionAppealed(appeal) = &event.data else {
        panic!("{event:?}");
    };
    assert_eq!(appeal.text.as_deref(), Some("It was\na & b."));
    assert_eq!(appeal.author.as_deref(), Some("author-of-c-1"));
    assert_eq!(
        case_news(&fixture.event(event.clone()).await),
        ["opened appeal 30"]
    );
    assert!(fixture.page(&link, None).await.2.contains("was received"));
    let approve = json!({"verdict": "approve"});
    fixture
        .done(Method::POST, &at("c-1", "/decision"), SECOND, Some(approve))
        .await;
    let html = fixture.page(&link, None).await.2;
    assert!(
        html.contains("was reversed") && !html.contains("boris"),
        "{html}"
    );
    fixture.stop().await;
}

#[tokio::test]
async fn links_that_are_not_ours_lead_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::linked(dir.path()).await;
    let first = path(
        fixture
            .decide(plain("c-1", "vermin"))
            .await
            .statement
            .as_ref(),
    );
    let second = path(
        fixture
            .decide(comment("c-2", "u-2", "vermin", json!({"language": "ru"})))
            .await
            .statement
            .as_ref(),
    );
    let foreign = {
        let dir = tempfile::tempdir().unwrap();
        let fixture = Fixture::linked(dir.path()).await;
        let link = path(
            fixture
                .decide(plain("c-1", "vermin"))
                .await
                .statement
                .as_ref(),
        );
        fixture.stop().await;
        link
    };
    let cut = |link: &str, at: usize| {
        let (head, tail) = link.split_at(link.len() - at);
        (head.to_owned(), tail.to_owned())
    };
    let swapped = cut(&first, 20).0 + &cut(&second, 20).1;
    for wrong in [
        &foreign,
        &swapped,
        &cut(&first, 1).0,
        &"/v1/appeals/x".to_owned(),
    ] {
        for form in [None, Some("text=why")] {
            let (status, headers, html) = fixture.page(wrong, form).await;
            assert_eq!(status, 404, "{wrong}");
            assert!(html.contains("not valid") && headers.contains_key("x-robots-tag"));
        }
    }
    assert!(fixture.page(&second, None).await.2.contains("lang=\"ru\""));
    // After the comment was erased nothing is shown, and after half a year nothing is taken.
    let erased = about("comment.erased", "c-1", json!({"redaction": "r-1"}));
    fixture.event(erased).await;
    let (status, _, html) = fixture.page(&first, None).await;
    assert!(status == 404 || status == 410, "{status}");
    assert!(!html.contains("vermin"));
    fixture.clock.advance(Duration::from_hours(183 * 24 + 1));
    for form in [None, Some("text=why")] {
        let (status, _, html) = fixture.page(&second, form).await;
        assert!(status == 410 && !html.contains("<textarea"), "{status}");
    }
    fixture.stop().await;
    // Without an address of its own there is no link.
    let fixture = Fixture::open(dir.path()).await;
    let statement = fixture
        .decide(plain("c-3", "vermin"))
        .await
        .statement
        .unwrap();
    assert_eq!(statement.appeal_url, None);
    assert_eq!(fixture.page(&second, None).await.0, 404);
    fixture.stop().await;
}

#[tokio::test]
async fn each_decision_that_can_be_appealed_has_its_link() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::linked(dir.path()).await;
    let approved = fixture.decide(plain("c-0", "fine")).await;
    assert_eq!(approved.statement, None);
    let made = fixture.decide(plain("c-1", "vermin")).await;
    let appeal = json!({"decision": made.decision, "appeal": "p-1"});
    fixture
        .event(about("decision.appealed", "c-1", appeal))
        .await;
    let path = format!(
        "/admin/appeals/{}/resolution",
        crate::view::appeal_id("courrier", "c-1", "p-1")
    );
    let answer = fixture
        .done(
            Method::POST,
            &path,
            MODERATOR,
            Some(json!({"outcome": "upheld"})),
        )
        .await;
    let last: Decision = serde_json::from_value(answer["stands"].clone()).unwrap();
    assert_eq!(last.statement.unwrap().appeal_url, None, "the last word");
    // What is undone restores a statement, with a link for the decision that restores it.
    let held = fixture.decide(plain("c-2", "scoundrel")).await;
    let made = fixture
        .decided("c-2", MODERATOR, r#"{"verdict": "approve"}"#)
        .await;
    let undo = undo(&made);
    let answer = fixture.done(Method::POST, &undo, MODERATOR, None).await;
    let restored: Decision = serde_json::from_value(answer["decision"].clone()).unwrap();
    let link = self::path(restored.statement.as_ref());
    assert_ne!(link, self::path(held.statement.as_ref()));
    assert_eq!(fixture.page(&link, None).await.0, 200);
    fixture.stop().await;
}

#[tokio::test]
async fn a_link_that_a_text_has_is_in_no_exported_statement() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::linked(dir.path()).await;
    let texts = json!({"texts": {"rule": {"en": "{rule}: {appeal_url}"}}});
    let (status, _, answer) = fixture
        .exchange(Method::PUT, "/admin/texts", EDITOR, Some("*"), Some(texts))
        .await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let held = fixture.decide(plain("c-1", "scoundrel")).await;
    let statement = held.statement.unwrap();
    let link = statement.appeal_url.unwrap();
    assert_eq!(statement.facts, format!("insult: {link}"));
    let told = fixture.get("/admin/statements").await;
    assert_eq!(told["statements"][0]["decision_facts"], "insult: …");
    assert!(!told.to_string().contains("/v1/appeals/"), "{told}");
    fixture.stop().await;
}

#[tokio::test]
async fn an_address_that_asks_too_often_waits_and_others_do_not() {
    let dir = tempfile::tempdir().unwrap();
    write_rules(dir.path(), RULES);
    let mut config = with_links(dir.path());
    config.http.proxies = vec!["192.0.2.9".parse().unwrap()];
    let fixture = Fixture::open_as(config, dir.path()).await;
    let held = fixture.decide(plain("c-1", "scoundrel")).await;
    let link = path(held.statement.as_ref());
    let ask = async |peer: &str, named: &str| {
        let peer: std::net::SocketAddr = format!("{peer}:4711").parse().unwrap();
        let request = Request::get(&link)
            .extension(axum::extract::ConnectInfo(peer))
            .header("x-forwarded-for", named)
            .body(Body::empty())
            .unwrap();
        let response = fixture.public.clone().oneshot(request).await.unwrap();
        response.status().as_u16()
    };
    for n in 0..31 {
        // Whom nobody believes who is not a proxy, nor what was there before a proxy.
        let named = format!("198.51.100.{n}, 203.0.113.1");
        assert_eq!(ask("192.0.2.9", &named).await, 200, "{n}");
        assert_eq!(ask("192.0.2.1", &named).await, 200, "{n}");
    }
    for peer in ["192.0.2.9", "192.0.2.1"] {
        assert_eq!(ask(peer, "198.51.100.99, 203.0.113.1").await, 429, "{peer}");
    }
    assert_eq!(ask("192.0.2.9", "203.0.113.1, 203.0.113.2").await, 200);
    fixture.clock.advance(Duration::from_secs(1));
    assert_eq!(ask("192.0.2.1", "").await, 200);
    fixture.stop().await;
}
