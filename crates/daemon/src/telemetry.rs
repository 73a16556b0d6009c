//! Logs: one line an event to standard error, as JSON or for a person to read.
//!
//! Field values can't break lines or draw on a terminal: control characters are escaped. What a log must never
//! hold (comment text, author names, secrets) is the business of who logs; a panic's message is cut before its
//! first quotation, because that may be a comment's text.

use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal as _};
use std::panic::PanicHookInfo;

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::ConfigError;

/// The `[log]` section of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// How a line looks.
    pub format: LogFormat,
    /// What is logged: `info` and `debug` are Stoa's own level, with libraries from `warn` on; or directives as
    /// `info,stoa_bus=debug`. More than `info` costs throughput.
    pub level: String,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line, for collectors.
    #[default]
    Json,
    /// For a person, in colour on a terminal.
    Pretty,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            format: LogFormat::default(),
            level: "info".to_owned(),
        }
    }
}

/// Starts logging for the process, also of panics; the first call counts, and later ones change nothing.
pub fn init(config: &LogConfig) -> Result<(), ConfigError> {
    let started = match config.format {
        LogFormat::Json => json(config, io::stderr)?.try_init(),
        LogFormat::Pretty => pretty(config, io::stderr().is_terminal(), io::stderr)?.try_init(),
    };
    if started.is_ok() {
        std::panic::set_hook(Box::new(log_panic));
    }
    Ok(())
}

fn filter(config: &LogConfig) -> Result<EnvFilter, ConfigError> {
    // At `debug`, the libraries say so much that our own lines drown; and the broker's client says at each attempt to
    // connect what the bus says once.
    let directives = match config.level.as_str() {
        level @ ("info" | "debug" | "trace") => format!("warn,lapin=off,stoa={level}"),
        directives => directives.to_owned(),
    };
    EnvFilter::builder().parse(directives).map_err(|error| {
        ConfigError::invalid(
            "log.level",
            format!("`{}` is not a log level: {error}", config.level),
        )
    })
}

fn json<W>(
    config: &LogConfig,
    writer: W,
) -> Result<impl tracing::Subscriber + Send + Sync + 'static, ConfigError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    Ok(tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(filter(config)?)
        .with_writer(writer)
        .finish())
}

fn pretty<W>(
    config: &LogConfig,
    colour: bool,
    writer: W,
) -> Result<impl tracing::Subscriber + Send + Sync + 'static, ConfigError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let fields = debug_fn(|writer: &mut Writer<'_>, field, value| {
        let mut escaped = Escape(writer);
        match field.name() {
            "message" => write!(escaped, "{value:?}"),
            name => write!(escaped, "{name}={value:?}"),
        }
    });
    Ok(tracing_subscriber::fmt()
        .fmt_fields(fields.delimited(" "))
        .with_ansi(colour)
        .with_env_filter(filter(config)?)
        .with_writer(writer)
        .finish())
}

/// Writes control characters as escapes.
struct Escape<'a, 'w>(&'a mut Writer<'w>);

impl fmt::Write for Escape<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if !text.contains(char::is_control) {
            return self.0.write_str(text);
        }
        for c in text.chars() {
            if c.is_control() {
                write!(self.0, "{}", c.escape_default())?;
            } else {
                self.0.write_char(c)?;
            }
        }
        Ok(())
    }
}

fn log_panic(info: &PanicHookInfo<'_>) {
    let location = info.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    let message = info.payload_as_str().map_or("", without_quotation);
    tracing::error!(location, thread, message, "panic");
}

/// A panic's message up to its first quotation: `slice_error_fail` and its like quote the text at hand.
fn without_quotation(message: &str) -> &str {
    message
        .split(['\'', '"', '`', '\n'])
        .next()
        .unwrap_or_default()
        .trim_end()
}

#[cfg(test)]
mod tests;
