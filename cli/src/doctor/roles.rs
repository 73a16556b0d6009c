//! The roles that run: whether they are ready, of the same version, and have the same time.

use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use jiff::fmt::rfc2822;

use super::Findings;
use crate::client;
use crate::roles::Configured;

/// Seconds by which clocks may differ: leases and signatures hold for longer.
const SKEW: u64 = 5;

/// Asks the role itself, and those that it asks.
pub(super) async fn examine(
    configured: &Configured,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let client = client::http_builder()
        .timeout(Duration::from_secs(5))
        .build()
        .context("the HTTP client can't be made")?;
    let own = format!("http://{}", configured.admin());
    ask(&client, "this role", &own, findings).await;
    for (name, url, token) in configured.backends() {
        ask(&client, name, &url, findings).await;
        if let Some(token) = token {
            allowed(&client, name, &url, &token, findings).await;
        }
    }
    Ok(())
}

/// Whether it is ready, and what it says of itself.
async fn ask(client: &reqwest::Client, name: &str, url: &str, findings: &mut Findings) {
    let response = match client.get(format!("{url}/readyz")).send().await {
        Ok(response) => response,
        Err(_) if name == "this role" => {
            findings.look(
                "ready",
                format!("nothing answers at {url}: the role does not run"),
            );
            return;
        }
        Err(error) => {
            findings.failed(
                name,
                format!(
                    "{url} does not answer: {}; start it, or correct its address",
                    client::chain(&error)
                ),
            );
            return;
        }
    };
    let (status, date) = (response.status(), date(response.headers()));
    let body = response.bytes().await.unwrap_or_default();
    if status.is_success() {
        findings.ok(format!("{name} is ready"), url);
    } else {
        let reasons = crate::healthcheck::reasons(&body).join("; ");
        findings.failed(
            format!("{name} is ready"),
            format!("{url} answers {status}: {reasons}"),
        );
    }
    if let Some(date) = date {
        let apart = date.abs_diff(Timestamp::now().as_second());
        if apart > SKEW {
            findings.failed(
                format!("clock of {name}"),
                format!(
                    "it differs from this machine's by {apart} s; have both follow a time server"
                ),
            );
        }
    }
    if let Some(version) = version(client, url).await
        && version != env!("CARGO_PKG_VERSION")
    {
        findings.look(
            format!("version of {name}"),
            format!(
                "it is {version}, and this program {}; bring both to the same",
                env!("CARGO_PKG_VERSION")
            ),
        );
    }
}

/// Whether a token is taken.
async fn allowed(
    client: &reqwest::Client,
    name: &str,
    url: &str,
    token: &str,
    findings: &mut Findings,
) {
    let asked = client
        .get(format!("{url}/admin/parked"))
        .bearer_auth(token)
        .send()
        .await;
    let Ok(status) = asked.map(|response| response.status()) else {
        return;
    };
    let check = format!("token for {name}");
    if status.is_success() {
        findings.ok(check, "is taken");
    } else {
        findings.failed(
            check,
            format!("{url} answers {status}: give both the same secret, with the role admin and on_behalf = true"),
        );
    }
}

/// The time of who answers, in seconds since 1970.
fn date(headers: &reqwest::header::HeaderMap) -> Option<i64> {
    let date = headers.get(reqwest::header::DATE)?.to_str().ok()?;
    let date = rfc2822::DateTimeParser::new().parse_timestamp(date);
    Some(date.ok()?.as_second())
}

/// The version that a role's metrics tell.
async fn version(client: &reqwest::Client, url: &str) -> Option<String> {
    let metrics = client.get(format!("{url}/metrics")).send().await.ok()?;
    let text = metrics.text().await.ok()?;
    let info = text
        .lines()
        .find(|line| line.starts_with("stoa_build_info{"))?;
    let (_, version) = info.split_once("version=\"")?;
    Some(version.split('"').next()?.to_owned())
}
