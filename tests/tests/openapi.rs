//! Every listener is what its OpenAPI document says: asked by a program that has nothing but the documents.
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use stoa_tests::{Bus, Stack, TOKEN, eventually, needed, stoa};

/// What is behind the role's name in the secret of its token.
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// The tokens of all roles, and who is as good as an admin but somebody else, or for one site alone.
fn tokens() -> String {
    let mut tokens = String::new();
    let roles = [
        "publisher",
        "viewer",
        "moderator",
        "editor",
        "auditor",
        "admin",
    ];
    let all = roles.map(|role| (role, role, "*"));
    let others = [("second", "admin", "*"), ("narrow", "admin", "elsewhere")];
    for (name, role, site) in all.into_iter().chain(others) {
        write!(
            tokens,
            "[[tokens]]\nname = {name:?}\nrole = {role:?}\nsecret = \"{name}-{SECRET}\"\nsites = [{site:?}]\n"
        )
        .unwrap();
    }
    tokens
}

#[test]
fn every_listener_is_what_its_document_says() {
    let mut stack = Stack::prepare(Bus::Embedded, tempfile::tempdir().unwrap());
    let config = stack.folder.path().join("config");
    std::fs::create_dir(&config).unwrap();
    for (role, more) in [
        (
            "ingest",
            "[[sites]]\nid = \"lavallee\"\nsources = [\"https://lavallee.example/commentaires\"]\n\
             [[sites]]\nid = \"open\"\nsources = [\"https://open.example/\"]\n\
             [[webhooks]]\nname = \"blog\"\nkind = \"wordpress\"\nsite = \"open\"\n\
             source = \"https://open.example/\"\nsecrets = [\"blog-0123456789abcdef0123456789abcdef\"]\n",
        ),
        (
            "moderation-rules",
            "[compat]\nsite = \"lavallee\"\n[[compat.coral]]\nsite = \"lavallee\"\n\
             secrets = [\"coral-0123456789abcdef0123456789abcdef\"]\n\
             [[webhooks]]\nname = \"cms\"\nurl = \"http://127.0.0.1:9/\"\nsites = [\"*\"]\n\
             secrets = [\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"]\nallow_http = true\nallow_private = true\n",
        ),
        ("console", ""),
        // A public site: it has a sitemap, once something of it is there.
        ("archive", "[[sites]]\nid = \"open\"\npublic = true\n"),
    ] {
        let text = format!("{}{more}", tokens());
        std::fs::write(config.join(format!("{role}.toml")), text).unwrap();
    }
    stack.configure(&config);
    stack.launch_all();
    let document = format!("{}/openapi.json", stack.console());
    eventually("the console", || stack.get(&document).is_object());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sample = root.join("../cli/sample/thread.events.jsonl");
    let sample = sample.to_str().unwrap();
    // One of its events is refused, as it should be.
    stoa(&["publish", sample, "--to", &stack.ingest(), "--token", TOKEN]);
    let output = Command::new(needed("STOA_TEST_PYTHON"))
        .arg(root.join("acceptance/openapi.py"))
        .args([&stack.port.to_string(), SECRET])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
