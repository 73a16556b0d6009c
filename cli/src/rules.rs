//! `stoa rules`: checks a rule set and runs its examples.

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
    /// Runs the examples of a rule set.
    Test(SetArgs),
    /// Shows which terms of the lists are in a text.
    ListHits(list_hits::ListHitsArgs),
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

/// Runs the command: 0 if all is well, 78 if the rule set can't be loaded, 1 if only examples
/// fail and they were asked for.
pub(crate) fn run(args: &RulesArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        RulesCommand::Check(set) => check(set),
        RulesCommand::Test(set) => test(set),
        RulesCommand::ListHits(args) => list_hits::run(args),
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
            "lists": set.lists().count(), "terms": n_terms,
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
    }
    Ok(ExitCode::SUCCESS)
}

fn test(args: &SetArgs) -> anyhow::Result<ExitCode> {
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
    let without: Vec<&str> = report.without.iter().map(|rule| rule.id.as_str()).collect();
    if args.json {
        output::json(&json!({
            "ok": report.failures.is_empty(), "hash": set.hash(),
            "run": report.run, "without_examples": without,
        }))?;
    } else {
        output::line(&format!("{} examples pass", report.run));
        if !without.is_empty() {
            output::line(&format!("without an example: {}", without.join(", ")));
        }
    }
    Ok(if report.failures.is_empty() {
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
mod tests {
    use super::*;

    fn check(yaml: Option<&str>, expected: [u8; 2]) {
        let folder = tempfile::tempdir().unwrap();
        if let Some(yaml) = yaml {
            std::fs::write(folder.path().join("stoa.yaml"), yaml).unwrap();
        }
        let set = || SetArgs {
            folder: folder.path().to_owned(),
            json: true,
        };
        let commands = [RulesCommand::Check(set()), RulesCommand::Test(set())];
        for (command, code) in commands.into_iter().zip(expected) {
            let exit = run(&RulesArgs { command }).unwrap();
            assert_eq!(
                format!("{exit:?}"),
                format!("{:?}", ExitCode::from(code)),
                "{yaml:?}"
            );
        }
    }

    #[test]
    fn exit_codes_tell_broken_from_failing() {
        let rule = |when: &str, example: &str| {
            format!(
                "rules:\n  - id: long\n    when: {when}\n    then: {{ verdict: hold }}\n    \
                 reason: {{ code: long }}\n    explain: {{ en: \"Long.\" }}\n    \
                 examples: {{ match: [\"{example}\"] }}\n"
            )
        };
        check(None, [78, 78]);
        check(Some("rules: ["), [78, 78]);
        check(Some(&rule("comment.lenght > 3", "abcdef")), [78, 78]);
        check(Some(&rule("comment.length > 3", "ab")), [78, 1]);
        check(Some(&rule("comment.length > 3", "abcdef")), [0, 0]);
    }
}
