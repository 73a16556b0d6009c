//! `stoa tokens`: tokens of the console, from the command line.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use crate::console::{ConsoleArgs, PartArgs};
use crate::rows::{Rows, text, texts};

/// Lists tokens with which programs ask the console, makes and ends them.
#[derive(Debug, Args)]
pub(crate) struct TokensArgs {
    #[command(subcommand)]
    command: TokensCommand,
}

#[derive(Debug, Subcommand)]
enum TokensCommand {
    /// Lists one's own tokens; with the role admin, everyone's.
    List(PartArgs),
    /// Makes a token, and prints its secret this once.
    Add(AddArgs),
    /// Ends a token.
    End(EndArgs),
}

#[derive(Debug, Args)]
struct AddArgs {
    /// What it is called.
    name: String,
    /// What it may do: no more than its person.
    #[arg(long, value_name = "ROLE")]
    role: String,
    /// A site; say it once for each. All sites if absent.
    #[arg(long = "site", value_name = "ID", default_value = "*")]
    sites: Vec<String>,
    /// For how many days it holds, up to 365.
    #[arg(long, value_name = "NUMBER", default_value_t = 30)]
    days: u32,
    /// Whose it is to be, for admins.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    #[command(flatten)]
    console: ConsoleArgs,
}

#[derive(Debug, Args)]
struct EndArgs {
    /// The token's id, as listed.
    #[arg(value_name = "TOKEN")]
    id: String,
    #[command(flatten)]
    console: ConsoleArgs,
}

/// Runs the command.
pub(crate) async fn run(args: TokensArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        TokensCommand::List(args) => args.list(&TOKENS).await,
        TokensCommand::Add(args) => {
            let body = json!({
                "name": args.name, "role": args.role, "sites": args.sites, "days": args.days,
                "user": args.user,
            });
            let sent = args.console.send(Method::POST, ["tokens"], Some(&body));
            let made = sent.await?;
            args.console.say(&made, &text(&made, "secret"))
        }
        TokensCommand::End(args) => {
            let segments = ["tokens", args.id.as_str()];
            let ended = args.console.send(Method::DELETE, segments, None).await?;
            let said = format!(
                "The token {} of {} is ended.",
                text(&ended, "name"),
                text(&ended, "user")
            );
            args.console.say(&ended, &said)
        }
    }
}

/// What is shown of tokens.
const TOKENS: Rows<7> = Rows {
    name: "tokens",
    header: [
        "token",
        "name",
        "user",
        "role",
        "sites",
        "expires",
        "last used",
    ],
    row,
};

fn row(token: &Value) -> [String; 7] {
    [
        text(token, "token"),
        text(token, "name"),
        text(token, "user"),
        text(token, "role"),
        texts(token, "sites"),
        text(token, "expires_at"),
        text(token, "used_at"),
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
            args: TokensArgs,
        }
        use clap::{CommandFactory as _, Parser as _};
        Line::command().debug_assert();
        for (line, works) in [
            ("list", true),
            ("add ci --role viewer --site a --days 7 --user zoe", true),
            ("add ci", false),
            ("end 0123456789abcdef --json", true),
            ("end", false),
        ] {
            let words = ["tokens"].into_iter().chain(line.split(' '));
            assert_eq!(Line::try_parse_from(words).is_ok(), works, "{line}");
        }
    }

    #[test]
    fn a_row_tells_what_a_token_may() {
        let token = json!({"token": "t", "name": "ci", "user": "zoe", "role": "viewer", "sites": ["a", "b"],
            "expires_at": "2026-12-24T18:00:00Z", "used_at": null});
        let expected = [
            "t",
            "ci",
            "zoe",
            "viewer",
            "a, b",
            "2026-12-24T18:00:00Z",
            "",
        ];
        assert_eq!(row(&token), expected);
    }
}
