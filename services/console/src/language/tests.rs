use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use fluent_bundle::FluentResource;

use super::*;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn plain(text: &str) -> String {
    text.replace(['\u{2068}', '\u{2069}'], "")
}

/// The ids of a language, with the arguments that each has.
fn ids(texts: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    let mut ids = BTreeMap::new();
    for text in texts {
        FluentResource::try_new((*text).to_owned()).expect(text);
        let mut id = String::new();
        for line in text.lines() {
            if let Some((name, _)) = line.split_once(" = ")
                && !name.contains(|c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c)))
            {
                id = name.to_owned();
                let twice = ids.insert(id.clone(), BTreeSet::new());
                assert_eq!(twice, None, "{id} is there twice");
            }
            for (_, argument) in line
                .match_indices("{ $")
                .map(|(at, _)| line.split_at(at + 3))
            {
                let argument = argument.split([' ', '}']).next().unwrap();
                ids.get_mut(&id).unwrap().insert(argument.to_owned());
            }
        }
    }
    ids
}

/// Files of a folder and those below it, with what is in them.
fn files(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path.display().to_string(), text));
        }
    }
}

/// Templates and sources, tests excepted.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    files(&folder("templates"), &mut found);
    files(&folder("src"), &mut found);
    found.retain(|(path, _)| !path.contains("tests") && !path.ends_with("/language.rs"));
    for (_, text) in &mut found {
        let own = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        *text = own.to_owned();
    }
    found
}

/// What stands in quotes after a beginning.
fn quoted<'a>(text: &'a str, beginning: &str) -> Vec<&'a str> {
    let after = text.match_indices(beginning);
    let after = after.map(|(at, _)| text.split_at(at + beginning.len()).1);
    after.map(|rest| rest.split('"').next().unwrap()).collect()
}

#[test]
fn every_text_is_in_every_language_with_the_same_arguments() {
    let [(_, english), others @ ..] = &TEXTS;
    let english = ids(english);
    for (language, texts) in others {
        let theirs = ids(texts);
        for (id, arguments) in &english {
            assert_eq!(theirs.get(id), Some(arguments), "{id} ({language:?})");
        }
        for id in theirs.keys() {
            assert!(english.contains_key(id), "{id} is in {language:?} alone");
        }
    }
    for language in Language::ALL {
        let folder = folder("locales").join(language.as_str());
        let mut found = Vec::new();
        files(&folder, &mut found);
        let mut names: Vec<String> = found
            .iter()
            .map(|(path, _)| {
                let name = Path::new(path).file_stem().unwrap();
                name.to_str().unwrap().to_owned()
            })
            .collect();
        names.sort();
        assert_eq!(names, FILES, "{language:?}");
    }
}

#[test]
fn every_text_is_used_and_every_used_text_is_there() {
    let [(_, english), ..] = &TEXTS;
    let english = ids(english);
    let first = |id: &str| id.split('-').next().unwrap().to_owned();
    let beginnings: BTreeSet<String> = english.keys().map(|id| first(id)).collect();
    let sources = sources();
    let mut used = BTreeSet::new();
    let mut codes = BTreeSet::from(["problem"]);
    for (path, text) in &sources {
        codes.extend(quoted(text, "code(\""));
        let mut asked = Vec::new();
        if path.contains("/templates/") {
            for call in ["t", "n", "with", "time_in", "date_in", "age_in"] {
                asked.extend(quoted(text, &format!("shell.{call}(\"")));
            }
        } else {
            // In sources each literal counts that looks like the id of a text.
            let literals = text.split('"').skip(1).step_by(2);
            asked.extend(literals.filter(|literal| {
                let plain =
                    |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
                literal.contains('-')
                    && !literal.ends_with('-')
                    && literal.chars().all(plain)
                    && beginnings.contains(&first(literal))
            }));
        }
        for id in asked {
            assert!(english.contains_key(id), "there is no text {id} for {path}");
            used.insert(id.to_owned());
        }
    }
    for id in english.keys() {
        let is_code = codes.iter().any(|of| id.starts_with(&format!("{of}-")));
        assert!(used.contains(id) || is_code, "nothing uses {id}");
    }
}

#[test]
fn templates_have_no_words_of_their_own() {
    /// The same in all languages.
    const NAMES: [&str; 4] = ["· Stoa", "Stoa", "CSV", "JSON"];

    let mut templates = Vec::new();
    files(&folder("templates"), &mut templates);
    for (path, text) in templates {
        let mut rest = text.as_str();
        let mut bare = String::new();
        // What is outside of elements, expressions and statements.
        while let Some(at) = rest.find(['<', '{']) {
            let (before, from) = rest.split_at(at);
            bare.push_str(before);
            bare.push('\n');
            let end = match from {
                _ if from.starts_with("{{") => "}}",
                _ if from.starts_with("{%") => "%}",
                _ if from.starts_with("<kbd>") => "</kbd>",
                _ => ">",
            };
            let mut element = from.split_once(end).expect(&path);
            // A tag ends after the expressions in it.
            if end == ">" {
                let mut at = 0;
                let mut depth = 0;
                for (index, c) in from.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        '>' if depth == 0 => {
                            at = index;
                            break;
                        }
                        _ => {}
                    }
                }
                element = (from.split_at(at).0, from.split_at(at + 1).1);
            }
            for attribute in ["aria-label", "title", "placeholder", "alt", "data-text"] {
                for value in quoted(element.0, &format!(" {attribute}=\"")) {
                    assert!(value.starts_with("{{"), "{attribute}={value} in {path}");
                }
            }
            rest = element.1;
        }
        bare.push_str(rest);
        for line in bare.lines().map(str::trim) {
            let has_words = line.chars().any(char::is_alphabetic);
            assert!(!has_words || NAMES.contains(&line), "{line} in {path}");
        }
    }
}

#[test]
fn numbers_have_their_plural() {
    for (language, n, expected) in [
        (Language::En, 1_u32, "1 day ago"),
        (Language::En, 2, "2 days ago"),
        (Language::Fr, 0, "il y a 0 jour"),
        (Language::Fr, 1, "il y a 1 jour"),
        (Language::Fr, 2, "il y a 2 jours"),
        (Language::De, 1, "vor 1 Tag"),
        (Language::De, 2, "vor 2 Tagen"),
        (Language::Ru, 1, "1 день назад"),
        (Language::Ru, 2, "2 дня назад"),
        (Language::Ru, 5, "5 дней назад"),
        (Language::Ru, 11, "11 дней назад"),
        (Language::Ru, 21, "21 день назад"),
    ] {
        let written = Words(language).n("age-days", n);
        assert_eq!(plain(&written), expected);
    }
    let none = Words(Language::Ru).n("case-reports-all", 0_u32);
    assert_eq!(none, "Жалоб не было.");
}

#[test]
fn numbers_are_written_as_the_language_does() {
    for (language, thousands, parts) in [
        (Language::En, "12,345,678 open", "Their weight is 0.5."),
        (
            Language::Fr,
            "12\u{202f}345\u{202f}678 cas ouverts",
            "Leur poids : 0,5.",
        ),
        (
            Language::De,
            "12.345.678 offene Fälle",
            "Ihr Gewicht ist 0,5.",
        ),
        (
            Language::Ru,
            "12\u{a0}345\u{a0}678 открытых дел",
            "Их вес: 0,5.",
        ),
    ] {
        let words = Words(language);
        assert_eq!(plain(&words.n("queue-open", 12_345_678_u64)), thousands);
        assert_eq!(plain(&words.n("case-reports-weight", 0.5)), parts);
    }
    assert_eq!(
        plain(&Words::default().n("queue-open", 9999_u64)),
        "9999 open"
    );
}

#[test]
fn the_language_is_the_best_liked_of_ours() {
    for (header, expected) in [
        ("", Language::En),
        ("fr", Language::Fr),
        ("FR-ch, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", Language::Fr),
        ("it, ru;q=0.3, de;q=0.7", Language::De),
        ("en;q=0.5, de;q=0.5", Language::En),
        ("de;q=0, ru;q=0.001", Language::Ru),
        ("de;q=0", Language::En),
        ("de;q=x", Language::En),
        ("de ; q=0.4 , fr ; q=0.5", Language::Fr),
        ("*", Language::En),
        ("german", Language::En),
        (";,;q=,--", Language::En),
    ] {
        assert_eq!(Language::accepted(header), expected, "{header}");
    }
}

#[test]
fn an_argument_can_not_break_out_of_its_place() {
    let words = Words(Language::En);
    let hostile = "Jo\u{2069}\u{202e} { $name } <b>";
    let written = words.with("case-by", "name", hostile);
    assert_eq!(written, "Comment by \u{2068}Jo { $name } <b>\u{2069}");
}

#[test]
fn a_code_without_a_name_is_shown_as_it_is() {
    let words = Words(Language::Fr);
    assert_eq!(words.code("verdict", "hold"), "retenu");
    assert_eq!(words.code("verdict", "{ odd \" }"), "{ odd \" }");
    assert_eq!(words.t("test-missing"), "test-missing");
    assert_eq!(words.problem("no_such", None), None);
}
