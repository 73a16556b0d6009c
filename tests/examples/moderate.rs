//! Asks `POST /v1/moderate` for verdicts at a steady rate, and prints how long the answers took.
//!
//! `cargo run --release -p stoa-tests --example moderate -- URL TOKEN RATE SECONDS`; `-` for no token, and the
//! URL with its path, such as `http://127.0.0.1:8082/v1/moderate`.
//! A request is sent when its time has come, whether or not the ones before were answered, and its
//! time counts from then, so that a server that stalls is not spared.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, token, rate, seconds] = arguments.as_slice() else {
        anyhow::bail!("usage: moderate URL TOKEN RATE SECONDS");
    };
    let (rate, seconds): (u32, u32) = (rate.parse()?, seconds.parse()?);
    anyhow::ensure!(rate > 0, "the rate is 0");
    let client = reqwest::Client::builder().no_proxy().build()?;
    let started = Instant::now();
    let mut requests = JoinSet::new();
    for n in 0..rate * seconds {
        let due = started + Duration::from_secs(1) * n / rate;
        tokio::time::sleep_until(due).await;
        let mut request = client.post(url).json(&json!({
            "site": "demo",
            "article": format!("a-{}", n % 100),
            "author": {"id": format!("u-{}", n % 1_000)},
            "body": format!("Number {n}: the council should have asked the people who live there, as it did in 2019."),
        }));
        if token != "-" {
            request = request.bearer_auth(token);
        }
        requests.spawn(async move {
            let response = request.send().await?.error_for_status()?;
            let body: serde_json::Value = response.json().await?;
            anyhow::Ok((
                due.elapsed(),
                body.get("took_ms").and_then(serde_json::Value::as_f64),
            ))
        });
    }
    let (mut times, mut failed, mut own) = (Vec::new(), 0, Vec::new());
    while let Some(done) = requests.join_next().await {
        match done? {
            Ok((time, took)) => {
                times.push(time.as_secs_f64() * 1_000.0);
                own.extend(took);
            }
            Err(_) => failed += 1,
        }
    }
    let report = |name: &str, times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        let at = |share: usize| times.get(times.len() * share / 1_000).copied();
        let most = times.last().copied().context("nothing was answered")?;
        let (p50, p90, p99) = (at(500), at(900), at(990));
        let [p50, p90, p99] = [p50, p90, p99].map(Option::unwrap_or_default);
        anyhow::Ok(format!(
            "{name}: p50 {p50:.2} ms, p90 {p90:.2}, p99 {p99:.2}, most {most:.2}"
        ))
    };
    let lines = [
        format!("{} answered, {failed} failed", times.len()),
        report("from when it was due to the answer", &mut times)?,
        report("as the server says", &mut own)?,
    ];
    #[expect(clippy::print_stdout, reason = "this is what the program is for")]
    {
        println!("{}", lines.join("\n"));
    }
    Ok(())
}
