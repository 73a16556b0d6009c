//! A broker of one's own, which may be broken.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A private `RabbitMQ` node, stopped when it goes out of scope.
#[derive(Debug)]
pub struct Node {
    folder: tempfile::TempDir,
    /// The network namespace that it is in, if it has one of its own.
    namespace: Option<String>,
}

impl Node {
    /// Starts one.
    pub fn start() -> Self {
        Self::prepared(|_| ())
    }

    /// Starts one whose folder has what `scripts/rabbitmq-node` looks for.
    pub fn prepared(prepare: impl FnOnce(&Path)) -> Self {
        Self::placed(None, prepare)
    }

    /// The same, in a network namespace that is there.
    pub fn within(namespace: &str, prepare: impl FnOnce(&Path)) -> Self {
        Self::placed(Some(namespace.to_owned()), prepare)
    }

    fn placed(namespace: Option<String>, prepare: impl FnOnce(&Path)) -> Self {
        let node = Self {
            folder: tempfile::tempdir().unwrap(),
            namespace,
        };
        prepare(node.folder.path());
        node.run("start");
        node
    }

    /// Runs `scripts/rabbitmq-node`; returns what it says.
    pub fn run(&self, command: &str) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/rabbitmq-node");
        output(self.command(&script).arg(command).arg(self.folder.path()))
    }

    /// Runs a command of its control tool.
    pub fn control(&self, args: &[&str]) -> String {
        let tool = self.folder.path().join("rabbitmqctl");
        output(self.command(&tool).args(args))
    }

    /// A program where the node is.
    fn command(&self, program: &Path) -> Command {
        let Some(namespace) = &self.namespace else {
            return Command::new(program);
        };
        let mut command = Command::new("ip");
        command.args(["netns", "exec", namespace]).arg(program);
        command
    }

    /// Brings it back on the same port without anything that it held.
    pub fn wipe(&self) {
        self.run("crash");
        let data = self.folder.path().join("data");
        std::fs::remove_dir_all(&data).unwrap();
        std::fs::create_dir(&data).unwrap();
        self.run("start");
    }

    /// Its folder.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// The URL of its administrator.
    pub fn url(&self) -> String {
        self.exported("STOA_TEST_AMQP_URL")
    }

    /// The URL of its administrator over TLS.
    pub fn tls_url(&self) -> String {
        self.exported("STOA_TEST_AMQPS_URL")
    }

    fn exported(&self, variable: &str) -> String {
        let exports = std::fs::read_to_string(self.folder.path().join("env")).unwrap();
        let start = format!("export {variable}='");
        let line = exports.lines().find_map(|line| line.strip_prefix(&start));
        line.unwrap().trim_end_matches('\'').to_owned()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.run("stop");
    }
}

/// Runs a command that must succeed; returns what it says.
fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}
