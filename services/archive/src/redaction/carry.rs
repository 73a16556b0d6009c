//! Carrying out an order: the row is kept in the order's record, and the words are overwritten.

use fail::fail_point;
use stoa_journal::{Entry, Journal, Record};
use stoa_proto::data::{AuthorRole, Extra};
use stoa_proto::{Author, Data, ErasureScope, Event, Kind, Received, ids};

use super::{KEPT, Kept, KeptReport, Order, RESTATED};
use crate::engine::{Engine, offload};
use crate::fact::{CommentKey, Effect, Fact, Subject};
use crate::record;
use crate::row::Applied;
use crate::stage::Stage;
use crate::view::{COMMENTS, Error, Index, OTHERS};

impl Engine {
    /// Carries out an order; one that comes again overwrites what a crash left of the words.
    pub(crate) async fn carry_out(&self, event: &Received, fact: &Fact) -> Result<(), Error> {
        let Effect::Ordered(order) = &fact.effect else {
            return Ok(());
        };
        if order.scope == ErasureScope::Identity {
            self.restate(fact, order).await?;
        }
        let kept = offload(|| {
            let mut kept = self.index.kept(&fact.subject)?;
            kept.reports = reports(&self.journal, &kept, order.scope)?;
            Ok::<_, Error>(kept)
        })?;
        if offload(|| Stage::new(&self.index).admit(fact))? {
            let record = with_row(event, &kept);
            let fact = Fact::of(&record);
            let entry = Entry {
                kind: record::byte(fact.kind),
                payload: record.to_json(),
            };
            let positions = self.journal.append(vec![entry]).await?;
            fail_point!("archive_after_order");
            offload(|| self.apply(Stage::new(&self.index), &positions, &[&fact]))?;
        } else {
            self.metrics.event(fact.kind, "duplicate");
        }
        fail_point!("archive_before_overwriting");
        for applied in kept.words(order.scope) {
            self.journal.redact(applied.place.seq).await?;
        }
        Ok(())
    }

    /// Writes a comment's revisions anew without who wrote them, before the first ones go.
    async fn restate(&self, fact: &Fact, order: &Order) -> Result<(), Error> {
        let Subject::Comment(key) = &fact.subject else {
            return Ok(());
        };
        let events = offload(|| self.without_author(key, order))?;
        let facts: Vec<Fact> = events.iter().map(|event| Fact::of(event)).collect();
        self.write(&events, &facts).await
    }

    fn without_author(&self, key: &CommentKey, order: &Order) -> Result<Vec<Received>, Error> {
        let kept = self.index.kept(&Subject::Comment(key.clone()))?;
        let mut restated = Vec::new();
        for applied in kept.words(ErasureScope::Identity) {
            let record = self.journal.read(applied.place.into())?;
            let is_content = matches!(
                applied.kind(),
                Some(Kind::CommentSubmitted | Kind::CommentEdited)
            );
            if record.redacted || !is_content {
                continue;
            }
            let event = read_event(&record)?;
            if event.source != RESTATED {
                restated.push(Received::from(anonymous(event, order)));
            }
        }
        Ok(restated)
    }
}

fn read_event(record: &Record) -> Result<Event, Error> {
    Event::from_json(&record.payload).map_err(|source| Error::Unreadable {
        seq: record.seq,
        source,
    })
}

/// Takes away who wrote a comment; all of one redaction are by one author without a name.
fn anonymous(mut event: Event, order: &Order) -> Event {
    event.id = ids::derive("rs-", &[&order.redaction, &event.source, &event.id]);
    RESTATED.clone_into(&mut event.source);
    event.extensions = Extra::new();
    if let Data::CommentSubmitted(comment) | Data::CommentEdited(comment) = &mut event.data {
        comment.extra = Extra::new();
        comment.author = Author {
            id: ids::derive("erased-", &[&order.redaction]),
            display_name: None,
            name: None,
            joined_at: None,
            role: AuthorRole::default(),
            presence: None,
            extra: Extra::new(),
        };
    }
    event
}

/// Returns the record of an order: the event, with the row as it was.
fn with_row(event: &Event, kept: &Kept) -> Event {
    let mut record = event.clone();
    // Rows have ids and numbers alone, so they can be written.
    let kept = serde_json::to_string(kept).unwrap_or_default();
    record.extensions.insert(KEPT.to_owned(), kept.into());
    record
}

/// Lists what an author reported, as far as it has words that go.
pub(super) fn reports(
    journal: &Journal,
    kept: &Kept,
    scope: ErasureScope,
) -> Result<Vec<KeptReport>, Error> {
    let mut reports = Vec::new();
    let is_report = |applied: &&Applied| applied.kind() == Some(Kind::CommentReported);
    // The reports about a comment are in its own row.
    let of_author = kept.words(scope).filter(|_| kept.comment.is_none());
    for applied in of_author.filter(is_report) {
        let record = journal.read(applied.place.into())?;
        if record.redacted {
            continue;
        }
        if let Data::CommentReported(report) = read_event(&record)?.data {
            reports.push(KeptReport {
                article: report.article,
                comment: report.comment,
                applied: *applied,
            });
        }
    }
    Ok(reports)
}

impl Index {
    /// Returns a row as it is, with all that was applied to it.
    pub(super) fn kept(&self, subject: &Subject) -> Result<Kept, Error> {
        let tables = self.tables();
        let mut kept = Kept::default();
        let log = match subject {
            Subject::Comment(key) => {
                kept.comment = tables.get(&COMMENTS, key)?;
                kept.comment.as_ref().map(|row| &row.log)
            }
            Subject::Other(key) => {
                kept.other = tables.get(&OTHERS, key)?;
                kept.other.as_ref().map(|row| &row.log)
            }
            // Articles are taken down, not erased.
            Subject::Article(_) => None,
        };
        if let Some(spilled) = log.map(|log| log.spilled) {
            for number in 0..spilled {
                kept.earlier.push(self.spilled(subject, number)?);
            }
        }
        Ok(kept)
    }
}
