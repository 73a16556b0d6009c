//! Full budgets, a stopped engine, and forgetting.

use super::*;

#[tokio::test]
async fn a_spent_budget_answers_503_and_holds_the_inbox() {
    let fixture = Fixture::new();
    let mut config = fixture.config();
    config.budget.bytes = "1 B".parse().unwrap();
    config.budget.retry_after = "7s".parse().unwrap();
    let running = fixture.start_with(config).await;
    // Nothing is published yet, so what is accepted waits.
    assert_eq!(running.one(&comment("e-1", "c-1", "un")).await, "accepted");
    let body = comment("e-2", "c-2", "deux").to_string();
    let request = publish(codec::STRUCTURED, body.clone());
    let response = running.public.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["retry-after"], "7");

    let service = running.service();
    let mut inbox = Inbox::new(
        Arc::clone(&service.intake),
        service.engine.clone(),
        service.budget.clone(),
    );
    let incoming = stoa_bus::Incoming {
        message: codec::Message {
            content_type: Some(codec::STRUCTURED.to_owned()),
            body: body.into(),
            ..codec::Message::default()
        },
        redelivered: false,
        user_id: None,
    };
    let outcomes = stoa_bus::Handler::handle(&mut inbox, vec![incoming]).await;
    assert!(matches!(
        outcomes.as_slice(),
        [Err(stoa_bus::HandlerError::Retry(_))]
    ));
    drop(inbox);
    let (_, status) = running.admin("/admin/status", VIEWER).await;
    assert_eq!(status["accepting"], false);
    assert_eq!(status["waiting"]["records"], 1);
    assert_eq!(running.accepted().len(), 1);
    running.stop().await;
}

#[tokio::test]
async fn an_old_backlog_and_a_full_disk_spend_the_budget_too() {
    let fixture = Fixture::new();
    let mut config = fixture.config();
    config.budget.age = "1h".parse().unwrap();
    let running = fixture.start_with(config).await;
    assert_eq!(running.one(&comment("e-1", "c-1", "un")).await, "accepted");
    fixture.clock.advance(Duration::from_secs(3_601));
    let (status, problem) = running
        .structured(comment("e-2", "c-2", "deux").to_string())
        .await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        problem["detail"].as_str().unwrap().contains("oldest"),
        "{problem}"
    );
    running.stop().await;

    let fixture = Fixture::new();
    let mut config = fixture.config();
    config.budget.reserve = "1000000 TiB".parse().unwrap();
    let running = fixture.start_with(config).await;
    let (status, problem) = running
        .structured(comment("e-1", "c-1", "un").to_string())
        .await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        problem["detail"].as_str().unwrap().contains("left free"),
        "{problem}"
    );
    running.stop().await;
}

#[tokio::test]
async fn nothing_is_answered_before_it_is_durable() {
    let fixture = Fixture::new();
    let running = fixture.start().await;
    let service = running.service();
    let index = Arc::clone(&service.admin.index);
    let config = crate::config::EngineConfig {
        batch_events: 512,
        queue: 8,
    };
    let (engine, handle) = Engine::new(
        service.journal.clone(),
        index,
        service.metrics.clone(),
        &config,
        Orders::default(),
    );
    let mut public = service.public.clone();
    public.replace_engine(handle);
    let router = public.router();

    let request = publish(codec::STRUCTURED, comment("e-1", "c-1", "un").to_string());
    let mut answer = std::pin::pin!(router.oneshot(request));
    let early = tokio::time::timeout(Duration::from_millis(50), &mut answer).await;
    assert!(early.is_err(), "answered although nothing was written");
    // The process dies before the engine came to it: no 202, and nothing in the journal.
    drop(engine);
    let response = answer.await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(running.accepted().len(), 0);
    running.stop().await;
}

#[tokio::test]
async fn concurrent_requests_share_batches_and_lose_nothing() {
    let fixture = Fixture::new();
    let running = fixture.start().await;
    let mut requests = Vec::new();
    for n in 0..200 {
        // Every event is sent twice at the same time.
        let id = format!("e-{}", n / 2);
        let body = comment(&id, &format!("c-{}", n / 2), "bonjour").to_string();
        let router = running.public.clone();
        let request = publish(codec::STRUCTURED, body);
        requests.push(
            running
                .context
                .tasks
                .spawn(async move { read(router.oneshot(request).await.unwrap()).await }),
        );
    }
    let mut accepted = 0;
    for request in requests {
        let (status, answer) = request.await.unwrap();
        assert_eq!(status, StatusCode::ACCEPTED);
        accepted += usize::from(result(&answer) == "accepted");
    }
    assert_eq!(accepted, 100);
    assert_eq!(running.accepted().len(), 100);
    running.stop().await;
}

#[tokio::test]
async fn what_is_old_and_published_is_forgotten_and_dropped() {
    let fixture = Fixture::new();
    let mut config = fixture.config();
    config.journal.segment = "16 KiB".parse().unwrap();
    config.budget.age = "30d".parse().unwrap();
    let long = "mot ".repeat(500);
    let mut running = fixture.start_with(config.clone()).await;
    let fill = |running: &Running, from: usize| {
        let batch: Vec<Value> = (from..from + 50)
            .map(|n| comment(&format!("e-{n}"), &format!("c-{n}"), &long))
            .collect();
        let request = publish(codec::BATCH, json!(batch).to_string());
        let router = running.public.clone();
        async move { read(router.oneshot(request).await.unwrap()).await.1["accepted"].clone() }
    };
    assert_eq!(fill(&running, 0).await, 50);
    assert_eq!(
        running.one(&comment("bad", "bad", " ")).await,
        "invalid_field data.body"
    );
    fixture.clock.advance(Duration::from_hours(9 * 24));
    assert_eq!(fill(&running, 50).await, 50);

    let journal = running.service().journal.clone();
    let bytes = journal.bytes();
    // Not published: nothing may go, however old.
    let mut retention = Retention::new(
        journal.clone(),
        running.service().outbox.handle(),
        running.service().engine.clone(),
        config.duplicate_window.get(),
    );
    retention.sweep(fixture.clock.micros()).await.unwrap();
    assert_eq!(journal.bytes(), bytes);
    assert_eq!(
        running.one(&comment("e-0", "c-0", &long)).await,
        "duplicate"
    );

    let waiting = running.service().outbox.handle();
    running.work();
    for _ in 0..500 {
        if waiting.pending_records() == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    retention.sweep(fixture.clock.micros()).await.unwrap();
    assert!(journal.bytes() < bytes, "{} of {bytes}", journal.bytes());
    assert!(journal.first() > 0);
    // The old ones are forgotten, the young ones are not.
    assert_eq!(
        running.one(&comment("e-60", "c-60", &long)).await,
        "duplicate"
    );
    assert_eq!(running.one(&comment("e-0", "c-0", &long)).await, "accepted");
    let (_, listed) = running.admin("/admin/rejections", VIEWER).await;
    assert_eq!(listed["rejections"], json!([]));
    drop((retention, journal, waiting));
    running.stop().await;

    let running = fixture.start_with(config).await;
    assert_eq!(
        running.one(&comment("e-0", "c-0", &long)).await,
        "duplicate"
    );
    assert_eq!(
        running.one(&comment("e-60", "c-60", &long)).await,
        "duplicate"
    );
    running.stop().await;
}
