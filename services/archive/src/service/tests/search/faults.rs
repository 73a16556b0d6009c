//! What goes wrong around the index.

use stoa_search::Key;

use super::*;

/// Does something to a folder.
type Harm = fn(&std::path::Path);

fn dir(fixture: &Fixture) -> std::path::PathBuf {
    fixture.config().data_dir.join("search")
}

fn some() -> [Value; 3] {
    [
        says("c-1", 1, "en", "some words"),
        says("c-2", 2, "en", "other words"),
        decision("d-1", "c-1", "approve"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_or_damaged_index_is_built_again() {
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    archive.publish_and_index(&some(), 3).await;
    archive.stop().await;
    let harms: [(Harm, u64); 3] = [
        (|dir| std::fs::remove_dir_all(dir).unwrap(), 0),
        (
            |dir| std::fs::write(dir.join("meta.json"), b"nonsense").unwrap(),
            1,
        ),
        (
            |dir| {
                for entry in std::fs::read_dir(dir).unwrap() {
                    let path = entry.unwrap().path();
                    if path.extension().is_some_and(|end| end == "idx") {
                        let mut bytes = std::fs::read(&path).unwrap();
                        bytes[3] ^= 1;
                        std::fs::write(path, bytes).unwrap();
                    }
                }
            },
            1,
        ),
    ];
    for (harm, set_aside) in harms {
        harm(&dir(&fixture));
        let archive = fixture.start().await;
        archive.indexed().await;
        assert_eq!(
            archive
                .found(&format!("{}&sort=oldest", q("words")), VIEWER)
                .await,
            ["c-1", "c-2"]
        );
        assert!(archive.context.ready.is_ready());
        let counted = archive.search.as_ref().unwrap().metrics().set_aside.get();
        assert_eq!(counted, set_aside);
        archive.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_fails_stops_searching_alone() {
    let fixture = Fixture::new();
    let dir = dir(&fixture);
    std::fs::create_dir_all(dir.parent().unwrap()).unwrap();
    std::fs::write(&dir, b"a file where the folder belongs").unwrap();
    let archive = fixture.start().await;
    archive.publish(&some(), 3).await;
    let search = archive.search.clone().unwrap();
    archive
        .until(|| matches!(search.state(), State::Failed { .. }))
        .await;
    assert!(archive.context.ready.is_ready());
    assert_eq!(search.metrics().up.get(), 0);
    let (status, body) = archive.get(&format!("/v1/search?{}", q("words")), "").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
    let (_, _, report) = request(archive.admin.clone(), "/admin/status", VIEWER).await;
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["search"]["state"], "failed", "{report}");
    assert!(
        report["search"]["reason"]
            .as_str()
            .unwrap()
            .contains("search"),
        "{report}"
    );
    assert!(search.forget(vec![]).await.is_err());
    assert_eq!(archive.tree("").await.len(), 1);

    // Once it can, it goes on by itself.
    std::fs::remove_file(&dir).unwrap();
    archive.indexed().await;
    assert_eq!(search.metrics().up.get(), 1);
    assert_eq!(archive.found(&q("words"), "").await, ["c-1"]);
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_pauses_the_index() {
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    archive.publish_and_index(&some(), 3).await;
    archive.stop().await;
    std::fs::remove_dir_all(dir(&fixture)).unwrap();
    let mut config = fixture.config();
    config.journal.reserve = stoa_daemon::config::ByteSize::bytes(u64::MAX / 2);
    let archive = fixture.start_with(config).await;
    let search = archive.search.clone().unwrap();
    archive
        .until(|| matches!(search.state(), State::Paused { .. }))
        .await;
    assert_eq!((search.applied(), search.metrics().up.get()), (0, 0));
    let body = archive.ok(&format!("/v1/search?{}", q("words")), "").await;
    assert_eq!(
        (&body["total"], &body["catching_up"]),
        (&json!(0), &json!(true))
    );
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_index_there_is_no_search() {
    let fixture = Fixture::new();
    let mut config = fixture.config();
    config.search.enabled = false;
    let archive = fixture.start_with(config).await;
    archive.publish(&some(), 3).await;
    let (status, _) = archive.get("/v1/search?site=courrier", "").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(!dir(&fixture).exists());
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_durable_is_found_soon_under_load() {
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    // The index is opened beside the archive's start.
    let mut total = 1;
    let first = says("c-0", 0, "en", "the first");
    archive.publish_and_index(&[first], total).await;
    for round in 0..10_u32 {
        let mut events: Vec<Value> = (0..200)
            .map(|n| {
                says(
                    &format!("c-{round}-{n}"),
                    n % 60,
                    "en",
                    "ordinary words of a day",
                )
            })
            .collect();
        events.push(says(
            &format!("last-{round}"),
            1,
            "en",
            &format!("needle{round}"),
        ));
        total += 201;
        archive.publish(&events, total).await;
        let found = async {
            while archive
                .found(&q(&format!("needle{round}")), VIEWER)
                .await
                .is_empty()
            {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(SOON, found).await.unwrap();
    }
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_forgotten_is_in_no_file() {
    const WORD: &str = "unmistakablements";
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    archive.publish(&some(), 3).await;
    let said = says("c-9", 9, "fr", &format!("un {WORD} de trop"));
    archive.publish_and_index(&[said], 4).await;
    assert_eq!(archive.found(&q(WORD), VIEWER).await, ["c-9"]);
    archive.journal.redact(3).await.unwrap();
    let search = archive.search.clone().unwrap();
    let key = Key {
        site: "courrier".to_owned(),
        article: "a-1".to_owned(),
        comment: Some("c-9".to_owned()),
    };
    search.forget(vec![key]).await.unwrap();
    assert!(archive.found(&q(WORD), VIEWER).await.is_empty());
    for file in super::super::faults::files(&fixture.config().data_dir) {
        let bytes = std::fs::read(&file).unwrap();
        let has = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        assert!(!has(b"unmistak") && !has(b"katsimnu"), "{}", file.display());
    }
    // A decision about it brings nothing back.
    archive
        .publish_and_index(&[decision("d-9", "c-9", "approve")], 5)
        .await;
    assert!(archive.found(&q(WORD), VIEWER).await.is_empty());
    assert_eq!(archive.found(&q("other"), VIEWER).await, ["c-2"]);
    archive.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_builds_the_index_too() {
    let fixture = Fixture::new();
    let archive = fixture.start().await;
    archive.publish_and_index(&some(), 3).await;
    archive.stop().await;
    let data_dir = fixture.config().data_dir;
    let mut parts = Vec::new();
    let rebuilt = crate::rebuild(&data_dir, &mut |part, done, total| {
        parts.push((part, done, total));
    });
    let rebuilt = rebuilt.unwrap();
    assert_eq!((rebuilt.records, rebuilt.documents), (3, Some(2)));
    assert!(parts.contains(&(crate::Part::View, 3, 3)));
    assert!(parts.contains(&(crate::Part::Search, 3, 3)));
    let archive = fixture.start().await;
    archive.indexed().await;
    assert_eq!(archive.search.as_ref().unwrap().metrics().records.get(), 0);
    assert_eq!(archive.found(&q("words"), "").await, ["c-1"]);
    archive.stop().await;
    std::fs::remove_dir_all(dir(&fixture)).unwrap();
    let rebuilt = crate::rebuild(&data_dir, &mut |_, _, _| {}).unwrap();
    assert_eq!(
        rebuilt.documents, None,
        "an archive without an index gets none"
    );
}
