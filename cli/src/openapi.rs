//! `stoa openapi ROLE`: the OpenAPI 3.1 document of a listener, as `/openapi.json` answers it.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use crate::output;
use crate::roles::Role;

/// Prints the OpenAPI 3.1 document of a role's listener, as its `/openapi.json` answers it.
#[derive(Debug, Args)]
pub(crate) struct OpenapiArgs {
    /// The role.
    role: Role,
    /// The admin listener's, instead of the public one's.
    #[arg(long)]
    admin: bool,
}

/// Runs the command.
pub(crate) fn run(args: &OpenapiArgs) -> anyhow::Result<ExitCode> {
    let [public, admin] = documents(args.role);
    let document = if args.admin { admin } else { public };
    output::line(&serde_json::to_string_pretty(&document)?);
    Ok(ExitCode::SUCCESS)
}

/// The documents of a role's public and admin listener.
fn documents(role: Role) -> [Value; 2] {
    match role {
        Role::Ingest => stoa_ingest::openapi(),
        Role::Archive => stoa_archive::openapi(),
        Role::ModerationRules => stoa_moderation_rules::openapi(),
        Role::Console => stoa_console::openapi(),
    }
}

#[cfg(test)]
mod tests;
