//! Moments on pages: in UTC and in words from here, in the browser's zone where its script runs.

use askama::Template;
use jiff::Timestamp;

use crate::language::Words;

/// A moment, for people and for programs.
#[derive(Debug)]
pub(super) struct Moment {
    at: Timestamp,
    /// How long ago it was; less than nothing before it.
    minutes: i64,
}

impl Moment {
    /// Reads RFC 3339.
    pub(super) fn new(exact: Option<&String>, now: Timestamp) -> Option<Self> {
        Some(Self::at(exact?.parse().ok()?, now))
    }

    /// A moment, as it is seen now.
    pub(super) fn at(at: Timestamp, now: Timestamp) -> Self {
        let minutes = (now.as_second() - at.as_second()).div_euclid(60);
        Self { at, minutes }
    }

    fn date(&self) -> String {
        self.at.strftime("%Y-%m-%d %H:%M UTC").to_string()
    }

    /// As `2026-11-24 18:00 UTC`.
    pub(super) fn shown_as_date(&self) -> Shown {
        self.shown("date", self.date())
    }

    /// As `18:00 UTC`.
    pub(super) fn shown_as_time(&self) -> Shown {
        let time = self.at.strftime("%H:%M UTC").to_string();
        Shown {
            title: Some(self.date()),
            ..self.shown("time", time)
        }
    }

    /// As `3 h ago`.
    pub(super) fn shown_as_age(&self, words: Words) -> Shown {
        let age = match self.minutes {
            ..=0 => words.t("age-now"),
            1..60 => words.n("age-minutes", self.minutes),
            60..2880 => words.n("age-hours", self.minutes / 60),
            _ => words.n("age-days", self.minutes / 1440),
        };
        Shown {
            title: Some(self.date()),
            ..self.shown("age", age)
        }
    }

    /// Whether it is over.
    pub(super) fn is_over(&self) -> bool {
        self.minutes >= 0
    }

    /// As `due in 3 h`, or `overdue by 5 min`.
    pub(super) fn shown_as_due(&self, words: Words) -> Shown {
        let left = match self.minutes {
            2880.. => words.n("overdue-days", self.minutes / 1440),
            60.. => words.n("overdue-hours", self.minutes / 60),
            0.. => words.n("overdue-minutes", self.minutes),
            -59.. => words.n("due-minutes", -self.minutes),
            -2879.. => words.n("due-hours", -self.minutes / 60),
            _ => words.n("due-days", -self.minutes / 1440),
        };
        Shown {
            title: Some(self.date()),
            ..self.shown("age", left)
        }
    }

    /// As programs read it.
    pub(super) fn exact(&self) -> String {
        self.at.to_string()
    }

    fn shown(&self, show: &'static str, text: String) -> Shown {
        Shown {
            before: String::new(),
            after: String::new(),
            exact: self.at.to_string(),
            title: None,
            show,
            text,
        }
    }
}

/// A moment as an element, with what a text has before and after it.
#[derive(Template)]
#[template(path = "time.html")]
pub(super) struct Shown {
    before: String,
    after: String,
    exact: String,
    title: Option<String>,
    /// What the script is to make of it.
    show: &'static str,
    text: String,
}

impl Shown {
    /// Puts the moment into a text, in place of its `$time`.
    pub(super) fn within(self, words: Words, id: &str) -> Self {
        let (before, after) = words.around_time(id);
        Self {
            before,
            after,
            ..self
        }
    }
}

// Its own template has escaped what is in it.
impl askama::filters::HtmlSafe for Shown {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;

    fn moment(at: &str) -> Option<Moment> {
        let now = "2026-11-24T18:00:00Z".parse().unwrap();
        Moment::new(Some(&at.to_owned()), now)
    }

    #[test]
    fn ages_are_rough() {
        for (at, en, ru) in [
            ("2026-11-24T18:00:10Z", "just now", "только что"),
            ("2026-11-24T17:00:01Z", "59 min ago", "59 минут назад"),
            ("2026-11-24T17:00:00Z", "1 h ago", "1 час назад"),
            ("2026-11-22T18:00:00Z", "2 days ago", "2 дня назад"),
        ] {
            let age = |language| {
                let age = moment(at).unwrap().shown_as_age(Words(language)).text;
                age.replace(['\u{2068}', '\u{2069}'], "")
            };
            assert_eq!(age(Language::En), en);
            assert_eq!(age(Language::Ru), ru);
        }
        assert!(moment("soon").is_none());
    }

    #[test]
    fn a_moment_stands_within_its_text() {
        let moment = moment("2026-11-24T17:00:00Z").unwrap();
        let shown = moment.shown_as_time();
        let shown = shown.within(Words(Language::De), "common-until");
        assert_eq!(
            shown.to_string(),
            "bis <time datetime=\"2026-11-24T17:00:00Z\" title=\"2026-11-24 17:00 UTC\" data-show=\"time\">\
             17:00 UTC</time>"
        );
    }
}
