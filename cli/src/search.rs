//! `stoa search`: words in an archive's comments and articles.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use reqwest::Method;
use serde_json::Value;

use crate::client::rest::Rest;
use crate::{client, output};

/// Finds words in the comments and articles of an archive: `word "a phrase" begin* -without one OR other`.
#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    /// What to look for; nothing lists what the filters leave, the newest first.
    #[arg(default_value = "")]
    words: String,
    /// Public listener of an archive.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8083")]
    archive: String,
    /// Looks on this site; without it, on all sites, if the token is for all.
    #[arg(long, value_name = "ID")]
    site: Option<String>,
    /// Further filters of `GET /v1/search`, such as `status=pending` or `from=2026-11-24`.
    #[arg(long = "where", value_name = "NAME=VALUE")]
    filters: Vec<String>,
    /// Order: relevance, newest or oldest.
    #[arg(long, value_name = "ORDER")]
    sort: Option<String>,
    /// How many at most, up to 100.
    #[arg(long, value_name = "NUMBER")]
    limit: Option<u8>,
    /// Goes on after a page: its `next`.
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
    /// Token; without one, what everyone may read is found.
    #[arg(long, value_name = "TOKEN", env = "STOA_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// File with the token.
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
    /// Prints JSON, as the archive answers.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) async fn run(args: SearchArgs) -> anyhow::Result<ExitCode> {
    let answer = ask(&args).await?;
    if args.json {
        output::json(&answer)?;
        return Ok(ExitCode::SUCCESS);
    }
    let hits = answer.get("hits").and_then(Value::as_array);
    let rows: Vec<[String; 5]> = hits.into_iter().flatten().map(row).collect();
    output::table(
        ["site", "comment or article", "at", "status", "text"],
        &rows,
    );
    let total = answer.get("total").and_then(Value::as_u64);
    let shown = rows.len();
    output::note(&format!("{shown} of {} hits", total.unwrap_or_default()));
    if let Some(next) = answer.get("next").and_then(Value::as_str) {
        output::note(&format!("more with --after {next}"));
    }
    Ok(ExitCode::SUCCESS)
}

async fn ask(args: &SearchArgs) -> anyhow::Result<Value> {
    let base = format!("{}/v1/search", args.archive.trim_end_matches('/'));
    let url = reqwest::Url::parse_with_params(&base, parameters(args)?);
    let url = url.with_context(|| format!("{base} is no address"))?;
    let rest = Rest::new(client::token(
        args.token.as_ref(),
        args.token_file.as_deref(),
    )?)?;
    let what = "the public listener of an archive";
    rest.expect(Method::GET, url.as_str(), None, what).await
}

/// Lists the parameters of the request.
fn parameters(args: &SearchArgs) -> anyhow::Result<Vec<(String, String)>> {
    let limit = args.limit.map(|limit| limit.to_string());
    let named = [
        ("q", Some(&args.words)),
        ("site", args.site.as_ref()),
        ("sort", args.sort.as_ref()),
        ("limit", limit.as_ref()),
        ("after", args.after.as_ref()),
    ];
    let mut parameters: Vec<(String, String)> = named
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.clone())))
        .collect();
    for filter in &args.filters {
        let Some((name, value)) = filter.split_once('=') else {
            bail!("--where {filter}: write it like --where status=pending");
        };
        parameters.push((name.to_owned(), value.to_owned()));
    }
    Ok(parameters)
}

/// Makes the row of a hit.
fn row(hit: &Value) -> [String; 5] {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let comment = hit.get("comment").filter(|comment| !comment.is_null());
    [
        text(hit.get("site")),
        text(comment.or_else(|| hit.get("article"))),
        text(hit.get("at")),
        text(hit.get("status")),
        text(hit.pointer("/snippet/text")),
    ]
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: SearchArgs,
    }

    #[test]
    fn filters_become_parameters() {
        let line = [
            "stoa",
            "a \"b c\"",
            "--site",
            "s",
            "--where",
            "status=pending",
            "--where",
            "label=a=b",
            "--limit",
            "5",
        ];
        let parameters = parameters(&Line::parse_from(line).args).unwrap();
        let pairs: Vec<(&str, &str)> = parameters
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let expected = [
            ("q", "a \"b c\""),
            ("site", "s"),
            ("limit", "5"),
            ("status", "pending"),
            ("label", "a=b"),
        ];
        assert_eq!(pairs, expected);
        let bad = Line::parse_from(["stoa", "--where", "status"]).args;
        assert!(super::parameters(&bad).is_err());
    }

    #[test]
    fn hits_become_rows() {
        let hit = json!({"site": "s", "article": "a", "comment": null, "at": null,
            "status": "published", "snippet": {"text": "words"}});
        assert_eq!(row(&hit), ["s", "a", "", "published", "words"]);
    }
}
