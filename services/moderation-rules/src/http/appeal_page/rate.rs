//! How often the page for appeals answers: all visitors together, each address, and each link.
//!
//! Of who asks the address is kept, in memory and for as long as it matters: half a minute.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Requests that are answered in a second, on average and at once.
const PER_SECOND: i64 = 20;
const AT_ONCE: i64 = 200;
/// The same of an address, or a network of IPv6.
const PER_SECOND_OF_ONE: i64 = 1;
const AT_ONCE_OF_ONE: i64 = 30;
/// Appeals that are sent by a link in an hour.
const SENT: u32 = 5;
const HOUR: i64 = 3_600 * 1_000_000;
/// Links that are remembered, and addresses.
const MOST: usize = 10_000;

/// What was answered lately.
#[derive(Debug, Default)]
pub(super) struct Rate(Mutex<Lately>);

#[derive(Debug, Default)]
struct Lately {
    /// Microseconds until which the answers so far use up what may be answered.
    busy_until: i64,
    /// The same by address.
    busy: HashMap<IpAddr, i64>,
    /// By decision: how often an appeal was sent, and since when.
    sent: HashMap<[u8; 16], (u32, i64)>,
}

impl Rate {
    /// Tells whether one more request may be answered at a time.
    pub(super) fn answers(&self, at: i64) -> bool {
        let mut lately = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        take(&mut lately.busy_until, at, PER_SECOND, AT_ONCE)
    }

    /// Tells whether one more request of an address may be answered at a time.
    ///
    /// Of more addresses than are remembered those beyond are held to what all together may ask.
    pub(super) fn answers_to(&self, from: IpAddr, at: i64) -> bool {
        let mut lately = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lately.busy.len() >= MOST {
            lately.busy.retain(|_, until| *until > at);
        }
        if lately.busy.len() >= MOST && !lately.busy.contains_key(&from) {
            return true;
        }
        let until = lately.busy.entry(from).or_default();
        take(until, at, PER_SECOND_OF_ONE, AT_ONCE_OF_ONE)
    }

    /// Tells whether one more appeal may be sent against a decision.
    pub(super) fn sends(&self, decision: [u8; 16], at: i64) -> bool {
        let mut lately = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lately.sent.len() >= MOST {
            lately.sent.retain(|_, (_, since)| at - *since < HOUR);
        }
        if lately.sent.len() >= MOST && !lately.sent.contains_key(&decision) {
            return false;
        }
        let (count, since) = lately.sent.entry(decision).or_insert((0, at));
        if at - *since >= HOUR {
            (*count, *since) = (0, at);
        }
        *count += 1;
        *count <= SENT
    }
}

/// Uses up one answer, if one is left.
fn take(busy_until: &mut i64, at: i64, per_second: i64, at_once: i64) -> bool {
    let each = 1_000_000 / per_second;
    let from = (*busy_until).max(at);
    if from - at > each * at_once {
        return false;
    }
    *busy_until = from + each;
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_waits_and_a_link_has_its_turns() {
        let rate = Rate::default();
        let answered = (0..1_000).filter(|_| rate.answers(0)).count();
        assert_eq!(answered, 201);
        assert!(rate.answers(1_000_000) && !rate.answers(0));
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|address| address.parse().unwrap());
        let answered = (0..100).filter(|_| rate.answers_to(one, 0)).count();
        assert_eq!(answered, 31);
        assert!(rate.answers_to(other, 0) && !rate.answers_to(one, 999_999));
        assert!(rate.answers_to(one, 1_000_000) && !rate.answers_to(one, 1_000_000));
        for _ in 0..SENT {
            assert!(rate.sends([1; 16], 0));
        }
        assert!(!rate.sends([1; 16], HOUR - 1));
        assert!(rate.sends([2; 16], 0));
        assert!(rate.sends([1; 16], HOUR));
    }
}
