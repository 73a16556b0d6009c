//! What an author wrote about other people's comments, as a reader who reported them.

use super::*;

/// More than a row lists itself.
const MANY: u64 = 300;

fn report(n: u64, comment: &str, reporter: &str, text: &str) -> Value {
    event(
        &format!("report-{comment}-{reporter}-{n}"),
        "comment.reported",
        json!({"comment": comment, "report": format!("r-{n}"), "reason": "other",
            "reporter": {"id": reporter}, "text": text}),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_author_reported_loses_its_words_and_counts() {
    for (scope, words_stay) in [("content", false), ("all", false), ("identity", true)] {
        let fixture = Fixture::new();
        let archive = fixture.start_with(fixture.at_once()).await;
        archive.relay(&fixture).await;
        let n_reports = if scope == "content" { MANY } else { 2 };
        let mut events = vec![comment("c-1", None, 1), decision("d-1", "c-1", "approve")];
        events.extend((0..n_reports).map(|n| report(n, "c-1", "u-1", WORD)));
        events.push(report(0, "c-1", "u-2", "another reader's words"));
        let total = events.len() as u64;
        archive.publish(&events, total).await;
        let asked = json!({"site": "courrier", "author": "u-1", "scope": scope});
        let id = archive.ask(asked).await;
        let shown = archive.completed(&id).await;
        let gone = if words_stay { 0 } else { n_reports };
        assert_eq!(shown["records"], json!(gone), "{scope}: {shown}");

        let reports = |archive: &Running| {
            let row = archive.index.comment("courrier", "a-1", "c-1").unwrap();
            u64::from(row.unwrap().n_reports)
        };
        let kept = |archive: &Running| {
            let events = &archive.index;
            let row = events.comment("courrier", "a-1", "c-1").unwrap().unwrap();
            u64::from(row.log.spilled) * crate::row::SPILL as u64 + row.log.events.len() as u64
        };
        assert_eq!(reports(&archive), n_reports + 1, "{scope}");
        let history = archive.ok("/v1/sites/courrier/comments/c-1", VIEWER).await;
        let left = n_reports + 1 - gone;
        let of_readers = history["events"].as_array().unwrap().len() as u64;
        assert_eq!(of_readers, left, "{scope}");
        let (listed, next) = (kept(&archive), archive.journal.next());
        // Sent again, it is a repeat.
        archive.publish(&events, next).await;
        archive.stop().await;
        std::fs::remove_dir_all(fixture.dir.path().join("bus")).unwrap();
        let files = files_with(fixture.dir.path(), WORD);
        assert_eq!(!files.is_empty(), words_stay, "{scope}: {files:?}");

        std::fs::remove_dir_all(fixture.config().data_dir.join("view")).unwrap();
        let archive = fixture.start_with(fixture.at_once()).await;
        assert_eq!(
            (reports(&archive), kept(&archive)),
            (n_reports + 1, listed),
            "{scope}: the view is built again the same"
        );
        let again = archive.ok("/v1/sites/courrier/comments/c-1", VIEWER).await;
        assert_eq!(again, history, "{scope}");
        archive.publish(&events, next).await;
        archive.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_about_what_is_held_is_held() {
    let fixture = Fixture::new();
    let mut config = fixture.at_once();
    config.sites.first_mut().unwrap().held_comments = vec!["c-1".to_owned()];
    let archive = fixture.start_with(config).await;
    archive.relay(&fixture).await;
    let events = [
        comment("c-1", None, 1),
        comment("c-2", None, 2),
        report(1, "c-1", "u-1", WORD),
    ];
    archive.publish(&events, 3).await;
    let held = archive
        .ask(json!({"site": "courrier", "author": "u-1"}))
        .await;
    // Whoever is asked for later is erased in a turn that has looked at the one before, too.
    let later = archive
        .ask(json!({"site": "courrier", "comment": "c-2"}))
        .await;
    archive.completed(&later).await;
    assert_eq!(archive.redaction(&held).await["state"], "erasing");
    let record = archive.journal.read_seq(2).unwrap().unwrap();
    assert!(!record.redacted);
    archive.stop().await;
    let archive = fixture.start_with(fixture.at_once()).await;
    archive.relay(&fixture).await;
    archive.completed(&held).await;
    let record = archive.journal.read_seq(2).unwrap().unwrap();
    assert!(record.redacted, "once the hold is lifted");
    archive.stop().await;
}
