use super::*;

/// What a page says that is asked for in a language.
async fn asked(browser: &mut Browser, path: &str, accept: &str) -> Answer {
    let request = Request::get(path).header(header::ACCEPT_LANGUAGE, accept);
    browser.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn pages_are_in_the_language_that_the_browser_asks_for() {
    let running = Running::new().await;
    for (accept, lang, title, nothing) in [
        ("en", "en", "Sign in", "There is nothing at this address"),
        (
            "fr-CH,fr;q=0.9",
            "fr",
            "Se connecter",
            "Il n’y a rien à cette adresse",
        ),
        (
            "it,de;q=0.5",
            "de",
            "Anmelden",
            "Unter dieser Adresse ist nichts",
        ),
        ("ru", "ru", "Вход", "По этому адресу ничего нет"),
        ("it", "en", "Sign in", "There is nothing at this address"),
    ] {
        let mut browser = running.browser();
        for (path, said) in [
            ("/sign-in", title),
            ("/", title),
            ("/nothing/here", nothing),
            ("/set-up/none", nothing),
        ] {
            let answer = asked(&mut browser, path, accept).await;
            let html = format!("<html lang=\"{lang}\" class=\"system\">");
            assert!(answer.body.contains(&html), "{path}: {}", answer.body);
            assert!(answer.body.contains(said), "{path}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn what_a_person_sets_goes_over_the_browser_and_holds_at_once() {
    let running = Running::new().await;
    let mut browser = running.as_user("moderator").await;
    let fields = [("language", "ru"), ("theme", "dark"), ("blur", "yes")];
    let answer = browser.post("/account/settings", &fields).await;
    assert_eq!(answer.headers["location"], "/account");
    let answer = asked(&mut browser, "/", "fr").await;
    for part in [
        "<html lang=\"ru\" class=\"dark\">",
        "<meta name=\"color-scheme\" content=\"dark\">",
        "<body class=\"blur\">",
        "2 открытых дела",
        ">1 час назад</time>",
        "href=\"/\" data-key=\"u\" aria-current=\"page\">Очередь",
    ] {
        assert!(answer.body.contains(part), "{part} in {}", answer.body);
    }
    for path in ["/nothing/here", "/users"] {
        let answer = asked(&mut browser, path, "fr").await;
        assert!(answer.body.contains("<html lang=\"ru\""), "{}", answer.body);
        assert!(answer.body.contains("/sign-out"), "{}", answer.body);
    }
    // Another browser of theirs has it, too, and nobody else's.
    let mut other = running.as_user("moderator").await;
    assert!(
        other
            .get("/account")
            .await
            .body
            .contains("lang=\"ru\" selected")
    );
    let mut viewer = running.as_user("viewer").await;
    assert!(
        viewer
            .get("/")
            .await
            .body
            .contains("<html lang=\"en\" class=\"system\">")
    );
    let fields = [("language", ""), ("theme", "system")];
    browser.post("/account/settings", &fields).await;
    let answer = asked(&mut browser, "/", "fr").await;
    for part in [
        "<html lang=\"fr\" class=\"system\">",
        "<body>",
        "2 cas ouverts",
    ] {
        assert!(answer.body.contains(part), "{part} in {}", answer.body);
    }
    for fields in [
        [("language", "it"), ("theme", "dark")],
        [("language", "de"), ("theme", "\"><b>")],
    ] {
        let answer = browser.post("/account/settings", &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert!(
        browser
            .get("/")
            .await
            .body
            .contains("<html lang=\"en\" class=\"system\">")
    );
}

#[tokio::test]
async fn every_page_can_be_written_in_every_language() {
    let running = Running::new().await;
    *running.stub.case.lock().unwrap() = json!({
        "assignee": {"moderator": "anne", "until": "2026-11-24T18:10:00Z"},
        "notes": [{"note": 1, "author": "anne", "at": "2026-11-24T17:30:00Z", "text": "Look."}],
    });
    let mut browser = running.as_user("admin").await;
    for language in ["en", "fr", "de", "ru"] {
        for path in [
            "/",
            "/?done=approve&of=k-1&decision=d-2",
            "/cases/k-1",
            "/threads/courrier/a-1",
            "/authors/courrier/u-1",
            "/search?q=tram",
            "/decisions",
            "/decisions/d-1",
            "/bulk?case=k-1&case=k-3",
            "/audit",
            "/parked",
            "/parked/archive/17",
            "/rejections",
            "/rejections/5",
            "/sites",
            "/webhooks",
            "/webhooks/cms?result=timeout",
            "/account",
            "/users",
        ] {
            let answer = asked(&mut browser, path, language).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
            let html = format!("<html lang=\"{language}\"");
            assert!(answer.body.contains(&html), "{path}: {}", answer.body);
        }
    }
}
