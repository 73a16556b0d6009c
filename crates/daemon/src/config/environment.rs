//! The environment layer: `STOA_<ROLE>__A__B=value`.

use std::ffi::OsString;

use config::{Map, Value, ValueKind};

use super::ConfigError;
use super::layer::{Layer, tag};

/// No list in a configuration is longer; it keeps a mistyped index from allocating a huge list.
const MAX_INDEX: usize = 99;

/// Collects the variables of a role.
pub(super) fn layer(
    role: &str,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Layer, ConfigError> {
    let prefix = format!("STOA_{}__", role.to_ascii_uppercase().replace('-', "_"));
    let mut paths = Map::new();
    for (name, value) in environment {
        // A name that is not Unicode can't be one of ours.
        let Some(name) = name.to_str() else { continue };
        let Some(rest) = name.strip_prefix(&prefix) else {
            continue;
        };
        let bad = |message: &str| ConfigError::Variable {
            variable: name.to_owned(),
            message: message.to_owned(),
        };
        let path = key_path(rest).ok_or_else(|| {
            bad("expected key names between double underscores, as in A__B or A__0__B")
        })?;
        let value = value
            .to_str()
            .ok_or_else(|| bad("the value is not UTF-8"))?;
        if value.trim().is_empty() {
            return Err(bad(
                "the value is empty: unset the variable to use the default",
            ));
        }
        paths.insert(path, parse(name, value)?);
    }
    Ok(Layer::paths(paths))
}

/// `HTTP__LISTEN` → `http.listen`, `TOKENS__0__NAME` → `tokens[0].name`.
fn key_path(name: &str) -> Option<String> {
    let mut path = String::new();
    for part in name.split("__") {
        let part = part.to_ascii_lowercase();
        let known = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if part.is_empty() || !part.chars().all(known) {
            return None;
        }
        if part.bytes().all(|byte| byte.is_ascii_digit()) {
            let index: usize = part.parse().ok()?;
            if path.is_empty() || index > MAX_INDEX {
                return None;
            }
            path = format!("{path}[{index}]");
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&part);
        }
    }
    Some(path)
}

/// A list or table is TOML; anything else stays text, and becomes a number or a truth value where one is expected.
fn parse(name: &str, value: &str) -> Result<Value, ConfigError> {
    let origin = format!("environment variable {name}");
    let trimmed = value.trim_start();
    if !trimmed.starts_with('[') && !trimmed.starts_with('{') {
        return Ok(Value::new(
            Some(&origin),
            ValueKind::String(value.to_owned()),
        ));
    }
    let parsed = config::File::from_str(&format!("value = {value}"), config::FileFormat::Toml);
    let invalid = |message: &str| ConfigError::Syntax {
        origin: origin.clone(),
        message: message.to_owned(),
    };
    let mut table = config::Source::collect(&parsed)
        .map_err(|_| invalid("starts like a TOML list or table and is not one"))?;
    if table.len() != 1 {
        return Err(invalid("expected one TOML value"));
    }
    let value = table
        .remove("value")
        .ok_or_else(|| invalid("expected one TOML value"))?;
    Ok(tag(&origin, value))
}
