//! What the roles expose at `/metrics`, and the page that lists it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't go on has failed"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use regex::Regex;
use stoa_tests::broker::Platform;
use stoa_tests::deploy::repository;
use stoa_tests::{Bus, ROLES, Stack, Vhost, comment, eventually, sample, stoa};

const EVENTS: &str = "application/cloudevents-batch+json";

/// Labels that there may be: each has few values, which a deployment knows beforehand.
const LABELS: [&str; 27] = [
    "code",
    "commit",
    "connection",
    "endpoint",
    "exchange",
    "hash",
    "kind",
    "limit",
    "listener",
    "method",
    "mode",
    "protocol",
    "queue",
    "reader",
    "reason",
    "recorded",
    "redelivered",
    "result",
    "role",
    "route",
    "rule",
    "scorer",
    "source",
    "stage",
    "status",
    "verdict",
    "version",
];
/// One more, which is `what` is read.
const WHAT: &str = "what";

/// A metric as it is exposed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Family {
    kind: String,
    help: String,
    labels: BTreeSet<String>,
    roles: BTreeSet<String>,
}

/// Reads what a role exposes.
fn collect(role: &str, text: &str, all: &mut BTreeMap<String, Family>) {
    let sample =
        Regex::new(r"^([a-z_][a-z0-9_]*?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? \S+$").unwrap();
    let label = Regex::new(r#"([a-z_]+)="((?:[^"\\]|\\.)*)""#).unwrap();
    let mut helps: BTreeMap<&str, &str> = BTreeMap::new();
    let mut current = "";
    for line in text.lines() {
        if let Some(line) = line.strip_prefix("# HELP ") {
            let (name, help) = line.split_once(' ').unwrap();
            helps.insert(name, help);
        } else if let Some(line) = line.strip_prefix("# TYPE ") {
            let (name, kind) = line.split_once(' ').unwrap();
            current = name;
            if !name.starts_with("stoa_") {
                assert!(name.starts_with("process_"), "{role}: {name}");
                continue;
            }
            let family = all.entry(name.to_owned()).or_default();
            let help = helps.get(name).unwrap().trim_end_matches('.');
            assert!(
                family.help.is_empty() || family.help == help,
                "{name}: {help}"
            );
            assert!(
                family.kind.is_empty() || family.kind == kind,
                "{name}: {kind}"
            );
            (family.kind, family.help) = (kind.to_owned(), help.to_owned());
            family.roles.insert(role.to_owned());
        } else if current.starts_with("stoa_") {
            let found = sample
                .captures(line)
                .unwrap_or_else(|| panic!("{role}: {line}"));
            let labels = found.get(2).map_or("", |labels| labels.as_str());
            for found in label.captures_iter(labels) {
                let (_, [name, value]) = found.extract();
                if name == "le" {
                    continue;
                }
                assert!(LABELS.contains(&name) || name == WHAT, "{role}: {line}");
                // Of the sample: its thread, its authors, its comments, and its site.
                for told in ["tramway-1", "u-3", "journal"] {
                    assert!(!value.contains(told), "{role}: {line}");
                }
                all.get_mut(current).unwrap().labels.insert(name.to_owned());
            }
        }
    }
}

/// The unit that the end of a name says.
fn unit(name: &str) -> &'static str {
    let name = name.trim_end_matches("_total");
    if name.ends_with("_timestamp_seconds") {
        "seconds since 1970"
    } else if name.ends_with("_seconds") {
        "seconds"
    } else if name.ends_with("_bytes") {
        "bytes"
    } else {
        ""
    }
}

fn table(all: &BTreeMap<String, Family>) -> String {
    let mut table =
        "| metric | type | unit | labels | roles | meaning |\n|---|---|---|---|---|---|\n"
            .to_owned();
    for (name, family) in all {
        let labels: Vec<String> = family
            .labels
            .iter()
            .map(|label| format!("`{label}`"))
            .collect();
        let roles: Vec<&str> = family.roles.iter().map(String::as_str).collect();
        let roles = if roles.len() == 4 {
            "all".to_owned()
        } else {
            roles.join(", ")
        };
        writeln!(
            table,
            "| `{name}` | {} | {} | {} | {roles} | {} |",
            family.kind,
            unit(name),
            labels.join(", "),
            family.help.replace('|', "\\|"),
        )
        .unwrap();
    }
    table
}

/// Lets a thread go through, and reads what each role exposes then.
fn watch(stack: &Stack, roles: &[&str], first: u16, all: &mut BTreeMap<String, Family>) {
    let events = sample::thread("tramway-1", 30);
    let batch = serde_json::to_string(&events).unwrap();
    assert_eq!(stack.post(EVENTS, batch).0, 202);
    assert_eq!(stack.post("application/cloudevents+json", "{}").0, 202);
    stack.decided("journal", "tramway-1", 30);
    let page = format!("{}/sites/journal/threads/tramway-1", stack.archive());
    assert_eq!(stack.get_text(&page, true).0, 200);
    assert_eq!(
        stack
            .get_text(&format!("{}/admin/cases", stack.moderation()), false)
            .0,
        401
    );
    for (admin, role) in (first..).zip(roles) {
        let url = format!("http://127.0.0.1:{admin}/metrics");
        let (status, text) = stack.get_text(&url, false);
        assert_eq!(status, 200, "{role}");
        collect(role, &text, all);
    }
}

#[test]
fn amqp_the_page_lists_what_the_roles_expose() {
    let mut all = BTreeMap::new();
    let embedded = Stack::start(Bus::Embedded);
    let roles = ["console", ROLES[0], ROLES[1], ROLES[2]];
    watch(&embedded, &roles, embedded.port + 999, &mut all);
    drop(embedded);

    let vhost = Vhost::new();
    let mut stack = Stack::prepare(Bus::Amqp(vhost.url.clone()), tempfile::tempdir().unwrap());
    // Metrics of a classifier are there when there is one; it need not answer.
    let scorer = "STOA_MODERATION_RULES__SCORERS__0__";
    for (key, value) in [
        ("NAME", "nobody"),
        ("KIND", "perspective"),
        ("URL", "http://127.0.0.1:9/analyze"),
        ("KEY", "a-key-of-no-provider"),
        ("ATTRIBUTES", "{ toxicity = \"TOXICITY\" }"),
    ] {
        stack.set(&format!("{scorer}{key}"), value);
    }
    // Those of a webhook likewise.
    let webhook = "STOA_MODERATION_RULES__WEBHOOKS__0__";
    for (key, value) in [
        ("NAME", "nobody"),
        ("URL", "https://nobody.example/decisions"),
        ("SECRETS", "[\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"]"),
        ("SITES", "[\"*\"]"),
    ] {
        stack.set(&format!("{webhook}{key}"), value);
    }
    stack.launch_all();
    // What ingest receives is counted where there is something.
    let platform = Platform::listening_to(&vhost, "stoa.rejected");
    let event = comment("tramway-1", "inbox", None, "bonjour").to_string();
    platform.publish("application/cloudevents+json", &[], event.as_bytes());
    eventually("ingest reads its inbox", || {
        let deliveries = "stoa_consumer_deliveries_total";
        stack.metric_of(&stack.ingest_admin(), deliveries, "inbox") > 0.0
    });
    watch(&stack, &ROLES, stack.port + 1_000, &mut all);

    let path = repository().join("docs/metrics.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (start, end) = ("<!-- metrics -->\n", "<!-- end -->\n");
    let (before, rest) = page.split_once(start).unwrap();
    let (_, after) = rest.split_once(end).unwrap();
    let expected = format!("{before}{start}\n{}\n{end}{after}", table(&all));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, expected).unwrap();
    } else {
        assert_eq!(page, expected, "run it with UPDATE=1");
    }
}

#[test]
fn what_was_kept_is_told() {
    let stack = Stack::start(Bus::Embedded);
    let admin = [
        stack.ingest_admin(),
        stack.moderation(),
        stack.archive_admin(),
    ];
    let now = stack.metric_of(&admin[0], "process_start_time_seconds", "");
    assert!(now > 1.7e9, "{now}");
    for role in &admin {
        eventually("a journal is verified", || {
            stack.metric_of(role, "stoa_journal_verified_timestamp_seconds", "") >= now - 1.0
        });
    }
    let backup = "stoa_backup_last_success_timestamp_seconds";
    assert!(stack.metric_of(&admin[2], backup, "").abs() < 0.5);
    let data = stack.data.to_str().unwrap();
    let to = stack.folder.path().join("backup");
    let made = stoa(&["backup", "--data", data, "--to", to.to_str().unwrap()]);
    assert!(made.status.success(), "{made:?}");
    eventually("the backup is known", || {
        stack.metric_of(&admin[2], backup, "") >= now - 1.0
    });
}

#[test]
fn ages_refusals_and_waiting_cases_are_counted() {
    let stack = Stack::start(Bus::Embedded);
    let moderation = stack.moderation();
    let batch = serde_json::to_string(&sample::thread("tramway-1", 12)).unwrap();
    assert_eq!(stack.post(EVENTS, batch).0, 202);
    stack.decided("journal", "tramway-1", 12);
    let count = "stoa_event_age_seconds_count";
    assert!((stack.metric_of(&moderation, count, "decided") - 12.0).abs() < 0.5);
    // The article, the comments, and what was accepted of nothing else.
    eventually("ages of what is archived", || {
        (stack.metric_of(&stack.archive_admin(), count, "archived") - 13.0).abs() < 0.5
    });
    let refused = |reason| stack.metric_of(&moderation, "stoa_auth_failures_total", reason);
    let missing = refused("missing");
    assert_eq!(
        stack
            .get_text(&format!("{moderation}/admin/cases"), false)
            .0,
        401
    );
    assert!((refused("missing") - missing - 1.0).abs() < 0.5);

    let held = comment("tramway-1", "c-held", None, "buy at https://bit.ly/x now");
    assert_eq!(
        stack
            .post("application/cloudevents+json", held.to_string())
            .0,
        202
    );
    eventually("a case", || stack.metric("stoa_cases_open ") == Some(1.0));
    eventually("its age", || {
        stack
            .metric("stoa_review_queue_oldest_age_seconds ")
            .is_some_and(|age| age >= 1.0)
    });
    assert_eq!(stack.metric("stoa_review_queue_overdue_cases "), Some(0.0));
    let cases = stack.get(&format!("{moderation}/admin/cases"));
    let case = cases
        .pointer("/cases/0/case")
        .and_then(|case| case.as_str())
        .unwrap();
    let decide = format!("{moderation}/admin/cases/{case}/decision");
    let (status, answer) = stack.post_json(&decide, &serde_json::json!({"verdict": "approve"}));
    assert_eq!(status, 200, "{answer}");
    assert_eq!(
        stack.metric("stoa_review_decision_seconds_count "),
        Some(1.0)
    );
    assert_eq!(stack.metric("stoa_review_overrides_total "), Some(1.0));
}
