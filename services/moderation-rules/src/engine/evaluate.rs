//! Running the rules over comments, in parallel where there are many.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use stoa_proto::{Comment, Event, Format, Verdict};
use stoa_rules::{AuthorFacts, Input, Link, Outcome, RuleSet};

use super::facts::Facts;
use crate::view::rows::CaseRow;

/// How one comment is judged.
pub(crate) type Evaluate = fn(&RuleSet, &Input<'_>) -> Outcome;

/// Comments from which on threads pay.
const PARALLEL: usize = 32;

/// A comment with what is known around it.
#[derive(Debug)]
pub(crate) struct Job<'e> {
    pub(crate) index: usize,
    pub(crate) event: &'e Event,
    pub(crate) comment: &'e Comment,
    pub(crate) facts: Facts,
    pub(crate) case: Option<CaseRow>,
}

/// Does something with each of the jobs, on several threads if there are many; the results are in
/// their order.
pub(crate) fn map<J: Sync, T: Send>(
    jobs: &[J],
    threads: usize,
    each: impl Fn(&J) -> T + Sync,
) -> Vec<T> {
    let threads = match threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    if jobs.len() < PARALLEL || threads == 1 {
        return jobs.iter().map(each).collect();
    }
    let run = &|jobs: &[J]| -> Vec<T> { jobs.iter().map(&each).collect() };
    let mut results = Vec::with_capacity(jobs.len());
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

/// Judges one comment. A panic in the rules holds the comment, and nothing else.
pub(crate) fn judge(set: &RuleSet, evaluate: Evaluate, job: &Job<'_>) -> Outcome {
    let comment = job.comment;
    let facts = &job.facts;
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
