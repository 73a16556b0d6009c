//! The broker's accounts as they are deployed: what each may do, and that the roles need no more.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't go on has failed"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use lapin::options::{
    BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions,
    ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
    QueuePurgeOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, ErrorKind, ExchangeKind};
use serde_json::Value;
use stoa_tests::deploy::{init, repository};
use stoa_tests::role::Role;
use stoa_tests::{Node, eventually, needed, stoa};
use tokio::runtime::Runtime;

/// A broker that got its definitions as in a deployment, from secrets that were made for it.
struct Deployment {
    broker: Node,
    secrets: PathBuf,
}

impl Deployment {
    fn new() -> Self {
        let broker = Node::prepared(|node| {
            let secrets = node.join("secrets");
            init(&repository().join("deploy/rabbitmq"), &secrets);
            let definitions = secrets.join("rabbitmq");
            let lines = format!(
                "definitions.import_backend = local_filesystem\n\
                 definitions.local.path = {}\n\
                 definitions.skip_if_unchanged = true\n",
                definitions.display()
            );
            std::fs::write(node.join("extra.conf"), lines).unwrap();
        });
        let secrets = broker.folder().join("secrets");
        Self { broker, secrets }
    }

    /// The port of the broker.
    fn port(&self) -> String {
        let url = self.broker.url();
        let (_, rest) = url.rsplit_once(':').unwrap();
        rest.split('/').next().unwrap().to_owned()
    }

    /// The URL of an account, by its folder among the secrets.
    fn url(&self, folder: &str) -> String {
        let url = std::fs::read_to_string(self.secrets.join(folder).join("amqp-url")).unwrap();
        url.trim().replace(":5672", &format!(":{}", self.port()))
    }

    /// The configuration that is shipped for a role, at this broker.
    fn config(&self, name: &str) -> String {
        let shipped = repository().join(format!("deploy/config/{name}.toml"));
        let own = self.secrets.join(name);
        std::fs::read_to_string(shipped)
            .unwrap()
            .replace("/run/secrets", own.to_str().unwrap())
            .replace("rabbitmq:5672", &format!("127.0.0.1:{}", self.port()))
    }

    /// Starts a role with the configuration that is shipped for it.
    fn role(&self, name: &str) -> Role {
        Role::start(name, &self.config(name), &[])
    }

    fn secret(&self, path: &str) -> String {
        let text = std::fs::read_to_string(self.secrets.join(path)).unwrap();
        text.trim().to_owned()
    }
}

/// The connection of an account, which tries what the account may not do.
struct Attempts {
    runtime: Runtime,
    connection: Connection,
}

impl Attempts {
    fn connect(url: &str) -> Result<Self, u16> {
        let runtime = Runtime::new().unwrap();
        let connecting = Connection::connect(url, ConnectionProperties::default());
        let connection = runtime.block_on(connecting).map_err(|error| code(&error))?;
        Ok(Self {
            runtime,
            connection,
        })
    }

    /// Tries something on a channel of its own; returns the broker's code, or 200.
    fn try_to(&self, act: impl AsyncFnOnce(&Channel) -> lapin::Result<()>) -> u16 {
        self.runtime.block_on(async {
            let channel = self.connection.create_channel().await.unwrap();
            let acted = act(&channel).await;
            if channel.status().connected() {
                channel.close(200, "".into()).await.unwrap();
            }
            acted.map_or_else(|error| code(&error), |()| 200)
        })
    }

    fn publish(&self, exchange: &str, properties: BasicProperties) -> u16 {
        self.try_to(async |channel| {
            channel
                .confirm_select(ConfirmSelectOptions::default())
                .await?;
            let options = BasicPublishOptions::default();
            let key = "nowhere".into();
            let confirm = channel
                .basic_publish(exchange.into(), key, options, b"{}", properties)
                .await?;
            confirm.await.map(|_| ())
        })
    }

    fn consume(&self, queue: &str) -> u16 {
        let (options, none) = (BasicConsumeOptions::default(), FieldTable::default());
        self.try_to(async |channel| {
            channel
                .basic_consume(queue.into(), "".into(), options, none)
                .await
                .map(|_| ())
        })
    }

    fn purge(&self, queue: &str) -> u16 {
        self.try_to(async |channel| {
            let options = QueuePurgeOptions::default();
            channel.queue_purge(queue.into(), options).await.map(|_| ())
        })
    }

    /// Tries to change the topology; returns the codes by what was tried.
    fn configure(&self, queue: &str, exchange: &str) -> BTreeMap<&'static str, u16> {
        let none = FieldTable::default;
        let (q, x) = (|| queue.into(), || exchange.into());
        let durable = QueueDeclareOptions {
            durable: true,
            ..QueueDeclareOptions::default()
        };
        BTreeMap::from([
            (
                "declare a queue",
                self.try_to(async |channel| {
                    let declared = channel.queue_declare("platform.other".into(), durable, none());
                    declared.await.map(|_| ())
                }),
            ),
            (
                "declare an exclusive queue",
                self.try_to(async |channel| {
                    let options = QueueDeclareOptions {
                        exclusive: true,
                        ..QueueDeclareOptions::default()
                    };
                    let declared = channel.queue_declare("".into(), options, none());
                    declared.await.map(|_| ())
                }),
            ),
            (
                "delete a queue",
                self.try_to(async |channel| {
                    let options = QueueDeleteOptions::default();
                    channel.queue_delete(q(), options).await.map(|_| ())
                }),
            ),
            (
                "declare an exchange",
                self.try_to(async |channel| {
                    let options = ExchangeDeclareOptions::default();
                    let kind = ExchangeKind::Topic;
                    channel
                        .exchange_declare("stoa.other".into(), kind, options, none())
                        .await
                }),
            ),
            (
                "delete an exchange",
                self.try_to(async |channel| {
                    let options = ExchangeDeleteOptions::default();
                    channel.exchange_delete(x(), options).await
                }),
            ),
            (
                "bind",
                self.try_to(async |channel| {
                    let options = QueueBindOptions::default();
                    channel
                        .queue_bind(q(), x(), "#".into(), options, none())
                        .await
                }),
            ),
            (
                "unbind",
                self.try_to(async |channel| {
                    channel.queue_unbind(q(), x(), "s.00".into(), none()).await
                }),
            ),
        ])
    }
}

/// The broker's code of an error.
fn code(error: &lapin::Error) -> u16 {
    match error.kind() {
        ErrorKind::ProtocolError(error) => error.get_id(),
        _ => panic!("not the broker's: {error}"),
    }
}

/// What an account may do, written down apart from where the permissions are made.
struct May {
    folder: &'static str,
    publish_to: &'static [&'static str],
    /// What its queues begin with.
    read: &'static str,
}

const MATRIX: [May; 4] = [
    May {
        folder: "ingest",
        publish_to: &["stoa.content", "stoa.rejected"],
        read: "ingest.",
    },
    May {
        folder: "moderation-rules",
        publish_to: &["stoa.decisions", "stoa.inbox", "stoa.outcomes"],
        read: "moderation.q.",
    },
    May {
        folder: "archive",
        publish_to: &["stoa.inbox", "stoa.outcomes"],
        read: "archive.q.",
    },
    May {
        folder: "platform/courrier",
        publish_to: &["stoa.inbox"],
        read: "platform.courrier",
    },
];

#[test]
fn amqp_each_account_may_do_what_it_must_and_nothing_else() {
    let deployment = Deployment::new();
    let of = |what: &str, name: &str| {
        let listed = deployment
            .broker
            .control(&["-q", "--no-table-headers", what, name]);
        listed
            .lines()
            .map(|line| line.trim().to_owned())
            .collect::<Vec<_>>()
    };
    // The default exchange has no name here, and needs one in a permission.
    let exchanges: Vec<String> = of("list_exchanges", "name");
    let queues = of("list_queues", "name");
    assert!(
        exchanges.len() >= 14 && queues.len() == 20,
        "{exchanges:?} {queues:?}"
    );
    for may in MATRIX {
        let account = Attempts::connect(&deployment.url(may.folder)).unwrap();
        for exchange in &exchanges {
            let allowed = may.publish_to.contains(&exchange.as_str());
            let expected = if allowed { 200 } else { 403 };
            let found = account.publish(exchange, BasicProperties::default());
            assert_eq!(found, expected, "{}: publish to `{exchange}`", may.folder);
        }
        for queue in &queues {
            let allowed = queue.starts_with(may.read);
            let expected = if allowed { 200 } else { 403 };
            let found = (account.consume(queue), account.purge(queue));
            assert_eq!(
                found,
                (expected, expected),
                "{}: read `{queue}`",
                may.folder
            );
        }
        let own = queues
            .iter()
            .find(|queue| queue.starts_with(may.read))
            .unwrap();
        let exchange = may.publish_to.first().unwrap_or(&"stoa.content");
        for (what, found) in account.configure(own, exchange) {
            assert_eq!(found, 403, "{}: {what}", may.folder);
        }
        // Nobody passes for somebody else.
        if let Some(exchange) = may.publish_to.first() {
            let named =
                |user: &str| BasicProperties::default().with_user_id(user.to_owned().into());
            assert_eq!(
                account.publish(exchange, named("stoa-operator")),
                406,
                "{exchange}"
            );
        }
    }
    eventually("what has no queue is kept", || {
        let held = deployment
            .broker
            .control(&["-q", "list_queues", "name", "messages"]);
        held.contains("stoa.unrouted\t3")
    });
    let guest = deployment.broker.url();
    assert_eq!(Attempts::connect(&guest).err(), Some(403), "guest gets in");
}

#[test]
fn amqp_roles_need_no_more_than_their_accounts() {
    let deployment = Deployment::new();
    let roles = ["ingest", "moderation-rules", "archive"].map(|name| deployment.role(name));
    for role in &roles {
        role.is_ready();
    }
    let ingest = format!("http://127.0.0.1:{}", roles[0].port);
    let sample = repository().join("cli/sample/thread.events.jsonl");
    let token = deployment.secret("platform/publisher-token");
    let sent = stoa(&[
        "publish",
        sample.to_str().unwrap(),
        "--to",
        &ingest,
        "--token",
        &token,
        "--json",
    ]);
    // One of its events is to be refused.
    let report: Value = serde_json::from_slice(&sent.stdout).unwrap();
    assert_eq!(report["accepted"], 27, "{report}");
    let archived = || {
        let client = reqwest::blocking::Client::new();
        let url = format!(
            "http://127.0.0.1:{}/v1/sites/lavallee/threads/valmorin-ligne-d",
            roles[2].port
        );
        let token = deployment.secret("operator/moderator-token");
        let answer = client.get(url).bearer_auth(token).send();
        answer
            .and_then(reqwest::blocking::Response::json)
            .unwrap_or(Value::Null)
    };
    eventually("the decided thread in the archive", || {
        stoa_tests::decided(&archived()) >= 20
    });

    // The platform publishes, and hears of what became of it.
    let output = Command::new(needed("STOA_TEST_PYTHON"))
        .arg(repository().join("tests/pika/publish.py"))
        .args([
            &deployment.url("platform/courrier"),
            sample.to_str().unwrap(),
            "structured",
        ])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let waiting = || {
        let listed = deployment
            .broker
            .control(&["-q", "list_queues", "name", "messages"]);
        let line = listed
            .lines()
            .find(|line| line.starts_with("platform.courrier"));
        let count = line.and_then(|line| line.rsplit('\t').next()?.trim().parse::<u32>().ok());
        count.unwrap_or_default()
    };
    // The decisions, and the refusal that came twice.
    eventually("decisions for the platform", || waiting() >= 22);

    // What did not come from the account of another role is not believed, whoever could send it.
    let operator = Attempts::connect(&deployment.url("operator")).unwrap();
    let shard = |channel: Channel, properties| async move {
        let options = BasicPublishOptions::default();
        let exchange = "stoa.content".into();
        let publishing = channel.basic_publish(exchange, "s.00".into(), options, b"{}", properties);
        publishing.await?.await.map(|_| ())
    };
    for properties in [
        BasicProperties::default(),
        BasicProperties::default().with_user_id("stoa-operator".into()),
    ] {
        let sent = operator.try_to(async |channel| shard(channel.clone(), properties).await);
        assert_eq!(sent, 200);
    }
    for role in &roles[1..] {
        eventually("strangers are refused", || {
            role.metric("stoa_consumer_strangers_total", "q.0") >= 2.0
        });
    }
    let parked = || {
        deployment
            .broker
            .control(&["-q", "list_queues", "name", "messages"])
    };
    eventually("they are parked", || parked().contains("stoa.parked\t4"));
}

/// A role with the account of a deployment, over queues that are not as they should be.
#[test]
fn amqp_roles_name_what_is_wrong_with_the_broker() {
    let deployment = Deployment::new();
    let operator = Attempts::connect(&deployment.url("operator")).unwrap();
    let delete = |queue: &str| {
        operator.try_to(async |channel| {
            let options = QueueDeleteOptions::default();
            channel
                .queue_delete(queue.into(), options)
                .await
                .map(|_| ())
        })
    };
    let declare = |queue: &str, arguments: FieldTable| {
        operator.try_to(async |channel| {
            let options = QueueDeclareOptions {
                durable: true,
                ..QueueDeclareOptions::default()
            };
            let declared = channel.queue_declare(queue.into(), options, arguments);
            declared.await.map(|_| ())
        })
    };
    let kind = |quorum: bool, single: bool| {
        let mut arguments = FieldTable::default();
        let kind = if quorum { "quorum" } else { "classic" };
        arguments.insert(
            "x-queue-type".into(),
            lapin::types::AMQPValue::LongString(kind.into()),
        );
        if single {
            let single = lapin::types::AMQPValue::Boolean(true);
            arguments.insert("x-single-active-consumer".into(), single);
        }
        arguments
    };
    assert_eq!(delete("archive.q.3"), 200);
    let mut archive = deployment.role("archive");
    let import = "import deploy/rabbitmq/definitions.json";
    archive.is_unready(&["`archive.q.3`", "NOT_FOUND", import]);
    for arguments in [kind(true, false), kind(false, true), kind(false, false)] {
        assert_eq!(declare("archive.q.3", arguments), 200);
        let words = ["`archive.q.3`", "`x-queue-type`", "`quorum`", import];
        archive.is_unready(&words);
        archive.is_unready(&["`x-single-active-consumer`"]);
        // A message that waits is not taken out at each attempt.
        let sent = operator.try_to(async |channel| {
            let options = BasicPublishOptions::default();
            let (exchange, key) = ("".into(), "archive.q.3".into());
            let properties = BasicProperties::default();
            let publishing = channel.basic_publish(exchange, key, options, b"{}", properties);
            publishing.await.map(|_| ())
        });
        assert_eq!(sent, 200);
        std::thread::sleep(std::time::Duration::from_secs(2));
        archive.is_unready(&words);
        assert_eq!(delete("archive.q.3"), 200);
        archive.is_unready(&["`archive.q.3`", "NOT_FOUND"]);
    }
    assert_eq!(declare("archive.q.3", kind(true, true)), 200);
    archive.is_ready();
    let attempts = archive.metric("stoa_amqp_reconnects_total", "reason=\"queue\"");
    assert!(attempts < 60.0, "it does not loop hot: {attempts}");
    assert_eq!(archive.stop(), Some(0));

    let ingest = deployment.role("ingest");
    ingest.is_ready();
    let deleted = operator.try_to(async |channel| {
        let options = ExchangeDeleteOptions::default();
        channel
            .exchange_delete("stoa.content".into(), options)
            .await
    });
    assert_eq!(deleted, 200);
    let sample = repository().join("cli/sample/thread.events.jsonl");
    let (url, token) = (
        format!("http://127.0.0.1:{}", ingest.port),
        deployment.secret("platform/publisher-token"),
    );
    stoa(&[
        "publish",
        sample.to_str().unwrap(),
        "--to",
        &url,
        "--token",
        &token,
    ]);
    // It stays ready: it accepts what its budget allows.
    ingest.logs("the exchange `stoa.content` can't be used");
}

#[test]
fn amqp_a_login_that_is_refused_says_what_to_correct() {
    let deployment = Deployment::new();
    let address = format!("127.0.0.1:{}", deployment.port());
    let archive = deployment.secret("archive/amqp-password");
    for (url, words) in [
        (
            format!("amqp://stoa-archive:wrong@{address}/%2f"),
            [
                "ACCESS_REFUSED",
                "correct the account in `bus.url`, or its password",
            ],
        ),
        (
            format!("amqp://stoa-archive:{archive}@{address}/other"),
            [
                "vhost other not found",
                "correct the virtual host at the end of `bus.url`",
            ],
        ),
    ] {
        let config = format!("open = true\n[bus]\nurl = {url:?}\n");
        let role = Role::start("archive", &config, &[]);
        role.is_unready(&words);
        assert!(role.metric("stoa_amqp_reconnects_total", "refused") < 30.0);
    }
    // A node that is away does not matter while another is there.
    let config = format!(
        "open = true\n[bus]\nurl = \"amqp://stoa-archive:{archive}@127.0.0.1:1/%2f\"\n\
         nodes = [\"127.0.0.1:2\", \"localhost:{}\"]\n",
        deployment.port()
    );
    Role::start("archive", &config, &[]).is_ready();
}

#[test]
fn amqp_the_doctor_finds_what_the_broker_lacks() {
    let deployment = Deployment::new();
    let folder = deployment.secrets.join("configurations");
    std::fs::create_dir(&folder).unwrap();
    for name in ["ingest", "moderation-rules", "archive"] {
        // Nothing runs here, and what is /data in a container is a folder of the test's.
        let config = deployment
            .config(name)
            .replace("\"/data\"", &format!("{:?}", folder.join(name)));
        std::fs::write(folder.join(format!("{name}.toml")), config).unwrap();
    }
    let examine = || -> Vec<(String, String, String)> {
        let output = stoa(&["doctor", "--config", folder.to_str().unwrap(), "--json"]);
        let checks: Value = serde_json::from_slice(&output.stdout).unwrap();
        let checks = checks.as_array().unwrap().iter();
        let text = |check: &Value, name: &str| check[name].as_str().unwrap().to_owned();
        let failed: Vec<_> = checks
            .filter(|check| check["state"] == "failed")
            .map(|check| {
                (
                    text(check, "role"),
                    text(check, "check"),
                    text(check, "finding"),
                )
            })
            .collect();
        assert_eq!(output.status.code(), Some(i32::from(!failed.is_empty())));
        failed
    };
    assert_eq!(examine(), [], "as it is deployed");

    let broker = &deployment.broker;
    broker.control(&[
        "set_permissions",
        "stoa-archive",
        "^$",
        "^stoa\\.inbox$",
        ".*",
    ]);
    broker.control(&["delete_queue", "moderation.q.3"]);
    broker.control(&["change_password", "stoa-ingest", "another"]);
    let failed = examine();
    let found: Vec<(&str, &str)> = failed
        .iter()
        .map(|(role, check, _)| (&**role, &**check))
        .collect();
    let wanted = [
        ("ingest", "broker"),
        ("moderation-rules", "queue moderation.q.3"),
        ("archive", "exchange stoa.outcomes"),
    ];
    assert_eq!(found, wanted, "{failed:#?}");
    let remedies = ["or its password", "definitions.json", "accounts.tsv"];
    for ((_, _, finding), remedy) in failed.iter().zip(remedies) {
        assert!(finding.contains(remedy), "{finding}");
    }
}
