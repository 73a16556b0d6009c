//! The sample thread of `stoa up --demo`: published, decided, shown as a table.

#![expect(
    clippy::indexing_slicing,
    reason = "a JSON value without the key gives null"
)]

use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;
use stoa_daemon::Context;

use crate::output;
use crate::up::Endpoints;

/// An invented article with an invented discussion, one event a line.
const SAMPLE: &str = include_str!("../sample/thread.events.jsonl");

/// How long the roles may take to decide and archive the sample.
const PATIENCE: Duration = Duration::from_secs(30);

/// Publishes the sample, waits for its decisions and prints what was decided and why.
pub(crate) async fn run(endpoints: &Endpoints, context: &Context) -> anyhow::Result<()> {
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(10))
        .build()?;
    let events: Vec<Value> = SAMPLE
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let answer: Value = client
        .post(format!("{}/v1/events", endpoints.ingest))
        .bearer_auth(&endpoints.token)
        .header("content-type", stoa_proto::codec::BATCH)
        .body(serde_json::to_vec(&events)?)
        .send()
        .await?
        .error_for_status()?
        .json()
        .await?;
    let (site, thread) = thread_of(&events).context("the sample has no article")?;
    let page = format!("{}/sites/{site}/threads/{thread}", endpoints.archive);
    let json = format!("{}/v1/sites/{site}/threads/{thread}", endpoints.archive);
    let comments = decided(&client, endpoints, context, &json).await?;
    let mut rows = Vec::with_capacity(comments.len());
    for comment in &comments {
        rows.push(row(
            comment,
            &why(&client, endpoints, &site, comment).await?,
        ));
    }
    output::table(["comment", "author", "words", "verdict", "why"], &rows);
    for rejected in answer["rejected"].as_array().into_iter().flatten() {
        let text = |key: &str| rejected[key].as_str().unwrap_or_default().to_owned();
        output::raw(&format!(
            "Refused at the door: {} ({}): {}\n",
            text("id"),
            text("code"),
            text("message")
        ));
    }
    let n_held = comments
        .iter()
        .filter(|comment| verdict(comment) == "hold")
        .count();
    let Endpoints {
        moderation,
        console,
        token,
        ..
    } = endpoints;
    output::raw(&format!(
        "\n\x20 the thread, as everyone sees it   {page}\n\
         \x20 the thread as JSON                {json}\n\
         \x20 {n_held} comments wait for a moderator   {console}\n\
         \x20 the same over HTTP                curl -H 'Authorization: Bearer {token}' {moderation}/admin/cases\n\n\
         Stop with Ctrl-C.\n",
    ));
    Ok(())
}

fn thread_of(events: &[Value]) -> Option<(String, String)> {
    let article = events
        .iter()
        .find(|event| event["type"] == "stoa.article.published.v1")?;
    let text = |key: &str| article["data"][key].as_str().map(str::to_owned);
    Some((text("site")?, text("article")?))
}

/// Waits until the archive shows every comment of the thread with its decision.
async fn decided(
    client: &reqwest::Client,
    endpoints: &Endpoints,
    context: &Context,
    json: &str,
) -> anyhow::Result<Vec<Value>> {
    let wanted = SAMPLE
        .lines()
        .filter_map(|line| stoa_proto::Event::from_json(line.as_bytes()).ok())
        .filter(|event| event.kind() == stoa_proto::Kind::CommentSubmitted)
        .filter(|event| {
            let message = stoa_proto::codec::Message {
                body: event.to_json(),
                ..Default::default()
            };
            stoa_proto::codec::decode(&message)
                .iter()
                .all(Result::is_ok)
        })
        .count();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let response = client
            .get(json)
            .bearer_auth(&endpoints.token)
            .send()
            .await?;
        if response.status().is_success() {
            let thread: Value = response.json().await?;
            let comments: Vec<Value> = thread["comments"].as_array().cloned().unwrap_or_default();
            if comments
                .iter()
                .filter(|comment| comment["decision"].is_object())
                .count()
                >= wanted
            {
                return Ok(comments);
            }
        }
        if tokio::time::Instant::now() > deadline {
            bail!("the sample was not decided within {} s", PATIENCE.as_secs());
        }
        tokio::select! {
            () = context.shutdown.cancelled() => bail!("stopped before the sample was decided"),
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
        }
    }
}

fn verdict(comment: &Value) -> &str {
    comment["decision"]["verdict"].as_str().unwrap_or("-")
}

/// Says which rules held or refused a comment, and at which words.
async fn why(
    client: &reqwest::Client,
    endpoints: &Endpoints,
    site: &str,
    comment: &Value,
) -> anyhow::Result<String> {
    let id = comment["comment"].as_str().unwrap_or_default();
    if !matches!(verdict(comment), "hold" | "reject") {
        return Ok(String::new());
    }
    let url = format!("{}/v1/sites/{site}/comments/{id}", endpoints.archive);
    let full: Value = client
        .get(url)
        .bearer_auth(&endpoints.token)
        .send()
        .await?
        .json()
        .await?;
    let mut reasons = Vec::new();
    for rule in full["decisions"][0]["rules"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let explain = ["fr", "en"]
            .iter()
            .find_map(|tag| rule["explain"][tag].as_str());
        let mut reason = explain.unwrap_or_default().to_owned();
        for span in rule["spans"].as_array().into_iter().flatten().take(2) {
            reason.push_str(&format!(
                " « {} »",
                span["text"].as_str().unwrap_or_default()
            ));
        }
        reasons.push(reason);
    }
    Ok(reasons.join(" "))
}

fn row(comment: &Value, why: &str) -> [String; 5] {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let indent = "  ".repeat(usize::try_from(comment["depth"].as_u64().unwrap_or(0)).unwrap_or(0));
    let words: String = text(&comment["text"])
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let mut short: String = words.chars().take(48).collect();
    if short.len() < words.len() {
        short.push('…');
    }
    if comment["ghost"].as_bool().unwrap_or(false) {
        short = "(not captured)".to_owned();
    }
    [
        format!("{indent}{}", text(&comment["comment"])),
        text(&comment["author"]["display_name"]),
        short,
        verdict(comment).to_owned(),
        why.to_owned(),
    ]
}
