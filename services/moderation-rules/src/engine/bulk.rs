//! Many cases decided in one go, and undone in one go: one durable write for all.

use stoa_proto::{Time, Verdict, ids};

use super::review::{Judged, Moderator, Review};
use super::undo::{Undo, UndoError, Undoing};
use super::{Parts, overridden};
use crate::record::{Bulked, Change, Stored};
use crate::statement::ReviewReason;
use crate::view::{BULKS, State};

/// What a moderator asks for.
#[derive(Clone, Debug)]
pub(crate) struct Bulk {
    /// The cases, each once, with the versions that the moderator saw.
    pub(crate) cases: Vec<(String, u64)>,
    pub(crate) verdict: Verdict,
    pub(crate) reason: Option<ReviewReason>,
    pub(crate) moderator: Moderator,
    /// What the request calls itself.
    pub(crate) key: Option<String>,
}

impl Bulk {
    /// Returns its id: the same for the same request.
    fn id(&self) -> String {
        let reason = self.reason.as_ref();
        let reason = reason
            .and_then(|reason| serde_json::to_string(reason).ok())
            .unwrap_or_default();
        let key = self.key.as_deref().unwrap_or_default();
        let cases = self.cases.iter();
        let cases: Vec<String> = cases
            .map(|(case, version)| format!("{case}@{version}"))
            .collect();
        let parts = [&self.moderator.name, self.verdict.as_str(), &reason, key];
        let parts: Vec<&str> = parts
            .into_iter()
            .chain(cases.iter().map(String::as_str))
            .collect();
        ids::derive("bulk-", &parts)
    }
}

/// What became of each decision of a bulk that was to be undone.
#[derive(Clone, Debug)]
pub(crate) struct BulkUndone {
    pub(crate) case: String,
    /// The decision that was to be undone.
    pub(crate) undoes: String,
    /// The one that stands now.
    pub(crate) outcome: Result<String, UndoError>,
}

impl Parts {
    /// Decides the cases that can be decided, or finds what the same request did before.
    pub(super) async fn bulk(&self, bulk: Bulk) -> anyhow::Result<Bulked> {
        let id = bulk.id();
        if let Some(bulked) = self.bulked(&id)? {
            return Ok(bulked);
        }
        let mut state = State::new(&self.index);
        let mut made = Vec::new();
        let mut overrides = Vec::new();
        let (mut decided, mut refused) = (Vec::new(), Vec::new());
        for (case, version) in bulk.cases {
            let review = Review {
                case: case.clone(),
                verdict: bulk.verdict,
                reason: bulk.reason.clone(),
                version: Some(version),
                moderator: bulk.moderator.clone(),
            };
            let stored = match self.judge(&mut state, &review)? {
                Ok(Judged::New { stored, acted }) => {
                    overrides.push((case.clone(), acted));
                    self.add(&mut state, &mut made, stored.clone())?;
                    stored
                }
                // Written before the process ended, when the bulk itself was not.
                Ok(Judged::Same(stored)) => stored,
                Err(error) => {
                    refused.push((case, error.code().to_owned()));
                    continue;
                }
            };
            if let Change::Reviewed(reviewed) = stored.change {
                decided.push((case, reviewed.decision));
            }
        }
        let bulked = Bulked {
            id,
            moderator: bulk.moderator.name,
            decided,
            refused,
            at: self.clock.micros(),
        };
        if bulked.decided.is_empty() {
            return Ok(bulked);
        }
        let change = Change::Bulked(bulked.clone());
        self.add(&mut state, &mut made, Stored::of(change))?;
        self.write(state, &made).await?;
        let live = self.rules.live();
        for (case, acted) in &overrides {
            let overrides = overridden(&live, acted, bulk.verdict);
            self.reviewed(case, overrides)?;
        }
        Ok(bulked)
    }

    /// Undoes the decisions of a bulk that can be undone; none if there is no such bulk.
    pub(super) async fn undo_bulk(
        &self,
        id: &str,
        moderator: Moderator,
    ) -> anyhow::Result<Option<Vec<BulkUndone>>> {
        let Some(bulked) = self.bulked(id)? else {
            return Ok(None);
        };
        let at = Time::from_timestamp(self.clock.now());
        let mut state = State::new(&self.index);
        let (mut made, mut undone) = (Vec::new(), Vec::new());
        for (case, decision) in bulked.decided {
            let undoing = Undoing {
                decision,
                moderator: moderator.clone(),
            };
            let outcome = match self.judge_undo(&mut state, &undoing, &at)? {
                Ok(Undo::New(stored)) => {
                    self.add(&mut state, &mut made, stored.clone())?;
                    Ok(stored)
                }
                Ok(Undo::Same(stored)) => Ok(stored),
                Err(error) => Err(error),
            };
            let outcome = outcome.and_then(|stored| match stored.change {
                Change::Undone(undone) => Ok(undone.decision),
                _ => Err(UndoError::NotFound),
            });
            undone.push(BulkUndone {
                case,
                undoes: undoing.decision,
                outcome,
            });
        }
        self.write(state, &made).await?;
        Ok(Some(undone))
    }

    fn bulked(&self, id: &str) -> anyhow::Result<Option<Bulked>> {
        let stored = match self.index.view.get(&BULKS, &id.to_owned())? {
            Some(seq) => self.stored(seq)?,
            None => None,
        };
        Ok(stored.and_then(|stored| match stored.change {
            Change::Bulked(bulked) => Some(bulked),
            _ => None,
        }))
    }

    /// Adds a record to those that are to be written, and lets what comes later see it.
    fn add(
        &self,
        state: &mut State<'_>,
        made: &mut Vec<Stored>,
        stored: Stored,
    ) -> anyhow::Result<()> {
        state.take(self.journal.next() + made.len() as u64, &stored)?;
        made.push(stored);
        Ok(())
    }

    async fn write(&self, state: State<'_>, made: &[Stored]) -> anyhow::Result<()> {
        let entries = made.iter().map(Stored::entry);
        self.commit(entries.collect::<Result<_, _>>()?, state)
            .await?;
        self.metrics.open_cases(self.index.open_cases()?);
        let changes = made.iter().map(|stored| &stored.change);
        self.count(changes, &self.rules.live());
        Ok(())
    }
}
