//! `stoa archive key | prove | consistency | verify-proof`: the archive's transparency log.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Value, json};
use stoa_archive::transparency::{self, Proven};
use stoa_proto::{Data, Event};
use stoa_tlog::{Checkpoint, ConsistencyProof, Verifier};

use super::folder;
use crate::client;
use crate::output;

/// Where the log is: an archive's folder, or its public address.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Place {
    /// The archive's data folder, or the one of `stoa up`; the archive may be running.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The public address of a running archive.
    #[arg(long, value_name = "URL")]
    from: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct KeyArgs {
    /// The archive's data folder, or the one of `stoa up`.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct ProveArgs {
    #[command(flatten)]
    place: Place,
    /// The comment's site.
    #[arg(long)]
    site: String,
    /// The comment.
    #[arg(long)]
    comment: String,
    /// A revision other than the latest; with --data.
    #[arg(long, conflicts_with = "from")]
    revision: Option<u32>,
    /// File that the proof is written to.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Token with the role viewer, for --from.
    #[arg(long, env = "STOA_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct ConsistencyArgs {
    #[command(flatten)]
    place: Place,
    /// An older checkpoint of the log, as it was handed out.
    #[arg(long, value_name = "FILE")]
    old: PathBuf,
    /// File that the proof is written to.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Token, for --from.
    #[arg(long, env = "STOA_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct VerifyProofArgs {
    /// The proof.
    file: PathBuf,
    /// The log's verifier key, as `stoa archive key` shows it.
    #[arg(long, value_name = "KEY")]
    key: String,
    /// The older checkpoint, for a proof of consistency.
    #[arg(long, value_name = "FILE")]
    old: Option<PathBuf>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn key(args: &KeyArgs) -> anyhow::Result<ExitCode> {
    let key = transparency::verifier(&folder(&args.data)?)?;
    output::line(&key.to_string());
    Ok(ExitCode::SUCCESS)
}

pub(super) fn prove(args: &ProveArgs) -> anyhow::Result<ExitCode> {
    let proof = match (&args.place.data, &args.place.from) {
        (Some(data), _) => {
            let (dir, bar) = (folder(data)?, output::progress(0, "bytes"));
            let (site, comment) = (&args.site, &args.comment);
            let proof = transparency::prove(&dir, site, comment, args.revision, &mut on(&bar));
            bar.finish_and_clear();
            match proof? {
                Some(proof) => proof.to_string(),
                None => bail!(
                    "no checkpoint has the comment {comment} of the site {site}: it was never \
                     archived or was erased, or it came within the last seconds"
                ),
            }
        }
        (None, Some(from)) => {
            let path = [
                "v1",
                "sites",
                &args.site,
                "comments",
                &args.comment,
                "proof",
            ];
            fetch(&address(from, &path)?, args.token.as_deref())?
        }
        (None, None) => bail!("one of --data and --from is needed"),
    };
    write(&args.out, &proof)
}

pub(super) fn consistency(args: &ConsistencyArgs) -> anyhow::Result<ExitCode> {
    let old = Checkpoint::read_unverified(&read(&args.old)?)
        .with_context(|| args.old.display().to_string())?;
    let proof = match (&args.place.data, &args.place.from) {
        (Some(data), _) => {
            let (dir, bar) = (folder(data)?, output::progress(0, "bytes"));
            let proof = transparency::consistency(&dir, old.size, &mut on(&bar));
            bar.finish_and_clear();
            match proof? {
                Some(proof) => proof.to_string(),
                None => bail!(
                    "the log has no checkpoint of {} records or more: the older one is another log's",
                    old.size
                ),
            }
        }
        (None, Some(from)) => {
            let mut url = address(from, &["v1", "log", "consistency"])?;
            url.query_pairs_mut()
                .append_pair("old", &old.size.to_string());
            fetch(&url, args.token.as_deref())?
        }
        (None, None) => bail!("one of --data and --from is needed"),
    };
    write(&args.out, &proof)
}

pub(super) fn verify_proof(args: &VerifyProofArgs) -> anyhow::Result<ExitCode> {
    let key = Verifier::parse(&args.key).context("--key")?;
    let text = read(&args.file)?;
    let checked = match &args.old {
        Some(old) => consistent(&text, &read(old)?, &key),
        None if text.starts_with("old ") => {
            bail!("this is a proof of consistency: --old names the older checkpoint")
        }
        None => transparency::read_proof(&text, &key)
            .map(|proven| shown(&proven))
            .map_err(anyhow::Error::from),
    };
    match checked {
        Ok((rows, value)) => {
            if args.json {
                output::json(&value)?;
            } else {
                let rows: Vec<_> = rows
                    .into_iter()
                    .map(|(name, value)| [name.to_owned(), value])
                    .collect();
                output::table(["", ""], &rows);
                output::line("The proof holds.");
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            if args.json {
                output::json(&json!({"ok": false, "reason": format!("{error:#}")}))?;
            } else {
                output::note(&format!("{}: {error:#}", args.file.display()));
            }
            Ok(ExitCode::FAILURE)
        }
    }
}

type Shown = (Vec<(&'static str, String)>, Value);

fn shown(proven: &Proven) -> Shown {
    let Checkpoint { origin, size, .. } = &proven.checkpoint;
    let kind = proven.kind.map_or("unknown", stoa_proto::Kind::short);
    let mut rows = vec![
        ("log", origin.clone()),
        ("records", size.to_string()),
        ("record", proven.seq.to_string()),
        ("archived at", proven.archived_at.to_string()),
        ("event", kind.to_owned()),
    ];
    let json = proven.event.as_ref().map(Event::to_json);
    let event = json.map(|json| serde_json::from_slice::<Value>(&json).unwrap_or_default());
    let value = json!({
        "ok": true, "log": origin, "records": size, "record": proven.seq,
        "archived_at": proven.archived_at, "kind": kind, "event": event,
    });
    match proven.event.as_ref().map(|event| &event.data) {
        Some(Data::CommentSubmitted(comment) | Data::CommentEdited(comment)) => rows.extend([
            ("site", comment.site.clone()),
            ("comment", comment.comment.clone()),
            ("revision", comment.revision.to_string()),
            ("author", comment.author.id.clone()),
            ("words", comment.body.clone()),
        ]),
        Some(_) => {}
        None => rows.push(("words", "not in this proof".to_owned())),
    }
    (rows, value)
}

fn consistent(text: &str, old: &str, key: &Verifier) -> anyhow::Result<Shown> {
    let (old, new) = ConsistencyProof::parse(text)?.verify(old, key)?;
    let rows = vec![
        ("log", new.origin.clone()),
        ("records then", old.size.to_string()),
        ("records now", new.size.to_string()),
    ];
    let value = json!({"ok": true, "log": new.origin, "old": old.size, "records": new.size});
    Ok((rows, value))
}

/// Checks the log of an archive's folder, after its journal; says what it has, if there is one.
pub(super) fn verify(dir: &Path) -> anyhow::Result<Option<transparency::Verified>> {
    let bar = output::progress(0, "bytes");
    let verified = transparency::verify(dir, &mut on(&bar));
    bar.finish_and_clear();
    Ok(verified?)
}

/// Ends a log to which a repaired journal no longer leads; returns where it is now.
pub(super) fn end_if_broken(dir: &Path) -> anyhow::Result<Option<PathBuf>> {
    let bar = output::progress(0, "bytes");
    let ended = transparency::end_if_broken(dir, &mut on(&bar));
    bar.finish_and_clear();
    Ok(ended?)
}

fn on(bar: &indicatif::ProgressBar) -> impl FnMut(u64, u64) {
    |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    }
}

fn address(from: &str, path: &[&str]) -> anyhow::Result<reqwest::Url> {
    let mut url = reqwest::Url::parse(from).with_context(|| format!("{from} is no address"))?;
    match url.path_segments_mut() {
        Ok(mut segments) => {
            segments.pop_if_empty().extend(path);
        }
        Err(()) => bail!("{from} is no address of an archive"),
    }
    Ok(url)
}

fn fetch(url: &reqwest::Url, token: Option<&str>) -> anyhow::Result<String> {
    let failed =
        |error: reqwest::Error| anyhow::anyhow!("{url} does not answer: {}", client::chain(&error));
    let mut request = reqwest::blocking::Client::new().get(url.clone());
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().map_err(failed)?;
    let status = answer.status();
    let text = answer.text().map_err(failed)?;
    if status.is_success() {
        return Ok(text);
    }
    let problem: Value = serde_json::from_str(&text).unwrap_or_default();
    match problem.get("detail").and_then(Value::as_str) {
        Some(detail) => bail!("{url} answers {status}: {detail}"),
        None => bail!("{url} answers {status}"),
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn write(path: &Path, text: &str) -> anyhow::Result<ExitCode> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(ExitCode::SUCCESS)
}
