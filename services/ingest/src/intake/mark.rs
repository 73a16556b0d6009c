//! By what an event is known when it comes again.

use stoa_proto::{Comment, Data, Event, Format};

use crate::digest::{self, Digest};
use crate::record::{Claim, ERASED, Mark};

/// Drops what only Stoa may say: a publisher's `data.normalized`.
pub(super) fn clear_normalized(event: &mut Event) {
    match &mut event.data {
        Data::CommentSubmitted(comment) | Data::CommentEdited(comment) => comment.normalized = None,
        Data::ArticlePublished(article) | Data::ArticleUpdated(article) => {
            article.normalized = None;
        }
        _ => {}
    }
}

/// Computes an event's mark, before it is normalised.
///
/// The content is type and data as JSON with sorted keys: white space, the order of keys and the
/// envelope's other attributes make no difference, and a field that a later version knows reads
/// the same as when it was unknown.
pub(super) fn of(event: &Event) -> Option<Mark> {
    let mut data = serde_json::to_value(&event.data).ok()?;
    data.sort_all_objects();
    let data = serde_json::to_vec(&data).ok()?;
    let content = digest::of(&[event.kind().as_str().as_bytes(), &data]);
    let revision = match &event.data {
        Data::CommentSubmitted(comment) | Data::CommentEdited(comment) => Some(claim(comment)),
        Data::CommentErased(_) if event.is_order() => about(event).map(|comment| Claim {
            comment,
            revision: ERASED,
            content,
        }),
        _ => None,
    };
    Some(Mark {
        key: digest::of(&[event.source.as_bytes(), event.id.as_bytes()]),
        content,
        revision,
    })
}

/// Returns the digest of the comment whose words an event may hold.
pub(super) fn worded(event: &Event) -> Option<Digest> {
    let is_worded = matches!(
        event.data,
        Data::CommentSubmitted(_)
            | Data::CommentEdited(_)
            | Data::CommentReported(_)
            | Data::DecisionAppealed(_)
    );
    is_worded.then(|| about(event)).flatten()
}

/// Returns the digest of the comment that an event is about.
fn about(event: &Event) -> Option<Digest> {
    let comment = event.comment()?;
    Some(digest::of(&[event.site().as_bytes(), comment.as_bytes()]))
}

/// What a comment's revision claims. Its score, its author's name and its dates are no part of
/// it: they may have changed when a platform sends the same words again. What another system had
/// decided is: an import that knows it otherwise must not pass for a repeat.
fn claim(comment: &Comment) -> Claim {
    let format: &[u8] = match comment.format {
        Format::Plain => b"plain",
        Format::Html => b"html",
        Format::Markdown => b"markdown",
    };
    let mut content = vec![
        comment.article.as_bytes(),
        comment.parent.as_deref().unwrap_or_default().as_bytes(),
        comment.author.id.as_bytes(),
        format,
        comment.body.as_bytes(),
    ];
    if let Some(imported) = &comment.imported {
        content.push(imported.state.as_str().as_bytes());
    }
    Claim {
        comment: digest::of(&[comment.site.as_bytes(), comment.comment.as_bytes()]),
        revision: comment.revision,
        content: digest::of(&content),
    }
}
