//! `stoa serve ROLE`: one role over RabbitMQ.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use stoa_bus::{AmqpConfig, Bus, Env};
use stoa_daemon::{ConfigError, Context, lifecycle, telemetry};

use crate::client::chain;
use crate::output;
use crate::roles::{Configured, Role};

/// Runs one role, over RabbitMQ unless it is the console.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// The role to run.
    #[arg(value_enum)]
    role: Role,
    /// Configuration file (TOML), over the built-in default and under `STOA_<ROLE>__A__B`.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Prints the built-in default configuration, with a comment on every key, and ends.
    #[arg(long)]
    print_default_config: bool,
    /// Declares exchanges, queues and bindings at start; for development only.
    #[arg(long)]
    provision: bool,
}

/// Returns the bus's part of a context.
pub(crate) fn env(context: &Context) -> Env {
    Env {
        tasks: context.tasks.clone(),
        shutdown: context.shutdown.clone(),
        registry: context.registry.clone(),
        clock: context.clock.micros_fn(),
    }
}

/// Says where the first account of the console is made.
pub(crate) fn tell(link: &str) {
    output::raw(&format!("Make the first account at {link}\n"));
}

/// Runs the command.
pub(crate) fn run(args: &ServeArgs) -> anyhow::Result<ExitCode> {
    if args.print_default_config {
        output::raw(args.role.default_config());
        return Ok(ExitCode::SUCCESS);
    }
    let configured = Configured::load(args.role, args.config.as_deref(), std::env::vars_os())?;
    telemetry::init(configured.log())?;
    let role = configured.role().name();
    let provision = args.provision;
    let exit = lifecycle::run(
        role,
        lifecycle::ShutdownConfig::default(),
        move |context| async move {
            let connect = |amqp: &AmqpConfig, context: &Context| {
                let mut amqp = amqp.clone();
                amqp.provision |= provision;
                amqp.role = role.to_owned();
                Bus::amqp(amqp, env(context)).map_err(misconfigured)
            };
            configured.run(context, connect, |link| tell(&link)).await
        },
    );
    Ok(exit.into())
}

/// Tells a setting that can't work from other failures: starting again won't help.
fn misconfigured(error: stoa_bus::Error) -> anyhow::Error {
    match error {
        stoa_bus::Error::Url { .. }
        | stoa_bus::Error::Setting { .. }
        | stoa_bus::Error::File { .. } => ConfigError::invalid("bus", chain(&error)).into(),
        error => error.into(),
    }
}
