//! `stoa import page`: the captured text of an article page, as events.
//!
//! The text is what a reader gets who marks a whole page and copies it.
//! `parse` finds its parts by structure; `events` makes events of them.
//! What can't be placed is reported by line and left out: nothing is ever guessed into an event.

mod article;
mod comments;
mod dates;
mod events;
mod parse;
#[cfg(test)]
mod tests;
mod words;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::json;
use stoa_proto::codec::{self, Message};
use stoa_proto::{Data, Event};

use self::events::Naming;
use self::parse::{Note, Page};
use crate::client::{Answer, Target};
use crate::output;

/// Bytes of a page's text: far more than the longest page with its comments has.
const PAGE_BYTES: u64 = 16 * 1024 * 1024;

/// Imports the captured text of an article page with its comments.
#[derive(Debug, Args)]
pub(super) struct PageArgs {
    /// File with the text, in UTF-8; `-` for standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Site that the page belongs to.
    #[arg(long)]
    site: String,
    /// Article's id; made from its title unless given.
    #[arg(long)]
    article: Option<String>,
    /// Address of the page.
    #[arg(long)]
    url: Option<String>,
    /// Language of the article, as a tag such as `fr`.
    #[arg(long)]
    language: Option<String>,
    /// Time zone of the dates on the page: a name such as `Europe/Paris`, or `+01:00`. Without it,
    /// times that name no offset are left out.
    #[arg(long, value_parser = dates::zone)]
    timezone: Option<TimeZone>,
    /// Source of the events; made from --url or the site unless given.
    #[arg(long)]
    source: Option<String>,
    /// Shows what was found and sends nothing.
    #[arg(long)]
    dry_run: bool,
    /// Prints JSON: with --dry-run the events, one a line.
    #[arg(long)]
    json: bool,
    /// Where to send events: `http(s)://host:port` of ingest, or `amqp(s)://…`.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8081")]
    to: String,
    /// Token for HTTP.
    #[arg(long, value_name = "TOKEN", env = "STOA_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// File with the token for HTTP.
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
    /// How long a batch is retried while nobody answers, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    patience: u64,
}

/// What was found and what became of it.
#[derive(Debug, Serialize)]
struct Report<'a> {
    article: &'a str,
    comments: usize,
    events: usize,
    #[serde(flatten)]
    answer: Answer,
    notes: &'a [Note],
}

/// Runs the command: 0 if everything was taken, 1 if anything was refused.
///
/// Notes alone don't fail an import: they tell what the page does not say clearly.
pub(super) async fn run(args: PageArgs) -> anyhow::Result<ExitCode> {
    let text = read(&args.file)?;
    let english = args
        .language
        .as_deref()
        .is_some_and(|tag| tag.to_lowercase().starts_with("en"));
    let mut page = parse::parse(&text, args.timezone.as_ref(), english)?;
    let events = events::make(
        &mut page,
        &Naming {
            site: args.site.clone(),
            article: args.article.clone(),
            url: args.url.clone(),
            language: args.language.clone(),
            source: args.source.clone(),
        },
    );
    if args.dry_run {
        show(&args, &page, &events)?;
        let sound = check(&events);
        return Ok(if sound {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        });
    }
    let answer = send(&args, &events).await?;
    let sound = answer.rejected.is_empty();
    let article = events.first().and_then(Event::thread).unwrap_or_default();
    if args.json {
        output::json(&Report {
            article,
            comments: page.comments.len(),
            events: events.len(),
            answer,
            notes: &page.notes,
        })?;
    } else {
        show(&args, &page, &events)?;
        for refused in &answer.rejected {
            let id = refused.id.as_deref().unwrap_or("an event");
            output::note(&format!(
                "refused: {id}: {}: {}",
                refused.code, refused.message
            ));
        }
        let counts = [[
            article.to_owned(),
            page.comments.len().to_string(),
            answer.accepted.to_string(),
            answer.duplicate.to_string(),
            answer.rejected.len().to_string(),
        ]];
        output::table(
            ["article", "comments", "accepted", "duplicate", "rejected"],
            &counts,
        );
    }
    Ok(if sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn send(args: &PageArgs, events: &[Event]) -> anyhow::Result<Answer> {
    let token = match &args.token_file {
        None => args.token.clone(),
        Some(path) => Some(
            std::fs::read_to_string(path)
                .with_context(|| format!("the token can't be read from {}", path.display()))?
                .trim()
                .to_owned(),
        ),
    };
    let target = Target::new(&args.to, token)?;
    let bar = output::progress(events.len() as u64, "events");
    let mut total = Answer::default();
    for (n, part) in events.chunks(100).enumerate() {
        let bodies: Vec<_> = part.iter().map(Event::to_json).collect();
        let answer = target
            .deliver(&bodies, Duration::from_secs(args.patience))
            .await?;
        total.accepted += answer.accepted;
        total.duplicate += answer.duplicate;
        total
            .rejected
            .extend(answer.rejected.into_iter().map(|mut refused| {
                refused.index += n * 100;
                refused
            }));
        bar.inc(part.len() as u64);
    }
    bar.finish_and_clear();
    Ok(total)
}

/// Judges the events as ingest would, and tells what is wrong.
fn check(events: &[Event]) -> bool {
    let mut sound = true;
    for event in events {
        let message = Message {
            content_type: Some(codec::STRUCTURED.to_owned()),
            body: event.to_json(),
            ..Message::default()
        };
        for refused in codec::decode(&message).into_iter().filter_map(Result::err) {
            sound = false;
            output::note(&format!(
                "would be refused: {}: {}",
                event.id, refused.rejection
            ));
        }
    }
    sound
}

/// Reads the page, and refuses what is no text.
fn read(path: &Path) -> anyhow::Result<String> {
    use std::io::Read as _;

    let name = path.display();
    let input: Box<dyn std::io::Read> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(path).with_context(|| format!("{name} can't be read"))?)
    };
    let mut bytes = Vec::new();
    input
        .take(PAGE_BYTES + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("{name} can't be read"))?;
    if bytes.len() as u64 > PAGE_BYTES {
        bail!("{name} has more than {PAGE_BYTES} bytes: that is no page");
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        anyhow::anyhow!(
            "{name} is not UTF-8 from byte {} on: convert it first, with iconv for instance",
            error.utf8_error().valid_up_to()
        )
    })?;
    if let Some(at) = text.find('\0') {
        bail!("{name} is no text: byte {at} is NUL");
    }
    Ok(text)
}

/// Prints what was found, for people or for programs.
fn show(args: &PageArgs, page: &Page, events: &[Event]) -> anyhow::Result<()> {
    if args.json {
        for event in events {
            output::line(&String::from_utf8_lossy(&event.to_json()));
        }
        for note in &page.notes {
            output::note(&serde_json::to_string(&json!({ "note": note }))?);
        }
        return Ok(());
    }
    for event in events {
        match &event.data {
            Data::ArticlePublished(article) => {
                let sources = article
                    .attribution
                    .iter()
                    .map(|source| match &source.title {
                        Some(title) => format!("{} — {title}", source.name),
                        None => source.name.clone(),
                    });
                let policy = article.comments.as_ref();
                let rows = [
                    ["id".to_owned(), article.article.clone()],
                    ["title".to_owned(), article.title.clone()],
                    ["paragraphs".to_owned(), page.body.len().to_string()],
                    ["sources".to_owned(), sources.collect::<Vec<_>>().join("; ")],
                    ["credits".to_owned(), article.media_credits.join("; ")],
                    [
                        "comments shown".to_owned(),
                        policy
                            .and_then(|policy| policy.count)
                            .map_or_else(String::new, |n| n.to_string()),
                    ],
                ];
                output::table(["article", ""], &rows);
            }
            _ => break,
        }
    }
    let rows: Vec<[String; 6]> = page
        .comments
        .iter()
        .map(|comment| {
            let depth = comment.path.matches('.').count();
            let words = comment
                .body
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ");
            let mut short: String = words.chars().take(50).collect();
            if short.len() < words.len() {
                short.push('…');
            }
            [
                format!("{}{}", "  ".repeat(depth), comment.path),
                comment.display_name.clone(),
                comment.name.clone().unwrap_or_default(),
                comment
                    .submitted_at
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
                comment
                    .score
                    .map(|score| score.to_string())
                    .unwrap_or_default(),
                short,
            ]
        })
        .collect();
    output::table(
        ["comment", "author", "name", "time", "score", "text"],
        &rows,
    );
    for note in &page.notes {
        output::note(&note.to_string());
    }
    Ok(())
}
