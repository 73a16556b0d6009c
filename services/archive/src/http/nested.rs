//! The nested shape of a page: each entry with its replies in `children`.

use serde_json::Value;

use crate::read::thread::Item;

/// How deep entries nest; what is deeper follows flat at this depth.
pub(crate) const DEEPEST: usize = 64;

/// Nests a page that is in tree order.
pub(crate) fn nest(items: &[Item]) -> Result<Vec<Value>, serde_json::Error> {
    let mut roots = Vec::new();
    // The entries from the root to the last one, each with its level.
    let mut open: Vec<(usize, Value)> = Vec::new();
    for item in items {
        let level = item.depth.min(DEEPEST);
        close(&mut open, &mut roots, level);
        let mut value = serde_json::to_value(item)?;
        if let Value::Object(fields) = &mut value {
            fields.insert("children".to_owned(), Value::Array(Vec::new()));
        }
        open.push((level, value));
    }
    close(&mut open, &mut roots, 0);
    Ok(roots)
}

/// Moves entries at a level or deeper to their parents.
fn close(open: &mut Vec<(usize, Value)>, roots: &mut Vec<Value>, level: usize) {
    while let Some((_, value)) = open.pop_if(|(last, _)| *last >= level) {
        let parent = open
            .last_mut()
            .and_then(|(_, parent)| parent.get_mut("children"));
        match parent.and_then(Value::as_array_mut) {
            Some(children) => children.push(value),
            None => roots.push(value),
        }
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
        }
    }

    /// Draws nested entries: `id(children)`.
    fn draw(values: &[Value]) -> String {
        let one = |value: &Value| {
            let children = draw(value["children"].as_array().unwrap());
            format!("{}({children})", value["comment"].as_str().unwrap())
        };
        values.iter().map(one).collect()
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
            assert_eq!(draw(&nest(&items).unwrap()), expected);
        }
    }

    #[test]
    fn what_is_deeper_than_the_limit_follows_flat() {
        let items: Vec<Item> = (0..100).map(item).collect();
        let nested = nest(&items).unwrap();
        let mut at = &nested[0];
        for _ in 1..DEEPEST {
            assert_eq!(at["children"].as_array().unwrap().len(), 1);
            at = &at["children"][0];
        }
        assert_eq!(at["comment"], "c63");
        assert_eq!(at["children"].as_array().unwrap().len(), 36);
        assert_eq!(at["children"][35]["comment"], "c99");
    }
}
