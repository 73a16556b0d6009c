//! How often an address may try to sign in.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use stoa_daemon::http::network;

/// Attempts of an address within a minute.
const MOST: u32 = 10;
const MINUTE: i64 = 60_000_000;
/// The longest that an address waits: an hour.
const LONGEST_WAIT: i64 = 60 * MINUTE;
/// Addresses that are remembered before those are forgotten that wait no more.
const REMEMBERED: usize = 10_000;

/// The attempts of all addresses.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<HashMap<IpAddr, Window>>);

/// The attempts of one address.
#[derive(Debug, Default)]
struct Window {
    /// When the minute began.
    since: i64,
    n: u32,
    /// How often there were too many.
    strikes: u32,
    /// Until when nothing is taken.
    until: i64,
}

impl Attempts {
    /// Counts an attempt at a time in microseconds; the seconds to wait if there were too many.
    ///
    /// The wait is a minute at first, and twice as long each time; it is forgotten after an hour of rest.
    pub(crate) fn admit(&self, from: IpAddr, now: i64) -> Result<(), u32> {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= REMEMBERED {
            windows.retain(|_, window| now < window.until.max(window.since) + MINUTE);
        }
        let window = windows.entry(network(from)).or_default();
        if now >= window.until.max(window.since) + LONGEST_WAIT {
            window.strikes = 0;
        }
        if now >= window.until && now >= window.since + MINUTE {
            window.since = now;
            window.n = 0;
        }
        window.n = window.n.saturating_add(1);
        if now >= window.until && window.n > MOST {
            let wait = MINUTE << window.strikes.min(6);
            window.strikes += 1;
            window.until = now + wait.min(LONGEST_WAIT);
            window.since = now;
        }
        let seconds = (window.until - now + 999_999) / 1_000_000;
        match u32::try_from(seconds) {
            Ok(seconds) if seconds > 0 => Err(seconds),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_a_minute_and_then_a_wait_that_doubles() {
        let attempts = Attempts::default();
        let from: IpAddr = "192.0.2.1".parse().unwrap();
        let mut now = 1_000_000_000;
        for wait in [60, 120, 240] {
            for n in 0..10 {
                assert_eq!(attempts.admit(from, now), Ok(()), "{n} before {wait}");
            }
            assert_eq!(attempts.admit(from, now), Err(wait));
            assert_eq!(attempts.admit("192.0.2.2".parse().unwrap(), now), Ok(()));
            now += i64::from(wait) * 1_000_000 - 1;
            assert_eq!(attempts.admit(from, now), Err(1));
            now += 1;
        }
        now += LONGEST_WAIT + MINUTE;
        for _ in 0..10 {
            assert_eq!(attempts.admit(from, now), Ok(()));
        }
        assert_eq!(
            attempts.admit(from, now),
            Err(60),
            "an hour of rest is enough"
        );
    }

    #[test]
    fn an_address_of_ipv6_is_as_good_as_its_neighbour() {
        let attempts = Attempts::default();
        let admit = |address: String| attempts.admit(address.parse().unwrap(), 1_000_000_000);
        for n in 0..10 {
            assert_eq!(admit(format!("2001:db8::{n}")), Ok(()));
        }
        assert_eq!(admit("2001:db8::ffff".to_owned()), Err(60));
        assert_eq!(admit("2001:db8:0:1::1".to_owned()), Ok(()));
    }
}
