//! What is wrong with a rule set, where, and what to do about it.

use std::fmt;

/// One error of a rule set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file, relative to the rule set's folder.
    pub file: String,
    /// The line, from 1; 0 if the error is about the file as a whole.
    pub line: u32,
    /// The column, from 1, in characters; 0 if the error is about the line or file as a whole.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The line, if there is one.
    pub snippet: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
            if self.column > 0 {
                write!(f, ":{}", self.column)?;
            }
        }
        write!(f, ": {}", self.message)?;
        let margin = self.line.to_string().len();
        if let Some(snippet) = &self.snippet {
            write!(f, "\n{:margin$} |\n{} | {snippet}", "", self.line)?;
            if self.column > 0 {
                let before = usize::try_from(self.column - 1).unwrap_or(0);
                // Tabs are kept, so that the caret stands where the terminal puts the character.
                let pad: String = snippet
                    .chars()
                    .take(before)
                    .map(|c| if c == '\t' { '\t' } else { ' ' })
                    .collect();
                write!(f, "\n{:margin$} | {pad}^", "")?;
            }
        }
        if let Some(help) = &self.help {
            write!(f, "\n{:margin$} = help: {help}", "")?;
        }
        Ok(())
    }
}

/// Everything that is wrong with a rule set; never empty when it is returned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Errors(pub Vec<Diagnostic>);

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            diagnostic.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Errors {}

/// Returns "did you mean …?" if one of the candidates is near the word.
pub(crate) fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest(word, candidates).map(|name| format!("did you mean `{name}`?"))
}

/// Returns the candidate that needs the fewest edits, if these are few for the word's length.
fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.to_lowercase().chars().take(64).collect();
    let allowed = (word.len() / 3).max(if word.len() > 3 { 2 } else { 1 });
    candidates
        .into_iter()
        .map(|candidate| (edits(&word, &candidate.to_lowercase()), candidate))
        .filter(|(edits, _)| *edits <= allowed)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// Counts the insertions, deletions, substitutions and swaps of neighbours between two words
/// (optimal string alignment distance).
fn edits(a: &[char], b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at =
                |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&row, j) + usize::from(x != y))
                .min(at(&row, j + 1) + 1)
                .min(at(&next, j) + 1);
            if i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x) {
                best = best.min(at(&before, j - 1) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_what_is_near_and_nothing_else() {
        let names = ["comment.text", "comment.length", "author.trusted"];
        let check =
            |word, expected: Option<&str>| assert_eq!(nearest(word, names), expected, "{word}");
        check("comment.txt", Some("comment.text"));
        check("comment.lenght", Some("comment.length"));
        check("Author.Trusted", Some("author.trusted"));
        check("weather", None);
        check("", None);
    }

    #[test]
    fn shows_place_line_caret_and_remedy() {
        let diagnostic = Diagnostic {
            file: "stoa.yaml".into(),
            line: 12,
            column: 7,
            message: "unknown fact `x`".into(),
            help: Some("did you mean `y`?".into()),
            snippet: Some("when: x > 1".into()),
        };
        assert_eq!(
            diagnostic.to_string(),
            "stoa.yaml:12:7: unknown fact `x`\n   |\n12 | when: x > 1\n   |       ^\n   = help: did you mean `y`?"
        );
    }
}
