//! What was erased stays so: in an archive out of a backup from before, and in every export.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that can't go on has failed"
)]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use stoa_tests::{Bus, Stack, TOKEN, comment, eventually, files, needed, stoa};

const STRUCTURED: &str = "application/cloudevents+json";

/// The words and the name that go.
const PLANTED: [&str; 2] = ["zwirbeltrauf", "kluppenrast"];

fn printed(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Lists what is planted and the files that have it.
fn found(dir: &Path) -> Vec<String> {
    files::with_words(dir, &PLANTED)
}

/// A system with a thread in which a comment with a reply is to be erased; its journal is in several
/// segments, so that one that is written anew has records elsewhere.
fn filled() -> Stack {
    let mut stack = Stack::prepare(Bus::Embedded, tempfile::tempdir().unwrap());
    stack.set("STOA_ARCHIVE__REDACTION__GRACE", "0s");
    stack.set("STOA_ARCHIVE__JOURNAL__SEGMENT", "8 KiB");
    stack.set("STOA_ARCHIVE__TRANSPARENCY__CHECKPOINT_EVERY", "200ms");
    stack.launch_all();
    for n in 0..20 {
        let event = comment("a-1", &format!("c-{n}"), None, "Harmless words");
        assert_eq!(stack.post(STRUCTURED, event.to_string()).0, 202);
    }
    stack.decided("journal", "a-1", 20);
    let mut first = comment("a-1", "c-gone", None, "The words of zwirbeltrauf");
    first["data"]["author"] = json!({"id": "u-9", "display_name": "kluppenrast"});
    let reply = comment("a-1", "c-reply", Some("c-gone"), "A harmless answer");
    for event in [first, reply] {
        assert_eq!(stack.post(STRUCTURED, event.to_string()).0, 202);
    }
    stack.decided("journal", "a-1", 22);
    stack
}

fn redact(stack: &Stack, args: &[&str]) -> Value {
    let admin = stack.archive_admin();
    let site = [
        "--site", "journal", "--to", &admin, "--token", TOKEN, "--json",
    ];
    printed(&stoa(&[&["redact"], args, &site].concat()))
}

/// Has the comment erased, and returns the redaction.
fn erase(stack: &Stack) -> Value {
    redact(stack, &["request", "--comment", "c-gone"]);
    eventually("the redaction is done", || {
        redact(stack, &["list"])[0]["state"] == "completed"
    });
    redact(stack, &["list"])
}

/// Makes an archive's folder with a journal whose segments begin as a backup has them: with the words,
/// and with the order behind them.
fn spliced(archive: &Path, backup: &Path, to: &Path) {
    let journal = to.join("journal");
    std::fs::create_dir_all(&journal).unwrap();
    for path in files::below(&archive.join("journal")) {
        let mut bytes = std::fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        for object in files::below(&backup.join("segments")) {
            let first = object.file_name().unwrap().to_str().unwrap();
            if first.split('-').next() == name.strip_suffix(".seg") {
                let before = std::fs::read(&object).unwrap();
                bytes[..before.len()].copy_from_slice(&before);
            }
        }
        std::fs::write(journal.join(name), bytes).unwrap();
    }
}

/// Checks that every export of an archive shows what was erased, and none of its words.
fn exports(archive: &Path, dir: &Path) {
    let data = archive.display().to_string();
    let out = |name: &str| dir.join(name).display().to_string();
    let export = |format: &str, args: &[&str]| {
        let out = out(format);
        let all = [&["export", format, "--data", &data, "--out", &out], args];
        printed(&stoa(&[&all.concat()[..], &["--json"]].concat()))
    };
    export("parquet", &[]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("acceptance/read_parquet.py");
    let mut read = Command::new(needed("STOA_TEST_PYTHON"));
    let read = printed(&read.arg(script).arg(out("parquet")).output().unwrap());
    let rows = read["comments"].as_array().unwrap();
    assert_eq!(rows.len(), 22);
    let row = |id: &str| rows.iter().find(|row| row["comment"] == id).unwrap();
    let gone = row("c-gone");
    assert_eq!(
        (
            &gone["erased"],
            &gone["status"],
            &gone["text"],
            &gone["author"]
        ),
        (&json!(true), &json!("approved"), &json!(null), &json!(null)),
        "{gone}"
    );
    let reply = row("c-reply");
    assert_eq!(
        (&reply["erased"], &reply["parent"], &reply["text"]),
        (&json!(false), &json!("c-gone"), &json!("A harmless answer")),
        "{reply}"
    );

    export("html", &["--site", "journal"]);
    let pages = files::below(&dir.join("html/threads"));
    let page = std::fs::read_to_string(&pages[0]).unwrap();
    let (_, gone) = page.split_once("<article id=\"c-c-gone\">").unwrap();
    let (gone, rest) = gone.split_once("</article>").unwrap();
    assert!(gone.contains("An erased comment"), "{gone}");
    assert!(gone.contains("The words were erased."), "{gone}");
    assert!(rest.contains("A harmless answer"), "{rest}");

    let report = export("disqus", &["--site", "journal"]);
    assert_eq!(report["erased"], 1, "{report}");
    let xml = std::fs::read_to_string(out("disqus")).unwrap();
    let posts: Vec<&str> = xml.split("<post ").skip(1).collect();
    let deleted = posts
        .iter()
        .filter(|post| post.contains("<isDeleted>true</isDeleted>"));
    let deleted: Vec<&&str> = deleted.collect();
    assert_eq!((posts.len(), deleted.len()), (22, 1), "{xml}");
    assert!(deleted[0].contains("\"stoa-c-gone\""), "{deleted:?}");

    let base = ["--site", "journal", "--base", "https://archive.example"];
    let report = export("activitystreams", &base);
    assert_eq!(report["tombstones"], 1, "{report}");
    let lines = std::fs::read_to_string(out("activitystreams")).unwrap();
    let objects: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(json!(objects.len() - 1), report["objects"], "{report}");
    let id = |comment: &str| json!(format!("{}/sites/journal/comments/{comment}", base[3]));
    let object = |comment: &str| {
        let found = objects.iter().find(|object| object["id"] == id(comment));
        found.unwrap_or(&Value::Null)
    };
    let gone = object("c-gone");
    assert_eq!(
        (&gone["type"], &gone["formerType"], &gone["content"]),
        (&json!("Tombstone"), &json!("Note"), &json!(null)),
        "{gone}"
    );
    let reply = object("c-reply");
    assert_eq!(
        (&reply["type"], &reply["inReplyTo"]),
        (&json!("Note"), &id("c-gone"))
    );
    assert!(
        reply["content"].to_string().contains("A harmless answer"),
        "{reply}"
    );
    let refused = stoa(&[
        "export",
        "activitystreams",
        "--data",
        &data,
        "--site",
        "journal",
        "--base",
        "example/",
        "--out",
        &out("refused"),
    ]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(!dir.join("refused").exists());

    assert_eq!(found(dir), [""; 0]);
}

/// Restores the backup from before with the list of an archive that is stopped, puts what that makes in
/// the archive's place, and checks that it goes on from there.
fn learns_from_a_list(stack: &mut Stack, dir: &Path, erased: &Value) {
    let text = |name: &str| dir.join(name).display().to_string();
    let data = stack.data.display().to_string();
    let archive = stack.data.join("archive");
    let list = text("redactions.jsonl");
    let export = ["export", "redactions", "--data", &data, "--out", &list];
    printed(&stoa(&[&export[..], &["--json"]].concat()));
    let (before, to) = (text("before"), text("learned"));
    let restore = ["restore", "--from", &before, "--data", &to, "--json"];
    let learned = printed(&stoa(&[&restore[..], &["--redactions", &list]].concat()));
    assert_eq!(
        learned["learned"], 3,
        "request, order and receipt: {learned}"
    );
    assert_eq!(found(&dir.join("learned")), [""; 0], "restored with a list");
    let verified = stoa(&["archive", "verify", "--data", &to]);
    assert!(verified.status.success(), "{verified:?}");

    // The archive goes on with it, and shows the tombstone and the receipt.
    std::fs::remove_dir_all(&archive).unwrap();
    std::fs::rename(dir.join("learned"), &archive).unwrap();
    stack.launch("up");
    stack.ready();
    let thread = stack.thread("journal", "a-1");
    let mut comments = thread["comments"].as_array().unwrap().iter();
    let gone = comments.find(|one| one["comment"] == "c-gone").unwrap();
    assert_eq!(
        (
            &gone["text"],
            &gone["status"],
            gone["erased_at"].is_string()
        ),
        (&json!(null), &json!("approved"), true),
        "{gone}"
    );
    assert_eq!(redact(stack, &["list"]), *erased, "the receipt is there");
    let key = stoa(&["archive", "key", "--data", &data]);
    let key = String::from_utf8(key.stdout).unwrap();
    let out = text("proof");
    eventually("a proof", || {
        let prove = ["archive", "prove", "--data", &data, "--site", "journal"];
        stoa(&[&prove[..], &["--comment", "c-reply", "--out", &out]].concat())
            .status
            .success()
    });
    let proven = stoa(&["archive", "verify-proof", &out, "--key", key.trim()]);
    assert!(proven.status.success(), "{proven:?}");
    assert_eq!(stack.process("up").stop(), Some(0));
    assert_eq!(found(&archive), [""; 0]);
}

#[test]
fn embedded_a_backup_from_before_an_erasure_does_not_bring_words_back() {
    let mut stack = filled();
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let text = |name: &str| path(name).display().to_string();
    let data = stack.data.display().to_string();
    printed(&stoa(&[
        "backup",
        "--data",
        &data,
        "--to",
        &text("before"),
        "--json",
    ]));
    assert!(!found(&path("before")).is_empty(), "the words are in it");
    let erased = erase(&stack);
    assert_eq!(stack.process("up").stop(), Some(0));
    let archive = stack.data.join("archive");
    assert_eq!(found(&archive), [""; 0]);
    assert!(
        files::below(&archive.join("journal")).len() > 3,
        "several segments"
    );
    let whole = printed(&stoa(&[
        "backup",
        "--data",
        &data,
        "--to",
        &text("after"),
        "--json",
    ]));

    // The next backup of an archive that stopped between the order and the overwriting.
    spliced(&archive, &path("before"), &path("spliced"));
    let from = text("spliced");
    let lines = path("lines");
    std::fs::create_dir(&lines).unwrap();
    let lines = lines.join("archive.jsonl").display().to_string();
    printed(&stoa(&[
        "backup",
        "--data",
        &from,
        "--to",
        &text("between"),
        "--json",
    ]));
    printed(&stoa(&[
        "export", "jsonl", "--data", &from, "--out", &lines, "--json",
    ]));
    for name in ["between", "lines"] {
        assert!(!found(&path(name)).is_empty(), "the words are in {name}");
    }
    let restored = [
        ("of a backup", vec!["restore", "--from"], text("between")),
        ("of lines", vec!["restore"], lines),
    ];
    for (name, mut command, from) in restored {
        let to = text(name);
        command.extend([from.as_str(), "--data", &to, "--json"]);
        let restored = printed(&stoa(&command));
        assert_eq!(
            (&restored["records"], &restored["root"]),
            (&whole["records"], &whole["root"]),
            "{name}"
        );
        assert!(restored["erased"].as_u64() > Some(0), "{restored}");
        assert_eq!(found(&path(name)), [""; 0], "restored from {name}");
        let exported = path(&format!("exports of {name}"));
        std::fs::create_dir(&exported).unwrap();
        exports(&path(name), &exported);
    }

    // An export brings the view up to date, and so it overwrites them, too.
    let exported = path("exports");
    std::fs::create_dir(&exported).unwrap();
    exports(&path("spliced"), &exported);
    assert_eq!(found(&path("spliced")), [""; 0]);

    // One from before has no order either, but a list that was saved since has it.
    learns_from_a_list(&mut stack, dir.path(), &erased);

    // Without a list ingest has the order, and sends it again.
    std::fs::remove_dir_all(&archive).unwrap();
    let (before, to) = (text("before"), archive.display().to_string());
    printed(&stoa(&[
        "restore", "--from", &before, "--data", &to, "--json",
    ]));
    assert!(!found(&archive).is_empty(), "the words are back");
    stack.launch("up");
    stack.ready();
    let (ingest, moderation) = (stack.ingest_admin(), stack.moderation());
    let admin = stack.archive_admin();
    let addresses = [
        "--ingest",
        &ingest,
        "--moderation",
        &moderation,
        "--archive",
        &admin,
    ];
    let reconcile = ["reconcile", "--token", TOKEN, "--json", "--settle", "0"];
    printed(&stoa(&[&reconcile[..], &addresses].concat()));
    eventually("the words are gone again", || found(&archive).is_empty());
}
