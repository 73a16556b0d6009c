//! The versions of the rule set, and which one is live after a restart.

use super::*;

fn hashes(listing: &Value) -> Vec<&str> {
    let versions = listing["versions"].as_array().unwrap();
    versions
        .iter()
        .map(|version| version["hash"].as_str().unwrap())
        .collect()
}

/// The n-th of as many rule sets as one likes.
fn nth(n: u32) -> String {
    RULES.replace("author.recent >= 3", &format!("author.recent >= {n}"))
}

#[tokio::test]
async fn they_are_listed_shown_and_compared() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(dir.path());
    config.rules.keep_versions = 2;
    write_rules(dir.path(), &nth(10));
    let fixture = Fixture::open_as(config.clone(), dir.path()).await;
    let mut live = vec![fixture.hash()];
    for n in [11, 12, 13] {
        fixture.clock.advance(std::time::Duration::from_mins(1));
        assert_eq!(fixture.put(&nth(n), &format!("to {n}")).await.0, 200);
        live.push(fixture.hash());
    }
    let expected: Vec<&str> = live.iter().rev().map(String::as_str).collect();
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let page = fixture
            .get(&format!("/admin/rules/versions?limit=3{after}"))
            .await;
        seen.extend(hashes(&page).into_iter().map(str::to_owned));
        let Some(next) = page.get("next") else { break };
        after = format!("&after={next}");
    }
    assert_eq!(seen, expected);
    let all = fixture.get("/admin/rules/versions").await;
    let newest = &all["versions"][0];
    assert_eq!(
        (
            &newest["number"],
            &newest["at"],
            &newest["note"],
            &newest["replaced"]
        ),
        (
            &json!(4),
            &json!("2026-11-24T12:03:00Z"),
            &json!("to 13"),
            &json!(live[2])
        )
    );
    let first = &all["versions"][3];
    assert_eq!(
        (&first["by"], &first["how"], &first["kept"]),
        (&json!("start"), &json!("start"), &json!(false))
    );

    let shown = fixture
        .get(&format!("/admin/rules/versions/{}", live[2]))
        .await;
    assert_eq!(shown["files"], json!({"stoa.yaml": nth(12)}));
    assert_eq!(shown["activations"][0]["note"], "to 12");
    let ask = async |path: String| fixture.request(Method::GET, &path, MODERATOR, None).await;
    let (status, problem) = ask(format!("/admin/rules/versions/{}", live[0])).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (410, &json!("version_removed"))
    );
    let (status, _) = ask("/admin/rules/versions/sha256:00".to_owned()).await;
    assert_eq!(status.as_u16(), 404);

    let diff = fixture
        .get(&format!("/admin/rules/diff?from={}", live[2]))
        .await;
    assert_eq!(
        (&diff["from"], &diff["to"]),
        (&json!(live[2]), &json!(live[3]))
    );
    assert_eq!(diff["rules"], json!([{"id": "flood", "change": "changed"}]));
    let text = diff["files"][0]["diff"].as_str().unwrap();
    assert!(
        text.contains("-    when: author.recent >= 12\n+    when: author.recent >= 13\n"),
        "{text}"
    );
    let (status, problem) = ask(format!("/admin/rules/diff?from={}&to={}", live[2], live[0])).await;
    assert_eq!((status.as_u16(), &problem["field"]), (410, &json!("to")));
    let (status, _) = fixture
        .request(
            Method::GET,
            "/admin/rules/versions",
            "nobody-nobody-nobody",
            None,
        )
        .await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    fixture.stop().await;

    let fixture = Fixture::open_as(config, dir.path()).await;
    assert_eq!(fixture.get("/admin/rules/versions").await, all);
    fixture.stop().await;
}

/// What happens between two looks at the live rule set.
enum Step {
    /// The folder of the configuration gets other rules while the service runs not.
    Write(String),
    Put(u32),
    Reload,
    Rollback(u32),
    Restart,
    /// The configuration names no folder any more, or names it again.
    Folder(bool),
}

use Step::{Folder, Put, Reload, Restart, Rollback, Write};

/// Takes the steps from a folder with the first rule set, and returns the rule set that is live
/// then, by its number.
async fn live_after(steps: Vec<Step>) -> u32 {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(dir.path());
    write_rules(dir.path(), &nth(1));
    let mut fixture = Fixture::open_as(config.clone(), dir.path()).await;
    let number = |hash: &str| {
        let set = |n| {
            let files = [("stoa.yaml".to_owned(), nth(n).into_bytes())];
            stoa_rules::RuleSet::from_sources(&files.into()).unwrap()
        };
        (1..10).find(|n| set(*n).hash() == hash).unwrap_or(0)
    };
    for step in steps {
        match step {
            Write(rules) => write_rules(dir.path(), &rules),
            Put(n) => assert_eq!(fixture.put(&nth(n), "").await.0, 200),
            Reload => {
                let path = "/admin/rules/reload";
                fixture.request(Method::POST, path, EDITOR, None).await;
            }
            Rollback(n) => {
                let listing = fixture.get("/admin/rules/versions").await;
                let to = *hashes(&listing)
                    .iter()
                    .find(|hash| number(hash) == n)
                    .unwrap();
                let (tag, body) = (fixture.tag(), json!({"to": to}));
                let path = "/admin/rules/rollback";
                let sent = fixture.exchange(Method::POST, path, EDITOR, Some(&tag), Some(body));
                assert_eq!(sent.await.0, 200);
            }
            Folder(is_there) => config.rules_dir = is_there.then(|| dir.path().join("rules")),
            Restart => {
                fixture.stop().await;
                fixture = Fixture::open_as(config.clone(), dir.path()).await;
            }
        }
    }
    let live = number(&fixture.hash());
    fixture.stop().await;
    live
}

#[tokio::test]
async fn after_a_restart_whoever_spoke_last_has_the_say() {
    let other = |n| Write(nth(n));
    let broken = || Write("rules: [".to_owned());
    for (name, steps, expected) in [
        ("nothing happened", vec![Restart], 1),
        ("the folder changed", vec![other(2), Restart], 2),
        ("a person spoke", vec![Put(2), Restart], 2),
        ("twice", vec![Put(2), Restart, Restart], 2),
        (
            "a person, then the folder",
            vec![Put(2), other(3), Restart],
            3,
        ),
        (
            "the folder, then a person",
            vec![other(3), Reload, Put(2), Restart],
            2,
        ),
        (
            "a person went back",
            vec![Put(2), Put(3), Rollback(2), Restart],
            2,
        ),
        ("a person, then a reload", vec![Put(2), Reload, Restart], 1),
        (
            "the folder was written again as it was",
            vec![Put(2), other(1), Restart],
            2,
        ),
        ("the folder broke", vec![broken(), Restart], 1),
        (
            "the folder broke after a person spoke",
            vec![Put(2), broken(), Restart],
            2,
        ),
        (
            "it broke and was mended",
            vec![Put(2), broken(), Restart, other(1), Restart],
            2,
        ),
        (
            "it broke and is another one",
            vec![Put(2), broken(), Restart, other(3), Restart],
            3,
        ),
        (
            "it broke, and a person spoke",
            vec![broken(), Restart, Put(2), Restart],
            2,
        ),
        (
            "there is no folder any more",
            vec![Folder(false), Restart],
            0,
        ),
        (
            "nor was there when a person spoke",
            vec![Folder(false), Restart, Put(2), Restart],
            2,
        ),
        (
            "there is a folder again",
            vec![Folder(false), Restart, Put(2), Folder(true), Restart],
            1,
        ),
    ] {
        assert_eq!(live_after(steps).await, expected, "{name}");
    }
}

#[tokio::test]
async fn a_broken_folder_at_the_start_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    let live = fixture.hash();
    fixture.stop().await;
    write_rules(dir.path(), "rules: [");
    let fixture = Fixture::open(dir.path()).await;
    let shown = fixture.get("/admin/rules").await;
    assert_eq!(shown["hash"], json!(live));
    assert_eq!(shown["pending_errors"]["since"], NOON);
    assert_eq!(
        shown["pending_errors"]["diagnostics"][0]["file"],
        "stoa.yaml"
    );
    assert_eq!(
        fixture.metric("stoa_ruleset_pending_errors", &[]),
        Some(1.0)
    );
    assert!(fixture.context.ready.report().reasons.is_empty());
    write_rules(dir.path(), RULES);
    fixture
        .request(Method::POST, "/admin/rules/reload", EDITOR, None)
        .await;
    assert_eq!(
        fixture.get("/admin/rules").await["pending_errors"],
        Value::Null
    );
    assert_eq!(
        fixture.metric("stoa_ruleset_pending_errors", &[]),
        Some(0.0)
    );
    fixture.stop().await;
}

#[tokio::test]
async fn what_was_live_is_not_replaced_in_silence() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(dir.path()).await;
    fixture.put(&nth(2), "").await;
    let live = fixture.hash();
    fixture.stop().await;
    let folder = dir.path().join("moderation/rulesets");
    let folder = folder.join(live.strip_prefix("sha256:").unwrap());
    let open = async || {
        let context = Context::new("moderation-rules", Clock::system());
        let env = Env {
            tasks: context.tasks.clone(),
            shutdown: context.shutdown.clone(),
            registry: context.registry.clone(),
            clock: context.clock.micros_fn(),
        };
        let own = tempfile::tempdir().unwrap();
        let bus = Bus::embedded(own.path(), EmbeddedConfig::default(), env).unwrap();
        let opened = Service::open(&config(dir.path()), &context, bus).await;
        opened.err().map(|error| format!("{error:#}"))
    };
    std::fs::write(folder.join("stoa.yaml"), nth(3)).unwrap();
    assert!(open().await.unwrap().contains("were changed"));
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(open().await.unwrap().contains("are gone"));
}
