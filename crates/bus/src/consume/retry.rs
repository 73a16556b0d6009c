//! Tries again what is parked: at the start, when somebody asks, and now and then.
//!
//! A thread's messages are handled in their order: the first alone, and once it passes those that
//! waited behind it together. Each is done with when what it led to is confirmed. At the first that
//! is refused the thread stays parked.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use fail::fail_point;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::batch::{PANICKED, Panicked};
use super::{Loop, Setting, Source, Stop};
use crate::Error;
use crate::handler::Handler;
use crate::parking::{Lane, Request, Retried, Unanswered};

/// From parking a thread to its first retry; each pause is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_mins(1);
const LONGEST_PAUSE: Duration = Duration::from_hours(1);
/// After so long what was received has its turn.
const TURN: Duration = Duration::from_millis(50);

type Reply = oneshot::Sender<Result<Retried, Unanswered>>;

/// When a thread is tried again.
#[derive(Debug)]
struct Schedule {
    at: Instant,
    /// What follows if that fails.
    pause: Duration,
    /// Whether its messages are tried one by one: together they made the handler panic.
    alone: bool,
    /// Messages that passed since the last failure.
    handled: u64,
    /// Who is told what comes of it.
    replies: Vec<Reply>,
}

impl Schedule {
    fn at(at: Instant) -> Self {
        Self {
            at,
            pause: FIRST_PAUSE,
            alone: false,
            handled: 0,
            replies: Vec::new(),
        }
    }

    /// Puts the next attempt off.
    fn fail(&mut self, now: Instant) {
        if self.handled > 0 {
            self.pause = FIRST_PAUSE;
        }
        self.at = now + self.pause;
        self.pause = self.pause.saturating_mul(2).min(LONGEST_PAUSE);
        self.handled = 0;
    }
}

/// What is tried again, and when.
#[derive(Debug)]
pub(super) struct Retries {
    asked: mpsc::UnboundedReceiver<Request>,
    /// A request that came and is not looked at yet.
    request: Option<Request>,
    lanes: HashMap<Lane, Schedule>,
    due: BTreeSet<(Instant, Lane)>,
}

impl Retries {
    /// Begins with all that is parked.
    pub(super) fn new(setting: &Setting) -> Result<Self, Error> {
        let parking = &setting.parking;
        let asked = parking.attach(&setting.health, &setting.shutdown);
        let mut retries = Self {
            asked: asked.ok_or(Error::Task)?,
            request: None,
            lanes: HashMap::new(),
            due: BTreeSet::new(),
        };
        let now = Instant::now();
        for lane in parking.lanes() {
            retries.set(lane, Schedule::at(now));
        }
        Ok(retries)
    }

    /// Takes what was parked.
    pub(super) fn parked(&mut self, lanes: Vec<Lane>) {
        let first = Instant::now() + FIRST_PAUSE;
        for lane in lanes {
            if !self.lanes.contains_key(&lane) {
                self.set(lane, Schedule::at(first));
            }
        }
    }

    /// Waits until something is asked or due. Nothing is lost if the future is dropped.
    pub(super) async fn wanted(&mut self) {
        if self.request.is_some() {
            return;
        }
        let first = self.due.first().map(|(at, _)| *at);
        let due = async {
            match first {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            request = self.asked.recv() => self.request = request,
            () = due => {}
        }
    }

    fn set(&mut self, lane: Lane, schedule: Schedule) {
        self.due.insert((schedule.at, lane.clone()));
        self.lanes.insert(lane, schedule);
    }

    fn take(&mut self, lane: &Lane) -> Option<Schedule> {
        let schedule = self.lanes.remove(lane)?;
        self.due.remove(&(schedule.at, lane.clone()));
        Some(schedule)
    }

    /// Makes a thread due.
    fn hurry(&mut self, lane: Lane, reply: Option<Reply>) {
        let now = Instant::now();
        let mut schedule = self.take(&lane).unwrap_or_else(|| Schedule::at(now));
        schedule.at = now;
        schedule.replies.extend(reply);
        self.set(lane, schedule);
    }

    /// Takes the thread that is due first.
    fn next(&mut self) -> Option<(Lane, Schedule)> {
        let (_, lane) = self.due.first().filter(|(at, _)| *at <= Instant::now())?;
        let lane = lane.clone();
        let schedule = self.take(&lane)?;
        Some((lane, schedule))
    }
}

/// What is written and told at the end of a turn.
#[derive(Default)]
struct Report {
    failed: Vec<(u64, String)>,
    told: Vec<(Reply, Retried)>,
}

impl Report {
    fn tell(&mut self, schedule: &mut Schedule, left: u64, reason: Option<&str>) {
        for reply in schedule.replies.drain(..) {
            let retried = Retried {
                handled: schedule.handled,
                left,
                reason: reason.map(str::to_owned),
            };
            self.told.push((reply, retried));
        }
    }
}

impl<S: Source, H: Handler> Loop<S, H> {
    /// Does what is asked, and tries what is due for a while.
    pub(super) async fn attend(&mut self) -> Result<(), Stop> {
        let waiting = self.retries.request.take();
        let mut request = waiting.or_else(|| self.retries.asked.try_recv().ok());
        while let Some(next) = request {
            self.answer(next).await?;
            request = self.retries.asked.try_recv().ok();
        }
        let until = Instant::now() + TURN;
        let mut report = Report::default();
        while let Some((lane, schedule)) = self.retries.next() {
            self.retry(lane, schedule, &mut report).await?;
            if Instant::now() >= until || self.setting.shutdown.is_cancelled() {
                break;
            }
        }
        self.setting.parking.failed(report.failed).await?;
        for (reply, retried) in report.told {
            // Nobody waits any more if the request was given up.
            reply.send(Ok(retried)).ok();
        }
        Ok(())
    }

    async fn answer(&mut self, request: Request) -> Result<(), Stop> {
        let parking = self.setting.parking.clone();
        match request {
            Request::Retry { id, reply } => match parking.lane(id) {
                Some(lane) => self.retries.hurry(lane, Some(reply)),
                None => {
                    reply.send(Err(Unanswered::Unknown)).ok();
                }
            },
            Request::Drop {
                id,
                by,
                reason,
                reply,
            } => {
                let Some(lane) = parking.lane(id) else {
                    reply.send(Err(Unanswered::Unknown)).ok();
                    return Ok(());
                };
                parking.dropped(id, by, reason).await?;
                reply.send(Ok(parking.left(&lane))).ok();
                self.retries.hurry(lane, None);
            }
        }
        Ok(())
    }

    /// Handles the first messages of a thread.
    async fn retry(
        &mut self,
        lane: Lane,
        mut schedule: Schedule,
        report: &mut Report,
    ) -> Result<(), Stop> {
        let parking = self.setting.parking.clone();
        let (seqs, messages): (Vec<_>, Vec<_>) = parking
            .first(&lane, schedule.alone)
            .await?
            .into_iter()
            .unzip();
        let outcomes = match self.guarded(messages).await {
            Ok(outcomes) => outcomes,
            Err(Panicked) if seqs.len() > 1 => {
                schedule.alone = true;
                self.retries.set(lane, schedule);
                return Ok(());
            }
            Err(Panicked) => vec![Err(crate::HandlerError::Reject(PANICKED.to_owned()))],
        };
        let (mut outgoing, mut handled, mut failure) = (Vec::new(), Vec::new(), None);
        for (seq, outcome) in seqs.into_iter().zip(outcomes) {
            match outcome {
                Ok(events) => {
                    outgoing.extend(events);
                    handled.push(seq);
                }
                Err(error) => {
                    failure = Some((seq, error.to_string()));
                    break;
                }
            }
        }
        if self.setting.publisher.submit(outgoing).await.is_err() {
            return Err(self.closed());
        }
        fail_point!("bus_after_retry");
        let n_handled = u64::try_from(handled.len()).unwrap_or(u64::MAX);
        schedule.handled += n_handled;
        parking.handled(handled).await?;
        let left = parking.left(&lane);
        let now = Instant::now();
        if let Some((seq, reason)) = failure {
            report.tell(&mut schedule, left, Some(&reason));
            report.failed.push((seq, reason));
            schedule.fail(now);
        } else if left == 0 {
            report.tell(&mut schedule, 0, None);
            tracing::info!(
                queue.reader = self.setting.reader.name(),
                handled = schedule.handled,
                "a parked thread is free again"
            );
            return Ok(());
        } else {
            schedule.at = now;
        }
        self.retries.set(lane, schedule);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour_and_begin_anew_after_a_success() {
        let now = Instant::now();
        let mut schedule = Schedule::at(now);
        let mut pauses = Vec::new();
        for _ in 0..9 {
            schedule.fail(now);
            pauses.push((schedule.at - now).as_secs() / 60);
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        schedule.handled = 1;
        schedule.fail(now);
        assert_eq!(schedule.at - now, FIRST_PAUSE);
    }
}
