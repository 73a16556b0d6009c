//! Authors' appeals: what becomes of one when it comes, who may decide it, and what is told.
//!
//! What stands is what an appeal is about: where the decision that it names was superseded, the
//! comment's case is opened all the same, and where the comment is approved by now, the appeal ends
//! at once, `reversed`.
//! Every appeal about a comment that is known is kept, also one that nobody has to decide.

use stoa_proto::{
    AppealOutcome, AppealResolved, Data, DecisionAppealed, Received, Statement, Time, Verdict, ids,
};

use super::Parts;
use super::batch::{Item, Judge};
use super::conclude::{self, CaseNews, Concluded};
use super::review::Moderator;
use crate::record::{About, Appeal, Change, Closing, Intake, Opening, Refusal, Step, Stored};
use crate::statement::Subject;
use crate::view::appeals::AppealRow;
use crate::view::rows::{CaseRow, CommentRow};
use crate::view::{State, appeal_id};

/// Appeals of a comment that moderators decide.
const MAX_APPEALS: usize = 100;
/// Decisions that are looked through for whose the verdict is.
const MAX_UNDONE: usize = 16;

/// A decision that is appealed.
struct Appealed {
    verdict: Verdict,
    revision: u32,
    at: i64,
}

impl Appealed {
    /// Reads what was decided about the comment, if the record is that of a decision about it.
    fn of(stored: &Stored, about: &About) -> Option<Self> {
        let made = stored.change.made()?;
        let is_same = made.about.site == about.site && made.about.comment == about.comment;
        is_same.then_some(Self {
            verdict: made.verdict,
            revision: made.revision,
            at: made.at,
        })
    }
}

impl Judge<'_> {
    /// Takes in an appeal that is new.
    pub(super) fn appealed(
        &mut self,
        index: usize,
        event: &Received,
        appealed: &DecisionAppealed,
        about: About,
        row: Option<CommentRow>,
    ) -> anyhow::Result<()> {
        // About a comment that was never decided here it changes nothing.
        let Some(row) = row.filter(|row| row.revision > 0) else {
            return Ok(());
        };
        let case = self.state.case_of(&about.site, &about.comment)?;
        let at = self.at.micros();
        let appealed_at = appealed.appealed_at.as_ref().map_or(at, Time::micros);
        let appealed_at = appealed_at.min(at);
        let stored = match self.state.decision(&appealed.decision)? {
            Some(seq) => self.stored(seq)?,
            None => None,
        };
        let against = stored.and_then(|stored| Appealed::of(&stored, &about));
        let intake = self.intake(appealed, &row, case.as_ref(), against.as_ref(), appealed_at)?;
        let step = match intake {
            Intake::Open => self.step(&about, &row, case.as_ref(), at)?,
            _ => Step::None,
        };
        let mut moderators = Vec::new();
        if intake == Intake::Open {
            moderators.extend(self.maker(&appealed.decision)?);
            moderators.extend(self.maker(&row.decision)?);
            moderators.dedup();
        }
        let appeal = Appeal {
            about,
            name: appealed.appeal.clone(),
            decision: appealed.decision.clone(),
            verdict: against.as_ref().map(|against| against.verdict),
            revision: against.map_or(0, |against| against.revision),
            moderators,
            author: row.author.clone(),
            appealed_at,
            at,
            case: step,
            intake,
        };
        let news = CaseNews {
            about: &appeal.about,
            case: case.as_ref(),
            revision: row.revision,
            at: &self.at,
        };
        let outputs = news
            .of(step, None)
            .into_iter()
            .chain(ended(&appeal, &row))
            .map(|(id, data)| conclude::follow(event, id, &self.at, data))
            .collect();
        let concluded = Concluded {
            change: Change::Appeal(Box::new(appeal)),
            outputs,
            // The author's words are read with the case.
            keep_input: true,
        };
        self.keep(index, Item::new(event, concluded))
    }

    /// Decides what becomes of an appeal.
    fn intake(
        &mut self,
        appealed: &DecisionAppealed,
        row: &CommentRow,
        case: Option<&CaseRow>,
        against: Option<&Appealed>,
        appealed_at: i64,
    ) -> anyhow::Result<Intake> {
        let refused = |refusal| Ok(Intake::Refused(refusal));
        let is_author = |id: &String| *id == row.author;
        if row.withdrawn_seq.is_some() {
            return refused(Refusal::Withdrawn);
        }
        if !appealed.author.as_ref().is_none_or(is_author) {
            return refused(Refusal::NotAuthor);
        }
        let Some(against) = against else {
            return refused(Refusal::UnknownDecision);
        };
        if self.state.appeal_against(&appealed.decision)?.is_some() {
            return refused(Refusal::Repeated);
        }
        if against.verdict == Verdict::Approve {
            return refused(Refusal::NotRestricted);
        }
        let within = self.parts.review.appeals.within.get().as_micros();
        if i128::from(appealed_at - against.at) > i128::try_from(within).unwrap_or(i128::MAX) {
            return refused(Refusal::TooLate);
        }
        let earlier = match case {
            Some(case) => self.state.appeals_of(case)?,
            None => Vec::new(),
        };
        if earlier
            .iter()
            .any(|row| row.is_exhausted_by(&appealed.decision))
        {
            return refused(Refusal::Exhausted);
        }
        if earlier.len() >= MAX_APPEALS {
            return refused(Refusal::TooMany);
        }
        Ok(match row.verdict {
            Verdict::Approve => Intake::Reversed {
                decision: row.decision.clone(),
            },
            _ => Intake::Open,
        })
    }

    /// Decides what becomes of the case that an appeal is decided with.
    fn step(
        &self,
        about: &About,
        row: &CommentRow,
        case: Option<&CaseRow>,
        at: i64,
    ) -> anyhow::Result<Step> {
        let review = &self.parts.review;
        let labels = case.map(|case| case.labels.as_slice()).unwrap_or_default();
        let reach = self.reach(about, row)?;
        let least = review.priority(Opening::Appeal, labels, &row.open_reports(), reach);
        Ok(match conclude::open(case) {
            Some(case) => review.keep(case, case.priority.saturating_add(1).max(least)),
            None => review.open(Opening::Appeal, least, at),
        })
    }

    /// Returns the news of a case's open appeals that nobody has to decide any more, because it is
    /// closed so.
    pub(super) fn moot(
        &mut self,
        case: Option<&CaseRow>,
        row: Option<&CommentRow>,
        closing: Closing,
    ) -> anyhow::Result<Vec<(String, Data)>> {
        let Some((case, row)) = conclude::open(case).zip(row) else {
            return Ok(Vec::new());
        };
        let appeals = open_appeals(&mut self.state, case)?;
        let news = appeals.iter().map(|appeal| {
            let parts = (&appeal.about, &*appeal.name, &*appeal.decision);
            let why = Some(closing.as_str());
            told(parts, AppealOutcome::Upheld, &row.decision, why)
        });
        Ok(news.collect())
    }

    /// Finds the moderator whose verdict a decision tells: of one that undoes another, whoever
    /// gave the verdict that stands again.
    fn maker(&mut self, decision: &str) -> anyhow::Result<Option<String>> {
        let mut decision = decision.to_owned();
        for _ in 0..MAX_UNDONE {
            let stored = match self.state.decision(&decision)? {
                Some(seq) => self.stored(seq)?,
                None => None,
            };
            let Some(stored) = stored else {
                return Ok(None);
            };
            match &stored.change {
                Change::Reviewed(reviewed) => return Ok(Some(reviewed.moderator.clone())),
                Change::Undone(_) => {}
                _ => return Ok(None),
            }
            let told = stored.decision();
            let restores = told.as_ref().and_then(|told| told.extra.get("restores"));
            match restores.and_then(|restores| restores.as_str()) {
                Some(restores) => restores.clone_into(&mut decision),
                None => return Ok(None),
            }
        }
        Ok(None)
    }
}

/// Returns the news of an appeal that ends when it comes; none of one that repeats another, whose
/// end is told.
fn ended(appeal: &Appeal, row: &CommentRow) -> Option<(String, Data)> {
    let (outcome, refused) = match &appeal.intake {
        Intake::Open | Intake::Refused(Refusal::Repeated) => return None,
        Intake::Reversed { .. } => (AppealOutcome::Reversed, None),
        Intake::Refused(refusal) => (AppealOutcome::Upheld, Some(refusal.as_str())),
    };
    let parts = (&appeal.about, &*appeal.name, &*appeal.decision);
    Some(told(parts, outcome, &row.decision, refused))
}

/// Returns the id and content of the event that tells how a moderator decided an appeal.
pub(super) fn resolved(appeal: &AppealRow, outcome: Outcome, decision: &str) -> (String, Data) {
    let parts = (&appeal.about, &*appeal.name, &*appeal.decision);
    told(parts, outcome.0, decision, None)
}

fn told(
    (about, appeal, appealed): (&About, &str, &str),
    outcome: AppealOutcome,
    decision: &str,
    refused: Option<&str>,
) -> (String, Data) {
    let own = appeal_id(&about.site, &about.comment, appeal);
    let id = ids::derive("resolved-", &[&own, decision]);
    let resolved = AppealResolved {
        site: about.site.clone(),
        comment: about.comment.clone(),
        appeal: appeal.to_owned(),
        outcome,
        decision: decision.to_owned(),
        appealed: Some(appealed.to_owned()).filter(|id| !id.is_empty()),
        refused: refused.map(str::to_owned),
        extra: serde_json::Map::new(),
    };
    (id, Data::AppealResolved(resolved))
}

/// What a moderator's verdict means for an appeal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome(AppealOutcome);

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Self {
        Self(match verdict {
            Verdict::Approve => AppealOutcome::Reversed,
            Verdict::Hold | Verdict::Reject => AppealOutcome::Upheld,
        })
    }
}

/// Returns the appeals that a decision of the case settles.
pub(super) fn open_appeals(
    state: &mut State<'_>,
    case: &CaseRow,
) -> anyhow::Result<Vec<AppealRow>> {
    if !case.appealed {
        return Ok(Vec::new());
    }
    let mut appeals = state.appeals_of(case)?;
    appeals.retain(AppealRow::is_open);
    Ok(appeals)
}

impl Parts {
    /// Tells whether one of the appeals is against a decision of the moderator, who then may not
    /// decide it.
    pub(super) fn is_own(&self, appeals: &[AppealRow], moderator: &Moderator) -> bool {
        let mut appeals = appeals.iter();
        !self.review.appeals.same_moderator
            && appeals.any(|appeal| appeal.is_against(&moderator.name))
    }

    /// Returns the labels and the statement of a decision, for one that confirms it.
    pub(super) fn confirmed(
        &self,
        decision: &str,
        subject: &Subject<'_>,
    ) -> anyhow::Result<Option<(Vec<String>, Option<Statement>)>> {
        let told = self
            .decision(decision)?
            .and_then(|stored| stored.decision());
        Ok(told.map(|told| {
            let statement = told.statement;
            let statement =
                statement.map(|statement| self.statements.confirmed(subject, statement));
            (told.labels, statement)
        }))
    }
}
