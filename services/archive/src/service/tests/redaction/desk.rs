//! The desk that orders: for policies, around holds, and beside an index that stands.

use super::*;

impl Running {
    fn is_erased(&self, comment: &str) -> bool {
        let row = self.index.comment("courrier", "a-1", comment).unwrap();
        row.unwrap().erased.is_some()
    }

    fn failures(&self) -> u64 {
        self.counted("stoa_archive_redaction_failures_total")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_erases_and_a_legal_hold_wins() {
    let fixture = Fixture::new();
    let mut config = fixture.at_once();
    let courrier = config.sites.first_mut().unwrap();
    courrier.retention = Some(RetentionConfig {
        rejected: Some("10d".parse().unwrap()),
        all: None,
    });
    courrier.held_comments = vec!["c-2".to_owned()];
    let archive = fixture.start().await;
    let events = [
        comment("c-1", None, 1),
        comment("c-2", None, 2),
        comment("c-3", None, 3),
        comment("c-4", None, 4),
        decision("d-1", "c-1", "reject"),
        decision("d-2", "c-2", "reject"),
        decision("d-3", "c-3", "approve"),
    ];
    archive.publish(&events, 7).await;
    archive.stop().await;
    let archive = fixture.start_with(config).await;
    archive.relay(&fixture).await;
    // A hold also keeps what somebody asks for.
    let held = archive
        .ask(json!({"site": "courrier", "comment": "c-2"}))
        .await;
    archive.until(|| archive.is_erased("c-1")).await;
    // Whoever is asked for later is erased in a turn that has looked at the one before, too.
    let later = archive
        .ask(json!({"site": "courrier", "comment": "c-4"}))
        .await;
    archive.completed(&later).await;
    assert!(!archive.is_erased("c-2") && !archive.is_erased("c-3"));
    assert_eq!(archive.redaction(&held).await["state"], "erasing");
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_does_not_follow_holds_up_no_other_order() {
    let fixture = Fixture::new();
    let index = fixture.config().data_dir.join("search");
    std::fs::create_dir_all(index.parent().unwrap()).unwrap();
    std::fs::write(&index, b"a file where the folder belongs").unwrap();
    let archive = fixture
        .start_as(fixture.at_once(), |service| {
            service.desk.patience = Duration::from_millis(50);
        })
        .await;
    archive.relay(&fixture).await;
    archive
        .publish(&[comment("c-1", None, 1), comment("c-2", None, 2)], 2)
        .await;
    let mut asked = Vec::new();
    for comment in ["c-1", "c-2"] {
        let request = json!({"site": "courrier", "comment": comment});
        asked.push(archive.ask(request).await);
        archive.until(|| archive.is_erased(comment)).await;
        // The desk waits for the index, and gives up.
        let failures = archive.failures();
        archive.until(|| archive.failures() > failures).await;
    }
    for redaction in &asked {
        assert_eq!(archive.redaction(redaction).await["state"], "erasing");
    }
    // Once the index can be forgotten in, they are done.
    std::fs::remove_file(&index).unwrap();
    for redaction in &asked {
        archive.completed(redaction).await;
    }
    archive.stop().await;
}
