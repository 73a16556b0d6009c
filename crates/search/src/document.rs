//! What is put into the index.

/// Between the parts of a key; ids have no control characters.
const SEPARATOR: char = '\u{1}';

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A comment.
    Comment,
    /// An article.
    Article,
}

impl Kind {
    /// Returns the name that filters and answers use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Comment => "comment",
            Self::Article => "article",
        }
    }
}

/// Whose words a document has.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The site.
    pub site: String,
    /// The article.
    pub article: String,
    /// The comment; `None` for the article itself.
    pub comment: Option<String>,
}

impl Key {
    /// Returns what the document is.
    pub fn kind(&self) -> Kind {
        match self.comment {
            Some(_) => Kind::Comment,
            None => Kind::Article,
        }
    }

    /// Writes the key as one term.
    pub(crate) fn to_term(&self) -> String {
        let mut term = format!("{}{SEPARATOR}{}", self.site, self.article);
        if let Some(comment) = &self.comment {
            term.push(SEPARATOR);
            term.push_str(comment);
        }
        term
    }

    /// Reads what [`Key::to_term`] wrote.
    pub(crate) fn from_term(term: &str) -> Option<Self> {
        let mut parts = term.splitn(3, SEPARATOR).map(str::to_owned);
        Some(Self {
            site: parts.next()?,
            article: parts.next()?,
            comment: parts.next(),
        })
    }
}

/// Words, and what they can be filtered by.
#[derive(Clone, Debug)]
pub struct Document {
    /// Whose they are; a document replaces the one with the same key.
    pub key: Key,
    /// The record that has the words: it parts documents that are equal otherwise.
    pub seq: u64,
    /// By when it is sorted, in microseconds since 1970.
    pub at: i64,
    /// The author's id.
    pub author: Option<String>,
    /// The labels of the decision that stands.
    pub labels: Vec<String>,
    /// The verdict of the decision that stands.
    pub verdict: Option<&'static str>,
    /// What the document is now.
    pub status: &'static str,
    /// The language's tag.
    pub language: Option<String>,
    /// The words; phrases don't reach from one text into the next.
    pub texts: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_were_written() {
        for comment in [None, Some("c-1".to_owned())] {
            let key = Key {
                site: "courrier".to_owned(),
                article: "a 1".to_owned(),
                comment,
            };
            assert_eq!(Key::from_term(&key.to_term()), Some(key));
        }
    }
}
