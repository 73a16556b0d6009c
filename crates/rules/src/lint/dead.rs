//! Conditions that can't hold.

use super::bounds::{Bounds, text_of};
use crate::expr::eval::Evaluation;
use crate::expr::node::{Comparison, Node};
use crate::facts::Facts;
use crate::input::Input;
use crate::list::List;
use crate::rule::Rule;
use crate::text::matcher::Matcher;

/// Returns why a rule can't fire, if that can be told.
pub(super) fn why(rule: &Rule, lists: &[List]) -> Option<String> {
    let info = &rule.info;
    let mut conjuncts = Vec::new();
    flatten(&rule.when.root, &mut conjuncts);
    if let Some(unless) = &rule.unless {
        if is_always(&unless.root, lists) {
            return Some("its exception always holds".to_owned());
        }
        if format!("{:?}", unless.root) == format!("{:?}", rule.when.root) {
            return Some("its exception is its condition".to_owned());
        }
    }
    let mut bounds = Bounds::default();
    if !info.sites.is_empty() {
        bounds.allow("site.id", info.sites.iter().cloned().collect());
    }
    never_all(&conjuncts, lists, bounds)
}

/// Returns a language that the condition asks for and the rule is not for.
pub(super) fn other_language(rule: &Rule) -> Option<String> {
    let languages = &rule.info.languages;
    if languages.is_empty() {
        return None;
    }
    let mut conjuncts = Vec::new();
    flatten(&rule.when.root, &mut conjuncts);
    let mut bounds = Bounds::default();
    for conjunct in conjuncts {
        bounds.add(conjunct, true).ok()?;
    }
    let asked = bounds.allowed("comment.language")?;
    let fits = |tag: &String| {
        let primary = tag.split(['-', '_']).next().unwrap_or(tag);
        // An empty language is one that is not known, which every rule is for.
        tag.is_empty()
            || languages
                .iter()
                .any(|own| own.eq_ignore_ascii_case(primary))
    };
    if asked.iter().any(fits) {
        return None;
    }
    asked.first().cloned()
}

/// Tells whether a condition reads nothing of the comment and holds.
pub(super) fn is_always(node: &Node, lists: &[List]) -> bool {
    constant(node, lists) == Some(true)
}

/// Returns why an operation is never true, if that can be told.
fn never(node: &Node, lists: &[List]) -> Option<String> {
    if constant(node, lists) == Some(false) {
        return Some("a part that must hold is always false".to_owned());
    }
    let empty = |number: u32| {
        let list = lists.get(number as usize)?;
        let message = || format!("the list `{}` has no terms", list.name);
        list.terms.is_empty().then(message)
    };
    match node {
        Node::And(_) => {
            let mut conjuncts = Vec::new();
            flatten(node, &mut conjuncts);
            never_all(&conjuncts, lists, Bounds::default())
        }
        Node::Or(operands) => {
            let mut reasons = operands.iter().map(|operand| never(operand, lists));
            let first = reasons.next()??;
            reasons.all(|reason| reason.is_some()).then_some(first)
        }
        Node::Choose(operands) => {
            let [_, yes, no] = operands.as_ref();
            never(yes, lists).and(never(no, lists))
        }
        Node::Hits(slot) => empty(slot.list),
        Node::RegexHits(_, list) => empty(*list),
        Node::InList(_, members) => empty(members.list),
        Node::Compare(comparison, operands) => match (comparison, operands.as_ref()) {
            (Comparison::Greater, [Node::HitCount(slot), Node::Int(0..)])
            | (Comparison::GreaterOrEqual, [Node::HitCount(slot), Node::Int(1..)]) => {
                empty(slot.list)
            }
            _ => None,
        },
        _ => None,
    }
}

/// Returns why operations are never true together.
fn never_all(conjuncts: &[&Node], lists: &[List], mut bounds: Bounds) -> Option<String> {
    if let Some(reason) = conjuncts.iter().find_map(|one| match one {
        // What it is made of is among the conjuncts.
        Node::And(_) => None,
        other => never(other, lists),
    }) {
        return Some(reason);
    }
    conjuncts.iter().find_map(|one| bounds.add(one, true).err())
}

/// Collects what must hold for an operation to be true.
fn flatten<'n>(node: &'n Node, conjuncts: &mut Vec<&'n Node>) {
    match node {
        Node::And(operands) => operands
            .iter()
            .for_each(|operand| flatten(operand, conjuncts)),
        other => conjuncts.push(other),
    }
}

/// Evaluates an operation that reads nothing of the comment.
fn constant(node: &Node, lists: &[List]) -> Option<bool> {
    if !reads_nothing(node, false) {
        return None;
    }
    let (input, matcher) = (Input::neutral("", 0), Matcher::default());
    let facts = Facts::new(&input, &matcher);
    Evaluation::new(&facts, lists).holds(node).ok()
}

/// Tells whether an operation reads nothing of the comment, and no variable of a loop around it.
fn reads_nothing(node: &Node, in_loop: bool) -> bool {
    let in_loop = in_loop || matches!(node, Node::Each(_) | Node::Gather(_));
    let own = match node {
        Node::Fact(_)
        | Node::Has(_)
        | Node::Counter(..)
        | Node::Hits(_)
        | Node::HitCount(_)
        | Node::RegexHits(..)
        | Node::RegexCount(..)
        | Node::Score(_) => false,
        Node::Local(_) => in_loop,
        _ => true,
    };
    let mut all = own;
    node.operands(&mut |operand| all = all && reads_nothing(operand, in_loop));
    all
}

/// Returns how a rule's author would call a value.
pub(super) fn called(node: &Node) -> String {
    match node {
        Node::Fact(info) => format!("`{}`", info.name),
        Node::Size(operand) => match operand.as_ref() {
            Node::Fact(info) => format!("`{}.size()`", info.name),
            _ => "a size".to_owned(),
        },
        Node::HitCount(_) | Node::RegexCount(..) => "a count of hits".to_owned(),
        _ => text_of(node).unwrap_or_else(|| "a value".to_owned()),
    }
}
