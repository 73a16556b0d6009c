//! A list of redactions: what an older backup needs to know of what was erased since.
//!
//! It has every event about a redaction as the archive has it: requests, what was decided about them,
//! orders and receipts, in the order of the journal. They are the same events, with the same ids, so an
//! archive that has one already takes it as a repeat, and one that hears of it again later, too.

use std::path::Path;
use std::sync::Arc;

use anyhow::bail;
use stoa_daemon::{Clock, Context};
use stoa_journal::Journal;
use stoa_proto::data::Extra;
use stoa_proto::{Data, Event, Kind, Received};
use tokio::runtime::Runtime;

use super::{KEPT, Kept};
use crate::engine::Engine;
use crate::fact::{Fact, Subject};
use crate::metrics::Metrics;
use crate::rebuild::{CACHE_BYTES, WATCHDOG};
use crate::service::MAX_RECORD_BYTES;
use crate::view::{Index, OpenOptions};

/// The attribute that tells since when the archive knows a comment.
const SINCE: &str = "stoasince";
/// What of the data is kept beside the fields that this version knows: who asked.
const BY: &str = "by";

/// An event about a redaction, as a list has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    event: Event,
    /// The first record about the comment that is to be erased; none if there was none.
    since: Option<u64>,
}

impl Listed {
    /// Makes an entry of a record of the archive; `None` if the record is about something else.
    ///
    /// Nothing but ids, times and reasons is in it: what a platform added is left out.
    pub fn of_record(kind: u8, payload: &[u8]) -> anyhow::Result<Option<Self>> {
        if !crate::record::kind(kind).is_some_and(is_listed) {
            return Ok(None);
        }
        let archived = Event::from_json(payload)?;
        let kept = archived.extensions.get(KEPT).and_then(|kept| kept.as_str());
        let kept: Option<Kept> = kept.and_then(|kept| serde_json::from_str(kept).ok());
        let since = kept.and_then(|mut kept| kept.places().map(|place| place.seq).min());
        let mut event = Event::new(archived.id, archived.source, archived.data);
        (event.time, event.recordedtime) = (archived.time, archived.recordedtime);
        if let Some(extra) = extra(&mut event.data) {
            extra.retain(|name, _| name == BY);
        }
        Ok(Some(Self { event, since }))
    }

    /// Reads a line of a list; says which field is wrong.
    pub fn from_line(line: &[u8]) -> Result<Self, String> {
        let mut event = Event::from_json(line).map_err(|rejection| rejection.to_string())?;
        if !is_listed(event.kind()) {
            return Err(format!(
                "`type` is `{}`, which is no event about a redaction",
                event.kind().as_str()
            ));
        }
        let since = match event.extensions.remove(SINCE) {
            None => None,
            Some(since) => Some(
                since
                    .as_str()
                    .and_then(|since| since.parse().ok())
                    .ok_or_else(|| format!("`{SINCE}` is no number of a record"))?,
            ),
        };
        Ok(Self { event, since })
    }

    /// Writes the entry as an event on one line, without a line feed.
    pub fn to_line(&self) -> bytes::Bytes {
        let mut event = self.event.clone();
        if let Some(since) = self.since {
            let since = since.to_string();
            event.extensions.insert(SINCE.to_owned(), since.into());
        }
        event.to_json()
    }
}

fn is_listed(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::CommentErased
            | Kind::AuthorErased
            | Kind::RedactionDecided
            | Kind::RedactionCompleted
    )
}

fn extra(data: &mut Data) -> Option<&mut Extra> {
    match data {
        Data::CommentErased(erased) => Some(&mut erased.extra),
        Data::AuthorErased(erased) => Some(&mut erased.extra),
        Data::RedactionDecided(decided) => Some(&mut decided.extra),
        Data::RedactionCompleted(completed) => Some(&mut completed.extra),
        _ => None,
    }
}

/// A stopped archive that learns what was erased elsewhere.
#[derive(Debug)]
pub struct Learner {
    engine: Engine,
    runtime: Runtime,
    /// Records that the archive had by itself.
    had: u64,
}

impl Learner {
    /// Opens an archive's folder, and brings its view up to date. It blocks, and fails if the archive
    /// is running.
    pub fn open(data_dir: &Path) -> anyhow::Result<Self> {
        let context = Context::new("archive", Clock::system());
        let options = stoa_journal::Options {
            max_record_bytes: MAX_RECORD_BYTES,
            ..stoa_journal::Options::default()
        };
        let dir = data_dir.join("journal");
        let journal = Journal::open(&dir, options, context.clock.micros_fn())?.journal;
        let options = OpenOptions {
            watchdog: WATCHDOG,
            cache_bytes: CACHE_BYTES,
        };
        let index = Index::open(&data_dir.join("view"), options, &journal)?;
        index.catch_up(&journal, &mut |_, _| ())?;
        let had = journal.next();
        let engine = Engine {
            journal,
            index: Arc::new(index),
            metrics: Metrics::new(&context.registry)?,
            batch_events: usize::MAX,
            context,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        Ok(Self {
            engine,
            runtime,
            had,
        })
    }

    /// Makes sure that an entry is about this archive: what was known by then has to be here.
    pub fn check(&self, listed: &Listed) -> anyhow::Result<()> {
        let (Some(since), Subject::Comment(key)) = (listed.since, Fact::of(&listed.event).subject)
        else {
            return Ok(());
        };
        let (_, site, article, comment) = key;
        if since < self.had
            && self
                .engine
                .index
                .comment(&site, &article, &comment)?
                .is_none()
        {
            bail!(
                "`data.comment` is `{comment}`, of the article `{article}` and the site `{site}`, and the \
                 archive does not have it, though its {} records go beyond record {since}, from which on \
                 that comment was known",
                self.had
            );
        }
        Ok(())
    }

    /// Takes entries in, and carries out what they order, as the archive does when it runs.
    pub fn take(&self, entries: Vec<Listed>) -> anyhow::Result<()> {
        let events = entries.into_iter().map(|listed| listed.event.into());
        let events: Vec<Received> = events.collect();
        Ok(self.runtime.block_on(self.engine.commit(&events))?)
    }

    /// Writes everything out; returns how many records came to those that there were.
    pub fn close(self) -> anyhow::Result<u64> {
        let learned = self.engine.journal.next() - self.had;
        self.engine.index.close()?;
        self.runtime.block_on(self.engine.journal.close());
        Ok(learned)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn order(kept: Option<&str>) -> Vec<u8> {
        let mut order = json!({"specversion": "1.0", "id": "ro-1", "source": "stoa/archive",
            "type": "stoa.comment.erased.v1", "recordedtime": "2026-05-01T10:00:00Z",
            "custom": "Xaverlinde",
            "data": {"site": "s", "article": "a", "comment": "c", "redaction": "r-1", "by": "admin",
                "note": "Xaverlinde"}});
        if let Some(kept) = kept {
            order[KEPT] = json!(kept);
        }
        order.to_string().into_bytes()
    }

    #[test]
    fn an_order_is_listed_with_ids_alone_and_comes_back() {
        let kept = r#"{"comment":{"log":{"events":[{"place":{"seq":7,"offset":64},"kind":16,
            "revision":1,"event":[1,2,3,4,5,6,7,8]}],"spilled":0}}}"#;
        for (kept, since) in [(Some(kept), Some(7)), (None, None)] {
            let listed = Listed::of_record(21, &order(kept)).unwrap().unwrap();
            assert_eq!(listed.since, since);
            let line = String::from_utf8(listed.to_line().to_vec()).unwrap();
            assert!(!line.contains("Xaverlinde"), "{line}");
            assert!(!line.contains(KEPT), "{line}");
            assert!(line.contains(r#""by":"admin""#), "{line}");
            assert_eq!(Listed::from_line(line.as_bytes()), Ok(listed));
        }
    }

    #[test]
    fn what_is_no_redaction_is_not_listed_and_not_taken() {
        let other = json!({"specversion": "1.0", "id": "e", "source": "/s",
            "type": "stoa.comment.withdrawn.v1", "data": {"site": "s", "article": "a", "comment": "c"}});
        let other = other.to_string();
        assert_eq!(Listed::of_record(18, other.as_bytes()).unwrap(), None);
        let refused = Listed::from_line(other.as_bytes()).unwrap_err();
        assert!(refused.contains("`type`"), "{refused}");
        let mut since: serde_json::Value = serde_json::from_slice(&order(None)).unwrap();
        since[SINCE] = json!("seven");
        let refused = Listed::from_line(since.to_string().as_bytes()).unwrap_err();
        assert!(refused.contains(SINCE), "{refused}");
    }
}
