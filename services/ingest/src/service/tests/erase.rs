//! Words that the archive orders to be erased: they are nowhere, and don't come back.

use std::path::Path;

use stoa_proto::{Event, Exchange, Outgoing};

use super::*;

/// What no file may hold any more, as it is and as JSON may write it.
const PLANTED: [&str; 8] = [
    "zwirbeltrauf",
    "Mme Quästenbörl",
    "Qu\\u00e4stenb\\u00f6rl",
    "nebelkropf",
    "dromelschwank",
    "kluppenrast",
    "fuselknirps",
    "humpelwicht",
];

fn order(kind: &str, mut data: Value) -> Event {
    data["redaction"] = json!("r-1");
    let mut order = event(&format!("order-{data}"), kind, &data);
    order["source"] = json!("stoa/archive");
    Event::from_json(order.to_string().as_bytes()).unwrap()
}

fn erased(comment: &str) -> Event {
    let data = json!({"site": "courrier", "article": "a-1", "comment": comment});
    order("comment.erased", data)
}

fn of_report(id: &str, comment: &str, reporter: &str, text: &str) -> Value {
    let data = json!({"site": "courrier", "article": "a-1", "comment": comment, "report": id,
        "reporter": {"id": reporter}, "reason": "spam", "text": text});
    event(id, "comment.reported", &data)
}

fn revision(id: &str, comment: &str, revision: u32, body: &str) -> Value {
    event(id, "comment.edited", &comment_data(comment, revision, body))
}

/// Publishes comments with words that are to be erased, and others that stay.
async fn fill(ingest: &Running) {
    let mut named = comment("e-1", "c-1", "un zwirbeltrauf");
    named["data"]["author"]["display_name"] = json!("Mme Quästenbörl");
    let mut invalid = comment("e-5", "c-1", "ein dromelschwank");
    invalid["data"]["score"] = json!("viel");
    let escaped = invalid
        .to_string()
        .replace("dromelschwank", "Qu\\u00e4stenb\\u00f6rl");
    let appeal = json!({"site": "courrier", "article": "a-1", "comment": "c-1", "decision": "d-1",
        "appeal": "ap-1", "text": "kein fuselknirps"});
    for (event, expected) in [
        (named, "accepted"),
        (
            comment("e-1", "c-1", "noch ein nebelkropf"),
            "id_conflict id",
        ),
        (
            revision("e-3", "c-1", 1, "ein dromelschwank"),
            "stale_revision data.revision",
        ),
        (revision("e-4", "c-1", 2, "ein nebelkropf"), "accepted"),
        (invalid, "invalid_field data.score"),
        (
            of_report("e-6", "c-1", "u-2", "ein kluppenrast"),
            "accepted",
        ),
        (event("e-7", "decision.appealed", &appeal), "accepted"),
        (comment("e-8", "c-2", "das bleibt"), "accepted"),
    ] {
        assert_eq!(ingest.one(&event).await, expected, "{event}");
    }
    let (_, answer) = ingest
        .structured(escaped.replace("e-5", "e-9").replace("c-1", "c-\\u0031"))
        .await;
    assert_eq!(result(&answer), "invalid_field data.score");
}

/// Whether any file below a folder holds any of some words.
fn holds(folder: &Path, words: &[&str]) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, words);
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        words.iter().any(|word| text.contains(word))
    })
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not in time: {what}");
}

async fn send(bus: &Bus, orders: &[Event]) {
    let orders = orders
        .iter()
        .map(|order| Outgoing::new(Exchange::Inbox, order));
    bus.publisher().publish(orders.collect()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn ordered_words_are_nowhere_and_do_not_come_back() {
    let fixture = Fixture::new();
    let mut ingest = fixture.start().await;
    let bus = ingest.service().bus.clone();
    ingest.work();
    fill(&ingest).await;
    let data = fixture.dir.path().join("ingest");
    assert!(
        PLANTED
            .iter()
            .filter(|word| **word != "humpelwicht")
            .all(|word| holds(&data, &[word]))
    );
    send(&bus, &[erased("c-1")]).await;
    drop(bus);
    until("erased", || !holds(&data, &PLANTED)).await;
    assert!(holds(&data, &["das bleibt"]));

    // Sent again and anew, before and after the view is built from what is left.
    for round in ["", "again-"] {
        for event in [
            comment("e-1", "c-1", "un zwirbeltrauf"),
            revision(&format!("{round}e-20"), "c-1", 3, "un humpelwicht"),
            of_report(&format!("{round}e-21"), "c-1", "u-2", "un humpelwicht"),
            comment("e-8", "c-2", "das bleibt"),
        ] {
            assert_eq!(ingest.one(&event).await, "duplicate", "{event}");
        }
        let new = comment(&format!("{round}e-22"), &format!("{round}c-3"), "neu");
        assert_eq!(ingest.one(&new).await, "accepted");
        if round.is_empty() {
            ingest.stop().await;
            std::fs::remove_dir_all(data.join("view")).unwrap();
            ingest = fixture.start().await;
            ingest.work();
        }
    }
    assert!(!holds(&data, &PLANTED));
    ingest.stop().await;
    stoa_journal::verify(&data.join("journal"), &mut |_| {}).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_author_is_forgotten_with_what_came_before() {
    let fixture = Fixture::new();
    let mut ingest = fixture.start().await;
    let bus = ingest.service().bus.clone();
    ingest.work();
    let updated = json!({"site": "courrier", "author": {"id": "u-1", "name": "Mme Quästenbörl"}});
    let request =
        json!({"site": "courrier", "author": "u-1", "scope": "all", "legal_basis": "nebelkropf"});
    for event in [
        comment("e-1", "c-1", "un zwirbeltrauf"),
        of_report("e-2", "c-9", "u-1", "ein kluppenrast"),
        of_report("e-3", "c-9", "u-2", "das bleibt"),
        event("e-4", "author.updated", &updated),
        event("e-5", "author.erased", &request),
    ] {
        assert_eq!(ingest.one(&event).await, "accepted");
    }
    let data = fixture.dir.path().join("ingest");
    let order = order(
        "author.erased",
        json!({"site": "courrier", "author": "u-1", "scope": "identity"}),
    );
    send(&bus, &[order]).await;
    until("erased", || !holds(&data, &PLANTED)).await;
    let later = comment("e-6", "c-6", "un zwirbeltrauf");
    assert_eq!(
        ingest.one(&later).await,
        "accepted",
        "the account may go on"
    );
    assert!(holds(&data, &["das bleibt"]));
    ingest.stop().await;
}

#[tokio::test]
async fn nobody_orders_over_http() {
    let fixture = Fixture::new();
    let ingest = fixture.start_with(Config {
        open: true,
        ..fixture.config()
    });
    let ingest = ingest.await;
    for order in [
        erased("c-1"),
        order(
            "author.erased",
            json!({"site": "courrier", "author": "u-1", "scope": "all"}),
        ),
    ] {
        let request = Request::post("/v1/events")
            .header("authorization", format!("Bearer {ADMIN}"))
            .header("content-type", codec::STRUCTURED)
            .body(Body::from(order.to_json()))
            .unwrap();
        let (_, answer) = ingest.request(request).await;
        assert_eq!(
            result(&answer),
            "forbidden_source data.redaction",
            "{answer}"
        );
    }
    ingest.stop().await;
}

#[test]
fn over_a_broker_only_listed_accounts_order() {
    use crate::intake::Sender;
    let policy = |is_embedded| Policy::new(&Fixture::new().config(), is_embedded).unwrap();
    let admits = |is_embedded, account| {
        let judged = policy(is_embedded)
            .admit(&erased("c-1"), Sender::Account(account))
            .map(|_| ());
        judged.map_err(|refused| refused.field)
    };
    assert_eq!(admits(false, Some("stoa-archive")), Ok(()));
    let refused = Err(Some("data.redaction".to_owned()));
    assert_eq!(admits(false, Some("courrier")), refused);
    assert_eq!(admits(false, None), refused);
    assert_eq!(admits(true, None), Ok(()));
}

#[test]
fn appeals_of_its_page_come_from_moderation_rules_alone() {
    use crate::intake::Sender;
    let data = json!({"site": "courrier", "article": "a-1", "comment": "c-1", "decision": "d-1",
        "appeal": "p-1", "author": "u-7", "text": "why?"});
    let mut appeal = event("e-a", "decision.appealed", &data);
    appeal["source"] = json!("stoa://moderation-rules");
    let appeal = Event::from_json(appeal.to_string().as_bytes()).unwrap();
    let config = Fixture::new().config();
    let judge = |is_embedded, sender| {
        let policy = Policy::new(&config, is_embedded).unwrap();
        let judged = policy.admit(&appeal, sender).map(|_| ());
        judged.map_err(|refused| refused.field)
    };
    assert_eq!(
        judge(false, Sender::Account(Some("stoa-moderation-rules"))),
        Ok(())
    );
    assert_eq!(judge(true, Sender::Account(None)), Ok(()));
    let refused = Err(Some("source".to_owned()));
    for account in [None, Some("courrier"), Some("stoa-archive")] {
        assert_eq!(judge(false, Sender::Account(account)), refused);
    }
    let admin = stoa_daemon::auth::Principal {
        name: "ada".to_owned(),
        role: Role::Admin,
        sites: stoa_daemon::auth::Sites::All,
    };
    assert_eq!(judge(true, Sender::Token(&admin)), refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stop_interrupts_is_done_after_the_start() {
    let fixture = Fixture::new();
    let mut ingest = fixture.start().await;
    let bus = ingest.service().bus.clone();
    let handle = ingest.service().engine.clone();
    fill(&ingest).await;
    // Nothing is published and swept before the stop: the order is in the journal, no more.
    let sender = crate::intake::Sender::Account(None);
    let message = codec::Message {
        content_type: Some(codec::STRUCTURED.to_owned()),
        body: erased("c-1").to_json(),
        ..codec::Message::default()
    };
    let items = ingest.service().intake.prepare(&message, sender);
    let outcomes = handle.submit(items).await.unwrap();
    assert_eq!(outcomes, [crate::engine::Outcome::Accepted]);
    drop((handle, bus));
    ingest.stop().await;
    let data = fixture.dir.path().join("ingest");
    ingest = fixture.start().await;
    ingest.work();
    until("erased", || !holds(&data, &PLANTED)).await;
    ingest.stop().await;
}
