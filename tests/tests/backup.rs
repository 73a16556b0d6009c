//! An archive is lost, and comes back from its backup; what it holds is read by programs of others.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that can't go on has failed"
)]

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};
use stoa_tests::{Bus, Stack, TOKEN, binary, comment, eventually, needed, sample, stoa};

const STRUCTURED: &str = "application/cloudevents+json";
const EVERY: &str = "STOA_ARCHIVE__TRANSPARENCY__CHECKPOINT_EVERY";

fn printed(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A system that signs often, with a thread of comments and one that is full of traps.
fn filled() -> Stack {
    let stack = Stack::start_with(Bus::Embedded, vec![(EVERY, "200ms".to_owned())]);
    for event in sample::thread("a-1", 30) {
        assert_eq!(stack.post(STRUCTURED, event.to_string()).0, 202, "{event}");
    }
    for (n, thread) in ["../../etc", "a/b", "A", "a", "é \"<b>\""]
        .iter()
        .enumerate()
    {
        let event = comment(
            thread,
            &format!("t-{n}"),
            None,
            "<script>alert(1)</script> \u{1f9ea}",
        );
        assert_eq!(stack.post(STRUCTURED, event.to_string()).0, 202, "{event}");
    }
    stack.decided("journal", "a-1", 30);
    let list = format!("{}/v1/sites/journal/threads", stack.archive());
    eventually("every thread", || {
        stack.get(&list)["threads"].as_array().map(Vec::len) == Some(6)
    });
    stack
}

/// Stops everything; a checkpoint that is on its way is archived before.
fn stop(stack: &mut Stack) {
    assert_eq!(stack.process("up").stop(), Some(0));
}

#[test]
fn embedded_a_lost_archive_comes_back_from_its_backup() {
    let mut stack = filled();
    let dir = tempfile::tempdir().unwrap();
    let backup = dir.path().join("backup").display().to_string();
    let data = stack.data.display().to_string();
    let archive = stack.data.join("archive");
    let make = || {
        printed(&stoa(&[
            "backup",
            "--data",
            &data,
            "--to",
            &backup,
            "--with-key",
            "--json",
        ]))
    };
    let first = make();
    assert_eq!(first["sent"], 1, "while it runs: {first}");
    let more = comment("a-1", "c-late", None, "one more");
    assert_eq!(stack.post(STRUCTURED, more.to_string()).0, 202);
    let thread = stack.decided("journal", "a-1", 31);
    let jsonl = dir.path().join("running.jsonl").display().to_string();
    let exported = printed(&stoa(&[
        "export", "jsonl", "--data", &data, "--out", &jsonl, "--json",
    ]));
    assert!(exported["records"].as_u64() > first["records"].as_u64());
    stop(&mut stack);
    let second = make();
    assert!(second["records"].as_u64() >= exported["records"].as_u64());
    assert_eq!(make()["sent"], 0, "nothing is new");
    printed(&stoa(&["backup", "verify", "--from", &backup, "--json"]));

    std::fs::remove_dir_all(&archive).unwrap();
    let to = archive.display().to_string();
    let restored = printed(&stoa(&[
        "restore", "--from", &backup, "--data", &to, "--json",
    ]));
    assert_eq!(restored["root"], second["root"]);
    let signed = restored["checkpoint"].as_u64().unwrap();
    let verified = printed(&stoa(&["archive", "verify", "--data", &data, "--json"]));
    assert_eq!(verified["log"]["size"], signed);
    stack.launch("up");
    stack.ready();
    assert_eq!(stack.thread("journal", "a-1"), thread);
    // The log goes on where it was.
    let event = comment("a-1", "c-after", None, "after it came back");
    assert_eq!(stack.post(STRUCTURED, event.to_string()).0, 202);
    stack.decided("journal", "a-1", 32);
    eventually("a later checkpoint", || {
        let (_, note) = stack.get_text(&format!("{}/checkpoint", stack.archive()), true);
        note.lines()
            .nth(1)
            .and_then(|size| size.parse::<u64>().ok())
            > Some(signed)
    });
    stop(&mut stack);

    // The export that was made beside the running archive is an archive as well.
    let again = dir.path().join("again").display().to_string();
    let restored = printed(&stoa(&["restore", &jsonl, "--data", &again, "--json"]));
    assert_eq!(restored["root"], exported["root"]);
}

/// The S3-compatible storage of the package moto, with a bucket.
struct Storage {
    server: Child,
    url: String,
}

impl Storage {
    fn start(log: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        drop(listener);
        let log = std::fs::File::create(log).unwrap();
        let mut command = Command::new(needed("STOA_TEST_PYTHON"));
        command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port]);
        command.stdout(Stdio::null()).stderr(log);
        let storage = Self {
            server: command.spawn().unwrap(),
            url: format!("http://127.0.0.1:{port}"),
        };
        let client = reqwest::blocking::Client::new();
        let bucket = format!("{}/backups", storage.url);
        eventually("a bucket", || {
            let put = client.put(&bucket).header("authorization", SIGNED).send();
            put.is_ok_and(|answer| answer.status().is_success())
        });
        storage
    }

    fn stoa(&self, args: &[&str]) -> Output {
        Command::new(binary())
            .args(args)
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_ENDPOINT_URL", &self.url)
            .output()
            .unwrap()
    }
}

/// By this the storage knows which of its services is meant; it checks no signature.
const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request";

impl Drop for Storage {
    fn drop(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }
}

#[test]
fn embedded_a_backup_goes_to_s3_compatible_storage() {
    let mut stack = filled();
    // A segment that has to be sent in parts.
    for n in 0..12 {
        let mut event = sample::thread(&format!("long-{n}"), 0).remove(0);
        event["data"]["body"] = json!("a long article ".repeat(50_000));
        assert_eq!(stack.post(STRUCTURED, event.to_string()).0, 202);
    }
    let list = format!("{}/v1/sites/journal/threads", stack.archive());
    eventually("every article", || {
        stack.get(&list)["threads"].as_array().map(Vec::len) == Some(18)
    });
    // They are archived; what the rules still make of them does not matter here.
    stack.process("up").kill();
    let dir = tempfile::tempdir().unwrap();
    let storage = Storage::start(&dir.path().join("storage.log"));
    let data = stack.data.display().to_string();
    let place = "s3://backups/of/archive";
    let make = ["backup", "--data", &data, "--to", place, "--json"];
    let refused = storage.stoa(&make);
    assert_eq!(
        refused.status.code(),
        Some(1),
        "not without TLS: {refused:?}"
    );
    let make = [&make[..], &["--allow-http"]].concat();
    let first = printed(&storage.stoa(&make));
    assert!(first["sent_bytes"].as_u64() > Some(8 << 20), "{first}");
    assert_eq!(printed(&storage.stoa(&make))["sent"], 0);
    printed(&storage.stoa(&[
        "backup",
        "verify",
        "--from",
        place,
        "--allow-http",
        "--json",
    ]));

    let again = dir.path().join("again");
    let to = again.display().to_string();
    let restore = [
        "restore",
        "--from",
        place,
        "--data",
        &to,
        "--allow-http",
        "--json",
    ];
    let restored = printed(&storage.stoa(&restore));
    assert_eq!(restored["root"], first["root"]);
    assert_eq!(restored["checkpoint"], Value::Null, "the key was not in it");
    std::fs::remove_dir_all(&again).unwrap();
    let key = stack.data.join("archive/tlog/key").display().to_string();
    let restored = printed(&storage.stoa(&[&restore[..], &["--key", &key]].concat()));
    assert!(restored["checkpoint"].as_u64() > Some(0), "{restored}");
}

#[test]
fn embedded_tables_are_read_by_another_program() {
    let mut stack = filled();
    let thread = stack.thread("journal", "a-1");
    stop(&mut stack);
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("tables").display().to_string();
    let data = stack.data.display().to_string();
    let written = printed(&stoa(&[
        "export", "parquet", "--data", &data, "--out", &out, "--json",
    ]));
    assert_eq!(
        (&written["articles"], &written["comments"]),
        (&json!(6), &json!(35)),
        "{written}"
    );
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("acceptance/read_parquet.py");
    let mut read = Command::new(needed("STOA_TEST_PYTHON"));
    let read = printed(&read.arg(script).arg(&out).output().unwrap());
    let count = |table: &str| read[table].as_array().unwrap().len();
    assert_eq!((count("articles"), count("comments")), (6, 35));
    assert_eq!(json!(count("decisions")), written["decisions"]);
    let rows: Vec<&Value> = read["comments"].as_array().unwrap().iter().collect();
    for shown in thread["comments"].as_array().unwrap() {
        let row = rows.iter().find(|row| row["comment"] == shown["comment"]);
        let row = row.unwrap();
        for (column, expected) in [
            ("site", &json!("journal")),
            ("article", &json!("a-1")),
            ("parent", &shown["parent"]),
            ("text", &shown["text"]),
            ("status", &shown["status"]),
            ("author", &shown["author"]["id"]),
            ("verdict", &shown["decision"]["verdict"]),
            ("labels", &shown["decision"]["labels"]),
            ("erased", &json!(false)),
        ] {
            assert_eq!(&row[column], expected, "{column}: {row}");
        }
    }
    let hostile = rows.iter().find(|row| row["comment"] == "t-4").unwrap();
    assert_eq!(hostile["article"], "é \"<b>\"");
    assert_eq!(hostile["submitted_at"], "2024-05-01T10:00:00+00:00");
    let again = stoa(&["export", "parquet", "--data", &data, "--out", &out]);
    assert_eq!(again.status.code(), Some(1), "nothing is written over");
}

#[test]
fn embedded_a_site_is_files_that_lead_to_each_other() {
    let mut stack = filled();
    let data = stack.data.display().to_string();
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("site");
    let export = [
        "export",
        "html",
        "--data",
        &data,
        "--site",
        "journal",
        "--json",
        "--out",
        out.to_str().unwrap(),
    ];
    let refused = stoa(&export);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        said.contains("in use by another process"),
        "while it runs: {said}"
    );
    stop(&mut stack);
    let written = printed(&stoa(&export));
    assert_eq!(written["threads"], 6, "{written}");
    let mut pages = vec![out.join("index.html")];
    let mut seen = std::collections::BTreeSet::new();
    while let Some(page) = pages.pop() {
        if !seen.insert(page.clone()) {
            continue;
        }
        let text = std::fs::read_to_string(&page).unwrap();
        assert!(!text.contains("<script"), "{}", page.display());
        for link in text.split("href=\"").skip(1) {
            let link = link.split('"').next().unwrap();
            assert!(!link.starts_with('/'), "{link} on {}", page.display());
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            if !file.starts_with("http") && !file.is_empty() {
                let target = page.parent().unwrap().join(file).canonicalize().unwrap();
                assert!(target.starts_with(out.canonicalize().unwrap()), "{link}");
                if target.extension().is_some_and(|of| of == "html") {
                    pages.push(target);
                }
            }
            if file.is_empty() {
                assert!(text.contains(&format!("id=\"{anchor}\"")), "{anchor}");
            }
        }
    }
    assert!(seen.len() >= 7, "{seen:?}");
    let again = stoa(&export);
    assert_eq!(again.status.code(), Some(1), "nothing is written over");
    printed(&stoa(&[&export[..], &["--force", "--all"]].concat()));
}

/// What a reviewer sees of all threads, without what an import makes anew.
fn seen(stack: &Stack) -> Vec<Value> {
    let list = format!("{}/v1/sites/vallee/threads", stack.archive());
    let threads = stack.get(&list);
    let mut seen = Vec::new();
    for thread in threads["threads"].as_array().unwrap() {
        let id = thread["thread"].as_str().unwrap().replace('/', "%2F");
        let thread = stack.thread("vallee", &id);
        let (article, words) = (&thread["article"], &thread["article"]);
        seen.push(json!([
            article["article"],
            words["title"],
            words["url"],
            words["published_at"]
        ]));
        for shown in thread["comments"].as_array().unwrap() {
            seen.push(json!([
                shown["comment"],
                shown["parent"],
                shown["depth"],
                shown["status"],
                shown["body"],
                shown["author"],
                shown["submitted_at"],
                shown["decision"]["labels"],
            ]));
        }
    }
    seen
}

#[test]
fn embedded_what_came_from_disqus_goes_back_and_comes_again() {
    let sample = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../cli/fixtures/import/disqus.xml"
    );
    let import = |stack: &Stack, file: &str| {
        let to = stack.ingest();
        let imported = stoa(&[
            "import", "disqus", file, "--site", "vallee", "--to", &to, "--token", TOKEN,
        ]);
        assert!(imported.status.success(), "{imported:?}");
        stack.decided("vallee", "vallee.example%2F2014%2Fpont", 5);
        stack.decided("vallee", "vallee.example%2F2014%2Fretire", 1);
    };
    let mut stack = Stack::start(Bus::Embedded);
    import(&stack, sample);
    let before = seen(&stack);
    stop(&mut stack);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("again.xml").display().to_string();
    let data = stack.data.display().to_string();
    let export = [
        "export", "disqus", "--data", &data, "--site", "vallee", "--out", &file, "--json",
    ];
    let written = printed(&stoa(&export));
    assert_eq!(
        (&written["posts"], &written["undecided"]),
        (&json!(7), &json!(0))
    );
    drop(stack);
    let stack = Stack::start(Bus::Embedded);
    import(&stack, &file);
    assert_eq!(seen(&stack), before);
}
