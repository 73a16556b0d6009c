//! What goes wrong around the archive.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_view_is_set_aside_and_built_again() {
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    archive
        .publish(
            &[comment("c-1", None, 1), comment("c-2", Some("c-1"), 2)],
            2,
        )
        .await;
    let expected = archive.tree(VIEWER).await;
    archive.stop().await;
    for file in files(&fixture.config().data_dir.join("view")) {
        std::fs::write(file, b"nonsense").unwrap();
    }
    let archive = fixture.start().await;
    assert_eq!(archive.tree(VIEWER).await, expected);
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_view_holds_no_words() {
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    let mut article = article("unmistakable-title");
    article["data"]["body"] = json!("unmistakable-body");
    let mut comment = comment("c-1", None, 1);
    comment["data"]["body"] = json!("unmistakable-comment");
    comment["data"]["author"]["name"] = json!("unmistakable-name");
    article["id"] = json!("1");
    let reported = event(
        "2",
        "comment.reported",
        json!({"comment": "c-1", "report": "r", "reason": "spam", "text": "unmistakable-report"}),
    );
    archive
        .publish(
            &[article, comment, decision("d", "c-1", "hold"), reported],
            4,
        )
        .await;
    archive.stop().await;
    let files = files(&fixture.config().data_dir.join("view"));
    assert!(!files.is_empty());
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        let found = bytes.windows(12).any(|window| window == b"unmistakable");
        assert!(!found, "{}", file.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_of_a_running_archive_is_refused() {
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    archive.publish(&[comment("c-1", None, 1)], 1).await;
    assert!(crate::rebuild(&fixture.config().data_dir, &mut |_, _, _| {}).is_err());
    assert_eq!(archive.tree(VIEWER).await, ["c-1 pending"]);
    archive.stop().await;
}

/// Lists the files in a folder and below.
pub(super) fn files(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut folders = vec![dir.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files
}

#[tokio::test]
async fn what_was_appended_and_not_applied_is_no_news_when_it_comes_again() {
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    archive.publish(&[article("Title")], 1).await;
    // As after a panic between the append and the view.
    let event = Event::from_json(comment("c-1", None, 1).to_string().as_bytes()).unwrap();
    let entry = stoa_journal::Entry {
        kind: crate::record::byte(event.kind()),
        payload: event.to_json(),
    };
    archive.journal.append(vec![entry]).await.unwrap();
    assert_eq!(archive.index.applied(), 1);
    archive
        .publish(&[comment("c-1", None, 1), comment("c-2", None, 2)], 3)
        .await;
    assert_eq!(archive.tree(VIEWER).await, ["c-1 pending", "c-2 pending"]);
    archive.stop().await;
}
