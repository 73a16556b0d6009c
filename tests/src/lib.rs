//! The whole system from outside: starts the real binary, talks to it as its users do.
//!
//! The binary is the one that `cargo build -p stoa` left beside the tests' own;
//! AMQP tests need `STOA_TEST_AMQP_URL` and `STOA_TEST_RABBITMQCTL`, which `scripts/test` sets.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a test that can't go on has failed"
)]

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

pub mod broker;
pub mod browser;
pub mod deploy;
pub mod disk;
pub mod files;
pub mod fsync;
pub mod hostile;
pub mod load;
pub mod node;
pub mod process;
pub mod role;
pub mod rules;
pub mod sample;
pub mod wordpress;

pub use broker::{Vhost, rabbitmqctl};
pub use browser::Browser;
pub use disk::SmallDisk;
pub use fsync::Fsync;
pub use load::{Load, Stress};
pub use node::Node;
pub use process::Process;

/// The token of every role that is started here, with the role admin.
pub const TOKEN: &str = "a-token-for-tests-only-0123456789";

/// How long anything may take to come about.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Finds the binary: that of `STOA_TEST_BIN`, or the one that was built with the tests.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("STOA_TEST_BIN") {
        return path.into();
    }
    let own = std::env::current_exe().unwrap();
    let path = own.parent().and_then(Path::parent).unwrap().join("stoa");
    assert!(
        path.exists(),
        "{} is missing: run `cargo build -p stoa` first",
        path.display()
    );
    path
}

/// Runs the binary to its end.
pub fn stoa(args: &[&str]) -> Output {
    Command::new(binary()).args(args).output().unwrap()
}

/// Returns a variable that the tests can't do without.
pub fn needed(variable: &str) -> String {
    std::env::var_os(variable)
        .unwrap_or_else(|| panic!("{variable} is not set: run the tests with ./scripts/test"))
        .into_string()
        .unwrap()
}

/// Finds eight ports: four public ones in a row, of which it returns the second, and those 1 000 above them.
///
/// The first is the console's, in `stoa up`.
///
/// Tests that start at the same moment look before any of them listens, and their process ids are
/// neighbours: each id has ports of its own, as far as they go.
pub fn ports() -> u16 {
    let free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let own = u16::try_from(std::process::id() % 1_000).unwrap();
    (0..1_000)
        .map(|step| (own + step) % 1_000)
        // Below the range that the system gives to outgoing connections; admin listeners have the
        // odd thousands to themselves.
        .map(|place| 10_000 + place / 250 * 2_000 + place % 250 * 4)
        .find(|first| (0..4).all(|n| free(first + n - 1) && free(first + n + 999)))
        .unwrap()
}

/// How the roles are connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bus {
    /// `stoa up`: one process, no broker.
    Embedded,
    /// `stoa serve` three times, over the broker at a URL.
    Amqp(String),
    /// The same, each role with a URL of its own, in the order of [`ROLES`].
    Links([String; 3]),
}

/// A running system with a data folder of its own.
#[derive(Debug)]
pub struct Stack {
    /// First, since what goes first ends first: the logs of a test that failed are in the folder.
    processes: Vec<Process>,
    /// Its logs and configurations, and its data unless that is elsewhere.
    pub folder: tempfile::TempDir,
    /// Its data.
    pub data: PathBuf,
    /// The first port.
    pub port: u16,
    bus: Bus,
    log_level: &'static str,
    /// A folder with a file per role, for `stoa up`.
    config: Option<PathBuf>,
    /// Variables of the processes' environment, over what is in their configuration.
    variables: Vec<(String, String)>,
    /// Lines at the end of the configuration of a role of `stoa serve`.
    lines: Vec<(&'static str, String)>,
    client: reqwest::blocking::Client,
}

/// The roles of `stoa serve`, in the order of their ports.
pub const ROLES: [&str; 3] = ["ingest", "moderation-rules", "archive"];

impl Stack {
    /// Starts a system and waits until it is ready.
    pub fn start(bus: Bus) -> Self {
        Self::start_with(bus, Vec::new())
    }

    /// Starts a system with variables of the roles' configuration.
    pub fn start_with(bus: Bus, env: Vec<(&'static str, String)>) -> Self {
        let mut stack = Self::prepare(bus, tempfile::tempdir().unwrap());
        for (name, value) in env {
            stack.set(name, &value);
        }
        stack.launch_all();
        stack
    }

    /// Starts a system whose roles log at a level; `stoa up` logs at its own.
    pub fn start_logging(bus: Bus, log_level: &'static str) -> Self {
        let mut stack = Self::prepare(bus, tempfile::tempdir().unwrap());
        stack.log_level = log_level;
        stack.launch_all();
        stack
    }

    /// Makes a system on a folder without starting anything.
    pub fn prepare(bus: Bus, folder: tempfile::TempDir) -> Self {
        let client = reqwest::blocking::Client::builder()
            .timeout(Duration::from_secs(30))
            .build()
            .unwrap();
        Self {
            data: folder.path().to_owned(),
            folder,
            port: ports(),
            bus,
            log_level: "info",
            config: None,
            processes: Vec::new(),
            variables: Vec::new(),
            lines: Vec::new(),
            client,
        }
    }

    /// Starts every process, and waits until all are ready.
    pub fn launch_all(&mut self) {
        for name in self.names() {
            self.launch(name);
        }
        self.ready();
    }

    /// Has `stoa up` read a folder with a file per role; where the roles listen is said here.
    pub fn configure(&mut self, folder: &Path) {
        self.config = Some(folder.to_owned());
        let base = |port: u16| format!("http://127.0.0.1:{port}");
        self.set("STOA_CONSOLE__MODERATION__URL", &base(self.port + 1_001));
        self.set("STOA_CONSOLE__ARCHIVE__URL", &base(self.port + 2));
        let ports = self.port - 1..;
        for (role, port) in ["CONSOLE", "INGEST", "MODERATION_RULES", "ARCHIVE"]
            .into_iter()
            .zip(ports)
        {
            self.set(
                &format!("STOA_{role}__HTTP__LISTEN"),
                &format!("127.0.0.1:{port}"),
            );
            let admin = format!("127.0.0.1:{}", port + 1_000);
            self.set(&format!("STOA_{role}__ADMIN__LISTEN"), &admin);
        }
    }

    /// Sets a variable for the processes that are launched from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Adds lines to the end of the configuration of a role of `stoa serve`.
    pub fn add_lines(&mut self, role: &'static str, lines: &str) {
        self.lines.push((role, lines.to_owned()));
    }

    /// The processes' names.
    pub fn names(&self) -> Vec<&'static str> {
        match self.bus {
            Bus::Embedded => vec!["up"],
            Bus::Amqp(_) | Bus::Links(_) => ROLES.to_vec(),
        }
    }

    /// Starts a process, or starts it again; its data stays.
    pub fn launch(&mut self, name: &str) {
        self.launch_as(&binary(), name, &[]);
    }

    /// The same, of another build and with more variables in its environment.
    pub fn launch_as(&mut self, binary: &Path, name: &str, env: &[(&str, &str)]) {
        self.processes.retain(|process| process.name != name);
        let folder = self.folder.path();
        let data = &self.data;
        let log = folder.join(format!("{name}.log"));
        let mut command = Command::new(binary);
        command.envs(self.variables.iter().cloned());
        command.envs(env.iter().copied());
        match &self.bus {
            Bus::Embedded => {
                command.args([
                    "up",
                    "--token",
                    TOKEN,
                    "--port",
                    &self.port.to_string(),
                    "--data",
                ]);
                command.arg(data);
                if let Some(config) = &self.config {
                    command.arg("--config").arg(config);
                }
            }
            Bus::Amqp(_) | Bus::Links(_) => {
                let index = ROLES.iter().position(|role| *role == name).unwrap();
                let url = match &self.bus {
                    Bus::Links(urls) => &urls[index],
                    Bus::Amqp(url) => url,
                    Bus::Embedded => unreachable!("it has no roles of its own"),
                };
                let port = self.port + u16::try_from(index).unwrap();
                let config = folder.join(format!("{name}.toml"));
                let mut text = String::new();
                writeln!(text, "data_dir = \"{}\"", data.join(name).display()).unwrap();
                writeln!(text, "open = true\n[http]\nlisten = \"127.0.0.1:{port}\"").unwrap();
                writeln!(text, "[admin]\nlisten = \"127.0.0.1:{}\"", port + 1_000).unwrap();
                writeln!(text, "[bus]\nurl = {url:?}\nprovision = true").unwrap();
                writeln!(text, "[log]\nlevel = {:?}", self.log_level).unwrap();
                writeln!(text, "[[tokens]]\nname = \"test\"\nrole = \"admin\"").unwrap();
                writeln!(text, "secret = {TOKEN:?}\nsites = [\"*\"]").unwrap();
                for (_, lines) in self.lines.iter().filter(|(role, _)| *role == name) {
                    text.push_str(lines);
                }
                std::fs::write(&config, text).unwrap();
                command.args(["serve", name, "--config"]).arg(config);
            }
        }
        self.processes
            .push(Process::start(name, &log, &mut command));
    }

    /// Returns a process.
    pub fn process(&mut self, name: &str) -> &mut Process {
        self.processes
            .iter_mut()
            .find(|process| process.name == name)
            .unwrap()
    }

    /// Returns whether every process runs and every role says that it is ready.
    pub fn is_well(&mut self) -> bool {
        let ready = (0..3).all(|n| {
            let url = format!("http://127.0.0.1:{}/readyz", self.port + 1_000 + n);
            let answer = self.client.get(url).send();
            answer.is_ok_and(|answer| answer.status().is_success())
        });
        ready && self.processes.iter_mut().all(Process::is_alive)
    }

    /// Returns the files that the processes write their logs to.
    pub fn logs(&self) -> Vec<PathBuf> {
        let log = |process: &Process| process.log.clone();
        self.processes.iter().map(log).collect()
    }

    /// Waits until every role says that it is ready.
    pub fn ready(&self) {
        for n in 0..3 {
            let url = format!("http://127.0.0.1:{}/readyz", self.port + 1_000 + n);
            eventually(&url, || {
                self.client
                    .get(&url)
                    .send()
                    .is_ok_and(|answer| answer.status().is_success())
            });
        }
    }

    /// The public address of ingest.
    pub fn ingest(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The admin address of moderation-rules.
    pub fn moderation(&self) -> String {
        format!("http://127.0.0.1:{}", self.port + 1_001)
    }

    /// The address of the console, in `stoa up`.
    pub fn console(&self) -> String {
        format!("http://127.0.0.1:{}", self.port - 1)
    }

    /// The public address of the archive.
    pub fn archive(&self) -> String {
        format!("http://127.0.0.1:{}", self.port + 2)
    }

    /// The admin address of the archive.
    pub fn archive_admin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port + 1_002)
    }

    /// The admin address of ingest.
    pub fn ingest_admin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port + 1_000)
    }

    /// Sends bytes to `POST /v1/events`; returns status and answer.
    pub fn post(&self, content_type: &str, body: impl Into<Vec<u8>>) -> (u16, Value) {
        self.post_with(&[("content-type", content_type)], body)
    }

    /// Sends bytes with these headers to `POST /v1/events`; returns status and answer.
    pub fn post_with(&self, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> (u16, Value) {
        let mut request = self
            .client
            .post(format!("{}/v1/events", self.ingest()))
            .bearer_auth(TOKEN)
            .body(body.into());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().unwrap_or(Value::Null))
    }

    /// Gets JSON with the token; null where there is none.
    pub fn get(&self, url: &str) -> Value {
        match self.client.get(url).bearer_auth(TOKEN).send() {
            Ok(answer) if answer.status().is_success() => answer.json().unwrap_or(Value::Null),
            _ => Value::Null,
        }
    }

    /// Gets text with or without the token; returns status and body.
    pub fn get_text(&self, url: &str, with_token: bool) -> (u16, String) {
        let mut request = self.client.get(url);
        if with_token {
            request = request.bearer_auth(TOKEN);
        }
        let answer = request.send().unwrap();
        (answer.status().as_u16(), answer.text().unwrap())
    }

    /// Gets bytes with the token; returns status and body.
    pub fn get_bytes(&self, url: &str) -> (u16, Vec<u8>) {
        let answer = self.client.get(url).bearer_auth(TOKEN).send().unwrap();
        (answer.status().as_u16(), answer.bytes().unwrap().to_vec())
    }

    /// Reads a number from moderation-rules' metrics, by its name and labels as they are written.
    pub fn metric(&self, series: &str) -> Option<f64> {
        let (_, text) = self.get_text(&format!("{}/metrics", self.moderation()), false);
        let mut lines = text.lines();
        lines.find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
    }

    /// Sums a metric of a role, by its admin address, over its lines with a label.
    pub fn metric_of(&self, admin: &str, name: &str, label: &str) -> f64 {
        let (_, text) = self.get_text(&format!("{admin}/metrics"), false);
        sum(&text, name, label)
    }

    /// Posts JSON with the token; returns status and answer.
    pub fn post_json(&self, url: &str, body: &Value) -> (u16, Value) {
        self.send_json(Method::POST, url, None, body)
    }

    /// Sends JSON with the token, and with the entity tag that is to be replaced if one is given;
    /// returns status and answer.
    pub fn send_json(
        &self,
        method: Method,
        url: &str,
        if_match: Option<&str>,
        body: &Value,
    ) -> (u16, Value) {
        let mut request = self
            .client
            .request(method, url)
            .bearer_auth(TOKEN)
            .header("content-type", "application/json")
            .body(body.to_string());
        if let Some(tag) = if_match {
            request = request.header("if-match", tag);
        }
        let answer = request.send().unwrap();
        (
            answer.status().as_u16(),
            answer.json().unwrap_or(Value::Null),
        )
    }

    /// Returns a thread as the archive shows it to a moderator.
    pub fn thread(&self, site: &str, thread: &str) -> Value {
        self.get(&format!(
            "{}/v1/sites/{site}/threads/{thread}",
            self.archive()
        ))
    }

    /// Waits until a thread shows so many comments, each with its decision, and returns it.
    pub fn decided(&self, site: &str, thread: &str, n_comments: usize) -> Value {
        eventually(
            &format!("{n_comments} decided comments in {site}/{thread}"),
            || decided(&self.thread(site, thread)) >= n_comments,
        );
        self.thread(site, thread)
    }
}

/// Counts the comments of a thread that have a decision.
pub fn decided(thread: &Value) -> usize {
    let comments = thread["comments"].as_array();
    comments
        .into_iter()
        .flatten()
        .filter(|comment| comment["decision"].is_object())
        .count()
}

/// Sums the values of a metric over its lines with a label.
fn sum(metrics: &str, name: &str, label: &str) -> f64 {
    let lines = metrics
        .lines()
        .filter(|line| line.starts_with(name) && line.contains(label));
    lines
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

/// Waits until something holds; a test that waits in vain has failed.
#[track_caller]
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(
            start.elapsed() < PATIENCE,
            "not within {} s: {what}",
            PATIENCE.as_secs()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Makes a `comment.submitted` event.
pub fn comment(thread: &str, comment: &str, parent: Option<&str>, body: &str) -> Value {
    json!({
        "specversion": "1.0",
        "id": format!("e-{thread}-{comment}"),
        "source": "https://journal.example/comments",
        "type": "stoa.comment.submitted.v1",
        "data": {
            "site": "journal", "article": thread, "comment": comment, "parent": parent,
            "author": {"id": "u-1", "display_name": "Ada"}, "body": body,
            "submitted_at": "2024-05-01T10:00:00Z",
        },
    })
}
