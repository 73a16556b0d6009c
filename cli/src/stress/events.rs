//! The bytes of each event.

use bytes::Bytes;
use stoa_proto::data::{CommentReported, CommentWithdrawn, ReportReason, Reporter};
use stoa_proto::{Article, Author, Comment, Data, Event};

use super::corpus::{Corpus, time_of};
use super::plan::Kind;
use super::poison::Poison;
use super::slots::Slots;

/// Writes an event; what it is about was planned before.
pub(super) fn write(n: u32, kind: Kind, corpus: &Corpus, slots: &Slots) -> Bytes {
    let parent_of = |comment: u32| match slots.get(comment)?.planned.get()?.kind {
        Kind::Comment { parent } => parent,
        _ => None,
    };
    let revise = |comment: u32, revision: u32, parent: Option<u32>| {
        Data::CommentEdited(words(corpus, n, comment, revision, parent))
    };
    let submit = |comment: u32, parent: Option<u32>| {
        Data::CommentSubmitted(words(corpus, n, comment, 1, parent))
    };
    match kind {
        Kind::Article => event(corpus, n, Data::ArticlePublished(article(corpus, n))).to_json(),
        Kind::Comment { parent } => event(corpus, n, submit(n, parent)).to_json(),
        Kind::Edit { comment, revision } => {
            event(corpus, n, revise(comment, revision, parent_of(comment))).to_json()
        }
        Kind::Report { comment } => event(corpus, n, report(corpus, n, comment)).to_json(),
        Kind::Withdrawal { comment } => event(corpus, n, withdrawal(corpus, n, comment)).to_json(),
        Kind::Poison { poison, base } => {
            let mut data = submit(base.unwrap_or(n), base.and_then(parent_of));
            if let Data::CommentSubmitted(comment) = &mut data {
                comment.body.push_str(" (other words)");
            }
            let mut spoiled = event(corpus, n, data);
            if let (Poison::IdConflict, Some(base)) = (poison, base) {
                spoiled.id = corpus.event_id(base);
            }
            poison.spoil(&spoiled)
        }
    }
}

fn event(corpus: &Corpus, n: u32, data: Data) -> Event {
    let mut event = Event::new(corpus.event_id(n), corpus.source.clone(), data);
    event.time = time_of(n);
    event
}

fn article(corpus: &Corpus, n: u32) -> Article {
    let thread = corpus.thread_of(n);
    Article {
        site: corpus.site().to_owned(),
        article: corpus.thread_id(thread),
        title: corpus.title(thread),
        language: Some("fr".to_owned()),
        published_at: time_of(0),
        ..Article::default()
    }
}

fn words(corpus: &Corpus, n: u32, comment: u32, revision: u32, parent: Option<u32>) -> Comment {
    let author = corpus.author_of(comment);
    Comment {
        site: corpus.site().to_owned(),
        article: corpus.thread_id(corpus.thread_of(comment)),
        comment: corpus.comment_id(comment),
        parent: parent.map(|parent| corpus.comment_id(parent)),
        revision,
        author: Author {
            id: format!("{}-u{author}", corpus.prefix),
            display_name: Some(format!("Author {author}")),
            ..Author::default()
        },
        body: corpus.words(n),
        submitted_at: time_of(n),
        ..Comment::default()
    }
}

fn report(corpus: &Corpus, n: u32, comment: u32) -> Data {
    Data::CommentReported(CommentReported {
        site: corpus.site().to_owned(),
        article: corpus.thread_id(corpus.thread_of(comment)),
        comment: corpus.comment_id(comment),
        report: corpus.report_id(n),
        reporter: Some(Reporter {
            id: format!("{}-u{}", corpus.prefix, corpus.author_of(n)),
            extra: serde_json::Map::new(),
        }),
        reason: ReportReason::OffTopic,
        text: Some(corpus.words(n)),
        reported_at: time_of(n),
        extra: serde_json::Map::new(),
    })
}

fn withdrawal(corpus: &Corpus, n: u32, comment: u32) -> Data {
    Data::CommentWithdrawn(CommentWithdrawn {
        site: corpus.site().to_owned(),
        article: corpus.thread_id(corpus.thread_of(comment)),
        comment: corpus.comment_id(comment),
        withdrawn_at: time_of(n),
        extra: serde_json::Map::new(),
    })
}

#[cfg(test)]
mod tests {
    use stoa_proto::codec::{self, Message};

    use super::super::corpus::Shape;
    use super::super::plan::Planner;
    use super::*;

    fn corpus() -> Corpus {
        let mix = "edits=20,reports=10,withdrawals=5,disorder=10,poison=20";
        Corpus::new(Shape {
            site: "stress".into(),
            events: 3_000,
            threads: 10,
            authors: 5,
            seed: 1,
            mix: mix.parse().unwrap(),
        })
    }

    #[test]
    fn what_is_sound_is_read_and_poison_is_refused_by_its_code() {
        let (corpus, slots) = (corpus(), Slots::default());
        let mut planner = Planner::new(&corpus);
        let plan = |n| planner.plan(n, &corpus, &slots).unwrap();
        let all: Vec<_> = (0..corpus.len()).map(plan).collect();
        let mut n_refused = 0;
        for (n, planned) in (0..).zip(all) {
            let body = write(n, planned.kind, &corpus, &slots);
            assert_eq!(body, write(n, planned.kind, &corpus, &slots));
            let message = Message {
                content_type: Some(codec::BATCH.into()),
                body: codec::batch(&[body]),
                ..Message::default()
            };
            let read = codec::decode(&message).pop().unwrap();
            let kind = planned.kind;
            match (kind, read) {
                (Kind::Poison { poison, .. }, Err(refused)) => {
                    assert_eq!(refused.rejection.code, poison.code());
                    assert_eq!(refused.id, Some(corpus.event_id(n)), "{poison:?}");
                    n_refused += 1;
                }
                (Kind::Poison { poison, base }, Ok(event)) => {
                    // These are refused because of what came before them.
                    let base = base.unwrap();
                    let same_id = event.id == corpus.event_id(base);
                    assert_eq!(same_id, poison == Poison::IdConflict);
                    assert_eq!(event.comment(), Some(corpus.comment_id(base).as_str()));
                }
                (_, Ok(event)) => {
                    assert_eq!(event.id, corpus.event_id(n));
                    let thread = corpus.thread_id(corpus.thread_of(n));
                    assert_eq!(event.thread(), Some(thread.as_str()));
                }
                (_, Err(refused)) => panic!("{n} {kind:?}: {:?}", refused.rejection),
            }
        }
        assert!(n_refused > 100, "{n_refused}");
    }
}
