//! What a reader finds: the same for every format.

use stoa_proto::{Format, ImportedState, Time};

/// Something that was found in a file.
#[derive(Debug)]
pub(super) enum Item {
    /// An article that has comments.
    Article(Box<Article>),
    /// A comment.
    Comment(Box<Comment>),
    /// Something that is no comment and is passed over, such as a pingback.
    Skipped {
        /// Where it is in the file.
        at: String,
        /// What it is.
        why: &'static str,
    },
    /// Something that can't be taken.
    Malformed(Malformed),
}

/// An article, as far as the file tells of it.
#[derive(Debug, Default)]
pub(super) struct Article {
    /// Where it is in the file.
    pub(super) at: String,
    /// Its id, as [`article_id`] makes it.
    pub(super) id: String,
    pub(super) url: Option<String>,
    pub(super) title: String,
    pub(super) body: String,
    pub(super) format: Format,
    pub(super) published_at: Option<Time>,
    /// Whether comments could still be written.
    pub(super) open: Option<bool>,
}

/// A comment.
#[derive(Debug)]
pub(super) struct Comment {
    /// Where it is in the file.
    pub(super) at: String,
    /// Its id in the other system.
    pub(super) id: String,
    /// Its article's id.
    pub(super) article: String,
    /// The id of the comment that it answers.
    pub(super) parent: Option<String>,
    pub(super) author: Author,
    pub(super) body: String,
    pub(super) format: Format,
    pub(super) written: Option<Time>,
    pub(super) state: ImportedState,
    pub(super) score: Option<i64>,
    pub(super) url: Option<String>,
}

/// Who wrote a comment; addresses are never taken.
#[derive(Debug, Default)]
pub(super) struct Author {
    /// The account's id in the other system.
    pub(super) account: Option<String>,
    /// The name that was shown.
    pub(super) name: Option<String>,
}

/// Something that can't be taken.
#[derive(Debug)]
pub(super) struct Malformed {
    /// Where it is in the file.
    pub(super) at: String,
    /// Its id, if it could be read.
    pub(super) id: Option<String>,
    /// What is wrong.
    pub(super) message: String,
}

/// Why a file is not read any further.
#[derive(Debug)]
pub(super) enum Broken {
    /// Nobody takes what is found.
    Stopped,
    /// What comes can't be read.
    At {
        /// Where in the file.
        at: Option<String>,
        /// What is wrong.
        message: String,
    },
}

impl Broken {
    /// Something is wrong with the file as a whole.
    pub(super) fn whole(message: impl Into<String>) -> Self {
        Self::At {
            at: None,
            message: message.into(),
        }
    }

    /// Something is wrong on a line.
    pub(super) fn line(line: u64, message: impl Into<String>) -> Self {
        Self::At {
            at: Some(format!("line {line}")),
            message: message.into(),
        }
    }
}

/// Where a reader puts what it finds.
pub(super) type Take<'a> = &'a mut dyn FnMut(Item) -> Result<(), Broken>;

/// Makes an article's id of its address: host and path as a reader sees them, so that `http` and
/// `https`, a fragment, marks of campaigns and a slash at the end make no second article.
pub(crate) fn article_id(url: &str) -> String {
    let url = url.trim();
    let url = url.split('#').next().unwrap_or_default();
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let (host, path) = match path.split_once("://") {
        Some((_, rest)) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            (host.to_lowercase(), format!("/{path}"))
        }
        None => (String::new(), path.to_owned()),
    };
    let campaign = |pair: &&str| pair.starts_with("utm_") || pair.starts_with("fbclid=");
    let query: Vec<&str> = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !campaign(pair))
        .collect();
    let mut id = format!("{host}{}", path.trim_end_matches('/'));
    if !query.is_empty() {
        id.push('?');
        id.push_str(&query.join("&"));
    }
    if id.is_empty() && !url.is_empty() {
        id.push('/');
    }
    if id.len() > stoa_proto::limits::ID_BYTES {
        return stoa_proto::ids::derive("article-", &[&id]);
    }
    id
}

/// Returns text without the space around it, unless nothing is left.
pub(super) fn some(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_article_has_one_id_however_it_is_addressed() {
        for (url, id) in [
            ("https://Radio-T.com/p/2011/", "radio-t.com/p/2011"),
            ("http://radio-t.com/p/2011#c1", "radio-t.com/p/2011"),
            (
                "https://radio-t.com/p/2011?utm_source=x&a=1",
                "radio-t.com/p/2011?a=1",
            ),
            ("http://example.tld/?p=4", "example.tld?p=4"),
            ("https://example.org", "example.org"),
            ("/posts/0001/", "/posts/0001"),
            ("/", "/"),
            (" ", ""),
        ] {
            assert_eq!(article_id(url), id, "{url}");
        }
        let long = format!("https://a.example/{}", "x".repeat(300));
        assert!(article_id(&long).starts_with("article-"));
    }
}
