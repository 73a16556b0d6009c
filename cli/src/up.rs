//! `stoa up`: every role in one process, on the embedded bus.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use rand::RngExt as _;
use stoa_bus::{Bus, EmbeddedConfig};
use stoa_daemon::auth::{Role as Right, TokenConfig};
use stoa_daemon::config::Secret;
use stoa_daemon::telemetry::{self, LogConfig};
use stoa_daemon::{ConfigError, Context, lifecycle};
use tokio::sync::mpsc;

use crate::roles::{Configured, Role};
use crate::{demo, output};

/// Runs every role in one process, without a broker.
#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    /// Where journals and views are kept; with --demo a temporary folder unless given.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Folder with a configuration file per role: ingest.toml, moderation-rules.toml, archive.toml,
    /// console.toml.
    /// Without it, everything is open to this machine and to no other.
    #[arg(long, value_name = "DIR")]
    config: Option<PathBuf>,
    /// Folder of the rule set; the starter rule set unless given.
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Loads a sample thread, shows what was decided and why, and stays up.
    #[arg(long)]
    demo: bool,
    /// Address to listen on; another than loopback needs --config with sites and tokens.
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    host: IpAddr,
    /// First of the public ports: ingest, moderation-rules and archive take this one and the two
    /// that follow, the console the one before; the admin listeners are 1000 above.
    #[arg(long, value_name = "PORT", default_value_t = 8081, value_parser = clap::value_parser!(u16).range(2..=64_000))]
    port: u16,
    /// Token with the role admin; made anew at each start unless given. Also read from
    /// `STOA_UP_TOKEN`.
    #[arg(
        long,
        value_name = "TOKEN",
        env = "STOA_UP_TOKEN",
        hide_env_values = true
    )]
    token: Option<String>,
    /// The least severe level that is logged.
    #[arg(long, default_value = "warn")]
    log_level: String,
}

/// Where the listeners are, and the token that opens them.
#[derive(Clone, Debug)]
pub(crate) struct Endpoints {
    /// Takes events.
    pub(crate) ingest: String,
    /// Lists decisions and cases.
    pub(crate) moderation: String,
    /// Shows threads.
    pub(crate) archive: String,
    /// Is the review desk; where the first account is made, as long as there is none.
    pub(crate) console: String,
    /// Opens everything.
    pub(crate) token: String,
}

fn listen(host: IpAddr, port: u16) -> String {
    std::net::SocketAddr::new(host, port).to_string()
}

/// Reads a role's configuration with what the command line says over it.
fn configure(
    args: &UpArgs,
    data: &Path,
    role: Role,
    console_token: &str,
) -> Result<Configured, ConfigError> {
    let port = match role {
        Role::Console => args.port - 1,
        Role::Ingest => args.port,
        Role::ModerationRules => args.port + 1,
        Role::Archive => args.port + 2,
    };
    let prefix = format!("STOA_{}__", role.name().replace('-', "_").to_uppercase());
    let file = args
        .config
        .as_ref()
        .map(|folder| folder.join(format!("{}.toml", role.name())));
    let set = |key: &str, value: String| (OsString::from(format!("{prefix}{key}")), value.into());
    let mut variables: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    variables.push(set(
        "DATA_DIR",
        data.join(role.name()).display().to_string(),
    ));
    if args.config.is_none() {
        variables.push(set("HTTP__LISTEN", listen(args.host, port)));
        variables.push(set("ADMIN__LISTEN", listen(args.host, port + 1_000)));
        if role != Role::Console {
            variables.push(set("OPEN", "true".to_owned()));
        }
    }
    let base = |port| format!("http://{}", listen(args.host, port));
    if role == Role::ModerationRules && args.config.is_none() {
        // Before what the environment says, which may know a better address.
        variables.insert(0, set("HTTP__PUBLIC_URL", base(port)));
    }
    if role == Role::Console {
        if args.config.is_none() {
            variables.push(set("MODERATION__URL", base(args.port + 1_001)));
            variables.push(set("ARCHIVE__URL", base(args.port + 2)));
            variables.push(set("ARCHIVE__ADMIN_URL", base(args.port + 1_002)));
            variables.push(set("INGEST__URL", base(args.port + 1_000)));
        }
        variables.push(set("MODERATION__TOKEN", console_token.to_owned()));
        variables.push(set("ARCHIVE__TOKEN", console_token.to_owned()));
        variables.push(set("INGEST__TOKEN", console_token.to_owned()));
    }
    if role == Role::ModerationRules
        && let Some(rules) = &args.rules
    {
        variables.push(set("RULES_DIR", rules.display().to_string()));
    }
    Configured::load(
        role,
        file.as_deref().filter(|file| file.exists()),
        variables,
    )
}

fn random_token() -> String {
    let bytes: [u8; 24] = rand::rng().random();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Runs the command.
pub(crate) fn run(args: UpArgs) -> anyhow::Result<ExitCode> {
    telemetry::init(&LogConfig {
        level: args.log_level.clone(),
        ..LogConfig::default()
    })?;
    if let Some(folder) = &args.config
        && !folder.is_dir()
    {
        return Err(ConfigError::invalid(
            "--config",
            format!("{} is not a folder with a file per role", folder.display()),
        )
        .into());
    }
    // Held until the end: dropping it removes the folder.
    let temporary = match (&args.data, args.demo) {
        (None, true) => Some(tempfile::Builder::new().prefix("stoa-").tempdir()?),
        _ => None,
    };
    let data = match (&args.data, &temporary) {
        (Some(data), _) => data.clone(),
        (None, Some(folder)) => folder.path().to_owned(),
        (None, None) => PathBuf::from("stoa-data"),
    };
    let token = args.token.clone().unwrap_or_else(random_token);
    let console_token = random_token();
    let mut roles = Vec::new();
    for role in Role::ALL {
        let mut configured = configure(&args, &data, role, &console_token)?;
        configured.admit(TokenConfig::from_secret(
            "up",
            Right::Admin,
            Secret::new(token.clone()),
        ));
        configured.admit(TokenConfig {
            on_behalf: true,
            ..TokenConfig::from_secret(
                "up-console",
                Right::Admin,
                Secret::new(console_token.clone()),
            )
        });
        roles.push(configured);
    }
    let base = |port: u16| format!("http://{}", listen(args.host, port));
    let mut endpoints = Endpoints {
        ingest: base(args.port),
        moderation: base(args.port + 1_001),
        archive: base(args.port + 2),
        console: base(args.port - 1),
        token,
    };
    let exit = lifecycle::run(
        "up",
        lifecycle::ShutdownConfig::default(),
        move |context| async move {
            let (told, mut set_up) = mpsc::channel(1);
            let (roles, mut failures) = start(&context, &data, roles, &told)?;
            let up = async {
                ready(&context, &roles).await;
                if context.shutdown.is_cancelled() {
                    return Ok(());
                }
                match set_up.try_recv() {
                    Ok(link) if args.config.is_some() => crate::serve::tell(&link),
                    Ok(link) => endpoints.console = link,
                    Err(_) => {}
                }
                if args.config.is_none() {
                    announce(&endpoints, &data);
                }
                if args.demo {
                    demo::run(&endpoints, &context)
                        .await
                        .context("the sample can't be loaded")?;
                }
                context.shutdown.cancelled().await;
                Ok(())
            };
            tokio::select! {
                ended = up => ended,
                // A configuration that a role can't work with has its own exit code.
                Some(error) = failures.recv() => Err(error),
            }
        },
    );
    drop(temporary);
    Ok(exit.into())
}

/// Starts the roles; what ends one of them is received.
fn start(
    context: &Context,
    data: &Path,
    roles: Vec<Configured>,
    told: &mpsc::Sender<String>,
) -> anyhow::Result<(Vec<Context>, mpsc::Receiver<anyhow::Error>)> {
    // The bus goes on as long as any role does.
    let reserve_bytes = roles.iter().map(Configured::reserve).min().unwrap_or(0);
    let bus = Bus::embedded(
        &data.join("bus"),
        EmbeddedConfig {
            reserve_bytes,
            ..EmbeddedConfig::default()
        },
        crate::serve::env(context),
    )?;
    let (failed, failures) = mpsc::channel(Role::ALL.len());
    let mut contexts = Vec::new();
    for configured in roles {
        let name = configured.role().name();
        let own = context.for_role(name);
        contexts.push(own.clone());
        let (failed, shutdown) = (failed.clone(), context.shutdown.clone());
        let (bus, told) = (bus.clone(), told.clone());
        let tell = move |link| {
            // It is told once, and there is room for it.
            told.try_send(link).ok();
        };
        let running = configured.run(own, move |_, _| Ok(bus), tell);
        context.supervise(name, async move {
            if let Err(error) = running.await {
                // It is told once, by whoever receives it; the end of the process follows.
                failed
                    .send(error.context(format!("{name} failed")))
                    .await
                    .ok();
                shutdown.cancelled().await;
            }
            Ok(())
        });
    }
    Ok((contexts, failures))
}

/// Waits until each role is ready, or the process is to stop.
async fn ready(context: &Context, roles: &[Context]) {
    for own in roles {
        while !own.ready.is_ready() && !context.shutdown.is_cancelled() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn announce(endpoints: &Endpoints, data: &Path) {
    let Endpoints {
        ingest,
        moderation,
        archive,
        console,
        token,
    } = endpoints;
    output::raw(&format!(
        "Stoa is up; its data is in {}.\n\n\
         \x20 publish events     POST {ingest}/v1/events\n\
         \x20 read threads       {archive}/\n\
         \x20 review desk        {console}\n\
         \x20 cases, decisions   {moderation}/admin/cases\n\
         \x20 metrics            {moderation}/metrics\n\
         \x20 token (admin)      {token}\n\n\
         The token opens what is pending or refused: -H 'Authorization: Bearer TOKEN'.\n\
         Stop with Ctrl-C.\n",
        data.display(),
    ));
}
