//! Orders of the archive to erase words: what they change, and what is kept when it is carried out.
//!
//! A comment that is ordered to be erased can't be decided any more: its case is closed, and what
//! comes later about it changes nothing and is not kept. The records that hold its words are
//! overwritten behind that ([`Held`]); what they changed is kept.

use stoa_erase::{Before, Erasable, Targets};
use stoa_journal::Record;
use stoa_proto::{Data, ErasureScope, Event, Received};

use super::batch::{Answer, Item, Judge};
use super::conclude::{self, CaseNews, Concluded};
use super::{Handle, Parts};
use crate::record::{About, Change, Closing, Kept, Stored};
use crate::view::State;

/// Records whose changes are kept in one.
const TOGETHER: usize = 512;

impl Judge<'_> {
    /// Whether a comment was ordered to be erased.
    pub(super) fn is_erased(&mut self, site: &str, comment: &str) -> anyhow::Result<bool> {
        let row = self.state.comment(site, comment)?;
        Ok(row.is_some_and(|row| row.erased_seq.is_some()))
    }

    /// Takes in an order to erase a comment or an author.
    pub(super) fn erased(&mut self, index: usize, event: &Received) -> anyhow::Result<()> {
        let at = self.at.micros();
        let (change, outputs) = match &event.data {
            Data::CommentErased(erased) => {
                let about = About {
                    site: erased.site.clone(),
                    article: erased.article.clone(),
                    comment: erased.comment.clone(),
                };
                let row = self.state.comment(&about.site, &about.comment)?;
                if let Some(seq) = row.as_ref().and_then(|row| row.erased_seq) {
                    self.answer(index, Answer::Again(vec![seq]));
                    return Ok(());
                }
                let case = self.state.case_of(&about.site, &about.comment)?;
                let moot = self.moot(case.as_ref(), row.as_ref(), Closing::Erased)?;
                let step = conclude::close(case.as_ref(), Closing::Erased);
                let news = CaseNews {
                    about: &about,
                    case: case.as_ref(),
                    revision: row.map_or(0, |row| row.revision),
                    at: &self.at,
                };
                let told = news.of(step, None).into_iter().chain(moot);
                let told = told.map(|(id, data)| conclude::follow(event, id, &self.at, data));
                let told = told.collect();
                let change = Change::Erased {
                    about,
                    at,
                    case: step,
                };
                (change, told)
            }
            Data::AuthorErased(erased) => {
                let change = Change::Forgotten {
                    site: erased.site.clone(),
                    author: erased.author.clone(),
                    at,
                };
                (change, Vec::new())
            }
            _ => return Ok(()),
        };
        let concluded = Concluded {
            change,
            outputs,
            // It is what is carried out.
            keep_input: true,
        };
        self.keep(index, Item::new(event, concluded))
    }
}

impl Parts {
    /// Writes down what records change that are to be overwritten.
    pub(super) async fn keep(&self, records: Vec<Record>) -> anyhow::Result<()> {
        let mut state = State::new(&self.index);
        let mut entries = Vec::new();
        for (chunk, by) in records.chunks(TOGETHER).zip(self.journal.next()..) {
            entries.push(Kept::entry(chunk)?);
            state.keep(chunk.iter().map(|record| record.seq), by);
        }
        self.commit(entries, state).await
    }
}

/// What of the journal is overwritten when words are to be erased.
#[derive(Debug)]
pub(crate) struct Held(pub(crate) Handle);

impl Erasable for Held {
    fn order(&self, record: &Record) -> anyhow::Result<Option<Data>> {
        let stored = Stored::read(record)?;
        let is_order = |stored: &Stored| {
            matches!(
                stored.change,
                Change::Erased { .. } | Change::Forgotten { .. }
            )
        };
        let order = stored.filter(is_order);
        let event = order.map(|stored| Event::from_json(&stored.input));
        Ok(event.transpose()?.map(|event| event.data))
    }

    fn holds(&self, record: &Record, targets: &Targets) -> anyhow::Result<bool> {
        let Some(stored) = Stored::read(record)? else {
            return Ok(false);
        };
        if stored.input.is_empty() && stored.outputs.is_empty() {
            return Ok(false);
        }
        let at = Before::Record(record.seq);
        Ok(match &stored.change {
            Change::Erased { .. } | Change::Forgotten { .. } => false,
            Change::Sanctioned(sanctioned) => {
                let scope = targets.author(&sanctioned.site, &sanctioned.author, at);
                scope.is_some_and(|scope| scope != ErasureScope::Identity)
            }
            change => {
                let about = change.about();
                let is_about = |about: &About| targets.has_comment(&about.site, &about.comment);
                about.is_some_and(is_about) || targets.in_event(&stored.input, at)
            }
        })
    }

    async fn keep(&self, records: Vec<Record>) -> anyhow::Result<()> {
        Ok(self.0.keep(records).await?)
    }
}
