//! The comments: a numbered list, nested by indentation or by numbering.
//!
//! A comment begins with a number, the author's name (often twice, with a word of presence between
//! the two) and, on the same or the next line, the name again with the date.
//! This shape is the same whatever the page's language, and no list in an article has it.

use jiff::tz::TimeZone;

use super::dates::{self, Moment, Unclear};
use super::parse::{Line, Note, Page, PageComment, clean};
use super::words;

/// Words of a line that begins a comment: two names and a date; more is a sentence.
const WORDS: usize = 40;

/// Levels of replies that are told by numbers alone; more is a list that begins anew, not a thread.
const GUESSED: usize = 32;

/// Bytes of the line below it.
const BYLINE_BYTES: usize = 1_000;

/// Where a comment begins.
#[derive(Debug)]
pub(super) struct Header {
    /// Index of the number's line.
    pub(super) at: usize,
    /// Index of the first line of the body.
    body: usize,
    indent: usize,
    /// The number as written: `2`, or the whole way `2.1`.
    number: Vec<u32>,
    display_name: String,
    name: Option<String>,
    presence: String,
    date: Result<Moment, Unclear>,
}

/// A name, with what follows it: `display (real) date`.
struct Byline {
    name: Option<String>,
    date: Result<Moment, Unclear>,
}

/// Finds where comments begin.
pub(super) fn headers(lines: &[Line<'_>], english: bool) -> Vec<Header> {
    let mut headers = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let header = header(lines, at, *line, english);
        at = header.as_ref().map_or(at + 1, |header| header.body);
        headers.extend(header);
    }
    headers
}

fn header(lines: &[Line<'_>], at: usize, line: Line<'_>, english: bool) -> Option<Header> {
    let (number, rest) = numbered(line.trimmed())?;
    let words: Vec<&str> = rest.split_whitespace().take(WORDS + 1).collect();
    if words.len() > WORDS {
        return None;
    }
    let make = |body, display_name: &str, byline: Byline, presence: &str| Header {
        at,
        body,
        indent: line.indent(),
        number: number.clone(),
        display_name: clean(display_name),
        name: byline.name,
        presence: presence.to_owned(),
        date: byline.date,
    };
    let below = lines
        .iter()
        .enumerate()
        .skip(at + 1)
        .take(2)
        .find(|(_, line)| !line.is_blank())
        .filter(|(_, line)| line.text.len() <= BYLINE_BYTES)
        .map(|(at, line)| (at, clean(line.trimmed())));
    // The name, and below it the name with the date.
    if let Some((below_at, below)) = &below {
        for n in (1..=words.len()).rev() {
            let display = words.get(..n)?.join(" ");
            let Some(byline) = below
                .strip_prefix(&display)
                .and_then(|tail| byline(tail, english))
            else {
                continue;
            };
            let after = words.get(n..).unwrap_or_default().join(" ");
            let known = Some(after).filter(|after| words::presence(after).is_some());
            let presence = between(&words, n).or(known).unwrap_or_default();
            // A date that can't be read is taken for one only below a name that stands twice.
            if byline.date.is_ok() || (!presence.is_empty() && words.len() > 2 * n) {
                return Some(make(below_at + 1, &display, byline, &presence));
            }
        }
    }
    // Name and date on the number's own line.
    for n in (1..words.len()).rev() {
        let display = words.get(..n)?.join(" ");
        let tail = words.get(n..)?.join(" ");
        let real = display.rfind(" (").filter(|_| display.ends_with(')'));
        let (display, tail) = match real.and_then(|at| display.split_at_checked(at)) {
            Some((head, real)) => (head.to_owned(), format!("{real} {tail}")),
            None => (display.clone(), format!(" {tail}")),
        };
        if let Some(byline) = byline(&tail, english).filter(|byline| byline.date.is_ok())
            && display.chars().any(char::is_alphabetic)
            && display.chars().count() <= 80
            && !display.ends_with([',', ';', ':', '-', '–'])
        {
            // The longest date wins: a shorter name leaves more for it.
            let mut best = (display, byline);
            for shorter in (1..n).rev() {
                let head = words.get(..shorter)?.join(" ");
                let tail = format!(" {}", words.get(shorter..)?.join(" "));
                match self::byline(&tail, english) {
                    Some(byline) if byline.date.is_ok() => best = (head, byline),
                    _ => break,
                }
            }
            return Some(make(at + 1, &best.0, best.1, ""));
        }
    }
    // A name twice around a known word of presence needs no date.
    for n in (1..=words.len() / 2).rev() {
        if let Some(presence) = between(&words, n)
            && words::presence(&presence).is_some()
        {
            let display = words.get(..n)?.join(" ");
            let byline = Byline {
                name: None,
                date: Err(Unclear::NoDate),
            };
            return Some(make(at + 1, &display, byline, &presence));
        }
    }
    None
}

/// Returns the words between a name of `n` words and its repetition, if it is repeated.
fn between(words: &[&str], n: usize) -> Option<String> {
    let middle = words.len().checked_sub(2 * n)?;
    let head = words.get(..n)?;
    let tail = words.get(n + middle..)?;
    (head == tail && middle <= 4).then(|| words.get(n..n + middle).unwrap_or_default().join(" "))
}

/// Splits `2. `, `2) ` or `2.1. ` from what follows.
fn numbered(text: &str) -> Option<(Vec<u32>, &str)> {
    let (token, rest) = text.split_once(char::is_whitespace)?;
    let digits = token.strip_suffix(['.', ')'])?;
    let number: Vec<u32> = digits
        .split('.')
        .map(|part| {
            let fits = (1..=6).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
            fits.then(|| part.parse().ok()).flatten()
        })
        .collect::<Option<_>>()?;
    (number.iter().all(|n| *n > 0) && number.len() <= 64).then_some((number, rest.trim()))
}

/// Reads ` (real name) date` behind a display name.
fn byline(tail: &str, english: bool) -> Option<Byline> {
    if !tail.starts_with([' ', ',', '(', '|', '—', '-', '•']) {
        return None;
    }
    let tail = tail.trim_matches(|c: char| c.is_whitespace() || ",|—-•".contains(c));
    let (name, date) = match tail
        .strip_prefix('(')
        .and_then(|inner| inner.split_once(')'))
    {
        Some((name, date)) => (Some(clean(name)), date),
        None => (None, tail),
    };
    let date = date.trim_matches(|c: char| c.is_whitespace() || ",|—-•".contains(c));
    if date.is_empty() || date.chars().count() > 60 {
        return None;
    }
    let date = dates::parse(date, english);
    Some(Byline {
        name: name.filter(|name| !name.is_empty()),
        date,
    })
}

/// Reads the comments that begin at the headers.
pub(super) fn read(
    lines: &[Line<'_>],
    headers: &[Header],
    zone: Option<&TimeZone>,
    page: &mut Page,
) {
    let mut tree = Tree::default();
    let mut without_zone = 0_usize;
    for (n, header) in headers.iter().enumerate() {
        let number = lines.get(header.at).map_or(0, |line| line.number);
        let end = headers.get(n + 1).map_or(lines.len(), |next| next.at);
        let path = tree.place(header, number, &mut page.notes);
        let mut comment = PageComment {
            line: number,
            parent: path.rsplit_once('.').map(|(parent, _)| parent.to_owned()),
            path,
            display_name: header.display_name.clone(),
            name: header.name.clone(),
            presence: words::presence(&header.presence),
            ..PageComment::default()
        };
        if comment.presence.is_none() && !header.presence.is_empty() {
            page.notes.push(Note::new(
                number,
                format!(
                    "`{}` is no known word of presence: left out",
                    header.presence
                ),
            ));
        }
        match &header.date {
            Err(why) => page.notes.push(Note::new(number, unclear(*why))),
            Ok(moment) => match dates::place(moment.clone(), zone) {
                None => without_zone += 1,
                Some((time, unsure)) => {
                    if unsure {
                        page.notes.push(Note::new(
                            number,
                            "the clocks were changed in this hour: the time may be an hour off",
                        ));
                    }
                    comment.submitted_at = Some(time);
                }
            },
        }
        let text = lines.get(header.body..end).unwrap_or_default();
        body(text, header.indent, &mut comment, &mut page.notes);
        page.comments.push(comment);
    }
    if without_zone > 0 {
        page.notes.push(Note::new(
            headers
                .first()
                .and_then(|header| lines.get(header.at))
                .map_or(0, |line| line.number),
            format!("{without_zone} times name no offset and are left out: use --timezone"),
        ));
    }
}

fn unclear(why: Unclear) -> &'static str {
    match why {
        Unclear::NoDate => "the comment has no date that can be read: its time is left out",
        Unclear::NoTime => "the comment has a date without a time of day: its time is left out",
        Unclear::DayOrMonth => "day and month can be read either way: the time is left out",
    }
}

/// Reads score and words; what stands further left than the comment's number is no part of it.
fn body(lines: &[Line<'_>], indent: usize, comment: &mut PageComment, notes: &mut Vec<Note>) {
    let mut lines = lines
        .iter()
        .copied()
        .skip_while(|line| line.is_blank())
        .peekable();
    if let Some(line) = lines.peek()
        && let Some(score) = score(line.trimmed())
    {
        comment.score = Some(score);
        lines.next();
    }
    let mut kept: Vec<Line<'_>> = Vec::new();
    let mut outside = false;
    for line in lines {
        outside |= !line.is_blank() && line.indent() < indent;
        if !outside {
            kept.push(line);
        } else if !line.is_blank() {
            notes.push(Note::new(
                line.number,
                "below the comments, and none: left out",
            ));
        }
    }
    let margin = kept
        .iter()
        .filter(|line| !line.is_blank())
        .map(|line| line.indent())
        .min()
        .unwrap_or(0);
    let texts: Vec<String> = kept.iter().map(|line| outdent(line.text, margin)).collect();
    texts
        .join("\n")
        .trim_matches('\n')
        .clone_into(&mut comment.body);
    if comment.body.is_empty() {
        notes.push(Note::new(comment.line, "the comment has no text: left out"));
    }
}

/// Takes away up to `margin` columns of white space before a text, and all behind it.
fn outdent(text: &str, margin: usize) -> String {
    let mut columns = 0;
    let mut rest = text.chars();
    while columns < margin {
        match rest.clone().next() {
            Some('\t') => columns = (columns / 4 + 1) * 4,
            Some(c) if c.is_whitespace() => columns += 1,
            _ => break,
        }
        rest.next();
    }
    rest.as_str().trim_end().to_owned()
}

/// Reads a line that is nothing but a number of votes.
fn score(text: &str) -> Option<i64> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || "[]()".contains(c));
    let (sign, digits) = match text.strip_prefix(['-', '−', '–']) {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let fits = (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| digits.parse::<i64>().ok())
        .flatten()
        .map(|number| sign * number)
}

/// The comments above the one that is read, outermost first: column, number.
#[derive(Default)]
struct Tree(Vec<(usize, u32)>);

impl Tree {
    /// Places a comment and returns its way, such as `2.1`.
    fn place(&mut self, header: &Header, line: usize, notes: &mut Vec<Note>) -> String {
        if let [.., _, _] = header.number.as_slice() {
            // The number says it all.
            self.0 = header
                .number
                .iter()
                .map(|number| (header.indent, *number))
                .collect();
            return self.path();
        }
        let number = header.number.first().copied().unwrap_or(1);
        let flat = self
            .0
            .last()
            .is_some_and(|(indent, _)| *indent == header.indent);
        let expected = self.0.last().map_or(1, |(_, last)| last + 1);
        if flat && number == 1 && self.0.len() < GUESSED {
            // The same column and a new beginning: the indentation was lost in copying.
            notes.push(Note::new(line, "taken for a reply by its number alone"));
        } else if flat && number != expected && self.0.len() > 1 && self.closes(number) {
            notes.push(Note::new(
                line,
                "taken for an answer to the outer list by its number alone",
            ));
            while self.0.last().is_some_and(|(_, last)| last + 1 != number) {
                self.0.pop();
            }
            self.0.pop();
        } else {
            let mut before = None;
            while let Some((_, last)) = self.0.pop_if(|(indent, _)| *indent >= header.indent) {
                before = Some(last);
            }
            let expected = before.map_or(1, |last| last + 1);
            if number != expected {
                notes.push(Note::new(
                    line,
                    format!("number {number} follows where {expected} was expected"),
                ));
            }
            if before.is_some_and(|last| number <= last) {
                // The same way twice would be the same comment twice.
                self.0.push((header.indent, expected));
                return self.path();
            }
        }
        self.0.push((header.indent, number));
        self.path()
    }

    /// Tells whether a number goes on with a list around the innermost one.
    fn closes(&self, number: u32) -> bool {
        self.0
            .iter()
            .rev()
            .skip(1)
            .any(|(_, last)| last + 1 == number)
    }

    fn path(&self) -> String {
        self.0
            .iter()
            .map(|(_, number)| number.to_string())
            .collect::<Vec<_>>()
            .join(".")
    }
}
