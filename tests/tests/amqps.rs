//! TLS to the broker: what is verified, what is said when it fails, and that files may change
//! while a role runs.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that can't go on has failed"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use stoa_tests::Node;
use stoa_tests::role::{Role, refused};

/// A certificate authority of the test's own.
struct Authority(PathBuf);

impl Authority {
    fn new(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let authority = Self(folder.to_owned());
        let made = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
                    -subj /CN=authority -keyout key.pem -out ca.pem";
        authority.openssl(made);
        authority
    }

    fn certificate(&self) -> PathBuf {
        self.0.join("ca.pem")
    }

    /// Writes a certificate and its key into a folder, in place of those that are there. Valid for
    /// no day, it has expired a second later.
    fn issue(&self, folder: &Path, name: &str, days: u32) {
        self.openssl(&format!(
            "req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={name} \
             -addext subjectAltName=DNS:{name} -keyout new.key -out new.csr"
        ));
        self.openssl(&format!(
            "x509 -req -in new.csr -CA ca.pem -CAkey key.pem -copy_extensions copy -days {days} \
             -out new.pem"
        ));
        std::fs::create_dir_all(folder).unwrap();
        std::fs::copy(self.0.join("new.key"), folder.join("key.pem")).unwrap();
        std::fs::copy(self.0.join("new.pem"), folder.join("cert.pem")).unwrap();
    }

    fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(&self.0)
            .output()
            .expect("openssl: run the tests with ./scripts/test");
        assert!(output.status.success(), "{arguments}: {output:?}");
    }
}

/// Two authorities, and a broker whose certificate the first of them made.
struct Scene {
    ours: Authority,
    other: Authority,
    broker: Node,
    folder: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ours = Authority::new(&folder.path().join("ours"));
        let other = Authority::new(&folder.path().join("other"));
        let broker = Node::prepared(|node| {
            ours.issue(&node.join("tls"), "localhost", 2);
            std::fs::copy(ours.certificate(), node.join("tls/ca.pem")).unwrap();
        });
        let definitions = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../deploy/rabbitmq/definitions.json"
        );
        broker.control(&["import_definitions", definitions]);
        Self {
            ours,
            other,
            broker,
            folder,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Gives the broker a certificate and ends all connections.
    fn broker_becomes(&self, name: &str, days: u32) {
        self.ours
            .issue(&self.broker.folder().join("tls"), name, days);
        // Otherwise it would read the files again within two minutes.
        self.broker.control(&["eval", "ssl:clear_pem_cache()."]);
        self.broker
            .control(&["close_all_connections", "certificate"]);
    }
}

fn bus(url: &str, rest: &str) -> String {
    format!("open = true\n[bus]\nurl = {url:?}\n{rest}")
}

fn tls(files: &[(&str, &Path)]) -> String {
    let lines = files
        .iter()
        .map(|(key, path)| format!("tls.{key} = \"{}\"\n", path.display()));
    lines.collect()
}

#[test]
fn amqps_verifies_the_broker_and_takes_new_certificates_at_the_next_connect() {
    let scene = Scene::new();
    let url = scene.broker.tls_url();
    let trusted = scene.path("trusted.pem");
    std::fs::copy(scene.other.certificate(), &trusted).unwrap();
    let config = bus(&url, &tls(&[("ca_file", &trusted)]));
    let mut role = Role::start("archive", &config, &[]);

    role.is_unready(&[
        "nobody who is trusted has signed",
        "amqps://localhost:",
        "`bus.tls.ca_file`",
    ]);
    std::fs::copy(scene.ours.certificate(), &trusted).unwrap();
    role.is_ready();

    scene.broker_becomes("localhost", 0);
    role.is_unready(&["the broker's certificate has expired"]);
    scene.broker_becomes("elsewhere.example", 2);
    role.is_unready(&["certificate is not for `localhost`"]);
    scene.broker_becomes("localhost", 2);
    role.is_ready();

    let attempts = role.metric("stoa_amqp_reconnects_total", "reason=\"tls\"");
    assert!((3.0..60.0).contains(&attempts), "{attempts}");
    // Said once by each of the two connections, however often it is tried.
    for news in ["has expired", "nobody who is trusted has signed"] {
        let n_warned = role.n_logged(&["\"WARN\"", news]);
        assert!((1..=2).contains(&n_warned), "{news}: {n_warned}");
    }
    assert_eq!(role.stop(), Some(0));
}

#[test]
fn amqps_trusts_what_the_system_trusts() {
    let scene = Scene::new();
    let config = bus(&scene.broker.tls_url(), "");
    Role::start("archive", &config, &[]).is_unready(&["UnknownIssuer", "`bus.tls.ca_file`"]);
    let system = scene.ours.certificate();
    Role::start("archive", &config, &[("SSL_CERT_FILE", &system)]).is_ready();
}

#[test]
fn amqps_certificate_in_place_of_a_password() {
    let scene = Scene::new();
    for command in [
        &["add_user", "stoa-archive", "nobody-knows-it"][..],
        &["set_permissions", "stoa-archive", "^$", "^$", "^archive\\."],
    ] {
        scene.broker.control(command);
    }
    let own = scene.path("own");
    let url = scene.broker.tls_url();
    let url = url.replace("guest:guest@", "") + "?auth_mechanism=external";
    let (ca, cert, key) = (
        scene.ours.certificate(),
        own.join("cert.pem"),
        own.join("key.pem"),
    );
    let files = [
        ("ca_file", &*ca),
        ("cert_file", &*cert),
        ("key_file", &*key),
    ];
    let config = bus(&url, &tls(&files));

    // The broker refuses a certificate that another authority signed.
    scene.other.issue(&own, "stoa-archive", 2);
    let role = Role::start("archive", &config, &[]);
    role.is_unready(&["the broker ended TLS", "`bus.tls.cert_file`"]);
    scene.ours.issue(&own, "nobody", 2);
    role.is_unready(&["ACCESS_REFUSED", "correct the account"]);
    scene.ours.issue(&own, "stoa-archive", 2);
    role.is_ready();
    let users = scene.broker.control(&["-q", "list_connections", "user"]);
    assert_eq!(users.matches("stoa-archive").count(), 2, "{users}");
}

#[test]
fn amqps_of_a_port_that_speaks_none() {
    let scene = Scene::new();
    let url = scene.broker.url().replace("amqp://", "amqps://");
    let ca = scene.ours.certificate();
    let role = Role::start("archive", &bus(&url, &tls(&[("ca_file", &ca)])), &[]);
    role.is_unready(&["the port for amqps:// is 5671"]);
}

#[test]
fn tls_that_can_not_work_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let ours = Authority::new(&folder.path().join("ours"));
    let other = Authority::new(&folder.path().join("other"));
    ours.issue(&folder.path().join("one"), "one", 2);
    other.issue(&folder.path().join("two"), "two", 2);
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("empty"), "").unwrap();
    let (one, two) = (path("one/cert.pem"), path("two/key.pem"));
    let (missing, empty, ca) = (path("missing"), path("empty"), ours.certificate());
    for (url, files, expected) in [
        (
            "amqps://h",
            &[("ca_file", &*missing)][..],
            &["can't read the certificate or key in", "missing"][..],
        ),
        (
            "amqps://h",
            &[("ca_file", &*empty)],
            &["`bus.tls.ca_file`", "empty", "PEM"],
        ),
        (
            "amqps://h",
            &[("cert_file", &*one)],
            &["`bus.tls.cert_file` needs `bus.tls.key_file` beside it"],
        ),
        (
            "amqps://h",
            &[("cert_file", &*one), ("key_file", &*two)],
            &["`bus.tls` can't be used", "belong together"],
        ),
        (
            "amqp://h",
            &[("ca_file", &*ca)],
            &["`bus.url` is not encrypted: begin it with amqps://"],
        ),
    ] {
        let output = refused("archive", &bus(url, &tls(files)));
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(78), "{said}");
        for part in expected {
            assert!(said.contains(part), "{part} in {said}");
        }
    }
}
