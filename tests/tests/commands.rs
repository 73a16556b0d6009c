//! `stoa appeals`, `stoa users` and `stoa tokens` against a running system: what they print, and what they say when
//! they are refused.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that can't go on has failed"
)]

use std::fmt::Write as _;
use std::process::Command;
use std::time::SystemTime;

use serde_json::{Value, json};
use stoa_tests::{Browser, Bus, Stack, TOKEN, binary, eventually, stoa};

/// Starts a system in which `second` and `viewer` have tokens beside the admin's.
fn start() -> Stack {
    let mut stack = Stack::prepare(Bus::Embedded, tempfile::tempdir().unwrap());
    let config = stack.folder.path().join("config");
    std::fs::create_dir(&config).unwrap();
    let mut tokens = String::new();
    for (name, role) in [("second", "moderator"), ("viewer", "viewer")] {
        let secret = secret(name);
        writeln!(
            tokens,
            "[[tokens]]\nname = {name:?}\nrole = {role:?}\nsecret = {secret:?}\nsites = [\"*\"]"
        )
        .unwrap();
    }
    let ingest =
        "[[sites]]\nid = \"lavallee\"\nsources = [\"https://lavallee.example/commentaires\"]\n";
    for (role, text) in [
        ("ingest", ingest.to_owned()),
        ("moderation-rules", tokens.clone()),
        ("archive", String::new()),
        ("console", tokens),
    ] {
        std::fs::write(config.join(format!("{role}.toml")), text).unwrap();
    }
    stack.configure(&config);
    stack.launch_all();
    let document = format!("{}/openapi.json", stack.console());
    eventually("the console", || stack.get(&document).is_object());
    stack
}

fn secret(name: &str) -> String {
    format!("{name}-0123456789abcdef")
}

/// Where commands go, and whose token they have.
struct Asks<'a> {
    to: &'a str,
    token: &'a str,
}

impl Asks<'_> {
    /// Runs a command; returns what it prints, or what it says if it fails.
    fn run(&self, line: &str) -> Result<String, String> {
        let output = Command::new(binary())
            .args(line.split(' '))
            .args(["--to", self.to, "--token", self.token])
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        match output.status.code() {
            Some(0) => Ok(String::from_utf8(output.stdout).unwrap()),
            code => {
                assert_eq!(code, Some(1), "{line}: {said}");
                assert!(output.stdout.is_empty(), "{line}");
                Err(said)
            }
        }
    }

    /// The rows that a command prints, without their header, which is to be this one.
    fn rows(&self, line: &str, header: &str) -> Vec<Vec<String>> {
        let printed = self.run(line).unwrap();
        let mut lines = printed.lines();
        assert_eq!(lines.next().unwrap().replace('\t', " | "), header, "{line}");
        lines
            .map(|line| line.split('\t').map(str::to_owned).collect())
            .collect()
    }

    /// What a command prints for programs.
    fn json(&self, line: &str) -> Value {
        let printed = self.run(&format!("{line} --json")).unwrap();
        serde_json::from_str(&printed).unwrap()
    }

    /// Runs a command that is to be refused with these words.
    fn refused(&self, line: &str, words: &[&str]) {
        for line in [line.to_owned(), format!("{line} --json")] {
            let said = self.run(&line).unwrap_err();
            assert_eq!(said.lines().count(), 1, "{line}: {said}");
            for words in words {
                assert!(said.contains(words), "{line}: {said}");
            }
        }
    }
}

/// Has two comments rejected by the admin, and their authors appeal; returns the appeals' ids.
fn appeal(stack: &Stack, admin: &Asks<'_>) -> [String; 2] {
    let sample = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../cli/sample/thread.events.jsonl"
    );
    // One of its events is refused, as it should be.
    stoa(&["publish", sample, "--to", &stack.ingest(), "--token", TOKEN]);
    let cases = || admin.json("cases list").as_array().unwrap().clone();
    eventually("two cases", || cases().len() >= 2);
    let mut appeals = cases();
    appeals.truncate(2);
    for (n, case) in appeals.iter().enumerate() {
        let id = case["case"].as_str().unwrap();
        let decided = admin.json(&format!("cases reject {id} --reason spam"));
        let event = json!({
            "specversion": "1.0",
            "id": format!("appeal-{n}"),
            "source": "https://lavallee.example/commentaires",
            "type": "stoa.decision.appealed.v1",
            "data": {
                "site": case["site"], "article": case["article"], "comment": case["comment"],
                "author": case["author"], "decision": decided["decision"]["decision"],
                "appeal": format!("p-{n}"), "text": format!("It was a quotation ({n})."),
            },
        });
        let (status, answer) = stack.post(
            "application/cloudevents+json",
            event.to_string().into_bytes(),
        );
        assert_eq!(status, 202, "{answer}");
        let known = || admin.json("appeals list").as_array().unwrap().len();
        eventually("the appeal", || known() == n + 1);
    }
    let listed = admin.json("appeals list");
    [0, 1].map(|n| listed[n]["id"].as_str().unwrap().to_owned())
}

#[test]
fn appeals_are_shown_upheld_and_reversed() {
    const HEADER: &str = "appeal | status | site | comment | decision | against | received";
    let stack = start();
    let moderation = stack.moderation();
    let (second, viewer) = (secret("second"), secret("viewer"));
    let by = |token| Asks {
        to: &moderation,
        token,
    };
    let (admin, second, viewer) = (by(TOKEN), by(&second), by(&viewer));
    let none = admin.run("appeals list").unwrap();
    assert_eq!(none, "There are no such appeals.\n");
    assert_eq!(admin.json("appeals list"), json!([]));
    let [one, other] = appeal(&stack, &admin);

    let rows = viewer.rows("appeals list", HEADER);
    assert_eq!(rows.len(), 2, "{rows:?}");
    let row = &rows[0];
    assert_eq!(
        (row[0].as_str(), row[1].as_str(), row[5].as_str()),
        (one.as_str(), "open", "up")
    );
    assert_eq!(admin.json("appeals list --decidable"), json!([]));
    assert_eq!(
        second.json("appeals list --decidable --limit 1")[0]["id"],
        one.as_str()
    );

    let shown = viewer.run(&format!("appeals show {one}")).unwrap();
    let parts: Vec<&str> = shown.split("\n\n").collect();
    assert!(parts[0].starts_with("appeal\tstatus\t"), "{shown}");
    assert_eq!(parts[1], "It was a quotation (0).");
    assert!(
        parts[2].starts_with("decision\tverdict\tby\tat\n"),
        "{shown}"
    );
    // What is appealed stands: it is told once.
    assert_eq!(parts[2].lines().count(), 2, "{shown}");
    let shown = viewer.json(&format!("appeals show {one}"));
    assert_eq!(shown["text"], "It was a quotation (0).");
    let version = shown["version"].as_u64().unwrap();

    let uphold = format!("appeals uphold {one}");
    admin.refused("appeals show none", &["404 Not Found"]);
    second.refused("appeals uphold none", &["404 Not Found"]);
    viewer.refused(&uphold, &["403 Forbidden", "role moderator"]);
    admin.refused(&uphold, &["409 Conflict", "another moderator"]);
    let stale = version + 1;
    second.refused(
        &format!("{uphold} --seen {stale}"),
        &["409 Conflict", &format!("version {version}")],
    );
    second.refused(
        &format!("{uphold} --reason a/b"),
        &["400 Bad Request: reason.code: use 1 to 64 letters"],
    );
    let row = &second.rows(&format!("{uphold} --seen {version}"), HEADER)[0];
    assert_eq!((row[0].as_str(), row[1].as_str()), (one.as_str(), "upheld"));
    second.refused(&format!("appeals reverse {one}"), &["409 Conflict"]);

    let reversed = second.json(&format!("appeals reverse {other}"));
    assert_eq!(
        (&reversed["id"], &reversed["status"]),
        (&json!(other), &json!("reversed"))
    );
    assert_eq!(reversed["stands"]["verdict"], "approve");
    let rows = viewer.rows("appeals list --status reversed", HEADER);
    assert_eq!((rows.len(), &rows[0][0]), (1, &other));
    let shown = viewer.run(&format!("appeals show {other}")).unwrap();
    // What was appealed, and what stands in its place.
    assert!(
        shown.contains("\treject\tup\t") && shown.contains("\tapprove\tsecond\t"),
        "{shown}"
    );
}

/// Sets a password at a link, signs in, and sets a second step up.
fn sign_in(stack: &Stack, link: &str) -> Browser {
    let mut browser = Browser::new(stack.console());
    let (_, path) = link.trim().split_once("/set-up/").unwrap();
    let path = format!("/set-up/{path}");
    assert_eq!(browser.get(&path), 200);
    let password = "eleven green tables";
    assert_eq!(
        browser.post(&path, &[("password", password)]).0,
        303,
        "{}",
        browser.page
    );
    browser.get("/sign-in");
    let fields = [("id", "zoe"), ("password", password)];
    assert_eq!(browser.post("/sign-in", &fields).0, 303, "{}", browser.page);
    assert_eq!(browser.get("/account/second-step"), 200);
    let secret = browser.between("into it: <code>", "<");
    let secret = totp_rs::Secret::try_from_base32(&secret).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    #[expect(clippy::disallowed_methods, reason = "a code is one of the real time")]
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let code = totp.generate(now.unwrap().as_secs()).to_string();
    assert_eq!(
        browser.post("/account/second-step", &[("code", &code)]).0,
        200
    );
    assert_eq!(browser.get("/"), 200, "{}", browser.page);
    browser
}

#[test]
fn accounts_are_changed_signed_out_and_given_new_links() {
    const HEADER: &str = "user | name | role | sites | second step | sessions";
    let stack = start();
    let console = stack.console();
    let viewer = secret("viewer");
    let by = |token| Asks {
        to: &console,
        token,
    };
    let (admin, viewer) = (by(TOKEN), by(&viewer));
    assert_eq!(
        admin.run("users list").unwrap(),
        "There are no such users.\n"
    );
    let add = "users add zoe --name Zoé --role moderator --site lavallee --site b";
    viewer.refused(add, &["403 Forbidden", "role admin"]);
    admin.refused(
        &add.replace("moderator", "root"),
        &["400 Bad Request", "root"],
    );
    let link = admin.run(add).unwrap();
    admin.refused(
        add,
        &[
            "400 Bad Request",
            "There is an account with this name already.",
        ],
    );
    let made = admin.json("users add anne --name Anne --role viewer");
    assert_eq!(
        (&made["user"], &made["sites"]),
        (&json!("anne"), &json!(["*"]))
    );

    let mut browser = sign_in(&stack, &link);
    let zoe = ["zoe", "Zoé", "moderator", "lavallee, b", "yes", "1"];
    assert_eq!(admin.rows("users list --after anne", HEADER), [zoe]);
    assert_eq!(admin.json("users list --limit 1")[0]["user"], "anne");

    admin.refused("users change none --name A", &["404 Not Found"]);
    viewer.refused("users change zoe --name A", &["403 Forbidden"]);
    admin.refused(
        "users change zoe --role publisher",
        &["400 Bad Request", "token"],
    );
    admin.refused("users change zoe --site a --site *", &["400 Bad Request"]);
    let editor = ["zoe", "Zoé", "editor", "lavallee", "yes", "1"];
    assert_eq!(
        admin.rows("users change zoe --role editor --site lavallee", HEADER),
        [editor]
    );
    assert_eq!(browser.get("/texts"), 200, "editors may");

    admin.refused("users reset-totp none", &["404 Not Found"]);
    let reset = ["zoe", "Zoé", "editor", "lavallee", "no", "1"];
    assert_eq!(admin.rows("users reset-totp zoe", HEADER), [reset]);
    admin.refused(
        "users reset-totp zoe",
        &["400 Bad Request", "no second step"],
    );

    admin.refused("users end-sessions none", &["404 Not Found"]);
    let ended = admin.run("users end-sessions zoe").unwrap();
    assert_eq!(ended, "zoe is signed out of 1 session.\n");
    assert_eq!(browser.get("/"), 401);
    assert_eq!(
        admin.json("users end-sessions zoe"),
        json!({"user": "zoe", "ended": 0})
    );

    admin.refused("users link none", &["404 Not Found"]);
    let first = admin.run("users link zoe").unwrap();
    let second = admin.json("users link zoe")["link"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = |link: &str| link.trim().replace(&console, "");
    assert_eq!(browser.get(&path(&first)), 404, "a new one ends it");
    assert_eq!(browser.get(&path(&second)), 200);
    let disabled = admin.json("users change zoe --disable");
    assert_eq!(
        (&disabled["user"], &disabled["disabled"]),
        (&json!("zoe"), &json!(true))
    );
    admin.refused("users link zoe", &["400 Bad Request", "disabled"]);
    let enabled = admin.rows("users change zoe --enable", HEADER);
    assert_eq!(enabled[0][2], "editor");
}

#[test]
fn tokens_are_made_used_and_ended() {
    const HEADER: &str = "token | name | user | role | sites | expires | last used";
    let stack = start();
    let console = stack.console();
    let viewer = secret("viewer");
    let by = |token| Asks {
        to: &console,
        token,
    };
    let (admin, viewer) = (by(TOKEN), by(&viewer));
    admin
        .run("users add zoe --name Zoé --role moderator --site lavallee")
        .unwrap();
    admin
        .run("users add anne --name Anne --role viewer")
        .unwrap();
    assert_eq!(
        admin.run("tokens list").unwrap(),
        "There are no such tokens.\n"
    );

    let add = "tokens add ci --role viewer --site lavallee";
    admin.refused(add, &["400 Bad Request", "whose"]);
    viewer.refused(
        &format!("{add} --user zoe"),
        &["403 Forbidden", "role admin"],
    );
    admin.refused(
        &format!("{add} --user none"),
        &["400 Bad Request", "no such account"],
    );
    admin.refused(
        &format!("{add} --user zoe --days 366"),
        &["400 Bad Request", "365"],
    );
    admin.refused(
        &format!("{} --user zoe", add.replace("viewer", "editor")),
        &["400 Bad Request", "no other role"],
    );
    let secret = admin.run(&format!("{add} --user zoe")).unwrap();
    admin.refused(
        &format!("{add} --user zoe"),
        &["400 Bad Request", "already"],
    );
    let made = admin.json("tokens add backup --role viewer --user anne --days 1");
    assert!(
        made["secret"].as_str().unwrap().starts_with("stoa_"),
        "{made}"
    );

    // With hers, a program sees and ends no other.
    let program = by(secret.trim());
    let rows = program.rows("tokens list", HEADER);
    assert_eq!(rows.len(), 1, "{rows:?}");
    let id = rows[0][0].clone();
    assert_eq!(rows[0][1..5], ["ci", "zoe", "viewer", "lavallee"]);
    assert!(!rows[0][6].is_empty(), "it is used right now");
    program.refused(
        &format!("tokens end {}", made["token"].as_str().unwrap()),
        &["404 Not Found"],
    );
    program.refused("users list", &["403 Forbidden", "role admin"]);
    assert_eq!(admin.json("tokens list").as_array().unwrap().len(), 2);

    let ended = admin.run(&format!("tokens end {id}")).unwrap();
    assert_eq!(ended, "The token ci of zoe is ended.\n");
    admin.refused(&format!("tokens end {id}"), &["404 Not Found"]);
    program.refused("tokens list", &["401 Unauthorized"]);
    let backup = by(made["secret"].as_str().unwrap());
    let ended = backup.json(&format!("tokens end {}", made["token"].as_str().unwrap()));
    assert_eq!(
        (&ended["name"], &ended["user"]),
        (&json!("backup"), &json!("anne"))
    );
    backup.refused("tokens list", &["401 Unauthorized"]);
}
