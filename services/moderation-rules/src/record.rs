//! The records of the journal.
//!
//! A record has three parts, each with its length before it (`u32`, little endian): what it changes
//! ([`Change`], postcard), the event that led to it (JSON; empty for a moderator's action), and the
//! events that follow from it (JSON, any number).
//! The change alone rebuilds the view; the events are what is read and published again, letter for
//! letter.
//!
//! **Invariant:** a change holds ids, times, counts and labels, and no words; so the events can be
//! erased and the change kept, in a record without events ([`Kept`]), with what a statement of
//! reasons says ([`Told`]).
//! Fields of a change are never added or moved within one record kind: another shape is another
//! kind.

mod appeal;
mod desk;
mod kept;
mod stated;
mod stored;
mod told;
mod webhook;

use serde::{Deserialize, Serialize};
use stoa_proto::{ReportReason, Sanction, Verdict};

pub(crate) use self::appeal::{Appeal, Intake, Refusal};
pub(crate) use self::desk::{Bulked, Handled, Handling, NoteWords, Undone};
pub(crate) use self::kept::{ERASURE, Kept};
pub(crate) use self::stated::{Automation, Reasons, Stated};
pub(crate) use self::stored::{
    ANSWERED, DECIDED, FACT, HANDLED, REVIEWED, SANCTIONED, Stored, UNDONE, Unreadable, publish,
};
pub(crate) use self::told::Told;
pub(crate) use self::webhook::{WebhookAct, Webhooked};

use crate::statement::Tongue;

/// What a record changes in the view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Change {
    /// The rules decided one revision of a comment.
    Decided(Decided),
    /// A moderator decided a case.
    Reviewed(Reviewed),
    /// An article is known, changed or gone, as earlier versions wrote it.
    Article {
        site: String,
        article: String,
        published_at: Option<i64>,
        removed: bool,
    },
    /// The author took a comment back.
    Withdrawn { about: About, at: i64, case: Step },
    /// A reader reported a comment: of whom nothing was kept.
    Reported {
        about: About,
        report: String,
        at: i64,
        case: Step,
    },
    /// The author appealed, as earlier versions wrote it.
    Appealed {
        about: About,
        appeal: String,
        at: i64,
        case: Step,
    },
    /// Something happened to a rule's breaker.
    Breaker(Breaker),
    /// The rules decided, and something of the comment is remembered for the next ones.
    Remembered(Box<Remembered>),
    /// An article with tags is known, changed or gone, as earlier versions wrote it.
    Tagged {
        site: String,
        article: String,
        published_at: Option<i64>,
        removed: bool,
        tags: Vec<String>,
    },
    /// The rules decided because a request over HTTP asked them to: what follows is published from
    /// here.
    Answered(Box<Remembered>),
    /// A reader reported a comment for a reason, and the rules may have decided because of it.
    ReportedFor(Box<Report>),
    /// A moderator sanctioned an author, or lifted a sanction.
    Sanctioned(Sanctioned),
    /// An article is known, changed or gone; what ingest recorded earlier changes it no more.
    Version {
        site: String,
        article: String,
        published_at: Option<i64>,
        removed: bool,
        tags: Vec<String>,
        recorded: Option<i64>,
    },
    /// What another system had decided was taken over; no rule was asked.
    Imported(Decided),
    /// The archive ordered that a comment's words be erased: what comes later about it changes
    /// nothing.
    Erased { about: About, at: i64, case: Step },
    /// The archive ordered that an author be forgotten.
    Forgotten {
        site: String,
        author: String,
        at: i64,
    },
    /// A moderator did something at a case without deciding it.
    Handled(Handled),
    /// A moderator's decision was undone.
    Undone(Undone),
    /// A moderator decided many cases in one go.
    Bulked(Bulked),
    /// The author appealed against a decision.
    Appeal(Box<Appeal>),
    /// The rules decided about a comment in another language than the author's last one.
    Spoken(Box<Spoken>),
    /// An editor changed the texts of statements, which are where an event stands.
    Texted(Texted),
    /// Something that restricts somebody, with what its statement of reasons rests on.
    Stated(Box<Stated>),
    /// A comment has at least twice as many votes as were written down before.
    Voted(Voted),
    /// An endpoint of webhooks began, or an operator did something with it.
    Webhook(Webhooked),
}

impl Change {
    /// Returns the comment that it is about.
    pub(crate) fn about(&self) -> Option<&About> {
        match self {
            Self::Reviewed(reviewed) => Some(&reviewed.about),
            Self::ReportedFor(report) => Some(&report.about),
            Self::Handled(handled) => Some(&handled.about),
            Self::Undone(undone) => Some(&undone.about),
            Self::Appeal(appeal) => Some(&appeal.about),
            Self::Voted(voted) => Some(&voted.about),
            Self::Stated(stated) => stated.change.about(),
            Self::Withdrawn { about, .. }
            | Self::Reported { about, .. }
            | Self::Appealed { about, .. }
            | Self::Erased { about, .. } => Some(about),
            _ => self.decided().map(|decided| &decided.about),
        }
    }

    /// Returns what was decided about a comment as it came, or because of a report: by the rules,
    /// or by the system that it comes from.
    pub(crate) fn decided(&self) -> Option<&Decided> {
        match self {
            Self::Decided(decided) | Self::Imported(decided) => Some(decided),
            Self::Remembered(remembered) | Self::Answered(remembered) => Some(&remembered.decided),
            Self::Spoken(spoken) => Some(&spoken.remembered.decided),
            Self::ReportedFor(report) => report.decided.as_ref(),
            Self::Stated(stated) => stated.change.decided(),
            _ => None,
        }
    }

    /// Returns the decision about a comment that was made, whoever made it.
    pub(crate) fn made(&self) -> Option<Made<'_>> {
        match self {
            Self::Reviewed(reviewed) => Some(Made {
                about: &reviewed.about,
                revision: reviewed.revision,
                decision: &reviewed.decision,
                verdict: reviewed.verdict,
                at: reviewed.at,
                is_by_rules: false,
            }),
            Self::Undone(undone) => Some(Made {
                about: &undone.about,
                revision: undone.revision,
                decision: &undone.decision,
                verdict: undone.verdict,
                at: undone.at,
                is_by_rules: false,
            }),
            Self::Stated(stated) => stated.change.made(),
            _ => self.decided().map(|decided| Made {
                about: &decided.about,
                revision: decided.revision,
                decision: &decided.decision,
                verdict: decided.verdict,
                at: decided.at,
                is_by_rules: true,
            }),
        }
    }

    /// Returns the rules that fired without acting.
    pub(crate) fn shadow(&self) -> &[String] {
        match (self, self.decided()) {
            (_, Some(decided)) => &decided.shadow,
            (Self::ReportedFor(report), None) => &report.shadow,
            _ => &[],
        }
    }

    /// Returns the site that it is about; a rule is of all sites, and has none, and a bulk may be
    /// of several.
    pub(crate) fn site(&self) -> &str {
        match self {
            Self::Decided(decided) | Self::Imported(decided) => &decided.about.site,
            Self::Reviewed(reviewed) => &reviewed.about.site,
            Self::Remembered(remembered) | Self::Answered(remembered) => {
                &remembered.decided.about.site
            }
            Self::Spoken(spoken) => &spoken.remembered.decided.about.site,
            Self::ReportedFor(report) => &report.about.site,
            Self::Article { site, .. } | Self::Tagged { site, .. } | Self::Version { site, .. } => {
                site
            }
            Self::Sanctioned(sanctioned) => &sanctioned.site,
            Self::Handled(handled) => &handled.about.site,
            Self::Undone(undone) => &undone.about.site,
            Self::Appeal(appeal) => &appeal.about.site,
            Self::Voted(voted) => &voted.about.site,
            Self::Stated(stated) => stated.change.site(),
            Self::Breaker(_) | Self::Bulked(_) | Self::Texted(_) | Self::Webhook(_) => "",
            Self::Forgotten { site, .. } => site,
            Self::Withdrawn { about, .. }
            | Self::Reported { about, .. }
            | Self::Appealed { about, .. }
            | Self::Erased { about, .. } => &about.site,
        }
    }
}

/// A decision about a comment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made<'a> {
    pub(crate) about: &'a About,
    pub(crate) revision: u32,
    pub(crate) decision: &'a str,
    pub(crate) verdict: Verdict,
    pub(crate) at: i64,
    pub(crate) is_by_rules: bool,
}

/// What the rules decided, and what the next comments are judged with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Remembered {
    pub(crate) decided: Decided,
    /// What it adds to the rule set's counters.
    pub(crate) counters: Vec<stoa_rules::Update>,
    /// What its text is compared by.
    pub(crate) print: Option<stoa_rules::Print>,
}

/// What the rules decided about a comment in another language than the author's last one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spoken {
    pub(crate) remembered: Remembered,
    /// Whether what follows is published from the journal.
    pub(crate) asked: bool,
    pub(crate) language: Tongue,
}

/// How many votes a comment has, for and against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Voted {
    pub(crate) about: About,
    pub(crate) votes: u64,
    pub(crate) at: i64,
}

/// A version of the texts of statements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Texted {
    /// From 1.
    pub(crate) version: u64,
    pub(crate) by: String,
    /// The earlier version that was taken again, if one was.
    pub(crate) restores: Option<u64>,
    pub(crate) at: i64,
}

/// The comment that a change is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct About {
    pub(crate) site: String,
    pub(crate) article: String,
    pub(crate) comment: String,
}

/// What the rules decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Decided {
    pub(crate) about: About,
    pub(crate) author: String,
    pub(crate) parent: Option<String>,
    pub(crate) depth: Option<u32>,
    pub(crate) revision: u32,
    pub(crate) submitted_at: i64,
    pub(crate) verdict: Verdict,
    pub(crate) decision: String,
    pub(crate) labels: Vec<String>,
    /// The rules that fired and acted.
    pub(crate) rules: Vec<String>,
    /// The rules that fired without acting.
    pub(crate) shadow: Vec<String>,
    pub(crate) case: Step,
    pub(crate) at: i64,
}

/// A reader's report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) about: About,
    /// The report's id.
    pub(crate) id: String,
    /// Who reported, if the event says so.
    pub(crate) reporter: Option<String>,
    pub(crate) reason: ReportReason,
    /// What the reporter's word was worth then.
    pub(crate) weight: f64,
    pub(crate) case: Step,
    pub(crate) at: i64,
    /// What the rules that read reports decided because of it, if they did.
    pub(crate) decided: Option<Decided>,
    /// Those of them that fired without acting, where they decided nothing.
    pub(crate) shadow: Vec<String>,
}

/// Something happened to a rule's breaker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Breaker {
    pub(crate) rule: String,
    /// The hash of the rule's content: another one is another rule.
    pub(crate) content: String,
    pub(crate) what: Switch,
    pub(crate) at: i64,
}

/// What happened to a rule's breaker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Switch {
    /// The rule is new or changed: its hits are counted from here.
    Watched,
    /// It hit too much: its rejections become holds.
    Opened { hits: u64, comments: u64 },
    /// Somebody looked, and it rejects again: its hits are counted from here.
    Reset { by: String },
}

/// What a moderator decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reviewed {
    pub(crate) about: About,
    pub(crate) case: String,
    pub(crate) revision: u32,
    pub(crate) verdict: Verdict,
    pub(crate) decision: String,
    pub(crate) moderator: String,
    /// Tells whether a second request asks for the same.
    pub(crate) fingerprint: String,
    pub(crate) at: i64,
}

/// What a moderator put an author under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sanctioned {
    pub(crate) site: String,
    pub(crate) author: String,
    pub(crate) sanction: Sanction,
    /// Until when, if it ends by itself.
    pub(crate) until: Option<i64>,
    pub(crate) moderator: String,
    /// Tells whether a second request asks for the same.
    pub(crate) fingerprint: String,
    pub(crate) at: i64,
}

/// What happens to the comment's case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Step {
    /// Nothing.
    None,
    /// It is opened, or opened again, as earlier versions wrote it.
    Open { reason: Opening, priority: i64 },
    /// It stays open, as earlier versions wrote it.
    Keep { priority: i64 },
    /// It is closed without a moderator.
    Close { reason: Closing },
    /// It is opened, or opened again, and due by then.
    OpenBy {
        reason: Opening,
        priority: i64,
        due: i64,
    },
    /// It stays open, at another priority or about a newer revision, and is due by then.
    KeepBy { priority: i64, due: i64 },
}

/// Why a case is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Opening {
    /// The rules held the comment.
    Rules,
    /// A reader reported it.
    Reported,
    /// The author appealed.
    Appeal,
}

impl Opening {
    /// Returns the name that events use.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::Reported => "reported",
            Self::Appeal => "appeal",
        }
    }

    /// Returns the priority that a case begins with.
    pub(crate) fn priority(self) -> i64 {
        match self {
            Self::Rules => 10,
            Self::Reported => 20,
            Self::Appeal => 30,
        }
    }
}

/// Why a case is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Closing {
    /// A moderator decided.
    Decided,
    /// The author took the comment back.
    Withdrawn,
    /// A newer revision needs nobody.
    Superseded,
    /// The comment's words were erased.
    Erased,
}

impl Closing {
    /// Returns the name that events use.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Decided => "decided",
            Self::Withdrawn => "withdrawn",
            Self::Superseded => "superseded",
            Self::Erased => "erased",
        }
    }
}
