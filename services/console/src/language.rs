//! The languages that pages are in, and what they say.
//!
//! **Invariant:** each text is in all languages, and each is used: a test compares texts, templates and sources.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt::Display;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use serde::{Deserialize, Serialize};
use unic_langid::LanguageIdentifier;

/// A language that pages are in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Language {
    #[default]
    En,
    Fr,
    De,
    Ru,
}

/// The texts of all languages: a line for each file of the folder of a language, without its ending.
macro_rules! texts {
    ($($file:literal)*) => {
        #[cfg(test)]
        const FILES: &[&str] = &[$($file),*];
        const TEXTS: [(Language, &[&str]); 4] = [
            (Language::En, &[$(include_str!(concat!("../locales/en/", $file, ".ftl"))),*]),
            (Language::Fr, &[$(include_str!(concat!("../locales/fr/", $file, ".ftl"))),*]),
            (Language::De, &[$(include_str!(concat!("../locales/de/", $file, ".ftl"))),*]),
            (Language::Ru, &[$(include_str!(concat!("../locales/ru/", $file, ".ftl"))),*]),
        ];
    };
}

texts! {
    "account"
    "appeals"
    "audit"
    "author"
    "bulk"
    "case"
    "common"
    "decisions"
    "insights"
    "lists"
    "live"
    "measure"
    "oidc"
    "parked"
    "queue"
    "rejections"
    "rules"
    "search"
    "second-step"
    "sign-in"
    "sites"
    "statement"
    "texts"
    "thread"
    "tokens"
    "transparency"
    "users"
    "webhooks"
}

type Bundle = FluentBundle<FluentResource>;

static BUNDLES: LazyLock<[(Language, Bundle); 4]> =
    LazyLock::new(|| TEXTS.map(|(language, files)| (language, bundle(language, files))));

/// Parses the texts of a language.
fn bundle(language: Language, files: &[&str]) -> Bundle {
    let id: LanguageIdentifier = language.as_str().parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![id]);
    bundle.set_formatter(Some(match language {
        Language::En => |value, _| digits(value, ',', '.'),
        Language::Fr => |value, _| digits(value, '\u{202f}', ','),
        Language::De => |value, _| digits(value, '.', ','),
        Language::Ru => |value, _| digits(value, '\u{a0}', ','),
    }));
    for file in files {
        let parsed = FluentResource::try_new((*file).to_owned());
        let resource = parsed.unwrap_or_else(|(resource, errors)| {
            tracing::error!(
                language = language.as_str(),
                ?errors,
                "a text is not Fluent"
            );
            resource
        });
        if let Err(errors) = bundle.add_resource(resource) {
            tracing::error!(
                language = language.as_str(),
                ?errors,
                "a text is there twice"
            );
        }
    }
    bundle
}

/// Writes a number as a language does.
fn digits(value: &FluentValue, group: char, point: char) -> Option<String> {
    let FluentValue::Number(number) = value else {
        return None;
    };
    let plain = number.value.to_string();
    let (whole, rest) = plain.split_once('.').unwrap_or((&plain, ""));
    let mut written = String::new();
    for (index, digit) in whole.chars().enumerate() {
        // Four digits stay together.
        if index > 0 && whole.len() > 4 && (whole.len() - index).is_multiple_of(3) {
            written.push(group);
        }
        written.push(digit);
    }
    if !rest.is_empty() {
        written.push(point);
        written.push_str(rest);
    }
    Some(written)
}

/// Parses all texts, so that nobody's page waits for it.
pub(crate) fn parse() {
    LazyLock::force(&BUNDLES);
}

impl Language {
    /// All languages, in the order in which they are offered.
    pub(crate) const ALL: [Self; 4] = [Self::En, Self::Fr, Self::De, Self::Ru];

    /// Its code, as pages and accounts have it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Fr => "fr",
            Self::De => "de",
            Self::Ru => "ru",
        }
    }

    /// What it calls itself.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::Fr => "Français",
            Self::De => "Deutsch",
            Self::Ru => "Русский",
        }
    }

    /// Reads a code, as `fr` or `fr-CH`.
    pub(crate) fn parse(code: &str) -> Option<Self> {
        let first = code.split('-').next()?;
        let mut all = Self::ALL.into_iter();
        all.find(|language| language.as_str().eq_ignore_ascii_case(first))
    }

    /// Chooses by `Accept-Language` (RFC 9110 §12.5.4): the best liked of ours, else English.
    pub(crate) fn accepted(header: &str) -> Self {
        let mut best = (0.0, Self::En);
        for range in header.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let language = parts.next().and_then(Self::parse);
            let weight = parts.find_map(|part| part.strip_prefix("q="));
            let weight = weight.map_or(Ok(1.0), str::parse::<f32>).unwrap_or(0.0);
            if let Some(language) = language
                && weight > best.0
            {
                best = (weight, language);
            }
        }
        best.1
    }
}

/// A number that a text is about.
pub(crate) trait Count {
    /// As texts take it.
    fn value(&self) -> FluentValue<'static>;
}

impl<T: Count + ?Sized> Count for &T {
    fn value(&self) -> FluentValue<'static> {
        (**self).value()
    }
}

macro_rules! counts {
    ($($number:ty)*) => {
        $(impl Count for $number {
            fn value(&self) -> FluentValue<'static> {
                (*self).into()
            }
        })*
    };
}
counts!(u32 u64 i64 usize f64);

/// What pages say, in one language.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Words(pub(crate) Language);

impl Words {
    /// A text.
    pub(crate) fn t(self, id: &str) -> String {
        self.write(id, None)
    }

    /// A text with the number `$n`.
    pub(crate) fn n(self, id: &str, n: impl Count) -> String {
        self.args(id, [("n", n.value())])
    }

    /// A text with an argument of this name, which somebody else may have written.
    pub(crate) fn with(self, id: &str, name: &str, value: impl Display) -> String {
        self.args(id, [(name, text(value))])
    }

    /// A text with several arguments: each a [`text`], or a number's [`Count::value`].
    pub(crate) fn args<const N: usize>(
        self,
        id: &str,
        args: [(&str, FluentValue<'static>); N],
    ) -> String {
        self.write(id, Some(&args.into_iter().collect()))
    }

    /// What a code of the system is called, as `verdict-hold`; the code itself if it has no name here.
    pub(crate) fn code(self, of: &str, code: impl Display) -> String {
        let code = code.to_string();
        let id = format!("{of}-{code}");
        let is_named = self.bundle().has_message(&id);
        if is_named { self.t(&id) } else { code }
    }

    /// What a problem's code means, if that is known; some say a limit.
    pub(crate) fn problem(self, code: &str, limit: Option<&str>) -> Option<String> {
        let id = format!("problem-{code}");
        let is_known = self.bundle().has_message(&id);
        is_known.then(|| self.with(&id, "limit", limit.unwrap_or("?")))
    }

    /// What comes before and after the argument `$time` of a text.
    pub(crate) fn around_time(self, id: &str) -> (String, String) {
        // No text has this character, which is for private use.
        const TIME: char = '\u{f8ff}';
        let written = self.with(id, "time", TIME);
        let written = written.replace(['\u{2068}', '\u{2069}'], "");
        match written.split_once(TIME) {
            Some((before, after)) => (before.to_owned(), after.to_owned()),
            None => (written, String::new()),
        }
    }

    fn bundle(self) -> &'static Bundle {
        let [first, ..] = &*BUNDLES;
        let found = BUNDLES.iter().find(|(language, _)| *language == self.0);
        &found.unwrap_or(first).1
    }

    fn write(self, id: &str, args: Option<&FluentArgs>) -> String {
        for words in [self, Self(Language::En)] {
            let bundle = words.bundle();
            let message = bundle.get_message(id);
            let Some(pattern) = message.and_then(|message| message.value()) else {
                missing(words.0, id, "there is no such text");
                continue;
            };
            let mut errors = Vec::new();
            let written = bundle.format_pattern(pattern, args, &mut errors);
            if !errors.is_empty() {
                missing(words.0, id, "a text lacks an argument");
            }
            return written.into_owned();
        }
        id.to_owned()
    }
}

fn missing(language: Language, id: &str, what: &str) {
    tracing::error!(language = language.as_str(), id, "{what}");
    #[cfg(test)]
    assert!(id.starts_with("test-"), "{what}: {id} ({language:?})");
}

/// An argument; texts isolate its direction of writing, which it can't end by itself.
pub(crate) fn text(value: impl Display) -> FluentValue<'static> {
    let is_control = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let plain = value.to_string().replace(is_control, "");
    FluentValue::String(Cow::Owned(plain))
}
