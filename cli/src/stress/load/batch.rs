//! One batch: what is in it, and sending it until its outcome is known.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::bail;
use bytes::Bytes;
use stoa_proto::limits;
use tokio::time::Instant;

use super::Load;
use crate::client::{Answer, Failure, Target};
use crate::stress::plan::{Kind, Planned, Repeat};
use crate::stress::run::{How, Run};
use crate::stress::slots::Mark;

/// Batches after which a late repeat is sent.
const LATER: u32 = 4;

/// Events on their way.
#[derive(Debug, Default)]
pub(super) struct Batch {
    number: u32,
    events: Vec<Bytes>,
    /// The number of each event; a repeat has that of its original.
    numbers: Vec<u32>,
    /// Events that are sent for the first time.
    new: Vec<u32>,
    /// Repeats of sound events.
    n_repeats: u64,
}

/// Makes the batches of one sender.
pub(super) struct Builder<'a> {
    run: &'a Run,
    written: &'a [Bytes],
    built: u32,
    /// Repeats, with the batch from which on they are due.
    later: VecDeque<(u32, u32)>,
    /// Poison that waits until what it conflicts with was taken.
    held: Vec<u32>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(run: &'a Run, written: &'a [Bytes]) -> Self {
        Self {
            run,
            written,
            built: 0,
            later: VecDeque::new(),
            held: Vec::new(),
        }
    }

    /// Makes a batch of new events, and of repeats that are due.
    pub(super) fn build(&mut self, new: Vec<u32>) -> Batch {
        let mut batch = self.begin();
        for n in new {
            if let Some(planned) = self.run.plan(n) {
                self.add(&mut batch, n, planned);
            }
        }
        let is_due = |built: u32, later: &VecDeque<(u32, u32)>| {
            later.front().is_some_and(|(due, _)| *due <= built)
        };
        while is_due(self.built, &self.later) && batch.events.len() < limits::BATCH_EVENTS {
            let Some((_, n)) = self.later.pop_front() else {
                break;
            };
            self.repeat(&mut batch, n);
        }
        batch
    }

    /// Makes a batch of what is left: poison that was held back, and repeats.
    pub(super) fn rest(&mut self, size: u16) -> Option<Batch> {
        let mut batch = self.begin();
        let held = std::mem::take(&mut self.held);
        // What it conflicts with stays unknown: so would be whether it is refused.
        let ready = held.into_iter().filter(|n| self.is_ready(&[], *n));
        for n in ready.collect::<Vec<_>>() {
            if let Some(planned) = self.run.plan(n) {
                self.add(&mut batch, n, planned);
            }
        }
        while batch.events.len() < usize::from(size) {
            let Some((_, n)) = self.later.pop_front() else {
                break;
            };
            self.repeat(&mut batch, n);
        }
        (!batch.events.is_empty()).then_some(batch)
    }

    fn begin(&mut self) -> Batch {
        self.built += 1;
        Batch {
            number: self.run.batch(),
            ..Batch::default()
        }
    }

    fn add(&mut self, batch: &mut Batch, n: u32, planned: Planned) {
        if !self.is_ready(&batch.new, n) {
            self.held.push(n);
            return;
        }
        let ahead = usize::try_from(n).ok().and_then(|n| self.written.get(n));
        let event = ahead.map_or_else(|| self.run.write(n, planned), Bytes::clone);
        batch.events.push(event);
        batch.numbers.push(n);
        batch.new.push(n);
        match planned.repeat {
            Repeat::No => {}
            Repeat::AtOnce => self.repeat(batch, n),
            Repeat::Later => self.later.push_back((self.built + LATER, n)),
        }
    }

    fn repeat(&self, batch: &mut Batch, n: u32) {
        if let Some(planned) = self.run.plan(n) {
            batch.events.push(self.run.write(n, planned));
            batch.numbers.push(n);
            batch.n_repeats += u64::from(!matches!(planned.kind, Kind::Poison { .. }));
        }
    }

    /// Tells whether what an event must conflict with comes before it.
    fn is_ready(&self, batch: &[u32], n: u32) -> bool {
        match self.run.kind(n) {
            Some(Kind::Poison {
                base: Some(base), ..
            }) => {
                let slot = self.run.slot(base);
                batch.contains(&base) || slot.is_some_and(|slot| slot.has(Mark::Acknowledged))
            }
            _ => true,
        }
    }
}

impl Load<'_> {
    /// Sends a batch until its outcome is known, or patience is over and it stays unknown.
    ///
    /// The latency counts from `due` if it is given, or else from the sending that was answered.
    pub(super) async fn send(&self, batch: Batch, due: Option<Instant>) -> anyhow::Result<()> {
        let counts = &self.run.counts;
        self.run.attempt(&batch.new, batch.number);
        let patience = Instant::now() + self.pace.patience;
        let mut pause = Duration::from_millis(20);
        let mut again = false;
        loop {
            let sent = Instant::now();
            match self.target.send(&batch.events).await {
                Ok(answer) => {
                    let took = due.unwrap_or(sent).elapsed();
                    self.settle(&batch, &answer, took, again);
                    self.bar.inc(batch.new.len() as u64);
                    return Ok(());
                }
                Err(Failure::Never(message)) => bail!("{message}"),
                Err(Failure::Later { message, after }) => {
                    again = true;
                    counts.retries.fetch_add(1, Ordering::Relaxed);
                    let wait = after
                        .unwrap_or(pause)
                        .max(pause)
                        .min(Duration::from_secs(5));
                    if Instant::now() + wait > patience {
                        // It stays attempted and not acknowledged: the check finds out.
                        tracing::debug!(error = message, "a batch stays unknown");
                        return Ok(());
                    }
                    tokio::time::sleep(wait).await;
                    pause = (pause * 2).min(Duration::from_secs(1));
                }
            }
        }
    }

    /// Notes what became of each event.
    fn settle(&self, batch: &Batch, answer: &Answer, took: Duration, again: bool) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        for _ in &batch.new {
            self.run.accept.record(micros);
        }
        let counts = &self.run.counts;
        counts
            .duplicates
            .fetch_add(answer.duplicate, Ordering::Relaxed);
        let how = match self.target {
            Target::Amqp(_) => How::Confirmed,
            Target::Http(_) if answer.duplicate == batch.n_repeats => How::Accepted,
            Target::Http(_) if answer.accepted == 0 => How::Duplicate,
            Target::Http(_) => How::Taken,
        };
        let refused: HashMap<usize, &str> = answer
            .rejected
            .iter()
            .map(|refused| (refused.index, refused.code.as_str()))
            .collect();
        for (index, n) in batch.numbers.iter().enumerate() {
            match refused.get(&index) {
                Some(code) => self.run.refuse(*n, code),
                None => self.run.acknowledge(*n, how, again),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stress::tests::run_of;

    /// Builds the batches of one sender; returns how often each event is in them.
    fn sent(mix: &str, n_events: u32, taken: bool) -> HashMap<u32, usize> {
        let run = run_of(mix, n_events);
        let mut builder = Builder::new(&run, &[]);
        let mut times = HashMap::new();
        let mut note = |batch: Batch| {
            assert!(batch.events.len() <= limits::BATCH_EVENTS);
            run.attempt(&batch.new, batch.number);
            for n in batch.numbers {
                *times.entry(n).or_default() += 1;
                if taken && run.kind(n).is_some_and(|kind| kind.name() != "poison") {
                    run.acknowledge(n, How::Accepted, false);
                }
            }
        };
        for first in (0..n_events).step_by(10) {
            note(builder.build((first..(first + 10).min(n_events)).collect()));
        }
        while let Some(batch) = builder.rest(10) {
            note(batch);
        }
        times
    }

    #[test]
    fn every_event_is_sent_once_and_repeats_twice() {
        let times = sent("duplicates=30,poison=5", 2_000, true);
        assert_eq!(times.len(), 2_000);
        let twice = times.values().filter(|times| **times == 2).count();
        assert!((500..700).contains(&twice), "{twice}");
        assert!(times.values().all(|times| *times <= 2));
    }

    #[test]
    fn poison_waits_for_what_it_conflicts_with() {
        let run = run_of("poison=20", 2_000);
        let times = sent("poison=20", 2_000, false);
        let mut n_waiting = 0;
        for n in 0..2_000 {
            let needs = matches!(
                run.plan(n).unwrap().kind,
                Kind::Poison { base: Some(_), .. }
            );
            n_waiting += u32::from(needs && !times.contains_key(&n));
            assert!(needs || times.contains_key(&n));
        }
        assert!(n_waiting > 50, "{n_waiting}");
        assert_eq!(sent("poison=20", 2_000, true).len(), 2_000);
    }
}
