//! Webhooks, as platforms send them.

use axum::http::request::Builder;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::*;
use crate::config::{WebhookConfig, WebhookKind};

const FORUM: &str = "https://forum.courrier.example";
const FIRST: &str = "first-secret-of-the-forum";
const SECOND: &str = "second-secret-of-the-forum";
const REMARK: &str = "secret-of-remark42-here";
const WORDPRESS: &str = "secret-of-wordpress-here";

async fn hooked(fixture: &Fixture) -> Running {
    let mut config = fixture.config();
    let hook = |name: &str, kind, source: &str, secrets: &[&str]| WebhookConfig {
        name: name.to_owned(),
        kind,
        site: "courrier".to_owned(),
        source: source.to_owned(),
        secrets: secrets.iter().map(|secret| Secret::new(*secret)).collect(),
    };
    config.sites[0].sources.push(FORUM.to_owned());
    config.webhooks = vec![
        hook("forum", WebhookKind::Discourse, FORUM, &[FIRST, SECOND]),
        hook("remark", WebhookKind::Remark42, SOURCE, &[REMARK]),
        hook("blog", WebhookKind::Wordpress, SOURCE, &[WORDPRESS]),
    ];
    config.validate().unwrap();
    fixture.start_with(config).await
}

fn signature(secret: &str, body: &str) -> String {
    let mut code = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    code.update(body.as_bytes());
    let code = code.finalize().into_bytes();
    let hex: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

fn with(request: Builder, body: &str) -> Request<Body> {
    request.body(Body::from(body.to_owned())).unwrap()
}

/// A request as Discourse makes it.
fn delivery(event: &str, id: &str, body: &str) -> Builder {
    let kind = event.split('_').next().unwrap();
    Request::post("/v1/webhooks/forum")
        .header("content-type", "application/json")
        .header("user-agent", "Discourse/2026.1.0")
        .header("x-discourse-instance", FORUM)
        .header("x-discourse-event-id", id)
        .header("x-discourse-event-type", kind)
        .header("x-discourse-event", event)
        .header("x-discourse-event-signature", signature(FIRST, body))
}

async fn delivered(running: &Running, event: &str, id: &str, body: &Value) -> String {
    let body = body.to_string();
    let (status, answer) = running
        .request(with(delivery(event, id, &body), &body))
        .await;
    if answer["ignored"] == true {
        assert_eq!(status, StatusCode::OK, "{answer}");
        return "ignored".to_owned();
    }
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    result(&answer)
}

/// A post, with everything that its webhook has of use.
fn post(more: &Value) -> Value {
    let mut post = json!({
        "id": 4711, "user_id": 8, "username": "constantin", "name": "Constantin N.",
        "created_at": "2026-11-24T11:00:00.000Z", "updated_at": "2026-11-24T11:00:00.000Z",
        "raw": "Ceci **est** un commentaire.", "cooked": "<p>Ceci <strong>est</strong> un commentaire.</p>",
        "post_number": 2, "post_type": 1, "reply_to_post_number": 1, "reply_count": 0, "quote_count": 0,
        "topic_id": 12, "topic_slug": "le-tram", "topic_title": "Le tram", "category_id": 3,
        "category_slug": "articles", "trust_level": 1, "moderator": false, "admin": false, "staff": false,
        "hidden": false, "hidden_reason_id": null, "version": 1, "deleted_at": null, "user_deleted": false,
        "topic_posts_count": 2, "topic_filtered_posts_count": 2, "topic_archetype": "regular",
    });
    for (key, value) in more.as_object().unwrap() {
        post[key] = value.clone();
    }
    json!({"post": post})
}

fn topic(more: &Value) -> Value {
    let mut topic = json!({
        "id": 12, "title": "Le tram", "fancy_title": "Le tram", "posts_count": 1,
        "created_at": "2026-11-24T10:00:00.000Z", "visible": true, "closed": false, "archetype": "regular",
        "slug": "le-tram", "category_id": 3, "user_id": 8, "tags": ["tram"], "deleted_at": null,
        "created_by": {"id": 8, "username": "constantin", "name": "Constantin N."},
    });
    for (key, value) in more.as_object().unwrap() {
        topic[key] = value.clone();
    }
    json!({"topic": topic})
}

#[tokio::test]
async fn topics_are_articles_and_posts_are_comments() {
    let fixture = Fixture::new();
    let running = hooked(&fixture).await;
    let edited =
        json!({"raw": "Ceci est mieux.", "version": 1, "updated_at": "2026-11-24T11:00:09.000Z"});
    let destroyed = json!({"deleted_at": "2026-11-24T12:00:00.000Z", "user_deleted": true});
    let recovered =
        json!({"updated_at": "2026-11-24T11:30:00.000Z", "moderator": true, "staff": true});
    for (event, id, body) in [
        ("topic_created", "101", topic(&json!({}))),
        (
            "topic_edited",
            "102",
            topic(&json!({"title": "Le tram, enfin", "closed": true})),
        ),
        ("post_created", "201", post(&json!({}))),
        ("post_edited", "202", post(&edited)),
        ("post_destroyed", "203", post(&destroyed)),
        ("post_recovered", "204", post(&recovered)),
        (
            "topic_destroyed",
            "104",
            topic(&json!({"deleted_at": "2026-11-24T13:00:00.000Z"})),
        ),
        ("topic_recovered", "105", topic(&json!({}))),
    ] {
        assert_eq!(
            delivered(&running, event, id, &body).await,
            "accepted",
            "{event}"
        );
        // Discourse sends again what it had no answer to.
        assert_eq!(
            delivered(&running, event, id, &body).await,
            "duplicate",
            "{event}"
        );
    }
    let events = running.accepted();
    let kinds: Vec<&str> = events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "stoa.article.published.v1",
            "stoa.article.updated.v1",
            "stoa.comment.submitted.v1",
            "stoa.comment.edited.v1",
            "stoa.comment.withdrawn.v1",
            "stoa.comment.edited.v1",
            "stoa.article.removed.v1",
            "stoa.article.published.v1",
        ]
    );
    let article = &events[1]["data"];
    assert_eq!(article["url"], format!("{FORUM}/t/le-tram/12"));
    assert_eq!(
        (
            &article["article"],
            &article["title"],
            &article["comments"]["open"],
            &article["tags"]
        ),
        (
            &json!("12"),
            &json!("Le tram, enfin"),
            &json!(false),
            &json!(["tram"])
        )
    );
    let mut comment = events[2]["data"].clone();
    comment.as_object_mut().unwrap().remove("normalized");
    assert_eq!(
        (&events[2]["id"], &events[2]["source"]),
        (&json!("discourse-201"), &json!(FORUM))
    );
    assert_eq!(
        comment,
        json!({
            "site": "courrier", "article": "12", "comment": "12-2", "parent": "12-1", "revision": 1,
            "author": {"id": "8", "display_name": "constantin", "role": "reader"},
            "body": "Ceci **est** un commentaire.", "format": "markdown",
            "submitted_at": "2026-11-24T11:00:00.000Z",
            "url": format!("{FORUM}/t/le-tram/12/2"),
            "post_id": 4711,
        })
    );
    assert_eq!(
        events[2]["data"]["normalized"]["text"],
        "Ceci est un commentaire."
    );
    // An edit within the first minutes has no version of its own.
    assert_eq!(events[3]["data"]["revision"], 10);
    assert_eq!(
        events[4]["data"],
        json!({"site": "courrier", "article": "12", "comment": "12-2", "withdrawn_at": "2026-11-24T12:00:00.000Z"})
    );
    assert_eq!(events[5]["data"]["revision"], 1_801);
    assert_eq!(events[5]["data"]["author"]["role"], "moderator");
    running.stop().await;
}

#[tokio::test]
async fn what_is_not_kept_is_acknowledged() {
    let fixture = Fixture::new();
    let running = hooked(&fixture).await;
    for (event, body) in [
        ("ping", json!({"ping": "OK"})),
        (
            "user_created",
            json!({"user": {"id": 8, "username": "constantin"}}),
        ),
        ("like_created", json!({"like": {"post": {"id": 4711}}})),
        ("reviewable_created", json!({"reviewable": {"id": 1}})),
        ("post_liked", post(&json!({}))),
        (
            "post_created",
            post(&json!({"topic_archetype": "private_message"})),
        ),
        ("post_created", post(&json!({"post_type": 3}))),
        ("post_created", post(&json!({"post_type": 4}))),
        (
            "topic_created",
            topic(&json!({"archetype": "private_message"})),
        ),
    ] {
        assert_eq!(
            delivered(&running, event, "9", &body).await,
            "ignored",
            "{event}"
        );
    }
    assert!(running.accepted().is_empty());
    let metrics = prometheus::TextEncoder::new()
        .encode_to_string(&running.context.registry.gather())
        .unwrap();
    let counted = "stoa_ingest_webhooks_total{kind=\"discourse\",result=\"ignored\"} 9";
    assert!(metrics.contains(counted), "{metrics}");
    running.stop().await;
}

#[tokio::test]
async fn only_what_discourse_has_signed_is_taken() {
    let fixture = Fixture::new();
    let running = hooked(&fixture).await;
    let body = post(&json!({})).to_string();
    let plain = |signature: Option<String>| {
        let request = Request::post("/v1/webhooks/forum")
            .header("x-discourse-event", "post_created")
            .header("x-discourse-event-id", "1");
        match signature {
            Some(signature) => request.header("x-discourse-event-signature", signature),
            None => request,
        }
    };
    for (header, status) in [
        (None, 401),
        (Some(String::new()), 401),
        (Some(signature("a-secret-that-nobody-knows", &body)), 401),
        (Some(signature(FIRST, "{}")), 401),
        (Some(signature(FIRST, &body).replace("sha256=", "")), 401),
        (Some(signature(REMARK, &body)), 401),
        (Some(signature(FIRST, &body)), 202),
        // The secret was rolled: the same delivery is the same event.
        (Some(signature(SECOND, &body)), 202),
    ] {
        let (answered, answer) = running.request(with(plain(header.clone()), &body)).await;
        assert_eq!(answered.as_u16(), status, "{header:?} {answer}");
        if status == 401 {
            assert_eq!(answer["code"], "bad_signature");
        }
    }
    assert_eq!(running.accepted().len(), 1);
    // A token is no signature, and what is not configured is answered alike.
    for path in ["/v1/webhooks/forum", "/v1/webhooks/none"] {
        let request = Request::post(path).header("authorization", format!("Bearer {PUBLISHER}"));
        let (status, answer) = running.request(with(request, &body)).await;
        assert_eq!(
            (status.as_u16(), &answer["code"]),
            (401, &json!("bad_signature"))
        );
    }
    running.stop().await;
}

#[tokio::test]
async fn a_delivery_as_a_form_has_the_same_body() {
    let fixture = Fixture::new();
    let running = hooked(&fixture).await;
    let body = post(&json!({})).to_string();
    let mut request = with(delivery("post_created", "1", &body), &body);
    let form = "application/x-www-form-urlencoded".parse().unwrap();
    request.headers_mut().insert("content-type", form);
    let (status, answer) = running.request(request).await;
    assert_eq!(
        (status, result(&answer)),
        (StatusCode::ACCEPTED, "accepted".to_owned())
    );
    // A delivery without an id is known by what it says.
    for expected in ["accepted", "duplicate"] {
        let body = post(&json!({"post_number": 3})).to_string();
        let mut request = with(delivery("post_created", "1", &body), &body);
        request.headers_mut().remove("x-discourse-event-id");
        let (_, answer) = running.request(request).await;
        assert_eq!(result(&answer), expected);
    }
    running.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_an_event_is_kept_and_named() {
    let fixture = Fixture::new();
    let running = hooked(&fixture).await;
    for (n, (more, field)) in [
        (json!({"raw": "", "cooked": ""}), "missing_field data.body"),
        (json!({"raw": " \u{200b}"}), "invalid_field data.body"),
        (json!({"topic_id": null}), "missing_field data.article"),
        (
            json!({"post_number": {"a": 1}}),
            "missing_field data.comment",
        ),
        (
            json!({"user_id": null, "username": null}),
            "missing_field data.author",
        ),
        (json!({"raw": "x".repeat(70_000)}), "too_large data.body"),
        (
            json!({"created_at": "yesterday"}),
            "invalid_field data.submitted_at",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let found = delivered(&running, "post_created", &format!("{n}"), &post(&more)).await;
        assert_eq!(found, field, "{more}");
    }
    let (_, kept) = running.admin("/admin/rejections", ADMIN).await;
    assert_eq!(kept["rejections"].as_array().unwrap().len(), 7, "{kept}");
    assert_eq!(kept["rejections"][0]["publisher"], "webhook:forum");
    running.stop().await;
}

#[tokio::test]
async fn garbage_is_refused_and_kept_once_it_is_signed() {
    let fixture = Fixture::new();
    let running = hooked(&fixture).await;
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let mut refused = 0;
    for body in ["", "{", "[]", "17", "null", "post=1", "\"\u{0}\"", &deep] {
        for (request, takes_lists) in [
            (delivery("post_created", "1", body), false),
            (
                Request::post(format!("/v1/webhooks/remark?token={REMARK}")),
                false,
            ),
            (
                Request::post("/v1/webhooks/blog").header("x-stoa-secret", WORDPRESS),
                true,
            ),
        ] {
            let (status, answer) = running.request(with(request, body)).await;
            if body == "[]" && takes_lists {
                assert_eq!((status, &answer["ignored"]), (StatusCode::OK, &json!(true)));
                continue;
            }
            assert_eq!(
                (status.as_u16(), &answer["code"]),
                (400, &json!("invalid_body")),
                "{body:?}"
            );
            refused += 1;
        }
        for path in ["forum", "remark", "blog"] {
            let request = Request::post(format!("/v1/webhooks/{path}"));
            let (status, _) = running.request(with(request, body)).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED);
        }
    }
    assert_eq!(refused, 23);
    // The same bytes are kept once, whoever sent them.
    let (_, kept) = running.admin("/admin/rejections?limit=500", ADMIN).await;
    assert_eq!(kept["rejections"].as_array().unwrap().len(), 8, "{kept}");
    running.stop().await;
}

#[tokio::test]
async fn what_is_over_the_limit_is_not_kept() {
    let fixture = Fixture::new();
    let running = hooked(&fixture).await;
    let body = "x".repeat(8 * 1024 * 1024 + 1);
    for request in [
        delivery("post_created", "1", &body),
        Request::post(format!("/v1/webhooks/remark?token={REMARK}")),
        Request::post("/v1/webhooks/blog").header("x-stoa-secret", WORDPRESS),
    ] {
        let (status, answer) = running.request(with(request, &body)).await;
        assert_eq!(
            (status.as_u16(), &answer["code"]),
            (413, &json!("too_large"))
        );
    }
    let (_, kept) = running.admin("/admin/rejections", ADMIN).await;
    assert_eq!(kept["rejections"], json!([]));
    running.stop().await;
}

/// What the template of the documentation makes of a comment.
fn remark(more: &Value) -> Value {
    let mut comment = json!({
        "id": "c8e4e5d3a5f14d1a8f6c0d7b2a1e9f3b4c5d6e7f",
        "pid": "",
        "text": "<p>Ceci est un commentaire.</p>\n",
        "user": {"id": "github_7", "name": "Constantin", "admin": false},
        "locator": {"site": "remark", "url": "https://courrier.example/a-1"},
        "time": "2026-11-24T11:00:00.5+01:00",
        "title": "Le tram",
    });
    for (key, value) in more.as_object().unwrap() {
        comment[key] = value.clone();
    }
    comment
}

#[tokio::test]
async fn comments_of_remark42_are_taken() {
    let fixture = Fixture::new();
    let running = hooked(&fixture).await;
    let send = async |request: Builder, body: &Value| {
        let (status, answer) = running.request(with(request, &body.to_string())).await;
        if status != StatusCode::ACCEPTED {
            return status.as_u16().to_string();
        }
        result(&answer)
    };
    let shown = || Request::post("/v1/webhooks/remark").header("x-stoa-secret", REMARK);
    let long = format!("https://courrier.example/{}", "x".repeat(300));
    let id = remark(&json!({}))["id"].clone();
    for (body, expected) in [
        (remark(&json!({})), "accepted"),
        (remark(&json!({})), "duplicate"),
        (
            remark(
                &json!({"id": "c-2", "pid": id, "user": {"id": "anonymous_1", "name": "A", "admin": true}}),
            ),
            "accepted",
        ),
        (
            remark(
                &json!({"text": "<p>Mieux.</p>", "edit": {"time": "2026-11-24T11:01:00+01:00"}}),
            ),
            "accepted",
        ),
        (remark(&json!({"delete": true})), "accepted"),
        (
            remark(&json!({"id": "c-3", "locator": {"url": long}})),
            "accepted",
        ),
        // The default template of Remark42 says who wrote what where to nobody.
        (
            json!({"text": "<p>Ceci est un commentaire.</p>"}),
            "missing_field data.article",
        ),
    ] {
        assert_eq!(send(shown(), &body).await, expected, "{body}");
    }
    let events = running.accepted();
    let mut first = events[0]["data"].clone();
    first.as_object_mut().unwrap().remove("normalized");
    assert_eq!(
        first,
        json!({
            "site": "courrier", "article": "https://courrier.example/a-1", "comment": id, "parent": null,
            "revision": 1, "author": {"id": "github_7", "display_name": "Constantin", "role": "reader"},
            "body": "<p>Ceci est un commentaire.</p>\n", "format": "html",
            "submitted_at": "2026-11-24T11:00:00.5+01:00",
            "url": format!("https://courrier.example/a-1#remark42__comment-{}", id.as_str().unwrap()),
        })
    );
    assert_eq!(events[1]["data"]["parent"], id);
    assert_eq!(events[1]["data"]["author"]["role"], "moderator");
    assert_eq!(
        (&events[2]["type"], &events[2]["data"]["revision"]),
        (&json!("stoa.comment.edited.v1"), &json!(61))
    );
    assert_eq!(events[3]["type"], "stoa.comment.withdrawn.v1");
    assert!(
        events[4]["data"]["article"]
            .as_str()
            .unwrap()
            .starts_with("url-")
    );

    let body = remark(&json!({"id": "c-4"}));
    for (request, expected) in [
        (Request::post("/v1/webhooks/remark"), "401"),
        (
            Request::post("/v1/webhooks/remark?token=another-secret-altogether"),
            "401",
        ),
        (
            Request::post("/v1/webhooks/remark").header("x-stoa-secret", WORDPRESS),
            "401",
        ),
        (
            Request::post(format!("/v1/webhooks/remark?token={REMARK}")),
            "accepted",
        ),
    ] {
        assert_eq!(send(request, &body).await, expected);
    }
    running.stop().await;
}

/// A comment as `/wp/v2/comments` has it.
fn blog(more: &Value) -> Value {
    let mut comment = json!({
        "id": 31, "post": 5, "parent": 0, "author": 0, "author_name": "Constantin",
        "author_email": "Constantin@example.com ", "author_url": "", "author_ip": "203.0.113.9",
        "author_user_agent": "Mozilla/5.0", "date": "2026-11-24T12:00:00", "date_gmt": "2026-11-24T11:00:00",
        "content": {"rendered": "<p>Ceci est un commentaire.</p>\n", "raw": "Ceci est un <b>commentaire</b>."},
        "link": "https://courrier.example/a-1/#comment-31", "status": "hold", "type": "comment", "meta": [],
    });
    for (key, value) in more.as_object().unwrap() {
        comment[key] = value.clone();
    }
    comment
}

#[tokio::test]
async fn comments_of_wordpress_are_taken_one_by_one_or_many() {
    let fixture = Fixture::new();
    let running = hooked(&fixture).await;
    let send = async |body: &Value| {
        let request = Request::post("/v1/webhooks/blog").header("x-stoa-secret", WORDPRESS);
        running.request(with(request, &body.to_string())).await
    };
    for (body, expected) in [
        (blog(&json!({})), "accepted"),
        // What is approved there is the same comment.
        (blog(&json!({"status": "approved"})), "duplicate"),
        (
            blog(&json!({"content": {"raw": "Mieux."}, "modified_gmt": "2026-11-24 11:00:30"})),
            "accepted",
        ),
        (blog(&json!({"status": "trash"})), "accepted"),
        (
            blog(&json!({"id": 33, "post": null})),
            "missing_field data.article",
        ),
        (
            blog(&json!({"id": 34, "author_name": "", "author_email": ""})),
            "missing_field data.author.id",
        ),
        // Another text without the time of an edit.
        (
            blog(&json!({"content": {"raw": "Autre."}})),
            "id_conflict id",
        ),
    ] {
        let (status, answer) = send(&body).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
        assert_eq!(result(&answer), expected, "{body}");
    }
    let shown = json!({"rendered": "<p>Un autre.</p>"});
    let many = json!([
        blog(&json!({"id": 40, "author": 7, "parent": 31, "content": shown})),
        blog(&json!({"id": 41, "type": "pingback"})),
        blog(&json!({"id": 42, "status": "spam"})),
        blog(&json!({"id": 43, "author_email": "", "author_name": "Zoé"})),
    ]);
    let (_, answer) = send(&many).await;
    assert_eq!(
        (&answer["accepted"], &answer["rejected"]),
        (&json!(2), &json!([])),
        "{answer}"
    );
    for ignored in [
        json!([]),
        blog(&json!({"type": "pingback"})),
        blog(&json!({"status": "spam"})),
    ] {
        let (status, answer) = send(&ignored).await;
        assert_eq!((status, &answer["ignored"]), (StatusCode::OK, &json!(true)));
    }
    let (status, _) = send(&json!(vec![blog(&json!({})); 101])).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);

    let events = running.accepted();
    let mut first = events[0]["data"].clone();
    first.as_object_mut().unwrap().remove("normalized");
    let guest = first["author"]["id"].clone();
    assert_eq!(
        first,
        json!({
            "site": "courrier", "article": "5", "comment": "31", "parent": null, "revision": 1,
            "author": {"id": guest, "display_name": "Constantin", "role": "reader"},
            "body": "Ceci est un <b>commentaire</b>.", "format": "html", "submitted_at": "2026-11-24T11:00:00Z",
            "url": "https://courrier.example/a-1/#comment-31",
        })
    );
    assert!(guest.as_str().unwrap().starts_with("guest-"));
    assert!(!events[0].to_string().to_lowercase().contains("constantin@"));
    assert_eq!(events[1]["data"]["revision"], 31);
    assert_eq!(events[1]["data"]["author"]["id"], guest);
    assert_eq!(events[2]["type"], "stoa.comment.withdrawn.v1");
    let known = &events[3]["data"];
    assert_eq!(
        (&known["author"]["id"], &known["parent"]),
        (&json!("7"), &json!("31"))
    );
    assert_eq!(known["body"], "<p>Un autre.</p>");
    assert_ne!(events[4]["data"]["author"]["id"], guest);

    let request = Request::post(format!("/v1/webhooks/blog?token={WORDPRESS}"));
    let (status, _) = running.request(with(request, "{}")).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    running.stop().await;
}
