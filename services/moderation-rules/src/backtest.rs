//! Backtests: what a draft of the rules would have made of comments that came before, against the
//! rules that are live.
//!
//! Both sets judge the same events in the same order, each over the history that follows from its
//! own verdicts ([`history`]), by the code that judges them live: [`crate::engine::facts`] gathers,
//! [`crate::engine::evaluate`] judges.
//! Event time stands for the clock, so `now` is when a comment was written.
//!
//! ```text
//! read ──▶ decode (threads) ──▶ in order ─┬▶ live lane  ─┬▶ compare
//!                                         └▶ draft lane ─┘
//! ```
//!
//! **Constraints.** Memory is bounded by ids, not by words: a batch of events is dropped once both
//! lanes have judged it, and samples are limited in number and length.
//! Where a set reads reports, the comments are kept instead: a report can come for each of them.
//! What limits rules live and is no part of a rule set is not simulated: breakers and quotas.

mod collect;
mod history;
mod labels;
mod lane;
pub(crate) mod own;
mod report;
mod sample;
mod side;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use stoa_proto::Event;
use stoa_rules::{Outcome, Prepared, RuleSet};

use self::collect::Collector;
pub use self::labels::{BadLabel, LabelRow, Labels, POSITIVE, Vocabulary};
use self::lane::{Happened, Lane, time_of};
pub(crate) use self::report::share;
pub use self::report::{
    Bucket, InputReport, LabelReport, Overlap, Report, RuleFlips, RuleReport, RuleScore, Sample,
    SampleKind, Score, SetReport, VERDICTS,
};
use crate::engine::evaluate::Tally;

/// Batches that wait in front of each step.
const QUEUE: usize = 2;

/// Returns the rule set that judges where no other is configured.
pub fn starter() -> Result<RuleSet, stoa_rules::Errors> {
    RuleSet::from_sources(&crate::starter::files())
}

/// What is compared.
#[derive(Clone, Copy, Debug)]
pub struct Sets<'a> {
    /// The rule set that decides now.
    pub live: &'a RuleSet,
    /// The one that may decide next.
    pub draft: &'a RuleSet,
}

/// How it is compared.
#[derive(Clone, Debug)]
pub struct Options {
    /// From when on comments count, in microseconds since 1970; earlier ones are history alone.
    pub since: Option<i64>,
    /// The id of the event that brings the first comment that counts: those before it are history
    /// alone, whenever they were written.
    pub from: Option<String>,
    /// Until when, exclusive: later events are passed over.
    pub until: Option<i64>,
    /// Approved comments after which an author is trusted, as the service is configured.
    pub trusted_after: u64,
    /// Samples of each kind of flip.
    pub samples: usize,
    /// Threads; 0 is one for each processor.
    pub threads: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            since: None,
            from: None,
            until: None,
            trusted_after: 10,
            samples: 10,
            threads: 0,
        }
    }
}

struct Batch {
    events: Vec<Happened>,
    /// By event: what is made of its text, once for both lanes.
    prepared: Vec<Prepared>,
    after: u64,
}

/// Compares two rule sets over events.
///
/// `read` gives batches of what holds an event (a line, a record), `decode` makes the event of it:
/// none for what is passed over. Decoding runs on several threads; the order stays that of `read`.
/// The first error of `decode` ends the comparison.
pub fn run<R, E>(
    sets: Sets<'_>,
    options: &Options,
    labels: Option<Labels>,
    read: impl Iterator<Item = Vec<R>> + Send,
    decode: impl Fn(R) -> Result<Option<Event>, E> + Sync,
) -> Result<Report, E>
where
    R: Send,
    E: Send,
{
    let threads = match options.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    let in_lane = threads.div_ceil(2);
    let mut collector = Collector::new(sets, options, labels);
    let result = std::thread::scope(|scope| {
        let decode = &decode;
        let (mut to_decode, mut decoded) = (Vec::new(), Vec::new());
        for _ in 0..threads {
            let (sender, raw) = sync_channel::<Vec<R>>(QUEUE);
            let (done, receiver) = sync_channel(QUEUE);
            scope.spawn(move || decode_all(&raw, &done, decode));
            to_decode.push(sender);
            decoded.push(receiver);
        }
        scope.spawn(move || {
            // In turns, so that what is read in turns is in order.
            for (batch, decoder) in read.zip(to_decode.iter().cycle()) {
                if decoder.send(batch).is_err() {
                    return;
                }
            }
        });
        let lanes = [sets.live, sets.draft].map(|set| {
            let (sender, batches) = sync_channel::<Arc<Batch>>(QUEUE);
            let (done, outcomes) = sync_channel(QUEUE);
            let lane = Lane::new(set, options.trusted_after, in_lane);
            let thread = scope.spawn(move || judge_all(lane, &batches, &done));
            (sender, outcomes, thread)
        });
        let [live, draft] = lanes;
        let (batches, judged) = sync_channel::<Arc<Batch>>(QUEUE);
        let senders = [live.0, draft.0];
        let failed = scope.spawn(move || dispatch(options, &decoded, &senders, &batches));
        for batch in judged {
            let (Ok(live), Ok(draft)) = (live.1.recv(), draft.1.recv()) else {
                break;
            };
            for (event, outcomes) in batch.events.iter().zip(live.into_iter().zip(draft)) {
                collector.add(event, outcomes.into());
            }
            (0..batch.after).for_each(|_| collector.after());
        }
        // A lane that waits to hand its outcomes over would wait for good.
        let ((live, live_outcomes), (draft, draft_outcomes)) =
            ((live.2, live.1), (draft.2, draft.1));
        drop((live_outcomes, draft_outcomes));
        let outcome = join(failed.join());
        outcome.map(|()| [join(live.join()), join(draft.join())])
    });
    result.map(|tallies| collector.finish(sets, tallies))
}

/// Passes a panic on.
fn join<T>(result: std::thread::Result<T>) -> T {
    result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

type Decoded<E> = Result<Vec<Event>, E>;

fn decode_all<R, E>(
    raw: &Receiver<Vec<R>>,
    done: &SyncSender<Decoded<E>>,
    decode: &impl Fn(R) -> Result<Option<Event>, E>,
) {
    for batch in raw {
        let events = batch.into_iter().filter_map(|one| decode(one).transpose());
        if done.send(events.collect()).is_err() {
            return;
        }
    }
}

/// Puts decoded batches in order, gives each event its time, and hands them to both lanes.
fn dispatch<E>(
    options: &Options,
    decoded: &[Receiver<Decoded<E>>],
    lanes: &[SyncSender<Arc<Batch>>; 2],
    judged: &SyncSender<Arc<Batch>>,
) -> Result<(), E> {
    let mut last = 0;
    for decoder in decoded.iter().cycle() {
        let Ok(events) = decoder.recv() else {
            return Ok(());
        };
        let mut batch = Batch {
            events: Vec::new(),
            prepared: Vec::new(),
            after: 0,
        };
        for event in events? {
            // What says no time of its own happened when the one before did.
            let at = time_of(&event).unwrap_or(last);
            last = at;
            if options.until.is_some_and(|until| at >= until) {
                batch.after += 1;
            } else {
                let event = Arc::new(event);
                batch.events.push(Happened { event, at });
                batch.prepared.push(Prepared::default());
            }
        }
        let batch = Arc::new(batch);
        for channel in lanes.iter().chain([judged]) {
            if channel.send(Arc::clone(&batch)).is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn judge_all(
    mut lane: Lane<'_>,
    batches: &Receiver<Arc<Batch>>,
    done: &SyncSender<Vec<Option<Outcome>>>,
) -> Tally {
    for batch in batches {
        if done
            .send(lane.judge(&batch.events, &batch.prepared))
            .is_err()
        {
            break;
        }
    }
    lane.tally
}
