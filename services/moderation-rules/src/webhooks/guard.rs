//! Which addresses requests may go to.
//!
//! A name is resolved here, what it may not be is taken out, and the connection is made to what is
//! left: a name that answers otherwise the second time (DNS rebinding) gains nothing, because
//! nobody asks a second time.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// A name that has no address which may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("every address of the host is {0}")]
pub(crate) struct Blocked(pub(crate) &'static str);

/// What finds the addresses of a name.
pub(crate) type Lookup = Arc<
    dyn Fn(String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> + Send + Sync,
>;

/// The system's resolver.
pub(crate) fn system() -> Lookup {
    Arc::new(|host| {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    })
}

/// A resolver that leaves out what may not be used.
pub(crate) struct Guard {
    pub(crate) lookup: Lookup,
    pub(crate) allow_private: bool,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (lookup, allow_private) = (Arc::clone(&self.lookup), self.allow_private);
        Box::pin(async move {
            let found = lookup(name.as_str().to_owned()).await?;
            let mut blocked = None;
            let mut allowed = Vec::with_capacity(found.len());
            for address in found {
                match forbids(address, allow_private) {
                    None => allowed.push(SocketAddr::new(address, 0)),
                    Some(what) => blocked = Some(Blocked(what)),
                }
            }
            match blocked {
                Some(blocked) if allowed.is_empty() => Err(blocked.into()),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

/// Returns the address that a URL names in place of a host's name, if it does. Such an address is
/// never resolved, so it has to be looked at itself.
pub(crate) fn literal(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.parse().ok()
}

/// Says what an address is that may not be used; `None` if it may.
///
/// Link-local addresses, where clouds have their metadata, multicast and what names no host are
/// never allowed. The ranges are those of IANA's registries of special-purpose addresses
/// (<https://www.iana.org/assignments/iana-ipv4-special-registry>,
/// <https://www.iana.org/assignments/iana-ipv6-special-registry>).
pub(crate) fn forbids(address: IpAddr, allow_private: bool) -> Option<&'static str> {
    let (what, is_private) = match address.to_canonical() {
        IpAddr::V4(v4) => special_v4(v4)?,
        IpAddr::V6(v6) => special_v6(v6)?,
    };
    (!(is_private && allow_private)).then_some(what)
}

const THIS_MACHINE: (&str, bool) = ("this machine", true);
const PRIVATE: (&str, bool) = ("of a private network", true);
const LINK_LOCAL: (&str, bool) = ("link-local", false);
const MULTICAST: (&str, bool) = ("multicast", false);
const UNSPECIFIED: (&str, bool) = ("no host's", false);
const RESERVED: (&str, bool) = ("reserved", false);
const METADATA: (&str, bool) = ("a cloud's own service", false);

fn special_v4(address: Ipv4Addr) -> Option<(&'static str, bool)> {
    match address.octets() {
        [0, ..] => Some(UNSPECIFIED),
        [127, ..] => Some(THIS_MACHINE),
        // 100.64.0.0/10 is behind a provider's NAT; one cloud has its metadata there.
        [100, 100, 100, 200] | [168, 63, 129, 16] => Some(METADATA),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Some(PRIVATE),
        [169, 254, ..] => Some(LINK_LOCAL),
        [224..=239, ..] => Some(MULTICAST),
        [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        | [240..=255, ..] => Some(RESERVED),
        _ => None,
    }
}

fn special_v6(address: Ipv6Addr) -> Option<(&'static str, bool)> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some(UNSPECIFIED),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some(THIS_MACHINE),
        // NAT64: what it is translated to counts.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => special_v4(embedded(high, low)),
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] => Some(METADATA),
        [0xfc00..=0xfdff, ..] => Some(PRIVATE),
        [0xfe80..=0xfebf, ..] => Some(LINK_LOCAL),
        [0xff00..=0xffff, ..] => Some(MULTICAST),
        // 6to4, which leads to the address in it; Teredo and the other assignments of the IETF;
        // documentation.
        [0x2002, ..] | [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Some(RESERVED),
        [0x2000..=0x3fff, ..] => None,
        _ => Some(RESERVED),
    }
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    let [a, b] = high.to_be_bytes();
    let [c, d] = low.to_be_bytes();
    Ipv4Addr::new(a, b, c, d)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_addresses_are_not_used() {
        for (address, private_may) in [
            ("0.0.0.0", false),
            ("0.1.2.3", false),
            ("127.0.0.1", true),
            ("127.255.255.254", true),
            ("10.1.2.3", true),
            ("172.16.0.1", true),
            ("172.31.255.255", true),
            ("192.168.1.1", true),
            ("100.64.0.1", true),
            ("100.127.255.255", true),
            ("100.100.100.200", false),
            ("168.63.129.16", false),
            ("169.254.169.254", false),
            ("169.254.0.1", false),
            ("192.0.0.192", false),
            ("192.0.2.1", false),
            ("198.18.0.1", false),
            ("198.51.100.1", false),
            ("203.0.113.1", false),
            ("224.0.0.1", false),
            ("239.255.255.255", false),
            ("240.0.0.1", false),
            ("255.255.255.255", false),
            ("::", false),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("::ffff:169.254.169.254", false),
            ("::127.0.0.1", false),
            ("64:ff9b::7f00:1", true),
            ("64:ff9b::a9fe:a9fe", false),
            ("64:ff9b:1::1", false),
            ("100::1", false),
            ("2001::1", false),
            ("2001:db8::1", false),
            ("2002:7f00:1::1", false),
            ("3fff::1", false),
            ("fc00::1", true),
            ("fd00:ec2::254", false),
            ("fe80::1", false),
            ("fec0::1", false),
            ("ff02::1", false),
        ] {
            let ip: IpAddr = address.parse().unwrap();
            assert!(forbids(ip, false).is_some(), "{address}");
            assert_eq!(forbids(ip, true).is_none(), private_may, "{address}");
        }
    }

    #[test]
    fn public_addresses_are_used() {
        for address in [
            "1.1.1.1",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.20.0.1",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
            "2606:4700:4700::1111",
            "2001:4860:4860::8888",
        ] {
            assert_eq!(forbids(address.parse().unwrap(), false), None, "{address}");
        }
    }

    #[test]
    fn an_address_in_a_url_is_seen_however_it_is_written() {
        for (url, address) in [
            ("https://127.0.0.1/", Some("127.0.0.1")),
            ("https://2130706433/", Some("127.0.0.1")),
            ("https://0x7f000001/", Some("127.0.0.1")),
            ("https://0177.0.0.1/", Some("127.0.0.1")),
            ("https://127.1/", Some("127.0.0.1")),
            ("https://[::1]:8443/", Some("::1")),
            ("https://１２７.0.0.1/", Some("127.0.0.1")),
            ("https://cms.example/", None),
        ] {
            let found = literal(&Url::parse(url).unwrap());
            assert_eq!(found, address.map(|ip| ip.parse().unwrap()), "{url}");
        }
    }
}
