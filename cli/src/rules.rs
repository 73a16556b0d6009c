//! `stoa rules`: checks a rule set, runs its tests, explains what it does, and looks for slips.

mod cases;
mod event;
mod explain;
mod lint;
mod list_hits;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use stoa_rules::{Diagnostic, Errors, RuleSet};

use crate::output;

/// The exit code of a configuration that can't be used.
const BAD_CONFIGURATION: u8 = 78;

/// Works on rule sets.
#[derive(Debug, Args)]
pub(crate) struct RulesArgs {
    #[command(subcommand)]
    command: RulesCommand,
}

#[derive(Debug, Subcommand)]
enum RulesCommand {
    /// Checks a rule set: files, lists, conditions and examples.
    Check(SetArgs),
    /// Shows which terms of the lists are in a text.
    ListHits(list_hits::ListHitsArgs),
    /// Runs the examples of a rule set, and cases from a file.
    Test(TestArgs),
    /// Explains what a rule set makes of a comment: why every rule fires or does not.
    Explain(explain::ExplainArgs),
    /// Looks for what is likely not meant: dead rules, needless terms, missing reasons.
    Lint(lint::LintArgs),
    Backtest(Box<crate::backtest::BacktestArgs>),
}

#[derive(Debug, Args)]
struct SetArgs {
    /// Folder with a `stoa.yaml`.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct TestArgs {
    #[command(flatten)]
    set: SetArgs,
    /// File with cases, one a line: an event and what is expected of it.
    #[arg(long, value_name = "FILE")]
    cases: Option<PathBuf>,
}

/// Runs the command: 0 if all is well, 78 if the rule set can't be loaded, 1 if only examples or
/// cases fail and they were asked for.
pub(crate) fn run(args: &RulesArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        RulesCommand::Check(set) => check(set),
        RulesCommand::ListHits(args) => list_hits::run(args),
        RulesCommand::Test(args) => test(args),
        RulesCommand::Explain(args) => explain::run(args),
        RulesCommand::Lint(args) => lint::run(args),
        RulesCommand::Backtest(args) => crate::backtest::run(args),
    }
}

fn check(args: &SetArgs) -> anyhow::Result<ExitCode> {
    let set = match RuleSet::load(&args.folder) {
        Ok(set) => set,
        Err(errors) => return refuse(args, &errors, BAD_CONFIGURATION),
    };
    let n_terms: usize = set.lists().map(|list| list.terms).sum();
    if args.json {
        output::json(&json!({
            "ok": true, "hash": set.hash(), "rules": set.rules().len(),
            "lists": set.lists().count(), "terms": n_terms, "expired": expired(&set),
        }))?;
    } else {
        let rows: Vec<[String; 3]> = set
            .rules()
            .map(|rule| {
                [
                    rule.id.clone(),
                    rule.mode.to_string(),
                    place(&rule.file, rule.line),
                ]
            })
            .collect();
        output::table(["rule", "mode", "place"], &rows);
        output::line(&format!(
            "{} rules, {} lists with {n_terms} terms, {}",
            rows.len(),
            set.lists().count(),
            set.hash()
        ));
        let expired = expired(&set);
        if !expired.is_empty() {
            output::line(&format!("expired: {}", expired.join(", ")));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the ids of the rules that have expired.
fn expired(set: &RuleSet) -> Vec<String> {
    let now = now();
    set.rules()
        .filter(|rule| rule.is_expired(now))
        .map(|rule| rule.id.clone())
        .collect()
}

fn now() -> i64 {
    stoa_daemon::Clock::system().micros()
}

fn test(args: &TestArgs) -> anyhow::Result<ExitCode> {
    let (cases, args) = (args.cases.as_deref(), &args.set);
    let set = match RuleSet::load(&args.folder) {
        Ok(set) => set,
        Err(errors) => {
            // A rule set of which only examples fail is a set under test, not a broken one.
            let only_examples = errors.0.iter().all(is_example);
            return refuse(
                args,
                &errors,
                if only_examples { 1 } else { BAD_CONFIGURATION },
            );
        }
    };
    let report = set.run_examples();
    let cases = cases.map(|file| cases::run(&set, file)).transpose()?;
    let without: Vec<&str> = report.without.iter().map(|rule| rule.id.as_str()).collect();
    let failures = cases.as_ref().map_or(&[][..], |cases| &cases.failures);
    let ok = report.failures.is_empty() && failures.is_empty();
    if args.json {
        let mut answer = json!({
            "ok": ok, "hash": set.hash(), "run": report.run, "without_examples": without,
        });
        if let (Some(answer), Some(cases)) = (answer.as_object_mut(), &cases) {
            answer.insert("cases".to_owned(), json!(cases));
        }
        output::json(&answer)?;
    } else {
        output::line(&format!("{} examples pass", report.run));
        if !without.is_empty() {
            output::line(&format!("without an example: {}", without.join(", ")));
        }
        if let Some(cases) = &cases {
            cases.print();
        }
    }
    Ok(if ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn is_example(diagnostic: &Diagnostic) -> bool {
    diagnostic.message.contains("this example")
}

fn refuse(args: &SetArgs, errors: &Errors, code: u8) -> anyhow::Result<ExitCode> {
    if args.json {
        let found: Vec<Value> = errors
            .0
            .iter()
            .map(|error| {
                json!({
                    "file": error.file, "line": error.line, "column": error.column,
                    "message": error.message, "help": error.help,
                })
            })
            .collect();
        output::json(&json!({"ok": false, "errors": found}))?;
    } else {
        output::note(&errors.to_string());
        let n = errors.0.len();
        output::note(&format!(
            "\n{n} error{} in {}",
            if n == 1 { "" } else { "s" },
            args.folder.display()
        ));
    }
    Ok(ExitCode::from(code))
}

fn place(file: impl AsRef<Path>, line: u32) -> String {
    format!("{}:{line}", file.as_ref().display())
}

#[cfg(test)]
mod tests;
