//! The index as a whole, in a folder.

mod faults;
mod forget;
mod pages;
mod queries;

use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

/// A folder, and the index in it.
struct Fixture {
    dir: TempDir,
}

impl Fixture {
    fn new() -> Self {
        Self {
            dir: TempDir::new().unwrap(),
        }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("search")
    }

    fn open(&self) -> Opened {
        self.open_before(u64::MAX)
    }

    fn open_before(&self, next: u64) -> Opened {
        let memory = MIN_MEMORY;
        open(
            &self.path(),
            Options {
                threads: 1,
                memory,
                next,
            },
        )
        .unwrap()
    }
}

/// A comment of the site `s` and the article `a`, whose number is in its id and its time.
fn comment(n: u64, text: &str) -> Document {
    Document {
        key: key(&format!("c-{n}")),
        seq: n,
        at: i64::try_from(n).unwrap(),
        author: Some("u-1".to_owned()),
        labels: Vec::new(),
        verdict: None,
        status: "approved",
        language: None,
        texts: vec![text.to_owned()],
    }
}

fn key(comment: &str) -> Key {
    Key {
        site: "s".to_owned(),
        article: "a".to_owned(),
        comment: Some(comment.to_owned()),
    }
}

fn in_language(n: u64, language: &str, text: &str) -> Document {
    Document {
        language: Some(language.to_owned()),
        ..comment(n, text)
    }
}

/// Puts documents and commits them.
fn put(opened: &mut Opened, documents: &[Document]) {
    for document in documents {
        opened.writer.put(document).unwrap();
    }
    let applied = opened.writer.applied() + documents.len() as u64;
    opened.writer.commit(applied).unwrap();
    opened.searcher.reload().unwrap();
}

/// Finds comments, the oldest first.
fn find(opened: &Opened, text: &str, filters: &Filters) -> Vec<String> {
    let page = Page {
        order: Order::Oldest,
        after: None,
        limit: 100,
    };
    let query = Query::parse(text).unwrap();
    let hits = opened
        .searcher
        .search(text, &query, filters, &page)
        .unwrap();
    assert_eq!(hits.total, hits.hits.len() as u64);
    let keys = hits.hits.into_iter().map(|hit| hit.key);
    keys.map(|key| key.comment.unwrap_or(key.article)).collect()
}
