//! `stoa export dsa`: statements of reasons for the Transparency Database of the Digital Services Act.
//!
//! As JSON each line is a batch of at most 100, as the database takes it with
//! `POST /api/v1/statements`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use reqwest::Method;
use serde_json::{Value, json};

use super::out::Out;
use crate::client::rest::with_query;
use crate::desk::DeskArgs;
use crate::output;
use crate::rows::text;

/// Exports statements of reasons.
#[derive(Debug, Args)]
pub(super) struct DsaArgs {
    /// The site's id; absent: all that the token is for.
    #[arg(long, value_name = "ID")]
    site: Option<String>,
    /// The first day, in UTC.
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// The last day.
    #[arg(long, value_name = "DAY")]
    to: Option<String>,
    /// How they are written.
    #[arg(long, value_name = "FORMAT", default_value = "json")]
    format: Format,
    /// File that is written; `-` for standard output.
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
    /// Replaces a file that exists.
    #[arg(long)]
    force: bool,
    /// Admin listener of moderation-rules.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9082")]
    url: String,
    /// Token with the role viewer.
    #[arg(long, value_name = "TOKEN", env = "STOA_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// File with the token.
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Json,
    Csv,
}

/// Runs the command.
pub(super) async fn run(args: &DsaArgs) -> anyhow::Result<ExitCode> {
    let desk = DeskArgs::new(
        args.url.clone(),
        args.token.clone(),
        args.token_file.clone(),
    );
    let address = desk.url(["statements"])?;
    let mut out = Out::create(&args.out, args.force)?;
    let mut cursor: Option<String> = None;
    loop {
        let format = (args.format == Format::Csv).then_some("csv");
        let query = [
            ("site", args.site.as_deref()),
            ("from", args.from.as_deref()),
            ("to", args.to.as_deref()),
            ("cursor", cursor.as_deref()),
            ("format", format),
        ];
        let url = with_query(&address, &query)?;
        let (written, next) = match args.format {
            Format::Json => {
                let page = desk.ask(Method::GET, &url, None).await?;
                (batch(&page)?, next(&page))
            }
            Format::Csv => {
                let (page, next) = desk.page(&url).await?;
                (rows(page, cursor.is_none()), next)
            }
        };
        out.write_all(written.as_bytes())
            .context("can't write the statements")?;
        match next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    out.finish()?;
    Ok(ExitCode::SUCCESS)
}

fn next(page: &Value) -> Option<String> {
    let next = page.get("next").and_then(Value::as_str);
    next.map(str::to_owned)
}

/// Returns a batch on a line; an empty one is none. What the database would refuse is told.
fn batch(page: &Value) -> anyhow::Result<String> {
    let invalid = page.get("invalid").and_then(Value::as_array);
    for one in invalid.into_iter().flatten() {
        let [puid, field, detail] = ["puid", "field", "detail"].map(|name| text(one, name));
        output::note(&format!("{puid} is left out: {field}: {detail}"));
    }
    let erased = page.get("erased").and_then(Value::as_u64);
    if let Some(erased) = erased.filter(|erased| *erased > 0) {
        output::note(&format!(
            "{erased} restrictions are left out: what their statements say was erased with the comments"
        ));
    }
    let statements = page.get("statements").filter(|statements| {
        let statements = statements.as_array();
        statements.is_some_and(|statements| !statements.is_empty())
    });
    Ok(match statements {
        Some(statements) => {
            let batch = json!({"statements": statements});
            format!("{}\n", serde_json::to_string(&batch)?)
        }
        None => String::new(),
    })
}

/// Returns the rows of a page; its names stand on the first one alone.
fn rows(page: String, is_first: bool) -> String {
    if is_first {
        return page;
    }
    let rows = page.split_once("\r\n");
    rows.map(|(_, rows)| rows.to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_what_the_database_takes() {
        let page = json!({"statements": [{"puid": "a"}], "next": "20.1",
            "invalid": [{"puid": "b", "field": "category", "detail": "no"}]});
        assert_eq!(
            batch(&page).unwrap(),
            "{\"statements\":[{\"puid\":\"a\"}]}\n"
        );
        assert_eq!(next(&page).as_deref(), Some("20.1"));
        let empty = json!({"statements": []});
        assert_eq!(
            (batch(&empty).unwrap(), next(&empty)),
            (String::new(), None)
        );
        let text = "puid\r\na\r\n".to_owned();
        assert_eq!(rows(text.clone(), true), text);
        assert_eq!(rows(text, false), "a\r\n");
    }
}
