//! The log of decisions backwards, as people read it: what was decided last comes first.

use std::ops::Range;

use serde_json::value::RawValue;
use stoa_daemon::auth::Principal;
use stoa_proto::{Decision, Time};

use super::super::{Admin, MAX_SCAN, limit};
use super::{Asked, Entry, Listing};
use crate::record::{FACT, HANDLED, Stored};

/// Records that are read at a time.
const CHUNK: u64 = 256;

/// Reads a page of the log, down from the record before `before`.
pub(super) fn page(admin: &Admin, principal: &Principal, asked: &Asked) -> anyhow::Result<Listing> {
    let Range { start, end } = within(admin, asked)?;
    let limit = limit(asked.limit);
    let mut next = asked.before.unwrap_or(end).min(end);
    let mut decisions = Vec::new();
    let mut scanned = 0;
    while next > start {
        let from = next.saturating_sub(CHUNK).max(start);
        let records = admin.journal.iter(from);
        let records = records.take_while(|record| record.as_ref().is_ok_and(|it| it.seq < next));
        let records: Vec<_> = records.collect::<Result<_, _>>()?;
        for record in records.iter().rev() {
            if decisions.len() >= limit || scanned >= MAX_SCAN {
                return Ok(Listing {
                    decisions,
                    next,
                    more: true,
                });
            }
            scanned += 1;
            next = record.seq;
            if matches!(record.kind, FACT | HANDLED) {
                continue;
            }
            if let Some(stored) = Stored::read(record)?
                && asked.matches(admin, principal, &stored.change)?
            {
                decisions.extend(entry(admin, record.seq, &stored)?);
            }
        }
        next = from;
    }
    Ok(Listing {
        decisions,
        next,
        more: false,
    })
}

/// The records of the time that is asked for.
fn within(admin: &Admin, asked: &Asked) -> anyhow::Result<Range<u64>> {
    let since = |time: &Option<Time>| {
        let found = time
            .as_ref()
            .map(|time| admin.journal.first_since(time.micros()));
        found.transpose()
    };
    let start = since(&asked.from)?.unwrap_or_else(|| admin.journal.first());
    let end = since(&asked.to)?.unwrap_or_else(|| admin.journal.next());
    Ok(start..end)
}

/// Shows a decision with the one that stands in its place, if another does.
fn entry(admin: &Admin, seq: u64, stored: &Stored) -> anyhow::Result<Option<Entry>> {
    let (Some(fields), Some(decision)) = (stored.decision_json(), stored.decision()) else {
        return Ok(None);
    };
    let Some(fields) = fields.strip_prefix('{') else {
        return Ok(None);
    };
    let by = superseded_by(admin, seq, &decision)?;
    let by = serde_json::to_string(&by)?;
    let json = format!("{{\"seq\":{seq},\"superseded_by\":{by},{fields}");
    Ok(Some(Entry(RawValue::from_string(json)?)))
}

/// Finds the decision that stands in the place of one.
fn superseded_by(admin: &Admin, seq: u64, decision: &Decision) -> anyhow::Result<Option<String>> {
    let of_comment = admin
        .index
        .decisions_of(&decision.site, &decision.comment, MAX_SCAN)?;
    for later in of_comment.into_iter().filter(|later| *later > seq) {
        let later = admin.stored(later)?.and_then(|stored| stored.decision());
        if let Some(later) = later
            && later.supersedes.as_ref() == Some(&decision.decision)
        {
            return Ok(Some(later.decision));
        }
    }
    Ok(None)
}
