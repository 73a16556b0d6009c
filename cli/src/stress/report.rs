//! How fast it went, and what the comparison found.

use std::sync::atomic::Ordering;

use serde::Serialize;

use super::check::Checked;
use super::run::Run;
use crate::output;

/// The result of a run.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// Comments acknowledged a second, from the first sending to the last acknowledgement.
    accepted_per_second: Option<f64>,
    /// Comments a second, from the first sending until all was decided and archived.
    end_to_end_per_second: Option<f64>,
    /// Milliseconds from sending to acknowledgement.
    accept_ms: Option<Percentiles>,
    /// Milliseconds from acknowledgement to the arrival of the decision.
    decision_ms: Option<Percentiles>,
    /// Batches that were sent again.
    retries: u64,
    /// Answers "taken before".
    duplicate_answers: u64,
    /// Events that were refused.
    refused: u64,
    /// Decisions that the log has of comments that were decided.
    decided_again: u64,
    attempted: u64,
    acknowledged: u64,
    /// What the archive holds; absent when it was not asked.
    checked: Option<Checked>,
}

/// Points of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Percentiles {
    pub(super) p50: f64,
    pub(super) p90: f64,
    pub(super) p99: f64,
    pub(super) max: f64,
}

impl Percentiles {
    /// Reads sorted microseconds; the nearest rank from above counts.
    pub(super) fn of(micros: &[u64]) -> Option<Self> {
        let at = |percent: usize| {
            let rank = (micros.len() * percent).div_ceil(100).max(1);
            micros.get(rank - 1).copied()
        };
        #[expect(
            clippy::cast_precision_loss,
            reason = "a latency has far less than 2^52 us"
        )]
        let ms = |micros: u64| micros as f64 / 1_000.0;
        Some(Self {
            p50: ms(at(50)?),
            p90: ms(at(90)?),
            p99: ms(at(99)?),
            max: ms(at(100)?),
        })
    }
}

impl Report {
    pub(super) fn new(run: &Run, checked: Option<&Checked>) -> Self {
        let attempted = run.n_attempted.load(Ordering::Relaxed);
        let acknowledged = run.n_acknowledged.load(Ordering::Relaxed);
        #[expect(
            clippy::cast_precision_loss,
            reason = "a run has less than 2^32 comments"
        )]
        let rate = |seconds: f64| acknowledged as f64 / seconds;
        Self {
            accepted_per_second: run.accept_seconds().map(rate),
            end_to_end_per_second: run.total_seconds().map(rate),
            accept_ms: Percentiles::of(&run.accept_micros()),
            decision_ms: Percentiles::of(&run.decide_micros()),
            retries: run.n_retries.load(Ordering::Relaxed),
            duplicate_answers: run.n_duplicate.load(Ordering::Relaxed),
            refused: run.n_refused.load(Ordering::Relaxed),
            decided_again: run.n_decided_again.load(Ordering::Relaxed),
            attempted,
            acknowledged,
            checked: checked.cloned(),
        }
    }

    /// Tells whether everything was as it must be.
    ///
    /// An event that was not acknowledged is no fault of the one that did not acknowledge it,
    /// unless the archive was not asked, or nothing was acknowledged at all.
    pub(super) fn is_sound(&self) -> bool {
        let kept = match &self.checked {
            Some(checked) => checked.lost + checked.duplicated + checked.unexpected == 0,
            None => self.acknowledged == self.attempted,
        };
        kept && self.refused == 0 && self.decided_again == 0 && self.acknowledged > 0
    }

    /// Prints the report; the counters are the last line.
    pub(super) fn print(&self) {
        let rate =
            |rate: Option<f64>| rate.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.0}"));
        let rows = [
            [
                "accepted a second".to_owned(),
                rate(self.accepted_per_second),
            ],
            [
                "decided and archived a second".to_owned(),
                rate(self.end_to_end_per_second),
            ],
            ["batches sent again".to_owned(), self.retries.to_string()],
            [
                "answered as duplicates".to_owned(),
                self.duplicate_answers.to_string(),
            ],
            ["refused".to_owned(), self.refused.to_string()],
        ];
        output::table(["comments", ""], &rows);
        let rows: Vec<[String; 5]> = [
            ("sent to acknowledged", self.accept_ms),
            ("acknowledged to decided", self.decision_ms),
        ]
        .into_iter()
        .filter_map(|(name, percentiles)| {
            let Percentiles { p50, p90, p99, max } = percentiles?;
            let ms = |ms: f64| format!("{ms:.1}");
            Some([name.to_owned(), ms(p50), ms(p90), ms(p99), ms(max)])
        })
        .collect();
        output::table(["milliseconds", "p50", "p90", "p99", "max"], &rows);
        if let Some(checked) = &self.checked {
            for example in &checked.examples {
                output::line(example);
            }
        }
        if self.decided_again > 0 {
            output::line(&format!(
                "decided again in moderation's log: {}",
                self.decided_again
            ));
        }
        output::line(&self.counters());
    }

    /// Writes the seven counters.
    fn counters(&self) -> String {
        match &self.checked {
            Some(Checked {
                attempted,
                acknowledged,
                ok,
                lost,
                duplicated,
                unexpected,
                recovered,
                ..
            }) => format!(
                "attempted={attempted} acknowledged={acknowledged} ok={ok} lost={lost} \
                 duplicated={duplicated} unexpected={unexpected} recovered={recovered}"
            ),
            None => format!(
                "attempted={} acknowledged={} (the archive was not asked: use --archive)",
                self.attempted, self.acknowledged
            ),
        }
    }
}
