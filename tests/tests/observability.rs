//! What people watch fits together: alerts, their runbooks and tests, dashboards, and the page of metrics.
//!
//! Expressions are checked by `promtool`, which `scripts/test` installs.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on has failed"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use regex::Regex;
use serde_json::{Value, json};
use stoa_tests::deploy::{init, repository};

const DASHBOARDS: &str = "deploy/grafana/dashboards";

fn read(path: &str) -> String {
    let full = repository().join(path);
    std::fs::read_to_string(full).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names of a folder's files with an ending, without it.
fn names(folder: &str, ending: &str) -> BTreeSet<String> {
    std::fs::read_dir(repository().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(ending).map(str::to_owned))
        .collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// The rules of deploy/prometheus/alerts.yml, alerts and recorded ones.
fn rules() -> Vec<Value> {
    let groups = yaml("deploy/prometheus/alerts.yml");
    let groups = list(&groups["groups"]).iter();
    groups
        .flat_map(|group| list(&group["rules"]).to_vec())
        .collect()
}

fn alerts() -> BTreeMap<String, Value> {
    let rules = rules().into_iter().filter(|rule| rule["alert"].is_string());
    rules
        .map(|rule| (text(&rule["alert"]).to_owned(), rule))
        .collect()
}

#[test]
fn every_alert_says_how_urgent_it_is_and_what_to_do() {
    let alerts = alerts();
    let mut pages = names("docs/runbooks", ".md");
    assert!(pages.remove("README"));
    assert_eq!(alerts.keys().cloned().collect::<BTreeSet<_>>(), pages);
    let index = read("docs/runbooks/README.md");
    let link = Regex::new(r"\]\(([^)#]+)").unwrap();
    for (name, alert) in &alerts {
        let severity = text(&alert["labels"]["severity"]);
        assert!(["page", "ticket"].contains(&severity), "{name}: {severity}");
        let row = format!("| [{name}]({name}.md) | {severity} | ");
        assert!(index.contains(&row), "the index has no line `{row}`");
        for part in ["summary", "description"] {
            assert!(!text(&alert["annotations"][part]).is_empty(), "{name}");
        }
        let page = text(&alert["annotations"]["runbook_url"]);
        assert_eq!(page, format!("docs/runbooks/{name}.md"));
        let page = read(page);
        for heading in ["## See\n\n```sh\n", "## Do\n\n", "## Over\n\n"] {
            assert!(page.contains(heading), "{name}: no {heading:?}");
        }
        for target in link.captures_iter(&page).map(|found| found[1].to_owned()) {
            let there = target.starts_with("http")
                || repository().join("docs/runbooks").join(&target).exists();
            assert!(there, "{name}: {target}");
        }
    }
}

#[test]
fn every_alert_is_tested_to_fire_and_to_be_silent() {
    let mut tested: BTreeMap<(String, bool), usize> = BTreeMap::new();
    for file in names("deploy/prometheus/tests", ".yml") {
        let file = yaml(&format!("deploy/prometheus/tests/{file}.yml"));
        for test in list(&file["tests"]) {
            for case in list(&test["alert_rule_test"]) {
                let fires = !list(&case["exp_alerts"]).is_empty();
                let name = text(&case["alertname"]).to_owned();
                *tested.entry((name, fires)).or_default() += 1;
            }
        }
    }
    for name in alerts().into_keys() {
        for fires in [true, false] {
            assert!(
                tested.remove(&(name.clone(), fires)).is_some(),
                "{name}: no test in which it {}",
                if fires { "fires" } else { "is silent" }
            );
        }
    }
    assert!(tested.is_empty(), "no such alerts: {tested:?}");
}

fn dashboards() -> BTreeMap<String, Value> {
    let read_one = |name: String| {
        let json = read(&format!("{DASHBOARDS}/{name}.json"));
        let json = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, json)
    };
    names(DASHBOARDS, ".json")
        .into_iter()
        .map(read_one)
        .collect()
}

/// The panels of a dashboard that show something.
fn panels(dashboard: &Value) -> Vec<&Value> {
    let panels = list(&dashboard["panels"]).iter();
    panels.filter(|panel| panel["type"] != "row").collect()
}

#[test]
fn dashboards_are_whole() {
    let dashboards = dashboards();
    assert_eq!(
        dashboards.keys().collect::<Vec<_>>(),
        ["broker", "flow", "review", "rules", "storage"]
    );
    let uid = |name: &str| format!("stoa-{name}");
    for (name, dashboard) in &dashboards {
        assert_eq!(dashboard["uid"], json!(uid(name)), "{name}");
        assert_eq!(
            dashboard["id"],
            Value::Null,
            "{name}: the number of one installation"
        );
        let variable = &dashboard["templating"]["list"][0];
        assert_eq!(
            (&variable["name"], &variable["type"], &variable["query"]),
            (
                &json!("datasource"),
                &json!("datasource"),
                &json!("prometheus")
            )
        );
        let links: BTreeSet<&str> = list(&dashboard["links"])
            .iter()
            .map(|link| text(&link["url"]))
            .collect();
        let others = dashboards.keys().filter(|other| *other != name);
        let expected: Vec<String> = others.map(|other| format!("/d/{}", uid(other))).collect();
        assert_eq!(
            links,
            expected.iter().map(String::as_str).collect(),
            "{name}"
        );
        let source = json!({"type": "prometheus", "uid": "${datasource}"});
        let mut places = BTreeSet::new();
        for panel in panels(dashboard) {
            let title = text(&panel["title"]);
            assert!(
                text(&panel["description"]).ends_with('.'),
                "{name}: {title}"
            );
            let defaults = &panel["fieldConfig"]["defaults"];
            assert!(!text(&defaults["unit"]).is_empty(), "{name}: {title}");
            assert!(
                defaults["thresholds"]["steps"][0]["color"].is_string(),
                "{name}: {title}"
            );
            assert_eq!(panel["datasource"], source, "{name}: {title}");
            assert!(!list(&panel["targets"]).is_empty(), "{name}: {title}");
            for target in list(&panel["targets"]) {
                assert_eq!(target["datasource"], source, "{name}: {title}");
            }
            assert!(
                places.insert(panel["gridPos"].to_string()),
                "{name}: {title} covers another"
            );
        }
        let ids: BTreeSet<String> = list(&dashboard["panels"])
            .iter()
            .map(|panel| panel["id"].to_string())
            .collect();
        assert_eq!(ids.len(), list(&dashboard["panels"]).len(), "{name}: ids");
    }
}

#[test]
fn grafana_finds_what_is_provisioned() {
    let sources = yaml("deploy/grafana/provisioning/datasources/prometheus.yml");
    let source = &sources["datasources"][0];
    let chosen = &dashboards()["flow"]["templating"]["list"][0]["current"];
    assert_eq!(
        (&source["uid"], &source["name"]),
        (&chosen["value"], &chosen["text"])
    );
    let compose = yaml("docker-compose.yml");
    let grafana = &compose["services"]["grafana"];
    let provider = yaml("deploy/grafana/provisioning/dashboards/stoa.yml");
    let inside = text(&provider["providers"][0]["options"]["path"]);
    let mounts: Vec<&str> = list(&grafana["volumes"]).iter().map(text).collect();
    for mount in [
        format!("./{DASHBOARDS}:{inside}:ro"),
        "./deploy/grafana/provisioning:/etc/grafana/provisioning:ro".to_owned(),
        "secrets-grafana:/run/secrets:ro".to_owned(),
    ] {
        assert!(mounts.contains(&mount.as_str()), "{mount} of {mounts:?}");
    }
    let home = text(&grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]);
    assert_eq!(home, format!("{inside}/flow.json"));

    // The password that it reads is made, and by chance.
    let password = || {
        let folder = tempfile::tempdir().unwrap();
        init(&repository().join("deploy/rabbitmq"), folder.path());
        std::fs::read_to_string(folder.path().join("grafana/admin-password")).unwrap()
    };
    let (one, other) = (password(), password());
    assert_eq!((one.len(), other.len()), (64, 64));
    assert_ne!(one, other);
    let file = text(&grafana["environment"]["GF_SECURITY_ADMIN_PASSWORD__FILE"]);
    assert_eq!(file, "/run/secrets/admin-password");
}

#[test]
fn what_watches_runs_with_no_more_rights_than_the_roles() {
    let compose = yaml("docker-compose.yml");
    let pinned = Regex::new(r":v?\d+\.\d+\.\d+$").unwrap();
    for name in ["prometheus", "alertmanager", "grafana"] {
        let service = &compose["services"][name];
        assert_eq!(service["profiles"], json!(["observability"]), "{name}");
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(service["cap_drop"], json!(["ALL"]), "{name}");
        assert_eq!(
            service["security_opt"],
            json!(["no-new-privileges:true"]),
            "{name}"
        );
        let user = text(&service["user"]);
        assert!(
            !user.starts_with("0:") && !user.starts_with("root"),
            "{name}: {user}"
        );
        assert!(
            service["mem_limit"].is_string() && service["pids_limit"].is_u64(),
            "{name}"
        );
        for port in list(&service["ports"]) {
            assert!(text(port).starts_with("127.0.0.1:"), "{name}: {port}");
        }
        let image = text(&service["image"]);
        assert!(pinned.is_match(image), "{image}");
    }
    let default = compose["services"].as_object().unwrap().iter();
    let default = default.filter(|(_, service)| service["profiles"].is_null());
    let default: BTreeSet<&str> = default.map(|(name, _)| name.as_str()).collect();
    let expected = [
        "archive",
        "console",
        "ingest",
        "init",
        "moderation-rules",
        "rabbitmq",
    ];
    assert_eq!(default, expected.into());
}

/// Every expression of the dashboards, with where it stands.
fn expressions() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (name, dashboard) in dashboards() {
        for annotation in list(&dashboard["annotations"]["list"]) {
            all.push((name.clone(), text(&annotation["expr"]).to_owned()));
        }
        for panel in panels(&dashboard) {
            for target in list(&panel["targets"]) {
                let place = format!("{name}: {}", text(&panel["title"]));
                all.push((place, text(&target["expr"]).to_owned()));
            }
        }
    }
    assert!(all.len() > 80, "{}", all.len());
    all
}

/// Has promtool read expressions as rules; returns what it says, if it refuses them.
fn refused(folder: &Path, expressions: &[String]) -> Option<String> {
    let rule =
        |(n, expr): (usize, &String)| json!({"record": format!("expression:{n}"), "expr": expr});
    let rules: Vec<Value> = expressions.iter().enumerate().map(rule).collect();
    let file = folder.join("rules.json");
    // JSON is YAML.
    let groups = json!({"groups": [{"name": "dashboards", "rules": rules}]});
    std::fs::write(&file, groups.to_string()).unwrap();
    let output = Command::new("promtool")
        .args(["check", "rules"])
        .arg(&file)
        .output()
        .unwrap_or_else(|error| {
            panic!("promtool is needed, of Debian's package prometheus: {error}")
        });
    let said = [output.stdout, output.stderr].concat();
    (!output.status.success()).then(|| String::from_utf8(said).unwrap())
}

#[test]
fn every_expression_of_the_dashboards_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = BTreeSet::new();
    for (place, expression) in expressions() {
        let expression = expression.replace("$__rate_interval", "5m");
        assert!(!expression.contains('$'), "{place}: {expression}");
        all.insert(expression);
    }
    let mut all: Vec<String> = all.into_iter().collect();
    assert_eq!(refused(folder.path(), &all), None);
    // It would say so.
    all.push("sum(rate(stoa_decisions_total[5m])".to_owned());
    assert!(refused(folder.path(), &all).is_some());
}

#[test]
fn what_is_watched_is_in_the_page_of_metrics() {
    let row = Regex::new(r"(?m)^\| `(stoa_[a-z0-9_]+)` \| (\w+) \|").unwrap();
    let page = read("docs/metrics.md");
    let known: BTreeMap<&str, &str> = row
        .captures_iter(&page)
        .map(|found| {
            let (_, [name, kind]) = found.extract();
            (name, kind)
        })
        .collect();
    assert!(known.len() > 60, "{}", known.len());
    let rules = rules();
    let recorded: BTreeSet<&str> = rules
        .iter()
        .filter_map(|rule| rule["record"].as_str())
        .collect();
    let mut watched = expressions();
    watched.extend(rules.iter().map(|rule| {
        let name = rule["alert"].as_str().or(rule["record"].as_str());
        (name.unwrap().to_owned(), text(&rule["expr"]).to_owned())
    }));
    let name = Regex::new(r"\bstoa[_:][a-z0-9_:]+").unwrap();
    let of_histogram = Regex::new("_(bucket|sum|count)$").unwrap();
    let mut n_checked = 0;
    for (place, expression) in &watched {
        for name in name.find_iter(expression).map(|found| found.as_str()) {
            n_checked += 1;
            if name.starts_with("stoa:") {
                assert!(recorded.contains(name), "{place}: no rule records {name}");
                continue;
            }
            let base = of_histogram.replace(name, "");
            let is_histogram = known.get(&*base) == Some(&"histogram") && *base != *name;
            let is_other = known.get(name).is_some_and(|kind| *kind != "histogram");
            assert!(is_histogram || is_other, "{place}: no role has {name}");
        }
    }
    assert!(n_checked > 120, "{n_checked}");
}
