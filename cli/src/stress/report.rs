//! How fast it went, what the checks found, and whether it passes.

use std::sync::atomic::Ordering;

use serde::Serialize;

use super::check::queues::Left;
use super::check::{Checked, Found};
use super::corpus::Shape;
use super::latency::Percentiles;
use super::require::{Judged, Requirement};
use super::run::Run;
use crate::output;

/// The result of a run; the fields are documented in `docs/stress.md`, and keep their names.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    #[serde(flatten)]
    shape: Shape,
    /// `closed`, `open`, or `check` for a ledger of an earlier run.
    mode: &'static str,
    attempted: u64,
    acknowledged: u64,
    /// Poison among what was attempted.
    poison: u64,
    /// Poison that was refused as it must be, as far as the answers said.
    refused: u64,
    /// Answers "taken before".
    duplicate_answers: u64,
    /// Batches that were sent again.
    retries: u64,
    /// Events that left late, in the open loop.
    late: u64,
    /// Milliseconds by which the latest left late.
    late_max_ms: f64,
    /// Events that were due before the end and were not sent.
    unsent: u64,
    /// Events acknowledged a second, from the first sending to the last answer.
    rate: Option<f64>,
    /// Events a second, from the first sending until all was decided and archived.
    end_to_end_rate: Option<f64>,
    latency_ms: Latencies,
    /// What the archive holds; absent when it was not asked.
    checked: Option<Checked>,
    /// What still waits; absent when nobody was asked.
    queues: Option<Vec<Left>>,
    requirements: Vec<Judged>,
    pass: bool,
}

/// Milliseconds, by stage; absent where nothing was measured.
#[derive(Clone, Copy, Debug, Serialize)]
struct Latencies {
    /// From sending to the answer; in the open loop from when it was due.
    accept: Option<Percentiles>,
    /// From the answer to the arrival of the decision.
    decide: Option<Percentiles>,
    /// From the answer until the archive shows it.
    archive: Option<Percentiles>,
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a run has less than 2^52 of anything"
)]
fn float(number: u64) -> f64 {
    number as f64
}

impl Report {
    pub(super) fn new(
        run: &Run,
        mode: &'static str,
        found: Found,
        required: &[Requirement],
    ) -> Self {
        let counts = &run.counts;
        let get = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
        let acknowledged = get(&counts.acknowledged);
        let rate = |seconds: f64| float(acknowledged) / seconds;
        let measured = mode != "check";
        let mut report = Self {
            shape: run.corpus.shape.clone(),
            mode,
            attempted: get(&counts.attempted),
            acknowledged,
            poison: get(&counts.poison),
            refused: get(&counts.refused),
            duplicate_answers: get(&counts.duplicates),
            retries: get(&counts.retries),
            late: get(&counts.late),
            late_max_ms: float(get(&counts.latest)) / 1_000.0,
            unsent: get(&counts.unsent),
            rate: run.accept_seconds().map(rate),
            end_to_end_rate: run.total_seconds().map(rate),
            latency_ms: Latencies {
                accept: run.accept.percentiles(),
                decide: run.decide.percentiles().filter(|_| measured),
                archive: run.archive.percentiles(),
            },
            checked: found.checked,
            queues: found.queues,
            requirements: Vec::new(),
            pass: false,
        };
        report.requirements = required
            .iter()
            .map(|requirement| requirement.judge(|name| report.value(name)))
            .collect();
        let met = report.requirements.iter().all(|judged| judged.met);
        report.pass = report.is_sound() && met;
        report
    }

    /// Returns the value of a name that a requirement may have.
    fn value(&self, name: &str) -> Option<f64> {
        if let Some((stage, point)) = name.split_once('.') {
            let latencies = match stage {
                "accept" => self.latency_ms.accept,
                "decide" => self.latency_ms.decide,
                _ => self.latency_ms.archive,
            }?;
            return Some(match point {
                "p50" => latencies.p50,
                "p90" => latencies.p90,
                "p99" => latencies.p99,
                "p999" => latencies.p999,
                _ => latencies.max,
            });
        }
        let checked = |of: fn(&Checked) -> u64| self.checked.as_ref().map(|c| float(of(c)));
        match name {
            "rate" => self.rate,
            "end_to_end_rate" => self.end_to_end_rate,
            "attempted" => Some(float(self.attempted)),
            "acknowledged" => Some(float(self.acknowledged)),
            "refused" => Some(float(self.refused)),
            "retries" => Some(float(self.retries)),
            "late" => Some(float(self.late)),
            "unsent" => Some(float(self.unsent)),
            "archived" => checked(|checked| checked.archived),
            "lost" => checked(|checked| checked.lost),
            "duplicated" => checked(|checked| checked.duplicated),
            "reordered" => checked(|checked| checked.reordered),
            "unexpected" => checked(|checked| checked.unexpected),
            "undecided" => checked(|checked| checked.undecided),
            _ => {
                let left = self.queues.as_ref()?.iter();
                Some(float(left.map(|left| left.messages).sum()))
            }
        }
    }

    /// Tells whether everything was as it must be, whatever is required of it beside.
    ///
    /// An event that was not acknowledged is no fault of the one that did not acknowledge it,
    /// unless the archive was not asked, or nothing was acknowledged at all.
    fn is_sound(&self) -> bool {
        let kept = match &self.checked {
            Some(checked) => checked.is_sound(),
            None => self.acknowledged + self.poison == self.attempted,
        };
        let empty = self.queues.as_ref().is_none_or(Vec::is_empty);
        kept && empty && self.acknowledged > 0
    }

    /// Tells whether it passes.
    pub(super) fn passes(&self) -> bool {
        self.pass
    }

    /// Prints the report; the counters are the last line.
    pub(super) fn print(&self) {
        let rate =
            |rate: Option<f64>| rate.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.0}"));
        let mut rows = vec![
            ["acknowledged a second", &rate(self.rate)].map(str::to_owned),
            ["decided and archived a second", &rate(self.end_to_end_rate)].map(str::to_owned),
            ["batches sent again", &self.retries.to_string()].map(str::to_owned),
            [
                "answered as duplicates",
                &self.duplicate_answers.to_string(),
            ]
            .map(str::to_owned),
            [
                "poison sent, and refused",
                &format!("{}, {}", self.poison, self.refusals()),
            ]
            .map(str::to_owned),
        ];
        if self.mode == "open" {
            let late = format!("{}, at most {:.0} ms", self.late, self.late_max_ms);
            rows.push(["left late", &late].map(str::to_owned));
            rows.push(["not sent in time", &self.unsent.to_string()].map(str::to_owned));
        }
        output::table(["events", ""], &rows);
        let Latencies {
            accept,
            decide,
            archive,
        } = self.latency_ms;
        let stages = [("accept", accept), ("decide", decide), ("archive", archive)];
        let rows: Vec<[String; 7]> = stages
            .into_iter()
            .filter_map(|(name, percentiles)| {
                let Percentiles {
                    count,
                    p50,
                    p90,
                    p99,
                    p999,
                    max,
                } = percentiles?;
                let ms = |ms: f64| format!("{ms:.1}");
                let points = [ms(p50), ms(p90), ms(p99), ms(p999), ms(max)];
                let [p50, p90, p99, p999, max] = points;
                Some([name.to_owned(), count.to_string(), p50, p90, p99, p999, max])
            })
            .collect();
        if !rows.is_empty() {
            let header = ["ms", "count", "p50", "p90", "p99", "p99.9", "max"];
            output::table(header, &rows);
        }
        for example in self.checked.iter().flat_map(|checked| &checked.examples) {
            output::line(example);
        }
        for left in self.queues.iter().flatten() {
            output::line(&format!("{} messages wait: {}", left.messages, left.name));
        }
        for judged in &self.requirements {
            output::line(&judged.to_string());
        }
        output::line(&self.counters());
    }

    /// Returns how much poison was refused, by the best witness.
    fn refusals(&self) -> u64 {
        self.checked
            .as_ref()
            .map_or(self.refused, |checked| checked.refused)
    }

    /// Writes the seven counters, and whether it passes.
    fn counters(&self) -> String {
        let pass = if self.pass { "PASS" } else { "FAIL" };
        match &self.checked {
            Some(Checked {
                acknowledged,
                archived,
                lost,
                duplicated,
                reordered,
                unexpected,
                undecided,
                ..
            }) => format!(
                "acknowledged={acknowledged} archived={archived} lost={lost} \
                 duplicated={duplicated} reordered={reordered} unexpected={unexpected} \
                 undecided={undecided} {pass}"
            ),
            None => format!(
                "acknowledged={} (the archive was not asked: use --archive) {pass}",
                self.acknowledged
            ),
        }
    }
}
