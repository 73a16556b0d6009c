//! What can be wrong with a configuration.

use std::io;
use std::path::PathBuf;

/// A configuration that can't be used; its message is one line, and the process ends with exit code 78.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file can't be read: check its path and its permissions.
    #[error("cannot read configuration file {}: {source}", path.display())]
    Unreadable {
        /// The path as it was given.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The text is not TOML: mend it at the place in the message.
    #[error("{origin}: {message}")]
    Syntax {
        /// The file or variable.
        origin: String,
        /// What the parser says, with line and column.
        message: String,
    },
    /// A key is unknown or missing, or its value can't be used.
    #[error("{origin}: {key}: {message}")]
    Value {
        /// The file or variable where the value comes from.
        origin: String,
        /// The path of the key, as `http.listen`.
        key: String,
        /// What is wrong.
        message: String,
    },
    /// An environment variable can't be used at all.
    #[error("environment variable {variable}: {message}")]
    Variable {
        /// Its name.
        variable: String,
        /// What is wrong.
        message: String,
    },
    /// Values that are fine one by one and can't be used together.
    #[error("{key}: {message}")]
    Invalid {
        /// The path of the key to change.
        key: String,
        /// What is wrong, and what would be right.
        message: String,
    },
}

impl ConfigError {
    /// An error of a role's own checks, naming the key to change.
    pub fn invalid(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid {
            key: key.into(),
            message: message.into(),
        }
    }
}
