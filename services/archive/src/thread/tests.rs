use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;

/// Draws the tree, one line a place: indented by depth, `?` before a placeholder, problem after.
fn draw(nodes: &[Node<'_>]) -> Vec<String> {
    nodes
        .iter()
        .map(|node| {
            format!(
                "{}{}{}{}",
                " ".repeat(node.depth),
                if node.entry.is_none() { "?" } else { "" },
                node.id,
                node.problem
                    .map(|p| format!(" !{}", p.as_str()))
                    .unwrap_or_default(),
            )
        })
        .collect()
}

/// Checks the tree of `id<parent@time` entries.
fn check(entries: &[(&str, Option<&str>, i64)], expected: &[&str]) {
    let entries: Vec<Entry<'_>> = entries
        .iter()
        .map(|(id, parent, at)| Entry {
            id,
            parent: *parent,
            at: *at,
        })
        .collect();
    assert_eq!(
        draw(&arrange(&entries, |id| id.starts_with("other"))),
        expected
    );
    let reversed: Vec<Entry<'_>> = entries.iter().rev().copied().collect();
    assert_eq!(
        draw(&arrange(&reversed, |id| id.starts_with("other"))),
        expected
    );
}

#[test]
fn trees() {
    check(&[], &[]);
    check(
        &[("b", None, 2), ("a", None, 1), ("c", Some("a"), 3)],
        &["a", " c", "b"],
    );
    check(&[("b", None, 1), ("a", None, 1)], &["a", "b"]);
    // Equal times: the id decides. An earlier reply does not move its parent.
    check(
        &[("a", None, 5), ("b", Some("a"), 1), ("c", None, 4)],
        &["c", "a", " b"],
    );
    // The parent was never captured: it has the time of its earliest reply.
    check(
        &[
            ("a", None, 1),
            ("b", Some("x"), 3),
            ("c", Some("x"), 2),
            ("d", None, 9),
        ],
        &["a", "?x", " c", " b", "d"],
    );
    check(
        &[("a", Some("a"), 1), ("b", Some("a"), 2)],
        &["a !self", " b"],
    );
    check(
        &[("a", Some("b"), 2), ("b", Some("a"), 1)],
        &["b !loop", " a"],
    );
    check(
        &[
            ("a", Some("c"), 3),
            ("b", Some("a"), 4),
            ("c", Some("b"), 5),
            ("d", Some("b"), 6),
        ],
        &["a !loop", " b", "  c", "  d"],
    );
    check(
        &[("a", Some("other"), 1), ("b", Some("a"), 2)],
        &["a !other_article", " b"],
    );
}

#[test]
fn a_parent_that_comes_late_adopts_its_replies() {
    check(
        &[("r1", Some("p"), 5), ("r2", Some("p"), 6)],
        &["?p", " r1", " r2"],
    );
    check(
        &[
            ("r1", Some("p"), 5),
            ("r2", Some("p"), 6),
            ("p", Some("g"), 4),
        ],
        &["?g", " p", "  r1", "  r2"],
    );
}

#[test]
fn a_chain_of_100_000() {
    let ids: Vec<String> = (0..100_000).map(|n| format!("c{n}")).collect();
    let mut entries: Vec<Entry<'_>> = ids
        .iter()
        .enumerate()
        .map(|(n, id)| Entry {
            id,
            parent: n.checked_sub(1).map(|p| ids[p].as_str()),
            at: 0,
        })
        .collect();
    let nodes = arrange(&entries, |_| false);
    assert_eq!(nodes.len(), 100_000);
    assert!(
        nodes
            .iter()
            .enumerate()
            .all(|(n, node)| node.depth == n && node.id == ids[n])
    );
    // The same as one loop, and without its first comment.
    entries[0].parent = Some(&ids[99_999]);
    assert_eq!(arrange(&entries, |_| false).last().unwrap().depth, 99_999);
    let nodes = arrange(&entries[1..], |_| false);
    assert_eq!((nodes[0].id, nodes[0].entry), ("c0", None));
    assert_eq!(nodes.last().unwrap().depth, 99_999);
}

/// Comments whose parents are anything: each other, themselves, missing, in another article.
fn comments() -> impl Strategy<Value = Vec<(String, Option<String>, i64)>> {
    let parent = proptest::option::of(0_u8..40);
    proptest::collection::vec((parent, 0_i64..5), 0..30).prop_map(|drawn| {
        drawn
            .into_iter()
            .enumerate()
            .map(|(n, (parent, at))| {
                let parent = parent.map(|p| {
                    if p < 33 {
                        format!("c{p}")
                    } else {
                        format!("other{p}")
                    }
                });
                (format!("c{n}"), parent, at)
            })
            .collect()
    })
}

fn entries(comments: &[(String, Option<String>, i64)]) -> Vec<Entry<'_>> {
    comments
        .iter()
        .map(|(id, parent, at)| Entry {
            id,
            parent: parent.as_deref(),
            at: *at,
        })
        .collect()
}

proptest! {
    #[test]
    fn the_order_of_arrival_does_not_matter(
        (sorted, shuffled) in comments().prop_flat_map(|c| (Just(c.clone()), Just(c).prop_shuffle()))
    ) {
        let elsewhere = |id: &str| id.starts_with("other");
        prop_assert_eq!(
            draw(&arrange(&entries(&sorted), elsewhere)),
            draw(&arrange(&entries(&shuffled), elsewhere))
        );
    }

    #[test]
    fn everything_is_there_once_and_below_its_parent(comments in comments()) {
        let entries = entries(&comments);
        let nodes = arrange(&entries, |id| id.starts_with("other"));
        let captured: Vec<usize> = nodes.iter().filter_map(|node| node.entry).collect();
        let unique: HashSet<usize> = captured.iter().copied().collect();
        prop_assert_eq!(captured.len(), entries.len());
        prop_assert_eq!(unique.len(), entries.len());
        let places: HashMap<&str, usize> =
            nodes.iter().enumerate().map(|(place, node)| (node.id, place)).collect();
        prop_assert_eq!(places.len(), nodes.len());
        for (place, node) in nodes.iter().enumerate() {
            let declared = node.entry.and_then(|entry| entries[entry].parent);
            if let Some(above) = node.above {
                prop_assert!(above < place);
                prop_assert_eq!(nodes[above].depth + 1, node.depth);
                prop_assert_eq!(declared, Some(nodes[above].id));
            } else {
                prop_assert_eq!(node.depth, 0);
                prop_assert_eq!(declared.is_some(), node.problem.is_some());
            }
        }
    }
}
