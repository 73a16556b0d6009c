//! An archive's journal is repaired from a file of events.

use stoa_journal::{Entry, Journal, Options};
use stoa_proto::Event;

use super::*;

fn event(number: u32) -> String {
    let submitted = json!({
        "specversion": "1.0", "id": format!("e-{number}"), "source": "s",
        "type": "stoa.comment.submitted.v1", "recordedtime": "2024-05-01T10:00:01Z",
        "data": {
            "site": "journal", "article": "a", "comment": format!("c-{number}"),
            "author": {"id": "u"}, "body": "bonjour ".repeat(usize::try_from(number % 7).unwrap()),
            "revision": 1, "submitted_at": "2024-05-01T10:00:00Z",
        },
    });
    let event = Event::from_json(submitted.to_string().as_bytes()).unwrap();
    String::from_utf8(event.to_json().to_vec()).unwrap()
}

/// An archive with 40 events of which record 3 is erased, and a file with all 40.
async fn archive(data: &Path) -> PathBuf {
    let dir = data.join("journal");
    let options = Options {
        segment_bytes: 4_096,
        ..Options::default()
    };
    let journal = Journal::open(&dir, options, Arc::new(|| 0))
        .unwrap()
        .journal;
    let mut file = String::new();
    for number in 0..40 {
        let payload = event(number);
        file += &format!("{payload}\n");
        let entry = Entry {
            kind: 16,
            payload: payload.into(),
        };
        journal.append(vec![entry]).await.unwrap();
    }
    journal.redact(3).await.unwrap();
    journal.close().await;
    let path = data.join("export.jsonl");
    std::fs::write(&path, file).unwrap();
    path
}

fn args(data: &Path, export: &Path) -> RepairArgs {
    RepairArgs {
        data: data.to_owned(),
        from_ingest: None,
        from_moderation: None,
        from_export: vec![export.to_owned()],
        dry_run: false,
        json: true,
    }
}

fn survey(data: &Path) -> (Survey, Vec<Record>) {
    let mut records = Vec::new();
    let survey = stoa_journal::survey(&data.join("journal"), Known::NOTHING, &mut |record| {
        records.push(record);
    });
    (survey.unwrap(), records)
}

#[tokio::test]
async fn an_export_restores_what_is_lost_and_nothing_that_was_erased() {
    let data = tempfile::tempdir().unwrap();
    let export = archive(data.path()).await;
    let mut segments: Vec<_> = std::fs::read_dir(data.path().join("journal"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some())
        .collect();
    segments.sort();
    // A payload of the first segment, with the erased record in it, and all of the second.
    let mut bytes = std::fs::read(&segments[0]).unwrap();
    bytes[96 + 130] ^= 1;
    std::fs::write(&segments[0], bytes).unwrap();
    std::fs::remove_file(&segments[1]).unwrap();
    let gone = survey(data.path())
        .0
        .damage
        .last()
        .map(|damage| (damage.first, damage.last));
    let (first, last) = gone.map(|(first, last)| (first, last.unwrap())).unwrap();

    run(&args(data.path(), &export)).unwrap();
    let (survey, records) = survey(data.path());
    assert!(survey.is_whole());
    assert_eq!(records[0].payload, event(0), "bit by bit");
    let appended = records.iter().filter(|record| record.seq > 40);
    let expected = (first..=last).map(|number| event(u32::try_from(number).unwrap()));
    assert!(appended.map(|record| record.payload.clone()).eq(expected));
    assert!(!records.iter().any(|record| record.payload == event(3)));
    assert!(data.path().join("view").is_dir(), "the view is built anew");
}

#[tokio::test]
async fn a_line_that_the_archive_could_not_show_or_tell_from_an_erased_one_is_left_out() {
    let data = tempfile::tempdir().unwrap();
    let export = archive(data.path()).await;
    let journal = data.path().join("journal");
    let last = std::fs::read_dir(&journal)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some())
        .max();
    std::fs::remove_file(last.unwrap()).unwrap();
    let not_accepted = event(38).replace(r#""recordedtime":"2024-05-01T10:00:01Z","#, "");
    assert_ne!(not_accepted, event(38));
    let lines = [
        "no event".to_owned(),
        not_accepted,
        event(38).replacen(':', ": ", 1),
        // The erased one, at another length.
        event(3).replacen(':', ": ", 1),
        event(39),
    ];
    std::fs::write(&export, lines.join("\n")).unwrap();
    run(&args(data.path(), &export)).unwrap();
    let (survey, records) = survey(data.path());
    assert!(survey.is_whole());
    let appended = records.iter().filter(|record| record.seq > 40);
    let appended: Vec<_> = appended.map(|record| record.payload.clone()).collect();
    assert_eq!(appended, [event(39)]);
}

#[test]
fn only_an_archive_is_restored_from_others() {
    let data = tempfile::tempdir().unwrap();
    std::fs::create_dir(data.path().join("journal")).unwrap();
    std::fs::write(data.path().join("outbox.cursor"), b"").unwrap();
    let error = run(&args(data.path(), Path::new("nothing.jsonl"))).unwrap_err();
    assert!(error.to_string().contains("is not an archive's"), "{error}");
}
