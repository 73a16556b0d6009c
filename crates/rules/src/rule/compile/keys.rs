//! The keys of a rule that say when, for whom and how it acts.

use stoa_proto::Verdict;

use super::Context;
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::document::{Placed, RuleEntry};
use crate::rule::OnMissing;
use crate::source::Source;

/// Priorities go from minus this to this.
const PRIORITY: i32 = 1_000;

/// Rejections that a quota may allow per day.
const QUOTA: u32 = 1_000_000;

/// Characters of an owner.
const OWNER: usize = 256;

/// What the keys say.
pub(super) struct Keys {
    pub(super) owner: Option<String>,
    pub(super) expires: Option<i64>,
    pub(super) priority: i32,
    pub(super) quota: Option<u32>,
    pub(super) on_missing: OnMissing,
}

/// Reads the keys; what is wrong goes to `errors`.
pub(super) fn read(
    rule: &RuleEntry,
    verdict: Verdict,
    source: &Source,
    errors: &mut Vec<Diagnostic>,
) -> Keys {
    let mut wrong = |place, message: String, help: &str| {
        errors.push(source.error(place, message, Some(help.to_owned())));
    };
    let expires = rule.expires.as_ref().and_then(|text| {
        let time = point_in_time(&text.value);
        if time.is_none() {
            wrong(
                text.place(),
                format!("`{}` is not a date or time", text.value),
                "write it as `2026-12-31` or `2026-12-31T18:00:00Z`",
            );
        }
        time
    });
    let priority = rule.priority.as_ref().map_or(0, |number| {
        let priority = i32::try_from(number.value)
            .ok()
            .filter(|priority| (-PRIORITY..=PRIORITY).contains(priority));
        if priority.is_none() {
            wrong(
                number.place(),
                format!("the priority {} is out of bounds", number.value),
                &format!("use a whole number from -{PRIORITY} to {PRIORITY}"),
            );
        }
        priority.unwrap_or_default()
    });
    let quota = rule.quota.as_ref().and_then(|number| {
        let quota = u32::try_from(number.value)
            .ok()
            .filter(|quota| (1..=QUOTA).contains(quota));
        if quota.is_none() {
            wrong(
                number.place(),
                format!("the quota {} is out of bounds", number.value),
                &format!("use a whole number from 1 to {QUOTA}"),
            );
        } else if verdict != Verdict::Reject {
            wrong(
                number.place(),
                "a quota counts rejections, and the rule rejects nothing".to_owned(),
                "leave out `quota`, or give the rule the verdict `reject`",
            );
        }
        quota
    });
    let on_missing = match rule
        .on_missing
        .as_ref()
        .map(|word| (word, word.value.as_str()))
    {
        None | Some((_, "hold")) => OnMissing::Hold,
        Some((_, "skip")) => OnMissing::Skip,
        Some((place, word)) => {
            let help = did_you_mean(word, ["hold", "skip"])
                .unwrap_or_else(|| "use `hold` or `skip`".into());
            wrong(
                place.place(),
                format!("`on_missing` can't be `{word}`"),
                &help,
            );
            OnMissing::Hold
        }
    };
    let owner = rule.owner.as_ref().and_then(|owner| {
        let name = owner.value.trim();
        let fits =
            !name.is_empty() && name.chars().count() <= OWNER && !name.contains(char::is_control);
        if !fits {
            wrong(
                owner.place(),
                "this is not an owner".to_owned(),
                &format!(
                    "write a name, a team or an address, up to {OWNER} characters in one line"
                ),
            );
        }
        fits.then(|| name.to_owned())
    });
    Keys {
        owner,
        expires,
        priority,
        quota,
        on_missing,
    }
}

/// Returns the sites that a rule is for: its own that are also the file's.
pub(super) fn sites(
    rule: &RuleEntry,
    place: (u32, u32),
    context: &Context<'_>,
    errors: &mut Vec<Diagnostic>,
) -> Vec<String> {
    let own: Vec<String> = rule.sites.iter().map(|site| site.value.clone()).collect();
    let Some(of_file) = context.sites else {
        return own;
    };
    if own.is_empty() {
        return of_file.to_vec();
    }
    let both: Vec<String> = own
        .iter()
        .filter(|site| of_file.contains(site))
        .cloned()
        .collect();
    if both.is_empty() {
        let at = rule.sites.first().map_or(place, Placed::place);
        let site = own.first().map_or("", String::as_str);
        let help = did_you_mean(site, of_file.iter().map(String::as_str))
            .unwrap_or_else(|| format!("the file's `sites` are {}", of_file.join(", ")));
        errors.push(context.source.error(
            at,
            "the rule is for no site: none of its sites is among those of its file",
            Some(help),
        ));
    }
    both
}

/// Reads a date, which stands for its first moment in UTC, or a time, in microseconds since 1970.
pub(crate) fn point_in_time(text: &str) -> Option<i64> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(time.as_microsecond());
    }
    let date: jiff::civil::Date = text.parse().ok().filter(|_| text.len() == 10)?;
    let midnight = date.to_datetime(jiff::civil::Time::midnight());
    let start = jiff::tz::TimeZone::UTC.to_timestamp(midnight).ok()?;
    Some(start.as_microsecond())
}
