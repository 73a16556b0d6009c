//! Events of what was found. Their ids depend on the file alone, so that a second import is a repeat.
//!
//! What grows with the file: eight bytes for each article, and sixteen for each comment up to
//! [`KNOWN`], so that an answer to a comment that is in none of the files can be told, and an id that
//! stands for two comments.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};

use bytes::Bytes;
use serde::Serialize;
use stoa_proto::codec::{self, Message};
use stoa_proto::{self as proto, CommentPolicy, Data, Event, Imported, ids};

use super::Format;
use super::item::{Article, Author, Comment, Item};
use super::report::{Entry, Problem, What};

/// Comments that are remembered: with them all, the table takes 68 MiB.
const KNOWN: usize = 1 << 21;
/// The article of comments in files before this one, whose ids tell nothing of those here.
const BEFORE: u64 = 0;
/// Answers that wait for the comment that they answer. Tests get there sooner.
const WAITING: usize = if cfg!(test) { 16 } else { 1 << 16 };

/// What is to be reported, and the event to be sent, if there is one.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) entry: Entry,
    pub(super) body: Option<Bytes>,
}

/// An answer to a comment that did not come.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Answer {
    /// Where it is.
    pub(super) at: String,
    /// Its id.
    pub(super) id: String,
    /// The id of the comment that it answers.
    pub(super) parent: String,
}

/// Makes events.
#[derive(Debug)]
pub(super) struct Maker {
    format: Format,
    site: String,
    source: String,
    with_articles: bool,
    /// The file, where there are more than one.
    file: Option<String>,
    articles: HashSet<u64>,
    /// The comments, by the hash of their id, with that of their article.
    comments: HashMap<u64, u64>,
    /// The comments, with their article, whose id another article's had before them in the file.
    renamed: HashSet<u64>,
    waiting: Vec<(u64, Answer)>,
    /// How many comments had come when those that wait were last looked at.
    looked_at: usize,
    unchecked: u64,
    hasher: RandomState,
}

impl Maker {
    pub(super) fn new(
        format: Format,
        site: &str,
        source: Option<&str>,
        with_articles: bool,
    ) -> Self {
        let source = source.map_or_else(
            || format!("urn:stoa:import:{}", format.as_str()),
            str::to_owned,
        );
        Self {
            format,
            site: site.to_owned(),
            source,
            with_articles,
            file: None,
            articles: HashSet::new(),
            comments: HashMap::new(),
            renamed: HashSet::new(),
            waiting: Vec::new(),
            looked_at: 0,
            unchecked: 0,
            hasher: RandomState::new(),
        }
    }

    /// Says in which file what comes is, if that needs to be told.
    pub(super) fn file(&mut self, name: Option<String>) {
        self.file = name;
        self.renamed.clear();
        self.comments
            .values_mut()
            .for_each(|article| *article = BEFORE);
    }

    /// Makes what is to be reported and sent; nothing of an article that came before.
    pub(super) fn make(&mut self, item: Item) -> Option<Job> {
        match item {
            Item::Article(article) => self.article(*article),
            Item::Comment(comment) => Some(self.comment(*comment)),
            Item::Skipped { at, why } => {
                let entry = Entry::new(What::Skipped, self.place(at), None);
                let problem = Some(Problem::of(why, None, String::new()));
                Some(Job {
                    entry: Entry { problem, ..entry },
                    body: None,
                })
            }
            Item::Malformed(malformed) => {
                let entry = Entry::new(What::Malformed, self.place(malformed.at), malformed.id);
                let problem = Some(Problem::of("malformed", None, malformed.message));
                Some(Job {
                    entry: Entry { problem, ..entry },
                    body: None,
                })
            }
        }
    }

    /// Returns the answers whose comment never came, and of how many that is not known.
    pub(super) fn orphans(mut self) -> (Vec<Answer>, u64) {
        self.waiting
            .retain(|(parent, _)| !self.comments.contains_key(parent));
        let orphans = self.waiting.into_iter().map(|(_, answer)| answer);
        (orphans.collect(), self.unchecked)
    }

    fn article(&mut self, article: Article) -> Option<Job> {
        let new = self.articles.insert(self.hasher.hash_one(&article.id));
        if !new || !self.with_articles {
            return None;
        }
        let policy = CommentPolicy {
            open: article.open,
            ..CommentPolicy::default()
        };
        let data = Data::ArticlePublished(proto::Article {
            site: self.site.clone(),
            article: article.id.clone(),
            url: article.url,
            title: article.title,
            body: article.body,
            format: article.format,
            published_at: article.published_at,
            comments: article.open.map(|_| policy),
            ..proto::Article::default()
        });
        let entry = Entry::new(What::Article, self.place(article.at), Some(article.id));
        Some(self.event(entry, data, None))
    }

    fn comment(&mut self, comment: Comment) -> Job {
        let at = self.place(comment.at);
        let article = &comment.article;
        let id = self.new_id(&comment.id, article);
        let parent = comment.parent.map(|parent| self.id(&parent, article));
        self.note(&at, &id, parent.as_deref());
        let undated = comment.written.is_none();
        let data = Data::CommentSubmitted(proto::Comment {
            site: self.site.clone(),
            article: comment.article,
            comment: id.clone(),
            parent,
            revision: 1,
            author: self.author(comment.author),
            body: comment.body,
            format: comment.format,
            submitted_at: comment.written.clone(),
            score: comment.score,
            url: comment.url,
            imported: Some(Imported {
                from: self.format.as_str().to_owned(),
                state: comment.state,
                extra: proto::data::Extra::new(),
            }),
            ..proto::Comment::default()
        });
        let entry = Entry {
            undated,
            ..Entry::new(What::Comment(comment.state), at, Some(id))
        };
        self.event(entry, data, comment.written)
    }

    /// Names a comment that comes: another one than that of another article that has the same id.
    fn new_id(&mut self, id: &str, article: &str) -> String {
        let of = self.hasher.hash_one(article);
        let known = self.comments.get(&self.hasher.hash_one(self.plain(id)));
        if known.is_some_and(|known| *known != of && *known != BEFORE) {
            self.renamed.insert(self.hasher.hash_one((id, article)));
        }
        let id = self.id(id, article);
        if self.comments.len() < KNOWN {
            self.comments.entry(self.hasher.hash_one(&id)).or_insert(of);
        }
        id
    }

    /// Names a comment of an article.
    fn id(&self, id: &str, article: &str) -> String {
        let plain = self.plain(id);
        if self.renamed.contains(&self.hasher.hash_one((id, article))) {
            ids::derive(&format!("{plain}-"), &[article])
        } else {
            plain
        }
    }

    /// Says of which system an id is: there they are often numbers.
    fn plain(&self, id: &str) -> String {
        format!("{}-{id}", self.format.as_str())
    }

    fn author(&self, author: Author) -> proto::Author {
        let format = self.format.as_str();
        let id = match (author.account, &author.name) {
            (Some(account), _) => format!("{format}-{account}"),
            // The id must not tell the name once that is forgotten.
            (None, Some(name)) => ids::derive(&format!("{format}-guest-"), &[&self.site, name]),
            (None, None) => format!("{format}-unknown"),
        };
        proto::Author {
            id,
            display_name: author.name,
            ..proto::Author::default()
        }
    }

    /// Looks whether the comment that another one answers came.
    fn note(&mut self, at: &str, id: &str, parent: Option<&str>) {
        let Some(parent) = parent else { return };
        let key = self.hasher.hash_one(parent);
        if self.comments.contains_key(&key) {
            return;
        }
        // A look at all of them is worth it once as many comments have come since the last.
        let since = self.comments.len().saturating_sub(self.looked_at);
        if self.waiting.len() >= WAITING && since >= WAITING {
            self.looked_at = self.comments.len();
            self.waiting
                .retain(|(parent, _)| !self.comments.contains_key(parent));
        }
        if self.waiting.len() >= WAITING || self.comments.len() >= KNOWN {
            self.unchecked += 1;
            return;
        }
        let answer = Answer {
            at: at.to_owned(),
            id: id.to_owned(),
            parent: parent.to_owned(),
        };
        self.waiting.push((key, answer));
    }

    fn place(&self, at: String) -> String {
        match &self.file {
            Some(file) => format!("{file}, {at}"),
            None => at,
        }
    }

    /// Makes the event, and judges it as ingest will, as far as that can be told from it alone.
    fn event(&self, entry: Entry, data: Data, time: Option<proto::Time>) -> Job {
        let mut event = Event::new("", self.source.as_str(), data);
        event.subject.clone_from(&entry.id);
        event.time = time;
        let text = event.to_json();
        let text = String::from_utf8_lossy(&text);
        event.id = ids::derive(&format!("{}-", self.format.as_str()), &[&text]);
        let body = event.to_json();
        let message = Message {
            content_type: Some(codec::STRUCTURED.to_owned()),
            body: body.clone(),
            ..Message::default()
        };
        match codec::decode(&message).pop() {
            Some(Err(refused)) => {
                let rejection = refused.rejection;
                let code = rejection.code.as_str();
                Job {
                    entry: Entry {
                        what: What::Malformed,
                        problem: Some(Problem::of(code, rejection.field, rejection.message)),
                        ..entry
                    },
                    body: None,
                }
            }
            _ => Job {
                entry,
                body: Some(body),
            },
        }
    }
}
