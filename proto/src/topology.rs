//! The broker's exchanges, queues, bindings, policies and accounts, as data.
//!
//! Everything that names an exchange or a queue takes the name from here.
//! `deploy/rabbitmq/definitions.json` is generated from it.

use serde_json::{Value, json};

use crate::shard::{GROUPS, SHARDS, Shard};

/// An exchange that events are published to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Exchange {
    /// What platforms publish.
    Inbox,
    /// What ingest accepted, by shard.
    Content,
    /// Decisions and cases for the archive, by shard, in batches.
    Outcomes,
    /// Decisions for platforms, one event a message, by `<site>.<verdict>`.
    Decisions,
    /// Refusals for platforms, by code.
    Rejected,
}

impl Exchange {
    /// All exchanges that events are published to.
    pub const ALL: [Self; 5] = [
        Self::Inbox,
        Self::Content,
        Self::Outcomes,
        Self::Decisions,
        Self::Rejected,
    ];

    /// Returns the name on the broker.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inbox => "stoa.inbox",
            Self::Content => "stoa.content",
            Self::Outcomes => "stoa.outcomes",
            Self::Decisions => "stoa.decisions",
            Self::Rejected => "stoa.rejected",
        }
    }

    /// Returns the exchange's type on the broker.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Inbox => "fanout",
            Self::Content | Self::Outcomes => "direct",
            Self::Decisions | Self::Rejected => "topic",
        }
    }

    /// Returns whether an event that no queue takes is a failure.
    ///
    /// Nobody has to listen to decisions and refusals; everything else must arrive.
    pub fn mandatory(self) -> bool {
        matches!(self, Self::Inbox | Self::Content | Self::Outcomes)
    }

    /// Returns whether several events may travel in one message.
    pub fn batched(self) -> bool {
        matches!(self, Self::Content | Self::Outcomes)
    }
}

/// A role that reads queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reader {
    /// Reads the inbox.
    Ingest,
    /// Reads content.
    Moderation,
    /// Reads content and outcomes.
    Archive,
}

impl Reader {
    /// All readers.
    pub const ALL: [Self; 3] = [Self::Ingest, Self::Moderation, Self::Archive];

    /// Returns the name that its queues begin with.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Moderation => "moderation",
            Self::Archive => "archive",
        }
    }

    /// Returns the names of its queues.
    pub fn queues(self) -> Vec<String> {
        match self {
            Self::Ingest => vec!["ingest.inbox".to_owned()],
            Self::Moderation | Self::Archive => {
                (0..GROUPS).map(|group| self.queue(group)).collect()
            }
        }
    }

    fn queue(self, group: u8) -> String {
        format!("{}.q.{group}", self.name())
    }

    /// Returns the exchanges that its queues are bound to.
    pub fn exchanges(self) -> &'static [Exchange] {
        match self {
            Self::Ingest => &[Exchange::Inbox],
            Self::Moderation => &[Exchange::Content],
            Self::Archive => &[Exchange::Content, Exchange::Outcomes],
        }
    }

    /// Returns the exchanges that the role publishes to, which its account must be allowed to.
    pub fn publishes_to(self) -> &'static [Exchange] {
        match self {
            Self::Ingest => &[Exchange::Content, Exchange::Rejected],
            Self::Moderation => &[Exchange::Decisions, Exchange::Inbox, Exchange::Outcomes],
            Self::Archive => &[Exchange::Inbox, Exchange::Outcomes],
        }
    }
}

/// The exchange that takes what a shard exchange can't route.
pub const UNROUTED: &str = "stoa.unrouted";
/// The exchange that takes what the broker handed out too often without an answer.
pub const DEAD_LETTERS: &str = "stoa.dlx";
/// The queue of that. What a reader refuses, its role keeps itself.
pub const PARKED: &str = "stoa.parked";

/// Something to declare on a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Declaration {
    /// A durable exchange.
    Exchange {
        /// The name.
        name: String,
        /// `direct`, `fanout` or `topic`.
        kind: &'static str,
    },
    /// A durable quorum queue.
    Queue {
        /// The name.
        name: String,
        /// Whether one consumer at a time is served, the others wait.
        single_active_consumer: bool,
    },
    /// A binding of a queue to an exchange.
    Binding {
        /// The exchange's name.
        exchange: String,
        /// The queue's name.
        queue: String,
        /// The key.
        routing_key: String,
    },
}

/// Returns all declarations, in an order in which they can be made.
pub fn declarations() -> Vec<Declaration> {
    let exchange = |name: &str, kind| Declaration::Exchange {
        name: name.to_owned(),
        kind,
    };
    let queue = |name: &str, single_active_consumer| Declaration::Queue {
        name: name.to_owned(),
        single_active_consumer,
    };
    let binding = |exchange: &str, queue: &str, key: &str| Declaration::Binding {
        exchange: exchange.to_owned(),
        queue: queue.to_owned(),
        routing_key: key.to_owned(),
    };
    let mut all: Vec<Declaration> = Exchange::ALL
        .iter()
        .map(|e| exchange(e.name(), e.kind()))
        .collect();
    all.push(exchange(UNROUTED, "fanout"));
    all.push(exchange(DEAD_LETTERS, "topic"));
    for reader in Reader::ALL {
        all.extend(reader.queues().iter().map(|name| queue(name, true)));
    }
    all.push(queue(UNROUTED, false));
    all.push(queue(PARKED, false));
    for reader in Reader::ALL {
        for from in reader.exchanges() {
            if *from == Exchange::Inbox {
                all.extend(
                    reader
                        .queues()
                        .iter()
                        .map(|name| binding(from.name(), name, "")),
                );
                continue;
            }
            for shard in (0..SHARDS).filter_map(Shard::from_index) {
                let name = reader.queue(shard.group());
                all.push(binding(from.name(), &name, &shard.routing_key()));
            }
        }
    }
    all.push(binding(UNROUTED, UNROUTED, ""));
    all.push(binding(DEAD_LETTERS, PARKED, "#"));
    all
}

/// A broker account of a role, with the least that it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// The account's name.
    pub user: &'static str,
    /// The regular expression of what it may declare: nothing.
    pub configure: &'static str,
    /// The regular expression of what it may publish to.
    pub write: &'static str,
    /// The regular expression of what it may read.
    pub read: &'static str,
}

/// The accounts of the roles.
pub const ACCOUNTS: [Account; 3] = [
    Account {
        user: "stoa-ingest",
        configure: "^$",
        write: r"^stoa\.(content|rejected)$",
        read: r"^ingest\.inbox$",
    },
    Account {
        user: "stoa-moderation-rules",
        configure: "^$",
        // Into the inbox go the appeals that authors write on its page.
        write: r"^stoa\.(decisions|inbox|outcomes)$",
        read: r"^moderation\.q\.[0-9]+$",
    },
    Account {
        user: "stoa-archive",
        configure: "^$",
        // Its checkpoints and what becomes of redactions, which come back to it: nobody else reads
        // what is published there; and to all roles, by way of ingest, what is to be erased.
        write: r"^stoa\.(inbox|outcomes)$",
        read: r"^archive\.q\.[0-9]+$",
    },
];

/// Generates the definitions file of a broker: exchanges, queues, bindings and policies.
///
/// All that can be tuned is a policy, so that a change needs no new queue.
/// Accounts are not in it: their passwords are made where it is deployed.
pub fn definitions() -> Value {
    let (mut exchanges, mut queues, mut bindings) = (vec![], vec![], vec![]);
    for declaration in declarations() {
        match declaration {
            Declaration::Exchange { name, kind } => exchanges.push(json!({
                "name": name, "vhost": "/", "type": kind, "durable": true,
                "auto_delete": false, "internal": false, "arguments": {},
            })),
            Declaration::Queue {
                name,
                single_active_consumer,
            } => {
                let mut arguments = json!({"x-queue-type": "quorum"});
                if single_active_consumer && let Some(map) = arguments.as_object_mut() {
                    map.insert("x-single-active-consumer".into(), true.into());
                }
                queues.push(json!({
                    "name": name, "vhost": "/", "durable": true, "auto_delete": false,
                    "arguments": arguments,
                }));
            }
            Declaration::Binding {
                exchange,
                queue,
                routing_key,
            } => bindings.push(json!({
                "source": exchange, "vhost": "/", "destination": queue,
                "destination_type": "queue", "routing_key": routing_key, "arguments": {},
            })),
        }
    }
    json!({
        "vhosts": [{"name": "/"}],
        "exchanges": exchanges,
        "queues": queues,
        "bindings": bindings,
        "policies": [
            {
                "name": "stoa-work", "vhost": "/", "apply-to": "queues", "priority": 10,
                "pattern": r"^(ingest\.inbox|(moderation|archive)\.q\.[0-9]+)$",
                "definition": {
                    "delivery-limit": 10,
                    "dead-letter-exchange": DEAD_LETTERS,
                    "dead-letter-strategy": "at-least-once",
                    "overflow": "reject-publish",
                    "max-length-bytes": 4_294_967_296_u64,
                },
            },
            {
                "name": "stoa-evidence", "vhost": "/", "apply-to": "queues", "priority": 10,
                "pattern": r"^stoa\.(parked|unrouted)$",
                "definition": {"delivery-limit": 1_000_000},
            },
            // A platform that never reads loses its oldest decisions, and holds up nobody.
            {
                "name": "stoa-platforms", "vhost": "/", "apply-to": "queues", "priority": 10,
                "pattern": r"^platform\.",
                "definition": {
                    "delivery-limit": 1_000_000,
                    "overflow": "drop-head",
                    "max-length-bytes": 1_073_741_824_u64,
                },
            },
            {
                "name": "stoa-routing", "vhost": "/", "apply-to": "exchanges", "priority": 10,
                "pattern": r"^stoa\.(inbox|content|outcomes)$",
                "definition": {"alternate-exchange": UNROUTED},
            },
        ],
    })
}

/// Generates what a platform adds to a broker's definitions: an account that may publish to the
/// inbox and read its own queue, and the queue, with the decisions about its sites and, if it
/// wants them, the refusals of all.
///
/// The name is of lower-case letters, digits and `-`: it is part of a regular expression.
pub fn platform(name: &str, sites: &[&str], refusals: bool) -> Value {
    let queue = format!("platform.{name}");
    let binding = |exchange: Exchange, key: &str| {
        json!({
            "source": exchange.name(), "vhost": "/", "destination": queue,
            "destination_type": "queue", "routing_key": key, "arguments": {},
        })
    };
    let keys = sites
        .iter()
        .map(|site| format!("{}.*", site.replace('.', "_")));
    let decisions = keys.map(|key| binding(Exchange::Decisions, &key));
    let refusals = refusals.then(|| binding(Exchange::Rejected, "#"));
    json!({
        "permissions": [{
            "user": format!("platform-{name}"), "vhost": "/",
            "configure": "^$",
            "write": r"^stoa\.inbox$",
            "read": format!(r"^platform\.{name}$"),
        }],
        "queues": [{
            "name": queue, "vhost": "/", "durable": true, "auto_delete": false,
            "arguments": {"x-queue-type": "quorum"},
        }],
        "bindings": decisions.chain(refusals).collect::<Vec<_>>(),
    })
}
