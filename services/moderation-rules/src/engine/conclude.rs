//! From what the rules found, or what an author did, to a record: decision, case, events.
//!
//! What becomes of a comment's case when a newer revision is decided:
//!
//! | case before | `hold` | `approve` or `reject` |
//! |---|---|---|
//! | none, or closed | opened | stays closed |
//! | open, because of the rules alone | stays open, about the new revision | closed, `superseded` |
//! | open, reported or appealed | stays open, about the new revision | the same: an edit does not answer a reader or an author |
//!
//! A revision that comes after a newer one was decided is decided by itself: it supersedes nothing
//! and leaves the case alone.

use stoa_proto::{
    By, CaseClosed, CaseOpened, Comment, Data, Decision, Event, FiredRule, Time, Verdict, ids,
};
use stoa_rules::{Counted, Outcome, Print};

use super::evaluate::Job;
use crate::config::ReviewConfig;
use crate::metrics::Limit;
use crate::record::{About, Change, Closing, Decided, Opening, Remembered, Spoken, Step};
use crate::statement::{Statements, Subject, Tongue};
use crate::view::rows::{CaseRow, CommentRow};

/// The source of the events that this role makes.
pub(crate) const SOURCE: &str = "stoa://moderation-rules";

/// What the id of whoever decided begins with, when that was the system that a comment was imported from.
pub(crate) const IMPORTED_BY: &str = "import:";

/// What is to be written and published.
#[derive(Debug)]
pub(crate) struct Concluded {
    /// What changes.
    pub(crate) change: Change,
    /// The events that follow.
    pub(crate) outputs: Vec<Event>,
    /// Whether the event that led to it is kept: it is where the comment's text is read.
    pub(crate) keep_input: bool,
}

/// What is needed to conclude about a comment.
pub(crate) struct Deciding<'a> {
    pub(crate) job: &'a Job<'a>,
    pub(crate) outcome: &'a Outcome,
    /// The rules whose rejection became a hold, by their places among those that fired.
    pub(crate) limited: &'a [(usize, Limit)],
    /// What the comment adds to counters.
    pub(crate) counted: &'a Counted,
    /// What its text is compared by, if the rules compare texts.
    pub(crate) print: Option<Print>,
    pub(crate) source: Source<'a>,
    /// Whether what follows is published from the journal.
    pub(crate) asked: bool,
}

/// Who decides about a comment as it comes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source<'a> {
    /// The rule set of this hash.
    Rules(&'a str),
    /// The system that an imported comment comes from.
    Import(&'a str),
}

impl Source<'_> {
    fn decision_id(self, comment: &Comment) -> String {
        let (site, id, revision) = (&comment.site, &comment.comment, comment.revision);
        match self {
            Self::Rules(hash) => ids::decision_id(site, id, revision, hash),
            Self::Import(from) => ids::import_decision_id(site, id, revision, from),
        }
    }

    fn by(self) -> By {
        match self {
            Self::Rules(hash) => By::Rules {
                ruleset: hash.to_owned(),
            },
            Self::Import(from) => By::Moderator {
                id: format!("{IMPORTED_BY}{from}"),
            },
        }
    }
}

impl Deciding<'_> {
    /// Makes the decision and what follows from it.
    pub(crate) fn conclude(
        self,
        statements: &Statements,
        review: &ReviewConfig,
        at: &Time,
    ) -> Concluded {
        let Job { event, comment, .. } = *self.job;
        let counters = self.counted.clone().by(self.outcome.verdict);
        let case = self.job.case.as_ref();
        let before = self.job.facts.before.as_ref();
        let known = before.filter(|row| row.revision > 0);
        let newest = known.is_none_or(|row| row.revision < comment.revision);
        let id = self.source.decision_id(comment);
        let step = if newest {
            step(review, self.outcome, before, open(case), at.micros())
        } else {
            Step::None
        };
        let supersedes = known.filter(|_| newest).map(|row| row.decision.clone());
        let (told, decided) = self.decide(id, supersedes, step, statements, at);
        let news = CaseNews {
            about: &decided.about,
            case,
            revision: comment.revision,
            at,
        };
        let opened = news.of(step, Some(&decided.decision));
        let mut outputs = vec![told];
        outputs.extend(opened.map(|(id, data)| follow(event, id, at, data)));
        let change = match self.source {
            Source::Import(_) => Change::Imported(decided),
            Source::Rules(_) => {
                let said = comment.known_language().and_then(Tongue::of);
                let known = self.job.facts.author.language;
                let remembered = Remembered {
                    decided,
                    counters,
                    print: self.print,
                };
                match said.filter(|said| Some(*said) != known) {
                    Some(language) => Change::Spoken(Box::new(Spoken {
                        remembered,
                        asked: self.asked,
                        language,
                    })),
                    None => change(remembered, self.asked),
                }
            }
        };
        Concluded {
            change,
            outputs,
            keep_input: true,
        }
    }

    /// Makes the decision: the event that tells it, and what is kept of it.
    pub(super) fn decide(
        &self,
        id: String,
        supersedes: Option<String>,
        case: Step,
        statements: &Statements,
        at: &Time,
    ) -> (Event, Decided) {
        let (job, outcome) = (self.job, self.outcome);
        let comment = job.comment;
        // The system that decided before stated its reasons, or did not.
        let states = outcome.verdict != Verdict::Approve && matches!(self.source, Source::Rules(_));
        let subject = Subject {
            comment,
            author: job.facts.author.language,
            decision: &id,
            at: at.micros(),
            appealable: true,
            is_reported: matches!(job.event.data, Data::CommentReported(_)),
        };
        let statement = states.then(|| statements.by_rules(&subject, outcome));
        let told = Decision {
            site: comment.site.clone(),
            article: comment.article.clone(),
            comment: comment.comment.clone(),
            revision: comment.revision,
            decision: id.clone(),
            verdict: outcome.verdict,
            labels: outcome.labels.clone(),
            by: self.source.by(),
            rules: fired(outcome, self.limited),
            statement,
            decided_at: at.clone(),
            supersedes,
            partial: outcome.partial.clone(),
            extra: scores(job),
        };
        let told = Data::CommentDecided(told);
        let told = follow(job.event, format!("decided-{id}"), at, told);
        let decided = Decided {
            about: About {
                site: comment.site.clone(),
                article: comment.article.clone(),
                comment: comment.comment.clone(),
            },
            author: comment.author.id.clone(),
            parent: comment.parent.clone(),
            depth: job.facts.depth,
            revision: comment.revision,
            submitted_at: job.facts.submitted_at,
            verdict: outcome.verdict,
            decision: id,
            labels: outcome.labels.clone(),
            rules: names(outcome, true),
            shadow: names(outcome, false),
            case,
            at: at.micros(),
        };
        (told, decided)
    }
}

/// Returns the ids of the rules that fired and acted, or fired and did not.
pub(super) fn names(outcome: &Outcome, acted: bool) -> Vec<String> {
    let fired = outcome.fired.iter().filter(|fired| fired.acted == acted);
    fired.map(|fired| fired.rule.id.clone()).collect()
}

/// Returns what is written of a decision: no more than there is to remember.
fn change(remembered: Remembered, asked: bool) -> Change {
    if asked {
        Change::Answered(Box::new(remembered))
    } else if remembered.counters.is_empty() && remembered.print.is_none() {
        Change::Decided(remembered.decided)
    } else {
        Change::Remembered(Box::new(remembered))
    }
}

/// Returns the scores that the rules had, for the decision to tell what it rests on.
fn scores(job: &Job<'_>) -> serde_json::Map<String, serde_json::Value> {
    let mut extra = serde_json::Map::new();
    if !job.scores.is_empty() {
        let scores = job.scores.iter();
        let scores: serde_json::Map<String, serde_json::Value> = scores
            .map(|(name, value)| (name.to_string(), (*value).into()))
            .collect();
        extra.insert("scores".to_owned(), scores.into());
    }
    extra
}

/// Returns the rules that fired; `limited` of a rule says why it held instead of rejecting.
pub(super) fn fired(outcome: &Outcome, limited: &[(usize, Limit)]) -> Vec<FiredRule> {
    let mut rules: Vec<FiredRule> = outcome
        .fired
        .iter()
        .map(stoa_rules::Fired::record)
        .collect();
    for (place, limit) in limited {
        if let Some(rule) = rules.get_mut(*place) {
            rule.extra
                .insert("limited".to_owned(), limit.as_str().into());
        }
    }
    rules
}

pub(super) fn open(case: Option<&CaseRow>) -> Option<&CaseRow> {
    case.filter(|case| case.closed.is_none())
}

/// Closes a case without a moderator, if it is open.
pub(super) fn close(case: Option<&CaseRow>, reason: Closing) -> Step {
    open(case).map_or(Step::None, |_| Step::Close { reason })
}

/// Decides what becomes of the case when the newest revision is decided.
fn step(
    review: &ReviewConfig,
    outcome: &Outcome,
    before: Option<&CommentRow>,
    open: Option<&CaseRow>,
    at: i64,
) -> Step {
    let reports = before.map(CommentRow::open_reports).unwrap_or_default();
    let withdrawn = before.is_some_and(|row| row.revision == 0 && row.withdrawn_seq.is_some());
    let first = before.is_none_or(|row| row.revision == 0);
    let labels = &outcome.labels;
    let new = |reason| review.open(reason, review.priority(reason, labels, &reports, 0), at);
    match (open, outcome.verdict) {
        (Some(case), Verdict::Approve | Verdict::Reject)
            if case.reason == Opening::Rules && reports.is_empty() && !case.appealed =>
        {
            Step::Close {
                reason: Closing::Superseded,
            }
        }
        (Some(case), _) => review.keep(case, review.raised(case, labels)),
        // Nobody waits for a comment that was taken back before it came.
        (None, _) if withdrawn => Step::None,
        (None, Verdict::Hold) => new(Opening::Rules),
        // Reports that came before the comment.
        (None, Verdict::Approve) if first && !reports.is_empty() => new(Opening::Reported),
        (None, _) => Step::None,
    }
}

/// Concludes about a withdrawal.
pub(crate) fn withdrawn(
    event: &Event,
    about: About,
    row: Option<&CommentRow>,
    case: Option<&CaseRow>,
    at: &Time,
) -> Concluded {
    let step = close(case, Closing::Withdrawn);
    let news = CaseNews {
        about: &about,
        case,
        revision: row.map_or(0, |row| row.revision),
        at,
    };
    let closed = news.of(step, None);
    let closed = closed.map(|(id, data)| follow(event, id, at, data));
    Concluded {
        outputs: closed.into_iter().collect(),
        change: Change::Withdrawn {
            about,
            at: at.micros(),
            case: step,
        },
        keep_input: false,
    }
}

/// What is told about a case.
pub(crate) struct CaseNews<'a> {
    pub(crate) about: &'a About,
    /// The case before.
    pub(crate) case: Option<&'a CaseRow>,
    pub(crate) revision: u32,
    pub(crate) at: &'a Time,
}

impl CaseNews<'_> {
    /// Returns the id and content of the event that tells of a step, if one does.
    pub(crate) fn of(&self, step: Step, decision: Option<&str>) -> Option<(String, Data)> {
        let About {
            site,
            article,
            comment,
        } = self.about.clone();
        let case = ids::case_id(&site, &comment);
        let openings = self.case.map_or(0, |case| case.openings);
        match step {
            Step::None | Step::Keep { .. } | Step::KeepBy { .. } => None,
            Step::Open { reason, priority }
            | Step::OpenBy {
                reason, priority, ..
            } => {
                let id = format!("opened-{case}-{}", openings + 1);
                let mut extra = serde_json::Map::new();
                extra.insert("revision".to_owned(), self.revision.into());
                if let Some(decision) = decision {
                    extra.insert("decision".to_owned(), decision.into());
                }
                let opened = CaseOpened {
                    site,
                    article,
                    comment,
                    case,
                    reason: reason.as_str().to_owned(),
                    priority,
                    opened_at: Some(self.at.clone()),
                    extra,
                };
                Some((id, Data::CaseOpened(opened)))
            }
            Step::Close { reason } => {
                let id = format!("closed-{case}-{openings}");
                let closed = CaseClosed {
                    site,
                    article,
                    comment,
                    case,
                    reason: reason.as_str().to_owned(),
                    priority: self.case.map_or(0, |case| case.priority),
                    decision: decision.map(str::to_owned),
                    closed_at: Some(self.at.clone()),
                    extra: serde_json::Map::new(),
                };
                Some((id, Data::CaseClosed(closed)))
            }
        }
    }
}

/// Makes an event that follows from another.
pub(super) fn follow(event: &Event, id: String, at: &Time, data: Data) -> Event {
    Event {
        traceparent: event.traceparent.clone(),
        ..own(id, at, data)
    }
}

/// Makes an event of this role.
pub(crate) fn own(id: String, at: &Time, data: Data) -> Event {
    let mut event = Event::new(id, SOURCE, data);
    event.time = Some(at.clone());
    event.subject = event.comment().map(str::to_owned);
    event
}
