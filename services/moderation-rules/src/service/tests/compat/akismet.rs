//! As Akismet's clients ask, and read.

use super::*;

async fn form(
    fixture: &Fixture,
    path: &str,
    fields: &[(&str, &str)],
) -> (StatusCode, HeaderMap, String) {
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    let request =
        Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    send(fixture, request, body).await
}

/// What the plugin of WordPress sends, with more over it.
fn asks<'a>(content: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![
        ("api_key", PLATFORM),
        ("blog", "https://courrier.example"),
        ("user_ip", "203.0.113.9"),
        ("user_agent", "Mozilla/5.0"),
        ("referrer", "https://courrier.example/a-1"),
        ("permalink", "https://courrier.example/a-1#comments"),
        ("comment_type", "comment"),
        ("comment_author", "Constantin"),
        ("comment_author_email", "constantin@example.com"),
        ("comment_content", content),
        ("comment_date_gmt", "2026-11-24T11:00:00"),
        ("blog_lang", "en"),
        ("blog_charset", "UTF-8"),
    ];
    for (name, value) in more {
        fields.retain(|(known, _)| known != name);
        fields.push((name, value));
    }
    fields
}

async fn check(fixture: &Fixture, fields: &[(&str, &str)]) -> String {
    let (status, headers, body) = form(fixture, "/1.1/comment-check", fields).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let kind = headers[header::CONTENT_TYPE].to_str().unwrap();
    assert!(kind.starts_with("text/plain"));
    match headers.get("x-akismet-pro-tip") {
        Some(tip) => format!("{body} {}", tip.to_str().unwrap()),
        None => body,
    }
}

#[tokio::test]
async fn a_comment_is_spam_or_not() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = configured(dir.path());
    config.compat.akismet.discard = vec!["hate".to_owned()];
    let fixture = Fixture::open_as(config, dir.path()).await;
    let before = fixture.service.journal.next();
    let long = "https://courrier.example/".repeat(20);
    let admin = ("user_role", "administrator");
    for (fields, answer) in [
        (asks("What a fine article this is.", &[]), "false"),
        (asks("You <b>scoun</b>drel!", &[]), "true"),
        (asks("Vermin!", &[]), "true discard"),
        (asks("Vermin!", &[admin]), "false"),
        (asks("Vermin!", &[("user_role", "editor")]), "true discard"),
        (asks("Vermin!", &[("is_test", "1")]), "true discard"),
        (
            asks("Fine.", &[("comment_author", "viagra-test-123")]),
            "true",
        ),
        (
            asks(
                "Fine.",
                &[(
                    "comment_author_email",
                    "akismet-guaranteed-spam@example.com",
                )],
            ),
            "true",
        ),
        (asks("Fine.", &[("permalink", &long)]), "false"),
        (asks("Fine.", &[("comment_date_gmt", "yesterday")]), "false"),
        // What shows no words can't be judged.
        (asks("<p></p>", &[]), "true"),
    ] {
        assert_eq!(check(&fixture, &fields).await, answer, "{fields:?}");
    }
    assert_eq!(fixture.service.journal.next(), before);
    fixture.stop().await;
}

#[tokio::test]
async fn a_key_is_good_or_invalid() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = opened(dir.path()).await;
    let blog = ("blog", "https://courrier.example");
    for (key, answer) in [
        (("key", PLATFORM), "valid"),
        (("api_key", PLATFORM), "valid"),
        (("key", "unknown-unknown-unknown"), "invalid"),
        (("key", VIEWER), "invalid"),
        (("other", ""), "invalid"),
    ] {
        let (status, headers, body) = form(&fixture, "/1.1/verify-key", &[key, blog]).await;
        assert_eq!((status, body.as_str()), (StatusCode::OK, answer), "{key:?}");
        assert_eq!(
            headers.contains_key("x-akismet-debug-help"),
            answer == "invalid"
        );
    }
    let wrong = asks("Vermin!", &[("api_key", "unknown-unknown-unknown")]);
    assert_eq!(check(&fixture, &wrong).await, "invalid");
    // As older clients have it: the key is the first name of the host.
    let mut old = asks("You scoundrel!", &[]);
    old.remove(0);
    assert_eq!(check(&fixture, &old).await, "invalid");
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(old)
        .finish();
    let request = Request::post("/1.1/comment-check")
        .header(header::HOST, format!("{PLATFORM}.moderation.example:8082"));
    let (_, _, answer) = send(&fixture, request, body).await;
    assert_eq!(answer, "true");
    fixture.stop().await;
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = opened(dir.path()).await;
    for name in ["blog", "user_ip", "comment_content"] {
        let fields = asks("Fine.", &[(name, " ")]);
        let (status, headers, body) = form(&fixture, "/1.1/comment-check", &fields).await;
        assert_eq!(
            (status.as_u16(), &read(&body)["field"]),
            (400, &json!(name))
        );
        let help = format!("missing required field: {name}");
        assert_eq!(headers["x-akismet-debug-help"], help);
    }
    fixture.stop().await;
}

#[tokio::test]
async fn what_people_tell_is_thanked_for_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = opened(dir.path()).await;
    let before = fixture.service.journal.next();
    for kind in ["submit-spam", "submit-ham"] {
        let path = format!("/1.1/{kind}");
        let (status, _, body) = form(&fixture, &path, &asks("Buy this.", &[])).await;
        let thanks = "Thanks for making the web a better place.";
        assert_eq!((status, body.as_str()), (StatusCode::OK, thanks));
        let (_, _, body) = form(
            &fixture,
            &path,
            &asks("x", &[("api_key", "unknown-unknown")]),
        )
        .await;
        assert_eq!(body, "invalid");
        let told = fixture.metric("stoa_compat_feedback_total", &[("kind", kind)]);
        assert_eq!(told, Some(1.0));
    }
    assert_eq!(fixture.service.journal.next(), before);
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_judged_in_time_is_spam_until_somebody_looks() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = hasty(dir.path(), |_| {}).await;
    let (status, headers, body) = form(&fixture, "/1.1/comment-check", &asks("slow", &[])).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "true"));
    assert_eq!(
        headers["x-akismet-debug-help"],
        "there was no time to judge it"
    );
    assert!(!headers.contains_key("x-akismet-pro-tip"));
    fixture.stop().await;
}
