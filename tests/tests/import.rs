//! Discussions out of other systems, through the whole of Stoa, with what had become of them there.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that can't go on has failed"
)]

use serde_json::{Value, json};
use stoa_tests::{Bus, Stack, TOKEN, Vhost, eventually, stoa};

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../cli/fixtures/import");

/// Imports a sample and returns the exit code and what came of all.
fn import(stack: &Stack, format: &str, sample: &str, more: &[&str]) -> (Option<i32>, Value) {
    let (file, ingest) = (format!("{SAMPLES}/{sample}"), stack.ingest());
    import_to(&ingest, format, &file, more)
}

fn import_to(to: &str, format: &str, file: &str, more: &[&str]) -> (Option<i32>, Value) {
    let mut command = vec![
        "import", format, file, "--site", "vallee", "--to", to, "--json",
    ];
    command.extend(more);
    let output = stoa(&command);
    let text = String::from_utf8(output.stdout).unwrap();
    let last = text.lines().last().unwrap_or("null");
    (output.status.code(), serde_json::from_str(last).unwrap())
}

/// The sum of a column over everything that was read.
fn sum(totals: &Value, column: &str) -> u64 {
    let events = totals["events"].as_object().unwrap();
    events
        .values()
        .map(|row| row[column].as_u64().unwrap())
        .sum()
}

fn tree(thread: &Value) -> Vec<String> {
    let comments = thread["comments"].as_array().unwrap();
    let line = |c: &Value| {
        let depth = usize::try_from(c["depth"].as_u64().unwrap()).unwrap();
        let (id, status) = (
            c["comment"].as_str().unwrap(),
            c["status"].as_str().unwrap(),
        );
        let labels = &c["decision"]["labels"];
        let label = labels[0].as_str().map(|label| format!(" ({label})"));
        format!(
            "{}{id} {status}{}",
            "  ".repeat(depth),
            label.unwrap_or_default()
        )
    };
    comments.iter().map(line).collect()
}

#[test]
fn embedded_a_disqus_export_is_archived_as_it_stood() {
    let stack = Stack::start(Bus::Embedded);
    let admin = ["--token", TOKEN];
    let dry = import(&stack, "disqus", "disqus.xml", &["--dry-run"]);
    assert_eq!(
        (dry.0, sum(&dry.1, "read"), sum(&dry.1, "imported")),
        (Some(0), 10, 0),
        "{}",
        dry.1
    );

    // Without the right to, nothing of what was decided elsewhere is taken.
    let (code, totals) = import(&stack, "disqus", "disqus.xml", &[]);
    assert_eq!((code, sum(&totals, "refused")), (Some(1), 7), "{totals}");
    assert_eq!(totals["events"]["articles"]["imported"], 3, "{totals}");

    let (code, totals) = import(&stack, "disqus", "disqus.xml", &admin);
    assert_eq!(
        (code, sum(&totals, "imported"), sum(&totals, "duplicate")),
        (Some(0), 7, 3),
        "{totals}"
    );
    for (state, n) in [("visible", 4), ("spam", 1), ("deleted", 2)] {
        assert_eq!(totals["events"][state]["imported"], n, "{state}: {totals}");
    }
    assert_eq!(
        (&totals["orphans"], &totals["malformed"]),
        (&json!(1), &json!(0))
    );

    let pont = "vallee.example%2F2014%2Fpont";
    let thread = stack.decided("vallee", pont, 5);
    assert_eq!(thread["article"]["title"], "Le pont & la rivière");
    assert_eq!(
        tree(&thread),
        [
            "disqus-1 approved",
            "  disqus-2 approved",
            "disqus-3 rejected (spam)",
            "disqus-4 rejected (deleted)",
            "  disqus-5 approved",
        ]
    );
    assert_eq!(
        thread["comments"][0]["text"],
        "Enfin\u{a0}un pont ! le plan"
    );
    let by = json!({"kind": "moderator", "id": "import:disqus"});
    assert_eq!(thread["comments"][0]["decision"]["by"], by);
    assert_eq!(
        thread["comments"][0]["submitted_at"],
        "2014-09-12T10:00:00Z"
    );
    let (_, seen) = stack.get_text(
        &format!("{}/v1/sites/vallee/threads/{pont}", stack.archive()),
        false,
    );
    let public: Value = serde_json::from_str(&seen).unwrap();
    assert_eq!(
        tree(&public),
        [
            "disqus-1 approved",
            "  disqus-2 approved",
            "disqus-4 hidden",
            "  disqus-5 approved"
        ]
    );
    assert!(!seen.contains("acheter"), "{seen}");
    let retired = stack.decided("vallee", "vallee.example%2F2014%2Fretire", 1);
    assert_eq!(tree(&retired), ["disqus-7 rejected (deleted)"]);
    let orphan = stack.decided("vallee", "disqus-102", 1);
    assert_eq!(
        tree(&orphan),
        ["disqus-999 not_captured", "  disqus-6 approved"]
    );

    let (code, totals) = import(&stack, "disqus", "disqus.xml", &admin);
    assert_eq!(
        (code, sum(&totals, "imported"), sum(&totals, "duplicate")),
        (Some(0), 0, 10),
        "{totals}"
    );
    assert_eq!(
        stack.thread("vallee", pont),
        thread,
        "a repeat changes nothing"
    );
}

#[test]
fn embedded_every_format_is_imported_and_its_repeat_changes_nothing() {
    let stack = Stack::start(Bus::Embedded);
    let report = stack.folder.path().join("report.jsonl");
    let report = report.to_str().unwrap();
    for (format, sample, events, items) in [
        ("wordpress", "wordpress.xml", 6, 8),
        ("remark42", "remark42.jsonl", 7, 7),
        ("isso", "isso.json", 5, 5),
        ("commento", "commento.json", 5, 5),
        ("html", "jsonld.html", 4, 4),
        ("html", "microdata.html", 3, 3),
    ] {
        for column in ["imported", "duplicate"] {
            let more = ["--token", TOKEN, "--report", report];
            let (code, totals) = import(&stack, format, sample, &more);
            assert_eq!(
                (code, sum(&totals, column)),
                (Some(0), events),
                "{sample}: {totals}"
            );
            let lines = std::fs::read_to_string(report).unwrap();
            let told = lines
                .lines()
                .filter(|line| line.contains("\"item\"") && !line.contains("orphan"));
            assert_eq!(told.count(), items, "{lines}");
        }
    }
    // What waited for a moderator does so here, and nobody else sees it.
    let thread = stack.decided("vallee", "vallee.example%3Fp=12", 4);
    assert_eq!(
        tree(&thread),
        [
            "wordpress-23 pending",
            "wordpress-24 rejected (deleted)",
            "wordpress-22 approved",
            "  wordpress-20 approved",
        ]
    );
    let cases = stack.get(&format!("{}/admin/cases", stack.moderation()));
    let mut waiting: Vec<&str> = cases["cases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| case["comment"].as_str().unwrap())
        .collect();
    waiting.sort_unstable();
    assert_eq!(waiting, ["commento-7d77", "wordpress-23", "wordpress-25"]);
}

#[test]
fn amqp_an_import_is_refused_where_the_site_does_not_say_that_it_takes_one() {
    let vhost = Vhost::new();
    let stack = Stack::start(Bus::Amqp(vhost.url.clone()));
    let (code, totals) = import_to(&vhost.url, "disqus", &format!("{SAMPLES}/disqus.xml"), &[]);
    // The broker has them all; what became of them it does not tell.
    assert_eq!((code, sum(&totals, "sent")), (Some(0), 10), "{totals}");
    let url = format!("{}/admin/rejections", stack.ingest_admin());
    let refused = || stack.get(&url)["rejections"].as_array().unwrap().clone();
    eventually("all comments are refused", || refused().len() == 7);
    for one in refused() {
        assert_eq!(
            (&one["code"], &one["field"]),
            (&json!("forbidden_source"), &json!("data.imported")),
            "{one}"
        );
    }
}
