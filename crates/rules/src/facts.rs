//! The facts of one comment: computed when a condition first reads them, and once.

use std::borrow::Cow;
use std::cell::OnceCell;

use stoa_proto::{AuthorRole, Sanction};

use crate::expr::node::Subject;
use crate::input::Input;
use crate::text::links::{self, Found};
use crate::text::matcher::{Hit, Hits, Matcher};
use crate::text::prepared::Prepared;
use crate::text::shape::Shape;
use crate::text::similar::Print;
use crate::text::stats::Stats;
use crate::text::via::Via;

/// Microseconds.
const SECOND: i64 = 1_000_000;

/// The facts of one comment.
pub(crate) struct Facts<'a> {
    pub(crate) input: &'a Input<'a>,
    matcher: &'a Matcher,
    own: Prepared,
    links: OnceCell<Vec<Found<'a>>>,
    shape: OnceCell<Shape<'a>>,
    print: OnceCell<Option<Print>>,
    text_hits: OnceCell<Hits>,
    name_hits: OnceCell<Hits>,
    link_hits: OnceCell<Hits>,
}

impl<'a> Facts<'a> {
    pub(crate) fn new(input: &'a Input<'a>, matcher: &'a Matcher) -> Self {
        Self {
            input,
            matcher,
            own: Prepared::default(),
            links: OnceCell::new(),
            shape: OnceCell::new(),
            print: OnceCell::new(),
            text_hits: OnceCell::new(),
            name_hits: OnceCell::new(),
            link_hits: OnceCell::new(),
        }
    }

    fn prepared(&self) -> &Prepared {
        self.input.prepared.unwrap_or(&self.own)
    }

    pub(crate) fn stats(&self) -> &Stats {
        self.prepared().stats(self.input.text)
    }

    pub(crate) fn links(&self) -> &[Found<'a>] {
        self.links
            .get_or_init(|| links::find(self.input.text, self.input.links, self.matcher))
    }

    pub(crate) fn shape(&self) -> &Shape<'a> {
        self.shape.get_or_init(|| Shape::of(self.input.text))
    }

    /// Returns the mark that texts with the same letters share.
    pub(crate) fn fingerprint(&self) -> String {
        let print = self.print.get_or_init(|| Print::of(self.input.text));
        print.map_or_else(String::new, |print| format!("{:016x}", print.exact()))
    }

    /// Returns the text of a subject that is one.
    pub(crate) fn subject(&self, subject: Subject) -> &'a str {
        match subject {
            Subject::Text => self.input.text,
            Subject::Name => self.name(),
            Subject::Links => "",
        }
    }

    /// Returns which lists a subject hits.
    pub(crate) fn hits(&self, subject: Subject) -> &Hits {
        match subject {
            Subject::Text => self.text_hits.get_or_init(|| {
                let text = self.input.text;
                self.matcher.scan_prepared(text, self.prepared())
            }),
            Subject::Name => self
                .name_hits
                .get_or_init(|| self.matcher.scan(self.name())),
            Subject::Links => self.link_hits.get_or_init(|| self.look_up_links()),
        }
    }

    /// Tells whether a subject was looked at for terms, and not to its end.
    pub(crate) fn is_cut(&self, subject: Subject) -> bool {
        let hits = match subject {
            Subject::Text => &self.text_hits,
            Subject::Name => &self.name_hits,
            Subject::Links => &self.link_hits,
        };
        hits.get().is_some_and(|hits| hits.is_cut)
    }

    /// Looks the links' hosts up; a hit's place is the link's number.
    fn look_up_links(&self) -> Hits {
        let mut hits = Hits::new(self.matcher.lists());
        for (link, number) in self.links().iter().zip(0u32..) {
            for (list, term) in self.matcher.domain(&link.host) {
                hits.add(Hit {
                    start: number,
                    end: number,
                    list,
                    term,
                    via: Via::NONE,
                });
            }
        }
        hits
    }

    pub(crate) fn name(&self) -> &'a str {
        self.input.author.display_name.unwrap_or_default()
    }

    pub(crate) fn role(&self) -> &'static str {
        match self.input.author.role {
            AuthorRole::Reader => "reader",
            AuthorRole::Staff => "staff",
            AuthorRole::Moderator => "moderator",
        }
    }

    /// Tells whether the author is under something that is meant to keep comments back.
    pub(crate) fn is_sanctioned(&self) -> bool {
        matches!(
            self.input.author.sanction,
            Some(Sanction::Premoderate | Sanction::Suspend | Sanction::Ban)
        )
    }

    pub(crate) fn language_confidence(&self) -> f64 {
        if self.input.language.is_none() || self.input.language_confidence.is_nan() {
            return 0.0;
        }
        f64::from(self.input.language_confidence)
    }

    /// Returns the time since the author's account was made or first seen.
    pub(crate) fn author_age(&self) -> i64 {
        let author = &self.input.author;
        let since = author.joined_at.into_iter().chain(author.first_seen).min();
        since.map_or(0, |since| self.input.now.saturating_sub(since).max(0))
    }

    /// Returns the time since the article was published, if the article is known.
    pub(crate) fn article_age(&self) -> Option<i64> {
        let published = self.input.article_published_at?;
        Some(self.input.now.saturating_sub(published).max(0))
    }
}

/// Counts as a 64-bit integer.
pub(crate) fn count(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Returns the lower-case form of a text, borrowed where it is already so.
pub(crate) fn lower(text: Cow<'_, str>) -> Cow<'_, str> {
    if text
        .bytes()
        .all(|b| b.is_ascii() && !b.is_ascii_uppercase())
    {
        text
    } else {
        Cow::Owned(text.to_lowercase())
    }
}

/// Returns whole seconds.
pub(crate) fn seconds(micros: i64) -> i64 {
    micros.div_euclid(SECOND)
}
