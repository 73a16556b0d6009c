//! The rule engine: rule sets in, verdicts out.
//!
//! After loading it does no input or output, keeps no state and takes the time from its caller,
//! so that the same rule set and the same [`Input`] always give the same [`Outcome`], live and in
//! a replay of the archive.
//!
//! - [`RuleSet::load`] reads a folder of YAML files and word lists, checks everything, runs the
//!   rules' own examples, and answers either a whole rule set or every error that it found
//!   ([`Errors`]), each with file, line, column and a remedy. There is no partial result.
//! - [`RuleSet::evaluate`] judges one comment. Every rule runs, none sees another's effect, and
//!   the strictest verdict wins. It never panics: a rule that fails, or takes more than its
//!   budget of steps, holds the comment for a moderator.
//! - [`RuleSet::explain`] says of one comment why every rule fired or did not, and
//!   [`RuleSet::lint`] what of a rule set is likely not meant. Both are for people at their desks,
//!   and cost the way from input to verdict nothing.
//!
//! How it works, in the order in which a comment meets it:
//!
//! 1. `text` folds the comment and runs all terms of all lists over it in one pass; every hit
//!    is mapped back to the characters that were written.
//! 2. Rules that need a list without a hit are set aside without being evaluated.
//! 3. `expr` evaluates the others: CEL expressions that were parsed, type-checked against
//!    [`FACTS`] and compiled when the rule set was loaded. `facts` computes what they read, once.
//! 4. `evaluate` collects what fired and resolves it.
//!
//! The guide for those who write rules is `docs/rules.md`.

mod content;
mod counter;
mod diagnostic;
mod document;
mod evaluate;
mod examples;
mod explain;
mod expr;
mod facts;
mod input;
mod lint;
mod list;
mod load;
mod lookup;
mod modes;
mod rule;
mod schema;
mod score;
mod source;
mod tally;
mod text;

pub use counter::{Counted, CounterInfo, Counters, Update};
pub use diagnostic::{Diagnostic, Errors};
pub use document::ExampleFacts;
pub use evaluate::{Failure, Fired, Outcome};
pub use examples::{ExampleFailure, ExampleReport, ExampleResult};
pub use explain::{Explanation, Fate, Part, RuleExplanation};
pub use input::{AuthorFacts, Input, Link, ReportFacts};
pub use lint::{Finding, LINTS, LintInfo, Severity};
pub use list::{Fold, ListInfo, ListTerms, Match, VIAS};
pub use load::RuleSet;
pub use lookup::ListHit;
pub use modes::NotWritten;
pub use rule::{Ground, Mode, OnMissing, Reason, RuleInfo};
pub use schema::{FACTS, FUNCTIONS, FactInfo, FunctionInfo, Type};
pub use score::is_score_name;
pub use stoa_proto::{AuthorRole, FiredRule, ReportReason, Sanction, Span, Verdict};
pub use tally::{Amount, Tally};
pub use text::prepared::Prepared;
pub use text::similar::Print;
