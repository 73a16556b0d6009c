//! Changes in memory over the view: what a batch reads, and what it writes at its end.

mod again;
mod appeals;
mod case;
mod desk;
mod queue;
mod tally;

use std::collections::HashMap;

use stoa_proto::ids;
use stoa_rules::Print;
use stoa_store::Error;

use self::case::{Open, show};
use super::appeals::AppealRow;
use super::feed::{News, What};
use super::limits::Limits;
use super::memory::{Memory, Reader, Similar};
use super::pending::Pending;
use super::rows::{ArticleRow, AuthorRow, CaseRow, ClosedRow, CommentRow, RuleRow, assumed_due};
use super::tallies::Tallies;
use super::tally::Tally;
use super::{
    ALL_APPEALS, APPEALED, APPEALS, ARTICLES, AUTHORS, BULKS, CASES, CHILDREN, CLAIMS, CLOSED,
    COMMENTS, DECISIONS, DECISIONS_OF, Id, Index, NOTES, OPEN, OPEN_APPEALS, OPEN_CASES, QUEUES,
    REPORTS, REVISIONS, RULES, SANCTIONS, TEXTS, TOTALS, WEBHOOKS, decision_key,
};
use crate::record::{About, Change, Closing, Decided, Step, Stored};

/// The view with changes over it that are not written yet.
pub(crate) struct State<'a> {
    pub(super) index: &'a Index,
    comments: Pending<Id, CommentRow>,
    revisions: Pending<(String, String, u32), u64>,
    authors: Pending<Id, AuthorRow>,
    articles: Pending<Id, ArticleRow>,
    cases: Pending<String, CaseRow>,
    open: Pending<(i64, u64), String>,
    queues: Pending<(u8, String, String, i64, u64), String>,
    claims: Pending<(i64, u64), (i64, u64, String)>,
    closed: Pending<u64, String>,
    decisions: Pending<[u8; 16], u64>,
    decisions_of: Pending<(String, String, u64), ()>,
    children: Pending<(String, String, String, String), ()>,
    reports: Pending<(String, String, String), u64>,
    appeals: Pending<String, AppealRow>,
    open_appeals: Pending<u64, String>,
    all_appeals: Pending<u64, String>,
    appealed: Pending<[u8; 16], String>,
    sanctions: Pending<(String, String, u64), ()>,
    notes: Pending<(String, u64), String>,
    bulks: Pending<String, u64>,
    texts: Pending<u64, u64>,
    webhooks: Pending<(String, u64), bool>,
    rules: Pending<String, RuleRow>,
    totals: Pending<u8, u64>,
    /// What is counted, by day and site.
    counted: HashMap<(i64, String), Tally>,
    restrictions: Vec<((i64, u64), String)>,
    kept: Vec<(u64, u64)>,
    memory: Memory,
    pub(super) limits: Limits,
    news: Vec<News>,
    tallies: Tallies,
}

impl<'a> State<'a> {
    /// Begins with the view as it is.
    pub(crate) fn new(index: &'a Index) -> Self {
        Self {
            index,
            comments: Pending::new(COMMENTS),
            revisions: Pending::new(REVISIONS),
            authors: Pending::new(AUTHORS),
            articles: Pending::new(ARTICLES),
            cases: Pending::new(CASES),
            open: Pending::new(OPEN),
            queues: Pending::new(QUEUES),
            claims: Pending::new(CLAIMS),
            closed: Pending::new(CLOSED),
            decisions: Pending::new(DECISIONS),
            decisions_of: Pending::new(DECISIONS_OF),
            children: Pending::new(CHILDREN),
            reports: Pending::new(REPORTS),
            appeals: Pending::new(APPEALS),
            open_appeals: Pending::new(OPEN_APPEALS),
            all_appeals: Pending::new(ALL_APPEALS),
            appealed: Pending::new(APPEALED),
            sanctions: Pending::new(SANCTIONS),
            notes: Pending::new(NOTES),
            bulks: Pending::new(BULKS),
            texts: Pending::new(TEXTS),
            webhooks: Pending::new(WEBHOOKS),
            rules: Pending::new(RULES),
            totals: Pending::new(TOTALS),
            counted: HashMap::new(),
            restrictions: Vec::new(),
            kept: Vec::new(),
            memory: Memory::new(),
            limits: Limits::new(),
            news: Vec::new(),
            tallies: Tallies::new(),
        }
    }

    /// Writes the changes; everything before `next` is applied then.
    pub(crate) fn commit(self, next: u64) -> Result<(), Error> {
        let mut batch = self.index.view.batch();
        self.comments.write(&mut batch);
        self.revisions.write(&mut batch);
        self.authors.write(&mut batch);
        self.articles.write(&mut batch);
        self.cases.write(&mut batch);
        self.open.write(&mut batch);
        self.queues.write(&mut batch);
        self.claims.write(&mut batch);
        self.closed.write(&mut batch);
        self.decisions.write(&mut batch);
        self.decisions_of.write(&mut batch);
        self.children.write(&mut batch);
        self.reports.write(&mut batch);
        self.appeals.write(&mut batch);
        self.open_appeals.write(&mut batch);
        self.all_appeals.write(&mut batch);
        self.appealed.write(&mut batch);
        self.sanctions.write(&mut batch);
        self.notes.write(&mut batch);
        self.bulks.write(&mut batch);
        self.texts.write(&mut batch);
        self.webhooks.write(&mut batch);
        self.rules.write(&mut batch);
        self.totals.write(&mut batch);
        self.write_counted(&mut batch)?;
        self.memory.write(&mut batch);
        self.limits.write(&mut batch);
        self.tallies.write(&mut batch);
        self.index.view.commit(batch, next)?;
        self.index.feed.tell(self.news, next);
        Ok(())
    }

    /// Looks up a comment.
    pub(crate) fn comment(&mut self, site: &str, id: &str) -> Result<Option<CommentRow>, Error> {
        self.comments.get(self.index, &key(site, id))
    }

    /// Looks up the record that decided a revision.
    pub(crate) fn revision(&mut self, site: &str, id: &str, n: u32) -> Result<Option<u64>, Error> {
        let Some(row) = self.comment(site, id)?.filter(|row| row.revision >= n) else {
            return Ok(None);
        };
        if row.revision == n {
            return Ok(Some(row.decided_seq));
        }
        self.revisions
            .get(self.index, &(site.to_owned(), id.to_owned(), n))
    }

    /// Looks up an author.
    pub(crate) fn author(&mut self, site: &str, id: &str) -> Result<AuthorRow, Error> {
        Ok(self
            .authors
            .get(self.index, &key(site, id))?
            .unwrap_or_default())
    }

    /// Looks up an article.
    pub(crate) fn article(&mut self, site: &str, id: &str) -> Result<Option<ArticleRow>, Error> {
        self.articles.get(self.index, &key(site, id))
    }

    /// Looks up a case.
    pub(crate) fn case(&mut self, id: &str) -> Result<Option<CaseRow>, Error> {
        self.cases.get(self.index, &id.to_owned())
    }

    /// Looks up the case of a comment.
    pub(crate) fn case_of(&mut self, site: &str, comment: &str) -> Result<Option<CaseRow>, Error> {
        self.case(&ids::case_id(site, comment))
    }

    /// Counts the recent texts that say the same as one.
    pub(crate) fn similar(
        &mut self,
        about: &About,
        author: &str,
        print: &Print,
        at: i64,
    ) -> Result<Similar, Error> {
        self.memory.similar(self.index, about, author, print, at)
    }

    /// Returns what counters say.
    pub(crate) fn counters(&self) -> Reader<'_> {
        self.memory.reader(self.index)
    }

    /// Looks up the record of a report.
    pub(crate) fn report(&mut self, about: &About, id: &str) -> Result<Option<u64>, Error> {
        self.reports.get(self.index, &triple(about, id))
    }

    /// Applies a record.
    pub(crate) fn take(&mut self, seq: u64, stored: &Stored) -> Result<(), Error> {
        self.count_change(seq, &stored.change, stored.reasons.as_ref());
        self.change(seq, &stored.change)
    }

    /// Applies a record's change.
    pub(crate) fn apply(&mut self, seq: u64, change: &Change) -> Result<(), Error> {
        let (change, reasons) = match change {
            Change::Stated(stated) => (&stated.change, Some(&stated.reasons)),
            change => (change, None),
        };
        self.count_change(seq, change, reasons);
        self.change(seq, change)
    }

    fn change(&mut self, seq: u64, change: &Change) -> Result<(), Error> {
        match change {
            Change::Decided(decided) => {
                self.judged_by_rules(decided)?;
                self.decided(seq, decided)
            }
            // No rule judged it, so it is none of the comments that rules are measured by.
            Change::Imported(decided) => self.decided(seq, decided),
            Change::Remembered(remembered) | Change::Answered(remembered) => {
                let decided = &remembered.decided;
                self.judged_by_rules(decided)?;
                self.memory.remember(self.index, remembered)?;
                self.decided(seq, decided)
            }
            Change::Spoken(spoken) => {
                let decided = &spoken.remembered.decided;
                self.judged_by_rules(decided)?;
                self.memory.remember(self.index, &spoken.remembered)?;
                self.decided(seq, decided)?;
                let site = &decided.about.site;
                let mut author = self.author(site, &decided.author)?;
                author.language = Some(spoken.language);
                self.authors.put(key(site, &decided.author), author);
                Ok(())
            }
            Change::Texted(texted) => {
                self.texts.put(texted.version, seq);
                Ok(())
            }
            Change::Webhook(webhooked) => {
                let key = (webhooked.endpoint.clone(), seq);
                self.webhooks.put(key, webhooked.act.is_known());
                Ok(())
            }
            Change::Breaker(breaker) => self.limits.breaker(self.index, breaker),
            Change::Reviewed(reviewed) => self.reviewed(seq, reviewed),
            Change::Article { .. } | Change::Tagged { .. } | Change::Version { .. } => {
                self.article_changed(change);
                Ok(())
            }
            Change::Withdrawn { about, at, case } => {
                let mut comment = self.comment_or_new(about)?;
                comment.withdrawn_seq = Some(seq);
                self.step(seq, about, &comment, *case, *at, None)?;
                self.comments.put(key(&about.site, &about.comment), comment);
                Ok(())
            }
            Change::Reported {
                about,
                report,
                at,
                case,
            } => self.reported_by_somebody(seq, about, report, *at, *case),
            Change::ReportedFor(report) => self.reported(seq, report),
            Change::Sanctioned(sanctioned) => self.sanctioned(seq, sanctioned),
            Change::Handled(handled) => self.handled(seq, handled),
            Change::Undone(undone) => self.undone(seq, undone),
            Change::Bulked(bulked) => {
                self.bulks.put(bulked.id.clone(), seq);
                Ok(())
            }
            Change::Appealed {
                about,
                appeal,
                at,
                case,
            } => {
                let appeal = self.earlier_appeal(about, appeal, *case, *at)?;
                self.appeal_came(seq, &appeal)
            }
            Change::Appeal(appeal) => self.appeal_came(seq, appeal),
            Change::Erased { about, at, case } => self.erased(seq, about, *at, *case),
            Change::Voted(voted) => {
                let about = &voted.about;
                let mut comment = self.comment_or_new(about)?;
                comment.votes = voted.votes;
                self.comments.put(key(&about.site, &about.comment), comment);
                Ok(())
            }
            // It says what the journal has to erase; the row holds counts alone.
            Change::Forgotten { .. } => Ok(()),
            Change::Stated(stated) => self.change(seq, &stated.change),
        }
    }

    /// Counts a decision of the rules for limits and insights.
    fn judged_by_rules(&mut self, decided: &Decided) -> Result<(), Error> {
        self.limits.decided(self.index, decided)?;
        self.tallies.decided(self.index, decided)
    }

    fn article_changed(&mut self, change: &Change) {
        let (site, article, row) = match change {
            Change::Article {
                site,
                article,
                published_at,
                removed,
            } => {
                let row = ArticleRow {
                    published_at: *published_at,
                    removed: *removed,
                    ..ArticleRow::default()
                };
                (site, article, row)
            }
            Change::Tagged {
                site,
                article,
                published_at,
                removed,
                tags,
            } => {
                let row = ArticleRow {
                    published_at: *published_at,
                    removed: *removed,
                    tags: tags.clone(),
                    recorded: None,
                };
                (site, article, row)
            }
            Change::Version {
                site,
                article,
                published_at,
                removed,
                tags,
                recorded,
            } => {
                let row = ArticleRow {
                    published_at: *published_at,
                    removed: *removed,
                    tags: tags.clone(),
                    recorded: *recorded,
                };
                (site, article, row)
            }
            _ => return,
        };
        self.articles.put(key(site, article), row);
    }

    fn comment_or_new(&mut self, about: &About) -> Result<CommentRow, Error> {
        let known = self.comment(&about.site, &about.comment)?;
        Ok(known.unwrap_or_else(|| CommentRow {
            article: about.article.clone(),
            ..CommentRow::default()
        }))
    }

    /// Counts the rules that acted in a decision.
    fn count_rules(&mut self, decided: &Decided) -> Result<(), Error> {
        for rule in &decided.rules {
            let mut row = self.rules.get(self.index, rule)?.unwrap_or_default();
            row.acted(decided.verdict);
            self.rules.put(rule.clone(), row);
        }
        Ok(())
    }

    /// Counts rules that fired without acting.
    fn count_shadow(&mut self, rules: &[String]) -> Result<(), Error> {
        for rule in rules {
            let mut row = self.rules.get(self.index, rule)?.unwrap_or_default();
            row.shadow_hits += 1;
            self.rules.put(rule.clone(), row);
        }
        Ok(())
    }

    fn decided(&mut self, seq: u64, decided: &Decided) -> Result<(), Error> {
        let about = &decided.about;
        let (site, id) = (about.site.clone(), about.comment.clone());
        if let Some(key) = decision_key(&decided.decision) {
            self.decisions.put(key, seq);
        }
        self.count_rules(decided)?;
        self.count_shadow(&decided.shadow)?;
        let before = self.comment_or_new(about)?;
        if before.revision > decided.revision {
            // An older revision that came late: what stands about the newer one stays.
            self.revisions
                .put((site.clone(), id.clone(), decided.revision), seq);
            self.decisions_of.put((site, id, seq), ());
            return Ok(());
        }
        if before.revision > 0 {
            // A comment counts once, by the verdict that stands.
            let mut author = self.author(&site, &before.author)?;
            let count = author.count(before.verdict);
            *count = count.saturating_sub(1);
            self.authors.put(key(&site, &before.author), author);
            self.revisions.put(
                (site.clone(), id.clone(), before.revision),
                before.decided_seq,
            );
            for seq in before.decisions() {
                self.decisions_of.put((site.clone(), id.clone(), seq), ());
            }
        }
        let mut author = self.author(&site, &decided.author)?;
        if before.revision == 0 {
            author.seen(decided.submitted_at);
            if let Some(parent) = decided.parent.clone() {
                let key = (site.clone(), about.article.clone(), parent, id.clone());
                self.children.put(key, ());
            }
        }
        *author.count(decided.verdict) += 1;
        self.authors.put(key(&site, &decided.author), author);
        let comment = CommentRow {
            article: about.article.clone(),
            author: decided.author.clone(),
            parent: decided.parent.clone(),
            depth: decided.depth,
            revision: decided.revision,
            decision: decided.decision.clone(),
            verdict: decided.verdict,
            acted: decided.rules.clone(),
            shadowed: decided.shadow.clone(),
            decided_seq: seq,
            rejudged_seq: None,
            reviewed_seq: None,
            // A newer revision takes a withdrawal back; one that came before the comment stays.
            withdrawn_seq: before.withdrawn_seq.filter(|_| before.revision == 0),
            erased_seq: before.erased_seq,
            votes: before.votes,
            n_reports: before.n_reports,
            reports: before.reports,
        };
        self.step(
            seq,
            about,
            &comment,
            decided.case,
            decided.at,
            Some(decided),
        )?;
        self.comments.put((site, id), comment);
        Ok(())
    }

    fn step(
        &mut self,
        seq: u64,
        about: &About,
        comment: &CommentRow,
        step: Step,
        at: i64,
        decided: Option<&Decided>,
    ) -> Result<(), Error> {
        let id = ids::case_id(&about.site, &about.comment);
        match step {
            Step::None => Ok(()),
            Step::Open { reason, priority } => {
                let due = assumed_due(at, priority);
                let step = Step::OpenBy {
                    reason,
                    priority,
                    due,
                };
                self.step(seq, about, comment, step, at, decided)
            }
            Step::OpenBy {
                reason,
                priority,
                due,
            } => {
                self.tallies.opened(self.index, &about.site, reason, at)?;
                let open = Open {
                    reason,
                    priority,
                    due,
                };
                self.open_case(seq, about, comment, open, at, decided)
            }
            Step::Keep { priority } => {
                let case = self.case(&id)?;
                let due = case.map_or(0, |case| {
                    assumed_due(case.opened_at, priority).min(case.due)
                });
                let step = Step::KeepBy { priority, due };
                self.step(seq, about, comment, step, at, decided)
            }
            Step::KeepBy { priority, due } => {
                let Some(mut row) = self.case(&id)? else {
                    return Ok(());
                };
                self.dequeue(&row);
                (row.priority, row.due) = (priority, due);
                if decided.is_some() {
                    row.version += 1;
                }
                show(&mut row, comment, decided);
                self.enqueue(&id, &row);
                self.tell(seq, What::Changed, &id, &row, None);
                self.cases.put(id, row);
                Ok(())
            }
            Step::Close { reason } => {
                let decision = decided.map(|decided| decided.decision.clone());
                let closed = ClosedRow {
                    seq,
                    at,
                    reason,
                    decision,
                    verdict: None,
                    moderator: None,
                    fingerprint: None,
                    answered: None,
                    settled: Vec::new(),
                };
                self.close(&id, closed)
            }
        }
    }

    fn close(&mut self, id: &str, closed: ClosedRow) -> Result<(), Error> {
        let Some(mut row) = self.case(id)? else {
            return Ok(());
        };
        if row.closed.is_some() {
            return Ok(());
        }
        self.tallies.closed(self.index, &row, &closed)?;
        self.dequeue(&row);
        (row.claim, row.escalated) = (None, None);
        self.closed.put(closed.seq, id.to_owned());
        row.version += 1;
        let seq = closed.seq;
        let by = closed.moderator.clone();
        let what = match closed.reason {
            Closing::Decided => What::Decided,
            _ => What::Closed,
        };
        let settled = self.settle(&row, &closed)?;
        row.appealed = false;
        row.closed = Some(ClosedRow { settled, ..closed });
        self.tell(seq, what, id, &row, by.as_ref());
        self.cases.put(id.to_owned(), row);
        self.count_open(-1)
    }

    /// Tells those who watch the queue, once it is written.
    fn tell(&mut self, seq: u64, what: What, id: &str, row: &CaseRow, by: Option<&String>) {
        self.news.push(News::new(seq, what, id, row, by));
    }

    fn count_open(&mut self, by: i64) -> Result<(), Error> {
        let open = self
            .totals
            .get(self.index, &OPEN_CASES)?
            .unwrap_or_default();
        self.totals.put(OPEN_CASES, open.saturating_add_signed(by));
        Ok(())
    }
}

fn key(site: &str, id: &str) -> Id {
    (site.to_owned(), id.to_owned())
}

fn triple(about: &About, id: &str) -> (String, String, String) {
    (about.site.clone(), about.comment.clone(), id.to_owned())
}
