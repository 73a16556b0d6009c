//! The broker's definitions as they are made at deployment: hashes alone, and what the topology says.

use std::process::Command;

use serde_json::Value;
use stoa_proto::topology;
use stoa_tests::deploy::{init, repository};

#[test]
fn definitions_hold_hashes_alone_and_stay_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let scripts = repository().join("deploy/rabbitmq");
    let definitions = || -> String {
        let files = ["10-users.json", "20-topology.json", "30-platforms.json"];
        let read = |file| std::fs::read_to_string(folder.path().join("rabbitmq").join(file));
        files.iter().map(|file| read(file).unwrap()).collect()
    };
    init(&scripts, folder.path());
    let before = definitions();
    init(&scripts, folder.path());
    assert_eq!(definitions(), before);
    for owner in [
        "ingest",
        "moderation-rules",
        "archive",
        "operator",
        "platform/courrier",
    ] {
        let password = std::fs::read_to_string(folder.path().join(owner).join("amqp-password"));
        assert!(!before.contains(password.unwrap().trim()), "{owner}");
    }
    assert_eq!(before.matches("\"password_hash\"").count(), 5);
    assert_eq!(before.matches("\"password\"").count(), 0);
}

#[test]
fn platforms_are_what_the_topology_says() {
    let folder = tempfile::tempdir().unwrap();
    let scripts = folder.path().join("deploy");
    std::fs::create_dir(&scripts).unwrap();
    let shipped = repository().join("deploy/rabbitmq");
    for file in ["init", "accounts.tsv", "definitions.json"] {
        std::fs::copy(shipped.join(file), scripts.join(file)).unwrap();
    }
    let table = |text: &str| std::fs::write(scripts.join("platforms.tsv"), text).unwrap();
    table("# a comment\nnews-1\tno\tnews.example\tother\n");
    let out = folder.path().join("out");
    init(&scripts, &out);
    let made = std::fs::read_to_string(out.join("rabbitmq/30-platforms.json")).unwrap();
    let mut made: Value = serde_json::from_str(&made).unwrap();
    let made = made.as_object_mut().unwrap();
    made.remove("vhosts");
    let users = made.remove("users").unwrap();
    assert_eq!(users[0]["name"], "platform-news-1");
    let expected = topology::platform("news-1", &["news.example", "other"], false);
    assert_eq!(Value::Object(made.clone()), expected);

    for (text, said) in [
        ("News\tno\ta\n", "the name `News` has other characters"),
        ("news\tmaybe\ta\n", "write `yes` or `no`"),
        ("news\n", "write `yes` or `no`"),
        ("news\tno\n", "name at least one site"),
        ("news\tno\t*\n", "the site `*` has one of the characters"),
    ] {
        table(text);
        let output = Command::new("bash")
            .arg(scripts.join("init"))
            .arg(&out)
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{text:?}: {stderr}");
        assert!(stderr.contains(said), "{text:?}: {stderr}");
    }
}
