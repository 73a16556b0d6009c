//! Where the broker is, and as whom it is spoken to.

use lapin::uri::{AMQPUri, SASLMechanism};

use crate::config::without_password;
use crate::{AmqpConfig, Error};

/// Reads the address of one of the broker's nodes, with the password of its file. Turns go round
/// all nodes.
pub(super) fn address(config: &AmqpConfig, turn: usize) -> Result<AMQPUri, Error> {
    let mut uri: AMQPUri = config.url.parse().map_err(|reason| Error::Url { reason })?;
    let shown = without_password(&config.url);
    let (_, own) = shown.split_once("://").unwrap_or_default();
    let own = own.split('/').next().unwrap_or_default();
    // The client takes an IPv6 address for none at all.
    if own.starts_with('[')
        && let Some((host, _)) = host_and_port(own)
    {
        uri.authority.host = host;
    }
    if let Some(at) = (turn % (config.nodes.len() + 1)).checked_sub(1)
        && let Some(node) = config.nodes.get(at)
    {
        let (host, port) = host_and_port(node).ok_or_else(|| Error::Setting {
            setting: "bus.nodes",
            reason: format!("has `{node}`, which is neither `host` nor `host:port`"),
        })?;
        uri.authority.host = host;
        uri.authority.port = port.unwrap_or_else(|| uri.scheme.default_port());
    }
    if let Some(path) = &config.password_file {
        let password = std::fs::read_to_string(path).map_err(|source| Error::File {
            action: "read the password in",
            path: path.clone(),
            source,
        })?;
        password
            .trim_end_matches(['\r', '\n'])
            .clone_into(&mut uri.authority.userinfo.password);
    }
    uri.query.heartbeat.get_or_insert(config.heartbeat);
    Ok(uri)
}

/// Returns the account that the broker will vouch for. With a client certificate in place of a
/// password the broker makes its name of the certificate, and only an address that has it tells.
pub(crate) fn account(config: &AmqpConfig) -> Option<String> {
    let uri: AMQPUri = config.url.parse().ok()?;
    let by_certificate = uri.query.auth_mechanism == Some(SASLMechanism::External);
    (!by_certificate || config.url.contains('@')).then_some(uri.authority.userinfo.username)
}

/// Splits `host`, `host:port` or `[IPv6]:port`.
fn host_and_port(text: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            (host, rest.strip_prefix(':'))
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let odd = |c: char| c.is_whitespace() || "/@?#".contains(c);
    if host.is_empty() || host.contains(odd) {
        return None;
    }
    let port = match port {
        Some(port) => Some(port.parse().ok()?),
        None => None,
    };
    Some((host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: &str, nodes: &[&str]) -> AmqpConfig {
        AmqpConfig {
            url: url.to_owned(),
            nodes: nodes.iter().copied().map(str::to_owned).collect(),
            ..AmqpConfig::default()
        }
    }

    #[test]
    fn turns_go_round_all_nodes() {
        let config = config(
            "amqps://stoa@one:5670/v",
            &["two", "three:99", "[fd00::4]:7"],
        );
        let reached: Vec<String> = (0..5)
            .map(|turn| {
                let uri = address(&config, turn).unwrap();
                assert_eq!(uri.authority.userinfo.username, "stoa");
                assert_eq!(uri.vhost, "v");
                format!("{} {}", uri.authority.host, uri.authority.port)
            })
            .collect();
        let expected = ["one 5670", "two 5671", "three 99", "fd00::4 7", "one 5670"];
        assert_eq!(reached, expected);
    }

    #[test]
    fn a_node_that_is_none_is_named() {
        for node in ["", ":5672", "two:port", "amqp://two", "fd00::4", "a b"] {
            let error = address(&config("amqp://one", &[node]), 1).unwrap_err();
            let expected =
                format!("`bus.nodes` has `{node}`, which is neither `host` nor `host:port`");
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn an_address_may_be_of_ipv6() {
        let uri = address(&config("amqp://stoa:a%40b@[::1]:5673/%2f", &[]), 0).unwrap();
        assert_eq!((&*uri.authority.host, uri.authority.port), ("::1", 5673));
        assert_eq!(uri.authority.userinfo.password, "a@b");
    }

    #[test]
    fn the_account_is_known_unless_a_certificate_says_it() {
        for (url, expected) in [
            ("amqp://stoa-ingest:x@one", Some("stoa-ingest")),
            ("amqp://one", Some("guest")),
            ("amqps://one?auth_mechanism=external", None),
            ("amqps://stoa@one?auth_mechanism=external", Some("stoa")),
        ] {
            assert_eq!(account(&config(url, &[])).as_deref(), expected, "{url}");
        }
    }
}
