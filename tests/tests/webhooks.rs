//! Webhooks from outside: a receiver with the library of Standard Webhooks, and roles that are killed.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that can't go on has failed"
)]

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use stoa_tests::sample::thread;
use stoa_tests::{Bus, Stack, Vhost, eventually, needed};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const COMMENTS: usize = 240;

/// A platform that is posted to.
struct Receiver {
    child: Child,
    port: String,
    taken: PathBuf,
}

impl Receiver {
    fn start(folder: &Path) -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("webhooks/receiver.py");
        let taken = folder.join("taken");
        let mut child = Command::new(needed("STOA_TEST_PYTHON"))
            .arg(program)
            .arg(SECRET)
            .arg(&taken)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        let printed = child.stdout.take().unwrap();
        BufReader::new(printed).read_line(&mut port).unwrap();
        Self {
            child,
            port: port.trim().to_owned(),
            taken,
        }
    }

    fn lines(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.taken).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// The comments whose decisions were taken.
    fn comments(&self) -> BTreeSet<String> {
        let lines = self.lines();
        let comments = lines.iter().filter_map(|line| line.split(' ').nth(1));
        comments.map(str::to_owned).collect()
    }

    fn endpoint(&self) -> String {
        format!(
            "[[webhooks]]\nname = \"cms\"\nurl = \"http://127.0.0.1:{}/hook\"\n\
             secrets = [\"{SECRET}\"]\nallow_http = true\nallow_private = true\n",
            self.port
        )
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Publishes comments and kills the role while they are decided and delivered; each decision is
/// taken all the same, under one id.
fn every_decision_arrives(stack: &mut Stack, role: &'static str, receiver: &Receiver) {
    let events = thread("a-1", COMMENTS);
    let url = format!("{}/admin/webhooks/cms", stack.moderation());
    eventually("the webhook", || stack.get(&url)["began"].is_string());
    for part in events.chunks(events.len() / 4) {
        for event in part {
            let body = event.to_string();
            let (status, answer) = stack.post("application/cloudevents+json", body);
            assert_eq!(status, 202, "{answer}");
        }
        let taken = receiver.lines().len();
        eventually("more is taken", || receiver.lines().len() > taken);
        stack.process(role).kill();
        stack.launch(role);
        stack.ready();
    }
    stack.decided("journal", "a-1", COMMENTS);
    eventually("every decision is taken", || {
        receiver.comments().len() == COMMENTS
    });
    eventually("nothing waits", || {
        let webhook = stack.get(&url);
        ["retrying", "ready", "unread"].map(|name| webhook[name] == 0) == [true; 3]
    });

    let lines = receiver.lines();
    assert!(!lines.contains(&"unsigned".to_owned()));
    let ids: BTreeSet<&str> = lines
        .iter()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(ids.len(), COMMENTS, "each decision has one id");
    let mut decided = BTreeSet::new();
    let mut after = 0;
    loop {
        let page = format!(
            "{}/admin/decisions?limit=500&after={after}",
            stack.moderation()
        );
        let page = stack.get(&page);
        let decisions = page["decisions"].as_array().unwrap();
        decided.extend(
            decisions
                .iter()
                .map(|it| format!("decided-{}", it["decision"].as_str().unwrap())),
        );
        if page["more"] != true {
            break;
        }
        after = page["next"].as_u64().unwrap();
    }
    assert_eq!(ids, decided.iter().map(String::as_str).collect());
    // A repeat needs a crash between an answer and its entry: few of them have had one.
    assert!(lines.len() < COMMENTS + 40, "{} requests", lines.len());
    let webhook: Value = stack.get(&url);
    assert_eq!(
        (&webhook["state"], &webhook["lost"]),
        (&"up".into(), &false.into())
    );
}

#[test]
fn embedded_decisions_are_posted_over_kills() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start(folder.path());
    let mut stack = Stack::prepare(Bus::Embedded, folder);
    let config = stack.folder.path().join("config");
    std::fs::create_dir(&config).unwrap();
    let ingest = "[[sites]]\nid = \"journal\"\nsources = [\"https://journal.example/comments\"]\n";
    for (role, text) in [
        ("ingest", ingest.to_owned()),
        ("moderation-rules", receiver.endpoint()),
        ("archive", String::new()),
        ("console", String::new()),
    ] {
        std::fs::write(config.join(format!("{role}.toml")), text).unwrap();
    }
    stack.configure(&config);
    stack.launch_all();
    every_decision_arrives(&mut stack, "up", &receiver);
}

#[test]
fn amqp_decisions_are_posted_over_kills() {
    let vhost = Vhost::new();
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start(folder.path());
    let mut stack = Stack::prepare(Bus::Amqp(vhost.url.clone()), folder);
    stack.add_lines("moderation-rules", &receiver.endpoint());
    stack.launch_all();
    every_decision_arrives(&mut stack, "moderation-rules", &receiver);
}
