//! Overwrites what every reader has passed.
//!
//! A reader that is behind may still publish what it makes of the words, so the wait is done twice:
//! first for what is there, then for what the readers made of that.

use std::collections::BTreeMap;
use std::time::Duration;

use fail::fail_point;
use stoa_journal::Journal;
use stoa_proto::Exchange;

use super::Embedded;
use crate::Error;
use crate::erase::Holds;

/// How often the readers' positions are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

impl Embedded {
    /// Waits until all readers have passed what is on the bus, and overwrites what of it holds what
    /// is asked about.
    pub(crate) async fn erase(&self, holds: Holds) -> Result<u64, Error> {
        self.all_passed().await;
        let ends = self.all_passed().await;
        fail_point!("erase_before_bus");
        let mut erased = 0;
        for (exchange, journal) in &self.journals {
            let end = ends.get(exchange).copied().unwrap_or_default();
            let (reading, holds) = (journal.clone(), holds.clone());
            let found = tokio::task::spawn_blocking(move || find(&reading, end, &holds));
            for seq in found.await.map_err(|_| Error::Task)?? {
                match journal.redact(seq).await {
                    Ok(()) => erased += 1,
                    // It was dropped in this moment.
                    Err(stoa_journal::Error::Trimmed { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(erased)
    }

    /// Waits until every reader has passed, durably, what is there now; returns up to where that is.
    async fn all_passed(&self) -> BTreeMap<Exchange, u64> {
        let journals = self.journals.iter();
        let ends: BTreeMap<_, _> = journals
            .map(|(of, journal)| (*of, journal.next()))
            .collect();
        let passed = || {
            let mut places = self.places.iter();
            places.all(|((_, exchange), place)| {
                let end = ends.get(exchange).copied().unwrap_or_default();
                place.file.position() >= end
            })
        };
        while !passed() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        ends
    }
}

/// Finds the records before an end that hold what is asked about.
fn find(journal: &Journal, end: u64, holds: &Holds) -> Result<Vec<u64>, stoa_journal::Error> {
    let mut found = Vec::new();
    for record in journal.iter(journal.first()) {
        let record = record?;
        if record.seq >= end {
            break;
        }
        if !record.redacted && holds.test(&record.payload, record.time_us) {
            found.push(record.seq);
        }
    }
    Ok(found)
}
