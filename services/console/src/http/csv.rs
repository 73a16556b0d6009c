//! Tables as CSV (RFC 4180), which a spreadsheet does not take for formulas.

/// Writes a row.
pub(super) fn row(cells: &[&str]) -> String {
    let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
    format!("{}\r\n", cells.join(","))
}

/// Writes a cell in quotes; what a spreadsheet would calculate gets an apostrophe before it.
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let guard = if is_formula { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_calculated_and_nothing_ends_its_cell() {
        for (text, expected) in [
            (
                "plain, with \"quotes\"\nand a line",
                "\"plain, with \"\"quotes\"\"\nand a line\"",
            ),
            ("=1+1", "\"'=1+1\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("\r=1", "\"'\r=1\""),
            ("a=1", "\"a=1\""),
            ("", "\"\""),
        ] {
            assert_eq!(cell(text), expected);
        }
        assert_eq!(row(&["a", "=b"]), "\"a\",\"'=b\"\r\n");
    }
}
