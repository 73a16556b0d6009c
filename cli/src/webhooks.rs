//! `stoa webhooks`: endpoints that what was decided is posted to, from the command line.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};
use stoa_daemon::Clock;
use stoa_daemon::config::Secret;

use crate::client::rest::with_query;
use crate::desk::DeskArgs;
use crate::output;
use crate::rows::{Rows, text};

/// Shows webhooks and what was delivered, sends again, tests, enables and disables.
#[derive(Debug, Args)]
pub(crate) struct WebhooksArgs {
    #[command(subcommand)]
    command: WebhooksCommand,
}

#[derive(Debug, Subcommand)]
enum WebhooksCommand {
    /// Lists the endpoints and how they stand; needs the role auditor.
    List(ListArgs),
    /// Lists the attempts to deliver to an endpoint, newest first; needs the role auditor.
    Log(LogArgs),
    /// Has events sent again; needs the role admin.
    Replay(ReplayArgs),
    /// Sends a signed ping, and says what came of it; needs the role admin.
    Test(OneArgs),
    /// Enables an endpoint: it goes on where it was; needs the role admin.
    Enable(OneArgs),
    /// Disables an endpoint; needs the role admin.
    Disable(OneArgs),
    /// Verifies a request that came to a receiver, without asking anybody.
    Verify(VerifyArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    #[command(flatten)]
    admin: DeskArgs,
}

#[derive(Debug, Args)]
struct LogArgs {
    /// The endpoint's name.
    name: String,
    /// Those alone that ended so: `ok`, `refused`, `failed`, `timeout` and others.
    #[arg(long, value_name = "RESULT")]
    result: Option<String>,
    /// Those alone after which the event stood so: `done`, `waits` or `given_up`.
    #[arg(long, value_name = "OUTCOME")]
    outcome: Option<String>,
    /// Those of this event alone.
    #[arg(long, value_name = "ID")]
    event: Option<String>,
    /// Goes on after this one: `next` of the page before.
    #[arg(long, value_name = "PLACE")]
    after: Option<String>,
    /// How many at most, up to 500.
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    limit: usize,
    #[command(flatten)]
    admin: DeskArgs,
}

#[derive(Debug, Args)]
struct ReplayArgs {
    /// The endpoint's name.
    name: String,
    /// The event's id.
    #[arg(long, value_name = "ID", required_unless_present = "since")]
    event: Option<String>,
    /// What was recorded at this moment or later, as 2026-11-24T12:00:00Z.
    #[arg(long, value_name = "TIME", conflicts_with = "event")]
    since: Option<String>,
    /// What was recorded before this moment.
    #[arg(long, value_name = "TIME", requires = "since")]
    until: Option<String>,
    /// Of the time those alone that were given up in it.
    #[arg(long, requires = "since")]
    given_up: bool,
    #[command(flatten)]
    admin: DeskArgs,
}

#[derive(Debug, Args)]
struct OneArgs {
    /// The endpoint's name.
    name: String,
    #[command(flatten)]
    admin: DeskArgs,
}

#[derive(Debug, Args)]
struct VerifyArgs {
    /// The body, byte for byte as it came.
    body: PathBuf,
    /// The header `webhook-id`.
    #[arg(long, value_name = "ID")]
    id: String,
    /// The header `webhook-timestamp`.
    #[arg(long, value_name = "SECONDS")]
    timestamp: String,
    /// The header `webhook-signature`.
    #[arg(long, value_name = "SIGNATURES")]
    signature: String,
    /// File with the secret: `whsec_…`, or `whpk_…` for the public half of an Ed25519 key.
    #[arg(long, value_name = "FILE")]
    secret_file: PathBuf,
    /// Takes this time, in seconds since 1970, in place of now.
    #[arg(long, value_name = "SECONDS")]
    at: Option<i64>,
}

/// Runs the command.
pub(crate) async fn run(args: WebhooksArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        WebhooksCommand::List(ListArgs { admin }) => {
            let answer = admin.send(Method::GET, ["webhooks"], None).await?;
            WEBHOOKS.page(&answer, admin.json)
        }
        WebhooksCommand::Log(args) => log(args).await,
        WebhooksCommand::Replay(args) => replay(args).await,
        WebhooksCommand::Test(args) => {
            let answer = args.send("test").await?;
            TESTS.one(&answer, args.admin.json)?;
            let is_taken = text(&answer, "result") == "ok";
            Ok(ExitCode::from(u8::from(!is_taken)))
        }
        WebhooksCommand::Enable(args) => WEBHOOKS.one(&args.send("enable").await?, args.admin.json),
        WebhooksCommand::Disable(args) => {
            WEBHOOKS.one(&args.send("disable").await?, args.admin.json)
        }
        WebhooksCommand::Verify(args) => args.verify(),
    }
}

async fn log(args: &LogArgs) -> anyhow::Result<ExitCode> {
    let limit = args.limit.to_string();
    let query = [
        ("result", args.result.as_deref()),
        ("outcome", args.outcome.as_deref()),
        ("event", args.event.as_deref()),
        ("before", args.after.as_deref()),
        ("limit", Some(limit.as_str())),
    ];
    let segments = ["webhooks", args.name.as_str(), "deliveries"];
    let url = with_query(&args.admin.url(segments)?, &query)?;
    let answer = args.admin.ask(Method::GET, &url, None).await?;
    DELIVERIES.page(&answer, args.admin.json)
}

async fn replay(args: &ReplayArgs) -> anyhow::Result<ExitCode> {
    let body = match &args.event {
        Some(event) => json!({"event": event}),
        None => json!({"since": args.since, "until": args.until, "given_up": args.given_up}),
    };
    let segments = ["webhooks", args.name.as_str(), "replay"];
    let answer = args.admin.send(Method::POST, segments, Some(&body)).await?;
    if args.admin.json {
        output::json(&answer)?;
    } else {
        output::line(&format!(
            "{} events are sent again.",
            text(&answer, "events")
        ));
    }
    let next = text(&answer, "next");
    if !next.is_empty() {
        output::note(&format!(
            "more with --since {next}, once these are delivered"
        ));
    }
    Ok(ExitCode::SUCCESS)
}

impl OneArgs {
    async fn send(&self, act: &str) -> anyhow::Result<Value> {
        let segments = ["webhooks", self.name.as_str(), act];
        self.admin.send(Method::POST, segments, None).await
    }
}

impl VerifyArgs {
    fn verify(&self) -> anyhow::Result<ExitCode> {
        let shown = self.body.display();
        let body = std::fs::read(&self.body).with_context(|| format!("cannot read {shown}"))?;
        let shown = self.secret_file.display();
        let secret = std::fs::read_to_string(&self.secret_file);
        let secret = secret.with_context(|| format!("cannot read {shown}"))?;
        let secret = Secret::new(secret.trim_end());
        let now = self
            .at
            .unwrap_or_else(|| Clock::system().micros() / 1_000_000);
        let headers = (&*self.id, &*self.timestamp, &*self.signature);
        stoa_moderation_rules::verify(&secret, headers, &body, now)?;
        output::line("The request is signed with this secret.");
        Ok(ExitCode::SUCCESS)
    }
}

/// What is shown of endpoints.
const WEBHOOKS: Rows<8> = Rows {
    name: "webhooks",
    header: [
        "webhook", "state", "retrying", "ready", "unread", "oldest", "success", "failure",
    ],
    row: webhook,
};

fn webhook(webhook: &Value) -> [String; 8] {
    let disabled = webhook.get("disabled");
    let state = match disabled.map(|disabled| text(disabled, "why")) {
        Some(why) => format!("{}, {why}", text(webhook, "state")),
        None => text(webhook, "state"),
    };
    let failure = webhook.get("last_failure").map(|failure| {
        let parts = ["at", "result", "status"].map(|name| text(failure, name));
        parts.join(" ").trim_end().to_owned()
    });
    [
        text(webhook, "name"),
        state,
        text(webhook, "retrying"),
        text(webhook, "ready"),
        text(webhook, "unread"),
        text(webhook, "oldest"),
        text(webhook, "last_success"),
        failure.unwrap_or_default(),
    ]
}

/// What is shown of attempts.
const DELIVERIES: Rows<8> = Rows {
    name: "deliveries",
    header: [
        "at", "event", "type", "attempt", "result", "status", "ms", "next",
    ],
    row: delivery,
};

fn delivery(delivery: &Value) -> [String; 8] {
    let next = match text(delivery, "outcome").as_str() {
        "given_up" => "given up".to_owned(),
        _ => text(delivery, "next_attempt"),
    };
    [
        text(delivery, "at"),
        text(delivery, "event"),
        text(delivery, "type"),
        text(delivery, "attempt"),
        text(delivery, "result"),
        text(delivery, "status"),
        text(delivery, "duration_ms"),
        next,
    ]
}

/// What is shown of a test.
const TESTS: Rows<4> = Rows {
    name: "tests",
    header: ["event", "result", "status", "ms"],
    row: |tested| ["event", "result", "status", "duration_ms"].map(|name| text(tested, name)),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(clap::Parser)]
    #[command(version, propagate_version = true)]
    struct Line {
        #[command(flatten)]
        args: WebhooksArgs,
    }

    #[test]
    fn commands_are_read_as_they_are_written() {
        use clap::{CommandFactory as _, Parser as _};
        Line::command().debug_assert();
        for (line, works) in [
            ("list --json", true),
            ("log cms --outcome given_up --limit 5", true),
            ("log", false),
            ("replay cms --event d-1", true),
            ("replay cms --since 2026-11-24T12:00:00Z --given-up", true),
            ("replay cms", false),
            ("replay cms --event d-1 --since 2026-11-24T12:00:00Z", false),
            ("replay cms --given-up", false),
            ("test cms", true),
            ("enable", false),
        ] {
            let words = ["webhooks"].into_iter().chain(line.split(' '));
            assert_eq!(Line::try_parse_from(words).is_ok(), works, "{line}");
        }
    }

    #[tokio::test]
    async fn a_request_is_verified_byte_for_byte() {
        use clap::Parser as _;
        let dir = tempfile::tempdir().unwrap();
        let (body, secret) = (dir.path().join("body"), dir.path().join("secret"));
        std::fs::write(&secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
        let check = async |text: &str, at: &str| {
            std::fs::write(&body, text).unwrap();
            let line = Line::try_parse_from([
                "webhooks",
                "verify",
                body.to_str().unwrap(),
                "--id=msg_p5jXN8AQM9LWM0D4loKWxJek",
                "--timestamp=1614265330",
                "--signature=v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
                "--secret-file",
                secret.to_str().unwrap(),
                at,
            ]);
            run(line.unwrap_or_else(|error| panic!("{error}")).args).await
        };
        assert!(
            check(r#"{"test": 2432232314}"#, "--at=1614265330")
                .await
                .is_ok()
        );
        let error = check(r#"{"test":2432232314}"#, "--at=1614265330").await;
        assert!(error.unwrap_err().to_string().contains("byte for byte"));
        let error = check(r#"{"test": 2432232314}"#, "--at=1614275330").await;
        assert!(error.unwrap_err().to_string().contains("5 minutes"));
    }

    #[test]
    fn rows_tell_why_it_is_disabled_and_what_failed() {
        let row = webhook(&json!({"name": "cms", "state": "disabled", "retrying": 1,
            "disabled": {"why": "gone", "by": "stoa"},
            "last_failure": {"at": "2026-11-24T12:00:00Z", "result": "gone", "status": 410}}));
        assert_eq!(
            (row[0].as_str(), row[1].as_str()),
            ("cms", "disabled, gone")
        );
        assert_eq!(row[7], "2026-11-24T12:00:00Z gone 410");
        let row = delivery(&json!({"outcome": "given_up", "attempt": 10}));
        assert_eq!((row[3].as_str(), row[7].as_str()), ("10", "given up"));
    }
}
