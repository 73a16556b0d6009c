//! The texts of statements: from an editor's request to a record.

use bytes::Bytes;

use super::Parts;
use crate::record::{Change, Stored, Texted};
use crate::statement::texts::{Edited, Texts, Written};
use crate::view::State;

/// What an editor asks for.
#[derive(Clone, Debug)]
pub(crate) struct Texting {
    pub(crate) texts: Edited,
    pub(crate) note: Option<String>,
    pub(crate) by: String,
    /// The earlier version that is taken again, if one is.
    pub(crate) restores: Option<u64>,
    /// The version that the editor saw; none if any will do.
    pub(crate) seen: Option<Vec<u64>>,
}

/// The texts have another version than the editor saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the texts have version {0} by now")]
pub(crate) struct Stale(pub(crate) u64);

impl Parts {
    /// Writes texts down and makes them live, unless they are so already; returns their version.
    pub(super) async fn write_texts(&self, texting: Texting) -> anyhow::Result<Result<u64, Stale>> {
        let live = self.statements.texts();
        let is_seen = |seen: &Vec<u64>| seen.contains(&live.version);
        if !texting.seen.as_ref().is_none_or(is_seen) {
            return Ok(Err(Stale(live.version)));
        }
        if live.edited == texting.texts {
            return Ok(Ok(live.version));
        }
        let version = live.version + 1;
        let written = Written {
            texts: texting.texts,
            note: texting.note,
        };
        let stored = Stored {
            change: Change::Texted(Texted {
                version,
                by: texting.by,
                restores: texting.restores,
                at: self.clock.micros(),
            }),
            reasons: None,
            input: Bytes::from(serde_json::to_vec(&written)?),
            outputs: Vec::new(),
        };
        let mut state = State::new(&self.index);
        state.take(self.journal.next(), &stored)?;
        self.commit(vec![stored.entry()?], state).await?;
        self.statements.set_texts(Texts {
            version,
            edited: written.texts,
        });
        Ok(Ok(version))
    }
}
