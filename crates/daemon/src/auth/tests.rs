use axum::http::{HeaderValue, StatusCode};

use super::*;
use crate::config::Secret;

fn token(name: &str, role: Role, secret: &str, sites: &[&str]) -> TokenConfig {
    TokenConfig {
        sites: sites.iter().map(ToString::to_string).collect(),
        ..TokenConfig::from_secret(name, role, Secret::new(secret))
    }
}

fn headers(values: &[(header::HeaderName, &str)]) -> HeaderMap {
    let pairs = values.iter();
    pairs
        .map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()))
        .collect()
}

fn bearer(token: &str) -> HeaderMap {
    headers(&[(header::AUTHORIZATION, &format!("Bearer {token}"))])
}

fn tokens() -> Tokens {
    let by_hash = TokenConfig {
        sha256: Some(hex(&Sha256::digest(b"by-hash-0123456789"))),
        secret: None,
        ..token("hashed", Role::Moderator, "unused", &["courrier", "echo"])
    };
    Tokens::new(&[
        token("cms", Role::Publisher, "publisher-0123456789", &["*"]),
        by_hash,
    ])
    .unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02X}"))
}

fn status(result: Result<Principal, Problem>) -> StatusCode {
    match result {
        Ok(_) => StatusCode::OK,
        Err(problem) => problem.status(),
    }
}

#[test]
fn a_known_token_is_somebody() {
    let publisher = tokens().check(&bearer("publisher-0123456789")).unwrap();
    assert_eq!(
        (publisher.name.as_str(), publisher.role),
        ("cms", Role::Publisher)
    );
    assert!(publisher.allows_site("anything"));

    let moderator = tokens().check(&bearer("by-hash-0123456789")).unwrap();
    assert_eq!(moderator.role, Role::Moderator);
    assert!(moderator.require_site("echo").is_ok());
    let problem = moderator.require_site("other").unwrap_err();
    assert_eq!(problem.status(), StatusCode::FORBIDDEN);
    assert!(moderator.require(Role::Viewer).is_ok());
    assert_eq!(
        moderator.require(Role::Editor).unwrap_err().status(),
        StatusCode::FORBIDDEN
    );

    let any_case = headers(&[(header::AUTHORIZATION, "bearer publisher-0123456789")]);
    assert!(tokens().check(&any_case).is_ok());
}

#[test]
fn anything_else_is_nobody() {
    let hash_itself = hex(&Sha256::digest(b"by-hash-0123456789"));
    for value in [
        "Bearer wrong-0123456789",
        "Bearer ",
        "Bearer",
        "",
        "Basic cHVibGlzaGVyOng=",
        "publisher-0123456789",
        &format!("Bearer {hash_itself}"),
    ] {
        let headers = headers(&[(header::AUTHORIZATION, value)]);
        assert_eq!(
            status(tokens().check(&headers)),
            StatusCode::UNAUTHORIZED,
            "{value}"
        );
        let open = tokens().with_open(true);
        assert_eq!(
            status(open.check(&headers)),
            StatusCode::UNAUTHORIZED,
            "open: {value}"
        );
        assert!(tokens().optional(&headers).is_err(), "{value}");
    }
    assert_eq!(
        status(tokens().check(&HeaderMap::new())),
        StatusCode::UNAUTHORIZED
    );
    assert!(tokens().optional(&HeaderMap::new()).unwrap().is_none());

    let mut twice = bearer("publisher-0123456789");
    twice.append(
        header::AUTHORIZATION,
        HeaderValue::from_static("Bearer other"),
    );
    assert_eq!(status(tokens().check(&twice)), StatusCode::UNAUTHORIZED);
}

#[test]
fn open_mode_lets_local_programs_publish_and_no_web_page() {
    let open = Tokens::open();
    for local in [
        headers(&[]),
        headers(&[(header::HOST, "127.0.0.1:8081")]),
        headers(&[
            (header::HOST, "localhost:8081"),
            (header::ORIGIN, "http://localhost:8080"),
        ]),
        headers(&[(header::HOST, "[::1]:8081")]),
        headers(&[(header::HOST, "localhost")]),
        headers(&[(header::HOST, "[::1]")]),
    ] {
        let principal = open.check(&local).unwrap();
        assert_eq!(principal.role, Role::Publisher, "{local:?}");
        assert!(principal.require(Role::Viewer).is_err());
    }
    for elsewhere in [
        headers(&[(header::HOST, "rebound.example:8081")]),
        headers(&[
            (header::HOST, "127.0.0.1:8081"),
            (header::ORIGIN, "https://evil.example"),
        ]),
        headers(&[(header::HOST, "127.0.0.1:8081"), (header::ORIGIN, "null")]),
        headers(&[(header::HOST, "localhost.evil.example")]),
        headers(&[(header::HOST, "127.0.0.1.evil.example:80")]),
    ] {
        assert_eq!(
            status(open.check(&elsewhere)),
            StatusCode::FORBIDDEN,
            "{elsewhere:?}"
        );
    }
}

#[test]
fn roles_include_each_other_as_documented() {
    use Role::{Admin, Auditor, Editor, Moderator, Publisher, Viewer};

    let includes = [
        (Publisher, vec![Publisher]),
        (Viewer, vec![Viewer]),
        (Moderator, vec![Viewer, Moderator]),
        (Editor, vec![Viewer, Moderator, Editor]),
        (Auditor, vec![Viewer, Auditor]),
        (Admin, Role::ALL.to_vec()),
    ];
    for (role, included) in includes {
        for needed in Role::ALL {
            assert_eq!(
                role.at_least(needed),
                included.contains(&needed),
                "{role} ≥ {needed}"
            );
        }
        let name = serde_json::to_string(&role).unwrap();
        assert_eq!(name, format!("\"{role}\""));
    }
}

#[test]
fn tokens_that_cannot_be_used_are_named() {
    let fine = || token("a", Role::Viewer, "0123456789abcdef", &["*"]);
    let hashed = |sha256: &str| TokenConfig {
        sha256: Some(sha256.to_owned()),
        secret: None,
        ..fine()
    };
    let cases = [
        (
            vec![token("a", Role::Viewer, "short", &["*"])],
            "tokens[0].secret: expected at least 16",
        ),
        (
            vec![token("a", Role::Viewer, "0123456789 abcdef", &["*"])],
            "tokens[0].secret: expected",
        ),
        (
            vec![token("a", Role::Viewer, "0123456789abcdef", &[])],
            "tokens[0].sites: name the sites",
        ),
        (
            vec![token("a", Role::Viewer, "0123456789abcdef", &["*", "x"])],
            "tokens[0].sites: expected",
        ),
        (
            vec![hashed("abc")],
            "tokens[0].sha256: expected 64 hexadecimal digits",
        ),
        (
            vec![hashed(&"g".repeat(64))],
            "tokens[0].sha256: expected 64 hexadecimal digits",
        ),
        (
            vec![TokenConfig {
                secret: None,
                ..fine()
            }],
            "tokens[0]: expected one of",
        ),
        (
            vec![TokenConfig {
                sha256: Some("0".repeat(64)),
                ..fine()
            }],
            "tokens[0]: expected one of",
        ),
        (
            vec![fine(), fine()],
            "tokens[1].name: there are two tokens named `a`",
        ),
        (
            vec![
                fine(),
                TokenConfig {
                    name: "b".to_owned(),
                    ..fine()
                },
            ],
            "tokens[1]: this token is listed twice",
        ),
    ];
    for (configs, expected) in cases {
        let error = Tokens::new(&configs).unwrap_err().to_string();
        assert!(
            error.starts_with(expected),
            "expected: {expected}\n   found: {error}"
        );
    }
}

#[test]
fn a_listener_that_others_can_reach_needs_tokens() {
    let some = [token("a", Role::Viewer, "0123456789abcdef", &["*"])];
    let check = |listen: &str, tokens: &[TokenConfig], open| {
        check_exposure(listen.parse().unwrap(), tokens, open).map_err(|error| error.to_string())
    };
    for local in [
        "127.0.0.1:1",
        "127.9.9.9:1",
        "[::1]:1",
        "[::ffff:127.0.0.1]:1",
    ] {
        check(local, &[], true).unwrap();
        check(local, &[], false).unwrap();
    }
    for exposed in [
        "0.0.0.0:1",
        "[::]:1",
        "192.168.1.1:1",
        "[::ffff:10.0.0.1]:1",
    ] {
        check(exposed, &some, false).unwrap();
        let error = check(exposed, &[], false).unwrap_err();
        assert!(error.starts_with("tokens: "), "{error}");
        let error = check(exposed, &some, true).unwrap_err();
        assert!(error.starts_with("open: "), "{error}");
    }
}

#[test]
fn a_token_is_not_shown() {
    let config = token("a", Role::Viewer, "0123456789abcdef", &["*"]);
    assert!(!format!("{config:?}").contains("0123456789abcdef"));
}
