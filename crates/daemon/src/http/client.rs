//! From where a request comes.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::{ConnectInfo, Request};

/// Finds who sent a request: the other end of the connection, or whom our own proxy names there.
///
/// A proxy adds the address that it hears to the end of `X-Forwarded-For`; what is before that was
/// sent along, and is not believed. `None` without a connection, as in tests.
pub fn client(request: &Request, proxies: &[IpAddr]) -> Option<IpAddr> {
    let ConnectInfo(peer) = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
    let peer = peer.ip().to_canonical();
    if !proxies.contains(&peer) {
        return Some(peer);
    }
    let values = request.headers().get_all("x-forwarded-for").iter();
    let values = values.filter_map(|value| value.to_str().ok());
    let named = values.flat_map(|value| value.split(','));
    let named: Vec<&str> = named.map(str::trim).collect();
    let mut named = named
        .into_iter()
        .rev()
        .map_while(|name| name.parse::<IpAddr>().ok());
    Some(named.find(|name| !proxies.contains(name)).unwrap_or(peer))
}

/// Returns the network that stands for an address: one household has 2^64 of IPv6.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}
