use super::*;
use crate::accounts::{Caller, Wanted};

/// The secret of a token that somebody has made.
async fn token(running: &Running, user: &str, role: Role, sites: &[&str]) -> String {
    let users = running.accounts.users();
    let user = users.iter().find(|one| one.id == user).unwrap();
    let wanted = Wanted {
        name: format!("{role}-{}", sites.len()),
        user: user.id.clone(),
        role,
        sites: sites.iter().map(ToString::to_string).collect(),
        days: 30,
    };
    let (origin, most) = (Origin::default(), Caller::from(user));
    let made = running.accounts.make_token(&origin, wanted, &most);
    made.await.unwrap().1
}

/// Sends a request with a token, or without; returns status and JSON.
async fn ask(
    running: &Running,
    secret: &str,
    method: &Method,
    path: &str,
    body: Option<&Value>,
) -> (StatusCode, Value) {
    let mut request = Request::builder().method(method).uri(path);
    if !secret.is_empty() {
        request = request.header(header::AUTHORIZATION, format!("Bearer {secret}"));
    }
    let body = match body {
        Some(body) => {
            request = request.header(header::CONTENT_TYPE, "application/json");
            Body::from(body.to_string())
        }
        None => Body::empty(),
    };
    let request = request.body(body).unwrap();
    let answer = running.router.clone().oneshot(request).await.unwrap();
    let (parts, body) = answer.into_parts();
    let body = to_bytes(body, 1 << 22).await.unwrap();
    assert!(!parts.headers.contains_key(header::SET_COOKIE));
    (
        parts.status,
        serde_json::from_slice(&body).unwrap_or_default(),
    )
}

#[tokio::test]
async fn every_route_for_programs_needs_a_token_of_its_role() {
    let running = Running::new().await;
    let mut secrets = vec![
        ("", String::new()),
        ("wrong", "stoa_0123456789abcdef".to_owned()),
    ];
    for role in ["viewer", "moderator", "editor", "auditor", "admin"] {
        let known = Role::ALL
            .into_iter()
            .find(|known| known.as_str() == role)
            .unwrap();
        let sites = if role == "admin" { "*" } else { "courrier" };
        secrets.push((role, token(&running, role, known, &[sites]).await));
    }
    let routes: Vec<Route> = routes();
    let mut n = 0;
    for route in &routes {
        let Needs::Token(needed) = route.needs else {
            assert!(!route.path.starts_with("/api"), "{}", route.path);
            continue;
        };
        n += 1;
        let path = route
            .path
            .replace("{user}", "nobody")
            .replace("{token}", "none")
            .replace("{*path}", "sites");
        for (name, secret) in &secrets {
            let (status, problem) = ask(&running, secret, &route.method, &path, None).await;
            let role = Role::ALL.into_iter().find(|known| known.as_str() == *name);
            let expected = match role {
                None => Some(StatusCode::UNAUTHORIZED),
                Some(role) if !role.at_least(needed) => Some(StatusCode::FORBIDDEN),
                Some(_) => None,
            };
            let found = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status);
            assert_eq!(
                found.then_some(status),
                expected,
                "{name}: {} {path}",
                route.method
            );
            if expected.is_some() {
                assert!(problem["detail"].is_string(), "{problem}");
            }
        }
        // A cookie does not count, whoever's it is.
        let mut browser = running.as_user("admin").await;
        let request = Request::builder().method(&route.method).uri(&path);
        let answer = browser.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    assert_eq!(n, 14);
    let (status, problem) = ask(&running, "", &Method::GET, "/api/nothing", None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(problem["status"], 404);
}

#[test]
fn the_document_has_every_route_for_programs_and_no_other() {
    let mut table = BTreeMap::new();
    for route in routes() {
        if let Needs::Token(role) = route.needs {
            let path = route.path.replace("{*", "{");
            table.insert((route.method.to_string(), path), json!(role));
        } else {
            assert!(!route.path.starts_with("/api"), "{}", route.path);
        }
    }
    let [public, _] = crate::openapi();
    let mut document = BTreeMap::new();
    for (path, item) in public["paths"].as_object().unwrap() {
        if path == openapi::PATH {
            continue;
        }
        for (method, operation) in item.as_object().unwrap() {
            let which = (method.to_uppercase(), path.clone());
            document.insert(which, operation["x-role"].clone());
        }
    }
    assert_eq!(document, table);
}

#[tokio::test]
async fn the_document_is_there_for_everyone() {
    let running = Running::new().await;
    let (status, document) = ask(&running, "", &Method::GET, openapi::PATH, None).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(document, crate::openapi()[0]);
}

#[tokio::test]
async fn what_a_program_asks_of_a_role_is_passed_on_in_its_name() {
    let running = Running::new().await;
    let secret = token(&running, "moderator", Role::Moderator, &["courrier"]).await;
    let get = &Method::GET;
    let (status, case) = ask(
        &running,
        &secret,
        get,
        "/api/moderation/cases/k-1?x=1",
        None,
    )
    .await;
    assert_eq!((status, &case["case"]), (StatusCode::OK, &json!("k-1")));
    let body = json!({"verdict": "approve", "version": 7});
    let path = "/api/moderation/cases/k-1/decision";
    let (status, _) = ask(&running, &secret, &Method::POST, path, Some(&body)).await;
    assert_eq!(status, StatusCode::OK);
    let decided = running.stub.decided.lock().unwrap().clone();
    assert_eq!(
        decided,
        [(
            "moderator%2Fmoderator-1 moderator courrier".to_owned(),
            body
        )]
    );
    let stale = json!({"verdict": "approve", "version": 6});
    let (status, problem) = ask(&running, &secret, &Method::POST, path, Some(&stale)).await;
    assert_eq!(
        status,
        StatusCode::CONFLICT,
        "a problem comes back as it is"
    );
    assert_eq!(problem["code"], "version_conflict");
    let path = "/api/archive/sites/courrier/comments/c-1";
    let (status, comment) = ask(&running, &secret, get, path, None).await;
    assert_eq!(
        (status, &comment["text"]),
        (StatusCode::OK, &json!("words of c-1"))
    );
    let (status, _) = ask(&running, &secret, &Method::POST, path, Some(&json!({}))).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    for path in [
        "/api/moderation/../v1/moderate",
        "/api/moderation/%2e%2e/v1/moderate",
        "/api/moderation/cases/%2E%2e/x",
        "/api/moderation/.%2e/x",
    ] {
        let (status, _) = ask(&running, &secret, get, path, None).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_token_is_not_made_with_more_than_its_person_has() {
    let running = Running::new().await;
    let secret = token(&running, "editor", Role::Editor, &["courrier", "é b"]).await;
    let path = "/api/tokens";
    let new = |role: &str, sites: &[&str], user: Option<&str>| json!({"name": "ci", "role": role, "sites": sites, "days": 365, "user": user});
    for (body, code, field) in [
        (new("admin", &["courrier"], None), "tokens_too_much", "role"),
        (
            new("auditor", &["courrier"], None),
            "tokens_too_much",
            "role",
        ),
        (
            new("publisher", &["courrier"], None),
            "tokens_too_much",
            "role",
        ),
        (new("viewer", &["gazette"], None), "tokens_too_much", "role"),
        (new("viewer", &["*"], None), "tokens_too_much", "role"),
        (new("viewer", &[], None), "users_sites_form", "sites"),
        (
            new("viewer", &["courrier"], Some("admin")),
            "forbidden",
            "user",
        ),
        (
            json!({"name": "A b", "role": "viewer", "sites": ["courrier"]}),
            "tokens_name_form",
            "name",
        ),
        (
            json!({"name": "a", "role": "viewer", "sites": ["courrier"], "days": 366}),
            "tokens_days_form",
            "days",
        ),
        (json!({"name": "a"}), "invalid_body", "role"),
    ] {
        let (status, problem) = ask(&running, &secret, &Method::POST, path, Some(&body)).await;
        assert!(status.is_client_error(), "{body}");
        assert_eq!(problem["code"], code, "{body}: {problem}");
        assert_eq!(problem["field"], field, "{body}: {problem}");
    }
}

#[tokio::test]
async fn a_token_has_no_more_than_its_person_and_ends_with_them() {
    let running = Running::new().await;
    let secret = token(&running, "editor", Role::Editor, &["courrier", "é b"]).await;
    let path = "/api/tokens";
    let body = json!({"name": "ci", "role": "moderator", "sites": ["courrier"], "days": 365});
    let (status, made) = ask(&running, &secret, &Method::POST, path, Some(&body)).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!(
        made["expires_at"], "2026-12-24T18:00:00Z",
        "not after the one that made it"
    );
    let (status, problem) = ask(&running, &secret, &Method::POST, path, Some(&body)).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::BAD_REQUEST, &json!("tokens_exists"))
    );
    let ci = made["secret"].as_str().unwrap().to_owned();
    assert!(ci.starts_with("stoa_") && ci.len() == 69, "{ci}");
    let get = &Method::GET;
    let (_, listed) = ask(&running, &ci, get, path, None).await;
    assert_eq!(listed["tokens"].as_array().unwrap().len(), 2);
    assert!(!listed.to_string().contains("stoa_"), "{listed}");
    let (_, listed) = ask(&running, &ci, get, "/api/tokens?limit=1", None).await;
    let next = listed["next"].as_str().unwrap();
    let (_, rest) = ask(
        &running,
        &ci,
        get,
        &format!("/api/tokens?after={next}"),
        None,
    )
    .await;
    assert_eq!(
        (rest["tokens"].as_array().unwrap().len(), &rest["next"]),
        (1, &Value::Null)
    );

    // Another's is neither seen nor ended; an admin does both.
    let other = token(&running, "viewer", Role::Viewer, &["courrier"]).await;
    let one = format!("/api/tokens/{}", made["token"].as_str().unwrap());
    let (status, _) = ask(&running, &other, &Method::DELETE, &one, None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (_, listed) = ask(&running, &other, get, path, None).await;
    assert_eq!(listed["tokens"].as_array().unwrap().len(), 1);
    let admin = token(&running, "admin", Role::Admin, &["*"]).await;
    let (status, _) = ask(&running, &admin, &Method::DELETE, &one, None).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        ask(&running, &ci, get, path, None).await.0,
        StatusCode::UNAUTHORIZED
    );

    let demote = json!({"role": "viewer", "sites": ["courrier"]});
    let by_patch = &Method::PATCH;
    let (status, changed) = ask(
        &running,
        &admin,
        by_patch,
        "/api/users/editor",
        Some(&demote),
    )
    .await;
    assert_eq!(
        (status, &changed["role"]),
        (StatusCode::OK, &json!("viewer"))
    );
    let decide = "/api/moderation/cases/k-1/decision";
    let body = json!({"verdict": "approve", "version": 7});
    ask(&running, &secret, &Method::POST, decide, Some(&body)).await;
    let as_whom = running.stub.decided.lock().unwrap()[0].0.clone();
    assert_eq!(
        as_whom, "editor%2Feditor-2 viewer courrier",
        "the role is asked with no more"
    );
    let disable = json!({"disabled": true});
    ask(
        &running,
        &admin,
        by_patch,
        "/api/users/editor",
        Some(&disable),
    )
    .await;
    assert_eq!(
        ask(&running, &secret, get, path, None).await.0,
        StatusCode::UNAUTHORIZED
    );
    running.clock.advance(Duration::from_hours(30 * 24));
    assert_eq!(
        ask(&running, &admin, get, path, None).await.0,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn accounts_are_kept_by_programs() {
    let extra = [
        ("TOKENS__0__NAME", "provision"),
        ("TOKENS__0__ROLE", "admin"),
        ("TOKENS__0__SECRET", "provision-0123456789"),
        ("TOKENS__0__SITES__0", "*"),
    ];
    let running = Running::with(&extra).await;
    let secret = "provision-0123456789";
    let (get, post) = (&Method::GET, &Method::POST);
    let (_, listed) = ask(&running, secret, get, "/api/users?limit=2", None).await;
    assert_eq!(listed["users"][0]["user"], "admin");
    assert_eq!(listed["next"], "auditor");
    let zoe = json!({"user": "zoe", "name": "Zoé", "role": "moderator", "sites": ["*"]});
    let (status, made) = ask(&running, secret, post, "/api/users", Some(&zoe)).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert!(
        made["link"].as_str().unwrap().contains("/set-up/"),
        "{made}"
    );
    let (status, problem) = ask(&running, secret, post, "/api/users", Some(&zoe)).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::BAD_REQUEST, &json!("users_exists"))
    );
    let (_, made) = ask(&running, secret, post, "/api/users/zoe/link", None).await;
    assert!(
        made["link"].as_str().unwrap().contains("/set-up/"),
        "{made}"
    );
    let mut viewer = running.as_user("viewer").await;
    let sessions = "/api/users/viewer/sessions";
    let (_, ended) = ask(&running, secret, &Method::DELETE, sessions, None).await;
    assert_eq!(ended["ended"], 1);
    assert_eq!(viewer.get("/").await.status, StatusCode::UNAUTHORIZED);
    let second = "/api/users/viewer/second-step";
    let (_, problem) = ask(&running, secret, &Method::DELETE, second, None).await;
    assert_eq!(problem["code"], "users_no_second_step");
    let body = json!({"disabled": true});
    let (_, problem) = ask(
        &running,
        secret,
        &Method::PATCH,
        "/api/users/admin",
        Some(&body),
    )
    .await;
    assert_eq!(problem["code"], "users_last_admin");
    let (status, changed) = ask(
        &running,
        secret,
        &Method::PATCH,
        "/api/users/viewer",
        Some(&body),
    )
    .await;
    assert_eq!(
        (status, &changed["disabled"]),
        (StatusCode::OK, &json!(true))
    );
    let (status, _) = ask(
        &running,
        secret,
        &Method::PATCH,
        "/api/users/none",
        Some(&body),
    )
    .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let body = json!({"name": "a", "role": "viewer", "sites": ["*"]});
    let (_, problem) = ask(&running, secret, post, "/api/tokens", Some(&body)).await;
    assert_eq!(problem["field"], "user");
    let body = json!({"name": "a", "role": "viewer", "sites": ["*"], "user": "zoe"});
    let (status, made) = ask(&running, secret, post, "/api/tokens", Some(&body)).await;
    assert_eq!(
        (status, &made["user"]),
        (StatusCode::CREATED, &json!("zoe"))
    );
}

#[tokio::test]
async fn a_person_makes_tokens_and_ends_them() {
    let running = Running::new().await;
    let mut browser = running.as_user("moderator").await;
    let page = browser.get("/tokens").await.body;
    assert!(!page.contains("value=\"admin\""), "{page}");
    let fields = [
        ("name", "bot"),
        ("role", "viewer"),
        ("sites", "courrier\r\n"),
        ("days", "7"),
    ];
    let answer = browser.post("/tokens", &fields).await;
    let (_, rest) = answer.body.split_once("<code>stoa_").expect(&answer.body);
    let secret = format!("stoa_{}", rest.split('<').next().unwrap());
    assert!(
        !browser.get("/tokens").await.body.contains(&secret),
        "it is shown once"
    );
    let get = &Method::GET;
    assert_eq!(
        ask(&running, &secret, get, "/api/tokens", None).await.0,
        StatusCode::OK
    );
    let page = browser.get("/tokens").await.body;
    assert!(page.contains("last used <time"), "{page}");
    let mut admin = running.as_user("admin").await;
    assert!(
        admin
            .get("/tokens")
            .await
            .body
            .contains("<bdi>moderator</bdi>")
    );
    let mut viewer = running.as_user("viewer").await;
    assert!(
        !viewer
            .get("/tokens")
            .await
            .body
            .contains("<bdi>moderator</bdi>")
    );
    let (_, rest) = page.split_once("action=\"/tokens/").unwrap();
    let end = format!("/tokens/{}", rest.split('"').next().unwrap());
    assert_eq!(
        viewer.post(&end, &[]).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(browser.post(&end, &[]).await.headers["location"], "/tokens");
    let (status, _) = ask(&running, &secret, get, "/api/tokens", None).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    for (name, value) in [
        ("name", "No!"),
        ("role", "admin"),
        ("days", "0"),
        ("sites", "gazette"),
    ] {
        let fields = fields.map(|(known, old)| (known, if known == name { value } else { old }));
        let answer = browser.post("/tokens", &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
    }
}
