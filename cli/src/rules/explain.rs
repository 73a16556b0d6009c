//! `stoa rules explain`: why every rule fires on a comment or does not.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};
use stoa_proto::{Span, limits};
use stoa_rules::{Explanation, Fate, Part, RuleExplanation, RuleSet};

use super::event::Subject;
use super::{BAD_CONFIGURATION, SetArgs, place, refuse};
use crate::output;

/// Characters of a value's column.
const VALUE: usize = 24;

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    #[command(flatten)]
    pub(super) set: SetArgs,
    /// File with an event that brings a comment; `-` for standard input.
    ///
    /// It is judged at the time when it was written, by an author of good standing.
    #[arg(value_name = "EVENT")]
    pub(super) event: PathBuf,
}

/// Runs the command: 0 whatever the verdict, 78 if the rule set can't be loaded.
pub(super) fn run(args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let set = match RuleSet::load(&args.set.folder) {
        Ok(set) => set,
        Err(errors) => return refuse(&args.set, &errors, BAD_CONFIGURATION),
    };
    let name = args.event.display();
    let json = read(&args.event).with_context(|| format!("can't read {name}"))?;
    let subject = Subject::read(&json).map_err(|error| anyhow::anyhow!("{name}: {error}"))?;
    if subject.is_raw_markup() {
        output::note("the event was never normalised: its body is judged with its markup");
    }
    let links = subject.links();
    let explanation = set.explain(&subject.input(&links));
    if args.set.json {
        output::json(&to_json(&set, &explanation))?;
    } else {
        output::raw(&to_text(&explanation));
    }
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    // No event that Stoa takes is larger, not even in a batch.
    let limit = limits::BATCH_BYTES as u64;
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin()
            .lock()
            .take(limit)
            .read_to_end(&mut bytes)?;
    } else {
        std::fs::File::open(path)?
            .take(limit)
            .read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// Says in words what became of a rule.
fn because(fate: &Fate) -> String {
    match fate {
        Fate::Acted => "fired and acted".to_owned(),
        Fate::Recorded => "fired and was recorded alone, by its mode".to_owned(),
        Fate::Condition => "its condition does not hold".to_owned(),
        Fate::Exception => "its condition holds, and so does its exception".to_owned(),
        Fate::Site => "it is for other sites".to_owned(),
        Fate::Language => "it is for other languages".to_owned(),
        Fate::Expired => "it has expired".to_owned(),
        Fate::Skipped(fault) => format!("skipped: {fault}"),
        Fate::Failed(fault) => format!("it could not be evaluated: {fault}"),
        _ => "it did not fire".to_owned(),
    }
}

fn fired(fate: &Fate) -> bool {
    matches!(fate, Fate::Acted | Fate::Recorded)
}

/// Writes an explanation: what came of it, then the rules that fired, then the others.
///
/// What is quoted of the comment is escaped: a terminal would obey it.
pub(super) fn to_text(explanation: &Explanation) -> String {
    let outcome = &explanation.outcome;
    let mut text = format!("verdict: {}\n", outcome.verdict.as_str());
    if let Some(rule) = &outcome.decided_by {
        text += &format!("decided by: {}\n", rule.id);
    }
    for (name, values) in [("labels", &outcome.labels), ("partial", &outcome.partial)] {
        if !values.is_empty() {
            text += &format!("{name}: {}\n", values.join(", "));
        }
    }
    let (acting, others): (Vec<_>, Vec<_>) =
        explanation.rules.iter().partition(|rule| fired(&rule.fate));
    for rule in acting.into_iter().chain(others) {
        text += &rule_text(rule);
    }
    text
}

fn rule_text(rule: &RuleExplanation) -> String {
    let sign = if fired(&rule.fate) { '+' } else { '-' };
    let mut text = format!(
        "\n{sign} {} ({}): {}\n",
        rule.rule.id,
        place(&rule.rule.file, rule.rule.line),
        because(&rule.fate)
    );
    for span in &rule.spans {
        let term = span.term.as_deref().unwrap_or_default();
        let list = span.list.as_deref().unwrap_or_default();
        text += &format!("    at {}..{} {:?}", span.start, span.end, span.text);
        if !list.is_empty() {
            text += &format!(" by {term:?} of {list}");
        }
        text.push('\n');
    }
    for (name, parts) in [("when", &rule.when), ("unless", &rule.unless)] {
        if parts.is_empty() {
            continue;
        }
        text += &format!("  {name}\n");
        for part in parts {
            let indent = "  ".repeat(part.depth);
            text += &format!("    {:VALUE$}  {indent}{}\n", value(part), part.source);
        }
    }
    text
}

/// Writes what a part answered.
fn value(part: &Part) -> String {
    let mut answers: Vec<String> = part
        .answers
        .iter()
        .map(|answer| match answer {
            Ok(value) => value.clone(),
            Err(fault) => format!("failed: {fault}"),
        })
        .collect();
    if answers.is_empty() {
        return "not evaluated".to_owned();
    }
    if part.times > answers.len() {
        answers.push(format!("… ({} times)", part.times));
    }
    answers.join(", ")
}

fn to_json(set: &RuleSet, explanation: &Explanation) -> Value {
    let outcome = &explanation.outcome;
    let rules: Vec<Value> = explanation
        .rules
        .iter()
        .map(|rule| {
            json!({
                "id": rule.rule.id, "file": rule.rule.file, "line": rule.rule.line,
                "fired": fired(&rule.fate), "fate": rule.fate.code(),
                "because": because(&rule.fate),
                "spans": rule.spans.iter().map(span).collect::<Vec<_>>(),
                "when": rule.when.iter().map(part).collect::<Vec<_>>(),
                "unless": rule.unless.iter().map(part).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "hash": set.hash(), "verdict": outcome.verdict.as_str(), "labels": outcome.labels,
        "partial": outcome.partial,
        "decided_by": outcome.decided_by.as_ref().map(|rule| &rule.id),
        "rules": rules,
    })
}

fn span(span: &Span) -> Value {
    json!({
        "start": span.start, "end": span.end, "text": span.text,
        "list": span.list, "term": span.term,
    })
}

fn part(part: &Part) -> Value {
    let answers: Vec<Value> = part
        .answers
        .iter()
        .map(|answer| match answer {
            Ok(value) => json!({"value": value}),
            Err(fault) => json!({"failed": fault}),
        })
        .collect();
    json!({
        "depth": part.depth, "source": part.source, "macro": part.is_macro,
        "evaluated": part.times > 0, "times": part.times, "answers": answers,
    })
}
