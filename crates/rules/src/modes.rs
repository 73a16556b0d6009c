//! Putting rules into another mode, in the text of their files: the rest of each file stays as it was written.

use std::collections::BTreeMap;

use crate::load::RuleSet;
use crate::rule::Mode;

/// A rule whose mode can't be written into its file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the mode of rule `{rule}` can't be changed by itself: write `mode: {mode}` in {file}, line {line}"
)]
pub struct NotWritten {
    /// The rule.
    pub rule: String,
    /// What was to be written.
    pub mode: Mode,
    /// Its file.
    pub file: String,
    /// The line on which it begins, from 1.
    pub line: u32,
}

/// A change of a line: characters from a column on, and what takes their place.
struct Edit {
    line: usize,
    column: usize,
    length: usize,
    text: String,
}

impl RuleSet {
    /// Returns the text of all files with some rules in another mode. Rules that are not there are
    /// passed over.
    ///
    /// # Errors
    /// If a rule is written in a way that is not known here; the error says what to do by hand.
    pub fn with_mode(
        &self,
        rules: &[&str],
        mode: Mode,
    ) -> Result<BTreeMap<String, String>, NotWritten> {
        let mut files: BTreeMap<String, String> = self
            .sources()
            .map(|(path, text)| (path.to_owned(), text.to_owned()))
            .collect();
        let mut edits: BTreeMap<&str, Vec<Edit>> = BTreeMap::new();
        for rule in &self.rules {
            let info = &rule.info;
            if !rules.contains(&info.id.as_str()) || info.mode == mode {
                continue;
            }
            let text = files.get(&info.file).map_or("", String::as_str);
            let edit = match rule.places.mode {
                Some(place) => replace(text, place, mode),
                None => insert(text, rule.places.id, &info.id, mode),
            };
            let edit = edit.ok_or_else(|| NotWritten {
                rule: info.id.clone(),
                mode,
                file: info.file.clone(),
                line: info.line,
            })?;
            edits.entry(info.file.as_str()).or_default().push(edit);
        }
        for (file, mut edits) in edits {
            // From the end, so that places before stay what they are.
            edits.sort_by_key(|edit| std::cmp::Reverse((edit.line, edit.column)));
            if let Some(text) = files.get_mut(file) {
                *text = edits
                    .iter()
                    .fold(text.clone(), |text, edit| apply(&text, edit));
            }
        }
        Ok(files)
    }
}

fn apply(text: &str, edit: &Edit) -> String {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    if let Some(line) = lines.get_mut(edit.line) {
        let chars: Vec<char> = line.chars().collect();
        let before = chars.iter().take(edit.column);
        let after = chars.iter().skip(edit.column + edit.length);
        *line = before
            .copied()
            .chain(edit.text.chars())
            .chain(after.copied())
            .collect();
    }
    lines.join("\n")
}

/// Returns a place as indices, and the characters of its line.
fn find(text: &str, (line, column): (u32, u32)) -> Option<(usize, usize, Vec<char>)> {
    let line = usize::try_from(line).ok()?.checked_sub(1)?;
    let column = usize::try_from(column).ok()?.checked_sub(1)?;
    let chars: Vec<char> = text.split('\n').nth(line)?.chars().collect();
    Some((line, column, chars))
}

/// Returns the length of a plain or quoted scalar that begins at a column, and what it says.
fn scalar(chars: &[char], column: usize) -> Option<(usize, String)> {
    let rest = chars.get(column..)?;
    let quote = rest.first().filter(|c| matches!(c, '"' | '\''));
    let said: String = match quote {
        Some(quote) => rest.iter().skip(1).take_while(|c| *c != quote).collect(),
        None => rest
            .iter()
            .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '%'))
            .collect(),
    };
    let quotes = if quote.is_some() { 2 } else { 0 };
    Some((said.chars().count() + quotes, said))
}

fn replace(text: &str, place: (u32, u32), mode: Mode) -> Option<Edit> {
    let (line, column, chars) = find(text, place)?;
    let (length, said) = scalar(&chars, column)?;
    Mode::parse(&said).ok()?;
    let text = mode.to_string();
    Some(Edit {
        line,
        column,
        length,
        text,
    })
}

/// Writes the mode behind the rule's id: on a line of its own, or between the brackets.
fn insert(text: &str, place: (u32, u32), id: &str, mode: Mode) -> Option<Edit> {
    let (line, column, chars) = find(text, place)?;
    let (length, said) = scalar(&chars, column)?;
    if said != id {
        return None;
    }
    let after: String = chars.get(column + length..)?.iter().collect();
    let after = after.trim_start();
    let (column, text) = if after.starts_with([',', '}']) {
        (column + length, format!(", mode: {mode}"))
    } else if after.is_empty() || after.starts_with('#') {
        let before: String = chars.get(..column)?.iter().collect();
        let key = before
            .trim_end()
            .strip_suffix(':')?
            .trim_end()
            .strip_suffix("id")?;
        let indent = " ".repeat(key.chars().count());
        (chars.len(), format!("\n{indent}mode: {mode}"))
    } else {
        return None;
    };
    Some(Edit {
        line,
        column,
        length: 0,
        text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = r#"# All of them.
rules:
  - id: block # the first
    when: comment.length > 1
    then: { verdict: hold }
  - description: Its id is not first.
    id: "second"
    when: comment.length > 1
    mode: 10%  # a share
    then: { verdict: hold }
  - { id: flow, when: comment.length > 1, then: { verdict: hold } }
  - { mode: "shadow", id: quoted, when: comment.length > 1, then: { verdict: hold } }
"#;

    fn set(text: &str) -> RuleSet {
        let files = BTreeMap::from([("stoa.yaml".to_owned(), text.as_bytes().to_vec())]);
        RuleSet::from_sources(&files).unwrap()
    }

    #[test]
    fn a_mode_is_written_where_it_stands_or_behind_the_id() {
        let all = ["block", "second", "flow", "quoted", "none"];
        let changed = set(RULES).with_mode(&all, Mode::Shadow).unwrap();
        let text = &changed["stoa.yaml"];
        for line in [
            "  - id: block # the first\n    mode: shadow\n    when",
            "    mode: shadow  # a share\n",
            "  - { id: flow, mode: shadow, when",
            "  - { mode: \"shadow\", id: quoted",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        assert_eq!(text.lines().count(), RULES.lines().count() + 1);
        let again = set(text);
        assert!(again.rules().all(|rule| rule.mode == Mode::Shadow));
        let live = again.with_mode(&["quoted"], Mode::Live).unwrap();
        assert!(live["stoa.yaml"].contains("{ mode: live, id: quoted"));
        assert_eq!(
            set(RULES).with_mode(&[], Mode::Shadow).unwrap()["stoa.yaml"],
            RULES
        );
    }

    #[test]
    fn what_is_written_in_another_way_is_left_to_people() {
        let text = "rules:\n  - ? id\n    : odd\n    when: comment.length > 1\n    then: { verdict: hold }\n";
        let refused = set(text).with_mode(&["odd"], Mode::Shadow).unwrap_err();
        assert_eq!((refused.rule.as_str(), refused.line), ("odd", 2));
    }
}
