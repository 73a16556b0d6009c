//! The nested shape of a page: each entry with its replies in `children`.

use crate::read::thread::Item;

/// How deep entries nest; what is deeper follows flat at this depth.
pub(crate) const DEEPEST: usize = 64;

/// Nests a page that is in tree order.
pub(crate) fn nest(items: Vec<Item>) -> Vec<Item> {
    let mut roots = Vec::new();
    // The entries from the root to the last one, each with its level.
    let mut open: Vec<(usize, Item)> = Vec::new();
    for mut item in items {
        let level = item.depth.min(DEEPEST);
        close(&mut open, &mut roots, level);
        item.children = Some(Vec::new());
        open.push((level, item));
    }
    close(&mut open, &mut roots, 0);
    roots
}

/// Moves entries at a level or deeper to their parents.
fn close(open: &mut Vec<(usize, Item)>, roots: &mut Vec<Item>, level: usize) {
    while let Some((_, item)) = open.pop_if(|(last, _)| *last >= level) {
        let children = open
            .last_mut()
            .and_then(|(_, parent)| parent.children.as_mut());
        children.unwrap_or(roots).push(item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(depth: usize) -> Item {
        Item {
            comment: format!("c{depth}"),
            parent: None,
            depth,
            status: "approved",
            ghost: false,
            parent_problem: None,
            shown: None,
            children: None,
        }
    }

    /// Draws nested entries: `id(children)`.
    fn draw(items: &[Item]) -> String {
        let one = |item: &Item| {
            let children = draw(item.children.as_ref().unwrap());
            format!("{}({children})", item.comment)
        };
        items.iter().map(one).collect()
    }

    #[test]
    fn shapes() {
        for (depths, expected) in [
            (&[][..], ""),
            (&[0, 1, 2, 1, 0], "c0(c1(c2())c1())c0()"),
            // A page that begins within a branch.
            (&[2, 3, 1, 0], "c2(c3())c1()c0()"),
        ] {
            let items: Vec<Item> = depths.iter().map(|depth| item(*depth)).collect();
            assert_eq!(draw(&nest(items)), expected);
        }
    }

    #[test]
    fn what_is_deeper_than_the_limit_follows_flat() {
        let nested = nest((0..100).map(item).collect());
        let mut at = &nested[0];
        for _ in 1..DEEPEST {
            let children = at.children.as_ref().unwrap();
            assert_eq!(children.len(), 1);
            at = &children[0];
        }
        assert_eq!(at.comment, "c63");
        let children = at.children.as_ref().unwrap();
        assert_eq!(children.len(), 36);
        assert_eq!(children[35].comment, "c99");
    }
}
