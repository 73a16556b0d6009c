use std::path::Path;

use serde_json::json;

use super::events::{Naming, make, slug};
use super::*;

/// Compares what is made of a page with `fixtures/NAME.golden`; `UPDATE=1` writes it anew.
fn check(name: &str, zone: Option<&str>) -> Page {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/import/page/fixtures");
    let text = std::fs::read_to_string(folder.join(format!("{name}.txt"))).unwrap();
    let language = name.split('.').nth(1).unwrap();
    let zone = zone.map(|zone| dates::zone(zone).unwrap());
    let mut page = parse::parse(&text, zone.as_ref(), language == "en").unwrap();
    let naming = Naming {
        site: "courrier".into(),
        language: Some(language.into()),
        ..Naming::default()
    };
    let events = make(&mut page, &naming);
    assert!(super::check(&events), "{name}: an event is not valid");
    let again = make(&mut page, &naming);
    assert_eq!(events, again, "{name}: a second import is not a repeat");
    let mut actual = String::new();
    for event in &events {
        let data: serde_json::Value = serde_json::from_slice(&event.to_json()).unwrap();
        actual.push_str(
            &serde_json::to_string_pretty(&json!({"id": event.id, "data": data["data"]})).unwrap(),
        );
        actual.push('\n');
    }
    for note in &page.notes {
        actual.push_str(&note.to_string());
        actual.push('\n');
    }
    let golden = folder.join(format!("{name}.golden"));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&golden, &actual).unwrap();
    }
    let expected = std::fs::read_to_string(&golden).unwrap();
    assert_eq!(
        actual, expected,
        "{name}: run the tests with UPDATE=1 if this is right"
    );
    page
}

fn paths(page: &Page) -> Vec<(&str, Option<&str>, &str)> {
    page.comments
        .iter()
        .map(|c| {
            (
                c.path.as_str(),
                c.parent.as_deref(),
                c.display_name.as_str(),
            )
        })
        .collect()
}

#[test]
fn a_french_page_with_nested_lists_and_a_footer() {
    let page = check("otters.fr", Some("Europe/Paris"));
    assert_eq!(
        paths(&page),
        [
            ("1", None, "meunier33"),
            ("1.1", Some("1"), "Anne-Lise C."),
            ("1.1.1", Some("1.1"), "meunier33"),
            ("2", None, "Ру Слан"),
        ]
    );
    assert_eq!(
        page.comments.iter().map(|c| c.score).collect::<Vec<_>>(),
        [Some(5), Some(-2), Some(0), Some(0)]
    );
    assert!(page.body.iter().any(|text| text.starts_with("- raconte")));
    assert!(page.body.contains(&"1. la salle des meules".to_owned()));
    assert_eq!(
        page.comments[0].body,
        "Belle nouvelle.\n\nJ'ai deux questions :\n  1. que mangent-elles ?\n  2. dorment-elles l'hiver ?"
    );
    assert_eq!(page.notes.len(), 2, "{:?}", page.notes);
}

#[test]
fn an_english_page_with_the_count_on_top() {
    let page = check("bakery.en", Some("America/New_York"));
    assert_eq!(
        paths(&page),
        [
            ("1", None, "nightowl"),
            ("2", None, "Ed"),
            ("3", None, "Bea")
        ]
    );
    assert_eq!(page.comments[1].name.as_deref(), Some("Edward Stone"));
    assert_eq!(
        (
            page.body.len(),
            page.media_credits.len(),
            page.attribution.len()
        ),
        (3, 1, 2)
    );
    assert_eq!(page.comments[2].submitted_at, None);
    assert_eq!((page.count, page.members_only), (Some(3), Some(true)));
}

#[test]
fn a_german_page_whose_comments_are_closed() {
    let page = check("bridge.de", Some("Europe/Berlin"));
    assert_eq!(
        paths(&page),
        [
            ("1", None, "Fährmann"),
            ("1.1", Some("1"), "Uli"),
            ("1.2", Some("1"), "Eva")
        ]
    );
    assert_eq!((page.open, page.members_only), (Some(false), None));
    let messages: Vec<&str> = page
        .notes
        .iter()
        .map(|note| note.message.as_str())
        .collect();
    assert!(
        messages
            .iter()
            .any(|m| m.contains("the page counts 1 comments, 3 were found")),
        "{messages:?}"
    );
    assert!(
        messages.iter().any(|m| m.contains("clocks were changed")),
        "{messages:?}"
    );
    assert!(
        messages.iter().any(|m| m.contains("without a time of day")),
        "{messages:?}"
    );
}

#[test]
fn a_russian_page_whose_indentation_was_lost() {
    let page = check("library.ru", None);
    assert_eq!(paths(&page)[1], ("1.1", Some("1"), "Вера"));
    assert_eq!(paths(&page).len(), 3);
    let left_out = page
        .notes
        .iter()
        .any(|note| note.message.contains("use --timezone"));
    assert!(left_out, "{:?}", page.notes);
}

#[test]
fn any_text_is_a_page_or_a_clear_error() {
    assert_eq!(parse::parse(" \n\n", None, false), Err(parse::Error::Empty));
    let page = parse::parse("Only a title", None, false).unwrap();
    assert_eq!(
        (page.title.as_str(), page.comments.len()),
        ("Only a title", 0)
    );
    let deep: Vec<String> = (0..3_000)
        .map(|n| {
            let margin = " ".repeat(n);
            format!("{margin}1. a{n} online a{n}\n{margin}a{n} 01.02.2023 10:00\n{margin}x")
        })
        .collect();
    let deep = deep.join("\n");
    let page = parse::parse(&format!("T\n{deep}"), None, false).unwrap();
    assert_eq!(page.comments.len(), 3_000);
    let flat = "1. a online a\na 1.1.2022 10:00\nx\n".repeat(3_000);
    assert_eq!(
        parse::parse(&format!("T\n{flat}"), None, false)
            .unwrap()
            .comments
            .len(),
        3_000
    );
    let long = "a ".repeat(200_000);
    for text in [
        "T\n1.\n1. \n1. a\n1. a a\n1. a a a a a a\n",
        "T\n99999999999. a online a\na 1.1.2022 10:00\n0. b\n-1. c\n",
        "T\n1. () online ()\n() 1.1.2022 10:00\n",
        "\u{feff}T\n3 commentaires\n3 commentaires\n4 commentaires",
        "T\n1.1.1.1.1.1.1.1. a online a\na 1.1.2022 10:00\n1\n2\n3",
        "écrit dans son article intitulé\nécrit X dans son article intitulé",
        &format!("T\n1. {long}\n{long}"),
    ] {
        let mut page = parse::parse(text, None, true).unwrap();
        make(
            &mut page,
            &Naming {
                site: "s".into(),
                ..Naming::default()
            },
        );
    }
}

#[test]
fn what_is_no_text_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes, reason) in [
        ("latin1", &b"caf\xe9"[..], "not UTF-8 from byte 3"),
        ("nul", b"a\0b", "byte 1 is NUL"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    assert!(read(&folder.path().join("absent")).is_err());
}

#[test]
fn ids_of_words_are_stable_and_short() {
    assert_eq!(
        slug("Les loutres, de retour !", "page"),
        "les-loutres-de-retour"
    );
    assert_eq!(slug("Привет, мир", "page"), "привет-мир");
    assert_eq!(slug("?!", "page").len(), 17);
    assert_ne!(slug("?!", "page"), slug("!?", "page"));
    let long = slug(&"ж".repeat(500), "page");
    assert!(
        long.len() <= 200 && long != slug(&"ж".repeat(501), "page"),
        "{long}"
    );
}
