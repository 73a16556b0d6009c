use super::*;

/// A path of a route, with something for each of its variables.
fn path(route: &str) -> String {
    route
        .replace("{case}", "k-1")
        .replace("{rule}", "insult")
        .replace("{list}", "bad")
        .replace("{backtest}", "bt-1")
        .replace("{user}", "viewer")
        .replace("{bulk}", "bulk-1")
        .replace("{link}", "none")
        .replace("{name}", "none")
        .replace("{token}", "none")
        .replace("{*path}", "cases")
        .replace("{site}", "courrier")
        .replace("{article}", "a-1")
        .replace("{author}", "u-1")
        .replace("{decision}", "d-1")
        .replace("{role}", "ingest")
        .replace("{id}", "17")
        .replace("{seq}", "5")
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "it is the table of all routes")]
async fn every_route_lets_in_whom_it_should_and_nobody_else() {
    let people = [
        "nobody",
        "viewer",
        "moderator",
        "editor",
        "auditor",
        "admin",
    ];
    let signed_in = "viewer moderator editor auditor admin";
    let everyone = "nobody viewer moderator editor auditor admin";
    let expected: BTreeMap<&str, &str> = [
        ("GET /", signed_in),
        ("GET /feed", signed_in),
        ("GET /next", signed_in),
        ("GET /bulk", "moderator editor admin"),
        ("POST /bulk", "moderator editor admin"),
        ("POST /bulk/{bulk}/undo", "moderator editor admin"),
        ("GET /cases/{case}", signed_in),
        ("POST /cases/{case}/decision", "moderator editor admin"),
        ("POST /cases/{case}/undo", "moderator editor admin"),
        ("POST /cases/{case}/claim", "moderator editor admin"),
        ("POST /cases/{case}/release", "moderator editor admin"),
        ("POST /cases/{case}/notes", "moderator editor admin"),
        ("POST /cases/{case}/preview", "moderator editor admin"),
        ("POST /cases/{case}/uphold", "moderator editor admin"),
        ("GET /appeals", signed_in),
        ("GET /texts", "editor admin"),
        ("POST /texts", "editor admin"),
        ("POST /texts/back", "editor admin"),
        ("GET /transparency", signed_in),
        ("GET /transparency/report", signed_in),
        ("GET /transparency/statements", signed_in),
        ("GET /rules", signed_in),
        ("GET /rules/results/{rule}", signed_in),
        ("POST /rules/results/{rule}/mode", "editor admin"),
        (
            "POST /rules/results/{rule}/breaker",
            "moderator editor admin",
        ),
        ("GET /rules/versions", signed_in),
        ("GET /rules/diff", signed_in),
        ("POST /rules/rollback", "editor admin"),
        ("GET /rules/edit", "editor admin"),
        ("POST /rules/edit", "editor admin"),
        ("POST /rules/edit/check", "editor admin"),
        ("GET /rules/backtests/{backtest}", signed_in),
        ("POST /rules/backtests/{backtest}/cancel", "editor admin"),
        ("GET /lists", signed_in),
        ("GET /lists/{list}", signed_in),
        ("POST /lists/{list}", "editor admin"),
        ("GET /insights", signed_in),
        ("GET /insights.csv", signed_in),
        ("GET /threads/{site}/{article}", signed_in),
        ("GET /authors/{site}/{author}", signed_in),
        ("GET /search", signed_in),
        ("GET /decisions", signed_in),
        ("GET /decisions/{decision}", signed_in),
        ("POST /cases/{case}/escalate", "moderator editor admin"),
        ("POST /cases/{case}/calm", "moderator editor admin"),
        ("POST /cases/{case}/measure", "moderator editor admin"),
        ("GET /audit", "auditor admin"),
        ("GET /audit.csv", "auditor admin"),
        ("GET /parked", "admin"),
        ("GET /parked/{role}/{id}", "admin"),
        ("POST /parked/{role}/{id}/retry", "admin"),
        ("POST /parked/{role}/{id}/drop", "admin"),
        ("GET /rejections", "admin"),
        ("GET /rejections/{seq}", "admin"),
        ("GET /sites", "admin"),
        ("GET /webhooks", "auditor admin"),
        ("GET /webhooks/{name}", "auditor admin"),
        ("POST /webhooks/{name}/test", "admin"),
        ("POST /webhooks/{name}/replay", "admin"),
        ("POST /webhooks/{name}/enable", "admin"),
        ("POST /webhooks/{name}/disable", "admin"),
        ("GET /account", signed_in),
        ("POST /account/password", signed_in),
        ("POST /account/settings", signed_in),
        ("GET /account/second-step", signed_in),
        ("POST /account/second-step", signed_in),
        ("POST /account/second-step/off", signed_in),
        ("POST /users/{user}/second-step", "admin"),
        ("POST /sign-in/code", everyone),
        ("GET /sign-in/oidc", everyone),
        ("GET /sign-in/oidc/callback", everyone),
        ("POST /account/sessions", signed_in),
        ("POST /users/{user}/sessions", "admin"),
        ("GET /tokens", signed_in),
        ("POST /tokens", signed_in),
        ("POST /tokens/{token}/end", signed_in),
        ("GET /users", "admin"),
        ("POST /users", "admin"),
        ("POST /users/{user}", "admin"),
        ("POST /users/{user}/link", "admin"),
        ("GET /sign-in", everyone),
        ("POST /sign-in", everyone),
        ("POST /sign-out", signed_in),
        ("GET /set-up/{link}", everyone),
        ("POST /set-up/{link}", everyone),
        ("GET /assets/{name}", everyone),
        ("GET /openapi.json", everyone),
    ]
    .into();
    let running = Running::new().await;
    let routes: Vec<Route> = routes()
        .into_iter()
        .filter(|route| !matches!(route.needs, Needs::Token(_)))
        .collect();
    assert_eq!(routes.len(), expected.len(), "each route has its line here");
    for route in &routes {
        let name = format!("{} {}", route.method, route.path);
        let allowed = expected.get(name.as_str()).expect(&name);
        for person in people {
            let mut browser = running.browser();
            browser.get("/sign-in").await;
            if person != "nobody" {
                browser = running.as_user(person).await;
            }
            let answer = browser.method(&route.method, &path(&route.path)).await;
            let expected = match (allowed.split(' ').any(|one| one == person), person) {
                (true, _) => None,
                (false, "nobody") => Some(StatusCode::UNAUTHORIZED),
                (false, _) => Some(StatusCode::FORBIDDEN),
            };
            let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];
            let found = Some(answer.status).filter(|status| refused.contains(status));
            assert_eq!(found, expected, "{person}: {name}");
        }
    }
}

#[tokio::test]
async fn every_answer_has_the_headers_errors_included() {
    let running = Running::with(&[("HTTP__PUBLIC_URL", "https://desk.example")]).await;
    let mut asked: Vec<(Method, String)> = routes()
        .iter()
        .map(|route| (route.method.clone(), path(&route.path)))
        .collect();
    asked.push((Method::GET, assets::style().to_owned()));
    asked.push((Method::GET, "/nothing/here".to_owned()));
    asked.push((Method::POST, "/account".to_owned()));
    for person in ["nobody", "admin"] {
        for (method, path) in &asked {
            let mut browser = running.browser();
            if person == "admin" {
                browser = running.as_user(person).await;
            }
            let answer = browser.method(method, path).await;
            let has = |name: &str| answer.headers[name].to_str().unwrap().to_owned();
            let policy = has("content-security-policy");
            for part in [
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                "connect-src 'self'",
                "frame-ancestors 'none'",
                "base-uri 'none'",
                "object-src 'none'",
            ] {
                assert!(policy.contains(part), "{part} at {method} {path}");
            }
            assert!(!policy.contains("unsafe"), "{policy}");
            assert_eq!(has("x-content-type-options"), "nosniff");
            assert_eq!(has("referrer-policy"), "same-origin");
            assert_eq!(has("strict-transport-security"), "max-age=31536000");
            let is_asset = path == assets::style();
            let is_kept = is_asset || path == openapi::PATH;
            assert_eq!(has("cache-control") == "no-store", !is_kept, "{path}");
            for inline in ["<style", "<script>", " style=", " onclick", "javascript:"] {
                assert!(
                    is_asset || !answer.body.contains(inline),
                    "{inline} at {path}"
                );
            }
        }
    }
}

#[tokio::test]
async fn the_cookie_is_for_this_host_alone_and_new_at_each_sign_in() {
    let running = Running::new().await;
    let mut browser = running.browser();
    browser.get("/sign-in").await;
    let fields = [
        ("id", " Admin "),
        ("password", PASSWORD),
        ("next", "/users"),
    ];
    let answer = browser.post("/sign-in", &fields).await;
    assert_eq!(answer.headers["location"], "/users");
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    let (pair, attributes) = cookie.split_once(';').unwrap();
    let (name, first) = pair.split_once('=').unwrap();
    assert_eq!(name, "__Host-stoa");
    assert_eq!(attributes, " Path=/; HttpOnly; SameSite=Strict; Secure");
    assert!(first.len() >= 32);
    browser.get("/account").await;
    browser.post("/sign-in", &fields).await;
    assert_ne!(browser.cookies["__Host-stoa"], first);
}

#[tokio::test]
async fn a_session_can_not_be_used_again() {
    let running = Running::new().await;
    let mut browser = running.as_user("moderator").await;
    let (mut replay, mut open) = (browser.clone(), browser.clone());
    let answer = browser.post("/sign-out", &[]).await;
    assert!(
        answer.headers["set-cookie"]
            .to_str()
            .unwrap()
            .contains("Max-Age=0")
    );
    assert_eq!(
        replay.get("/").await.status,
        StatusCode::UNAUTHORIZED,
        "signed out"
    );
    let decision = [("verdict", "approve"), ("version", "7")];
    let answer = open.post("/cases/k-1/decision", &decision).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.body);
    let told = "You were signed out, so nothing was done.";
    assert!(answer.body.contains(told), "{}", answer.body);
    assert!(running.stub.decided.lock().unwrap().is_empty());

    let mut browser = running.as_user("moderator").await;
    let mut admin = running.as_user("admin").await;
    let fields = [
        ("name", "M"),
        ("role", "moderator"),
        ("sites", "*"),
        ("disabled", "yes"),
    ];
    let answer = admin.post("/users/moderator", &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert_eq!(
        browser.get("/").await.status,
        StatusCode::UNAUTHORIZED,
        "disabled"
    );

    let mut browser = running.as_user("viewer").await;
    running.clock.advance(Duration::from_mins(31));
    let answer = browser.get("/cases/k-1?site=a").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "idle");
    assert!(
        answer.body.contains("value=\"/cases/k-1?site=a\""),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn a_form_of_another_site_does_nothing() {
    let running = Running::new().await;
    let mut browser = running.as_user("moderator").await;
    let decision = [("verdict", "approve"), ("version", "7")];
    let ours = ("origin", "https://desk.example");
    for headers in [
        &[("origin", "https://evil.example")][..],
        &[("origin", "null")],
        &[ours, ("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "none")],
        &[],
    ] {
        let answer = browser
            .post_from("/cases/k-1/decision", &decision, headers)
            .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{headers:?}");
    }
    for form in ["", "0", &"0".repeat(64)] {
        let mut fields = decision.to_vec();
        fields.push((guard::FORM_FIELD, form));
        let answer = browser
            .post_from("/cases/k-1/decision", &fields, &[ours])
            .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{form}");
    }
    assert!(running.stub.decided.lock().unwrap().is_empty());
    let both = [ours, ("sec-fetch-site", "same-origin")];
    let mut other = running.as_user("moderator").await;
    other.form = browser.form.clone();
    let answer = other
        .post_from("/cases/k-1/decision", &decision, &both)
        .await;
    assert_eq!(
        answer.status,
        StatusCode::FORBIDDEN,
        "the form of another session"
    );
    let answer = browser
        .post_from("/cases/k-1/decision", &decision, &both)
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let answer = browser
        .post("/users", &[("name", &"x".repeat(70_000))])
        .await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn guessing_is_answered_with_a_wait() {
    let running = Running::new().await;
    let mut browser = running.browser();
    browser.get("/sign-in").await;
    let mut bodies = Vec::new();
    for id in ["admin", "nobody"].repeat(5) {
        let answer = browser
            .post("/sign-in", &[("id", id), ("password", "guess")])
            .await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        bodies.push(answer.body.replace(id, "NAME"));
    }
    bodies.dedup();
    assert_eq!(
        bodies.len(),
        1,
        "an unknown name is answered as a known one"
    );
    let fields = [("id", "admin"), ("password", PASSWORD)];
    let answer = browser.post("/sign-in", &fields).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.headers["retry-after"], "60");
    running.clock.advance(Duration::from_mins(1));
    assert_eq!(
        browser.post("/sign-in", &fields).await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn an_account_is_made_at_its_link() {
    let running = Running::new().await;
    let mut admin = running.as_user("admin").await;
    let fields = [
        ("id", "zoe"),
        ("name", "Zoé"),
        ("role", "moderator"),
        ("sites", "courrier\r\n"),
    ];
    let answer = admin.post("/users", &fields).await;
    let (_, rest) = answer.body.split_once("/set-up/").expect(&answer.body);
    let path = format!("/set-up/{}", rest.split('<').next().unwrap());
    let mut zoe = running.browser();
    assert!(
        zoe.get(&path)
            .await
            .body
            .contains("<p>You sign in as zoe.</p>")
    );
    let answer = zoe.post(&path, &[("password", "password1")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let answer = zoe.post(&path, &[("password", PASSWORD)]).await;
    assert_eq!(answer.headers["location"], "/sign-in");
    assert_eq!(
        zoe.get(&path).await.status,
        StatusCode::NOT_FOUND,
        "it works once"
    );
    let mut zoe = running.as_user("zoe").await;
    let new = "twelve blue chairs";
    let wrong = zoe
        .post("/account/password", &[("current", "?"), ("password", new)])
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let changed = zoe
        .post(
            "/account/password",
            &[("current", PASSWORD), ("password", new)],
        )
        .await;
    assert_eq!(changed.headers["location"], "/sign-in");
    assert_eq!(zoe.get("/").await.status, StatusCode::UNAUTHORIZED);
}

#[test]
fn the_navigation_leads_where_its_people_may_go() {
    for entry in navigation::GROUPS.iter().flat_map(|group| group.entries) {
        let routes = routes();
        let mut read = routes.iter().filter(|route| route.method == Method::GET);
        let route = read.find(|route| route.path == entry.path).unwrap();
        assert_eq!(route.needs, Needs::Role(entry.needs), "{}", entry.path);
    }
}

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let running = Running::new().await;
    let agents = ["Firefox/145.0 (X11; Linux)", "<script>Chrome/1"];
    let mut browsers = Vec::new();
    for agent in agents {
        running.clock.advance(Duration::from_secs(15));
        let mut browser = running.browser();
        browser.agent = agent.to_owned();
        browser.get("/sign-in").await;
        let fields = [("id", "viewer"), ("password", PASSWORD)];
        browser.post("/sign-in", &fields).await;
        browsers.push(browser);
    }
    let mut third = running.as_user("viewer").await;
    let mut other = running.as_user("moderator").await;
    let page = third.get("/account").await.body;
    for part in [
        "<bdi>Firefox, Linux</bdi>",
        "<bdi>Chrome</bdi>",
        "since <time datetime=\"2026-11-24T18:0",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(!page.contains("<script>"), "{page}");
    let page = browsers[0].get("/account").await.body;
    let (_, rest) = page.split_once("<bdi>Chrome</bdi>").unwrap();
    let (_, rest) = rest.split_once("name=\"session\" value=\"").unwrap();
    let chrome = rest.split('"').next().unwrap().to_owned();
    // Nobody ends another's.
    other
        .post("/account/sessions", &[("session", &chrome)])
        .await;
    assert_eq!(browsers[1].get("/").await.status, StatusCode::OK);
    let answer = browsers[0]
        .post("/account/sessions", &[("session", &chrome)])
        .await;
    assert_eq!(answer.headers["location"], "/account");
    assert_eq!(browsers[1].get("/").await.status, StatusCode::UNAUTHORIZED);
    browsers[0]
        .post("/account/sessions", &[("session", "others")])
        .await;
    assert_eq!(third.get("/").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(browsers[0].get("/").await.status, StatusCode::OK);
    assert_eq!(other.get("/").await.status, StatusCode::OK);
    let mut admin = running.as_user("admin").await;
    admin.post("/users/viewer/sessions", &[]).await;
    assert_eq!(browsers[0].get("/").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_second_step_is_set_up_and_asked_for() {
    let running = Running::with(&[("SIGN_IN__REQUIRE_TOTP__0", "admin")]).await;
    let code = |secret: &str| {
        let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
        let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
        let seconds = running.clock.now().as_second();
        totp.generate(u64::try_from(seconds).unwrap()).to_string()
    };
    let mut browser = running.as_user("admin").await;
    for path in ["/", "/users", "/account"] {
        let answer = browser.get(path).await;
        assert_eq!(answer.headers["location"], "/account/second-step", "{path}");
    }
    let page = browser.get("/account/second-step").await.body;
    let answer = browser.post("/users/viewer/link", &[]).await;
    assert_eq!(answer.headers["location"], "/account/second-step");
    assert!(page.contains("<path d=\"M4 4h1v1h-1z"), "{page}");
    assert!(page.contains("Your role needs a second step"), "{page}");
    let (_, rest) = page.split_once("into it: <code>").unwrap();
    let secret = rest.split('<').next().unwrap().to_owned();
    let answer = browser
        .post("/account/second-step", &[("code", "000000")])
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let answer = browser
        .post("/account/second-step", &[("code", &code(&secret))])
        .await;
    let (_, rest) = answer.body.split_once("<li><code>").expect(&answer.body);
    let spare = rest.split('<').next().unwrap().to_owned();
    assert_eq!(browser.get("/users").await.status, StatusCode::OK);
    let page = browser.get("/account/second-step").await.body;
    assert!(
        !page.contains(&spare) && !page.contains(&secret),
        "they are shown once"
    );

    running.clock.advance(Duration::from_mins(1));
    let mut other = running.browser();
    other.get("/sign-in").await;
    let fields = [("id", "admin"), ("password", PASSWORD), ("next", "/users")];
    let page = other.post("/sign-in", &fields).await.body;
    assert_eq!(other.get("/").await.status, StatusCode::UNAUTHORIZED);
    let (_, rest) = page.split_once("name=\"half\" value=\"").expect(&page);
    let half = rest.split('"').next().unwrap().to_owned();
    let wrong = [
        ("half", half.as_str()),
        ("code", "000000"),
        ("next", "/users"),
    ];
    let answer = other.post("/sign-in/code", &wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let right = code(&secret);
    let fields = [
        ("half", half.as_str()),
        ("code", &right),
        ("next", "/users"),
    ];
    let answer = other.post("/sign-in/code", &fields).await;
    assert_eq!(answer.headers["location"], "/users", "{}", answer.body);
    assert_eq!(other.get("/users").await.status, StatusCode::OK);
    let page = other.get("/users").await.body;
    assert!(
        page.contains("action=\"/users/admin/second-step\""),
        "{page}"
    );
    assert!(
        !page.contains("action=\"/users/viewer/second-step\""),
        "{page}"
    );
    let answer = other.post("/users/admin/second-step", &[]).await;
    assert_eq!(answer.headers["location"], "/users");
    let answer = other.get("/users").await;
    assert_eq!(
        answer.headers["location"], "/account/second-step",
        "it is needed again"
    );
}
