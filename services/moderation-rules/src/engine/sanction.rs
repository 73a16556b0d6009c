//! Moderators' sanctions of authors: from a request to a record.

use stoa_proto::{AuthorSanctioned, By, Data, Sanction, Time, ids};

use super::{Parts, SanctionOutcome, conclude};
use crate::record::{Change, Sanctioned, Stored};
use crate::view::rows::AuthorRow;
use crate::view::{SANCTIONS, State};

/// What a moderator asks for.
#[derive(Clone, Debug)]
pub(crate) struct Sanctioning {
    pub(crate) site: String,
    pub(crate) author: String,
    pub(crate) sanction: Sanction,
    /// Until when, if it ends by itself.
    pub(crate) until: Option<Time>,
    pub(crate) reason: Option<String>,
    /// The name of the moderator's token.
    pub(crate) moderator: String,
    /// What the request calls itself, so that two alike can be told apart.
    pub(crate) key: Option<String>,
}

impl Sanctioning {
    /// Returns what tells whether a second request asks for the same as the first.
    fn fingerprint(&self) -> String {
        let until = self.until.as_ref().map_or("", Time::as_str);
        let reason = self.reason.as_deref().unwrap_or_default();
        let key = self.key.as_deref().unwrap_or_default();
        let sanction = self.sanction.as_str();
        ids::derive("s-", &[&self.moderator, sanction, until, reason, key])
    }
}

/// There is nothing to lift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the author is under no sanction")]
pub(crate) struct NothingOpen;

impl Parts {
    /// Writes a sanction down, or finds the one that the same request made before and that still
    /// holds.
    pub(super) async fn sanction(&self, asked: Sanctioning) -> anyhow::Result<SanctionOutcome> {
        let at = Time::from_timestamp(self.clock.now());
        let fingerprint = asked.fingerprint();
        let mut state = State::new(&self.index);
        let author = state.author(&asked.site, &asked.author)?;
        if let Some(stored) = self.same(&asked, &author, &fingerprint, at.micros())? {
            return Ok(Ok(stored));
        }
        if asked.sanction == Sanction::Lift && author.sanction(at.micros()).is_none() {
            return Ok(Err(NothingOpen));
        }
        let seq = self.journal.next();
        let told = AuthorSanctioned {
            site: asked.site.clone(),
            author: asked.author.clone(),
            sanction: asked.sanction,
            until: asked.until.clone(),
            reason: asked.reason,
            by: Some(By::Moderator {
                id: asked.moderator.clone(),
            }),
            extra: serde_json::Map::new(),
        };
        let id = ids::derive(
            "sanctioned-",
            &[&asked.site, &asked.author, &seq.to_string()],
        );
        let stored = Stored {
            change: Change::Sanctioned(Sanctioned {
                site: asked.site,
                author: asked.author,
                sanction: asked.sanction,
                until: asked.until.as_ref().map(Time::micros),
                moderator: asked.moderator,
                fingerprint,
                at: at.micros(),
            }),
            reasons: None,
            input: bytes::Bytes::new(),
            outputs: vec![conclude::own(id, &at, Data::AuthorSanctioned(told)).to_json()],
        };
        state.take(seq, &stored)?;
        self.commit(vec![stored.entry()?], state).await?;
        Ok(Ok(stored))
    }

    /// Finds the author's last sanction, if the same request made it and it still holds.
    fn same(
        &self,
        asked: &Sanctioning,
        author: &AuthorRow,
        fingerprint: &str,
        now: i64,
    ) -> anyhow::Result<Option<Stored>> {
        let of_author = (asked.site.as_str(), asked.author.as_str());
        let Some(last) = self.index.view.scan(&SANCTIONS, of_author).next_back() else {
            return Ok(None);
        };
        let ((_, _, seq), ()) = last?;
        let holds = match asked.sanction {
            Sanction::Lift => author.sanction(now).is_none(),
            _ => author.is_under(seq, now),
        };
        let record = self.journal.read_seq(seq)?.filter(|_| holds);
        let stored = record.map(|record| Stored::read(&record)).transpose()?;
        Ok(stored.flatten().filter(|stored| {
            matches!(&stored.change, Change::Sanctioned(last) if last.fingerprint == fingerprint)
        }))
    }
}
