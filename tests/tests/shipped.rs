//! What is shipped beside the binary fits it: configurations, containers, scrapes, alerts, documents.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on has failed"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;
use serde_json::{Value, json};
use stoa_daemon::config::load_from;
use stoa_proto::topology;
use stoa_tests::deploy::repository;
use stoa_tests::{ROLES, stoa};

fn read(path: impl AsRef<Path>) -> String {
    let path = repository().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What a role's configuration says to the rest of the deployment.
#[derive(Debug)]
struct Shipped {
    http: SocketAddr,
    admin: SocketAddr,
    data_dir: PathBuf,
    /// The console has none.
    broker: Option<String>,
}

/// Loads a role's sample as the binary does, with the secrets that the deployment makes for it.
fn shipped(role: &str, secrets: &Path) -> Shipped {
    let own = secrets.join(role);
    let text = read(format!("deploy/config/{role}.toml"));
    let text = text.replace("/run/secrets", own.to_str().unwrap());
    let file = secrets.join(format!("{role}.toml"));
    std::fs::write(&file, text).unwrap();
    macro_rules! load {
        ($service:ident, $broker:expr) => {{
            let loaded = load_from(role, $service::DEFAULT_CONFIG, Some(&file), []);
            let config: $service::Config = loaded.unwrap_or_else(|error| panic!("{error}"));
            config
                .validate()
                .unwrap_or_else(|error| panic!("{role}: {error}"));
            let broker: fn(&$service::Config) -> Option<String> = $broker;
            Shipped {
                http: config.http.listen,
                admin: config.admin.listen,
                broker: broker(&config),
                data_dir: config.data_dir,
            }
        }};
        ($service:ident) => {
            load!($service, |config| {
                let password = config.bus.password_file.as_deref();
                assert!(password.is_some_and(Path::exists), "{password:?}");
                // Or the console could not ask in a person's name.
                let mut tokens = config.tokens.iter();
                assert!(tokens.any(|token| token.name == "console" && token.on_behalf));
                Some(config.bus.url.clone())
            })
        };
    }
    match role {
        "ingest" => load!(stoa_ingest),
        "moderation-rules" => load!(stoa_moderation_rules),
        "archive" => load!(stoa_archive),
        "console" => load!(stoa_console, |_| None),
        _ => panic!("{role} is no role"),
    }
}

/// Runs the deployment's own script that makes secrets, and loads every sample.
fn all_shipped() -> BTreeMap<String, Shipped> {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("bash")
        .arg(repository().join("deploy/rabbitmq/init"))
        .args([folder.path().to_str().unwrap(), "rabbitmq"])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let files = std::fs::read_dir(repository().join("deploy/config")).unwrap();
    let name = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    files
        .map(|file| name(file.unwrap().path()))
        .map(|role| (role.clone(), shipped(&role, folder.path())))
        .collect()
}

/// The services of the compose file that run Stoa's image as a role.
fn role_services() -> BTreeMap<String, Value> {
    let compose = yaml("docker-compose.yml");
    let services = compose["services"].as_object().unwrap();
    let ours = services.iter().filter(|(_, service)| {
        let image = service["image"].as_str().unwrap_or_default();
        image.starts_with("stoa:") && service["command"][0] == "serve"
    });
    ours.map(|(name, service)| (name.clone(), service.clone()))
        .collect()
}

fn roles() -> Vec<String> {
    let mut roles = ROLES.map(str::to_owned).to_vec();
    roles.push("console".to_owned());
    roles.sort();
    roles
}

#[test]
fn every_role_has_a_sample_that_loads() {
    let shipped = all_shipped();
    assert_eq!(shipped.keys().cloned().collect::<Vec<_>>(), roles());
    for (role, config) in &shipped {
        let Some(broker) = &config.broker else {
            continue;
        };
        assert_eq!(*broker, format!("amqp://stoa-{role}@rabbitmq:5672/%2f"));
        let known = topology::ACCOUNTS
            .iter()
            .any(|known| known.user == format!("stoa-{role}"));
        assert!(known, "the broker has no account for {role}");
    }
}

#[test]
fn a_sample_with_a_misspelt_key_does_not_load() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ingest.toml");
    std::fs::write(&file, "[http]\nlitsen = \"0.0.0.0:8081\"\n").unwrap();
    let loaded: Result<stoa_ingest::Config, _> =
        load_from("ingest", stoa_ingest::DEFAULT_CONFIG, Some(&file), []);
    assert!(loaded.unwrap_err().to_string().contains("litsen"));
}

#[test]
fn containers_are_roles_with_the_ports_of_their_configurations() {
    let shipped = all_shipped();
    let services = role_services();
    assert_eq!(services.keys().cloned().collect::<Vec<_>>(), roles());
    let secrets = yaml("docker-compose.yml")["volumes"].clone();
    for (role, service) in &services {
        let config = &shipped[role];
        let inside = format!("/etc/stoa/{role}.toml");
        assert_eq!(
            service["command"],
            json!(["serve", role, "--config", inside]),
            "{role}"
        );
        let mounts: Vec<&str> = strings(&service["volumes"]);
        let sample = format!("./deploy/config/{role}.toml:{inside}:ro");
        assert!(mounts.contains(&sample.as_str()), "{role}: {mounts:?}");
        let secret = format!("secrets-{role}");
        assert!(
            mounts.contains(&format!("{secret}:/run/secrets:ro").as_str()),
            "{role}: {mounts:?}"
        );
        assert!(secrets.get(&secret).is_some(), "{role}: no volume {secret}");
        let data = format!("{role}-data:{}", config.data_dir.display());
        assert!(mounts.contains(&data.as_str()), "{role}: {mounts:?}");

        let (http, admin) = (config.http.port(), config.admin.port());
        let published = [http, admin].map(|port| format!("127.0.0.1:{port}:{port}"));
        assert_eq!(strings(&service["ports"]), published, "{role}");
        // The container's own loopback: the listener must be on every address of it.
        let health = format!("http://127.0.0.1:{admin}/livez");
        assert_eq!(
            service["healthcheck"]["test"],
            json!(["CMD", "stoa", "healthcheck", health]),
            "{role}"
        );
        for address in [config.http, config.admin] {
            assert!(
                address.ip().is_unspecified(),
                "{role}: {address} is not reachable from outside"
            );
        }
    }
}

fn strings(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap())
        .collect()
}

#[test]
fn prometheus_scrapes_the_admin_listener_of_every_role() {
    let prometheus = yaml("deploy/prometheus/prometheus.yml");
    let jobs = prometheus["scrape_configs"].as_array().unwrap();
    let job = jobs.iter().find(|job| job["job_name"] == "stoa").unwrap();
    assert_eq!(
        job["metrics_path"],
        Value::Null,
        "the roles answer at /metrics, the default"
    );
    let mut targets = strings(&job["static_configs"][0]["targets"]);
    targets.sort_unstable();
    let shipped = all_shipped();
    let expected: Vec<String> = shipped
        .iter()
        .map(|(role, config)| format!("{role}:{}", config.admin.port()))
        .collect();
    assert_eq!(targets, expected);
    for file in strings(&prometheus["rule_files"]) {
        assert!(
            repository().join("deploy/prometheus").join(file).exists(),
            "{file}"
        );
    }
}

/// The expressions of the alerts, by name.
fn alerts() -> Vec<(String, String)> {
    let groups = yaml("deploy/prometheus/alerts.yml");
    let groups = groups["groups"].as_array().unwrap();
    let rules = groups
        .iter()
        .flat_map(|group| group["rules"].as_array().unwrap());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    // What is recorded is for alerts, too.
    let name = |rule: &Value| text(rule.get("alert").unwrap_or(&rule["record"]));
    rules
        .map(|rule| (name(rule), text(&rule["expr"])))
        .collect()
}

#[test]
fn alerts_name_jobs_and_queues_that_there_are() {
    let prometheus = yaml("deploy/prometheus/prometheus.yml");
    let jobs = prometheus["scrape_configs"].as_array().unwrap();
    let jobs: BTreeSet<&str> = jobs
        .iter()
        .map(|job| job["job_name"].as_str().unwrap())
        .collect();
    let queues: Vec<String> = topology::declarations()
        .into_iter()
        .filter_map(|declared| match declared {
            topology::Declaration::Queue { name, .. } => Some(name),
            _ => None,
        })
        .collect();
    let job = Regex::new(r#"job="([^"]+)""#).unwrap();
    let queue = Regex::new(r#"queue=~"([^"]+)""#).unwrap();
    let mut watched = BTreeSet::new();
    for (alert, expression) in alerts() {
        for found in job.captures_iter(&expression) {
            assert!(jobs.contains(&found[1]), "{alert}: no job {}", &found[1]);
        }
        for found in queue.captures_iter(&expression) {
            // As Prometheus matches: the whole name.
            let pattern = Regex::new(&format!("^(?:{})$", &found[1])).unwrap();
            let matched: Vec<&String> = queues
                .iter()
                .filter(|name| pattern.is_match(name))
                .collect();
            assert!(
                !matched.is_empty(),
                "{alert}: no queue is named {}",
                &found[1]
            );
            watched.extend(matched);
        }
    }
    assert_eq!(
        watched.len(),
        queues.len(),
        "a queue that nobody watches: {queues:?}"
    );
}

/// The documents that tell people what to type.
fn documents() -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "docker-compose.yml",
    ]
    .map(PathBuf::from)
    .to_vec();
    for folder in [
        "docs",
        "docs/decisions",
        "docs/runbooks",
        "deploy",
        "deploy/config",
        "services/ingest",
        "services/moderation-rules",
        "services/archive",
        "services/console",
    ] {
        for file in std::fs::read_dir(repository().join(folder)).unwrap() {
            let path = file.unwrap().path();
            if path
                .extension()
                .is_some_and(|end| end == "md" || end == "toml")
                && path.file_name().unwrap() != "Cargo.toml"
            {
                all.push(path);
            }
        }
    }
    all
}

/// The command lines in a document: in backquotes, or a line that begins with `stoa`.
fn command_lines(text: &str) -> Vec<String> {
    let quoted = Regex::new(r"`stoa ([^`\n]+)`").unwrap();
    let alone = Regex::new(r"(?m)^\s*(?:[$#] )?stoa ([a-z][^`\n]*)$").unwrap();
    let all = quoted.captures_iter(text).chain(alone.captures_iter(text));
    all.map(|found| found[1].to_owned()).collect()
}

/// Checks a command line: its commands are commands, and its options are options of them.
fn check_command(place: &Path, line: &str) {
    let mut help = help(&[]);
    let mut path: Vec<&str> = Vec::new();
    let mut words = line.split_whitespace();
    let known = |help: &str, word: &str| {
        let command = Regex::new(&format!(r"(?m)^  {}(\s|$)", regex::escape(word))).unwrap();
        let value = Regex::new(&format!(r"- {}(:|\n|$)", regex::escape(word))).unwrap();
        command.is_match(help) || value.is_match(help)
    };
    let bare = Regex::new("^[a-z][a-z-]+$").unwrap();
    let mut is_value = false;
    for word in words.by_ref().take_while(|word| *word != "#") {
        if std::mem::take(&mut is_value) {
            continue;
        }
        if word.starts_with('-') {
            let option = word.split('=').next().unwrap();
            let there =
                help.contains(&format!("{option} ")) || help.contains(&format!("{option}\n"));
            assert!(there, "{}: `stoa {line}`: no {option}", place.display());
            is_value = !word.contains('=') && help.contains(&format!("{option} <"));
        } else if help.contains("Commands:") || (path == ["serve"] && bare.is_match(word)) {
            assert!(
                known(&help, word),
                "{}: `stoa {line}`: no {word}",
                place.display()
            );
            if help.contains("Commands:") {
                path.push(word);
                help = self::help(&path);
            }
        }
    }
}

fn help(path: &[&str]) -> String {
    let output = stoa(&[path, &["--help"]].concat());
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn documents_name_commands_and_options_that_there_are() {
    let mut n_checked = 0;
    for path in documents() {
        for line in command_lines(&read(&path)) {
            check_command(&path, &line);
            n_checked += 1;
        }
    }
    assert!(n_checked >= 10, "{n_checked}");
}

#[test]
fn cargo_run_finds_the_one_binary() {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(repository())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let targets = metadata["packages"].as_array().unwrap().iter();
    let targets = targets.flat_map(|package| package["targets"].as_array().unwrap());
    let binaries: Vec<&Value> = targets
        .filter(|target| target["kind"] == json!(["bin"]))
        .map(|target| &target["name"])
        .collect();
    // The README's first command names none.
    assert_eq!(binaries, ["stoa"]);
}
