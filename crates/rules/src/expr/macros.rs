//! Shared macros: named expressions that conditions and other macros use by their bare names.
//!
//! A macro is put in wherever it is used, so its size and depth count there. Both are computed
//! from those of the macros that it uses before anything is put in: a tower of macros that double
//! each other costs nothing to refuse.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use cel::IdedExpr;
use cel::common::ast::{Expr, SourceInfo};

use super::{Env, ExprError, check, limits, parse};
use crate::counter::Counter;
use crate::list::List;
use crate::schema::{FACTS, FUNCTIONS};

/// Macros of one rule set.
pub(crate) const MACROS: usize = 1_000;

/// Macros that an error's chain names.
const CHAIN: usize = 8;

/// Words that the language keeps for itself.
const RESERVED: [&str; 22] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
    "math",
];

/// The macros of a rule set.
#[derive(Debug, Default)]
pub(crate) struct Macros {
    states: BTreeMap<String, State>,
}

/// What became of a macro.
#[derive(Debug)]
pub(crate) enum State {
    Ready(Box<Body>),
    /// It has an error of its own, so that those who use it have none.
    Failed,
}

/// A parsed macro.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) root: IdedExpr,
    pub(crate) info: SourceInfo,
    pub(crate) extent: limits::Extent,
    /// The macros that it uses.
    pub(crate) uses: Vec<String>,
}

/// An error and the number of the macro that it is in.
pub(crate) type Wrong = (usize, ExprError);

impl Macros {
    /// Compiles macros, given as names and texts, each on its own; what is wrong goes to `wrong`.
    /// Call it on a large stack.
    pub(crate) fn new(
        texts: &[(String, String)],
        lists: &[List],
        counters: &[Arc<Counter>],
        wrong: &mut Vec<Wrong>,
    ) -> Self {
        let mut macros = Self::default();
        let mut parsed: HashMap<&str, (usize, IdedExpr, SourceInfo, Vec<String>)> = HashMap::new();
        let known: HashSet<&str> = texts.iter().map(|(name, _)| name.as_str()).collect();
        for (number, (name, text)) in texts.iter().enumerate() {
            macros.states.insert(name.clone(), State::Failed);
            match parse(text) {
                Ok((root, info)) => {
                    let uses = names(&root, |name| known.contains(name));
                    parsed.insert(name, (number, root, info, uses));
                }
                Err(error) => wrong.push((number, super::in_characters(text, error))),
            }
        }
        for name in order(&parsed, wrong) {
            let Some((number, root, info, uses)) = parsed.remove(name) else {
                continue;
            };
            let fails = |name: &String| matches!(macros.states.get(name), Some(State::Failed));
            if uses.iter().any(fails) {
                continue;
            }
            let checked = limits::after_parsing(&root, &info, &macros).and_then(|extent| {
                let env = Env::new(lists, counters, &macros);
                check::Checker::new(&env, &info).check(&root)?;
                Ok(extent)
            });
            match checked {
                Ok(extent) => {
                    let body = Body {
                        root,
                        info,
                        extent,
                        uses,
                    };
                    macros
                        .states
                        .insert(name.to_owned(), State::Ready(Box::new(body)));
                }
                Err(error) => wrong.push((
                    number,
                    super::in_characters(texts.get(number).map_or("", |(_, text)| text), error),
                )),
            }
        }
        macros
    }

    /// Returns what became of a macro, if there is one of this name.
    pub(crate) fn state(&self, name: &str) -> Option<&State> {
        self.states.get(name)
    }

    pub(crate) fn is_known(&self, name: &str) -> bool {
        self.states.contains_key(name)
    }

    /// Returns the names of the macros.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.states.keys().map(String::as_str)
    }

    /// Returns the macros that a macro uses.
    pub(crate) fn uses(&self, name: &str) -> &[String] {
        match self.states.get(name) {
            Some(State::Ready(body)) => &body.uses,
            _ => &[],
        }
    }

    /// Returns the size and depth of a macro when everything is put in.
    pub(crate) fn extent(&self, name: &str) -> Option<limits::Extent> {
        match self.states.get(name)? {
            State::Ready(body) => Some(body.extent),
            State::Failed => None,
        }
    }

    /// Spells a macro and the largest of those inside of it, from the outside in.
    pub(crate) fn chain(&self, name: &str) -> String {
        let mut chain = vec![format!("`{name}`")];
        let mut last = name;
        while let Some(State::Ready(body)) = self.states.get(last) {
            let size = |name: &&String| self.extent(name).map_or(0, |extent| extent.nodes);
            let Some(next) = body.uses.iter().max_by_key(size) else {
                break;
            };
            if chain.len() == CHAIN {
                chain.push("…".to_owned());
                break;
            }
            chain.push(format!("`{next}`"));
            last = next;
        }
        chain.join(" → ")
    }
}

/// Tells why a macro can't have a name; the error is one phrase.
pub(crate) fn check_name(name: &str) -> Result<(), (String, String)> {
    let group = format!("{name}.");
    let other = "give the macro another name".to_owned();
    let first = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !first || !plain || name.len() > 64 {
        return Err((
            format!("`{name}` is not a name for a macro"),
            "use up to 64 letters, digits and `_`, no digit first".to_owned(),
        ));
    }
    if RESERVED.contains(&name) {
        return Err((format!("`{name}` is a word of the language"), other));
    }
    if FACTS
        .iter()
        .any(|info| info.name == name || info.name.starts_with(&group))
    {
        return Err((format!("the macro `{name}` hides a fact"), other));
    }
    if FUNCTIONS.iter().any(|info| info.name == name) {
        return Err((format!("the macro `{name}` hides a function"), other));
    }
    Ok(())
}

/// Returns the bare names in an expression that are wanted, each once. It does not recurse.
pub(crate) fn names(root: &IdedExpr, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found: BTreeSet<&str> = BTreeSet::new();
    let mut rest = vec![root];
    while let Some(expr) = rest.pop() {
        if let Expr::Ident(name) = &expr.expr
            && wanted(name)
        {
            found.insert(name);
        }
        limits::children(expr, |child| rest.push(child));
    }
    found.into_iter().map(str::to_owned).collect()
}

type Parsed<'n> = HashMap<&'n str, (usize, IdedExpr, SourceInfo, Vec<String>)>;

/// Returns the macros in an order in which each comes after those that it uses. Those that use
/// themselves are left out and told, each circle once. It does not recurse.
fn order<'n>(parsed: &Parsed<'n>, wrong: &mut Vec<Wrong>) -> Vec<&'n str> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        Open,
        Done,
    }
    let mut names: Vec<&'n str> = parsed.keys().copied().collect();
    names.sort_by_key(|name| parsed.get(name).map(|(number, ..)| *number));
    let own = |name: &str| parsed.get_key_value(name).map(|(name, _)| *name);
    let mut marks: HashMap<&'n str, Mark> = HashMap::new();
    let mut ordered = Vec::new();
    for start in names {
        // The path from the start, each with the number of the use that comes next.
        let mut path: Vec<(&'n str, usize)> = vec![(start, 0)];
        while let Some((name, next)) = path.last_mut() {
            let name = *name;
            if *next == 0 && marks.get(name) == Some(&Mark::Done) {
                path.pop();
                continue;
            }
            marks.insert(name, Mark::Open);
            let inner = parsed.get(name).map_or(&[][..], |(.., uses)| uses);
            let Some(used) = inner.get(*next).and_then(|used| own(used)) else {
                if *next < inner.len() {
                    *next += 1;
                    continue;
                }
                marks.insert(name, Mark::Done);
                ordered.push(name);
                path.pop();
                continue;
            };
            *next += 1;
            match marks.get(used) {
                Some(Mark::Open) => {
                    let from = path.iter().position(|(name, _)| *name == used).unwrap_or(0);
                    let circle: Vec<&str> = path.iter().skip(from).map(|(name, _)| *name).collect();
                    let mut shown: Vec<String> = circle
                        .iter()
                        .take(CHAIN)
                        .map(|name| format!("`{name}`"))
                        .collect();
                    if circle.len() > CHAIN {
                        shown.push("…".to_owned());
                    }
                    shown.push(format!("`{used}`"));
                    let number = parsed.get(used).map_or(0, |(number, ..)| *number);
                    wrong.push((
                        number,
                        ExprError::new(
                            0,
                            format!("the macro `{used}` uses itself: {}", shown.join(" → ")),
                        )
                        .help("write one of them without the others"),
                    ));
                }
                Some(Mark::Done) => {}
                None => path.push((used, 0)),
            }
        }
    }
    ordered
}
