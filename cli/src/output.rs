//! The printer: tables on a terminal, plain columns in a pipe, JSON for programs.
//!
//! **Invariant:** this is the only module that writes to standard output and standard error.

use std::borrow::Cow;
use std::io::{IsTerminal as _, Write as _};

use comfy_table::{ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

/// Prints text as it is.
pub(crate) fn raw(text: &str) {
    let mut out = std::io::stdout().lock();
    // A reader that went away, as `head` does, is no failure of ours.
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .ok();
}

/// Returns standard output, for what is too much to be held.
pub(crate) fn stdout() -> impl std::io::Write + Send {
    std::io::stdout()
}

/// Prints a line.
pub(crate) fn line(text: &str) {
    raw(&format!("{text}\n"));
}

/// Prints a line for a person on standard error.
pub(crate) fn note(text: &str) {
    let mut out = std::io::stderr().lock();
    out.write_all(format!("{text}\n").as_bytes()).ok();
}

/// Prints a value as JSON on one line.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(&serde_json::to_string(value)?);
    Ok(())
}

/// Prints rows under a header: drawn on a terminal, columns with a tab between them otherwise.
pub(crate) fn table<const N: usize>(header: [&str; N], rows: &[[String; N]]) {
    if std::io::stdout().is_terminal() {
        let mut table = Table::new();
        table
            .load_style(presets::UTF8_HORIZONTAL_ONLY)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_header(header);
        for row in rows {
            table.add_row(row.iter().map(|cell| printable(cell).into_owned()));
        }
        line(&table.to_string());
    } else {
        raw(&plain(header, rows));
    }
}

fn plain<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    let mut text = header.join("\t");
    text.push('\n');
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .map(|cell| printable(&cell.replace(['\t', '\n'], " ")).into_owned())
            .collect();
        text.push_str(&cells.join("\t"));
        text.push('\n');
    }
    text
}

/// Shows control characters instead of obeying them: what is printed may be a stranger's text,
/// and a terminal acts on escape sequences and on changes of direction.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    let hostile = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if text.chars().any(hostile) {
        Cow::Owned(
            text.chars()
                .map(|c| if hostile(c) { '\u{fffd}' } else { c })
                .collect(),
        )
    } else {
        Cow::Borrowed(text)
    }
}

/// Makes a progress bar on standard error; it stays hidden unless that is a terminal.
pub(crate) fn progress(len: u64, unit: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(len), ProgressDrawTarget::stderr());
    let template =
        format!("{{wide_bar}} {{human_pos}}/{{human_len}} {unit}, {{per_sec}}, {{eta}} left");
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn piped_tables_have_a_line_a_row() {
        let rows = [["1".to_owned(), "two\nlines\tand a tab".to_owned()]];
        assert_eq!(
            plain(["n", "text"], &rows),
            "n\ttext\n1\ttwo lines and a tab\n"
        );
    }

    #[test]
    fn a_terminal_never_sees_escapes_of_strangers() {
        assert_eq!(
            printable("a\u{1b}[31mb\u{202e}c"),
            "a\u{fffd}[31mb\u{fffd}c"
        );
        assert_eq!(printable("Офлайн é"), "Офлайн é");
    }
}
