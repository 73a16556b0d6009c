//! CSV as RFC 4180 has it, whose cells no spreadsheet takes for formulas.

/// Writes a row: fields with quotes, commas or line breaks in quotes, and CRLF at its end.
///
/// A cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return gets an apostrophe before
/// it, as spreadsheets would evaluate it; so a reader takes one apostrophe off such cells.
pub(crate) fn row<'c>(cells: impl IntoIterator<Item = &'c str>, out: &mut String) {
    for (place, cell) in cells.into_iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
        let is_quoted = cell.contains(['"', ',', '\r', '\n']);
        if is_quoted {
            out.push('"');
        }
        if is_formula {
            out.push('\'');
        }
        out.push_str(&cell.replace('"', "\"\""));
        if is_quoted {
            out.push('"');
        }
    }
    out.push_str("\r\n");
}

/// Writes objects of one shape as rows below their names; lists are joined by `|`.
pub(crate) fn table(names: &[&str], rows: &[serde_json::Map<String, serde_json::Value>]) -> String {
    let mut out = String::new();
    row(names.iter().copied(), &mut out);
    for object in rows {
        let cells = names.iter().map(|name| cell(object.get(*name)));
        let cells: Vec<String> = cells.collect();
        row(cells.iter().map(String::as_str), &mut out);
    }
    out
}

fn cell(value: Option<&serde_json::Value>) -> String {
    match value {
        None | Some(serde_json::Value::Null) => String::new(),
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(serde_json::Value::Array(values)) => {
            let values: Vec<String> = values.iter().map(|value| cell(Some(value))).collect();
            values.join("|")
        }
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_are_texts() {
        for (cell, written) in [
            ("plain", "plain"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "\"'\r=1\""),
            ("=cmd|'x',A", "\"'=cmd|'x',A\""),
            ("a=1", "a=1"),
        ] {
            let mut out = String::new();
            row([cell, "end"], &mut out);
            assert_eq!(out, format!("{written},end\r\n"));
        }
    }
}
