use std::sync::Arc;

use stoa_journal::{Entry, Options};
use stoa_proto::{Event, Kind};
use tempfile::TempDir;

use super::*;
use crate::record;

fn journal(dir: &Path) -> Journal {
    let options = Options::default();
    let opened = Journal::open(&dir.join("journal"), options, Arc::new(|| 1_000));
    opened.unwrap().journal
}

fn comment(n: usize, body: &str) -> Entry {
    let json = serde_json::json!({
        "specversion": "1.0", "id": format!("e-{n}"), "source": "https://news.example/",
        "type": "stoa.comment.submitted.v1",
        "data": {"site": "courrier", "article": "a-1", "comment": format!("c-{n}"),
                 "author": {"id": "u-1"}, "body": body},
    });
    let event = Event::from_json(json.to_string().as_bytes()).unwrap();
    Entry {
        kind: record::byte(Kind::CommentSubmitted),
        payload: event.to_json(),
    }
}

async fn append(journal: &Journal, n: std::ops::Range<usize>) {
    let entries = n.map(|n| comment(n, &format!("words of {n}"))).collect();
    journal.append(entries).await.unwrap();
}

fn place(log: &Log, seq: u64) -> Place {
    let record = log.journal.read_seq(seq).unwrap().unwrap();
    record.position.into()
}

/// Adds all there is, and signs it.
fn sign(log: &Log) -> Signed {
    catch_up(log).unwrap();
    log.sign().unwrap().unwrap()
}

fn catch_up(log: &Log) -> Result<(), Error> {
    for _ in 0..10 {
        if log.catch_up()?.is_current {
            return Ok(());
        }
    }
    panic!("it never comes to the journal's end");
}

#[tokio::test]
async fn a_log_goes_on_after_a_restart_and_keeps_key_and_root() {
    let dir = TempDir::new().unwrap();
    let first = journal(dir.path());
    append(&first, 0..700).await;
    let log = Log::open(dir.path(), "archive.example/log", &first).unwrap();
    let signed = sign(&log);
    assert_eq!(signed.checkpoint.size, 700);
    let key = log.verifier();
    assert_eq!(
        Checkpoint::open(&signed.note, &key).unwrap(),
        signed.checkpoint
    );
    drop(log);

    let log = Log::open(dir.path(), "archive.example/log", &first).unwrap();
    assert_eq!(log.verifier(), key);
    assert_eq!(log.signed().unwrap().note, signed.note);
    assert!(
        log.sign().unwrap().is_none(),
        "nothing is signed before it is checked"
    );
    append(&first, 700..900).await;
    let later = sign(&log);
    let proof = log.consistency(700).unwrap().unwrap();
    proof.verify(&signed.note, &key).unwrap();
    assert_eq!(later.checkpoint.size, 900);
    assert!(log.consistency(901).unwrap().is_none());

    let error = Log::open(dir.path(), "elsewhere.example", &first).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("transparency.origin is elsewhere.example"),
        "{error}"
    );
    let mode = std::fs::metadata(dir.path().join("tlog/key")).unwrap();
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&mode.permissions()) & 0o777,
        0o600
    );
}

#[tokio::test]
async fn tiles_that_are_gone_or_wrong_are_made_again() {
    let dir = TempDir::new().unwrap();
    let journal = journal(dir.path());
    append(&journal, 0..700).await;
    let signed = sign(&Log::open(dir.path(), "", &journal).unwrap());
    let tile = dir.path().join("tlog/tile/0/001");
    let whole = std::fs::read(&tile).unwrap();
    let mut flipped = whole.clone();
    flipped[77] ^= 4;
    for broken in [None, Some(&whole[..100]), Some(&flipped[..])] {
        match broken {
            None => std::fs::remove_file(&tile).unwrap(),
            Some(bytes) => std::fs::write(&tile, bytes).unwrap(),
        }
        let log = Log::open(dir.path(), "", &journal).unwrap();
        let again = sign(&log);
        assert_eq!(again.checkpoint, signed.checkpoint);
        assert_eq!(std::fs::read(&tile).unwrap(), whole);
    }
}

#[tokio::test]
async fn other_records_than_those_that_were_signed_are_found() {
    let dir = TempDir::new().unwrap();
    let first = journal(dir.path());
    append(&first, 0..600).await;
    let signed = sign(&Log::open(dir.path(), "", &first).unwrap());
    assert_eq!(
        verify(dir.path(), &mut |_, _| ())
            .unwrap()
            .unwrap()
            .checkpoints,
        1
    );
    drop(first);

    // Somebody writes the whole journal anew, with one comment changed: its chain is in order.
    std::fs::remove_dir_all(dir.path().join("journal")).unwrap();
    let forged = journal(dir.path());
    append(&forged, 0..300).await;
    forged
        .append(vec![comment(300, "other words")])
        .await
        .unwrap();
    append(&forged, 301..800).await;
    stoa_journal::verify(forged.dir(), &mut |_| ()).unwrap();

    let log = Log::open(dir.path(), "", &forged).unwrap();
    let error = catch_up(&log).unwrap_err();
    assert!(
        matches!(error, Error::Inconsistent { size: 600 }),
        "{error}"
    );
    assert!(log.sign().unwrap().is_none());
    assert_eq!(log.signed().unwrap().note, signed.note);
    let error = verify(dir.path(), &mut |_, _| ()).unwrap_err();
    assert!(
        matches!(error, Error::Inconsistent { size: 600 }),
        "{error}"
    );
}

#[tokio::test]
async fn a_journal_that_ends_before_what_was_signed_is_refused() {
    let dir = TempDir::new().unwrap();
    let first = journal(dir.path());
    append(&first, 0..50).await;
    sign(&Log::open(dir.path(), "", &first).unwrap());
    drop(first);
    std::fs::remove_dir_all(dir.path().join("journal")).unwrap();
    let shorter = journal(dir.path());
    append(&shorter, 0..20).await;
    let error = Log::open(dir.path(), "", &shorter).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Shortened {
                records: 20,
                signed: 50
            }
        ),
        "{error}"
    );
    assert!(verify(dir.path(), &mut |_, _| ()).is_err());
}

#[tokio::test]
async fn a_proof_holds_before_and_after_the_words_are_erased() {
    let dir = TempDir::new().unwrap();
    let journal = journal(dir.path());
    append(&journal, 0..400).await;
    let log = Log::open(dir.path(), "", &journal).unwrap();
    sign(&log);
    let key = verifier(dir.path()).unwrap();
    let before = log.prove(place(&log, 300)).unwrap().unwrap().to_string();
    let offline = prove(dir.path(), "courrier", "c-300", None, &mut |_, _| ()).unwrap();
    assert_eq!(offline.unwrap().to_string(), before);
    let words = |proven: Proven| match proven.event.unwrap().data {
        stoa_proto::Data::CommentSubmitted(comment) => comment.body,
        other => panic!("{other:?}"),
    };
    assert_eq!(words(read_proof(&before, &key).unwrap()), "words of 300");

    journal.redact(300).await.unwrap();
    append(&journal, 400..500).await;
    sign(&log);
    assert_eq!(words(read_proof(&before, &key).unwrap()), "words of 300");
    let after = log.prove(place(&log, 300)).unwrap().unwrap().to_string();
    let proven = read_proof(&after, &key).unwrap();
    assert_eq!((proven.seq, proven.checkpoint.size), (300, 500));
    assert!(proven.event.is_none());
    assert_eq!(
        verify(dir.path(), &mut |_, _| ())
            .unwrap()
            .unwrap()
            .checkpoint
            .size,
        500
    );
    for n in [299, 301] {
        let neighbour = log.prove(place(&log, n)).unwrap().unwrap().to_string();
        assert_eq!(
            words(read_proof(&neighbour, &key).unwrap()),
            format!("words of {n}")
        );
    }
    let offline = prove(dir.path(), "courrier", "c-300", None, &mut |_, _| ()).unwrap();
    assert!(offline.is_none());
}

#[tokio::test]
async fn a_proof_with_a_bit_flipped_anywhere_is_refused() {
    let dir = TempDir::new().unwrap();
    let journal = journal(dir.path());
    append(&journal, 0..10).await;
    let log = Log::open(dir.path(), "", &journal).unwrap();
    sign(&log);
    let key = log.verifier();
    let proof = log.prove(place(&log, 4)).unwrap().unwrap().to_string();
    read_proof(&proof, &key).unwrap();
    for at in 0..proof.len() {
        let mut bytes = proof.clone().into_bytes();
        bytes[at] ^= 1 << (at % 7);
        let Ok(changed) = String::from_utf8(bytes) else {
            continue;
        };
        assert!(read_proof(&changed, &key).is_err(), "byte {at}: {changed}");
    }
}
