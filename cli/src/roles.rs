//! The roles of the one binary, and the configuration of each.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;

use clap::ValueEnum;
use stoa_bus::{AmqpConfig, Bus};
use stoa_daemon::config::{self, Secret};
use stoa_daemon::{ConfigError, Context};
use stoa_proto::Reader;

/// A role that a process can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Accepts, validates and routes events.
    Ingest,
    /// Evaluates rules, decides, opens cases.
    ModerationRules,
    /// Keeps and shows threads.
    Archive,
    /// Is the review desk for people.
    Console,
}

impl Role {
    /// All roles.
    pub(crate) const ALL: [Self; 4] = [
        Self::Ingest,
        Self::ModerationRules,
        Self::Archive,
        Self::Console,
    ];

    /// Returns the name, as on the command line and in folders.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::ModerationRules => "moderation-rules",
            Self::Archive => "archive",
            Self::Console => "console",
        }
    }

    /// Returns the default configuration, as TOML with comments.
    pub(crate) fn default_config(self) -> &'static str {
        match self {
            Self::Ingest => stoa_ingest::DEFAULT_CONFIG,
            Self::ModerationRules => stoa_moderation_rules::DEFAULT_CONFIG,
            Self::Archive => stoa_archive::DEFAULT_CONFIG,
            Self::Console => stoa_console::DEFAULT_CONFIG,
        }
    }
}

/// A role with its configuration.
pub(crate) enum Configured {
    /// Ingest.
    Ingest(Box<stoa_ingest::Config>),
    /// Moderation.
    ModerationRules(Box<stoa_moderation_rules::Config>),
    /// Archive.
    Archive(Box<stoa_archive::Config>),
    /// Console.
    Console(Box<stoa_console::Config>),
}

/// Evaluates an expression for the configuration of whichever role it is.
macro_rules! each {
    ($configured:expr, $config:ident => $value:expr) => {
        match $configured {
            Configured::Ingest($config) => $value,
            Configured::ModerationRules($config) => $value,
            Configured::Archive($config) => $value,
            Configured::Console($config) => $value,
        }
    };
}

impl Configured {
    /// Reads a role's configuration: its default, a file, then the given variables.
    pub(crate) fn load(
        role: Role,
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let (name, default) = (role.name(), role.default_config());
        Ok(match role {
            Role::Ingest => Self::Ingest(Box::new(config::load_from(
                name,
                default,
                file,
                environment,
            )?)),
            Role::ModerationRules => Self::ModerationRules(Box::new(config::load_from(
                name,
                default,
                file,
                environment,
            )?)),
            Role::Archive => Self::Archive(Box::new(config::load_from(
                name,
                default,
                file,
                environment,
            )?)),
            Role::Console => Self::Console(Box::new(config::load_from(
                name,
                default,
                file,
                environment,
            )?)),
        })
    }

    /// Returns the role.
    pub(crate) fn role(&self) -> Role {
        match self {
            Self::Ingest(_) => Role::Ingest,
            Self::ModerationRules(_) => Role::ModerationRules,
            Self::Archive(_) => Role::Archive,
            Self::Console(_) => Role::Console,
        }
    }

    /// Lets a token in.
    pub(crate) fn admit(&mut self, token: stoa_daemon::auth::TokenConfig) {
        match self {
            Self::Ingest(config) => config.tokens.push(token),
            Self::ModerationRules(config) => config.tokens.push(token),
            Self::Archive(config) => config.tokens.push(token),
            Self::Console(config) => config.tokens.push(token),
        }
    }

    /// Returns the bytes of disk that the role leaves free.
    pub(crate) fn reserve(&self) -> u64 {
        match self {
            Self::Ingest(config) => config.budget.reserve.get(),
            Self::ModerationRules(config) => config.journal.reserve.get(),
            Self::Archive(config) => config.journal.reserve.get(),
            Self::Console(config) => config.journal.reserve.get(),
        }
    }

    /// Refuses what can be read and can't work.
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        each!(self, config => config.validate())
    }

    /// Returns the data folder.
    pub(crate) fn data_dir(&self) -> &Path {
        each!(self, config => &config.data_dir)
    }

    /// Returns where the admin listener is.
    pub(crate) fn admin(&self) -> SocketAddr {
        each!(self, config => config.admin.listen)
    }

    /// Returns how the broker is reached, and what is read there; the console has none.
    pub(crate) fn bus(&self) -> Option<(AmqpConfig, Reader)> {
        match self {
            Self::Ingest(config) => Some((config.bus.clone(), Reader::Ingest)),
            Self::ModerationRules(config) => Some((config.bus.clone(), Reader::Moderation)),
            Self::Archive(config) => Some((config.bus.clone(), Reader::Archive)),
            Self::Console(_) => None,
        }
    }

    /// Returns the admin listeners of other roles that it asks: name, address, token.
    pub(crate) fn backends(&self) -> Vec<(&'static str, String, Option<String>)> {
        let Self::Console(config) = self else {
            return Vec::new();
        };
        let token = |token: &Option<Secret>| token.as_ref().map(|token| token.expose().to_owned());
        vec![
            (
                "ingest",
                config.ingest.url.clone(),
                token(&config.ingest.token),
            ),
            (
                "moderation-rules",
                config.moderation.url.clone(),
                token(&config.moderation.token),
            ),
            (
                "archive",
                config.archive.admin_url.clone(),
                token(&config.archive.token),
            ),
        ]
    }

    /// Returns the configuration of logs.
    pub(crate) fn log(&self) -> &stoa_daemon::telemetry::LogConfig {
        each!(self, config => &config.log)
    }

    /// Runs the role until it is told to stop, on the bus that `connect` makes of its configuration if it needs one.
    ///
    /// `tell` gets what the person who starts it has to know.
    pub(crate) async fn run(
        self,
        context: Context,
        connect: impl FnOnce(&AmqpConfig, &Context) -> anyhow::Result<Bus>,
        tell: impl FnOnce(String) + Send,
    ) -> anyhow::Result<()> {
        match self {
            Self::Ingest(config) => {
                let bus = connect(&config.bus, &context)?;
                stoa_ingest::run(*config, context, bus).await
            }
            Self::ModerationRules(config) => {
                let bus = connect(&config.bus, &context)?;
                stoa_moderation_rules::run(*config, context, bus).await
            }
            Self::Archive(config) => {
                let bus = connect(&config.bus, &context)?;
                stoa_archive::run(*config, context, bus).await
            }
            Self::Console(config) => stoa_console::run(*config, context, tell).await,
        }
    }
}
