//! Backups and exports of small archives, and what restoring makes of them.

mod redactions;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Parser as _;
use serde_json::json;
use stoa_journal::{Entry, Journal, Options};
use tempfile::TempDir;

use super::*;
use crate::{Cli, Command};

/// Segments of some twenty records, so that there are several.
fn open(dir: &Path) -> Journal {
    let options = Options {
        segment_bytes: 8 * 1024,
        ..Options::default()
    };
    fs::create_dir_all(dir).unwrap();
    let opened = loop {
        match Journal::open(
            &dir.join("journal"),
            options.clone(),
            Arc::new(|| 1_700_000_000_123_456),
        ) {
            // A process that another test starts has copies of all handles for a moment.
            Err(stoa_journal::Error::Locked { .. }) => {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            opened => break opened.unwrap(),
        }
    };
    opened.journal
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
}

/// Adds comments to an archive.
fn add(dir: &Path, comments: std::ops::Range<u32>) {
    let journal = open(dir);
    let entries = comments.map(|n| Entry {
        kind: 16,
        payload: json!({
            "specversion": "1.0", "id": format!("e-{n}"), "source": "https://journal.example/",
            "type": "stoa.comment.submitted.v1", "recordedtime": "2024-05-01T10:00:00Z",
            "data": {
                "site": "journal", "article": "a-1", "comment": format!("c-{n}"), "revision": 1,
                "author": {"id": "u-1"}, "body": format!("the words of {n}"),
            },
        })
        .to_string()
        .into(),
    });
    runtime().block_on(async {
        for entry in entries {
            journal.append(vec![entry]).await.unwrap();
        }
        journal.close().await;
    });
}

fn redact(dir: &Path, seq: u64) {
    let journal = open(dir);
    runtime().block_on(async {
        journal.redact(seq).await.unwrap();
        journal.close().await;
    });
}

/// An archive of 100 comments, the seventh of them erased.
fn archive() -> (TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("archive");
    add(&dir, 0..100);
    redact(&dir, 7);
    (parent, dir)
}

/// Runs a command line.
fn stoa(args: &[&str]) -> Result<ExitCode, String> {
    let line = std::iter::once("stoa").chain(args.iter().copied());
    let done = match Cli::try_parse_from(line).unwrap().command {
        Command::Backup(args) => crate::backup::run(&args),
        Command::Restore(args) => run(&args),
        Command::Export(args) => crate::export::run(&args),
        _ => unreachable!("no other command is tested here"),
    };
    done.map_err(|error| format!("{error:#}"))
}

fn ok(args: &[&str]) {
    let code = stoa(args).unwrap();
    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
}

/// Everything that two archives must share.
fn state(dir: &Path) -> (u64, u64, [u8; 32]) {
    let report = stoa_journal::verify(&dir.join("journal"), &mut |_| {}).unwrap();
    (report.next, report.redacted, report.head)
}

fn shown(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The objects of a backup's segments.
fn objects(backup: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(backup.join("segments")).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn backup(dir: &Path, to: &Path) -> Result<ExitCode, String> {
    stoa(&["backup", "--data", shown(dir), "--to", shown(to), "--json"])
}

fn restore(from: &Path, to: &Path) -> Result<ExitCode, String> {
    stoa(&[
        "restore",
        "--from",
        shown(from),
        "--data",
        shown(to),
        "--json",
    ])
}

/// Checks that nothing of a restoration that failed is left.
fn nothing(dir: &Path) {
    assert!(!dir.exists(), "{}", dir.display());
    assert!(!dir.with_file_name("again.restoring").exists());
}

#[test]
fn lines_make_the_same_archive() {
    let (parent, dir) = archive();
    let file = parent.path().join("archive.jsonl");
    let again = parent.path().join("again");
    ok(&[
        "export",
        "jsonl",
        "--data",
        shown(&dir),
        "--out",
        shown(&file),
    ]);
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(text.lines().count(), 101);
    assert!(text.contains("the words of 8") && !text.contains("the words of 7\""));
    ok(&["restore", shown(&file), "--data", shown(&again)]);
    assert_eq!(state(&again), state(&dir));
    let file_again = parent.path().join("again.jsonl");
    ok(&[
        "export",
        "jsonl",
        "--data",
        shown(&again),
        "--out",
        shown(&file_again),
    ]);
    assert_eq!(fs::read_to_string(file_again).unwrap(), text);

    let refused = stoa(&[
        "export",
        "jsonl",
        "--data",
        shown(&dir),
        "--out",
        shown(&file),
    ]);
    assert!(refused.unwrap_err().contains("--force"));
    let refused = stoa(&["restore", shown(&file), "--data", shown(&again)]);
    assert!(refused.unwrap_err().contains("is not empty"));
    // A selection is whole lines, and no archive.
    ok(&[
        "export",
        "jsonl",
        "--data",
        shown(&dir),
        "--out",
        shown(&file),
        "--force",
        "--site",
        "journal",
        "--until",
        "2030-01-01T00:00:00Z",
    ]);
    assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 99);
    let new = parent.path().join("new");
    assert!(stoa(&["restore", shown(&file), "--data", shown(&new)]).is_err());
}

#[test]
fn lines_that_were_changed_are_refused_by_number() {
    let (parent, dir) = archive();
    let file = parent.path().join("archive.jsonl");
    ok(&[
        "export",
        "jsonl",
        "--data",
        shown(&dir),
        "--out",
        shown(&file),
    ]);
    let text = fs::read_to_string(&file).unwrap();
    let again = parent.path().join("again");
    let check = |what: &str, named: &str, change: &dyn Fn(&mut Vec<String>)| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        change(&mut lines);
        fs::write(&file, lines.join("\n") + "\n").unwrap();
        let error = stoa(&["restore", shown(&file), "--data", shown(&again)]).unwrap_err();
        assert!(error.contains(named), "{what}: {error}");
        nothing(&again);
    };
    check("words", "line 21:", &|lines| {
        lines[20] = lines[20].replace("words", "Words");
    });
    check("swapped", "line 21:", &|lines| lines.swap(20, 21));
    check("left out", "line 21:", &|lines| drop(lines.remove(20)));
    check("a space", "line 21:", &|lines| lines[20].insert(1, ' '));
    check("not ours", "line 3: this is no record", &|lines| {
        lines[2] = "{\"id\":\"e\"}".to_owned();
    });
    check("front", "line 1: this is not the first", &|lines| {
        drop(lines.remove(0));
    });
    check("end", "without its last line", &|lines| drop(lines.pop()));
    check("behind the end", "line 102:", &|lines| {
        lines.push(lines[3].clone());
    });
    check(
        "last record",
        "it says 100 records, and there are 99",
        &|lines| {
            drop(lines.remove(99));
        },
    );
    check("in a line", "line 101:", &|lines| {
        let last = lines.last_mut().unwrap();
        last.truncate(last.len() - 9);
    });
    check("the root", "their hashes are others", &|lines| {
        let last = lines.last_mut().unwrap();
        let at = last.len() - 4;
        let other = if last.as_bytes()[at] == b'0' {
            "1"
        } else {
            "0"
        };
        last.replace_range(at..=at, other);
    });
}

#[test]
fn a_backup_sends_what_is_new_and_makes_the_same_archive() {
    let (parent, dir) = archive();
    let (to, again) = (parent.path().join("backup"), parent.path().join("again"));
    backup(&dir, &to).unwrap();
    let first = objects(&to);
    assert!(first.len() >= 5, "{first:?}");
    let manifest = fs::read_to_string(to.join("manifest.json")).unwrap();
    backup(&dir, &to).unwrap();
    assert_eq!(objects(&to), first, "nothing is new");

    add(&dir, 100..130);
    redact(&dir, 1);
    backup(&dir, &to).unwrap();
    let second = objects(&to);
    let kept = first.intersection(&second).count();
    assert_eq!(
        kept,
        first.len() - 2,
        "the first was redacted, the last has grown"
    );
    let holds = |dir: &Path, words: &str| {
        fs::read_dir(dir).unwrap().any(|entry| {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            bytes
                .windows(words.len())
                .any(|window| window == words.as_bytes())
        })
    };
    assert!(holds(&to.join("segments"), "the words of 2\""));
    assert!(!holds(&to.join("segments"), "the words of 1\""));
    ok(&["backup", "verify", "--from", shown(&to)]);

    restore(&to, &again).unwrap();
    assert_eq!(state(&again), state(&dir));
    assert_eq!(state(&again).1, 2);
    add(&again, 130..131);
    assert!(restore(&to, &again).unwrap_err().contains("is not empty"));
    // What an interrupted backup has left is no harm: the manifest that is there counts.
    fs::write(to.join("manifest.json"), manifest).unwrap();
    let error = restore(&to, &parent.path().join("older")).unwrap_err();
    assert!(error.contains("is missing in"), "{error}");
}

#[test]
fn a_backup_that_was_changed_is_refused() {
    let (parent, dir) = archive();
    let (to, again) = (parent.path().join("backup"), parent.path().join("again"));
    backup(&dir, &to).unwrap();
    let object = objects(&to).into_iter().nth(2).unwrap();
    let path = to.join("segments").join(&object);
    let bytes = fs::read(&path).unwrap();
    let mut changed = bytes.clone();
    changed[300] ^= 1;
    for changed in [changed, bytes[..bytes.len() - 1].to_vec()] {
        fs::write(&path, changed).unwrap();
        let error = restore(&to, &again).unwrap_err();
        assert!(error.contains(&object), "{error}");
        nothing(&again);
        let verified = stoa(&["backup", "verify", "--from", shown(&to)]).unwrap();
        assert_eq!(format!("{verified:?}"), format!("{:?}", ExitCode::FAILURE));
    }
    fs::write(&path, bytes).unwrap();
    let manifest = to.join("manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    for (from, to_be, named) in [
        ("\"format\": 1", "\"format\": 2", "use the version that"),
        ("\"records\": 100", "\"records\": 99", "it says 99"),
        ("\"root\": \"", "\"root\": \"x", "is not 32 bytes"),
        (
            "\"object\": \"segments/",
            "\"object\": \"../../",
            "does not follow record 0",
        ),
        ("\"sha256\": \"", "\"sha256\": \"../../", "is no hash"),
    ] {
        fs::write(&manifest, text.replacen(from, to_be, 1)).unwrap();
        let error = restore(&to, &again).unwrap_err();
        assert!(error.contains(named), "{error}");
        nothing(&again);
    }
    // A link leads to other bytes, whatever they are.
    fs::write(&manifest, &text).unwrap();
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(&manifest, &path).unwrap();
    let error = restore(&to, &again).unwrap_err();
    assert!(error.contains("is not what was put there"), "{error}");
    nothing(&again);
    fs::remove_file(&manifest).unwrap();
    assert!(
        restore(&to, &again)
            .unwrap_err()
            .contains("there is no backup")
    );
}

#[test]
fn a_worse_journal_never_takes_the_place_of_a_better_one() {
    let (parent, dir) = archive();
    let to = parent.path().join("backup");
    backup(&dir, &to).unwrap();
    let before = (objects(&to), fs::read(to.join("manifest.json")).unwrap());
    let check = |dir: &Path, named: &str| {
        let error = backup(dir, &to).unwrap_err();
        assert!(error.contains(named), "{error}");
        let after = (objects(&to), fs::read(to.join("manifest.json")).unwrap());
        assert!(after == before, "{named}: {:?}", after.0);
    };
    let shorter = parent.path().join("shorter");
    add(&shorter, 0..50);
    check(&shorter, "has 100 records, and the journal only 50");
    let other = parent.path().join("other");
    add(&other, 0..110);
    check(&other, "the backup of another archive");
    let segment = objects(&to).into_iter().nth(1).unwrap();
    let first = segment.split('-').next().unwrap();
    let segment = dir.join("journal").join(format!("{first}.seg"));
    let mut bytes = fs::read(&segment).unwrap();
    bytes[300] ^= 1;
    fs::write(&segment, bytes).unwrap();
    check(&dir, "the backup stays as it is");
}

#[test]
fn only_a_place_that_is_known_is_one() {
    let (parent, dir) = archive();
    let error = backup(&dir, Path::new("ftp://host/x")).unwrap_err();
    assert!(error.contains("s3://bucket/prefix"), "{error}");
    let error = backup(&dir, Path::new("s3://")).unwrap_err();
    assert!(error.contains("names no bucket"), "{error}");
    let file = parent.path().join("file");
    fs::write(&file, "").unwrap();
    let error = restore(&file, &parent.path().join("again")).unwrap_err();
    assert!(error.contains("is no folder"), "{error}");
    let nowhere = parent.path().join("nowhere");
    let error = restore(&nowhere, &parent.path().join("again")).unwrap_err();
    assert!(error.contains("nowhere"), "{error}");
}
