//! `stoa rules list-hits`: what of a rule set's lists is in a text.

use std::io::{BufRead as _, Read as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use stoa_rules::{ListHit, RuleSet};

use crate::output;

/// Bytes of one text: as many as a comment may have.
const TEXT_BYTES: u64 = 64 * 1024;

#[derive(Debug, Args)]
pub(super) struct ListHitsArgs {
    /// Folder with a `stoa.yaml`.
    #[arg(long, value_name = "DIR")]
    rules: PathBuf,
    /// The text.
    #[arg(required_unless_present = "stdin")]
    text: Option<String>,
    /// Reads a text a line and answers a line for each.
    #[arg(long, conflicts_with = "text")]
    stdin: bool,
    /// Prints JSON: an array of hits, or an array a line with `--stdin`.
    #[arg(long)]
    json: bool,
}

/// Prints what hits; 0 whether there are hits or not.
pub(super) fn run(args: &ListHitsArgs) -> anyhow::Result<ExitCode> {
    let set = match RuleSet::load(&args.rules) {
        Ok(set) => set,
        Err(errors) => {
            output::note(&errors.to_string());
            return Ok(ExitCode::from(super::BAD_CONFIGURATION));
        }
    };
    match &args.text {
        Some(text) => show(args, &set.list_hits(text))?,
        None => lines(args, &set)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn lines(args: &ListHitsArgs, set: &RuleSet) -> anyhow::Result<()> {
    let mut input = std::io::stdin().lock();
    let mut number = 0_u64;
    loop {
        number += 1;
        let mut line = Vec::new();
        let read = input
            .by_ref()
            .take(TEXT_BYTES + 2)
            .read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(());
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        anyhow::ensure!(
            text.len() as u64 <= TEXT_BYTES,
            "line {number} is longer than {TEXT_BYTES} bytes: split it"
        );
        let text = std::str::from_utf8(text)
            .map_err(|_| anyhow::anyhow!("line {number} is not UTF-8: convert the input"))?;
        show(args, &set.list_hits(text))?;
    }
}

fn show(args: &ListHitsArgs, hits: &[ListHit]) -> anyhow::Result<()> {
    if args.json {
        output::line(&serde_json::to_string(hits)?);
    } else if args.stdin {
        let found: Vec<String> = hits
            .iter()
            .map(|hit| format!("{}:{} ({})", hit.list, hit.term, hit.text))
            .collect();
        output::line(&found.join(", "));
    } else {
        let rows: Vec<[String; 5]> = hits
            .iter()
            .map(|hit| {
                [
                    hit.list.clone(),
                    hit.term.clone(),
                    format!("{}–{}", hit.start, hit.end),
                    hit.text.clone(),
                    hit.via.join(", "),
                ]
            })
            .collect();
        output::table(["list", "term", "place", "text", "via"], &rows);
    }
    Ok(())
}
