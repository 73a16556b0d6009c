//! Configuration: three layers, checked names, and types with units.
//!
//! The embedded default comes first, the file given by `--config` over it, and over both the environment:
//! `STOA_<ROLE>__A__B=value` sets `b` in section `[a]`, with the role in capitals and `-` as `_`.
//! A number between double underscores is an index (`STOA_INGEST__TOKENS__0__NAME`), and a value that starts
//! with `[` or `{` is read as TOML. Wherever a text is expected, `{ file = "/run/secrets/name" }` takes it from a file.
//!
//! Whatever is wrong ends up in a [`ConfigError`]: one line that names the file or variable, the key and the
//! remedy. Configuration structs use `#[serde(deny_unknown_fields)]`, so that a misspelt key is an error too.

mod duration;
mod environment;
mod error;
mod layer;
mod secret;
mod size;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::Path;

use serde::de::DeserializeOwned;

pub use self::duration::Duration;
pub use self::error::ConfigError;
pub use self::secret::Secret;
pub use self::size::ByteSize;

use self::layer::Layer;

/// Loads a role's configuration: its embedded default, then `file`, then the environment of this process.
///
/// `role` is the name on the command line, as `moderation-rules`.
pub fn load<T: DeserializeOwned>(
    role: &str,
    default_toml: &str,
    file: Option<&Path>,
) -> Result<T, ConfigError> {
    load_from(role, default_toml, file, std::env::vars_os())
}

/// Loads a role's configuration from an environment that the caller gives.
pub fn load_from<T: DeserializeOwned>(
    role: &str,
    default_toml: &str,
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<T, ConfigError> {
    let mut layers = vec![Layer::toml("built-in default", default_toml)?];
    if let Some(path) = file {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        layers.push(Layer::toml(&path.display().to_string(), &text)?);
    }
    layers.push(environment::layer(role, environment)?);
    layer::deserialize(layers)
}
