//! Which events of a batch can be judged at the same time.
//!
//! An event is judged with everything that came before it about its comment, its author, its
//! parent and its article. Events that touch none of the same things give the same results in any
//! order, so they share a wave; an event that needs another one is in a later wave.
//! What depends on things that it does not name has a wave to itself.

use std::collections::HashMap;
use std::ops::Deref;

use stoa_proto::{Data, Event};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Thing<'e> {
    Comment(&'e str, &'e str),
    Author(&'e str, &'e str),
    Article(&'e str, &'e str),
}

/// What an event reads, and what it changes (and reads).
fn touched(event: &Event) -> (Vec<Thing<'_>>, Vec<Thing<'_>>) {
    let site = event.site();
    let mut reads = Vec::new();
    let mut writes = Vec::new();
    writes.extend(event.comment().map(|id| Thing::Comment(site, id)));
    match &event.data {
        Data::CommentSubmitted(comment) | Data::CommentEdited(comment) => {
            writes.push(Thing::Author(site, &comment.author.id));
            reads.push(Thing::Article(site, &comment.article));
            reads.extend(comment.parent.as_deref().map(|id| Thing::Comment(site, id)));
        }
        Data::ArticlePublished(article) | Data::ArticleUpdated(article) => {
            writes.push(Thing::Article(site, &article.article));
        }
        Data::AuthorSanctioned(sanctioned) => {
            writes.push(Thing::Author(site, &sanctioned.author));
        }
        Data::ArticleRemoved(article) => writes.push(Thing::Article(site, &article.article)),
        _ => {}
    }
    (reads, writes)
}

/// Returns the indices of the events, by wave; each wave in the events' order. Those that are
/// `alone` come after everything before them, and before everything after them.
pub(crate) fn waves<E: Deref<Target = Event>>(
    events: &[E],
    alone: impl Fn(&E) -> bool,
) -> Vec<Vec<usize>> {
    // For each thing the first wave in which it may be read, and the first in which it may be
    // changed.
    let mut free: HashMap<Thing<'_>, (usize, usize)> = HashMap::new();
    let mut waves: Vec<Vec<usize>> = Vec::new();
    // The first wave behind the last event that is alone.
    let mut floor = 0;
    for (index, event) in events.iter().enumerate() {
        if alone(event) {
            waves.push(vec![index]);
            floor = waves.len();
            continue;
        }
        let (reads, writes) = touched(event);
        let at = |thing: &Thing<'_>| free.get(thing).copied().unwrap_or_default();
        let wave = reads
            .iter()
            .map(|thing| at(thing).0)
            .chain(writes.iter().map(|thing| at(thing).1))
            .max()
            .unwrap_or_default()
            .max(floor);
        for thing in reads {
            let entry = free.entry(thing).or_default();
            entry.1 = entry.1.max(wave + 1);
        }
        for thing in writes {
            free.insert(thing, (wave + 1, wave + 1));
        }
        while waves.len() <= wave {
            waves.push(Vec::new());
        }
        if let Some(wave) = waves.get_mut(wave) {
            wave.push(index);
        }
    }
    waves
}

#[cfg(test)]
mod tests {
    use stoa_proto::{Article, Author, Comment};

    use super::*;

    fn comment(id: &str, author: &str, parent: Option<&str>) -> Event {
        let comment = Comment {
            site: "s".into(),
            article: "a".into(),
            comment: id.into(),
            parent: parent.map(str::to_owned),
            author: Author {
                id: author.into(),
                ..Author::default()
            },
            ..Comment::default()
        };
        Event::new(id, "x", Data::CommentSubmitted(comment))
    }

    fn article() -> Event {
        let article = Article {
            site: "s".into(),
            article: "a".into(),
            ..Article::default()
        };
        Event::new("a", "x", Data::ArticleUpdated(article))
    }

    #[test]
    fn what_depends_comes_later_and_the_rest_at_once() {
        let events = [
            comment("1", "u1", None),
            comment("2", "u2", None),
            comment("3", "u1", None),
            comment("4", "u4", Some("3")),
            article(),
            comment("5", "u5", None),
            comment("2", "u2", None),
        ];
        let expected: Vec<Vec<usize>> = vec![vec![0, 1], vec![2], vec![3], vec![4], vec![5, 6]];
        let events = events.map(stoa_proto::Received::from);
        assert_eq!(waves(&events, |_| false), expected);
        // The article alone.
        let expected: Vec<Vec<usize>> = vec![vec![0, 1], vec![2], vec![3], vec![4], vec![5, 6]];
        let alone = |event: &stoa_proto::Received| event.id == "a";
        assert_eq!(waves(&events, alone), expected);
        let moved = [
            events[4].clone(),
            events[0].clone(),
            events[5].clone(),
            events[4].clone(),
        ];
        let expected: Vec<Vec<usize>> = vec![vec![0], vec![1, 2], vec![3]];
        assert_eq!(waves(&moved, alone), expected);
    }
}
