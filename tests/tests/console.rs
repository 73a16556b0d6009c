//! A person sets up an account at the review desk, signs in and decides a case; the archive shows the comment.

use stoa_tests::{Browser, Bus, Stack, TOKEN, eventually, stoa};

#[test]
fn a_case_is_decided_at_the_desk_and_the_archive_shows_it() {
    let mut stack = Stack::start(Bus::Embedded);
    let said = |stack: &mut Stack| stack.process("up").said();
    eventually("the link to set up", || {
        said(&mut stack).contains("/set-up/")
    });
    let told = said(&mut stack);
    let link = told.split("/set-up/").nth(1).unwrap();
    let link = format!("/set-up/{}", link.split_whitespace().next().unwrap());

    let mut zoe = Browser::new(stack.console());
    assert_eq!(zoe.get("/"), 401, "nobody is signed in");
    assert_eq!(zoe.get(&link), 200);
    let account = [
        ("id", "zoe"),
        ("name", "Zoé Marchal"),
        ("password", "eleven green tables"),
    ];
    assert_eq!(
        zoe.post(&link, &account),
        (303, "/sign-in".to_owned()),
        "{}",
        zoe.page
    );
    assert_eq!(zoe.get(&link), 404, "the link works once");
    zoe.get("/sign-in");
    assert_eq!(
        zoe.post("/sign-in", &account),
        (303, "/".to_owned()),
        "{}",
        zoe.page
    );
    assert_eq!(zoe.get("/"), 200);
    assert!(zoe.page.contains("Nothing waits for you"), "{}", zoe.page);

    let sample = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../cli/sample/thread.events.jsonl"
    );
    // One of its events is refused, as it should be.
    stoa(&["publish", sample, "--to", &stack.ingest(), "--token", TOKEN]);
    eventually("a case", || {
        zoe.get("/");
        zoe.page.contains("href=\"/cases/")
    });
    let path = format!("/cases/{}", zoe.between("href=\"/cases/", "\""));
    assert_eq!(zoe.get(&path), 200);
    assert_eq!(zoe.post(&format!("{path}/claim"), &[]).0, 303);
    zoe.get(&path);
    let note = [("text", "Is this meant for us?")];
    assert_eq!(zoe.post(&format!("{path}/notes"), &note).0, 303);
    zoe.get(&path);
    assert!(zoe.page.contains("with zoe until"), "{}", zoe.page);
    assert!(zoe.page.contains("Is this meant for us?"), "{}", zoe.page);

    // A decision that is undone is made once more.
    let version = zoe.between("name=\"version\" value=\"", "\"");
    let reject = [
        ("verdict", "reject"),
        ("reason", "spam"),
        ("version", version.as_str()),
    ];
    let (status, next) = zoe.post(&format!("{path}/decision"), &reject);
    assert_eq!(status, 303, "{}", zoe.page);
    assert_eq!(zoe.get(&next), 200);
    let made = zoe.between("name=\"decision\" value=\"", "\"");
    let undo = [("decision", made.as_str())];
    assert_eq!(
        zoe.post(&format!("{path}/undo"), &undo).0,
        303,
        "{}",
        zoe.page
    );
    assert_eq!(zoe.get(&path), 200);
    let version = zoe.between("name=\"version\" value=\"", "\"");
    let approve = [("verdict", "approve"), ("version", version.as_str())];
    let (status, next) = zoe.post(&format!("{path}/decision"), &approve);
    assert_eq!(status, 303, "{}", zoe.page);
    assert!(next.contains("done=approve"), "{next}");

    // What was decided already is told, and not decided again.
    zoe.get(&path);
    let reject = [
        ("verdict", "reject"),
        ("reason", "spam"),
        ("version", version.as_str()),
    ];
    zoe.get("/account");
    assert_eq!(zoe.post(&format!("{path}/decision"), &reject).0, 409);
    assert!(
        zoe.page.contains("The case is closed by now."),
        "{}",
        zoe.page
    );

    let decisions = format!("{}/admin/decisions?by=moderator", stack.moderation());
    let decision = stack.get(&decisions)["decisions"][0].clone();
    assert_eq!(decision["by"]["id"], "zoe", "{decision}");
    let text = |key: &str| decision[key].as_str().unwrap().to_owned();
    let comment = format!(
        "{}/v1/sites/{}/comments/{}",
        stack.archive(),
        text("site"),
        text("comment")
    );
    eventually("the archive shows it", || {
        stack.get(&comment)["status"] == "approved"
    });
    // The desk asked before the others listened.
    assert!(!said(&mut stack).contains("can't be followed"));
}
