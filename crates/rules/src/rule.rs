//! Rules: what tools see of them, and their compiled form.

mod compile;

use std::collections::BTreeMap;
use std::fmt;

use stoa_proto::Verdict;
use xxhash_rust::xxh3::Xxh3;

use crate::diagnostic::did_you_mean;
use crate::document::ExampleEntry;
use crate::expr::node::{Condition, Evidence, Node, Slot};
use crate::input::Input;

pub(crate) use compile::{Context, Ids, compile};

/// Confidence from which a detected language limits which rules apply.
pub(crate) const LANGUAGE_CONFIDENCE: f64 = 0.5;

/// Whether a rule acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// It acts.
    #[default]
    Live,
    /// It is recorded and never acts.
    Shadow,
    /// It acts in a share of the threads, and is recorded in the others.
    Percent {
        /// The share, 1 to 99.
        percent: u8,
    },
}

impl Mode {
    /// Reads `live`, `shadow` or a percentage; the error is a remedy.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "live" => Ok(Self::Live),
            "shadow" => Ok(Self::Shadow),
            _ => match text
                .strip_suffix('%')
                .and_then(|number| number.trim().parse::<u8>().ok())
            {
                Some(100) => Ok(Self::Live),
                Some(percent @ 1..=99) => Ok(Self::Percent { percent }),
                _ => Err(did_you_mean(text, ["live", "shadow"]).unwrap_or_else(|| {
                    "use `live`, `shadow` or a whole percentage such as `10%`".into()
                })),
            },
        }
    }

    /// Tells whether the rule acts in a thread: a stable hash of rule, site and thread decides.
    pub(crate) fn acts(self, rule: &str, site: &str, thread: &str) -> bool {
        match self {
            Self::Live => true,
            Self::Shadow => false,
            Self::Percent { percent } => {
                let mut hasher = Xxh3::new();
                for part in [rule, site, thread] {
                    hasher.update(part.as_bytes());
                    hasher.update(&[0]);
                }
                hasher.digest() % 100 < u64::from(percent)
            }
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Live => f.write_str("live"),
            Self::Shadow => f.write_str("shadow"),
            Self::Percent { percent } => write!(f, "{percent}%"),
        }
    }
}

/// What a rule does when a fact that it reads is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnMissing {
    /// It holds the comment, and the decision is partial.
    #[default]
    Hold,
    /// It does not fire; that it could not be evaluated is recorded.
    Skip,
}

impl OnMissing {
    /// Returns the name that rule sets use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Skip => "skip",
        }
    }
}

/// What a restriction rests on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ground {
    /// The site's terms.
    #[default]
    Terms,
    /// The law.
    Legal,
}

impl Ground {
    /// Returns the name that events use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Terms => "terms",
            Self::Legal => "legal",
        }
    }
}

/// Why a rule restricts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reason {
    /// The site's own code, such as `offensive`.
    pub code: String,
    /// What it rests on.
    pub ground: Ground,
    /// The clause or law.
    pub reference: Option<String>,
    /// The category in the vocabulary of the Digital Services Act, `STATEMENT_CATEGORY_…`.
    pub category: Option<String>,
}

/// A rule, as tools show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleInfo {
    /// The id, unique in its rule set.
    pub id: String,
    /// The file that it is in.
    pub file: String,
    /// The line in that file.
    pub line: u32,
    /// What it is for.
    pub description: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The sites that it is for; all if empty.
    pub sites: Vec<String>,
    /// The languages that it is for; all if empty.
    pub languages: Vec<String>,
    /// What it makes of a comment.
    pub verdict: Verdict,
    /// What it calls the comment.
    pub labels: Vec<String>,
    /// Why.
    pub reason: Option<Reason>,
    /// What a reader is told, per language.
    pub explain: BTreeMap<String, String>,
    /// Whether it acts.
    pub mode: Mode,
    /// From when on it never fires, in microseconds since 1970, UTC.
    pub expires: Option<i64>,
    /// Of several rules with the deciding verdict the one with the highest priority gives the
    /// reason.
    pub priority: i32,
    /// How many comments it may reject per day, in UTC; the service that judges comments counts.
    pub quota: Option<u32>,
    /// What it does when a fact is missing.
    pub on_missing: OnMissing,
    /// How many examples it has.
    pub examples: usize,
}

/// A compiled rule.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) info: std::sync::Arc<RuleInfo>,
    pub(crate) when: Condition,
    pub(crate) unless: Option<Condition>,
    /// The conditions as they are written.
    pub(crate) texts: Texts,
    /// Of each inner list, one slot must have a hit for the rule to fire.
    pub(crate) required: Vec<Vec<Slot>>,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) examples: Vec<Example>,
    pub(crate) places: Places,
}

/// Where the values of keys stand in the rule's file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Places {
    pub(crate) id: (u32, u32),
    pub(crate) mode: Option<(u32, u32)>,
}

/// The conditions of a rule as they are written.
#[derive(Debug)]
pub(crate) struct Texts {
    pub(crate) when: String,
    pub(crate) unless: Option<String>,
}

/// An example and where it stands.
#[derive(Debug)]
pub(crate) struct Example {
    pub(crate) entry: ExampleEntry,
    pub(crate) fires: bool,
    pub(crate) place: (u32, u32),
}

impl RuleInfo {
    /// Tells whether the rule has expired at a time, in microseconds since 1970.
    pub fn is_expired(&self, now: i64) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// Tells whether the rule acts in a thread, and is not only recorded.
    pub fn acts_in(&self, site: &str, thread: &str) -> bool {
        self.mode.acts(&self.id, site, thread)
    }

    /// Tells whether the rule is for a site.
    pub(crate) fn is_for_site(&self, site: &str) -> bool {
        self.sites.is_empty() || self.sites.iter().any(|own| own == site)
    }

    /// Tells whether the rule is for a comment's language.
    ///
    /// A comment whose language is not known well is judged by the rules of every language.
    pub(crate) fn is_for_language(&self, input: &Input<'_>) -> bool {
        let info = self;
        if info.languages.is_empty() {
            return true;
        }
        match input.language {
            Some(language) if f64::from(input.language_confidence) >= LANGUAGE_CONFIDENCE => {
                let primary = primary(language);
                info.languages
                    .iter()
                    .any(|own| primary.eq_ignore_ascii_case(own))
            }
            _ => true,
        }
    }
}

impl Rule {
    /// Tells whether a condition reads one of some facts.
    pub(crate) fn reads(&self, facts: &[&str]) -> bool {
        let mut reads = false;
        self.nodes(&mut |node| {
            if let Node::Fact(fact) | Node::Has(fact) = node {
                reads |= facts.contains(&fact.name);
            }
        });
        reads
    }

    /// Hands out every operation of the conditions.
    pub(crate) fn nodes<'r>(&'r self, each: &mut dyn FnMut(&'r Node)) {
        let conditions = [Some(&self.when), self.unless.as_ref()];
        let mut nodes: Vec<&Node> = conditions.into_iter().flatten().map(|c| &c.root).collect();
        while let Some(node) = nodes.pop() {
            each(node);
            node.operands(&mut |operand| nodes.push(operand));
        }
    }

    /// Tells whether the rule is for a comment's site and language, and has not expired.
    pub(crate) fn is_for(&self, input: &Input<'_>) -> bool {
        let info = &self.info;
        info.is_for_site(input.site) && info.is_for_language(input) && !info.is_expired(input.now)
    }
}

/// The language of a tag such as `fr-CH`.
pub(crate) fn primary(language: &str) -> &str {
    language.split(['-', '_']).next().unwrap_or(language)
}
