//! `GET /admin/insights`: what happened, by day or by hour, and how the queue stands.
//!
//! A token sees the counts of its sites. Moderators' load is told by name to editors, admins and
//! auditors; others see the total, and what they decided themselves.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use stoa_daemon::Problem;
use stoa_daemon::auth::{Principal, Role};
use stoa_proto::Verdict;

use super::{Admin, time, wrong};
use crate::view::tallies::{
    BOUNDS, Ended, Grain, Histogram, ModeratorTally, Opened, RuleTally, TallyRow, Verdicts,
};
use crate::view::{MODERATOR_TALLIES, OPEN_BY_SITE, RULE_TALLIES, TALLIES, WAITING};

/// Days of a request that says nothing of them.
const DAYS: i64 = 30;
const HOURLY_DAYS: i64 = 2;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// Of this site alone.
    site: Option<String>,
    /// The first day, in UTC; 30 days ago, or 2 where it goes by hour.
    #[param(value_type = Option<String>, format = Date)]
    from: Option<Date>,
    /// The last day.
    #[param(value_type = Option<String>, format = Date)]
    to: Option<Date>,
    /// What a slot of the series is.
    #[param(inline)]
    #[serde(default)]
    by: By,
    /// Only this rule.
    rule: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = InsightsBy)]
enum By {
    #[default]
    Day,
    Hour,
}

/// What is answered; rules' series have a number for each of `slots`.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Insights {
    by: By,
    #[schema(value_type = String, format = Date)]
    from: Date,
    #[schema(value_type = String, format = Date)]
    to: Date,
    site: Option<String>,
    sites: Vec<String>,
    now: Now,
    slots: Vec<Slot>,
    decision_time: DecisionTime,
    /// The upper bounds of the buckets; what took longer is in one more.
    #[schema(value_type = Vec<i64>)]
    bounds_seconds: [i64; BOUNDS.len()],
    rules: Vec<Rule>,
    /// What moderators decided together.
    moderators_total: Load,
    /// What each of them decided: all for editors, admins and auditors, for others themselves alone.
    moderators: Vec<Moderator>,
}

/// How the queue stands.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
#[schema(as = InsightsNow)]
struct Now {
    open: u64,
    /// When the case was opened that waits longest.
    oldest: Option<String>,
    oldest_seconds: Option<i64>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = InsightsSlot)]
struct Slot {
    at: String,
    opened: Opened,
    closed: Ended,
    undone: u64,
    verdicts: Verdicts,
    decision_time: DecisionTime,
}

/// How long cases waited for moderators' decisions.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = InsightsDecisionTime)]
struct DecisionTime {
    count: u64,
    median_seconds: Option<f64>,
    p90_seconds: Option<f64>,
    buckets: Vec<u64>,
}

impl From<Histogram> for DecisionTime {
    fn from(took: Histogram) -> Self {
        let round = |seconds: f64| seconds.round();
        Self {
            count: took.count(),
            median_seconds: took.quantile(0.5).map(round),
            p90_seconds: took.quantile(0.9).map(round),
            buckets: took.buckets().to_vec(),
        }
    }
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = InsightsRule)]
struct Rule {
    #[serde(rename = "rule")]
    id: String,
    /// Absent of a rule that is not live any more.
    mode: Option<String>,
    /// What it asks for; what it would have given in shadow.
    verdict: Option<Verdict>,
    /// Decisions in which it acted, and their verdicts.
    hits: u64,
    verdicts: Verdicts,
    /// Decisions in which it fired without acting.
    shadow_hits: u64,
    shadow_verdicts: Verdicts,
    /// What moderators decided about those.
    judged: Judged,
    shadow_judged: Judged,
    hits_by_slot: Vec<u64>,
    shadow_by_slot: Vec<u64>,
}

/// What moderators made of the comments on which a rule fired.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = InsightsJudged)]
struct Judged {
    approved: u64,
    rejected: u64,
    /// The share that went against the rule; absent where nobody decided.
    override_rate: Option<f64>,
}

impl Judged {
    fn new(judged: Verdicts, approves: bool) -> Self {
        let all = judged.approve + judged.reject;
        let against = if approves {
            judged.reject
        } else {
            judged.approve
        };
        Self {
            approved: judged.approve,
            rejected: judged.reject,
            override_rate: crate::backtest::share(against, all),
        }
    }
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = InsightsModerator)]
struct Moderator {
    #[serde(rename = "moderator")]
    name: String,
    #[serde(flatten)]
    load: Load,
}

/// How much was decided.
#[derive(Clone, Copy, Debug, Default, Serialize, utoipa::ToSchema)]
#[schema(as = InsightsLoad)]
struct Load {
    approved: u64,
    rejected: u64,
    undone: u64,
}

impl Load {
    fn add(&mut self, row: &ModeratorTally) {
        self.approved += row.approved;
        self.rejected += row.rejected;
        self.undone += row.undone;
    }
}

/// Tells whether somebody may see what others decided, by name.
fn sees_names(principal: &Principal) -> bool {
    let mut roles = [Role::Editor, Role::Auditor].into_iter();
    roles.any(|role| principal.role.at_least(role))
}

/// What is asked for, in slots.
struct Range {
    grain: Grain,
    from: Date,
    to: Date,
    /// The first and the last.
    slots: (i64, i64),
}

fn start_of(date: Date) -> Option<i64> {
    let start = TimeZone::UTC.to_timestamp(DateTime::from(date)).ok()?;
    Some(start.as_microsecond())
}

impl Range {
    fn new(asked: &Asked, now: i64) -> Result<Self, Problem> {
        let (grain, default) = match asked.by {
            By::Day => (Grain::Day, DAYS),
            By::Hour => (Grain::Hour, HOURLY_DAYS),
        };
        let today = jiff::Timestamp::from_microsecond(now).unwrap_or_default();
        let to = asked
            .to
            .unwrap_or_else(|| TimeZone::UTC.to_datetime(today).date());
        let before = |days: i64| {
            to.checked_sub(jiff::Span::new().try_days(days).unwrap_or_default())
                .unwrap_or(to)
        };
        let from = asked.from.unwrap_or_else(|| before(default - 1));
        let most = grain.kept() * grain.length() / Grain::Day.length();
        if from > to || from <= before(most) {
            let detail = format!("ask for 1 to {most} days, of which `from` is the first");
            return Err(wrong("from", detail).with_limit(format!("{most} days")));
        }
        let refused = |field| wrong(field, "there is no such day");
        let first = start_of(from).ok_or_else(|| refused("from"))?;
        let end = to.tomorrow().ok().and_then(start_of);
        let end = end.ok_or_else(|| refused("to"))?;
        Ok(Self {
            grain,
            from,
            to,
            slots: (grain.slot(first), grain.slot(end) - 1),
        })
    }

    fn len(&self) -> usize {
        usize::try_from(self.slots.1 - self.slots.0 + 1).unwrap_or_default()
    }

    fn place(&self, slot: i64) -> usize {
        usize::try_from(slot - self.slots.0).unwrap_or(usize::MAX)
    }
}

#[derive(Default)]
struct RuleSum {
    sum: RuleTally,
    hits: Vec<u64>,
    shadow: Vec<u64>,
}

fn total(verdicts: Verdicts) -> u64 {
    verdicts.approve + verdicts.hold + verdicts.reject
}

impl Admin {
    fn insights(
        &self,
        asked: Asked,
        range: &Range,
        principal: &Principal,
    ) -> anyhow::Result<Insights> {
        let sees = |site: &str| principal.allows_site(site);
        let wants = |site: &str| sees(site) && asked.site.as_deref().is_none_or(|own| own == site);
        let mut sites = Vec::new();
        for entry in self.index.view.range(&OPEN_BY_SITE, ..) {
            sites.extend(Some(entry?).filter(|(site, _)| sees(site)));
        }
        let counted = sites.iter().filter(|(site, _)| wants(site));
        let now = self.queue(counted)?;
        let rows = self.slots(range, &wants)?;
        let mut took = Histogram::default();
        for row in &rows {
            took.join(&row.took);
        }
        let slots = (range.slots.0..).zip(rows);
        let (moderators_total, mut moderators) = self.moderators(range, &wants)?;
        moderators.retain(|row| sees_names(principal) || row.name == principal.name);
        Ok(Insights {
            by: asked.by,
            from: range.from,
            to: range.to,
            sites: sites.iter().map(|(site, _)| site.clone()).collect(),
            now,
            slots: slots.map(|(slot, row)| shown(range, slot, row)).collect(),
            decision_time: took.into(),
            bounds_seconds: BOUNDS,
            rules: self.rules_of(range, &wants, asked.rule.as_deref())?,
            moderators_total,
            moderators,
            site: asked.site,
        })
    }

    fn queue<'s>(&self, sites: impl Iterator<Item = &'s (String, u64)>) -> anyhow::Result<Now> {
        let (mut open, mut oldest) = (0, None);
        for (site, number) in sites {
            open += number;
            if let Some(entry) = self.index.view.scan(&WAITING, (site.as_str(),)).next() {
                let ((_, at, _), ()) = entry?;
                oldest = Some(oldest.map_or(at, |before: i64| before.min(at)));
            }
        }
        let age = |at: i64| self.context.clock.micros().saturating_sub(at) / 1_000_000;
        Ok(Now {
            open,
            oldest: oldest.and_then(time),
            oldest_seconds: oldest.map(age),
        })
    }

    /// Sums up the sites, slot by slot.
    fn slots(&self, range: &Range, wants: &impl Fn(&str) -> bool) -> anyhow::Result<Vec<TallyRow>> {
        let mut rows = vec![TallyRow::default(); range.len()];
        let (key, (first, last)) = (range.grain.key(), range.slots);
        let found = (key, first, String::new())..(key, last + 1, String::new());
        for entry in self.index.view.range(&TALLIES, found) {
            let ((_, slot, site), row) = entry?;
            if let Some(sum) = rows.get_mut(range.place(slot)).filter(|_| wants(&site)) {
                sum.opened.join(row.opened);
                sum.closed.join(row.closed);
                sum.undone += row.undone;
                sum.verdicts.join(row.verdicts);
                sum.took.join(&row.took);
            }
        }
        Ok(rows)
    }

    /// Sums up what rules did: those that are live, and others that did something.
    fn rules_of(
        &self,
        range: &Range,
        wants: &impl Fn(&str) -> bool,
        only: Option<&str>,
    ) -> anyhow::Result<Vec<Rule>> {
        let live = self.rules.live();
        let mut sums: BTreeMap<String, RuleSum> = BTreeMap::new();
        let empty = || RuleSum {
            hits: vec![0; range.len()],
            shadow: vec![0; range.len()],
            ..RuleSum::default()
        };
        let is_asked = |rule: &str| only.is_none_or(|only| only == rule);
        for info in live.set.rules().filter(|info| is_asked(&info.id)) {
            sums.insert(info.id.clone(), empty());
        }
        let (key, (first, last)) = (range.grain.key(), range.slots);
        let bound = |slot| (key, slot, String::new(), String::new());
        for entry in self
            .index
            .view
            .range(&RULE_TALLIES, bound(first)..bound(last + 1))
        {
            let ((_, slot, site, rule), row) = entry?;
            if !wants(&site) || !is_asked(&rule) {
                continue;
            }
            let sum = sums.entry(rule).or_insert_with(empty);
            sum.sum.join(&row);
            let place = range.place(slot);
            for (series, verdicts) in [(&mut sum.hits, row.acted), (&mut sum.shadow, row.shadow)] {
                if let Some(count) = series.get_mut(place) {
                    *count += total(verdicts);
                }
            }
        }
        let rules = sums.into_iter().map(|(rule, sum)| {
            let RuleSum {
                sum: row,
                hits,
                shadow,
            } = sum;
            let info = live.set.rules().find(|info| info.id == rule);
            // A rule that is gone asked for what its decisions came to.
            let approves = info.map_or(row.acted.hold + row.acted.reject == 0, |info| {
                info.verdict == Verdict::Approve
            });
            Rule {
                mode: info.map(|info| info.mode.to_string()),
                verdict: info.map(|info| info.verdict),
                hits: total(row.acted),
                verdicts: row.acted,
                shadow_hits: total(row.shadow),
                shadow_verdicts: row.shadow,
                judged: Judged::new(row.judged, approves),
                shadow_judged: Judged::new(row.shadow_judged, approves),
                hits_by_slot: hits,
                shadow_by_slot: shadow,
                id: rule,
            }
        });
        Ok(rules.collect())
    }

    /// Sums up what moderators decided on the days of the range, together and each.
    fn moderators(
        &self,
        range: &Range,
        wants: &impl Fn(&str) -> bool,
    ) -> anyhow::Result<(Load, Vec<Moderator>)> {
        let day = |slot: i64| Grain::Day.slot(slot.saturating_mul(range.grain.length()));
        let bound = |day| (day, String::new(), String::new());
        let days = bound(day(range.slots.0))..bound(day(range.slots.1) + 1);
        let mut total = Load::default();
        let mut sums: BTreeMap<String, Load> = BTreeMap::new();
        for entry in self.index.view.range(&MODERATOR_TALLIES, days) {
            let ((_, site, moderator), row) = entry?;
            if wants(&site) {
                total.add(&row);
                sums.entry(moderator).or_default().add(&row);
            }
        }
        let rows = sums
            .into_iter()
            .map(|(name, load)| Moderator { name, load });
        let mut rows: Vec<Moderator> = rows.collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.load.approved + row.load.rejected));
        Ok((total, rows))
    }
}

fn shown(range: &Range, slot: i64, row: TallyRow) -> Slot {
    let at = time(slot.saturating_mul(range.grain.length())).unwrap_or_default();
    Slot {
        at: match range.grain {
            Grain::Day => at.chars().take(10).collect(),
            Grain::Hour => at,
        },
        opened: row.opened,
        closed: row.closed,
        undone: row.undone,
        verdicts: row.verdicts,
        decision_time: row.took.into(),
    }
}

/// What happened by day, or by hour: cases, verdicts, rules and moderators.
///
/// Of one site, or of all that the token is for.
#[utoipa::path(
    get,
    path = "/admin/insights",
    operation_id = "get_insights",
    tag = "insights",
    params(Asked),
    extensions(("x-role" = json!(Role::Viewer))),
    responses((status = 200, description = "The numbers.", body = Insights)),
)]
pub(crate) async fn show(
    State(admin): State<Admin>,
    headers: HeaderMap,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Insights>, Problem> {
    let principal: Principal = admin.tokens.require(&headers, Role::Viewer)?;
    let Query(asked) = query?;
    if let Some(site) = &asked.site {
        principal.require_site(site)?;
    }
    let range = Range::new(&asked, admin.context.clock.micros())?;
    admin
        .blocking(move |admin| admin.insights(asked, &range, &principal))
        .await
        .map(Json)
}
