//! Conditions that a run must meet, such as `decide.p99<=100ms`, `rate>=1000`, `lost==0`.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// What counts something, or is events a second.
pub(super) const NUMBERS: [&str; 15] = [
    "rate",
    "end_to_end_rate",
    "attempted",
    "acknowledged",
    "archived",
    "lost",
    "duplicated",
    "reordered",
    "unexpected",
    "undecided",
    "refused",
    "retries",
    "late",
    "unsent",
    "queued",
];

/// Stages that have latencies.
const STAGES: [&str; 3] = ["accept", "decide", "archive"];

/// Points of a stage's distribution.
const POINTS: [&str; 5] = ["p50", "p90", "p99", "p999", "max"];

/// How a value is compared with its limit.
const OPERATORS: [&str; 5] = ["<=", ">=", "==", "<", ">"];

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Requirement {
    /// As it was written.
    text: String,
    /// The value's name.
    name: String,
    operator: &'static str,
    /// The limit; of latencies in milliseconds.
    limit: f64,
}

/// What came of a condition.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Judged {
    /// As it was written.
    condition: String,
    /// What was measured, of latencies in milliseconds; absent when nothing was.
    value: Option<f64>,
    pub(super) met: bool,
}

impl FromStr for Requirement {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = || {
            format!(
                "use {}, or {} of {}, such as `decide.p99<=100ms`, `rate>=1000`, `lost==0`",
                NUMBERS.join(", "),
                POINTS.join(", "),
                STAGES.map(|stage| format!("{stage}.…")).join(", "),
            )
        };
        let (operator, (name, limit)) = OPERATORS
            .iter()
            .find_map(|operator| Some((*operator, text.split_once(operator)?)))
            .ok_or_else(|| format!("there is none of {}: {}", OPERATORS.join(" "), known()))?;
        let (name, limit) = (name.trim(), limit.trim());
        let is_latency = name
            .split_once('.')
            .is_some_and(|(stage, point)| STAGES.contains(&stage) && POINTS.contains(&point));
        if !is_latency && !NUMBERS.contains(&name) {
            return Err(format!("`{name}` is no value: {}", known()));
        }
        let limit = if is_latency {
            milliseconds(limit).ok_or_else(|| {
                format!("`{limit}` is no latency: write a number and us, ms or s, such as `100ms`")
            })
        } else {
            number(limit).ok_or_else(|| format!("`{limit}` is no number from 0 on"))
        }?;
        Ok(Self {
            text: text.to_owned(),
            name: name.to_owned(),
            operator,
            limit,
        })
    }
}

fn number(text: &str) -> Option<f64> {
    let number: f64 = text.parse().ok()?;
    (number.is_finite() && number >= 0.0).then_some(number)
}

fn milliseconds(text: &str) -> Option<f64> {
    let (digits, factor) = [("us", 0.001), ("ms", 1.0), ("s", 1_000.0)]
        .iter()
        .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
    Some(number(digits.trim())? * factor)
}

impl Requirement {
    /// Compares with what was measured.
    pub(super) fn judge(&self, value: impl Fn(&str) -> Option<f64>) -> Judged {
        let value = value(&self.name);
        let limit = self.limit;
        let met = value.is_some_and(|value| match self.operator {
            "<=" => value <= limit,
            ">=" => value >= limit,
            "<" => value < limit,
            ">" => value > limit,
            _ => (value - limit).abs() < f64::EPSILON,
        });
        Judged {
            condition: self.text.clone(),
            value,
            met,
        }
    }
}

impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let condition = &self.condition;
        let unit = if condition.contains('.') && condition.ends_with('s') {
            " ms"
        } else {
            ""
        };
        let met = if self.met { "met" } else { "not met" };
        match self.value {
            Some(value) => write!(f, "{met}: {condition}, found {value:.1}{unit}"),
            None => write!(f, "{met}: {condition}, not measured"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Judges a condition where every value is 100.
    fn check(text: &str, met: bool) {
        let judged = text.parse::<Requirement>().unwrap().judge(|_| Some(100.0));
        assert_eq!(judged.met, met, "{text}");
    }

    #[test]
    fn compares() {
        check("decide.p99<=100ms", true);
        check("decide.p99 < 100 ms", false);
        check("accept.p999<=0.1s", true);
        check("archive.max<=99999us", false);
        check("rate>=100", true);
        check("rate>100", false);
        check("lost==0", false);
        check("archived==100", true);
    }

    #[test]
    fn what_was_not_measured_is_not_met() {
        let condition: Requirement = "archive.p50<=1s".parse().unwrap();
        let judged = condition.judge(|name| {
            assert_eq!(name, "archive.p50");
            None
        });
        assert!(!judged.met);
        assert_eq!(judged.to_string(), "not met: archive.p50<=1s, not measured");
    }

    #[test]
    fn errors_say_what_there_is() {
        for (text, parts) in [
            ("lost", ["<=", "undecided"]),
            ("loss==0", ["`loss`", "duplicated"]),
            ("decide.p95<=1ms", ["`decide.p95`", "p999"]),
            ("decide.p99<=100", ["`100`", "us, ms or s"]),
            ("rate>=fast", ["`fast`", "number"]),
            ("rate>=-1", ["`-1`", "number"]),
        ] {
            let error = text.parse::<Requirement>().unwrap_err();
            for part in parts {
                assert!(error.contains(part), "{text}: {error}");
            }
        }
    }
}
