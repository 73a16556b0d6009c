//! Settings of both transports.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

use crate::Error;

/// Settings of the transport over a broker.
///
/// `Debug` shows the address without its password.
#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AmqpConfig {
    /// Address of the broker, `amqp://` or `amqps://`, with account and virtual host. Its name is
    /// looked up at each connect, and all of its addresses are tried.
    pub url: String,
    /// Further nodes of the broker's cluster, `host` or `host:port`, with all else as in `url`.
    /// Each attempt to connect goes to the next one.
    pub nodes: Vec<String>,
    /// Whom to trust and what to show over `amqps://`.
    pub tls: TlsConfig,
    /// File that holds the account's password, in place of one in the address. Read at each
    /// connect, so a password can be changed while the role runs.
    pub password_file: Option<PathBuf>,
    /// Accounts whose messages are believed, as the broker vouches for them; those of anybody else,
    /// or of nobody, are refused. None: the broker's permissions alone say who may publish.
    pub publishers: Vec<String>,
    /// Name of the role, shown by the broker; set by the process, not by a file.
    #[serde(skip)]
    pub role: String,
    /// Whether exchanges, queues and bindings are declared at start. For development: in
    /// production the definitions file of the broker has them, and the policies too.
    pub provision: bool,
    /// Messages that the broker hands out unacknowledged, spread over the role's queues. More
    /// costs memory (this times the size of a message) and gains nothing once the role is busy.
    pub prefetch: u16,
    /// Messages published and not yet confirmed. Below 200 throughput falls, above 1000 it no
    /// longer rises.
    pub confirm_window: usize,
    /// Longer than this no answer of the broker is waited for: after so long without a confirm
    /// the channel is rebuilt and what is unknown sent again, and a connection over which no
    /// channel can be opened is made anew.
    #[serde(deserialize_with = "duration")]
    pub confirm_timeout: Duration,
    /// Events in one message between Stoa's own roles. 1 sends each by itself, at a third of the
    /// throughput or less.
    pub batch_events: usize,
    /// Bytes in one message between Stoa's own roles.
    pub batch_bytes: usize,
    /// Seconds between heartbeats; a silent broker is given up after twice that.
    pub heartbeat: u16,
    /// How long a stop waits for what is in flight.
    #[serde(deserialize_with = "duration")]
    pub drain: Duration,
    /// Bytes that may be parked, counted from the oldest message that still is; beyond it what is
    /// refused waits, and everything behind it. It holds on the embedded bus, too.
    #[serde(deserialize_with = "size")]
    pub parked_bytes: u64,
}

impl AmqpConfig {
    /// Returns the account that the broker will vouch for, if the address tells.
    pub fn account(&self) -> Option<String> {
        crate::amqp::account(self)
    }
}

impl Default for AmqpConfig {
    fn default() -> Self {
        Self {
            url: "amqp://127.0.0.1:5672/%2f".to_owned(),
            nodes: Vec::new(),
            tls: TlsConfig::default(),
            password_file: None,
            publishers: Vec::new(),
            role: "stoa".to_owned(),
            provision: false,
            prefetch: 512,
            confirm_window: 500,
            confirm_timeout: Duration::from_secs(30),
            batch_events: 32,
            batch_bytes: 256 * 1024,
            heartbeat: 15,
            drain: Duration::from_secs(10),
            parked_bytes: 1 << 30,
        }
    }
}

/// Settings of TLS to the broker. Files are PEM, and are read again at each connect, so that they
/// can be changed while the role runs.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsConfig {
    /// The authorities that may have signed the broker's certificate; without it, those that the
    /// system trusts.
    pub ca_file: Option<PathBuf>,
    /// The role's own certificate, with what leads to its authority, for a broker that asks for one.
    pub cert_file: Option<PathBuf>,
    /// The key of that certificate.
    pub key_file: Option<PathBuf>,
}

impl AmqpConfig {
    /// Checks what a type can't.
    pub(crate) fn validate(&self) -> Result<(), Error> {
        let positive = [
            ("bus.prefetch", usize::from(self.prefetch)),
            ("bus.confirm_window", self.confirm_window),
            ("bus.batch_events", self.batch_events),
            ("bus.batch_bytes", self.batch_bytes),
            ("bus.heartbeat", usize::from(self.heartbeat)),
        ];
        for (setting, value) in positive {
            if value == 0 {
                return Err(Error::Setting {
                    setting,
                    reason: "must be at least 1".to_owned(),
                });
            }
        }
        if self.parked_bytes == 0 {
            return Err(Error::Setting {
                setting: "bus.parked_bytes",
                reason: "must be at least one byte: what is refused has to be kept".to_owned(),
            });
        }
        self.validate_tls()?;
        if !self.publishers.is_empty() && self.provision {
            return Err(Error::Setting {
                setting: "bus.publishers",
                reason: "refuses messages, and with `bus.provision` the broker has no policy that \
                         would keep them: import deploy/rabbitmq/definitions.json instead"
                    .to_owned(),
            });
        }
        if self.confirm_timeout.is_zero() {
            return Err(Error::Setting {
                setting: "bus.confirm_timeout",
                reason: "must be more than nothing".to_owned(),
            });
        }
        Ok(())
    }
}

impl AmqpConfig {
    /// Returns whether the address is one for TLS.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.url.starts_with("amqps://")
    }

    fn validate_tls(&self) -> Result<(), Error> {
        let TlsConfig {
            ca_file,
            cert_file,
            key_file,
        } = &self.tls;
        let refused = |setting, reason: &str| {
            Err(Error::Setting {
                setting,
                reason: reason.to_owned(),
            })
        };
        match (cert_file, key_file) {
            (Some(_), None) => refused("bus.tls.cert_file", "needs `bus.tls.key_file` beside it"),
            (None, Some(_)) => refused("bus.tls.key_file", "needs `bus.tls.cert_file` beside it"),
            _ if !self.is_encrypted() && (ca_file.is_some() || cert_file.is_some()) => refused(
                "bus.tls",
                "is set, and `bus.url` is not encrypted: begin it with amqps://, whose port is 5671",
            ),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for AmqpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AmqpConfig")
            .field("url", &without_password(&self.url))
            .field("nodes", &self.nodes)
            .field("tls", &self.tls)
            .field("password_file", &self.password_file)
            .field("publishers", &self.publishers)
            .field("role", &self.role)
            .field("provision", &self.provision)
            .field("prefetch", &self.prefetch)
            .field("confirm_window", &self.confirm_window)
            .field("confirm_timeout", &self.confirm_timeout)
            .field("batch_events", &self.batch_events)
            .field("batch_bytes", &self.batch_bytes)
            .field("heartbeat", &self.heartbeat)
            .field("drain", &self.drain)
            .field("parked_bytes", &self.parked_bytes)
            .finish()
    }
}

/// Returns an address without the account in it, fit for a log.
pub(crate) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return "[redacted]".to_owned();
    };
    // The last `@` ends the account: a password may hold an `@` that was not escaped.
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let host = host.split_once('?').map_or(host, |(host, _)| host);
    format!("{scheme}://{host}")
}

/// Settings of the transport inside one process.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EmbeddedConfig {
    /// Bytes of one segment of a journal; what all readers have passed is dropped by segments.
    pub segment_bytes: u64,
    /// Events in one record.
    pub batch_events: usize,
    /// Bytes of events in one record.
    pub batch_bytes: usize,
    /// Bytes of disk that are left free: what would take more waits.
    pub reserve_bytes: u64,
}

impl Default for EmbeddedConfig {
    fn default() -> Self {
        Self {
            segment_bytes: 64 * 1024 * 1024,
            batch_events: 32,
            batch_bytes: 256 * 1024,
            reserve_bytes: 0,
        }
    }
}

/// How much a handler is given at a time.
#[derive(Clone, Copy, Debug)]
pub struct BatchLimits {
    /// The most messages.
    pub max_messages: usize,
    /// The most bytes of bodies; one message is always given.
    pub max_bytes: usize,
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self {
            max_messages: 512,
            max_bytes: 16 * 1024 * 1024,
        }
    }
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_duration(&text).ok_or_else(|| {
        de::Error::custom(format!(
            "`{text}` is not a duration: write it like \"30s\", \"5m\" or \"250ms\""
        ))
    })
}

fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(split)?;
    let number: u64 = number.parse().ok()?;
    let millis = match unit.trim() {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.checked_mul(millis).map(Duration::from_millis)
}

fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_size(&text).ok_or_else(|| {
        de::Error::custom(format!(
            "`{text}` is not a size: write it like \"64 MiB\" or \"1 GiB\""
        ))
    })
}

fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(split)?;
    let number: u64 = number.parse().ok()?;
    let bytes = match unit.trim() {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return None,
    };
    number.checked_mul(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for (url, shown) in [
            ("amqp://user:secret@host:5672/%2f", "amqp://host:5672/%2f"),
            ("amqps://user:se@cret@host", "amqps://host"),
            ("amqp://host/%2f?password=secret", "amqp://host/%2f"),
            ("amqp:secret", "[redacted]"),
        ] {
            assert_eq!(without_password(url), shown);
            let config = AmqpConfig {
                url: url.to_owned(),
                ..AmqpConfig::default()
            };
            assert!(!format!("{config:?}").contains("cret"), "{config:?}");
        }
    }

    #[test]
    fn settings_that_contradict_each_other_are_named() {
        let some = || Some(PathBuf::from("file.pem"));
        let default = AmqpConfig::default;
        let tls = |ca_file, cert_file, key_file| TlsConfig {
            ca_file,
            cert_file,
            key_file,
        };
        for (config, expected) in [
            (
                AmqpConfig {
                    tls: tls(some(), None, None),
                    ..default()
                },
                "`bus.tls` is set, and `bus.url` is not encrypted: begin it with amqps://, whose \
                 port is 5671",
            ),
            (
                AmqpConfig {
                    tls: tls(None, some(), None),
                    url: "amqps://one".to_owned(),
                    ..default()
                },
                "`bus.tls.cert_file` needs `bus.tls.key_file` beside it",
            ),
            (
                AmqpConfig {
                    tls: tls(None, None, some()),
                    url: "amqps://one".to_owned(),
                    ..default()
                },
                "`bus.tls.key_file` needs `bus.tls.cert_file` beside it",
            ),
            (
                AmqpConfig {
                    publishers: vec!["stoa-ingest".to_owned()],
                    provision: true,
                    ..default()
                },
                "`bus.publishers` refuses messages, and with `bus.provision` the broker has no \
                 policy that would keep them: import deploy/rabbitmq/definitions.json instead",
            ),
        ] {
            assert_eq!(config.validate().unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn durations_have_units() {
        for (text, millis) in [
            ("30s", Some(30_000)),
            ("250ms", Some(250)),
            ("5 m", Some(300_000)),
            ("30", None),
            ("", None),
            ("s", None),
        ] {
            assert_eq!(
                parse_duration(text),
                millis.map(Duration::from_millis),
                "{text}"
            );
        }
    }

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in [
            ("1 GiB", Some(1 << 30)),
            ("64MiB", Some(1 << 26)),
            ("10 B", Some(10)),
            ("10", None),
            ("GiB", None),
            ("99999999999 TiB", None),
        ] {
            assert_eq!(parse_size(text), bytes, "{text}");
        }
    }

    #[test]
    fn nothing_can_be_zero() {
        let config = AmqpConfig {
            confirm_window: 0,
            ..AmqpConfig::default()
        };
        let error = config.validate().unwrap_err();
        assert_eq!(error.to_string(), "`bus.confirm_window` must be at least 1");
    }
}
