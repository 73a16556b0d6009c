//! Files of journals and views that were changed, cut or taken away: damage of a journal is named and
//! stops the role, a view is built again, and a repair brings back what others still have.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that can't go on has failed"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use stoa_journal::Known;
use stoa_tests::{Bus, ROLES, Stack, sample, stoa};

const BATCH: &str = "application/cloudevents-batch+json";
const THREADS: usize = 24;
const COMMENTS: usize = 40;

/// What was wrong is said within this time.
const SOON: Duration = Duration::from_secs(30);

/// Nobody is there: a role needs no broker to find out about its own files.
const NO_BROKER: &str = "amqp://127.0.0.1:1/%2f";

fn prepare(bus: Bus, data: &Path) -> Stack {
    let mut stack = Stack::prepare(bus, tempfile::tempdir().unwrap());
    stack.data = data.to_owned();
    for role in ROLES {
        let name = role.replace('-', "_").to_uppercase();
        stack.set(&format!("STOA_{name}__JOURNAL__SEGMENT"), "256 KiB");
    }
    stack
}

/// A data folder of `stoa up` with a thread or two, and what the archive showed of it.
struct Filled {
    folder: tempfile::TempDir,
    threads: Vec<Value>,
}

fn threads(stack: &Stack) -> Vec<Value> {
    (0..THREADS)
        .map(|number| stack.decided("journal", &format!("d-{number}"), COMMENTS))
        .collect()
}

fn filled() -> Filled {
    let folder = tempfile::tempdir().unwrap();
    let mut stack = prepare(Bus::Embedded, folder.path());
    stack.launch_all();
    for number in 0..THREADS {
        let events = sample::thread(&format!("d-{number}"), COMMENTS);
        let (status, answer) = stack.post(BATCH, json!(events).to_string());
        assert_eq!(status, 202, "{answer}");
    }
    let threads = threads(&stack);
    assert_eq!(stack.process("up").stop(), Some(0));
    // sled writes a snapshot when it opens what is there.
    stack.launch_all();
    assert_eq!(stack.process("up").stop(), Some(0));
    Filled { folder, threads }
}

impl Filled {
    /// Makes a copy that may be damaged.
    fn copy(&self) -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        let from = format!("{}/.", self.folder.path().display());
        let status = Command::new("cp")
            .args(["-a", &from])
            .arg(copy.path())
            .status();
        assert!(status.unwrap().success());
        copy
    }
}

/// The segments of a role's journal, the newest last.
fn segments(data: &Path, role: &str) -> Vec<PathBuf> {
    let journal = data.join(role).join("journal");
    let mut segments: Vec<_> = fs::read_dir(journal)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "seg"))
        .collect();
    segments.sort();
    segments
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 0x20;
    fs::write(path, bytes).unwrap();
}

fn flip_middle(path: &Path) {
    flip(
        path,
        usize::try_from(fs::metadata(path).unwrap().len()).unwrap() / 2,
    );
}

fn cut(path: &Path, bytes: u64) {
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    let length = file.metadata().unwrap().len();
    file.set_len(length.saturating_sub(bytes)).unwrap();
}

/// Starts one role on the data, which is to end by itself with exit code 1; returns what it said.
fn ends(data: &Path, role: &str) -> String {
    let mut stack = prepare(Bus::Amqp(NO_BROKER.to_owned()), data);
    stack.launch(role);
    let process = stack.process(role);
    let code = process.ended(SOON);
    let said = process.said();
    assert_eq!(code, Some(1), "{said}");
    assert!(process.panics().is_empty(), "{said}");
    said
}

/// Damages a journal, given its segments.
type Damage = fn(&[PathBuf]);

const DAMAGES: [(&str, Damage); 6] = [
    ("a byte of a full segment", |segments| {
        flip_middle(&segments[0]);
    }),
    ("a byte of the last segment", |segments| {
        flip_middle(segments.last().unwrap());
    }),
    ("64 bytes off the end", |segments| {
        cut(segments.last().unwrap(), 64);
    }),
    ("300 KB off the end", |segments| {
        cut(segments.last().unwrap(), 300 * 1024);
    }),
    ("a full segment gone", |segments| {
        fs::remove_file(&segments[1]).unwrap();
    }),
    ("the last segment gone", |segments| {
        fs::remove_file(segments.last().unwrap()).unwrap();
    }),
];

#[test]
fn a_damaged_journal_is_named_and_stops_its_role() {
    let filled = filled();
    for role in ROLES {
        for (what, damage) in DAMAGES {
            let copy = filled.copy();
            let segments = segments(copy.path(), role);
            assert!(segments.len() > 2, "{role}");
            damage(&segments);
            let said = ends(copy.path(), role);
            for part in [
                ".seg, record ",
                ", byte ",
                "stoa archive repair",
                "stoa archive verify",
            ] {
                assert!(said.contains(part), "{role}, {what}: {said}");
            }
        }
    }
}

#[test]
fn a_journal_whose_end_only_the_view_remembers_is_not_taken_for_whole() {
    let filled = filled();
    for role in ROLES {
        let copy = filled.copy();
        fs::remove_file(segments(copy.path(), role).last().unwrap()).unwrap();
        fs::remove_file(copy.path().join(role).join("journal/mark")).unwrap();
        let said = ends(copy.path(), role);
        assert!(
            said.contains("the journal's end is missing"),
            "{role}: {said}"
        );
        assert!(said.contains("stoa archive repair"), "{role}: {said}");

        // Ingest drops old segments; the others never do.
        if role != "ingest" {
            let copy = filled.copy();
            fs::remove_file(&segments(copy.path(), role)[0]).unwrap();
            fs::remove_file(copy.path().join(role).join("journal/mark")).unwrap();
            let said = ends(copy.path(), role);
            assert!(said.contains("the segment is missing"), "{role}: {said}");
        }

        let copy = filled.copy();
        fs::remove_dir_all(copy.path().join(role).join("journal")).unwrap();
        let said = ends(copy.path(), role);
        assert!(
            said.contains("the journal's end is missing"),
            "{role}: {said}"
        );
    }
}

/// The files of sled in a role's view whose names begin so.
fn view_files(data: &Path, role: &str, begins: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(data.join(role).join("view/db")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let begins = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        path.is_file() && name.starts_with(begins)
    };
    paths.filter(begins).collect()
}

/// Damages a file.
type Harm = fn(&Path);

/// What is done to the files of a view whose names begin so.
const VIEW_DAMAGES: [(&str, &str, Harm); 6] = [
    ("a byte of the log", "db", flip_middle),
    ("64 bytes off the log", "db", |path| cut(path, 64)),
    ("300 KB off the log", "db", |path| cut(path, 300 * 1024)),
    ("empty snapshots", "snap", |path| {
        fs::write(path, b"").unwrap();
    }),
    ("no snapshots", "snap", |path| {
        fs::remove_file(path).unwrap();
    }),
    ("no configuration", "conf", |path| {
        fs::remove_file(path).unwrap();
    }),
];

/// Damages every role's view; returns the roles that have such files.
fn damage_views(data: &Path, begins: &str, harm: Harm) -> Vec<&'static str> {
    let has_been = |role: &&str| {
        let files = view_files(data, role, begins);
        for path in &files {
            harm(path);
        }
        !files.is_empty()
    };
    ROLES.into_iter().filter(has_been).collect()
}

#[test]
fn a_damaged_view_is_built_again() {
    let filled = filled();
    for (what, begins, harm) in VIEW_DAMAGES {
        let copy = filled.copy();
        let damaged = damage_views(copy.path(), begins, harm);
        assert!(!damaged.is_empty(), "{what}");
        let mut stack = prepare(Bus::Embedded, copy.path());
        stack.launch_all();
        assert_eq!(threads(&stack), filled.threads, "{what}");
        for role in damaged {
            let aside = copy.path().join(role).join("view.set-aside-1");
            assert!(aside.is_dir(), "{role}, {what}");
        }
        assert_eq!(stack.process("up").stop(), Some(0), "{what}");
    }
}

#[test]
fn a_view_that_is_damaged_after_kill_9_is_built_again() {
    let filled = filled();
    for (what, begins, harm) in VIEW_DAMAGES {
        let copy = filled.copy();
        let mut stack = prepare(Bus::Embedded, copy.path());
        stack.launch_all();
        stack.process("up").kill();
        damage_views(copy.path(), begins, harm);
        stack.launch_all();
        assert_eq!(threads(&stack), filled.threads, "{what}");
        assert_eq!(stack.process("up").stop(), Some(0), "{what}");
    }
}

#[test]
fn a_second_process_on_the_same_data_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let mut stack = prepare(Bus::Embedded, folder.path());
    stack.launch_all();
    for role in ROLES {
        let said = ends(folder.path(), role);
        assert!(
            said.contains("is in use by another process; stop that one first"),
            "{said}"
        );
    }
    let up = ["up", "--port", &stoa_tests::ports().to_string(), "--data"];
    let second = stoa(&[&up[..], &[folder.path().to_str().unwrap()]].concat());
    assert_eq!(second.status.code(), Some(1), "{second:?}");
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    let said = said + &String::from_utf8_lossy(&second.stdout);
    assert!(said.contains("is in use by another process"), "{said}");
    assert!(stack.is_well(), "the first one goes on");
}

/// Runs `stoa archive` with `--json`, and returns exit code and answer.
fn archive(args: &[&str]) -> (Option<i32>, Value) {
    let output = stoa(&[&["archive"], args, &["--json"]].concat());
    let answer = serde_json::from_slice(&output.stdout);
    assert!(answer.is_ok(), "{args:?}: {output:?}");
    (output.status.code(), answer.unwrap())
}

/// How many checkpoints the archive's journal has.
fn checkpoints(data: &Path) -> usize {
    let journal = data.join("archive/journal");
    let mut count = 0;
    stoa_journal::survey(&journal, Known::NOTHING, &mut |record| {
        let event: Value = serde_json::from_slice(&record.payload).unwrap_or_default();
        count += usize::from(event["type"] == "stoa.checkpoint.published.v1");
    })
    .unwrap();
    count
}

#[test]
fn a_repair_brings_back_what_other_roles_have() {
    let filled = filled();
    for (what, damage) in DAMAGES {
        let copy = filled.copy();
        let data = copy.path().to_str().unwrap();
        damage(&segments(copy.path(), "archive"));
        assert_eq!(archive(&["verify", "--data", data]).0, Some(1), "{what}");
        let ingest = copy.path().join("ingest");
        let moderation = copy.path().join("moderation-rules");
        let repair = [
            "repair",
            "--data",
            data,
            "--from-ingest",
            ingest.to_str().unwrap(),
            "--from-moderation",
            moderation.to_str().unwrap(),
        ];
        let (code, plan) = archive(&[&repair[..], &["--dry-run"]].concat());
        assert_eq!((code, &plan["dry_run"]), (Some(0), &json!(true)), "{what}");
        assert_eq!(archive(&["verify", "--data", data]).0, Some(1), "{what}");
        let (code, done) = archive(&repair);
        // A checkpoint is the archive's own: nobody else has it, and the next one takes its place.
        let gone = checkpoints(filled.folder.path()) - checkpoints(copy.path());
        assert_eq!(
            (code, &done["missing"]),
            (Some(0), &json!(gone)),
            "{what}: {done}"
        );
        assert_eq!(done["damage"], plan["damage"], "{what}");
        assert!(Path::new(done["set_aside"].as_str().unwrap()).is_dir());
        let (code, verified) = archive(&["verify", "--data", data]);
        assert_eq!(code, Some(0), "{what}: {verified}");
        assert_eq!(
            verified["repairs"].as_array().unwrap().len(),
            1,
            "{verified}"
        );
        assert_eq!(verified["gone"], done["gone"], "{what}");
        let (_, again) = archive(&repair);
        assert_eq!(again["damage"], json!([]), "{what}");

        let mut stack = prepare(Bus::Embedded, copy.path());
        stack.launch_all();
        assert_eq!(threads(&stack), filled.threads, "{what}");
        assert_eq!(stack.process("up").stop(), Some(0), "{what}");
    }
}

#[test]
fn a_repair_brings_back_what_an_export_has() {
    let filled = filled();
    let copy = filled.copy();
    let data = copy.path().to_str().unwrap();
    let mut lines = Vec::new();
    let journal = copy.path().join("archive/journal");
    let survey = stoa_journal::survey(&journal, Known::NOTHING, &mut |record| {
        lines.extend_from_slice(&record.payload);
        lines.push(b'\n');
    });
    assert!(survey.unwrap().is_whole());
    let export = copy.path().join("export.jsonl");
    fs::write(&export, lines).unwrap();
    fs::remove_file(&segments(copy.path(), "archive")[1]).unwrap();
    let export = ["--from-export", export.to_str().unwrap()];
    let (code, done) = archive(&[&["repair", "--data", data], &export[..]].concat());
    assert_eq!((code, &done["missing"]), (Some(0), &json!(0)), "{done}");
    assert_eq!(done["appended"], done["gone"], "{done}");
    let mut stack = prepare(Bus::Embedded, copy.path());
    stack.launch_all();
    assert_eq!(threads(&stack), filled.threads);
    assert_eq!(stack.process("up").stop(), Some(0));
}

#[test]
fn a_repair_says_what_it_could_not_bring_back() {
    let filled = filled();
    let copy = filled.copy();
    let data = copy.path().to_str().unwrap();
    fs::remove_file(&segments(copy.path(), "archive")[1]).unwrap();
    let (code, done) = archive(&["repair", "--data", data]);
    assert_eq!((code, &done["appended"]), (Some(0), &json!(0)), "{done}");
    assert_eq!(done["missing"], done["gone"], "{done}");
    // What was signed has records that are gone: that log ends.
    let ended = done["log_ended"].as_str().unwrap();
    assert!(Path::new(ended).join("key").exists(), "{ended}");
    let damage = &done["damage"][0];
    let lost = damage["last"].as_u64().unwrap() + 1 - damage["first"].as_u64().unwrap();
    assert_eq!(done["gone"], json!(lost), "{done}");
    let output = stoa(&["archive", "verify", "--data", data]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains("Repaired at 20") && said.contains("gone"),
        "{said}"
    );
    let mut stack = prepare(Bus::Embedded, copy.path());
    stack.launch_all();
    assert_eq!(stack.process("up").stop(), Some(0));

    // Other roles' journals: what is whole stays, and they start again.
    for role in ["ingest", "moderation-rules"] {
        let journal = copy.path().join(role);
        flip_middle(&segments(copy.path(), role)[0]);
        ends(copy.path(), role);
        let (code, done) = archive(&["repair", "--data", journal.to_str().unwrap()]);
        assert_eq!((code, &done["missing"]), (Some(0), &json!(1)), "{done}");
    }
    let mut stack = prepare(Bus::Embedded, copy.path());
    stack.launch_all();
    let (code, running) = repair_of_running(copy.path());
    assert_eq!(code, Some(1), "{running}");
    assert!(running.contains("in use by another process"), "{running}");
    assert_eq!(stack.process("up").stop(), Some(0));
}

fn repair_of_running(data: &Path) -> (Option<i32>, String) {
    let output = stoa(&["archive", "repair", "--data", data.to_str().unwrap()]);
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), said)
}
