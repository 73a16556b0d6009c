//! Threading: puts the comments of one thread in tree order, whatever order they arrived in.
//!
//! A pure function of the set of comments, so arrival order can't matter:
//!
//! - a parent that was never captured is a placeholder at top level, and adopts its replies;
//! - a comment that names itself, or a parent in another article, stands at top level and is marked;
//! - in a loop of parents the earliest comment is cut loose and marked, the others stay below it;
//! - siblings are sorted by time and then id; a placeholder has the time of its earliest reply.
//!
//! Nothing recurses, so a chain may be of any length; the cost is that of sorting.

use std::collections::HashMap;

/// What threading needs to know of a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    /// The comment's id, unique among the entries.
    pub(crate) id: &'a str,
    /// The parent that it names.
    pub(crate) parent: Option<&'a str>,
    /// When it was written, in microseconds since 1970.
    pub(crate) at: i64,
}

/// Why a comment does not hang under the parent that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParentProblem {
    /// It names itself.
    Itself,
    /// Its ancestors lead back to it.
    Loop,
    /// The parent belongs to another article.
    OtherArticle,
}

impl ParentProblem {
    /// Returns the name that answers use.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Itself => "self",
            Self::Loop => "loop",
            Self::OtherArticle => "other_article",
        }
    }
}

/// A place in a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Node<'a> {
    /// The comment's id; that of the missing parent for a placeholder.
    pub(crate) id: &'a str,
    /// The comment among the entries; `None` for a placeholder.
    pub(crate) entry: Option<usize>,
    /// The place of the parent in the answer.
    pub(crate) above: Option<usize>,
    /// The number of ancestors.
    pub(crate) depth: usize,
    /// Why it stands at top level although it names a parent.
    pub(crate) problem: Option<ParentProblem>,
}

/// A comment or a placeholder while the tree is built.
struct Item<'a> {
    id: &'a str,
    at: i64,
    entry: Option<usize>,
    parent: Option<usize>,
    problem: Option<ParentProblem>,
}

/// Arranges the comments of a thread in tree order: each after its parent, siblings by time.
///
/// `elsewhere` tells whether a comment that is not among the entries is in another article.
pub(crate) fn arrange<'a>(
    entries: &[Entry<'a>],
    elsewhere: impl FnMut(&str) -> bool,
) -> Vec<Node<'a>> {
    let mut items = link(entries, elsewhere);
    cut_loops(&mut items);
    walk(&items)
}

/// Finds each comment's parent, and makes a placeholder for each that is missing.
fn link<'a>(entries: &[Entry<'a>], mut elsewhere: impl FnMut(&str) -> bool) -> Vec<Item<'a>> {
    let places: HashMap<&str, usize> = entries
        .iter()
        .enumerate()
        .map(|(place, entry)| (entry.id, place))
        .collect();
    let mut missing: HashMap<&str, Option<usize>> = HashMap::new();
    let mut items: Vec<Item<'a>> = Vec::with_capacity(entries.len());
    let mut placeholders: Vec<Item<'a>> = Vec::new();
    for (place, entry) in entries.iter().enumerate() {
        let mut item = Item {
            id: entry.id,
            at: entry.at,
            entry: Some(place),
            parent: None,
            problem: None,
        };
        match entry.parent {
            None => {}
            Some(parent) if parent == entry.id => item.problem = Some(ParentProblem::Itself),
            Some(parent) => {
                item.parent = places.get(parent).copied().or_else(|| {
                    *missing.entry(parent).or_insert_with(|| {
                        (!elsewhere(parent)).then(|| {
                            placeholders.push(Item {
                                id: parent,
                                at: i64::MAX,
                                entry: None,
                                parent: None,
                                problem: None,
                            });
                            entries.len() + placeholders.len() - 1
                        })
                    })
                });
                if item.parent.is_none() {
                    item.problem = Some(ParentProblem::OtherArticle);
                }
                let placeholder = item
                    .parent
                    .and_then(|parent| parent.checked_sub(entries.len()));
                if let Some(ghost) = placeholder.and_then(|index| placeholders.get_mut(index)) {
                    ghost.at = ghost.at.min(entry.at);
                }
            }
        }
        items.push(item);
    }
    items.append(&mut placeholders);
    items
}

/// Cuts each loop of parents at its earliest comment.
fn cut_loops(items: &mut [Item<'_>]) {
    // 0 for a comment that was not visited, else the number of the walk that did.
    let mut visited = vec![0_usize; items.len()];
    for start in 0..items.len() {
        let walk = start + 1;
        let mut at = Some(start);
        while let Some(place) = at {
            match visited.get_mut(place) {
                Some(mark) if *mark == 0 => *mark = walk,
                Some(mark) if *mark == walk => {
                    cut_loop(items, place);
                    break;
                }
                _ => break,
            }
            at = items.get(place).and_then(|item| item.parent);
        }
    }
}

/// Cuts the loop that a comment is on.
fn cut_loop(items: &mut [Item<'_>], start: usize) {
    let mut earliest = start;
    let mut at = start;
    while let Some(next) = items
        .get(at)
        .and_then(|item| item.parent)
        .filter(|next| *next != start)
    {
        at = next;
        let rank = |place: usize| items.get(place).map(|item| (item.at, item.id));
        if rank(at) < rank(earliest) {
            earliest = at;
        }
    }
    if let Some(item) = items.get_mut(earliest) {
        item.parent = None;
        item.problem = Some(ParentProblem::Loop);
    }
}

/// Lists the trees, parents before their replies.
fn walk<'a>(items: &[Item<'a>]) -> Vec<Node<'a>> {
    let mut order: Vec<usize> = (0..items.len()).collect();
    // Latest first, so that the earliest is on top of the stack.
    order.sort_unstable_by_key(|place| {
        std::cmp::Reverse(items.get(*place).map(|item| (item.at, item.id)))
    });
    let mut replies: Vec<Vec<usize>> = vec![Vec::new(); items.len()];
    let mut stack: Vec<(usize, Option<usize>, usize)> = Vec::new();
    for place in order {
        match items.get(place).and_then(|item| item.parent) {
            None => stack.push((place, None, 0)),
            Some(parent) => {
                if let Some(siblings) = replies.get_mut(parent) {
                    siblings.push(place);
                }
            }
        }
    }
    let mut nodes = Vec::with_capacity(items.len());
    while let Some((place, above, depth)) = stack.pop() {
        let Some(item) = items.get(place) else {
            continue;
        };
        let here = nodes.len();
        nodes.push(Node {
            id: item.id,
            entry: item.entry,
            above,
            depth,
            problem: item.problem,
        });
        for reply in replies.get(place).into_iter().flatten() {
            stack.push((*reply, Some(here), depth + 1));
        }
    }
    nodes
}

#[cfg(test)]
mod tests;
