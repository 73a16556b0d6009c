//! Layers: TOML texts and the environment, merged by the `config` crate, each value knowing where it came from.

use std::path::PathBuf;

use config::{Config, File, FileFormat, Map, Source, Value, ValueKind};
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use super::ConfigError;
use super::secret::read_line;

/// One layer of configuration, its values tagged with their origin.
#[derive(Clone, Debug)]
pub(super) struct Layer(Map<String, Value>);

impl Layer {
    /// Reads a TOML text; `origin` is what an error names.
    pub(super) fn toml(origin: &str, text: &str) -> Result<Self, ConfigError> {
        let parsed = File::from_str(text, FileFormat::Toml)
            .collect()
            .map_err(|error| {
                let message = match &error {
                    config::ConfigError::FileParse { cause, .. } => cause.to_string(),
                    other => other.to_string(),
                };
                ConfigError::Syntax {
                    origin: origin.to_owned(),
                    message: one_line(&message),
                }
            })?;
        let origin = origin.to_owned();
        let values = parsed
            .into_iter()
            .map(|(key, value)| (key, tag(&origin, value)))
            .collect();
        Ok(Self(values))
    }

    /// A layer of key paths (`http.listen`, `tokens[0].name`) with their values.
    pub(super) fn paths(values: Map<String, Value>) -> Self {
        Self(values)
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, config::ConfigError> {
        Ok(self.0.clone())
    }
}

/// Gives a value, and all values in it, their origin.
pub(super) fn tag(origin: &String, value: Value) -> Value {
    let kind = match value.kind {
        ValueKind::Table(table) => ValueKind::Table(
            table
                .into_iter()
                .map(|(key, value)| (key, tag(origin, value)))
                .collect(),
        ),
        ValueKind::Array(values) => {
            ValueKind::Array(values.into_iter().map(|value| tag(origin, value)).collect())
        }
        kind => kind,
    };
    Value::new(Some(origin), kind)
}

/// Merges layers, later ones over earlier ones, into a configuration struct.
pub(super) fn deserialize<T: DeserializeOwned>(layers: Vec<Layer>) -> Result<T, ConfigError> {
    let mut builder = Config::builder();
    for layer in layers {
        builder = builder.add_source(layer);
    }
    let merged = builder.build().map_err(|error| ConfigError::Syntax {
        origin: "configuration".to_owned(),
        message: one_line(&error.to_string()),
    })?;
    let mut root: Value = merged.cache;
    loop {
        let error = match serde_path_to_error::deserialize::<_, T>(root.clone()) {
            Ok(config) => return Ok(config),
            Err(error) => error,
        };
        let path = error.path().clone();
        let origin = origin_of(&root, &path).unwrap_or_else(|| "configuration".to_owned());
        let key = path.to_string();
        let key = if key == "." {
            "top level".to_owned()
        } else {
            key
        };
        let invalid = |message: &str| ConfigError::Value {
            origin: origin.clone(),
            key: key.clone(),
            message: one_line(message),
        };
        let error = error.into_inner();
        match value_mut(&mut root, &path).and_then(|value| named_file(value, &error)) {
            Some((value, file)) => {
                let text = read_line(&file).map_err(|message| invalid(&message))?;
                *value = Value::new(Some(&origin), ValueKind::String(text));
            }
            None => return Err(invalid(&describe(error))),
        }
    }
}

/// Where a text is expected and `{ file = "…" }` found: the value to replace, and the file that holds the text.
fn named_file<'v>(
    value: &'v mut Value,
    error: &config::ConfigError,
) -> Option<(&'v mut Value, PathBuf)> {
    let wants_text = match error {
        config::ConfigError::Type { expected, .. } => *expected == "a string",
        config::ConfigError::At { error, .. } => {
            matches!(&**error, config::ConfigError::Type { expected, .. } if *expected == "a string")
        }
        _ => false,
    };
    let ValueKind::Table(table) = &value.kind else {
        return None;
    };
    let file = table
        .get("file")
        .filter(|_| wants_text && table.len() == 1)?;
    let ValueKind::String(file) = &file.kind else {
        return None;
    };
    let file = PathBuf::from(file);
    Some((value, file))
}

fn value_mut<'v>(root: &'v mut Value, path: &serde_path_to_error::Path) -> Option<&'v mut Value> {
    let mut value = root;
    for segment in path {
        value = match (segment, &mut value.kind) {
            (Segment::Map { key }, ValueKind::Table(table)) => table.get_mut(key)?,
            (Segment::Seq { index }, ValueKind::Array(values)) => values.get_mut(*index)?,
            _ => return None,
        };
    }
    Some(value)
}

/// What an error says, without what we say ourselves: the key and where it comes from.
fn describe(error: config::ConfigError) -> String {
    match error {
        config::ConfigError::Message(message) => message,
        config::ConfigError::At { error, .. } => error.to_string(),
        config::ConfigError::NotFound(path) => {
            let name = path.rsplit(['.', ']']).next().unwrap_or(&path);
            format!("missing field `{name}`")
        }
        config::ConfigError::Type {
            unexpected,
            expected,
            ..
        } => {
            format!("invalid type: {unexpected}, expected {expected}")
        }
        other => other.to_string(),
    }
}

/// Where the value at `path` comes from, or else the innermost value around it.
fn origin_of(root: &Value, path: &serde_path_to_error::Path) -> Option<String> {
    let mut value = root;
    let mut origin = None;
    for segment in path {
        let next = match (segment, &value.kind) {
            (Segment::Map { key }, ValueKind::Table(table)) => table.get(key),
            (Segment::Seq { index }, ValueKind::Array(values)) => values.get(*index),
            _ => None,
        };
        let Some(next) = next else { break };
        value = next;
        origin = first_origin(value).or(origin);
    }
    origin.or_else(|| first_origin(root))
}

/// The origin of a value, or of the last layer's value inside it: tables that were merged have none.
fn first_origin(value: &Value) -> Option<String> {
    if let Some(origin) = value.origin() {
        return Some(origin.to_owned());
    }
    let inside: Vec<String> = match &value.kind {
        ValueKind::Table(table) => table.values().filter_map(first_origin).collect(),
        ValueKind::Array(values) => values.iter().filter_map(first_origin).collect(),
        _ => Vec::new(),
    };
    let builtin = |origin: &String| origin == "built-in default";
    inside
        .iter()
        .find(|origin| !builtin(origin))
        .or_else(|| inside.first())
        .cloned()
}

/// Folds a parser's drawing (message, source line, caret) into one line.
pub(super) fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| {
            // The drawn source lines: `3 | listen = `, ` | ^`.
            !line.is_empty()
                && !line.starts_with('|')
                && line
                    .split_once(" |")
                    .is_none_or(|(number, _)| number.parse::<u32>().is_err())
        })
        .collect();
    lines.join(": ")
}
