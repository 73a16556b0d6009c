//! `stoa doctor`: whether a machine is set up so that Stoa can run on it, and what to do where it is not.
//!
//! It reads the configurations that the roles read and looks where they will look; it changes nothing.

mod broker;
mod machine;
mod roles;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use stoa_daemon::ConfigError;

use crate::output;
use crate::roles::{Configured, Role};

/// Checks configurations, broker, rights, disks, clocks, versions and keys, and says what to do.
///
/// Exit code 0 if nothing failed, 1 otherwise; what is only worth a look is no failure.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Folder with a configuration file per role: ingest.toml, moderation-rules.toml, archive.toml, console.toml.
    /// A role without a file is not checked.
    #[arg(long, value_name = "DIR", default_value = "/etc/stoa")]
    config: PathBuf,
    /// Checks as for `stoa up`, which needs no broker.
    #[arg(long)]
    embedded: bool,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// As it should be.
    Ok,
    /// Works, and is worth a look.
    Look,
    /// Does not work.
    Failed,
}

/// What was looked at, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Check {
    state: State,
    role: &'static str,
    #[serde(rename = "check")]
    what: String,
    /// What is there; where something is wrong also what helps.
    finding: String,
}

/// What was found of a role, in order.
struct Findings {
    role: &'static str,
    checks: Vec<Check>,
}

impl Findings {
    fn add(&mut self, state: State, what: impl Into<String>, finding: impl Into<String>) {
        self.checks.push(Check {
            state,
            role: self.role,
            what: what.into(),
            finding: finding.into(),
        });
    }

    fn ok(&mut self, check: impl Into<String>, finding: impl Into<String>) {
        self.add(State::Ok, check, finding);
    }

    fn look(&mut self, check: impl Into<String>, finding: impl Into<String>) {
        self.add(State::Look, check, finding);
    }

    fn failed(&mut self, check: impl Into<String>, finding: impl Into<String>) {
        self.add(State::Failed, check, finding);
    }
}

/// Runs the command.
pub(crate) async fn run(args: DoctorArgs) -> anyhow::Result<ExitCode> {
    let checks = examine(&args).await?;
    let failed = checks.iter().any(|check| check.state == State::Failed);
    if args.json {
        output::json(&checks)?;
    } else {
        let row = |check: &Check| {
            let state = match check.state {
                State::Ok => "ok",
                State::Look => "look",
                State::Failed => "FAILED",
            };
            [
                state.to_owned(),
                check.role.to_owned(),
                check.what.clone(),
                check.finding.clone(),
            ]
        };
        let rows: Vec<[String; 4]> = checks.iter().map(row).collect();
        output::table(["", "role", "check", "finding"], &rows);
    }
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

async fn examine(args: &DoctorArgs) -> anyhow::Result<Vec<Check>> {
    let mut checks = Vec::new();
    for role in Role::ALL {
        let file = args.config.join(format!("{}.toml", role.name()));
        if !file.is_file() {
            continue;
        }
        let mut findings = Findings {
            role: role.name(),
            checks: Vec::new(),
        };
        let loaded = Configured::load(role, Some(&file), std::env::vars_os());
        match loaded.and_then(|configured| configured.validate().map(|()| configured)) {
            Ok(configured) => {
                findings.ok("configuration", file.display().to_string());
                machine::examine(&configured, &mut findings);
                if !args.embedded {
                    broker::examine(&configured, &mut findings).await;
                }
                roles::examine(&configured, &mut findings).await?;
            }
            Err(error) => findings.failed("configuration", error.to_string()),
        }
        checks.append(&mut findings.checks);
    }
    if checks.is_empty() {
        let folder = args.config.display();
        let error = format!(
            "{folder} has none of ingest.toml, moderation-rules.toml, archive.toml, console.toml"
        );
        return Err(ConfigError::invalid("--config", error).into());
    }
    Ok(checks)
}

#[cfg(test)]
mod tests;
