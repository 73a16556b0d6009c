//! The platforms of examples/, which know of Stoa only its events, do what docs/integrations says of them.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that can't go on has failed"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use stoa_tests::broker::queues;
use stoa_tests::{Bus, Stack, Vhost, eventually, needed};

const QUEUE: &str = "platform.courrier";

fn example(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../examples")
        .join(file)
}

/// A platform's program, with what it keeps.
struct Platform<'a> {
    words: Vec<PathBuf>,
    vhost: &'a Vhost,
    kept: PathBuf,
}

impl Platform<'_> {
    fn run(&self, args: &[&str]) -> String {
        let output = Command::new(&self.words[0])
            .args(&self.words[1..])
            .args(args)
            .env("STOA_AMQP_URL", &self.vhost.url)
            .env("STOA_QUEUE", QUEUE)
            .env("STOA_SITE", "courrier")
            .env("NEWSROOM_DB", &self.kept)
            .output()
            .unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// What readers see of each comment.
    fn shown(&self) -> Vec<String> {
        let thread = self.run(&["show", "a-1"]);
        let column = |line: &str| line.split('\t').nth(2).unwrap().to_owned();
        thread.lines().map(column).collect()
    }

    /// Takes the decisions that wait, once there are so many.
    fn hears(&self, n: u64) {
        eventually("decisions", || {
            queues(self.vhost).contains(&(QUEUE.to_owned(), n))
        });
        self.run(&["listen", "1"]);
    }
}

/// Has a platform publish comments, edit one, and hear what the rules and a moderator say of them.
fn is_moderated(words: Vec<PathBuf>, kept: &str) {
    const KIND: &str = "The hall looks lovely again.";
    const RUDE: &str = "Whoever planned that entrance is a moron.";

    let vhost = Vhost::new();
    let stack = Stack::start(Bus::Amqp(vhost.url.clone()));
    vhost.queue(QUEUE, "stoa.decisions", "courrier.#");
    let kept = stack.folder.path().join(kept);
    let platform = Platform {
        words,
        vhost: &vhost,
        kept,
    };
    platform.run(&["article", "a-1", "The market hall reopens"]);
    let kind = platform.run(&["comment", "a-1", "u-1", KIND]);
    let rude = platform.run(&["comment", "a-1", "u-2", RUDE, &kind]);
    assert_eq!(platform.shown(), ["(waits)"; 2]);
    platform.run(&["relay"]);
    platform.hears(2);
    assert_eq!(platform.shown(), [KIND, "(waits)"]);

    let cases = format!("{}/admin/cases?comment={rude}", stack.moderation());
    let case = stack.get(&cases)["cases"][0]["case"].clone();
    let url = format!(
        "{}/admin/cases/{}/decision",
        stack.moderation(),
        case.as_str().unwrap()
    );
    let (status, answer) = stack.post_json(
        &url,
        &json!({"verdict": "reject", "reason": {"code": "insult"}}),
    );
    assert_eq!(status, 200, "{answer}");
    platform.hears(1);
    assert_eq!(platform.shown(), [KIND, "(not published)"]);

    platform.run(&["edit", &rude, "Nobody will find that entrance."]);
    assert_eq!(platform.shown(), [KIND, "(waits)"], "as it is now");
    platform.run(&["relay"]);
    // Nothing is sent twice once it was confirmed.
    platform.run(&["relay"]);
    platform.hears(1);
    assert_eq!(platform.shown(), [KIND, "Nobody will find that entrance."]);
    let thread = stack.decided("courrier", "a-1", 2);
    assert_eq!(thread["comments"][1]["parent"], kind.as_str());
    assert_eq!(thread["article"]["title"], "The market hall reopens");
}

#[test]
fn amqp_a_platform_in_python_is_moderated() {
    let python = PathBuf::from(needed("STOA_TEST_PYTHON"));
    is_moderated(vec![python, example("python/newsroom.py")], "newsroom.db");
}

#[test]
fn amqp_a_platform_in_node_is_moderated() {
    let node = PathBuf::from(needed("STOA_TEST_EXAMPLES")).join("node/newsroom.mjs");
    is_moderated(vec![PathBuf::from("node"), node], "newsroom.jsonl");
}
