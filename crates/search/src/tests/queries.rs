//! What is found.

use proptest::prelude::*;

use super::*;

/// Checks which of the comments a query finds, by their numbers.
fn check(opened: &Opened, text: &str, expected: &[u64]) {
    let expected: Vec<String> = expected.iter().map(|n| format!("c-{n}")).collect();
    let found = find(opened, text, &Filters::default());
    assert_eq!(found, expected, "{text}");
}

#[test]
fn every_language_finds_inflected_words() {
    let fixture = Fixture::new();
    let mut opened = fixture.open();
    let pairs = [
        (
            "fr",
            "Les modérateurs décidaient",
            ["modérateur", "décider", "moderateurs"],
        ),
        (
            "en",
            "moderators decided",
            ["moderator", "deciding", "decides"],
        ),
        ("de", "die Häuser der Bürger", ["haus", "bürgern", "hauser"]),
        ("ru", "умные люди ёлками", ["умный", "людей", "елка"]),
        ("es", "los niños hablaban", ["niño", "hablando", "nino"]),
        (
            "it",
            "i ragazzi parlavano",
            ["ragazzo", "parlando", "ragazzi"],
        ),
        (
            "pt",
            "as crianças falavam",
            ["criança", "falando", "criancas"],
        ),
        (
            "ro",
            "moderatorilor jucării",
            ["moderatori", "jucăriile", "jucarii"],
        ),
        ("pl", "Łódź piękna", ["łódź", "lodz", "piekna"]),
    ];
    let documents: Vec<Document> = (1..)
        .zip(pairs)
        .map(|(n, (language, text, _))| in_language(n, language, text))
        .collect();
    put(&mut opened, &documents);
    for (n, (language, _, queries)) in (1..).zip(pairs) {
        for query in queries {
            let id = format!("c-{n}");
            let found = find(&opened, query, &Filters::default());
            assert!(found.contains(&id), "{query}: {found:?}");
            let filters = Filters {
                language: Some(language.to_owned()),
                ..Filters::default()
            };
            assert_eq!(find(&opened, query, &filters), [id], "{query}");
        }
    }
}

#[test]
fn words_phrases_and_beginnings() {
    let fixture = Fixture::new();
    let mut opened = fixture.open();
    let documents = [
        in_language(1, "fr", "La charte du site interdit les insultes."),
        in_language(2, "fr", "Le site de la charte"),
        in_language(3, "en", "insults are forbidden by the charter"),
        comment(4, "東京都に住む, e-mail: ada@exa.mple"),
    ];
    put(&mut opened, &documents);
    check(&opened, "charte site", &[1, 2]);
    check(&opened, "\"la charte\"", &[1, 2]);
    check(&opened, "\"charte du site\"", &[1]);
    check(&opened, "\"site charte\"", &[]);
    check(&opened, "\"insulte\"", &[]);
    // A word may be one of several languages.
    check(&opened, "insulte", &[1, 3]);
    check(&opened, "insultes charte", &[1]);
    check(&opened, "insult*", &[1, 3]);
    check(&opened, "chart*", &[1, 2, 3]);
    check(&opened, "charte -insultes", &[2]);
    check(&opened, "charte -\"du site\"", &[2]);
    check(&opened, "charter OR charte", &[1, 2, 3]);
    check(&opened, "charter OR charte forbidden", &[3]);
    check(&opened, "l'interdit", &[1]);
    check(&opened, "京都", &[4]);
    check(&opened, "都京", &[]);
    check(&opened, "ada@exa.mple", &[4]);
    check(&opened, "email", &[]);
    check(&opened, "", &[1, 2, 3, 4]);
}

#[test]
fn phrases_stay_within_a_text() {
    let fixture = Fixture::new();
    let mut opened = fixture.open();
    let mut article = comment(1, "the title");
    article.key.comment = None;
    article.texts.push("body text".to_owned());
    put(&mut opened, &[article]);
    let found = |text: &str| find(&opened, text, &Filters::default()).len();
    assert_eq!(found("title body"), 1);
    assert_eq!(found("\"body text\""), 1);
    assert_eq!(found("\"title body\""), 0);
}

/// Documents that differ in all that they can be filtered by.
fn filtered() -> [Document; 3] {
    let plain = comment(1, "word");
    let mut other = in_language(2, "pt-BR", "word");
    other.key.site = "t".to_owned();
    other.key.article = "b".to_owned();
    other.author = Some("u-2".to_owned());
    other.labels = vec!["spam".to_owned(), "a label".to_owned()];
    other.verdict = Some("hold");
    other.status = "pending";
    let mut article = comment(3, "word");
    article.key.comment = None;
    article.author = None;
    [plain, other, article]
}

#[test]
fn filters() {
    let fixture = Fixture::new();
    let mut opened = fixture.open();
    put(&mut opened, &filtered());
    let some = |value: &str| Some(value.to_owned());
    let none = Filters::default();
    let cases: [(Filters, &[&str]); 12] = [
        (none.clone(), &["c-1", "c-2", "a"]),
        (
            Filters {
                site: some("s"),
                ..none.clone()
            },
            &["c-1", "a"],
        ),
        (
            Filters {
                kind: Some(Kind::Comment),
                ..none.clone()
            },
            &["c-1", "c-2"],
        ),
        (
            Filters {
                kind: Some(Kind::Article),
                ..none.clone()
            },
            &["a"],
        ),
        (
            Filters {
                article: some("b"),
                ..none.clone()
            },
            &["c-2"],
        ),
        (
            Filters {
                author: some("u-2"),
                ..none.clone()
            },
            &["c-2"],
        ),
        (
            Filters {
                label: some("a label"),
                ..none.clone()
            },
            &["c-2"],
        ),
        (
            Filters {
                verdict: some("hold"),
                ..none.clone()
            },
            &["c-2"],
        ),
        (
            Filters {
                statuses: Some(vec!["approved"]),
                ..none.clone()
            },
            &["c-1", "a"],
        ),
        (
            Filters {
                statuses: Some(vec![]),
                ..none.clone()
            },
            &[],
        ),
        (
            Filters {
                language: some("PT"),
                ..none.clone()
            },
            &["c-2"],
        ),
        (
            Filters {
                from: Some(2),
                to: Some(3),
                ..none.clone()
            },
            &["c-2"],
        ),
    ];
    for (filters, expected) in cases {
        assert_eq!(find(&opened, "word", &filters), expected, "{filters:?}");
        assert_eq!(find(&opened, "", &filters), expected, "{filters:?}");
    }
}

#[test]
fn a_document_replaces_the_one_before() {
    let fixture = Fixture::new();
    let mut opened = fixture.open();
    put(&mut opened, &[comment(1, "before"), comment(2, "other")]);
    let mut edited = comment(1, "after");
    edited.seq = 7;
    put(&mut opened, &[edited]);
    check(&opened, "before", &[]);
    check(&opened, "after", &[1]);
    opened.writer.delete(&key("c-1")).unwrap();
    opened.writer.commit(9).unwrap();
    opened.searcher.reload().unwrap();
    check(&opened, "after", &[]);
    assert_eq!(opened.searcher.documents(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_typed_is_answered_or_refused(
        text in "\\PC{0,60}|[ \"'*()OR«»:^~\\[\\]{}\u{0}\u{202E}a-d-]{0,60}"
    ) {
        thread_local! {
            static OPENED: (Fixture, Opened) = {
                let fixture = Fixture::new();
                let mut opened = fixture.open();
                put(&mut opened, &[comment(1, "a b c d"), in_language(2, "fr", "aa bb")]);
                (fixture, opened)
            };
        }
        OPENED.with(|(_, opened)| {
            if let Ok(query) = Query::parse(&text) {
                let page = Page { order: Order::Relevance, after: None, limit: 10 };
                let hits = opened.searcher.search(&text, &query, &Filters::default(), &page);
                prop_assert!(hits.is_ok(), "{:?}", hits);
            }
            Ok(())
        })?;
    }
}
