//! `stoa users`: accounts of the console, from the command line.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use crate::console::{ConsoleArgs, PartArgs};
use crate::rows::{Rows, text, texts};

/// Lists accounts of the console, makes and changes them.
#[derive(Debug, Args)]
pub(crate) struct UsersArgs {
    #[command(subcommand)]
    command: UsersCommand,
}

#[derive(Debug, Subcommand)]
enum UsersCommand {
    /// Lists accounts.
    List(PartArgs),
    /// Makes an account, and prints the link at which its person sets a password.
    Add(AddArgs),
    /// Changes name, role, sites or whether somebody may sign in.
    Change(ChangeArgs),
    /// Prints a new link at which a person sets a password.
    Link(OneArgs),
    /// Signs a person out everywhere.
    EndSessions(OneArgs),
    /// Takes the second step of a person away who has lost it.
    ResetTotp(OneArgs),
}

#[derive(Debug, Args)]
struct OneArgs {
    /// The name that they sign in with.
    user: String,
    #[command(flatten)]
    console: ConsoleArgs,
}

#[derive(Debug, Args)]
struct AddArgs {
    /// Their full name.
    #[arg(long, value_name = "NAME")]
    name: String,
    /// viewer, moderator, editor, auditor or admin.
    #[arg(long, value_name = "ROLE")]
    role: String,
    /// A site; say it once for each. All sites if absent.
    #[arg(long = "site", value_name = "ID", default_value = "*")]
    sites: Vec<String>,
    #[command(flatten)]
    one: OneArgs,
}

#[derive(Debug, Args)]
struct ChangeArgs {
    /// Their full name.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// viewer, moderator, editor, auditor or admin.
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// A site, in place of those before; say it once for each, `*` for all.
    #[arg(long = "site", value_name = "ID")]
    sites: Vec<String>,
    /// Keeps them out.
    #[arg(long)]
    disable: bool,
    /// Lets them in again.
    #[arg(long, conflicts_with = "disable")]
    enable: bool,
    #[command(flatten)]
    one: OneArgs,
}

/// Runs the command.
pub(crate) async fn run(args: UsersArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        UsersCommand::List(args) => args.list(&USERS).await,
        UsersCommand::Add(args) => {
            let one = &args.one;
            let body = json!({
                "user": one.user, "name": args.name, "role": args.role, "sites": args.sites,
            });
            let console = &one.console;
            let made = console.send(Method::POST, ["users"], Some(&body)).await?;
            console.say(&made, &text(&made, "link"))
        }
        UsersCommand::Change(args) => {
            let sites = (!args.sites.is_empty()).then_some(&args.sites);
            let disabled = (args.disable || args.enable).then_some(args.disable);
            let fields = [
                ("name", args.name.as_ref().map(|name| json!(name))),
                ("role", args.role.as_ref().map(|role| json!(role))),
                ("sites", sites.map(|sites| json!(sites))),
                ("disabled", disabled.map(|disabled| json!(disabled))),
            ];
            let fields = fields.into_iter();
            let given = fields.filter_map(|(key, value)| Some((key.to_owned(), value?)));
            let body = Value::Object(given.collect());
            let changed = args.one.send(Method::PATCH, None, Some(&body)).await?;
            USERS.one(&changed, args.one.console.json)
        }
        UsersCommand::Link(args) => {
            let made = args.send(Method::POST, Some("link"), None).await?;
            args.console.say(&made, &text(&made, "link"))
        }
        UsersCommand::EndSessions(args) => {
            let ended = args.send(Method::DELETE, Some("sessions"), None).await?;
            let user = text(&ended, "user");
            let said = match text(&ended, "ended").as_str() {
                "1" => format!("{user} is signed out of 1 session."),
                n => format!("{user} is signed out of {n} sessions."),
            };
            args.console.say(&ended, &said)
        }
        UsersCommand::ResetTotp(args) => {
            let changed = args.send(Method::DELETE, Some("second-step"), None).await?;
            USERS.one(&changed, args.console.json)
        }
    }
}

impl OneArgs {
    async fn send(
        &self,
        method: Method,
        what: Option<&str>,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let segments = ["users", self.user.as_str()].into_iter().chain(what);
        self.console.send(method, segments, body).await
    }
}

/// What is shown of accounts.
const USERS: Rows<6> = Rows {
    name: "users",
    header: ["user", "name", "role", "sites", "second step", "sessions"],
    row,
};

fn row(user: &Value) -> [String; 6] {
    let is = |name: &str| user.get(name).and_then(Value::as_bool).unwrap_or_default();
    let role = text(user, "role");
    [
        text(user, "user"),
        text(user, "name"),
        if is("disabled") {
            format!("{role}, disabled")
        } else {
            role
        },
        texts(user, "sites"),
        if is("second_step") { "yes" } else { "no" }.to_owned(),
        text(user, "sessions"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_as_they_are_written() {
        #[derive(clap::Parser)]
        #[command(version, propagate_version = true)]
        struct Line {
            #[command(flatten)]
            args: UsersArgs,
        }
        use clap::{CommandFactory as _, Parser as _};
        Line::command().debug_assert();
        for (line, works) in [
            ("list --limit 5", true),
            (
                "add zoe --name Zoe --role moderator --site a --site b",
                true,
            ),
            ("add zoe --name Zoe", false),
            ("change zoe --disable", true),
            ("change zoe --disable --enable", false),
            ("link zoe --json", true),
            ("end-sessions zoe", true),
            ("reset-totp zoe", true),
        ] {
            let words = ["users"].into_iter().chain(line.split(' '));
            assert_eq!(Line::try_parse_from(words).is_ok(), works, "{line}");
        }
    }

    #[test]
    fn a_row_tells_who_may_not_sign_in() {
        let user = json!({"user": "zoe", "name": "Zoé", "role": "editor", "sites": ["a", "b"],
            "disabled": true, "second_step": true, "sessions": 2});
        assert_eq!(
            row(&user),
            ["zoe", "Zoé", "editor, disabled", "a, b", "yes", "2"]
        );
    }
}
