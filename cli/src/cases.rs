//! `stoa cases`: the review desk, from the command line.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::rest::with_query;
use crate::desk::{DECISIONS, DeskArgs};
use crate::output;
use crate::rows::{Rows, list, text, texts};

/// Lists cases, shows them, and does with them what moderators do.
#[derive(Debug, Args)]
pub(crate) struct CasesArgs {
    #[command(subcommand)]
    command: CasesCommand,
}

#[derive(Debug, Subcommand)]
enum CasesCommand {
    /// Lists cases: what is escalated first, then by when they are due.
    List(ListArgs),
    /// Shows one case with its text, its decisions and its notes.
    Show(OneArgs),
    /// Makes a case yours for some minutes.
    Claim(ClaimArgs),
    /// Gives a case back.
    Release(OneArgs),
    /// Writes a note.
    Note(NoteArgs),
    /// Has a case looked at before others.
    Escalate(EscalateArgs),
    /// Approves a case's comment.
    Approve(ApproveArgs),
    /// Rejects a case's comment.
    Reject(RejectArgs),
    /// Undoes a moderator's decision, and opens its case again.
    Undo(UndoArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    /// The site's id.
    #[arg(long, value_name = "ID")]
    site: Option<String>,
    /// Lists closed cases, newest first.
    #[arg(long)]
    closed: bool,
    /// Lists those that `me`, `none` or a moderator has claimed.
    #[arg(long, value_name = "NAME")]
    assignee: Option<String>,
    /// Lists those alone that are escalated.
    #[arg(long)]
    escalated: bool,
    /// Lists those with this label.
    #[arg(long, value_name = "LABEL")]
    label: Option<String>,
    /// Lists those of this author.
    #[arg(long, value_name = "ID")]
    author: Option<String>,
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
    /// The case's id.
    case: String,
    #[command(flatten)]
    admin: DeskArgs,
}

#[derive(Debug, Args)]
struct ClaimArgs {
    /// For how many minutes, 1 to 60; what the configuration says if absent.
    #[arg(long, value_name = "NUMBER")]
    minutes: Option<u8>,
    #[command(flatten)]
    one: OneArgs,
}

#[derive(Debug, Args)]
struct NoteArgs {
    #[command(flatten)]
    one: OneArgs,
    /// What is noted.
    text: String,
}

#[derive(Debug, Args)]
struct EscalateArgs {
    /// Why.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Ends it.
    #[arg(long, conflicts_with = "note")]
    end: bool,
    #[command(flatten)]
    one: OneArgs,
}

#[derive(Debug, Args)]
struct ApproveArgs {
    /// The version that you saw: if the case has another one by now, it is not decided.
    #[arg(long, value_name = "VERSION")]
    seen: Option<u64>,
    #[command(flatten)]
    one: OneArgs,
}

#[derive(Debug, Args)]
struct RejectArgs {
    /// The reason's code.
    #[arg(long, value_name = "CODE")]
    reason: String,
    /// What the author is told, in place of the reason's own text.
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// The version that you saw: if the case has another one by now, it is not decided.
    #[arg(long, value_name = "VERSION")]
    seen: Option<u64>,
    #[command(flatten)]
    one: OneArgs,
}

#[derive(Debug, Args)]
struct UndoArgs {
    /// The decision's id.
    decision: String,
    #[command(flatten)]
    admin: DeskArgs,
}

/// Runs the command.
pub(crate) async fn run(args: CasesArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        CasesCommand::List(args) => page(args).await,
        CasesCommand::Show(args) => show(args).await,
        CasesCommand::Claim(args) => {
            let body = json!({"minutes": args.minutes});
            args.one.act(Method::POST, "claim", Some(&body)).await
        }
        CasesCommand::Release(args) => args.act(Method::DELETE, "claim", None).await,
        CasesCommand::Note(args) => {
            let body = json!({"text": args.text});
            let note = args
                .one
                .send(Method::POST, Some("notes"), Some(&body))
                .await?;
            NOTES.one(&note, args.one.admin.json)
        }
        CasesCommand::Escalate(args) if args.end => {
            args.one.act(Method::DELETE, "escalate", None).await
        }
        CasesCommand::Escalate(args) => {
            let body = json!({"note": args.note});
            args.one.act(Method::POST, "escalate", Some(&body)).await
        }
        CasesCommand::Approve(args) => {
            let body = json!({"verdict": "approve", "version": args.seen});
            args.one.decide(&body).await
        }
        CasesCommand::Reject(args) => {
            let reason = json!({"code": args.reason, "text": args.text});
            let body = json!({"verdict": "reject", "reason": reason, "version": args.seen});
            args.one.decide(&body).await
        }
        CasesCommand::Undo(args) => {
            let segments = ["decisions", args.decision.as_str(), "undo"];
            let answer = args.admin.send(Method::POST, segments, None).await?;
            args.admin.decided(&answer)
        }
    }
}

async fn page(args: &ListArgs) -> anyhow::Result<ExitCode> {
    let limit = args.limit.to_string();
    let query = [
        ("site", args.site.as_deref()),
        ("status", args.closed.then_some("closed")),
        ("assignee", args.assignee.as_deref()),
        ("escalated", args.escalated.then_some("true")),
        ("label", args.label.as_deref()),
        ("author", args.author.as_deref()),
        ("after", args.after.as_deref()),
        ("limit", Some(limit.as_str())),
    ];
    let url = with_query(&args.admin.url(["cases"])?, &query)?;
    let answer = args.admin.ask(Method::GET, &url, None).await?;
    CASES.page(&answer, args.admin.json)
}

async fn show(args: &OneArgs) -> anyhow::Result<ExitCode> {
    let case = args.send(Method::GET, None, None).await?;
    if args.admin.json {
        output::json(&case)?;
        return Ok(ExitCode::SUCCESS);
    }
    CASES.table([&case]);
    output::line("");
    output::line(&match text(&case, "text") {
        text if text.is_empty() => "The words were erased.".to_owned(),
        text => text,
    });
    output::line("");
    DECISIONS.table(list(&case, "decisions"));
    if list(&case, "notes").next().is_some() {
        output::line("");
        NOTES.table(list(&case, "notes"));
    }
    Ok(ExitCode::SUCCESS)
}

impl OneArgs {
    async fn send(
        &self,
        method: Method,
        what: Option<&str>,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let segments = ["cases", self.case.as_str()].into_iter().chain(what);
        self.admin.send(method, segments, body).await
    }

    /// Does something at the case, and shows the case then.
    async fn act(
        &self,
        method: Method,
        what: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<ExitCode> {
        let case = self.send(method, Some(what), body).await?;
        CASES.one(&case, self.admin.json)
    }

    async fn decide(&self, body: &Value) -> anyhow::Result<ExitCode> {
        let answer = self
            .send(Method::POST, Some("decision"), Some(body))
            .await?;
        self.admin.decided(&answer)
    }
}

/// What is shown of cases.
const CASES: Rows<9> = Rows {
    name: "cases",
    header: [
        "case",
        "status",
        "site",
        "comment",
        "author",
        "priority",
        "version",
        "labels",
        "claimed by",
    ],
    row: case_row,
};

/// What is shown of notes.
const NOTES: Rows<3> = Rows {
    name: "notes",
    header: ["at", "by", "note"],
    row: |note| ["at", "author", "text"].map(|name| text(note, name)),
};

fn case_row(case: &Value) -> [String; 9] {
    let status = match case.get("escalated") {
        None | Some(Value::Null) => text(case, "status"),
        Some(_) => format!("{}, escalated", text(case, "status")),
    };
    let claimed = case.get("assignee").filter(|claim| claim.is_object());
    let claimed = claimed.map(|claim| {
        format!(
            "{} until {}",
            text(claim, "moderator"),
            text(claim, "until")
        )
    });
    [
        text(case, "case"),
        status,
        text(case, "site"),
        text(case, "comment"),
        text(case, "author"),
        text(case, "priority"),
        text(case, "version"),
        texts(case, "labels"),
        claimed.unwrap_or_default(),
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
            args: CasesArgs,
        }
        use clap::{CommandFactory as _, Parser as _};
        Line::command().debug_assert();
        for (line, works) in [
            ("list --assignee me --escalated --limit 5", true),
            ("reject case-1 --reason insult --seen 3", true),
            ("reject case-1", false),
            ("escalate case-1 --end --note why", false),
            ("note case-1", false),
            ("undo d-1 --json", true),
        ] {
            let words = ["cases"].into_iter().chain(line.split(' '));
            assert_eq!(Line::try_parse_from(words).is_ok(), works, "{line}");
        }
    }

    #[test]
    fn rows_tell_whose_a_case_is() {
        let case = json!({"case": "case-1", "status": "open", "labels": ["insult", "spam"],
            "escalated": {"by": "boris"}, "priority": 10,
            "assignee": {"moderator": "anne", "until": "2026-11-24T12:10:00Z"}});
        let row = case_row(&case);
        assert_eq!(row[1], "open, escalated");
        assert_eq!(row[5], "10");
        assert_eq!(row[7], "insult, spam");
        assert_eq!(row[8], "anne until 2026-11-24T12:10:00Z");
        let free = case_row(&json!({"status": "open", "escalated": null, "assignee": null}));
        assert_eq!((free[1].as_str(), free[8].as_str()), ("open", ""));
    }
}
