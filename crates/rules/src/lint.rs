//! Lint: what loads and yet is likely not what its author meant.
//!
//! Nothing here stops a rule set from being used; that is what [`crate::Errors`] are for.

mod bounds;
mod dead;
mod terms;

use std::collections::{HashMap, HashSet};
use std::fmt;

use stoa_proto::Verdict;

use crate::expr::node::{Condition, Node};
use crate::load::RuleSet;
use crate::rule::{Mode, Rule, RuleInfo};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Likely not meant.
    Warning,
    /// A rule that can't do what it is for.
    Error,
}

impl Severity {
    /// Returns the name that tools print.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One thing that lint found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind of thing it is, one of [`LINTS`].
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// The rule, if it is about one.
    pub rule: Option<String>,
    /// The file, relative to the rule set's folder.
    pub file: String,
    /// The line, from 1; 0 if it is not known.
    pub line: u32,
    /// What was found.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}: {} [{}]: {}\n  = help: {}",
            self.file,
            self.line,
            self.severity.as_str(),
            self.code,
            self.message,
            self.help
        )
    }
}

/// A kind of finding.
#[derive(Clone, Copy, Debug)]
pub struct LintInfo {
    /// The code.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What it tells.
    pub doc: &'static str,
    help: &'static str,
}

const fn lint(
    code: &'static str,
    severity: Severity,
    doc: &'static str,
    help: &'static str,
) -> LintInfo {
    LintInfo {
        code,
        severity,
        doc,
        help,
    }
}

const NEVER: LintInfo = lint(
    "never-fires",
    Severity::Error,
    "a rule whose conditions can't hold: they are constant, contradict each other or the rule's sites, or need a list without terms",
    "correct the condition, or remove the rule",
);
const ALWAYS: LintInfo = lint(
    "always-fires",
    Severity::Note,
    "a rule whose condition reads nothing of the comment and holds",
    "give it a condition, unless it is for every comment",
);
const LANGUAGES: LintInfo = lint(
    "other-language",
    Severity::Warning,
    "a rule whose condition asks for a language that `languages` leaves out",
    "name the language in `languages`, or leave it out of the condition",
);
const EXPIRED: LintInfo = lint(
    "expired",
    Severity::Warning,
    "a rule that has expired and never fires any more",
    "remove the rule, or set another date",
);
const SUBSUMED: LintInfo = lint(
    "subsumed",
    Severity::Warning,
    "a rule that adds nothing to another one with the same condition",
    "remove one of them",
);
const SAME: LintInfo = lint(
    "same-condition",
    Severity::Note,
    "rules with the same condition and other effects",
    "join them into one rule, or use a macro for the condition",
);
const EXAMPLES: LintInfo = lint(
    "no-examples",
    Severity::Warning,
    "a rule without examples",
    "add texts under `examples: { match: […], pass: […] }`",
);
const EXPLAIN: LintInfo = lint(
    "no-explain",
    Severity::Warning,
    "a rule that holds or rejects without a text for readers",
    "add `explain`, a text per language",
);
const REASON: LintInfo = lint(
    "no-reason",
    Severity::Warning,
    "a rule that rejects without a reason: the statement of reasons would be empty",
    "add `reason: { code: …, reference: … }`",
);
const UNUSED_LIST: LintInfo = lint(
    "unused-list",
    Severity::Warning,
    "a list that no condition names",
    "use it or remove it",
);
const UNUSED_MACRO: LintInfo = lint(
    "unused-macro",
    Severity::Warning,
    "a macro that nothing names",
    "use it or remove it",
);
const EMPTY_LIST: LintInfo = lint(
    "empty-list",
    Severity::Warning,
    "a list without terms",
    "add terms, or remove the list and the rules that need it",
);
const DUPLICATE: LintInfo = lint(
    "duplicate-term",
    Severity::Warning,
    "a term that its list has already, when both are folded",
    "remove one of them",
);
const TWICE: LintInfo = lint(
    "term-in-two-lists",
    Severity::Note,
    "a term that another list of the same kind has too",
    "keep it in one of the lists",
);
const SHADOWED: LintInfo = lint(
    "shadowed-term",
    Severity::Note,
    "a term that holds another term of its list, which hits wherever it would",
    "remove the longer one, unless the hit's extent or the count of hits matters",
);

/// Every kind of finding, in the order of the guide.
pub static LINTS: &[LintInfo] = &[
    NEVER,
    LANGUAGES,
    EXPIRED,
    ALWAYS,
    SUBSUMED,
    SAME,
    EXAMPLES,
    EXPLAIN,
    REASON,
    UNUSED_LIST,
    UNUSED_MACRO,
    EMPTY_LIST,
    DUPLICATE,
    TWICE,
    SHADOWED,
];

impl LintInfo {
    fn at(self, file: &str, line: u32, message: impl Into<String>) -> Finding {
        Finding {
            code: self.code,
            severity: self.severity,
            rule: None,
            file: file.to_owned(),
            line,
            message: message.into(),
            help: self.help.to_owned(),
        }
    }

    fn of(self, rule: &RuleInfo, message: impl Into<String>) -> Finding {
        Finding {
            rule: Some(rule.id.clone()),
            ..self.at(&rule.file, rule.line, message)
        }
    }
}

impl RuleSet {
    /// Looks for what is likely not meant, as of a time in microseconds since 1970; the findings
    /// are in the order of files and lines.
    pub fn lint(&self, now: i64) -> Vec<Finding> {
        let mut findings = Vec::new();
        for rule in &self.rules {
            self.lint_rule(rule, now, &mut findings);
        }
        same_conditions(&self.rules, &mut findings);
        self.lint_unused(&mut findings);
        terms::lint(self, &mut findings);
        findings.sort_by(|a, b| (&a.file, a.line, a.code).cmp(&(&b.file, b.line, b.code)));
        findings
    }

    fn lint_rule(&self, rule: &Rule, now: i64, findings: &mut Vec<Finding>) {
        let info = rule.info.as_ref();
        let id = &info.id;
        if info.is_expired(now) {
            findings.push(EXPIRED.of(info, format!("the rule `{id}` has expired")));
        }
        if let Some(why) = dead::why(rule, &self.lists) {
            findings.push(NEVER.of(info, format!("the rule `{id}` never fires: {why}")));
        } else if dead::is_always(&rule.when.root, &self.lists)
            && rule.unless.is_none()
            && info.sites.is_empty()
            && info.languages.is_empty()
        {
            findings.push(ALWAYS.of(info, format!("the rule `{id}` fires on every comment")));
        }
        if let Some(language) = dead::other_language(rule) {
            findings.push(LANGUAGES.of(
                info,
                format!("the rule `{id}` asks for the language `{language}` and is not for it"),
            ));
        }
        if info.examples == 0 {
            findings.push(EXAMPLES.of(info, format!("the rule `{id}` has no examples")));
        }
        if info.verdict > Verdict::Approve && info.explain.is_empty() {
            findings.push(EXPLAIN.of(info, format!("the rule `{id}` explains itself to nobody")));
        }
        if info.verdict == Verdict::Reject && info.reason.is_none() {
            findings.push(REASON.of(info, format!("the rule `{id}` rejects without a reason")));
        }
    }

    fn lint_unused(&self, findings: &mut Vec<Finding>) {
        for one in self.macros.iter().filter(|one| !one.used) {
            let message = format!("nothing uses the macro `{}`", one.name);
            findings.push(UNUSED_MACRO.at(&one.file, one.line, message));
        }
        let mut used: HashSet<&str> = HashSet::new();
        for rule in &self.rules {
            for condition in conditions(rule) {
                lists_of(&condition.root, &mut |number| {
                    used.extend(
                        self.lists
                            .get(number as usize)
                            .map(|list| list.name.as_str()),
                    );
                });
            }
        }
        for (list, places) in self.lists.iter().zip(&self.places) {
            let name = &list.name;
            if list.terms.is_empty() {
                let message = format!("the list `{name}` has no terms");
                findings.push(EMPTY_LIST.at(&places.file, places.line, message));
            }
            if !used.contains(name.as_str()) {
                let message = format!("no condition uses the list `{name}`");
                findings.push(UNUSED_LIST.at(&places.file, places.line, message));
            }
        }
    }
}

fn conditions(rule: &Rule) -> impl Iterator<Item = &Condition> {
    [Some(&rule.when), rule.unless.as_ref()]
        .into_iter()
        .flatten()
}

/// Hands out the lists that an operation names.
fn lists_of(node: &Node, found: &mut impl FnMut(u32)) {
    match node {
        Node::Hits(slot) | Node::HitCount(slot) => found(slot.list),
        Node::RegexHits(_, list) | Node::RegexCount(_, list) => found(*list),
        Node::InList(_, members) => found(members.list),
        _ => {}
    }
    node.operands(&mut |operand| lists_of(operand, found));
}

/// Tells rules whose conditions are the same, macros put in.
fn same_conditions(rules: &[Rule], findings: &mut Vec<Finding>) {
    let mut seen: HashMap<String, &Rule> = HashMap::new();
    for rule in rules {
        let unless = rule.unless.as_ref().map(|unless| &unless.root);
        let key = format!("{:?} {unless:?}", rule.when.root);
        let Some(first) = seen.get(&key).copied() else {
            seen.insert(key, rule);
            continue;
        };
        let (own, other) = (rule.info.as_ref(), first.info.as_ref());
        let (info, message) = if covers(other, own) {
            (
                SUBSUMED,
                format!("the rule `{}` adds nothing to `{}`", own.id, other.id),
            )
        } else {
            (
                SAME,
                format!("the rule `{}` has the condition of `{}`", own.id, other.id),
            )
        };
        findings.push(info.of(own, message));
    }
}

/// Tells whether a rule does everything that another one with the same condition does.
fn covers(one: &RuleInfo, other: &RuleInfo) -> bool {
    let wider = |one: &[String], other: &[String]| {
        one.is_empty() || !other.is_empty() && within(other, one)
    };
    one.mode == Mode::Live
        && one.verdict >= other.verdict
        && one.expires.is_none()
        && one.quota.is_none()
        && within(&other.labels, &one.labels)
        && wider(&one.sites, &other.sites)
        && wider(&one.languages, &other.languages)
}

fn within(some: &[String], all: &[String]) -> bool {
    some.iter().all(|one| all.contains(one))
}

#[cfg(test)]
mod tests;
