//! The parts of a page: article, what stands between, comments.

use std::fmt;

use jiff::tz::TimeZone;
use serde::Serialize;
use stoa_proto::data::Presence;
use stoa_proto::{Attribution, Time};

use super::comments::Header;
use super::{article, comments, words};

/// Characters between the count of comments and the first comment; more is an article's text, and
/// the count above it a mere mention.
const BETWEEN: usize = 800;

/// Lines below the title among which a count of comments says nothing of where they begin.
const TOP: usize = 3;

/// Characters from which a line is a paragraph, and not a button or a label.
const PARAGRAPH: usize = 80;

/// Why a text is no page.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum Error {
    /// There is nothing in it.
    #[error("the page is empty")]
    Empty,
}

/// What a page says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Page {
    /// The headline.
    pub(super) title: String,
    /// The paragraphs of the article.
    pub(super) body: Vec<String>,
    /// The sources that the article names.
    pub(super) attribution: Vec<Attribution>,
    /// The credits of photographs.
    pub(super) media_credits: Vec<String>,
    /// The number of comments that the page shows.
    pub(super) count: Option<u64>,
    /// Whether comments can be written, if the page says so.
    pub(super) open: Option<bool>,
    /// Whether only members can write, if the page says so.
    pub(super) members_only: Option<bool>,
    /// The comments in the order of the page.
    pub(super) comments: Vec<PageComment>,
    /// What could not be placed.
    pub(super) notes: Vec<Note>,
}

/// A comment on a page.
#[derive(Debug, Default, PartialEq)]
pub(super) struct PageComment {
    /// The line of its number, from 1.
    pub(super) line: usize,
    /// Its place in the list's numbering, such as `2.1`.
    pub(super) path: String,
    /// The place of the comment that it answers.
    pub(super) parent: Option<String>,
    /// The name that is shown.
    pub(super) display_name: String,
    /// The real name.
    pub(super) name: Option<String>,
    /// Whether the author was online.
    pub(super) presence: Option<Presence>,
    /// When it was written.
    pub(super) submitted_at: Option<Time>,
    /// Its votes.
    pub(super) score: Option<i64>,
    /// Its words, without the indentation.
    pub(super) body: String,
}

/// Something that could not be placed, or is doubtful.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Note {
    /// The line, from 1.
    pub(super) line: usize,
    /// What is the matter.
    pub(super) message: String,
}

impl Note {
    pub(super) fn new(line: usize, message: impl Into<String>) -> Self {
        Self {
            line,
            message: message.into(),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

/// A line with its number, from 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    pub(super) number: usize,
    pub(super) text: &'a str,
}

impl<'a> Line<'a> {
    /// The line without white space around it.
    pub(super) fn trimmed(self) -> &'a str {
        self.text.trim()
    }

    /// The line without characters around it that nobody sees.
    pub(super) fn is_blank(self) -> bool {
        self.trimmed().is_empty()
    }

    /// The columns of white space before the text; a tab goes to the next multiple of four.
    pub(super) fn indent(self) -> usize {
        let mut columns = 0;
        for c in self.text.chars() {
            match c {
                '\t' => columns = (columns / 4 + 1) * 4,
                c if c.is_whitespace() => columns += 1,
                _ => break,
            }
        }
        columns
    }
}

/// Finds the parts of a page. `english` tells that `1/2/2022` may be either day.
pub(super) fn parse(text: &str, zone: Option<&TimeZone>, english: bool) -> Result<Page, Error> {
    let lines: Vec<Line<'_>> = text
        .trim_start_matches('\u{feff}')
        .lines()
        .zip(1..)
        .map(|(text, number)| Line { number, text })
        .collect();
    let title_at = lines
        .iter()
        .position(|line| !line.is_blank())
        .ok_or(Error::Empty)?;
    let (head, rest) = lines.split_at(title_at + 1);
    let title = head.last().map(|line| line.trimmed()).unwrap_or_default();
    let headers = comments::headers(rest, english);
    let first = headers.first().map_or(rest.len(), |header| header.at);
    let boundary = boundary(rest.get(..first).unwrap_or_default());
    let mut page = Page {
        title: clean(title),
        ..Page::default()
    };
    article::read(rest.get(..boundary).unwrap_or_default(), &mut page);
    between(rest.get(boundary..first).unwrap_or_default(), &mut page);
    comments::read(rest, &headers, zone, &mut page);
    compare_counts(&headers, rest, &mut page);
    page.notes.sort_by_key(|note| note.line);
    Ok(page)
}

/// Returns where the article ends: at the count of comments, at a notice, or at the first comment.
fn boundary(lines: &[Line<'_>]) -> usize {
    let mut n_chars = 0;
    let mut has_paragraph = false;
    let mut boundary = lines.len();
    for (at, line) in lines.iter().enumerate().rev() {
        let text = line.trimmed();
        if text.is_empty() {
            continue;
        }
        if words::comment_count(text).is_some() {
            // Some pages show the count below the title as well, or there alone.
            let above = lines
                .iter()
                .take(at)
                .filter(|line| !line.is_blank())
                .count();
            if has_paragraph && above < TOP {
                break;
            }
            return at;
        }
        let is_notice = words::is_login_notice(text)
            || words::is_closed_notice(text)
            || (words::is_notice_heading(text) && boundary < lines.len());
        // Notices right above the comments are found even where there is no count.
        if is_notice && n_chars == 0 {
            boundary = at;
            continue;
        }
        let n = text.chars().count();
        n_chars += n;
        has_paragraph |= n > PARAGRAPH;
        if n_chars > BETWEEN {
            break;
        }
    }
    boundary
}

/// Reads what stands between article and comments.
fn between(lines: &[Line<'_>], page: &mut Page) {
    for line in lines.iter().filter(|line| !line.is_blank()) {
        let text = line.trimmed();
        if let Some(count) = words::comment_count(text) {
            page.set_count(*line, count);
        } else if words::is_closed_notice(text) {
            page.open = Some(false);
        } else if words::is_login_notice(text) {
            page.members_only = Some(true);
            page.open.get_or_insert(true);
        } else if let Some(credit) = words::credit(text) {
            page.media_credits.push(clean(credit));
        } else if !words::is_notice_heading(text) {
            page.notes.push(Note::new(
                line.number,
                "between article and comments, and neither: left out",
            ));
        }
    }
}

impl Page {
    /// Takes the number of comments that a line shows.
    pub(super) fn set_count(&mut self, line: Line<'_>, count: u64) {
        match self.count {
            Some(before) if before != count => self.notes.push(Note::new(
                line.number,
                format!("the page shows {count} comments here and {before} above"),
            )),
            _ => self.count = Some(count),
        }
    }
}

fn compare_counts(headers: &[Header], lines: &[Line<'_>], page: &mut Page) {
    let Some(count) = page.count else { return };
    if count != headers.len() as u64 {
        let line = lines
            .iter()
            .find(|line| words::comment_count(line.trimmed()) == Some(count))
            .map_or(1, |line| line.number);
        page.notes.push(Note::new(
            line,
            format!(
                "the page counts {count} comments, {} were found",
                headers.len()
            ),
        ));
    }
}

/// Collapses white space, and takes away what no name or title has.
pub(super) fn clean(text: &str) -> String {
    let visible: String = text
        .chars()
        .filter(|c| {
            !matches!(c, '\u{200b}' | '\u{feff}' | '\u{ad}')
                && (!c.is_control() || c.is_whitespace())
        })
        .collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}
