//! Scores from classifiers outside, fetched before comments are judged.
//!
//! Only what the live rules could read is asked for ([`RuleSet::scores_wanted`]), each text once:
//! answers are remembered ([`cache`]). A classifier that fails is left alone for a while
//! ([`breaker`]). Nobody waits longer than a scorer's `timeout`: a score that is not there by then
//! is missing, and the rule that reads it holds or skips.
//!
//! **Invariant:** of a comment its text goes out, and the code of its language; nothing of its
//! author, thread or site. No error that is logged has the address, which may have the key in it,
//! or words of a comment.

mod breaker;
mod cache;
mod client;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _, future};
use stoa_daemon::ConfigError;
use stoa_proto::{Comment, Data, Received};
use stoa_rules::{Input, RuleSet};
use tokio::time::Instant;

use self::client::Scorer;
use crate::config::ScorerConfig;
use crate::metrics::Metrics;

/// What is known of one comment: scores by name.
pub(crate) type Scores = Vec<(Arc<str>, f64)>;

/// Comments that are asked about; the largest batch of a request has as many.
#[derive(Debug)]
struct Wanted<'a> {
    text: &'a str,
    language: Option<&'a str>,
    names: BTreeSet<Arc<str>>,
}

/// The classifiers of the configuration.
#[derive(Debug)]
pub(crate) struct Scorers {
    all: Vec<Scorer>,
}

impl Scorers {
    /// Makes them; none if none is configured, so that nothing waits for nothing.
    pub(crate) fn new(
        configs: &[ScorerConfig],
        metrics: &Metrics,
    ) -> Result<Option<Arc<Self>>, ConfigError> {
        if configs.is_empty() {
            return Ok(None);
        }
        let all = configs
            .iter()
            .enumerate()
            .map(|(index, config)| Scorer::new(config, index, &metrics.scorers))
            .collect::<Result<_, _>>()?;
        Ok(Some(Arc::new(Self { all })))
    }

    /// Fetches what the rules could read of events, by event; empty if they read nothing.
    pub(crate) async fn of_events(
        &self,
        set: &RuleSet,
        events: &[Received],
        now: i64,
    ) -> Vec<Scores> {
        if !set.reads_scores() {
            return Vec::new();
        }
        let comments = events.iter().map(|event| match &event.data {
            Data::CommentSubmitted(comment) | Data::CommentEdited(comment) => {
                // What had been decided elsewhere is not judged.
                Some(comment).filter(|comment| comment.imported.is_none())
            }
            _ => None,
        });
        let comments = comments.collect();
        let none = BTreeSet::new();
        self.of_comments(set, comments, &none, now, None).await
    }

    /// Fetches what the rules could read of comments, and what is wanted beside, each in its place;
    /// not longer than until the deadline.
    pub(crate) async fn of_comments(
        &self,
        set: &RuleSet,
        comments: Vec<Option<&Comment>>,
        always: &BTreeSet<Arc<str>>,
        now: i64,
        deadline: Option<Instant>,
    ) -> Vec<Scores> {
        let wanted: Vec<Wanted<'_>> = comments
            .into_iter()
            .map(|comment| {
                comment.map_or_else(Wanted::nothing, |c| Wanted::of(set, c, always, now))
            })
            .collect();
        if wanted.iter().all(|wanted| wanted.names.is_empty()) {
            return Vec::new();
        }
        let mut asked = Vec::with_capacity(self.all.len());
        for scorer in &self.all {
            asked.push(scorer.ask(&wanted, deadline).boxed());
        }
        let answers = future::join_all(asked).await;
        let mut scores = vec![Scores::new(); wanted.len()];
        for (index, found) in answers.into_iter().flatten() {
            if let Some(scores) = scores.get_mut(index) {
                scores.extend(found.iter().map(|(name, value)| (Arc::clone(name), *value)));
            }
        }
        for (scores, wanted) in scores.iter_mut().zip(&wanted) {
            scores.retain(|(name, _)| wanted.names.contains(name));
            scores.sort_by(|a, b| a.0.cmp(&b.0));
        }
        scores
    }
}

/// Returns the scores that a configuration's scorers give.
pub(crate) fn names(configs: &[ScorerConfig]) -> Vec<String> {
    let names = configs.iter().flat_map(|config| config.attributes.keys());
    names.cloned().collect()
}

impl<'a> Wanted<'a> {
    fn nothing() -> Self {
        Self {
            text: "",
            language: None,
            names: BTreeSet::new(),
        }
    }

    fn of(set: &RuleSet, comment: &'a Comment, always: &BTreeSet<Arc<str>>, now: i64) -> Self {
        let language = comment.known_language();
        let found = comment.normalized.as_ref();
        let confidence = match &comment.language {
            Some(_) => 1.0,
            None => found
                .and_then(|n| n.language_confidence)
                .unwrap_or_default(),
        };
        let links: Vec<stoa_rules::Link<'_>> = found
            .map_or(&[][..], |normalized| normalized.links.as_slice())
            .iter()
            .map(|link| stoa_rules::Link {
                url: &link.url,
                text: link.text.as_deref(),
            })
            .collect();
        let neutral = Input::neutral(comment.text(), now);
        let mut names = set.scores_wanted(&Input {
            site: &comment.site,
            article: &comment.article,
            comment: &comment.comment,
            language,
            language_confidence: confidence,
            links: &links,
            author: stoa_rules::AuthorFacts {
                display_name: comment.author.display_name.as_deref(),
                ..neutral.author
            },
            ..neutral
        });
        names.extend(always.iter().map(Arc::clone));
        Self {
            text: comment.text(),
            language,
            names,
        }
    }
}

/// A text to ask about, and the comments that have it.
struct Question<'a> {
    key: cache::Key,
    text: &'a str,
    language: Option<&'a str>,
    comments: Vec<usize>,
}

impl Scorer {
    /// Answers what is known or found in time, by comment.
    async fn ask(
        &self,
        wanted: &[Wanted<'_>],
        deadline: Option<Instant>,
    ) -> Vec<(usize, cache::Found)> {
        let own = Instant::now() + self.timeout();
        let deadline = deadline.map_or(own, |deadline| deadline.min(own));
        let mut known = Vec::new();
        let mut questions: Vec<Question<'_>> = Vec::new();
        let mut places = std::collections::HashMap::new();
        for (index, wanted) in wanted.iter().enumerate() {
            if !wanted.names.iter().any(|name| self.gives(name)) {
                continue;
            }
            let key = self.key(wanted.text, wanted.language);
            if let Some(found) = self.remembered(&key) {
                known.push((index, found));
                continue;
            }
            let place = *places.entry(key).or_insert(questions.len());
            if let Some(question) = questions.get_mut(place) {
                question.comments.push(index);
            } else {
                questions.push(Question {
                    key,
                    text: wanted.text,
                    language: wanted.language,
                    comments: vec![index],
                });
            }
        }
        // How many are sent at a time, `request` sees to.
        let mut answers = FuturesUnordered::new();
        for questions in questions.chunks(self.batch()) {
            answers.push(self.request(questions, deadline).boxed());
        }
        while let Some(answer) = answers.next().await {
            known.extend(answer);
        }
        known
    }
}

/// How long is left before a moment.
fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}
