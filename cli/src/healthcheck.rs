//! `stoa healthcheck URL`: asks a role whether it is ready, for containers and scripts.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use crate::{client, output};

/// Asks a role whether it is ready.
#[derive(Debug, Args)]
pub(crate) struct HealthcheckArgs {
    /// Where to ask, such as `http://127.0.0.1:9081/readyz`.
    url: String,
    /// How long to wait for the answer, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 3)]
    timeout: u64,
}

/// Runs the command: exit code 0 on a 2xx answer, 1 on anything else.
pub(crate) async fn run(args: HealthcheckArgs) -> anyhow::Result<ExitCode> {
    let client = client::http_builder()
        .timeout(Duration::from_secs(args.timeout))
        .build()?;
    let response = match client.get(&args.url).send().await {
        Ok(response) => response,
        Err(error) => {
            output::note(&format!(
                "{} does not answer: {}",
                args.url,
                client::chain(&error)
            ));
            return Ok(ExitCode::FAILURE);
        }
    };
    let status = response.status();
    if status.is_success() {
        return Ok(ExitCode::SUCCESS);
    }
    output::note(&format!("{} answers {status}", args.url));
    let body = response.bytes().await.unwrap_or_default();
    for reason in reasons(&body) {
        output::note(&reason);
    }
    Ok(ExitCode::FAILURE)
}

/// Reads the reasons of a `/readyz` answer, a line each.
pub(crate) fn reasons(body: &[u8]) -> Vec<String> {
    let Ok(answer) = serde_json::from_slice::<Value>(body) else {
        return Vec::new();
    };
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or("?").to_owned();
    answer
        .get("reasons")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|entry| {
            format!(
                "  {}: {}",
                text(entry.get("component")),
                text(entry.get("reason"))
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::testing;

    async fn check(status: &str, body: &str) -> ExitCode {
        let server = testing::serve(vec![testing::answer(status, "", body)]).await;
        run(HealthcheckArgs {
            url: format!("{}/readyz", server.url),
            timeout: 2,
        })
        .await
        .unwrap()
    }

    #[tokio::test]
    async fn answers_by_status() {
        let same = |a: ExitCode, b: ExitCode| assert_eq!(format!("{a:?}"), format!("{b:?}"));
        same(check("200 OK", "{}").await, ExitCode::SUCCESS);
        same(
            check("503 Service Unavailable", "{}").await,
            ExitCode::FAILURE,
        );
        let nobody = HealthcheckArgs {
            url: "http://127.0.0.1:9/readyz".into(),
            timeout: 1,
        };
        same(run(nobody).await.unwrap(), ExitCode::FAILURE);
    }

    #[test]
    fn tells_the_reasons() {
        let body = br#"{"ready":false,"reasons":[{"component":"bus","reason":"not connected"}]}"#;
        assert_eq!(reasons(body), ["  bus: not connected"]);
        assert!(reasons(b"gone").is_empty());
    }
}
