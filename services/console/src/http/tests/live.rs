//! What happens meanwhile, the next case, and what the script asks for.

use futures_util::StreamExt as _;

use super::*;

impl Browser {
    /// Reads a stream until something is in it, or to its end.
    async fn until(&mut self, text: &str) -> String {
        let stream = self.stream.clone().unwrap();
        let mut stream = stream.lock().await;
        let mut read = String::new();
        while !read.contains(text) {
            let Some(more) = stream.next().await else {
                return format!("{read} (the end)");
            };
            read.push_str(std::str::from_utf8(&more.unwrap()).unwrap());
        }
        read
    }
}

impl Running {
    fn happens(&self, id: u64, site: &str) {
        let data = json!({"site": site, "case": format!("k-{id}")});
        self.watch.tell(id, site, &data.to_string());
    }
}

#[tokio::test]
async fn who_watches_hears_of_their_sites_until_they_sign_out() {
    let running = Running::new().await;
    running.happens(1, "courrier");
    let mut moderator = running.as_user("moderator").await;
    let mut admin = running.as_user("admin").await;
    for browser in [&mut moderator, &mut admin] {
        let answer = browser.get("/feed").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.headers["content-type"], "text/event-stream");
        assert!(browser.until("hello").await.contains("retry: 3000"));
    }
    running.happens(2, "elsewhere");
    running.happens(3, "courrier");
    let all = admin.until("k-3").await;
    assert!(
        all.contains("id: 2") && all.contains("k-2") && !all.contains("k-1"),
        "{all}"
    );
    let theirs = moderator.until("k-3").await;
    assert!(
        theirs.contains("event: case") && !theirs.contains("k-2"),
        "{theirs}"
    );

    // Who comes back hears what they missed, or that they have to look themselves.
    for (last, expected) in [("2", "k-3"), ("7", "event: reload")] {
        let mut again = moderator.clone();
        let cookies = again
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let request = Request::get("/feed")
            .header("last-event-id", last)
            .header(header::COOKIE, cookies.collect::<Vec<_>>().join("; "));
        if last == "7" {
            running.watch.restart(9);
        }
        again.send(request.body(Body::empty()).unwrap()).await;
        again.until(expected).await;
    }

    let page = moderator.get("/").await.body;
    assert!(page.contains("data-heard=\"9\""), "{page}");
    let mut again = moderator.clone();
    running.happens(12, "courrier");
    again.get("/feed?last=9").await;
    again.until("k-12").await;

    // A session that is over ends what it watches, and so does a stop.
    let mut same = moderator.clone();
    let out = same.post("/sign-out", &[]).await;
    assert_eq!(out.status, StatusCode::SEE_OTHER);
    let end = moderator.until("nothing of the kind").await;
    assert!(
        end.contains("event: end") && end.ends_with("(the end)"),
        "{end}"
    );
    running.context.shutdown.cancel();
    assert!(admin.until("nothing").await.ends_with("(the end)"));
}

#[tokio::test]
async fn watching_is_no_request_that_keeps_a_session() {
    let running = Running::new().await;
    let mut browser = running.as_user("viewer").await;
    browser.get("/feed").await;
    browser.until("hello").await;
    running.clock.advance(Duration::from_mins(31));
    assert!(browser.until("event: end").await.contains("event: end"));
}

#[tokio::test]
async fn news_come_over_one_connection_to_moderation() {
    let running = Running::new().await;
    let following = running.watch.clone();
    let following = following.follow(running.moderation.clone(), running.context.clone());
    let following = running.context.tasks.spawn(following);
    let mut count = running.watch.count();
    count.wait_for(|count| *count > 0).await.unwrap();
    let latest = running.watch.since(0);
    let news = &latest.news[0];
    assert_eq!((news.id, news.site.as_str()), (6, "courrier"));
    running.context.shutdown.cancel();
    following.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_next_case_is_none_that_is_named_or_of_somebody_else() {
    let running = Running::new().await;
    let mut browser = running.as_user("moderator").await;
    let answer = browser.get("/next?label=insult&not=k-0,k-1").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.headers["location"], "/cases/k-2?label=insult");
    let answer = browser.get("/next?not=k-1,k-2").await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    let claim =
        |name: &str| json!({"assignee": {"moderator": name, "until": "2026-11-24T18:10:00Z"}});
    *running.stub.case.lock().unwrap() = claim("anne");
    assert_eq!(browser.get("/next").await.status, StatusCode::NO_CONTENT);
    *running.stub.case.lock().unwrap() = claim("moderator");
    assert_eq!(browser.get("/next").await.headers["location"], "/cases/k-1");
}

#[tokio::test]
async fn the_script_gets_what_became_of_a_decision_as_a_part() {
    let running = Running::new().await;
    let mut browser = running.as_user("moderator").await;
    let from = [("origin", "https://desk.example"), ("stoa-part", "1")];
    let path = "/cases/k-1/decision?site=courrier";
    let fields = [("verdict", "approve"), ("version", "7")];
    let answer = browser.post_from(path, &fields, &from).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.headers["stoa-part"], "1");
    for part in [
        "The comment before was approved.",
        "/cases/k-1/undo?site=courrier",
        "value=\"d-2\"",
        "id=\"undo\"",
    ] {
        assert!(answer.body.contains(part), "{part}: {}", answer.body);
    }
    assert!(!answer.body.contains("<html"), "{}", answer.body);
    for (fields, status, told) in [
        (
            [("verdict", "approve"), ("version", "6")],
            StatusCode::CONFLICT,
            "The case has changed",
        ),
        (
            [("verdict", "reject"), ("version", "7")],
            StatusCode::UNPROCESSABLE_ENTITY,
            "choose a reason",
        ),
    ] {
        let answer = browser.post_from(path, &fields, &from).await;
        assert_eq!(
            (answer.status, &answer.headers["stoa-part"]),
            (status, &"1".parse().unwrap())
        );
        let link = "<a href=\"/cases/k-1?site=courrier\">";
        assert!(
            answer.body.contains(told) && answer.body.contains(link),
            "{}",
            answer.body
        );
    }
}
