//! Running the rules over comments, in parallel where there are many.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use stoa_proto::{Comment, Format, Verdict};
use stoa_rules::{AuthorFacts, Input, Link, Outcome, RuleSet};

use super::facts::Facts;
use crate::metrics::Metrics;

/// How one comment is judged.
pub(crate) type Evaluate = fn(&RuleSet, &Input<'_>) -> Outcome;

/// Comments from which on threads pay.
const PARALLEL: usize = 32;

/// A comment with what is known around it.
#[derive(Debug)]
pub(crate) struct Job<'e> {
    pub(crate) index: usize,
    pub(crate) comment: &'e Comment,
    pub(crate) facts: Facts,
}

/// Judges comments that don't depend on each other; the outcomes are in their order.
pub(crate) fn all(
    set: &RuleSet,
    evaluate: Evaluate,
    jobs: &[Job<'_>],
    threads: usize,
    metrics: &Metrics,
) -> Vec<Outcome> {
    let run = |jobs: &[Job<'_>]| -> Vec<Outcome> {
        let started = Instant::now();
        let outcomes = jobs.iter().map(|job| one(set, evaluate, job)).collect();
        metrics.evaluated(jobs.len(), started.elapsed());
        outcomes
    };
    let threads = match threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    if jobs.len() < PARALLEL || threads == 1 {
        return run(jobs);
    }
    let mut outcomes = Vec::with_capacity(jobs.len());
    std::thread::scope(|scope| {
        let mut chunks = jobs.chunks(jobs.len().div_ceil(threads));
        let own = chunks.next().unwrap_or_default();
        let others: Vec<_> = chunks.map(|chunk| (chunk.len(), scope.spawn(move || run(chunk)))).collect();
        outcomes.extend(run(own));
        for (count, other) in others {
            // Panics are caught inside; a thread that dies all the same holds its comments.
            outcomes.extend(other.join().unwrap_or_else(|_| vec![failed(); count]));
        }
    });
    outcomes
}

fn one(set: &RuleSet, evaluate: Evaluate, job: &Job<'_>) -> Outcome {
    let comment = job.comment;
    let facts = &job.facts;
    let normalized = comment.normalized.as_ref();
    let links: Vec<Link<'_>> = normalized
        .map(|n| n.links.iter().map(|link| Link { url: &link.url, text: link.text.as_deref() }).collect())
        .unwrap_or_default();
    let confidence = match (&comment.language, normalized) {
        (Some(_), _) => 1.0,
        (None, Some(normalized)) => normalized.language_confidence.unwrap_or_default(),
        (None, None) => 0.0,
    };
    let input = Input {
        site: &comment.site,
        article: &comment.article,
        comment: &comment.comment,
        text: comment.text(),
        html: comment.format != Format::Plain,
        links: &links,
        language: comment.known_language(),
        language_confidence: confidence,
        author: AuthorFacts {
            id: &comment.author.id,
            display_name: comment.author.display_name.as_deref(),
            role: comment.author.role,
            joined_at: comment.author.joined_at.as_ref().map(stoa_proto::Time::micros),
            first_seen: facts.author.first_seen,
            approved: facts.author.approved,
            held: facts.author.held,
            rejected: facts.author.rejected,
            recent: facts.recent,
            trusted: facts.trusted,
        },
        parent: comment.parent.as_deref(),
        depth: facts.depth.unwrap_or_default(),
        depth_known: facts.depth.is_some(),
        revision: comment.revision,
        article_published_at: facts.published_at,
        submitted_at: facts.submitted_at,
        now: facts.now,
    };
    catch_unwind(AssertUnwindSafe(|| evaluate(set, &input))).unwrap_or_else(|_| {
        tracing::error!(
            site.id = comment.site,
            comment.id = comment.comment,
            "the rules panicked: the comment is held"
        );
        failed()
    })
}

/// What comes of a comment that could not be judged.
fn failed() -> Outcome {
    Outcome {
        verdict: Verdict::Hold,
        partial: vec!["rules".to_owned()],
        ..Outcome::default()
    }
}
