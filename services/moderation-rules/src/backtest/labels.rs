//! What people said of comments: from a file, or from moderators' decisions.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use super::history::digest;

/// Words of labels that say that a comment should not have been published as it was.
pub const POSITIVE: [&str; 24] = [
    "reject",
    "rejected",
    "hold",
    "abusive",
    "abuse",
    "offensive",
    "hateful",
    "hate",
    "insult",
    "disrespectful",
    "racist",
    "sexist",
    "homophobic",
    "toxic",
    "threat",
    "harassment",
    "obscene",
    "profanity",
    "spam",
    "removed",
    "deleted",
    "block",
    "blocked",
    "1",
];

/// A line of a file of labels that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct BadLabel {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and what to do.
    pub message: String,
}

/// How labels are read.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    /// Words that make a label positive; a label such as `offensive_hateful` has two words.
    pub positive: BTreeSet<String>,
    /// Labels that are left out.
    pub ignored: BTreeSet<String>,
}

impl Default for Vocabulary {
    fn default() -> Self {
        Self {
            positive: POSITIVE.iter().map(|word| (*word).to_owned()).collect(),
            ignored: BTreeSet::new(),
        }
    }
}

impl Vocabulary {
    /// Tells whether a label is positive; none if it is left out.
    fn read(&self, label: &str) -> Option<bool> {
        let label = label.to_lowercase();
        if self.ignored.contains(&label) {
            return None;
        }
        let mut words = label.split(['_', ',', '|', ' ', '/', ';']);
        Some(self.positive.contains(&label) || words.any(|word| self.positive.contains(word)))
    }
}

/// How one label was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = BacktestLabel)]
pub struct LabelRow {
    /// How often it is there.
    pub comments: u64,
    /// `positive`, `negative` or `ignored`.
    pub read_as: &'static str,
}

/// The labels of comments.
#[derive(Clone, Debug, Default)]
pub struct Labels {
    comments: HashMap<u64, bool>,
    /// How each label was read.
    pub(super) rows: BTreeMap<String, LabelRow>,
}

impl Labels {
    /// Reads lines of site, comment and label with a tab between them; empty lines and lines that
    /// begin with `#` are passed over. Where a comment has several lines, one that is positive
    /// goes before the others.
    pub fn read(text: &str, vocabulary: &Vocabulary) -> Result<Self, BadLabel> {
        let mut labels = Self::default();
        for (line, number) in text.lines().zip(1_usize..) {
            let line = line.trim_end_matches('\r');
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let fields: Vec<&str> = line.split('\t').collect();
            let [site, comment, label] = fields.as_slice() else {
                let message = format!(
                    "there are {} fields and not three: write site, comment and label with a tab \
                     between them",
                    fields.len()
                );
                return Err(BadLabel {
                    line: number,
                    message,
                });
            };
            let read = vocabulary.read(label);
            let row = labels.rows.entry((*label).to_owned()).or_default();
            row.comments += 1;
            row.read_as = match read {
                Some(true) => "positive",
                Some(false) => "negative",
                None => "ignored",
            };
            if let Some(positive) = read {
                *labels.comments.entry(digest(&[site, comment])).or_default() |= positive;
            }
        }
        Ok(labels)
    }

    /// Returns how many comments have a label that counts.
    pub fn len(&self) -> usize {
        self.comments.len()
    }

    /// Tells whether there is none.
    pub fn is_empty(&self) -> bool {
        self.comments.is_empty()
    }

    /// Takes the label of a comment: it counts once.
    pub(super) fn take(&mut self, site: &str, comment: &str) -> Option<bool> {
        self.comments.remove(&digest(&[site, comment]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_by_their_words() {
        let text = "# comment\ns\t1\treject\ns\t2\tapprove\r\ns\t3\tabusive_normal\ns\t4\tnone\n\
                    s\t2\tInsult\n\n";
        let vocabulary = Vocabulary {
            ignored: BTreeSet::from(["none".to_owned()]),
            ..Vocabulary::default()
        };
        let mut labels = Labels::read(text, &vocabulary).unwrap();
        assert_eq!(labels.len(), 3);
        assert_eq!(labels.rows["none"].read_as, "ignored");
        assert_eq!(labels.rows["approve"].read_as, "negative");
        assert_eq!(labels.take("s", "1"), Some(true));
        assert_eq!(labels.take("s", "2"), Some(true));
        assert_eq!(labels.take("s", "3"), Some(true));
        assert_eq!(labels.take("s", "3"), None);
        let bad = Labels::read("s\t1\treject\ns 2 reject\n", &vocabulary).unwrap_err();
        assert!(
            bad.to_string().starts_with("line 2: there are 1 fields"),
            "{bad}"
        );
    }
}
