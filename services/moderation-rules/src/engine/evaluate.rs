//! Running the rules over comments, in parallel where there are many.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use stoa_proto::{Comment, Format, Received, Verdict};
use stoa_rules::{
    AuthorFacts, Counted, Counters, Input, Link, Outcome, Prepared, ReportFacts, RuleSet,
};

use super::facts::Facts;
use crate::metrics::RuleMetrics;
use crate::view::rows::CaseRow;

/// How one comment is judged: by a rule set, which tells the place of each rule that it comes to.
pub(crate) type Evaluate = fn(&RuleSet, &Input<'_>, &mut dyn FnMut(usize)) -> Outcome;

/// Comments that are judged first, to see how long the rest will take.
const PROBE: usize = 16;
/// So much work is worth starting threads for.
const PARALLEL: Duration = Duration::from_millis(2);

/// Asked for once: the answer is read from the system's files.
static PROCESSORS: LazyLock<usize> =
    LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from));

/// A comment with what is known around it.
#[derive(Debug)]
pub(crate) struct Job<'e> {
    pub(crate) index: usize,
    pub(crate) event: &'e Received,
    pub(crate) comment: &'e Comment,
    pub(crate) facts: Facts,
    pub(crate) case: Option<CaseRow>,
    /// What classifiers outside say.
    pub(crate) scores: &'e [(Arc<str>, f64)],
}

/// Does something with each of the jobs, on several threads if they take long; the results are in
/// their order.
pub(crate) fn map<J: Sync, T: Send>(
    jobs: &[J],
    threads: usize,
    each: impl Fn(&J) -> T + Sync,
) -> Vec<T> {
    let threads = match threads {
        0 => *PROCESSORS,
        threads => threads,
    };
    let run = &|jobs: &[J]| -> Vec<T> { jobs.iter().map(&each).collect() };
    let mut results = Vec::with_capacity(jobs.len());
    let (probe, jobs) = jobs.split_at(jobs.len().min(PROBE));
    let started = Instant::now();
    results.extend(run(probe));
    let rounds = u32::try_from(jobs.len() / PROBE).unwrap_or(u32::MAX);
    let expected = started.elapsed().saturating_mul(rounds);
    if threads == 1 || expected < PARALLEL {
        results.extend(run(jobs));
        return results;
    }
    std::thread::scope(|scope| {
        let mut chunks = jobs.chunks(jobs.len().div_ceil(threads));
        let own = chunks.next().unwrap_or_default();
        let others: Vec<_> = chunks
            .map(|chunk| scope.spawn(move || run(chunk)))
            .collect();
        results.extend(run(own));
        for other in others {
            results.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
    });
    results
}

/// The rules that were evaluated for a comment.
#[derive(Debug)]
pub(crate) struct Seen {
    /// A bit for each place in the rule set.
    evaluated: Vec<u64>,
    /// What they took, if the comment was a sample.
    took: Vec<(usize, Duration)>,
}

impl Seen {
    fn new(rules: usize) -> Self {
        Self {
            evaluated: vec![0; rules.div_ceil(64)],
            took: Vec::new(),
        }
    }

    fn note(&mut self, place: usize) {
        if let Some(word) = self.evaluated.get_mut(place / 64) {
            *word |= 1 << (place % 64);
        }
    }
}

/// What was evaluated in a batch.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// By place in the rule set.
    pub(crate) evaluations: Vec<u64>,
    pub(crate) took: Vec<(usize, Duration)>,
}

impl Tally {
    /// Adds a comment's rules.
    pub(crate) fn add(&mut self, seen: Seen) {
        let places = seen.evaluated.len() * 64;
        if self.evaluations.len() < places {
            self.evaluations.resize(places, 0);
        }
        for (word, counts) in seen.evaluated.iter().zip(self.evaluations.chunks_mut(64)) {
            let mut word = *word;
            while word != 0 {
                if let Some(count) = counts.get_mut(word.trailing_zeros() as usize) {
                    *count += 1;
                }
                word &= word - 1;
            }
        }
        self.took.extend(seen.took);
    }

    /// Counts them.
    pub(crate) fn count(&self, metrics: &RuleMetrics) {
        for (place, times) in self.evaluations.iter().enumerate() {
            metrics.evaluated(place, *times);
        }
        for (place, time) in &self.took {
            metrics.took(*place, *time);
        }
    }
}

/// What the rules have to judge.
pub(crate) struct Subject<'s> {
    pub(crate) comment: &'s Comment,
    pub(crate) facts: &'s Facts,
    pub(crate) counters: &'s dyn Counters,
    /// What classifiers outside say.
    pub(crate) scores: &'s [(Arc<str>, f64)],
    /// Where what is made of the text is kept, if others judge the same text.
    pub(crate) prepared: Option<&'s Prepared>,
}

impl Subject<'_> {
    /// Puts together what the engine is told.
    fn with_input<T>(&self, use_it: impl FnOnce(&Input<'_>) -> T) -> T {
        let Self {
            comment,
            facts,
            counters,
            scores,
            prepared,
        } = *self;
        let normalized = comment.normalized.as_ref();
        let links: Vec<Link<'_>> = normalized
            .map(|n| {
                n.links
                    .iter()
                    .map(|link| Link {
                        url: &link.url,
                        text: link.text.as_deref(),
                    })
                    .collect()
            })
            .unwrap_or_default();
        let confidence = match (&comment.language, normalized) {
            (Some(_), _) => 1.0,
            (None, Some(normalized)) => normalized.language_confidence.unwrap_or_default(),
            (None, None) => 0.0,
        };
        let named: Vec<(&str, f64)> = scores
            .iter()
            .map(|(name, value)| (name.as_ref(), *value))
            .collect();
        let reasons = facts.reports.reasons();
        let tags: Vec<&str> = facts.tags.iter().map(String::as_str).collect();
        use_it(&Input {
            site: &comment.site,
            article: &comment.article,
            comment: &comment.comment,
            text: comment.text(),
            prepared,
            html: comment.format != Format::Plain,
            links: &links,
            language: comment.known_language(),
            language_confidence: confidence,
            author: AuthorFacts {
                id: &comment.author.id,
                display_name: comment.author.display_name.as_deref(),
                role: comment.author.role,
                joined_at: comment
                    .author
                    .joined_at
                    .as_ref()
                    .map(stoa_proto::Time::micros),
                first_seen: facts.author.first_seen,
                approved: facts.author.approved,
                held: facts.author.held,
                rejected: facts.author.rejected,
                recent: facts.recent,
                trusted: facts.trusted,
                sanction: facts.author.sanction(facts.now).map(|row| row.sanction),
            },
            parent: comment.parent.as_deref(),
            depth: facts.depth.unwrap_or_default(),
            depth_known: facts.depth.is_some(),
            revision: comment.revision,
            parent_author: facts.parent_author.as_deref(),
            article_tags: &tags,
            scores: &named,
            counters: Some(counters),
            similar_by_author: facts.similar.by_author,
            similar_in_thread: facts.similar.in_thread,
            reports: ReportFacts {
                reporters: facts.reports.count(),
                weight: facts.reports.weight(),
                reasons: &reasons,
            },
            on_report: false,
            article_published_at: facts.published_at,
            submitted_at: facts.submitted_at,
            now: facts.now,
        })
    }
}

/// Judges one comment, with a look at the clock before each rule if it is a sample. A panic in the
/// rules holds the comment, and nothing else.
pub(crate) fn judge(
    set: &RuleSet,
    evaluate: Evaluate,
    subject: &Subject<'_>,
    is_sample: bool,
) -> (Outcome, Counted, Seen) {
    subject.with_input(|input| {
        let (outcome, seen) = run(set, evaluate, input, is_sample);
        // Whatever the rules came to, the comment was there.
        let counted = catch_unwind(AssertUnwindSafe(|| set.count(input))).unwrap_or_default();
        (outcome.unwrap_or_else(failed), counted, seen)
    })
}

/// Judges a comment again because of a report, by the rules that read reports; nothing if they
/// panic. It was counted when it came.
pub(crate) fn judge_again(
    set: &RuleSet,
    evaluate: Evaluate,
    subject: &Subject<'_>,
) -> (Option<Outcome>, Seen) {
    subject.with_input(|input| {
        let input = Input {
            on_report: true,
            ..input.clone()
        };
        run(set, evaluate, &input, false)
    })
}

/// Runs the rules; nothing comes of it if they panic.
fn run(
    set: &RuleSet,
    evaluate: Evaluate,
    input: &Input<'_>,
    is_sample: bool,
) -> (Option<Outcome>, Seen) {
    let mut seen = Seen::new(set.rules().len());
    let mut began: Option<(usize, Instant)> = None;
    let judged = catch_unwind(AssertUnwindSafe(|| {
        evaluate(set, input, &mut |place| {
            seen.note(place);
            if is_sample {
                let now = Instant::now();
                if let Some((before, start)) = began.replace((place, now)) {
                    seen.took.push((before, now - start));
                }
            }
        })
    }));
    if let Some((last, start)) = began {
        seen.took.push((last, start.elapsed()));
    }
    if judged.is_err() {
        tracing::error!(
            site.id = input.site,
            comment.id = input.comment,
            "the rules panicked"
        );
    }
    (judged.ok(), seen)
}

/// What comes of a comment that could not be judged.
fn failed() -> Outcome {
    Outcome {
        verdict: Verdict::Hold,
        partial: vec!["rules".to_owned()],
        ..Outcome::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_jobs_on_one_thread_or_on_several() {
        for (n_jobs, pause) in [(0, 0), (3, 0), (200, 0), (99, 1)] {
            let jobs: Vec<u64> = (0..n_jobs).collect();
            let results = map(&jobs, 4, |job| {
                std::thread::sleep(Duration::from_millis(pause));
                (*job, std::thread::current().id())
            });
            let order: Vec<u64> = results.iter().map(|(job, _)| *job).collect();
            assert_eq!(order, jobs);
            let own = std::thread::current().id();
            let spread = results.iter().any(|(_, thread)| *thread != own);
            assert_eq!(spread, pause > 0, "{n_jobs} jobs");
        }
    }
}
