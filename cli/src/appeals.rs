//! `stoa appeals`: authors' appeals against decisions, from the command line.

use std::process::ExitCode;

use clap::builder::PossibleValue;
use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::rest::with_query;
use crate::desk::{DECISIONS, DeskArgs};
use crate::output;
use crate::rows::{Rows, text, texts};

/// Lists appeals, shows them and decides them.
#[derive(Debug, Args)]
pub(crate) struct AppealsArgs {
    #[command(subcommand)]
    command: AppealsCommand,
}

#[derive(Debug, Subcommand)]
enum AppealsCommand {
    /// Lists appeals: open ones oldest first, ended ones newest first.
    List(ListArgs),
    /// Shows an appeal with its words, what it is against, and what stands.
    Show(OneArgs),
    /// Rejects the comment once more: the decision stands.
    Uphold(UpholdArgs),
    /// Approves the comment: the decision does not stand any more.
    Reverse(ReverseArgs),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Status {
    Open,
    Upheld,
    Reversed,
    Moot,
    Refused,
    All,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Which ones.
    #[arg(long, value_name = "STATUS", default_value = "open")]
    status: Status,
    /// The site's id.
    #[arg(long, value_name = "ID")]
    site: Option<String>,
    /// The comment's id.
    #[arg(long, value_name = "ID")]
    comment: Option<String>,
    /// The author's id.
    #[arg(long, value_name = "ID")]
    author: Option<String>,
    /// The id of the decision that they are against.
    #[arg(long, value_name = "ID")]
    decision: Option<String>,
    /// Lists those alone that the token may decide.
    #[arg(long)]
    decidable: bool,
    /// Goes on after this one: `next` of the page before.
    #[arg(long, value_name = "PLACE")]
    after: Option<String>,
    /// How many at most, up to 500.
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    limit: usize,
    #[command(flatten)]
    admin: DeskArgs,
}

#[derive(Debug, Args)]
struct OneArgs {
    /// The appeal's id, as listed.
    appeal: String,
    #[command(flatten)]
    admin: DeskArgs,
}

#[derive(Debug, Args)]
struct UpholdArgs {
    /// The reason's code; absent: the statement of the rejection that stands.
    #[arg(long, value_name = "CODE")]
    reason: Option<String>,
    /// What the author is told, in place of the reason's own text.
    #[arg(long, value_name = "TEXT", requires = "reason")]
    text: Option<String>,
    /// The version of the case that you saw: if it has another one by now, nothing is decided.
    #[arg(long, value_name = "VERSION")]
    seen: Option<u64>,
    #[command(flatten)]
    one: OneArgs,
}

#[derive(Debug, Args)]
struct ReverseArgs {
    /// The version of the case that you saw: if it has another one by now, nothing is decided.
    #[arg(long, value_name = "VERSION")]
    seen: Option<u64>,
    #[command(flatten)]
    one: OneArgs,
}

/// Runs the command.
pub(crate) async fn run(args: AppealsArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        AppealsCommand::List(args) => list(args).await,
        AppealsCommand::Show(args) => show(args).await,
        AppealsCommand::Uphold(args) => {
            let reason = args.reason.as_ref();
            let reason = reason.map(|code| json!({"code": code, "text": args.text}));
            let body = json!({"outcome": "upheld", "reason": reason, "version": args.seen});
            args.one.resolve(&body).await
        }
        AppealsCommand::Reverse(args) => {
            let body = json!({"outcome": "reversed", "version": args.seen});
            args.one.resolve(&body).await
        }
    }
}

async fn list(args: &ListArgs) -> anyhow::Result<ExitCode> {
    let limit = args.limit.to_string();
    let status = args.status.to_possible_value();
    let query = [
        ("status", status.as_ref().map(PossibleValue::get_name)),
        ("site", args.site.as_deref()),
        ("comment", args.comment.as_deref()),
        ("author", args.author.as_deref()),
        ("decision", args.decision.as_deref()),
        ("decidable", args.decidable.then_some("true")),
        ("after", args.after.as_deref()),
        ("limit", Some(limit.as_str())),
    ];
    let url = with_query(&args.admin.url(["appeals"])?, &query)?;
    let answer = args.admin.ask(Method::GET, &url, None).await?;
    APPEALS.page(&answer, args.admin.json)
}

async fn show(args: &OneArgs) -> anyhow::Result<ExitCode> {
    let segments = ["appeals", args.appeal.as_str()];
    let appeal = args.admin.send(Method::GET, segments, None).await?;
    if args.admin.json {
        output::json(&appeal)?;
        return Ok(ExitCode::SUCCESS);
    }
    APPEALS.table([&appeal]);
    output::line("");
    output::line(&match text(&appeal, "text") {
        text if text.is_empty() => "There are no words.".to_owned(),
        text => text,
    });
    let decisions = ["appealed", "stands"].map(|name| appeal.get(name));
    let decisions = decisions.into_iter().flatten();
    let mut decisions: Vec<&Value> = decisions.filter(|one| one.is_object()).collect();
    decisions.dedup();
    output::line("");
    DECISIONS.table(decisions);
    Ok(ExitCode::SUCCESS)
}

impl OneArgs {
    async fn resolve(&self, body: &Value) -> anyhow::Result<ExitCode> {
        let segments = ["appeals", self.appeal.as_str(), "resolution"];
        let answer = self.admin.send(Method::POST, segments, Some(body)).await?;
        APPEALS.one(&answer, self.admin.json)
    }
}

/// What is shown of appeals.
const APPEALS: Rows<7> = Rows {
    name: "appeals",
    header: [
        "appeal", "status", "site", "comment", "decision", "against", "received",
    ],
    row,
};

fn row(appeal: &Value) -> [String; 7] {
    let status = match text(appeal, "why") {
        why if why.is_empty() => text(appeal, "status"),
        why => format!("{}, {why}", text(appeal, "status")),
    };
    [
        text(appeal, "id"),
        status,
        text(appeal, "site"),
        text(appeal, "comment"),
        text(appeal, "decision"),
        texts(appeal, "moderators"),
        text(appeal, "received_at"),
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
            args: AppealsArgs,
        }
        use clap::{CommandFactory as _, Parser as _};
        Line::command().debug_assert();
        for (line, works) in [
            ("list --status upheld --site courrier --decidable", true),
            ("list --status lost", false),
            ("show appeal-1 --json", true),
            ("uphold appeal-1 --seen 3", true),
            ("uphold appeal-1 --reason insult --text why", true),
            ("uphold appeal-1 --text why", false),
            ("reverse appeal-1 --reason insult", false),
            ("reverse", false),
        ] {
            let words = ["appeals"].into_iter().chain(line.split(' '));
            assert_eq!(Line::try_parse_from(words).is_ok(), works, "{line}");
        }
    }

    #[test]
    fn rows_tell_why_and_against_whom() {
        let appeal = json!({"id": "appeal-1", "status": "refused", "why": "too_late",
            "moderators": ["anne", "boris"], "decision": null});
        let row = row(&appeal);
        assert_eq!(row[1], "refused, too_late");
        assert_eq!((row[4].as_str(), row[5].as_str()), ("", "anne, boris"));
    }
}
