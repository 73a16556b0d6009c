//! `stoa parked`: what a role has refused, and what waits behind it.

mod api;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use self::api::Api;
use crate::output;

/// Shows, retries and drops what a role has parked: events that it refused, with those of the
/// same threads that came later.
#[derive(Debug, Args)]
pub(crate) struct ParkedArgs {
    #[command(subcommand)]
    command: ParkedCommand,
}

#[derive(Debug, Subcommand)]
enum ParkedCommand {
    /// Lists what is parked, oldest first.
    List(ListArgs),
    /// Shows a message with its attempts, its headers and its body.
    Show(ShowArgs),
    /// Handles threads again, each from its first message on.
    Retry(RetryArgs),
    /// Forgets a message for good; the rest of its thread is then retried.
    Drop(DropArgs),
}

/// Which role, and with which right.
#[derive(Debug, Args)]
struct AdminArgs {
    /// Admin listener of a role, such as `http://127.0.0.1:9081` of ingest; moderation-rules and
    /// archive have 9082 and 9083, also of `stoa up`.
    #[arg(long, value_name = "URL")]
    to: String,
    /// Token.
    #[arg(long, value_name = "TOKEN", env = "STOA_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// File with the token.
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ListArgs {
    #[command(flatten)]
    admin: AdminArgs,
    /// Lists this site's alone.
    #[arg(long, value_name = "ID")]
    site: Option<String>,
    /// Lists this thread's alone.
    #[arg(long, value_name = "ID")]
    thread: Option<String>,
    /// How many at most.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    limit: usize,
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// The message's number, as listed.
    id: u64,
    #[command(flatten)]
    admin: AdminArgs,
}

#[derive(Debug, Args)]
struct RetryArgs {
    /// A message's number: its thread is retried.
    #[arg(required_unless_present = "all")]
    id: Option<u64>,
    /// Retries every thread.
    #[arg(long, conflicts_with = "id")]
    all: bool,
    #[command(flatten)]
    admin: AdminArgs,
}

#[derive(Debug, Args)]
struct DropArgs {
    /// The message's number, as listed.
    id: u64,
    /// Why, for the record.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    admin: AdminArgs,
}

/// Runs the command.
pub(crate) async fn run(args: ParkedArgs) -> anyhow::Result<ExitCode> {
    match args.command {
        ParkedCommand::List(args) => list(&args).await,
        ParkedCommand::Show(args) => show(&args).await,
        ParkedCommand::Retry(args) => retry(&args).await,
        ParkedCommand::Drop(args) => drop(&args).await,
    }
}

async fn list(args: &ListArgs) -> anyhow::Result<ExitCode> {
    let api = Api::new(&args.admin)?;
    let (site, thread) = (args.site.as_deref(), args.thread.as_deref());
    let (parked, more) = api.list(site, thread, args.limit).await?;
    if args.admin.json {
        output::json(&parked)?;
    } else if parked.is_empty() {
        output::line("Nothing is parked.");
    } else {
        let header = [
            "id",
            "state",
            "site",
            "thread",
            "event",
            "type",
            "attempts",
            "parked at",
            "bytes",
            "reason",
        ];
        let rows: Vec<_> = parked.iter().map(row).collect();
        output::table(header, &rows);
    }
    if more {
        output::note("there are more: raise --limit");
    }
    Ok(ExitCode::SUCCESS)
}

fn row(parked: &Value) -> [String; 10] {
    let fields = [
        "id",
        "state",
        "site",
        "thread",
        "event",
        "type",
        "attempts",
        "parked_at",
        "bytes",
    ];
    let [id, state, site, thread, event, kind, attempts, at, bytes] =
        fields.map(|field| text(parked, field));
    let reason = match parked.get("behind") {
        Some(Value::Number(first)) if state == "waiting" => format!("behind {first}"),
        _ => text(parked, "reason"),
    };
    [
        id, state, site, thread, event, kind, attempts, at, bytes, reason,
    ]
}

async fn show(args: &ShowArgs) -> anyhow::Result<ExitCode> {
    let whole = Api::new(&args.admin)?.one(args.id).await?;
    if args.admin.json {
        output::json(&whole)?;
        return Ok(ExitCode::SUCCESS);
    }
    let fields = [
        "id",
        "state",
        "site",
        "thread",
        "event",
        "source",
        "type",
        "reason",
        "behind",
        "attempts",
        "parked_at",
        "content_type",
        "bytes",
    ];
    let mut rows: Vec<[String; 2]> = fields
        .into_iter()
        .map(|field| [field.replace('_', " "), text(&whole, field)])
        .filter(|[_, value]| !value.is_empty())
        .collect();
    for attempt in list_of(&whole, "history") {
        let attempt = format!("{}: {}", text(attempt, "at"), text(attempt, "reason"));
        rows.push(["attempt".to_owned(), attempt]);
    }
    for header in list_of(&whole, "headers") {
        let part = |index| {
            header
                .get(index)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        rows.push(["header".to_owned(), format!("{}: {}", part(0), part(1))]);
    }
    for (name, field) in [("body", "body"), ("body, base64", "body_base64")] {
        let body = text(&whole, field);
        if !body.is_empty() {
            rows.push([name.to_owned(), body]);
        }
    }
    output::table(["field", "value"], &rows);
    Ok(ExitCode::SUCCESS)
}

/// Exit code 1 if something is still parked afterwards.
async fn retry(args: &RetryArgs) -> anyhow::Result<ExitCode> {
    let api = Api::new(&args.admin)?;
    let firsts = match args.id {
        Some(id) => vec![id],
        None => api.firsts().await?,
    };
    let mut came = Vec::new();
    for id in firsts {
        match api.retry(id).await? {
            Some(mut answer) => {
                if let Some(answer) = answer.as_object_mut() {
                    answer.insert("id".to_owned(), json!(id));
                }
                came.push(answer);
            }
            // Of all that were listed, this one was handled meanwhile.
            None if args.all => {}
            None => anyhow::bail!(
                "no message with the id {id} is parked: `stoa parked list` shows those that are"
            ),
        }
    }
    if args.admin.json {
        output::json(&came)?;
    } else if came.is_empty() {
        output::line("Nothing is parked.");
    } else {
        let fields = ["id", "result", "handled", "left", "reason"];
        let rows: Vec<_> = came
            .iter()
            .map(|answer| fields.map(|field| text(answer, field)))
            .collect();
        output::table(fields, &rows);
    }
    let handled = |answer: &Value| answer.get("result") == Some(&json!("handled"));
    Ok(if came.iter().all(handled) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn drop(args: &DropArgs) -> anyhow::Result<ExitCode> {
    let answer = Api::new(&args.admin)?.drop(args.id, &args.reason).await?;
    if args.admin.json {
        output::json(&answer)?;
    } else {
        let left = answer
            .get("left")
            .and_then(Value::as_u64)
            .unwrap_or_default();
        output::line(&match left {
            0 => format!("{} is dropped.", args.id),
            left => format!(
                "{} is dropped; {left} that came later in its thread are being retried.",
                args.id
            ),
        });
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns a field as text; nothing if it is absent.
fn text(value: &Value, field: &str) -> String {
    match value.get(field) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn list_of<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    let list = value.get(field).and_then(Value::as_array);
    list.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: ParkedArgs,
    }

    fn parse(line: &str) -> Result<Line, clap::Error> {
        Line::try_parse_from(["parked"].into_iter().chain(line.split(' ')))
    }

    #[test]
    fn a_retry_is_of_one_or_of_all() {
        for (line, is_right) in [
            ("retry 3 --to http://h", true),
            ("retry --all --to http://h", true),
            ("retry --to http://h", false),
            ("retry 3 --all --to http://h", false),
            ("retry 3", false),
            ("drop 3 --reason spam --to http://h", true),
            ("drop 3 --to http://h", false),
        ] {
            assert_eq!(parse(line).is_ok(), is_right, "{line}");
        }
    }

    #[test]
    fn a_row_says_why_or_behind_what() {
        let refused = json!({"id": 1, "state": "refused", "reason": "no", "behind": null});
        assert_eq!(row(&refused)[9], "no");
        let waiting = json!({"id": 2, "state": "waiting", "reason": null, "behind": 1});
        assert_eq!(row(&waiting)[9], "behind 1");
        let again = json!({"id": 2, "state": "refused", "reason": "no", "behind": 1});
        assert_eq!(row(&again)[9], "no");
        assert_eq!(row(&waiting)[3], "", "what is absent is left out");
    }
}
