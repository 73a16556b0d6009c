//! The order of the queue, its narrower parts, and what a page of it shows.

use super::at_desk::{at, refusal};
use super::*;
use crate::view::QUEUES;

/// As the other tests' rule set, with a label that counts for more.
const GRAVE: &str = r#"
lists:
  bad: { match: word, terms: [scoundrel] }
  grave: { match: word, terms: [kill] }
rules:
  - id: insult
    when: comment.text.hits("bad")
    then: { verdict: hold, labels: [insult] }
    reason: { code: offensive }
    explain: { en: "Abusive language." }
  - id: threat
    when: comment.text.hits("grave")
    then: { verdict: hold, labels: [threat] }
    reason: { code: threat }
    explain: { en: "A threat." }
"#;

async fn grave(dir: &Path) -> Fixture {
    write_rules(dir, GRAVE);
    Fixture::open(dir).await
}

impl Fixture {
    fn later(&self, minutes: i64) {
        self.clock.advance(std::time::Duration::from_secs(
            60 * u64::try_from(minutes).unwrap(),
        ));
    }

    fn rows(&self) -> usize {
        self.service.admin.index.view.scan(&QUEUES, ()).count()
    }
}

#[tokio::test]
async fn what_is_due_first_comes_first_and_waiting_counts() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = grave(dir.path()).await;
    fixture.event(plain("old", "scoundrel")).await;
    fixture.later(60);
    fixture.event(plain("threat", "I kill you")).await;
    fixture.later(130);
    fixture.event(plain("fresh", "I kill you, too")).await;
    fixture.event(plain("last", "scoundrel")).await;

    // 10 points: 4 hours; 30 points: a third of it.
    let listing = fixture.get("/admin/cases").await;
    let due = |n: usize| listing["cases"][n]["due_at"].as_str().unwrap().to_owned();
    let order = fixture.queue("", MODERATOR).await;
    assert_eq!(order, ["threat", "old", "fresh", "last"]);
    assert_eq!(due(0), "2026-11-24T14:20:00Z");
    assert_eq!(due(1), "2026-11-24T16:00:00Z");
    assert_eq!(listing["cases"][0]["priority"], 30);

    // A report makes it more urgent from when it was opened; an edit to something grave does, too.
    fixture.event(reported("last", "r-1")).await;
    fixture.event(edit("old", 2, "I kill you now")).await;
    let order = fixture.queue("", MODERATOR).await;
    assert_eq!(order, ["old", "threat", "fresh", "last"]);
    let listing = fixture.get("/admin/cases").await;
    assert_eq!(listing["cases"][0]["due_at"], "2026-11-24T13:20:00Z");
    let last = &listing["cases"][3];
    assert_eq!(last["priority"], 21);
    assert_eq!(last["due_at"], "2026-11-24T17:04:17.142857Z");

    // The same from the journal alone, whatever the configuration says by now.
    let now = fixture.clock.now().to_string();
    fixture.stop().await;
    std::fs::remove_dir_all(dir.path().join("moderation/view")).unwrap();
    let mut other = config(dir.path());
    other.review.severity.clear();
    let fixture = Fixture::open_at(&now, other, dir.path()).await;
    assert_eq!(fixture.get("/admin/cases").await, listing);
    fixture.stop().await;
}

#[tokio::test]
async fn a_report_weighs_more_about_what_many_answer() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = grave(dir.path()).await;
    for id in ["quiet", "loud"] {
        fixture.event(plain(id, "fine")).await;
    }
    for n in 0..4 {
        let reply = comment(&format!("r-{n}"), "u-r", "fine", json!({"parent": "loud"}));
        fixture.event(reply).await;
    }
    for id in ["quiet", "loud"] {
        fixture.event(reported(id, &format!("r-{id}"))).await;
    }
    assert_eq!(fixture.queue("", MODERATOR).await, ["loud", "quiet"]);
    let priority = async |id| fixture.get(&at(id, "")).await["priority"].clone();
    assert_eq!(
        (priority("quiet").await, priority("loud").await),
        (json!(21), json!(24))
    );
    // Votes are written down when they have a digit more.
    fixture.event(plain("voted", "fine")).await;
    let before = fixture.service.journal.next();
    for votes in [
        json!({"score": -1}),
        json!({"score": 1, "up": 3, "down": 2}),
        json!({"score": 5, "up": 6, "down": 1}),
        json!({"score": 0}),
    ] {
        let event = about("comment.scored", "voted", votes.clone());
        fixture
            .event(Event {
                id: votes.to_string(),
                ..event
            })
            .await;
    }
    assert_eq!(fixture.service.journal.next() - before, 2);
    fixture.event(reported("voted", "r-voted")).await;
    assert_eq!(priority("voted").await, json!(24));
    let fixture = fixture.again(dir.path(), true).await;
    fixture.event(reported("voted", "r-again")).await;
    let priority = fixture.get(&at("voted", "")).await["priority"].clone();
    assert_eq!(priority, json!(25), "the votes are known again");
    fixture.stop().await;
}

#[tokio::test]
async fn every_filter_has_a_queue_of_its_own_that_is_left_behind_empty() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = grave(dir.path()).await;
    for (id, author, article, body) in [
        ("c-1", "u-1", "a-1", "scoundrel"),
        ("c-2", "u-1", "a-2", "I kill you"),
        ("c-3", "u-2", "a-2", "scoundrel, I kill you"),
    ] {
        fixture
            .event(comment(id, author, body, json!({"article": article})))
            .await;
    }
    let elsewhere = json!({"site": "elsewhere", "article": "a-2"});
    fixture
        .event(comment("x-1", "u-1", "scoundrel", elsewhere))
        .await;
    fixture
        .done(Method::POST, &at("c-3", "/claim"), SECOND, None)
        .await;
    for (query, found) in [
        ("?site=courrier&author=u-1", vec!["c-2", "c-1"]),
        ("?author=u-1", vec!["c-2", "c-1", "x-1"]),
        ("?site=courrier&article=a-2", vec!["c-2", "c-3"]),
        ("?label=threat", vec!["c-2", "c-3"]),
        ("?rule=insult&site=courrier", vec!["c-3", "c-1"]),
        ("?site=courrier&comment=c-1", vec!["c-1"]),
        ("?site=courrier&comment=c-1&label=threat", vec![]),
        ("?assignee=boris", vec!["c-3"]),
        ("?site=elsewhere", vec!["x-1"]),
        ("?site=courrier&author=u-1&label=insult", vec!["c-1"]),
    ] {
        assert_eq!(fixture.queue(query, MODERATOR).await, found, "{query}");
    }
    assert_eq!(fixture.queue("", ELSEWHERE).await, ["x-1"]);
    let first = fixture.get("/admin/cases?label=threat&limit=1").await;
    let next = format!("?label=threat&after={}", first["next"].as_str().unwrap());
    assert_eq!(fixture.queue(&next, MODERATOR).await, ["c-3"]);

    // Escalated, its labels changed, claimed anew, decided: nothing of it is left.
    fixture
        .done(Method::POST, &at("c-2", "/escalate"), MODERATOR, None)
        .await;
    assert_eq!(
        fixture.queue("?label=threat", MODERATOR).await,
        ["c-2", "c-3"]
    );
    fixture
        .event(comment(
            "c-3",
            "u-2",
            "scoundrel",
            json!({"article": "a-2", "revision": 2}),
        ))
        .await;
    assert_eq!(fixture.queue("?label=threat", MODERATOR).await, ["c-2"]);
    fixture
        .done(Method::POST, &at("c-3", "/claim"), ADMIN, None)
        .await;
    assert_eq!(fixture.queue("?assignee=boris", MODERATOR).await, [""; 0]);
    for id in ["c-1", "c-2", "c-3"] {
        let approve = Some(json!({"verdict": "approve"}));
        fixture
            .done(Method::POST, &at(id, "/decision"), ADMIN, approve)
            .await;
    }
    assert_eq!(fixture.queue("?site=courrier", MODERATOR).await, [""; 0]);
    assert_eq!(
        fixture.rows(),
        7,
        "of x-1: site, author, article, label and rule, and twice that it is free"
    );
    fixture.stop().await;
}

#[tokio::test]
async fn what_nobody_works_on_is_in_order_whether_a_claim_is_over_or_given_back() {
    let dir = tempfile::tempdir().unwrap();
    let comments = ["c-1", "c-2", "c-3", "c-4", "c-5"];
    let fixture = Fixture::with_cases(dir.path(), &comments).await;
    let claim = async |comment, minutes: u64| {
        let body = Some(json!({"minutes": minutes}));
        fixture
            .done(Method::POST, &at(comment, "/claim"), SECOND, body)
            .await;
    };
    claim("c-2", 1).await;
    claim("c-3", 30).await;
    claim("c-4", 5).await;
    claim("c-5", 30).await;
    fixture
        .done(Method::DELETE, &at("c-5", "/claim"), SECOND, None)
        .await;
    let free = async |query: &str| {
        fixture
            .queue(&format!("?assignee=none{query}"), ADMIN)
            .await
    };
    assert_eq!(free("").await, ["c-1", "c-5"]);
    fixture.later(1);
    for query in ["", "&site=courrier"] {
        assert_eq!(free(query).await, ["c-1", "c-2", "c-5"], "{query}");
    }
    fixture.later(4);
    assert_eq!(free("").await, ["c-1", "c-2", "c-4", "c-5"]);
    let page = fixture.get("/admin/cases?assignee=none&limit=2").await;
    let next = format!("&after={}", page["next"].as_str().unwrap());
    assert_eq!(free(&next).await, ["c-4", "c-5"]);
    // Over, and somebody else's now; decided; escalated.
    let approve = Some(json!({"verdict": "approve"}));
    fixture
        .done(Method::POST, &at("c-2", "/claim"), MODERATOR, None)
        .await;
    fixture
        .done(Method::POST, &at("c-4", "/decision"), ADMIN, approve)
        .await;
    fixture
        .done(Method::POST, &at("c-5", "/escalate"), ADMIN, None)
        .await;
    assert_eq!(free("").await, ["c-5", "c-1"]);
    assert_eq!(free("&site=elsewhere").await, [""; 0]);
    fixture.stop().await;
}

#[tokio::test]
async fn a_page_of_the_queue_has_the_first_words_of_each_comment() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = grave(dir.path()).await;
    let author = json!({"author": {"id": "u-1", "display_name": "Una"}});
    fixture
        .event(comment("c-1", "u-1", "You\nscoundrel, you", author))
        .await;
    fixture.event(reported("c-1", "r-1")).await;
    let listing = fixture.get("/admin/cases?excerpt=13").await;
    let excerpt = json!({"text": "You scoundrel…", "author": "Una", "language": "en"});
    assert_eq!(listing["cases"][0]["excerpt"], excerpt);
    assert_eq!(listing["cases"][0]["reporters"], 1);
    let plain = fixture.get("/admin/cases").await;
    assert!(plain["cases"][0].get("excerpt").is_none(), "{plain}");

    let ask =
        json!({"cases": [case_of("c-1")], "verdict": "approve", "dry_run": true, "excerpt": 3});
    let preview = fixture
        .done(Method::POST, "/admin/cases/bulk", MODERATOR, Some(ask))
        .await;
    assert_eq!(preview["cases"][0]["excerpt"]["text"], "You…");
    let long = "/admin/cases?excerpt=1001";
    let refused = fixture.refused(Method::GET, long, MODERATOR, None).await;
    assert_eq!(refused, refusal(400, "invalid_field", "excerpt"));
    fixture.stop().await;
}
