//! How answers about cases, appeals, accounts and the like are printed: as JSON, or as rows of a table.

use std::process::ExitCode;

use serde_json::Value;

use crate::output;

/// What is printed of things of one kind.
pub(crate) struct Rows<const N: usize> {
    /// What they are called: the name of their list in an answer.
    pub(crate) name: &'static str,
    /// What stands over the columns.
    pub(crate) header: [&'static str; N],
    /// The row of one.
    pub(crate) row: fn(&Value) -> [String; N],
}

impl<const N: usize> Rows<N> {
    /// Prints the list of an answer, and says how it goes on.
    pub(crate) fn page(&self, answer: &Value, is_json: bool) -> anyhow::Result<ExitCode> {
        let listed: Vec<&Value> = list(answer, self.name).collect();
        if is_json {
            output::json(&listed)?;
        } else if listed.is_empty() {
            output::line(&format!("There are no such {}.", self.name));
        } else {
            self.table(listed);
        }
        let next = text(answer, "next");
        if !next.is_empty() {
            output::note(&format!("more with --after {next}"));
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Prints one.
    pub(crate) fn one(&self, value: &Value, is_json: bool) -> anyhow::Result<ExitCode> {
        if is_json {
            output::json(value)?;
        } else {
            self.table([value]);
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Prints a table.
    pub(crate) fn table<'a>(&self, values: impl IntoIterator<Item = &'a Value>) {
        let rows: Vec<[String; N]> = values.into_iter().map(self.row).collect();
        output::table(self.header, &rows);
    }
}

/// Returns a value of an object as it is shown; nothing if it is absent.
pub(crate) fn text(object: &Value, name: &str) -> String {
    match object.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => output::printable(text).into_owned(),
        Some(other) => other.to_string(),
    }
}

/// The texts of a list, with a comma between two.
pub(crate) fn texts(object: &Value, name: &str) -> String {
    let texts = list(object, name).filter_map(Value::as_str);
    let texts: Vec<_> = texts.map(output::printable).collect();
    texts.join(", ")
}

/// The values of a list; none if it is absent.
pub(crate) fn list<'a>(object: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    let list = object.get(name).and_then(Value::as_array);
    list.into_iter().flatten()
}
