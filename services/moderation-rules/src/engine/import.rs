//! An imported comment: what the system that it comes from had decided stands in place of the rules'
//! judgement.
//!
//! | state there | verdict | label |
//! |---|---|---|
//! | `visible` | `approve` | |
//! | `pending` | `hold`, with a case | |
//! | `spam` | `reject` | `spam` |
//! | `deleted` | `reject` | `deleted` |
//!
//! The rules are not asked, so nothing is added to their counters and limits. An edit, a report or a
//! moderator changes what stands as with any other comment.

use stoa_proto::{Imported, ImportedState, Verdict};
use stoa_rules::{Counted, Outcome};

use super::batch::{Item, Judge};
use super::conclude::{Deciding, Source};
use super::evaluate::Job;

impl Judge<'_> {
    /// Takes over what had been decided about a comment.
    pub(super) fn take_over(&mut self, job: &Job<'_>, imported: &Imported) -> anyhow::Result<()> {
        let (verdict, label) = match imported.state {
            ImportedState::Visible => (Verdict::Approve, None),
            ImportedState::Pending => (Verdict::Hold, None),
            state @ (ImportedState::Spam | ImportedState::Deleted) => {
                (Verdict::Reject, Some(state.as_str().to_owned()))
            }
        };
        let deciding = Deciding {
            job,
            outcome: &Outcome {
                verdict,
                labels: label.into_iter().collect(),
                ..Outcome::default()
            },
            limited: &[],
            counted: &Counted::default(),
            print: None,
            source: Source::Import(&imported.from),
            asked: false,
        };
        let concluded = deciding.conclude(&self.parts.statements, &self.parts.review, &self.at);
        self.keep(job.index, Item::new(job.event, concluded))
    }
}
