//! Every code with the name of its field, and how a rejection is found again.

use super::*;

fn set(mut event: Value, pointer: &str, value: Value) -> String {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    event.pointer_mut(parent).unwrap()[key] = value;
    event.to_string()
}

fn without(mut event: Value, parent: &str, key: &str) -> String {
    event
        .pointer_mut(parent)
        .unwrap()
        .as_object_mut()
        .unwrap()
        .remove(key);
    event.to_string()
}

#[tokio::test]
async fn every_code_names_its_field() {
    let fixture = Fixture::new();
    let running = fixture.start().await;
    let good = || comment("e-1", "c-1", "un");
    assert_eq!(running.one(&good()).await, "accepted");
    let e_2 = || comment("e-2", "c-2", "deux");
    for (body, expected) in [
        (without(e_2(), "", "id"), "missing_field id"),
        (without(e_2(), "", "source"), "missing_field source"),
        (without(e_2(), "/data", "body"), "missing_field data.body"),
        (without(e_2(), "/data", "site"), "missing_field data.site"),
        (
            without(e_2(), "/data/author", "id"),
            "missing_field data.author.id",
        ),
        (
            set(e_2(), "/data/comment", json!("c\u{1}2")),
            "invalid_field data.comment",
        ),
        (
            set(e_2(), "/data/revision", json!(-1)),
            "invalid_field data.revision",
        ),
        (
            set(e_2(), "/data/format", json!("rtf")),
            "invalid_field data.format",
        ),
        (
            set(e_2(), "/data/body", json!(" \u{200b}")),
            "invalid_field data.body",
        ),
        (
            set(e_2(), "/data/body", json!("x".repeat(65_537))),
            "too_large data.body",
        ),
        (
            set(e_2(), "/type", json!("stoa.comment.shouted.v1")),
            "unknown_type type",
        ),
        (
            set(e_2(), "/type", json!("stoa.comment.decided.v1")),
            "unknown_type type",
        ),
        (
            set(e_2(), "/type", json!("stoa.comment.submitted.v2")),
            "unsupported_version type",
        ),
        (
            set(e_2(), "/data/site", json!("ailleurs")),
            "unknown_site data.site",
        ),
        (
            set(e_2(), "/source", json!("https://evil.example")),
            "forbidden_source source",
        ),
        (set(good(), "/data/body", json!("autre")), "id_conflict id"),
        (
            set(comment("e-3", "c-1", "autre"), "/data/score", json!(1)),
            "stale_revision data.revision",
        ),
        (
            set(
                set_format(e_2(), "html"),
                "/data/body",
                json!("<i>".repeat(300)),
            ),
            "too_deep data.body",
        ),
    ] {
        let (status, answer) = running.structured(body.clone()).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{expected}: {answer}");
        assert_eq!(result(&answer), expected, "{answer}");
        let message = answer["rejected"][0]["message"].as_str().unwrap();
        assert!(message.len() > 10, "{expected}: {message}");
    }
    let (_, answer) = running
        .structured(set(e_2(), "/specversion", json!("0.3")))
        .await;
    assert_eq!(
        answer["rejected"][0]["code"], "invalid_envelope",
        "{answer}"
    );
    running.stop().await;
}

fn set_format(mut event: Value, format: &str) -> Value {
    event["data"]["format"] = json!(format);
    event
}

#[tokio::test]
async fn what_is_no_event_is_a_problem_and_is_kept() {
    let fixture = Fixture::new();
    let running = fixture.start().await;
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let bodies: Vec<(&str, Vec<u8>, &str)> = vec![
        (
            codec::STRUCTURED,
            b"\xff\xfe{}".to_vec(),
            "invalid_encoding",
        ),
        (
            codec::STRUCTURED,
            b"\xef\xbb\xbf{}".to_vec(),
            "invalid_encoding",
        ),
        (
            codec::STRUCTURED,
            b"{\"id\":\"\\ud800\"}".to_vec(),
            "invalid_encoding",
        ),
        (codec::STRUCTURED, b"{".to_vec(), "invalid_json"),
        (
            codec::STRUCTURED,
            b"{\"id\":\"a\",\"id\":\"b\"}".to_vec(),
            "invalid_json",
        ),
        (codec::STRUCTURED, deep.clone().into_bytes(), "too_deep"),
        (
            codec::STRUCTURED,
            b"{\"data\":\"\\u0000\"}".to_vec(),
            "invalid_encoding",
        ),
        (codec::BATCH, b"{}".to_vec(), "invalid_json"),
        (codec::BATCH, b"[{]".to_vec(), "invalid_json"),
        ("application/json", b"not json".to_vec(), "invalid_json"),
    ];
    let n = bodies.len();
    for (content_type, body, code) in bodies {
        let shown = String::from_utf8_lossy(&body)
            .chars()
            .take(40)
            .collect::<String>();
        let mut request = publish(content_type, body);
        if content_type == "application/json" {
            for (name, value) in [
                ("ce-specversion", "1.0"),
                ("ce-source", SOURCE),
                ("ce-type", "stoa.comment.submitted.v1"),
            ] {
                request.headers_mut().insert(name, value.parse().unwrap());
            }
        }
        let (status, problem) = running.request(request).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{shown}: {problem}");
        assert_eq!(problem["code"], code, "{shown}: {problem}");
    }
    let (_, listed) = running.admin("/admin/rejections?limit=500", VIEWER).await;
    assert_eq!(
        listed["rejections"].as_array().unwrap().len(),
        n,
        "{listed}"
    );
    running.stop().await;
}

#[tokio::test]
async fn a_rejection_is_listed_with_its_original() {
    let fixture = Fixture::new();
    let running = fixture.start().await;
    let first = comment("e-1", "c-1", " ").to_string();
    let second = b"\xff\xfe not text".to_vec();
    running.structured(first.clone()).await;
    running.structured(second.clone()).await;
    // A third time the same: refused again, recorded once.
    running.structured(first.clone()).await;

    let (status, page) = running.admin("/admin/rejections?limit=1", VIEWER).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(page["rejections"][0]["code"], "invalid_encoding");
    let (_, rest) = running
        .admin(
            &format!("/admin/rejections?limit=5&after={}", page["next"]),
            VIEWER,
        )
        .await;
    let rest = rest["rejections"].as_array().unwrap();
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0]["id"], "e-1");
    assert_eq!(rest[0]["type"], "stoa.comment.submitted.v1");
    assert_eq!(rest[0]["source"], SOURCE);
    assert_eq!(rest[0]["field"], "data.body");
    assert_eq!(rest[0]["received_at"], "2026-11-24T12:00:00Z");
    assert_eq!(rest[0]["transport"], "http");
    assert_eq!(rest[0]["publisher"], "courrier");
    assert_eq!(rest[0]["original_bytes"], first.len());

    let (_, by_code) = running
        .admin("/admin/rejections?code=invalid_encoding", VIEWER)
        .await;
    assert_eq!(by_code["rejections"].as_array().unwrap().len(), 1);
    let (status, problem) = running
        .admin("/admin/rejections?code=nonsense", VIEWER)
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{problem}");

    let path = format!("/admin/rejections/{}", page["rejections"][0]["seq"]);
    let (status, one) = running.admin(&path, VIEWER).await;
    assert_eq!(
        (status, &one["code"]),
        (StatusCode::OK, &json!("invalid_encoding"))
    );
    assert_eq!(
        running.admin("/admin/rejections/999", VIEWER).await.0,
        StatusCode::NOT_FOUND
    );

    let path = format!("{path}/original");
    assert_eq!(running.admin(&path, VIEWER).await.0, StatusCode::FORBIDDEN);
    let request = Request::get(&path)
        .header("authorization", format!("Bearer {MODERATOR}"))
        .body(Body::empty())
        .unwrap();
    let response = running.admin.clone().oneshot(request).await.unwrap();
    assert_eq!(
        response.headers()["content-type"],
        "application/octet-stream"
    );
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    assert_eq!(body.as_ref(), second);
    running.stop().await;
}

#[tokio::test]
async fn the_news_of_a_rejection_is_refused_without_news() {
    let fixture = Fixture::new();
    let running = fixture.start().await;
    let data =
        json!({"code": "invalid_json", "message": "m", "received_at": "2026-11-24T12:00:00Z"});
    // An inbox that is bound to the exchange of rejections would never come to rest.
    let ours = event("e-1", "event.rejected", &data);
    let (status, answer) = running.structured(ours.to_string()).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    assert_eq!(answer["rejected"][0]["code"], "unknown_type", "{answer}");
    let record = running.service().journal.iter(0).next().unwrap().unwrap();
    assert_eq!(outgoing::of(&record).unwrap(), []);
    let (_, listing) = running.admin("/admin/rejections", VIEWER).await;
    assert_eq!(listing["rejections"][0]["id"], "e-1", "{listing}");
    running.stop().await;
}

#[tokio::test]
async fn the_news_of_a_rejection_says_why() {
    let fixture = Fixture::new();
    let running = fixture.start().await;
    running
        .structured(comment("e-1", "c-1", &"x".repeat(70_000)).to_string())
        .await;
    let record = running.service().journal.iter(0).next().unwrap().unwrap();
    let [news] = <[_; 1]>::try_from(outgoing::of(&record).unwrap()).unwrap();
    assert_eq!(news.exchange, stoa_proto::Exchange::Rejected);
    let event: Value = serde_json::from_slice(&news.body).unwrap();
    assert_eq!(event["type"], "stoa.event.rejected.v1");
    assert_eq!(event["data"]["id"], "e-1");
    assert_eq!(event["data"]["code"], "too_large");
    assert_eq!(event["data"]["field"], "data.body");
    assert_eq!(event["data"]["limit"], "65536 bytes");
    assert_eq!(event["data"]["received_at"], "2026-11-24T12:00:00Z");
    // The reason repeats nothing of what was said.
    assert!(!String::from_utf8_lossy(&news.body).contains("xxx"));
    let metrics = prometheus::TextEncoder::new()
        .encode_to_string(&running.context.registry.gather())
        .unwrap();
    assert!(metrics.contains("stoa_ingest_rejections_total{code=\"too_large\"} 1"));
    assert!(
        metrics
            .contains("stoa_ingest_events_total{kind=\"comment.submitted\",result=\"rejected\"} 1")
    );
    running.stop().await;
}

#[tokio::test]
async fn a_token_is_needed_and_is_for_its_sites() {
    let fixture = Fixture::new();
    let running = fixture.start().await;
    let body = comment("e-1", "c-1", "un").to_string();
    let with = |token: Option<&str>| {
        let mut request = publish(codec::STRUCTURED, body.clone());
        request.headers_mut().remove("authorization");
        if let Some(token) = token {
            let value = format!("Bearer {token}").parse().unwrap();
            request.headers_mut().insert("authorization", value);
        }
        request
    };
    assert_eq!(
        running.request(with(None)).await.0,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        running.request(with(Some("wrong"))).await.0,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        running.request(with(Some(VIEWER))).await.0,
        StatusCode::FORBIDDEN
    );
    let (status, answer) = running.request(with(Some(FOREIGN))).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(result(&answer), "forbidden_source data.site");
    running.stop().await;
}

/// A broker's permissions say who may publish to the inbox; for which site, only ingest can tell.
#[tokio::test]
async fn a_platform_publishes_for_its_own_sites_alone() {
    let fixture = Fixture::new();
    let mut config = fixture.config();
    config.sites[0].accounts = Some(vec!["platform-courrier".to_owned()]);
    let running = fixture.start_with(config).await;
    let service = running.service();
    let mut inbox = Inbox::new(
        Arc::clone(&service.intake),
        service.engine.clone(),
        service.budget.clone(),
    );
    let accounts = [None, Some("platform-news"), Some("platform-courrier")];
    let messages = accounts.iter().enumerate().map(|(n, account)| {
        let (id, name) = (format!("e-{n}"), format!("c-{n}"));
        stoa_bus::Incoming {
            message: codec::Message {
                content_type: Some(codec::STRUCTURED.to_owned()),
                body: comment(&id, &name, "un").to_string().into_bytes().into(),
                ..codec::Message::default()
            },
            redelivered: false,
            user_id: account.map(str::to_owned),
        }
    });
    stoa_bus::Handler::handle(&mut inbox, messages.collect()).await;
    drop(inbox);
    let (_, listed) = running.admin("/admin/rejections", VIEWER).await;
    let listed = listed["rejections"].as_array().unwrap();
    let refused: Vec<_> = listed
        .iter()
        .map(|row| (&row["id"], &row["publisher"]))
        .collect();
    assert_eq!(
        refused,
        [
            (&json!("e-1"), &json!("platform-news")),
            (&json!("e-0"), &Value::Null),
        ]
    );
    assert_eq!(listed[0]["code"], "forbidden_source");
    assert_eq!(listed[0]["field"], "data.site");
    // What was accepted of the third is a repeat over HTTP, where a token says who may.
    assert_eq!(running.one(&comment("e-2", "c-2", "un")).await, "duplicate");
    assert_eq!(running.one(&comment("e-3", "c-3", "un")).await, "accepted");
    running.stop().await;
}

#[tokio::test]
async fn open_mode_takes_any_site_without_a_token() {
    let fixture = Fixture::new();
    let mut config = fixture.config();
    config.open = true;
    config.sites.clear();
    let running = fixture.start_with(config).await;
    let mut request = publish(
        codec::STRUCTURED,
        set(comment("e-1", "c-1", "un"), "/data/site", json!("any")),
    );
    request.headers_mut().remove("authorization");
    let (status, answer) = running.request(request).await;
    assert_eq!(
        (status, result(&answer)),
        (StatusCode::ACCEPTED, "accepted".to_owned())
    );
    running.stop().await;
}

#[tokio::test]
async fn other_media_types_and_long_bodies_are_refused() {
    let fixture = Fixture::new();
    let mut config = fixture.config();
    config.http.max_body = "4 KiB".parse().unwrap();
    let running = fixture.start_with(config).await;
    for content_type in [
        "text/plain",
        "application/xml",
        "application/cloudevents+json; charset=latin1",
    ] {
        let (status, problem) = running.request(publish(content_type, "{}")).await;
        assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type}");
        assert!(
            problem["detail"].as_str().unwrap().contains(codec::BATCH),
            "{problem}"
        );
    }
    let long = vec![b' '; 5_000];
    let (status, problem) = running.structured(long.clone()).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(
        (&problem["code"], &problem["limit"]),
        (&json!("too_large"), &json!("4096 bytes"))
    );
    // Without a length announced, and with a wrong one.
    let chunk = move |_| Ok::<_, std::io::Error>(long.clone());
    let chunks = futures_util::stream::iter((0..100).map(chunk));
    let mut request = publish(codec::STRUCTURED, Vec::new());
    *request.body_mut() = Body::from_stream(chunks);
    assert_eq!(
        running.request(request).await.0,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let (_, listed) = running.admin("/admin/rejections", VIEWER).await;
    assert_eq!(listed["rejections"], json!([]));
    running.stop().await;
}

/// What was decided elsewhere passes by the rules, so not everyone who may publish may say it.
#[tokio::test]
async fn an_earlier_decision_is_taken_from_an_admin_or_where_the_site_imports() {
    let imported = |id: &str, name: &str, state: &str| {
        let mut event = comment(id, name, "un");
        event["data"]["imported"] = json!({"from": "disqus", "state": state});
        event
    };
    let fixture = Fixture::new();
    let running = fixture.start().await;
    let asked = |token: &str, event: &Value| {
        let mut request = publish(codec::STRUCTURED, event.to_string());
        let value = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert("authorization", value);
        running.request(request)
    };
    let event = imported("e-1", "c-1", "spam");
    let (_, answer) = asked(PUBLISHER, &event).await;
    assert_eq!(result(&answer), "forbidden_source data.imported");
    let message = answer["rejected"][0]["message"].as_str().unwrap();
    assert!(message.contains("role admin"), "{message}");
    assert_eq!(result(&asked(ADMIN, &event).await.1), "accepted");
    let (_, again) = asked(ADMIN, &event).await;
    assert_eq!(
        (result(&again).as_str(), &again["duplicates"]),
        ("duplicate", &json!([0]))
    );
    // A later export that knows the comment otherwise is no repeat, nor is the comment without it.
    for event in [
        imported("e-2", "c-1", "visible"),
        comment("e-3", "c-1", "un"),
    ] {
        let (_, answer) = asked(ADMIN, &event).await;
        assert_eq!(result(&answer), "stale_revision data.revision");
    }
    running.stop().await;

    for (imports, expected) in [(false, json!("e-9")), (true, Value::Null)] {
        let mut config = fixture.config();
        config.sites[0].imports = imports;
        let running = fixture.start_with(config).await;
        let service = running.service();
        let mut inbox = Inbox::new(
            Arc::clone(&service.intake),
            service.engine.clone(),
            service.budget.clone(),
        );
        let name = if imports { "c-10" } else { "c-9" };
        let incoming = stoa_bus::Incoming {
            message: codec::Message {
                content_type: Some(codec::STRUCTURED.to_owned()),
                body: imported("e-9", name, "visible")
                    .to_string()
                    .into_bytes()
                    .into(),
                ..codec::Message::default()
            },
            redelivered: false,
            user_id: None,
        };
        let before = running.accepted().len();
        stoa_bus::Handler::handle(&mut inbox, vec![incoming]).await;
        drop(inbox);
        assert_eq!(running.accepted().len() - before, usize::from(imports));
        if !imports {
            let (_, listed) = running.admin("/admin/rejections", VIEWER).await;
            assert_eq!(listed["rejections"][0]["id"], expected);
            assert_eq!(listed["rejections"][0]["field"], "data.imported");
        }
        running.stop().await;
    }
}
