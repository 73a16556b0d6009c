//! `stoa rules lint`: what loads and is likely not meant.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};
use stoa_rules::{Finding, RuleSet, Severity};

use super::{BAD_CONFIGURATION, SetArgs, now, place, refuse};
use crate::output;

#[derive(Debug, Args)]
pub(super) struct LintArgs {
    #[command(flatten)]
    pub(super) set: SetArgs,
    /// Fails if there are warnings or errors.
    #[arg(long)]
    pub(super) strict: bool,
}

/// Runs the command: 0 whatever is found, 1 with `--strict` if it is more than a note, 78 if the
/// rule set can't be loaded.
pub(super) fn run(args: &LintArgs) -> anyhow::Result<ExitCode> {
    let set = match RuleSet::load(&args.set.folder) {
        Ok(set) => set,
        Err(errors) => return refuse(&args.set, &errors, BAD_CONFIGURATION),
    };
    let findings = set.lint(now());
    let n_of = |severity| {
        findings
            .iter()
            .filter(|one| one.severity == severity)
            .count()
    };
    let (n_errors, n_warnings) = (n_of(Severity::Error), n_of(Severity::Warning));
    let bad = n_errors + n_warnings > 0;
    if args.set.json {
        let found: Vec<Value> = findings.iter().map(to_json).collect();
        output::json(&json!({"ok": !bad, "hash": set.hash(), "findings": found}))?;
    } else {
        let rows: Vec<[String; 5]> = findings
            .iter()
            .map(|one| {
                [
                    one.severity.as_str().to_owned(),
                    one.code.to_owned(),
                    place(&one.file, one.line),
                    one.message.clone(),
                    one.help.clone(),
                ]
            })
            .collect();
        if !rows.is_empty() {
            output::table(["severity", "code", "place", "found", "remedy"], &rows);
        }
        output::line(&format!(
            "{n_errors} errors, {n_warnings} warnings, {} notes",
            n_of(Severity::Note)
        ));
    }
    Ok(if bad && args.strict {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn to_json(one: &Finding) -> Value {
    json!({
        "code": one.code, "severity": one.severity.as_str(), "rule": one.rule,
        "file": one.file, "line": one.line, "message": one.message, "help": one.help,
    })
}
