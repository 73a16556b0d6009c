//! What is accepted, what is a repeat, and what is published of it.

use super::*;
use crate::record::Transport;

#[tokio::test]
async fn an_accepted_event_is_published_normalised() {
    let fixture = Fixture::new();
    let running = fixture.start().await;
    let mut sent = comment(
        "e-1",
        "c-1",
        "Ceci est un commentaire e\u{301}crit en français.",
    );
    sent["data"]["normalized"] = json!({"text": "forged"});
    sent["data"]["mood"] = json!({"z": 1, "a": [true, null]});
    sent["partitionkey"] = json!("kept");
    assert_eq!(running.one(&sent).await, "accepted");
    let [published] = <[Value; 1]>::try_from(running.accepted()).unwrap();
    let data = &published["data"];
    assert_eq!(data["body"], sent["data"]["body"]);
    assert_eq!(data["mood"], sent["data"]["mood"]);
    assert_eq!(published["partitionkey"], "kept");
    assert_eq!(
        data["normalized"]["text"],
        "Ceci est un commentaire écrit en français."
    );
    assert_eq!(data["normalized"]["language"], "fr");
    assert_eq!(published["recordedtime"], "2026-11-24T12:00:00Z");

    let record = running.service().journal.iter(0).next().unwrap().unwrap();
    let [outgoing] = <[_; 1]>::try_from(outgoing::of(&record).unwrap()).unwrap();
    assert_eq!(outgoing.exchange, stoa_proto::Exchange::Content);
    assert_eq!(outgoing.id, "e-1");
    assert_eq!(outgoing.kind, stoa_proto::Kind::CommentSubmitted);
    assert_eq!(outgoing.shard, stoa_proto::Shard::of("courrier", "a-1"));
    assert_eq!(
        serde_json::from_slice::<Value>(&outgoing.body).unwrap(),
        published
    );
    running.stop().await;
}

#[tokio::test]
async fn what_is_accepted_reaches_the_bus_and_is_durable_before_the_answer() {
    let fixture = Fixture::new();
    let mut running = fixture.start().await;
    let before = *running.service().journal.durable().borrow();
    running.one(&comment("e-1", "c-1", "un")).await;
    assert_eq!(*running.service().journal.durable().borrow(), before + 1);
    let waiting = running.service().outbox.handle();
    assert_eq!(waiting.pending_records(), 1);
    running.work();
    for _ in 0..200 {
        if waiting.pending_records() == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(waiting.pending_records(), 0);
    running.stop().await;
}

#[tokio::test]
async fn a_batch_is_judged_event_by_event() {
    let fixture = Fixture::new();
    let running = fixture.start().await;
    let batch = json!([
        comment("e-1", "c-1", "un"),
        comment("e-2", "c-2", " "),
        comment("e-1", "c-1", "un"),
        {"specversion": "1.0", "id": "e-3", "source": SOURCE, "type": "stoa.comment.submitted.v1"},
        comment("e-4", "c-4", "quatre"),
    ]);
    let (status, answer) = running
        .request(publish(codec::BATCH, batch.to_string()))
        .await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(
        (&answer["accepted"], &answer["duplicate"]),
        (&json!(2), &json!(1))
    );
    let rejected = answer["rejected"].as_array().unwrap();
    assert_eq!(rejected.len(), 2);
    assert_eq!(rejected[0]["index"], 1);
    assert_eq!(rejected[0]["id"], "e-2");
    assert_eq!(rejected[0]["code"], "invalid_field");
    assert_eq!(rejected[0]["field"], "data.body");
    assert!(
        rejected[0]["message"]
            .as_str()
            .unwrap()
            .contains("is empty")
    );
    assert_eq!(rejected[1]["index"], 3);
    assert_eq!(rejected[1]["code"], "missing_field");
    running.stop().await;
}

#[tokio::test]
async fn binary_mode_takes_the_envelope_from_headers() {
    let fixture = Fixture::new();
    let running = fixture.start().await;
    let request = || {
        Request::post("/v1/events")
            .header("authorization", format!("Bearer {PUBLISHER}"))
            .header("content-type", "application/json; charset=UTF-8")
            .header("ce-specversion", "1.0")
            .header("ce-id", "e-1")
            .header("ce-source", SOURCE)
            .header("ce-type", "stoa.comment.submitted.v1")
            .body(Body::from(comment_data("c-1", 1, "un").to_string()))
            .unwrap()
    };
    let (status, answer) = running.request(request()).await;
    assert_eq!(
        (status, result(&answer)),
        (StatusCode::ACCEPTED, "accepted".to_owned())
    );
    // The same event in another mode is the same event.
    assert_eq!(running.one(&comment("e-1", "c-1", "un")).await, "duplicate");
    running.stop().await;
}

#[tokio::test]
async fn a_repeat_may_look_different() {
    let fixture = Fixture::new();
    let running = fixture.start().await;
    assert_eq!(running.one(&comment("e-1", "c-1", "un")).await, "accepted");
    let pretty = serde_json::to_string_pretty(&comment("e-1", "c-1", "un")).unwrap();
    let reordered = format!(
        r#"{{"data":{{"body":"\u0075n","author":{{"id":"u-1"}},"comment":"c-1","article":"a-1",
            "site":"courrier","format":"plain","parent":null}},
            "type":"stoa.comment.submitted.v1","source":"{SOURCE}","id":"e-1",
            "time":"2026-11-24T11:00:00Z","specversion":"1.0"}}"#
    );
    for body in [pretty, reordered] {
        let (_, answer) = running.structured(body.clone()).await;
        assert_eq!(result(&answer), "duplicate", "{body}");
    }
    let mut with_extras = comment("e-2", "c-2", "deux");
    with_extras["data"]["x"] = json!({"a": 1, "b": 2});
    assert_eq!(running.one(&with_extras).await, "accepted");
    with_extras["data"]["x"] = json!({"b": 2, "a": 1});
    assert_eq!(running.one(&with_extras).await, "duplicate");
    running.stop().await;
}

#[tokio::test]
async fn repeats_are_known_after_a_restart_and_without_the_view() {
    let fixture = Fixture::new();
    let running = fixture.start().await;
    assert_eq!(running.one(&comment("e-1", "c-1", "un")).await, "accepted");
    assert_eq!(
        running.one(&comment("e-2", "c-2", " ")).await,
        "invalid_field data.body"
    );
    running.stop().await;

    for rebuild in [false, true] {
        if rebuild {
            std::fs::remove_dir_all(fixture.dir.path().join("ingest/view")).unwrap();
        }
        let running = fixture.start().await;
        assert_eq!(running.one(&comment("e-1", "c-1", "un")).await, "duplicate");
        assert_eq!(
            running.one(&comment("e-1", "c-1", "autre")).await,
            "id_conflict id"
        );
        assert_eq!(running.one(&comment("e-9", "c-1", "un")).await, "duplicate");
        let (_, listed) = running
            .admin("/admin/rejections?code=invalid_field", VIEWER)
            .await;
        assert_eq!(
            listed["rejections"].as_array().unwrap().len(),
            1,
            "{rebuild} {listed}"
        );
        running.stop().await;
    }
}

#[tokio::test]
async fn revisions_are_told_apart() {
    let fixture = Fixture::new();
    let running = fixture.start().await;
    let edited = |id: &str, revision, body: &str| {
        event(id, "comment.edited", &comment_data("c-1", revision, body))
    };
    assert_eq!(running.one(&edited("e-3", 3, "trois")).await, "accepted");
    assert_eq!(running.one(&edited("e-4", 3, "trois")).await, "duplicate");
    assert_eq!(
        running.one(&edited("e-5", 3, "autre")).await,
        "stale_revision data.revision"
    );
    // The first one comes late.
    assert_eq!(running.one(&comment("e-1", "c-1", "un")).await, "accepted");
    // In one batch as well.
    let batch = json!([
        edited("e-6", 4, "a"),
        edited("e-7", 4, "b"),
        edited("e-8", 4, "a")
    ]);
    let (_, answer) = running
        .request(publish(codec::BATCH, batch.to_string()))
        .await;
    assert_eq!(answer["accepted"], 1);
    assert_eq!(answer["duplicate"], 1);
    assert_eq!(answer["rejected"][0]["code"], "stale_revision");
    running.stop().await;
}

#[tokio::test]
async fn the_inbox_goes_the_same_way() {
    let fixture = Fixture::new();
    let running = fixture.start().await;
    let service = running.service();
    let mut inbox = Inbox::new(
        Arc::clone(&service.intake),
        service.engine.clone(),
        service.budget.clone(),
    );
    let incoming = |body: Vec<u8>| stoa_bus::Incoming {
        message: codec::Message {
            content_type: Some(codec::STRUCTURED.to_owned()),
            body: body.into(),
            ..codec::Message::default()
        },
        redelivered: false,
        user_id: None,
    };
    let outcomes = stoa_bus::Handler::handle(
        &mut inbox,
        vec![
            incoming(comment("e-1", "c-1", "un").to_string().into_bytes()),
            incoming(b"\xff\xfe".to_vec()),
            incoming(vec![b' '; stoa_proto::limits::BATCH_BYTES + 1]),
        ],
    )
    .await;
    assert!(matches!(
        outcomes.as_slice(),
        [Ok(first), Ok(second), Err(stoa_bus::HandlerError::Reject(_))]
            if first.is_empty() && second.is_empty()
    ));
    drop(inbox);
    assert_eq!(running.one(&comment("e-1", "c-1", "un")).await, "duplicate");
    let (_, listed) = running.admin("/admin/rejections", VIEWER).await;
    let listed = listed["rejections"].as_array().unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0]["code"], "too_large");
    assert_eq!(listed[1]["code"], "invalid_encoding");
    assert_eq!(
        listed[1]["transport"],
        serde_json::to_value(Transport::Bus).unwrap()
    );
    running.stop().await;
}

#[tokio::test]
async fn a_message_over_its_limits_is_not_taken_apart() {
    let fixture = Fixture::new();
    let running = fixture.start().await;
    let service = running.service();
    let inbox = Inbox::new(
        Arc::clone(&service.intake),
        service.engine.clone(),
        service.budget.clone(),
    );
    let batch = |events: usize, spaces: usize| {
        let event = comment("e-1", "c-1", "un").to_string();
        let body = format!("[{}{}]", vec![event; events].join(","), " ".repeat(spaces));
        let incoming = stoa_bus::Incoming {
            message: codec::Message {
                content_type: Some(codec::BATCH.to_owned()),
                body: body.into(),
                ..codec::Message::default()
            },
            redelivered: false,
            user_id: None,
        };
        stoa_bus::Handler::parts(&inbox, &incoming)
    };
    let parts = batch(3, 0);
    assert_eq!(parts.len(), 3);
    let thread = parts[0].thread.as_ref().unwrap().to_string();
    assert!(thread.starts_with("courrier/"), "{thread}");
    for parts in [
        batch(3, stoa_proto::limits::BATCH_BYTES),
        batch(stoa_proto::limits::BATCH_EVENTS + 1, 0),
    ] {
        assert!(matches!(parts.as_slice(), [whole] if whole.thread.is_none()));
    }
    drop(inbox);
    running.stop().await;
}
