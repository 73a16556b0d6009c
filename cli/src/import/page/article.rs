//! The article: paragraphs, credits, and the sources that it names.

use stoa_proto::Attribution;

use super::parse::{Line, Page, clean};
use super::words;

/// Characters of a source's name or title; what is longer is a sentence.
const NAME: usize = 160;

/// Reads the article's lines below its title.
///
/// Each line with text is a paragraph, as pages are copied; quotes and the lines that say whose
/// they are stay where they stand.
pub(super) fn read(lines: &[Line<'_>], page: &mut Page) {
    for line in lines.iter().filter(|line| !line.is_blank()) {
        let text = line.trimmed();
        if let Some(credit) = words::credit(text) {
            page.media_credits.push(clean(credit));
        } else if let Some(count) = words::comment_count(text) {
            page.set_count(*line, count);
        } else {
            page.body.push(clean(text));
            for source in sources(text) {
                if !page.attribution.contains(&source) {
                    page.attribution.push(source);
                }
            }
        }
    }
}

/// Finds the sources that a paragraph names as its own: a label such as `Source: X`, or a phrase
/// such as "writes X in its article titled Y". A person who is quoted is no source.
fn sources(text: &str) -> Vec<Attribution> {
    if let Some(named) = words::source(text) {
        return vec![labelled(named)];
    }
    let mut found = Vec::new();
    for (verbs, phrases) in words::CITED {
        for phrase in *phrases {
            let Some((before, after)) = split(text, phrase) else {
                continue;
            };
            let Some(title) = title(after) else { continue };
            if let Some(name) = name(before, verbs) {
                found.push(Attribution {
                    name,
                    title: Some(title),
                    url: None,
                });
                break;
            }
        }
    }
    found
}

fn labelled(named: &str) -> Attribution {
    let (words, urls): (Vec<&str>, Vec<&str>) = named
        .split_whitespace()
        .partition(|word| !(word.starts_with("https://") || word.starts_with("http://")));
    let url = urls
        .first()
        .map(|url| (*url).trim_end_matches([',', ';', ')']).to_owned());
    let name = clean(words.join(" ").trim_end_matches(['.', ',', ';', '(', ')']));
    match (&url, name.is_empty()) {
        (Some(url), true) => Attribution {
            name: url.clone(),
            title: None,
            url: Some(url.clone()),
        },
        _ => Attribution {
            name,
            title: None,
            url,
        },
    }
}

/// Splits a text around a phrase, whatever its capitals.
fn split<'a>(text: &'a str, phrase: &str) -> Option<(&'a str, &'a str)> {
    for (at, _) in text.char_indices() {
        let (before, rest) = text.split_at_checked(at)?;
        let mut end = 0;
        let mut wanted = phrase.chars();
        let mut next = wanted.next();
        for c in rest.chars() {
            let Some(expected) = next else { break };
            // White space of any kind is a space; a typewriter's apostrophe is a printer's.
            let same = c.to_lowercase().eq(expected.to_lowercase())
                || (c.is_whitespace() && expected == ' ')
                || (matches!(c, '\'' | '’') && matches!(expected, '\'' | '’'));
            if !same {
                break;
            }
            end += c.len_utf8();
            next = wanted.next();
        }
        if next.is_none() {
            return Some((before, rest.split_at_checked(end)?.1));
        }
    }
    None
}

/// Returns the name between a verb of reporting and the phrase. Where the verb stands behind the
/// name, as in "X writes in its article", the name is the capitalised words before it.
fn name(before: &str, verbs: &[&str]) -> Option<String> {
    let mut best: Option<&str> = None;
    for verb in verbs {
        let mut rest = before;
        while let Some((_, after)) = split(rest, verb) {
            if best.is_none_or(|best| after.len() < best.len()) {
                best = Some(after);
            }
            rest = after;
        }
    }
    let after = best?;
    if !after.trim().is_empty() {
        return tidy(after);
    }
    let head = before.strip_suffix(after)?.trim_end();
    let verb_at = head.rfind(char::is_whitespace)?;
    let subject = head.split_at_checked(verb_at)?.0;
    let sentence = subject.rsplit(['.', '!', '?', ',', ';', ':', '"']).next()?;
    let words: Vec<&str> = sentence.split_whitespace().collect();
    let n_capital = words
        .iter()
        .rev()
        .take_while(|word| {
            word.chars()
                .next()
                .is_some_and(|c| c.is_uppercase() || c.is_numeric())
        })
        .count();
    tidy(&words.split_at_checked(words.len() - n_capital)?.1.join(" "))
}

fn tidy(text: &str) -> Option<String> {
    let text = clean(text);
    let text = text.trim_matches(|c: char| c.is_whitespace() || ",;:«»“”„\"".contains(c));
    let fits = !text.is_empty() && text.chars().count() <= NAME && !text.contains(['.', '!', '?']);
    // A name has a capital, a digit, or letters of a script that has none.
    let named = text
        .chars()
        .any(|c| c.is_uppercase() || c.is_numeric() || (c.is_alphabetic() && !c.is_lowercase()));
    (fits && named).then(|| text.to_owned())
}

/// Returns the title that a text begins with: what is in quotes, or up to the sentence's end.
fn title(text: &str) -> Option<String> {
    let text = text.trim_start();
    for (open, close) in [('«', '»'), ('“', '”'), ('„', '“'), ('"', '"'), ('‘', '’')]
    {
        if let Some(inner) = text.strip_prefix(open) {
            let (title, _) = inner.split_once(close)?;
            let title = clean(title);
            return (!title.is_empty()).then_some(title);
        }
    }
    let mut end = text.len();
    for (at, c) in text.char_indices() {
        let (head, tail) = text.split_at_checked(at)?;
        let after = tail.strip_prefix(c)?;
        // `U.S.` ends no sentence: the word before the point has more than one letter.
        let word = head
            .rsplit(|c: char| c.is_whitespace() || c == '.')
            .next()?;
        if matches!(c, '.' | '!' | '?' | '…')
            && (after.trim().is_empty() || after.starts_with(char::is_whitespace))
            && (word.chars().count() > 1 || after.trim().is_empty())
        {
            // A question's mark is a part of the title, a sentence's point is not.
            end = if c == '.' { at } else { at + c.len_utf8() };
            break;
        }
    }
    let title = clean(text.split_at_checked(end)?.0);
    let starts_well = title.chars().next().is_some_and(|c| !c.is_lowercase());
    (starts_well && title.chars().count() <= NAME).then_some(title)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, Option<&str>)]) {
        let found = sources(text);
        let found: Vec<(&str, Option<&str>)> = found
            .iter()
            .map(|source| (source.name.as_str(), source.title.as_deref()))
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn finds_sources_that_the_text_names() {
        check(
            "Les loutres reviennent, écrit Rivers Monthly dans son article intitulé Otters Return to the Weir.",
            &[("Rivers Monthly", Some("Otters Return to the Weir"))],
        );
        check(
            "Les loutres reviennent, rapporte la revue Eaux Vives dans un article intitulé « Le retour ». Suite.",
            &[("la revue Eaux Vives", Some("Le retour"))],
        );
        check(
            "Otters are back, reports Rivers Monthly in an article titled “Back Again?” this week.",
            &[("Rivers Monthly", Some("Back Again?"))],
        );
        check(
            "Last week The Weir Gazette writes in its article titled Otters of the U.S. Rivers. It goes on.",
            &[("The Weir Gazette", Some("Otters of the U.S. Rivers"))],
        );
        check(
            "Die Otter sind zurück, schreibt Der Flussbote in seinem Artikel „Sie sind da“.",
            &[("Der Flussbote", Some("Sie sind da"))],
        );
        check(
            "Выдры вернулись, пишет Речной вестник в статье под заголовком «Они здесь».",
            &[("Речной вестник", Some("Они здесь"))],
        );
        check("Source : Le Fleuve", &[("Le Fleuve", None)]);
        check(
            "Quelle: Flussbote https://flussbote.example/otter",
            &[("Flussbote", None)],
        );
    }

    #[test]
    fn never_invents_a_source() {
        for text in [
            "- cite la publication des propos de la maire Odile Ferrand.",
            "– a également souligné alors Ferrand.",
            "a déclaré Paul Brun, professeur à l'Institut des eaux.",
            "Il lit dans son article intitulé Rien du tout.",
            "La source : elle est tarie depuis longtemps, et personne ne sait pourquoi.",
            "écrit dans son article intitulé",
            "",
        ] {
            let found = sources(text);
            let labelled = text.starts_with("La source");
            assert!(found.is_empty() || labelled, "{text}: {found:?}");
        }
    }
}
