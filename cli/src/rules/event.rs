//! An event as a comment to judge, with nothing known of the history around it.

use stoa_proto::{Comment, Data, Event, Format, Time};
use stoa_rules::{AuthorFacts, Input, Link};

/// The time of judging an event that has none: 2026-01-01T12:00:00Z, as for examples.
const NOW: i64 = 1_767_268_800_000_000;

/// A comment out of an event.
#[derive(Debug)]
pub(super) struct Subject {
    comment: Comment,
    now: i64,
}

impl Subject {
    /// Reads an event; the error says what is wrong with it.
    pub(super) fn read(json: &[u8]) -> Result<Self, String> {
        let event = Event::from_json(json).map_err(|rejection| rejection.message)?;
        let time = event.time;
        let comment = match event.data {
            Data::CommentSubmitted(comment) | Data::CommentEdited(comment) => comment,
            other => {
                return Err(format!(
                    "an event of type `{}` has no comment to judge",
                    other.kind().as_str()
                ));
            }
        };
        let said = comment.submitted_at.as_ref().or(time.as_ref());
        let now = said.map_or(NOW, Time::micros);
        Ok(Self { comment, now })
    }

    /// Returns the comment's id.
    pub(super) fn id(&self) -> &str {
        &self.comment.comment
    }

    /// Tells whether the text is the body with its markup, because the event was never normalised.
    pub(super) fn is_raw_markup(&self) -> bool {
        self.comment.format != Format::Plain && self.comment.normalized.is_none()
    }

    /// Returns the links of the markup.
    pub(super) fn links(&self) -> Vec<Link<'_>> {
        let normalized = self.comment.normalized.as_ref();
        normalized
            .map_or(&[][..], |normalized| normalized.links.as_slice())
            .iter()
            .map(|link| Link {
                url: &link.url,
                text: link.text.as_deref(),
            })
            .collect()
    }

    /// Returns what the engine is told: what the event says, and neutral facts for the rest.
    pub(super) fn input<'a>(&'a self, links: &'a [Link<'a>]) -> Input<'a> {
        let comment = &self.comment;
        let neutral = Input::neutral(comment.text(), self.now);
        let joined = comment.author.joined_at.as_ref().map(Time::micros);
        let found = comment
            .normalized
            .as_ref()
            .and_then(|n| n.language_confidence);
        Input {
            site: &comment.site,
            article: &comment.article,
            comment: &comment.comment,
            html: comment.format != Format::Plain,
            links,
            language: comment.known_language(),
            language_confidence: match &comment.language {
                Some(_) => 1.0,
                None => found.unwrap_or_default(),
            },
            author: AuthorFacts {
                id: &comment.author.id,
                display_name: comment.author.display_name.as_deref(),
                role: comment.author.role,
                joined_at: joined.or(neutral.author.joined_at),
                first_seen: joined.or(neutral.author.first_seen),
                trusted: comment.author.role != stoa_proto::AuthorRole::Reader,
                ..neutral.author
            },
            parent: comment.parent.as_deref(),
            depth: u32::from(comment.parent.is_some()),
            revision: comment.revision,
            ..neutral
        }
    }
}
