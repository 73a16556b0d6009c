//! What the archive's log hands out is checked by a program that is not Stoa's.
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use stoa_tests::{Bus, Stack, TOKEN, comment, eventually, needed, stoa};

const EVENT: &str = "application/cloudevents+json";
const EVERY: &str = "STOA_ARCHIVE__TRANSPARENCY__CHECKPOINT_EVERY";

fn script(args: &[&str]) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let script = root.join("acceptance/verify_log.py");
    let mut command = Command::new(needed("STOA_TEST_PYTHON"));
    command.arg(script).args(args).output().unwrap()
}

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Sends comments, and waits until a checkpoint has them; returns its note.
fn archived(stack: &Stack, comments: std::ops::Range<u32>) -> String {
    let mut ends = 0;
    for n in comments {
        let event = comment("a-1", &format!("c-{n}"), None, &format!("words of {n}"));
        assert_eq!(stack.post(EVENT, event.to_string()).0, 202);
        ends = n;
    }
    let proof = format!(
        "{}/v1/sites/journal/comments/c-{ends}/proof",
        stack.archive()
    );
    eventually("a checkpoint", || stack.get_text(&proof, true).0 == 200);
    stack
        .get_text(&format!("{}/checkpoint", stack.archive()), true)
        .1
}

fn write(dir: &Path, name: &str, text: &str) -> String {
    let path: PathBuf = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn embedded_checkpoints_and_proofs_are_verified_by_another_program() {
    let mut stack = Stack::start_with(Bus::Embedded, vec![(EVERY, "200ms".to_owned())]);
    stack.ready();
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name).display().to_string();
    let old = write(dir.path(), "old", &archived(&stack, 0..40));
    let new = write(dir.path(), "new", &archived(&stack, 40..90));

    let data = stack.data.display().to_string();
    let key = printed(&stoa(&["archive", "key", "--data", &data]));
    let key = key.trim();
    for note in [&old, &new] {
        let size: u64 = printed(&script(&[key, "checkpoint", note]))
            .trim()
            .parse()
            .unwrap();
        assert!(size >= 40, "{size}");
    }

    let whom = ["--site", "journal", "--comment", "c-7"];
    let archive = stack.archive();
    for (name, place) in [
        ("over-http", ["--from", archive.as_str()]),
        ("by-files", ["--data", &data]),
    ] {
        let out = file(name);
        let prove = [
            &["archive", "prove"],
            &place[..],
            &whom,
            &["--out", &out, "--token", TOKEN],
        ];
        printed(&stoa(&prove.concat()));
        let event: Value =
            serde_json::from_str(&printed(&script(&[key, "inclusion", &out]))).unwrap();
        assert_eq!(event["data"]["body"], "words of 7");
        let told = printed(&stoa(&[
            "archive",
            "verify-proof",
            &out,
            "--key",
            key,
            "--json",
        ]));
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told["event"]["data"]["body"], "words of 7");

        let since = file("since");
        let prove = [
            &["archive", "consistency"],
            &place[..],
            &["--old", &old, "--out", &since, "--token", TOKEN],
        ];
        printed(&stoa(&prove.concat()));
        printed(&script(&[key, "consistency", &since, &old]));
        printed(&stoa(&[
            "archive",
            "verify-proof",
            &since,
            "--key",
            key,
            "--old",
            &old,
        ]));

        // Of another comment, nothing of this proof is left.
        let forged = std::fs::read_to_string(&out)
            .unwrap()
            .replace("index ", "index 1");
        let forged = write(dir.path(), "forged", &forged);
        assert!(!script(&[key, "inclusion", &forged]).status.success());
        let refused = stoa(&["archive", "verify-proof", &forged, "--key", key]);
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    }

    assert_eq!(stack.process("up").stop(), Some(0));
    let verified = printed(&stoa(&["archive", "verify", "--data", &data, "--json"]));
    let verified: Value = serde_json::from_str(&verified).unwrap();
    assert!(
        verified["log"]["checkpoints"].as_u64().unwrap() >= 2,
        "{verified}"
    );
}
