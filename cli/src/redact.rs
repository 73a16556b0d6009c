//! `stoa redact`: has words forgotten, and shows what becomes of it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client;
use crate::client::rest::{Rest, with_query};
use crate::desk::address;
use crate::rows::{Rows, text};

/// Has words forgotten in every role, and shows what becomes of it: a comment's, or an author's.
#[derive(Debug, Args)]
pub(crate) struct RedactArgs {
    #[command(subcommand)]
    command: RedactCommand,
}

#[derive(Debug, Subcommand)]
enum RedactCommand {
    /// Asks for a redaction; it can be called off until its grace period is over.
    Request(RequestArgs),
    /// Lists redactions of a site.
    List(ListArgs),
    /// Shows one redaction.
    Show(OneArgs),
    /// Confirms a redaction that somebody else asked for.
    Confirm(OneArgs),
    /// Calls a redaction off.
    Cancel(OneArgs),
}

#[derive(Debug, Args)]
struct AdminArgs {
    /// Admin listener of the archive.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9083")]
    to: String,
    /// Token; to ask, to confirm and to call off it needs the role admin.
    #[arg(long, value_name = "TOKEN", env = "STOA_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// File with the token.
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
    /// The site's id.
    #[arg(long, value_name = "ID")]
    site: String,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct RequestArgs {
    /// The comment's id.
    #[arg(
        long,
        value_name = "ID",
        required_unless_present = "author",
        conflicts_with = "author"
    )]
    comment: Option<String>,
    /// The article's id, where several articles have a comment of this id.
    #[arg(long, value_name = "ID", requires = "comment")]
    article: Option<String>,
    /// The author's id: all of their comments.
    #[arg(long, value_name = "ID")]
    author: Option<String>,
    /// What goes.
    #[arg(long, value_enum, default_value_t = Scope::Content)]
    scope: Scope,
    /// The law or contract that asks for it, for the receipt.
    #[arg(long, value_name = "TEXT")]
    legal_basis: Option<String>,
    #[command(flatten)]
    admin: AdminArgs,
}

/// What goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Scope {
    /// The author's names; the words stay.
    Identity,
    /// The words.
    Content,
    /// Both.
    All,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Lists those alone that are not done.
    #[arg(long)]
    open: bool,
    /// Goes on after this one: `next` of the page before.
    #[arg(long, value_name = "ID")]
    after: Option<String>,
    /// How many at most, up to 500.
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    limit: usize,
    #[command(flatten)]
    admin: AdminArgs,
}

#[derive(Debug, Args)]
struct OneArgs {
    /// The redaction's id.
    redaction: String,
    #[command(flatten)]
    admin: AdminArgs,
}

/// Runs the command.
pub(crate) async fn run(args: RedactArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        RedactCommand::Request(args) => request(args).await,
        RedactCommand::List(args) => list(args).await,
        RedactCommand::Show(args) => one(args, Method::GET, None).await,
        RedactCommand::Confirm(args) => one(args, Method::POST, Some("confirm")).await,
        RedactCommand::Cancel(args) => one(args, Method::POST, Some("cancel")).await,
    }
}

async fn request(args: &RequestArgs) -> anyhow::Result<ExitCode> {
    let scope = match args.scope {
        Scope::Identity => "identity",
        Scope::Content => "content",
        Scope::All => "all",
    };
    let mut body = json!({"site": args.admin.site, "scope": scope});
    for (name, value) in [
        ("comment", &args.comment),
        ("article", &args.article),
        ("author", &args.author),
        ("legal_basis", &args.legal_basis),
    ] {
        if let (Some(value), Some(body)) = (value, body.as_object_mut()) {
            body.insert(name.to_owned(), value.as_str().into());
        }
    }
    let answer = args.admin.send(Method::POST, [], Some(&body)).await?;
    REDACTIONS.one(&answer, args.admin.json)
}

async fn list(args: &ListArgs) -> anyhow::Result<ExitCode> {
    let limit = args.limit.to_string();
    let query = [
        ("site", Some(args.admin.site.as_str())),
        ("open", args.open.then_some("true")),
        ("after", args.after.as_deref()),
        ("limit", Some(limit.as_str())),
    ];
    let path = with_query(&args.admin.url([])?, &query)?;
    let answer = args.admin.ask(Method::GET, &path, None).await?;
    REDACTIONS.page(&answer, args.admin.json)
}

async fn one(args: &OneArgs, method: Method, what: Option<&str>) -> anyhow::Result<ExitCode> {
    let segments = [args.admin.site.as_str(), &args.redaction];
    let path = segments.into_iter().chain(what);
    let answer = args.admin.send(method, path, None).await?;
    REDACTIONS.one(&answer, args.admin.json)
}

impl AdminArgs {
    /// Returns the address of the redactions, or of what is below them.
    fn url<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> anyhow::Result<String> {
        address(
            &self.to,
            "admin",
            ["redactions"].into_iter().chain(segments),
        )
    }

    async fn send<'a>(
        &self,
        method: Method,
        segments: impl IntoIterator<Item = &'a str>,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        self.ask(method, &self.url(segments)?, body).await
    }

    async fn ask(&self, method: Method, url: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let token = client::token(self.token.as_ref(), self.token_file.as_deref())?;
        let what = "the admin listener of an archive";
        Rest::new(token)?.expect(method, url, body, what).await
    }
}

/// What is shown of redactions.
const REDACTIONS: Rows<8> = Rows {
    name: "redactions",
    header: [
        "redaction",
        "state",
        "of",
        "scope",
        "by",
        "due at",
        "comments",
        "records",
    ],
    row,
};

fn row(redaction: &Value) -> [String; 8] {
    let text = |name: &str| text(redaction, name);
    let of = match (redaction.get("comment"), redaction.get("author")) {
        (Some(Value::String(_)), _) => format!("comment {}", text("comment")),
        (_, Some(Value::String(_))) => format!("author {}", text("author")),
        _ => String::new(),
    };
    let state = if redaction.get("needs_confirmation") == Some(&json!(true)) {
        format!("{}, to be confirmed", text("state"))
    } else {
        text("state")
    };
    [
        text("redaction"),
        state,
        of,
        text("scope"),
        text("requested_by"),
        text("due_at"),
        text("comments"),
        text("records"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_segments_of_the_address() {
        let admin = AdminArgs {
            to: "http://127.0.0.1:9083/".to_owned(),
            token: None,
            token_file: None,
            site: "s".to_owned(),
            json: false,
        };
        assert_eq!(
            admin.url(["a/b é", "r-1", "confirm"]).unwrap(),
            "http://127.0.0.1:9083/admin/redactions/a%2Fb%20%C3%A9/r-1/confirm"
        );
    }

    #[test]
    fn a_row_tells_whose_words_and_what_is_awaited() {
        let shown = json!({"redaction": "r-1", "state": "waiting", "author": "u-7",
            "scope": "all", "needs_confirmation": true, "comments": 0, "records": 0});
        let row = row(&shown);
        assert_eq!(
            (row[1].as_str(), row[2].as_str()),
            ("waiting, to be confirmed", "author u-7")
        );
    }
}
