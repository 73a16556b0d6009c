//! Which rules a comment can make fire, without looking at each.
//!
//! Each rule is filed under one thing that must hold for it to fire: a hit of a list, a comparison of
//! a fact with a constant, a flag. What a comment has picks the rules out, so a rule whose condition
//! does not come near costs nothing. A rule that has nothing of the kind is always looked at.
//!
//! When a report comes, the rules that read reports are looked at, and no others.

use std::collections::HashMap;

use crate::expr::node::{Comparison, Node, Slot, Subject};
use crate::expr::value::Value;
use crate::facts::Facts;
use crate::rule::{LANGUAGE_CONFIDENCE, Rule, primary};
use crate::schema::{FactInfo, OF_REPORTS};

/// A bit for each rule.
type Bits = Vec<u64>;

/// The rules by what they need.
#[derive(Debug, Default)]
pub(crate) struct Index {
    always: Bits,
    /// Those that read what a report changes.
    of_reports: Bits,
    /// By subject and list.
    hits: Vec<(Subject, Vec<Vec<u32>>)>,
    facts: Vec<OfFact>,
    sites: Scope,
    languages: Scope,
}

/// The rules that ask something of one fact.
#[derive(Debug)]
struct OfFact {
    info: &'static FactInfo,
    /// The bounds that the fact must reach, ascending.
    at_least: Vec<(f64, u32)>,
    /// The bounds that it must not pass, ascending.
    at_most: Vec<(f64, u32)>,
    texts: HashMap<Box<str>, Vec<u32>>,
    flags: [Vec<u32>; 2],
}

/// Rules that are for some sites, or languages, only.
#[derive(Debug, Default)]
struct Scope {
    any: Bits,
    own: HashMap<String, Bits>,
}

/// What must hold for a rule to fire; in the order of how much each is likely to rule out.
#[derive(Clone, Debug)]
enum Need {
    Hit(Vec<Slot>),
    AtLeast(&'static FactInfo, f64),
    Text(&'static FactInfo, Vec<Box<str>>),
    Flag(&'static FactInfo, bool),
    AtMost(&'static FactInfo, f64),
}

impl Need {
    fn rank(&self) -> usize {
        match self {
            Self::Hit(_) => 0,
            Self::AtLeast(_, bound) if *bound > 0.0 => 1,
            Self::Text(..) => 2,
            Self::Flag(..) => 3,
            Self::AtLeast(..) | Self::AtMost(..) => 4,
        }
    }
}

impl Index {
    pub(crate) fn new(rules: &[Rule], lists: usize) -> Self {
        let mut index = Self {
            always: empty(rules.len()),
            of_reports: empty(rules.len()),
            sites: Scope::new(rules, |rule| &rule.info.sites),
            languages: Scope::new(rules, |rule| &rule.info.languages),
            ..Self::default()
        };
        for (rule, number) in rules.iter().zip(0u32..) {
            if rule.reads(&OF_REPORTS) {
                set(&mut index.of_reports, number);
            }
            match need(rule) {
                None => set(&mut index.always, number),
                Some(Need::Hit(slots)) => {
                    for slot in slots {
                        index.hit(slot, number, lists);
                    }
                }
                Some(Need::AtLeast(fact, bound)) => index.of(fact).at_least.push((bound, number)),
                Some(Need::AtMost(fact, bound)) => index.of(fact).at_most.push((bound, number)),
                Some(Need::Text(fact, texts)) => {
                    let of = index.of(fact);
                    for text in texts {
                        of.texts.entry(text).or_default().push(number);
                    }
                }
                Some(Need::Flag(fact, flag)) => {
                    if let Some(rules) = index.of(fact).flags.get_mut(usize::from(flag)) {
                        rules.push(number);
                    }
                }
            }
        }
        for of in &mut index.facts {
            of.at_least.sort_by(|a, b| a.0.total_cmp(&b.0));
            of.at_most.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        index
    }

    fn hit(&mut self, slot: Slot, rule: u32, lists: usize) {
        let known = self
            .hits
            .iter()
            .position(|(subject, _)| *subject == slot.subject);
        let place = known.unwrap_or_else(|| {
            self.hits.push((slot.subject, vec![Vec::new(); lists]));
            self.hits.len() - 1
        });
        let of = self.hits.get_mut(place);
        if let Some(rules) = of.and_then(|(_, lists)| lists.get_mut(slot.list as usize)) {
            rules.push(rule);
        }
    }

    fn of(&mut self, fact: &'static FactInfo) -> &mut OfFact {
        let known = self.facts.iter().position(|of| of.info.name == fact.name);
        let place = known.unwrap_or_else(|| {
            self.facts.push(OfFact {
                info: fact,
                at_least: Vec::new(),
                at_most: Vec::new(),
                texts: HashMap::new(),
                flags: [Vec::new(), Vec::new()],
            });
            self.facts.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "it was found or pushed above")]
        &mut self.facts[place]
    }

    /// Returns the rules that no list and no fact rules out.
    fn possible(&self, facts: &Facts<'_>) -> Bits {
        let mut bits = self.always.clone();
        for (subject, of_list) in &self.hits {
            for list in facts.hits(*subject).lists() {
                for number in of_list.get(list as usize).into_iter().flatten() {
                    set(&mut bits, *number);
                }
            }
        }
        for of in &self.facts {
            of.pick(facts, &mut bits);
        }
        bits
    }

    /// Returns the rules that nothing rules out, in their order and with their places.
    pub(crate) fn candidates<'r>(
        &self,
        rules: &'r [Rule],
        facts: &Facts<'_>,
    ) -> impl Iterator<Item = (usize, &'r Rule)> + use<'r> {
        let input = facts.input;
        let mut bits = if input.on_report {
            self.of_reports.clone()
        } else {
            self.possible(facts)
        };
        self.sites.keep(&mut bits, Some(input.site));
        let is_sure = f64::from(input.language_confidence) >= LANGUAGE_CONFIDENCE;
        let language = input.language.filter(|_| is_sure).map(primary);
        self.languages.keep(&mut bits, language);
        bits.into_iter()
            .zip(0_usize..)
            .flat_map(move |(word, index)| {
                Ones(word).filter_map(move |bit| {
                    let place = index * 64 + bit;
                    rules.get(place).map(|rule| (place, rule))
                })
            })
    }
}

impl OfFact {
    /// Picks the rules that the fact does not rule out; all of them where it is missing, because what
    /// that means is each rule's own affair.
    fn pick(&self, facts: &Facts<'_>, bits: &mut Bits) {
        let value = (self.info.read)(facts);
        match value.as_ref().and_then(number) {
            Some(value) => {
                let reached = self
                    .at_least
                    .iter()
                    .take_while(|(bound, _)| *bound <= value);
                let within = self.at_most.iter().rev();
                let within = within.take_while(|(bound, _)| *bound >= value);
                for (_, rule) in reached.chain(within) {
                    set(bits, *rule);
                }
            }
            None => {
                for (_, rule) in self.at_least.iter().chain(&self.at_most) {
                    set(bits, *rule);
                }
            }
        }
        let texts = match &value {
            Some(Value::Text(text)) => self.texts.get(text.as_ref()).map_or(&[][..], Vec::as_slice),
            Some(_) => &[],
            None => {
                self.texts
                    .values()
                    .flatten()
                    .for_each(|rule| set(bits, *rule));
                &[]
            }
        };
        let flags = match value {
            Some(Value::Bool(flag)) => self.flags.get(usize::from(flag)..=usize::from(flag)),
            Some(_) => None,
            None => Some(self.flags.as_slice()),
        };
        let flags = flags.unwrap_or_default().iter().flatten();
        for rule in texts.iter().chain(flags) {
            set(bits, *rule);
        }
    }
}

impl Scope {
    fn new(rules: &[Rule], names: impl Fn(&Rule) -> &[String]) -> Self {
        let mut scope = Self {
            any: empty(rules.len()),
            own: HashMap::new(),
        };
        for (rule, number) in rules.iter().zip(0u32..) {
            if names(rule).is_empty() {
                set(&mut scope.any, number);
            }
            for name in names(rule) {
                let own = scope.own.entry(name.to_ascii_lowercase());
                set(own.or_insert_with(|| empty(rules.len())), number);
            }
        }
        scope
    }

    /// Keeps the rules that are for a site or language; all of them if it is not known.
    fn keep(&self, bits: &mut Bits, name: Option<&str>) {
        let Some(name) = name.filter(|_| !self.own.is_empty()) else {
            return;
        };
        let lower = name.to_ascii_lowercase();
        let own = self.own.get(&lower);
        for (at, (word, any)) in bits.iter_mut().zip(&self.any).enumerate() {
            let own = own.and_then(|own| own.get(at)).copied().unwrap_or_default();
            *word &= any | own;
        }
    }
}

/// Chooses what a rule is filed under.
fn need(rule: &Rule) -> Option<Need> {
    let mut needs: Vec<Need> = rule
        .required
        .iter()
        .map(|clause| Need::Hit(clause.clone()))
        .collect();
    collect(&rule.when.root, &mut needs);
    needs.into_iter().min_by_key(|need| {
        let text = matches!(need, Need::Hit(slots) if slots.iter().all(|slot| slot.subject == Subject::Text));
        let width = match need {
            Need::Hit(slots) => slots.len(),
            Need::Text(_, texts) => texts.len(),
            _ => 0,
        };
        (need.rank(), !text, width)
    })
}

/// Collects what must hold for an operation to be true.
fn collect(node: &Node, needs: &mut Vec<Need>) {
    match node {
        Node::Mark(_, inner) => collect(inner, needs),
        Node::And(operands) => operands.iter().for_each(|operand| collect(operand, needs)),
        Node::Fact(info) => needs.push(Need::Flag(info, true)),
        Node::Not(operand) => {
            if let Node::Fact(info) = peel(operand) {
                needs.push(Need::Flag(info, false));
            }
        }
        Node::Compare(comparison, operands) => {
            let [left, right] = operands.as_ref();
            match (peel(left), peel(right)) {
                (Node::Fact(info), constant) => compared(*comparison, info, constant, needs),
                (constant, Node::Fact(info)) => {
                    compared(turned(*comparison), info, constant, needs);
                }
                _ => {}
            }
        }
        Node::In(operands) => {
            let [item, list] = operands.as_ref();
            if let (Node::Fact(info), Node::List(elements)) = (peel(item), peel(list)) {
                let texts: Option<Vec<Box<str>>> = elements.iter().map(text).collect();
                needs.extend(texts.map(|texts| Need::Text(info, texts)));
            }
        }
        _ => {}
    }
}

fn compared(
    comparison: Comparison,
    info: &'static FactInfo,
    constant: &Node,
    needs: &mut Vec<Need>,
) {
    if let Some(text) = text(constant) {
        if comparison == Comparison::Equal {
            needs.push(Need::Text(info, vec![text]));
        }
        return;
    }
    let Some(bound) = crate::expr::value::literal(constant)
        .as_ref()
        .and_then(number)
    else {
        return;
    };
    // Rounding to a double keeps the order, so bounds that are taken to be inclusive rule out nothing
    // that passes.
    needs.extend(match comparison {
        Comparison::Greater | Comparison::GreaterOrEqual | Comparison::Equal => {
            Some(Need::AtLeast(info, bound))
        }
        Comparison::Less | Comparison::LessOrEqual => Some(Need::AtMost(info, bound)),
        Comparison::NotEqual => None,
    });
}

fn turned(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Less => Comparison::Greater,
        Comparison::LessOrEqual => Comparison::GreaterOrEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        equal => equal,
    }
}

fn peel(node: &Node) -> &Node {
    match node {
        Node::Mark(_, inner) => peel(inner),
        other => other,
    }
}

fn text(node: &Node) -> Option<Box<str>> {
    match peel(node) {
        Node::String(text) => Some(text.clone()),
        _ => None,
    }
}

/// A value as a number that keeps the order; `None` for what has no order, or is no number.
#[expect(clippy::cast_precision_loss, reason = "only the order counts")]
fn number(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Int(value) | Value::Duration(value) | Value::Timestamp(value) => Some(*value as f64),
        Value::Double(value) if !value.is_nan() => Some(*value),
        _ => None,
    }
}

fn empty(rules: usize) -> Bits {
    vec![0; rules.div_ceil(64)]
}

fn set(bits: &mut Bits, number: u32) {
    if let Some(word) = bits.get_mut(number as usize / 64) {
        *word |= 1 << (number % 64);
    }
}

/// The numbers of the bits that are set.
struct Ones(u64);

impl Iterator for Ones {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let bit = self.0.trailing_zeros();
        // Clears the lowest bit that is set.
        self.0 &= self.0.checked_sub(1)?;
        usize::try_from(bit).ok()
    }
}

/// Tells whether every list that a rule needs has a hit.
pub(crate) fn is_possible(rule: &Rule, facts: &Facts<'_>) -> bool {
    rule.required.iter().all(|clause| {
        clause
            .iter()
            .any(|slot| facts.hits(slot.subject).has(slot.list))
    })
}
