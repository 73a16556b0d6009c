use super::*;

fn languages() -> Languages {
    Languages::new(&["fr", "en", "de", "ru"].map(str::to_owned)).unwrap()
}

fn normalise(text: &str, format: Format) -> Result<Option<Normalized>, Rejection> {
    body(text, format, None, &languages(), Blank::Refused)
}

#[test]
fn text_is_absent_where_it_equals_the_body() {
    let normalized = normalise("Ceci est un commentaire en français.", Format::Plain).unwrap();
    let normalized = normalized.unwrap();
    assert_eq!(normalized.text, None);
    assert_eq!(normalized.language.as_deref(), Some("fr"));
    assert!(normalized.language_confidence.is_some());
    let decomposed = normalise("cafe\u{301}\r\n", Format::Plain)
        .unwrap()
        .unwrap();
    assert_eq!(decomposed.text.as_deref(), Some("café\n"));
    assert_eq!(normalise("42", Format::Plain).unwrap(), None);
}

#[test]
fn a_given_language_is_not_guessed_at() {
    let given = body(
        "This is English",
        Format::Plain,
        Some("fr"),
        &languages(),
        Blank::Refused,
    );
    assert_eq!(given.unwrap(), None);
}

#[test]
fn markup_is_read_and_cleaned_of_controls() {
    let normalized = normalise(
        "<p>e&#x301;t&eacute;\u{7}</p><p><a href=\"http://x.example\">là</a></p>",
        Format::Html,
    )
    .unwrap()
    .unwrap();
    assert_eq!(normalized.text.as_deref(), Some("été\n\nlà"));
    assert_eq!(normalized.links[0].url, "http://x.example");
    let normalized = normalise("**gras**", Format::Markdown).unwrap().unwrap();
    assert_eq!(normalized.text.as_deref(), Some("gras"));
}

#[test]
fn a_comment_that_shows_nothing_is_refused() {
    for (text, format) in [
        ("", Format::Plain),
        (" \n\t\u{200b}", Format::Plain),
        ("\u{0}\u{1b}", Format::Plain),
        ("<p> </p><br>", Format::Html),
        ("<script>alert(1)</script>", Format::Html),
        ("<!-- x -->", Format::Markdown),
    ] {
        let rejection = normalise(text, format).unwrap_err();
        assert_eq!(rejection.code, Code::InvalidField, "{text:?}");
        assert_eq!(rejection.field.as_deref(), Some("data.body"), "{text:?}");
        assert!(
            rejection.message.contains("is empty"),
            "{text:?}: {}",
            rejection.message
        );
    }
    assert_eq!(
        body("", Format::Plain, None, &languages(), Blank::Allowed).unwrap(),
        None
    );
}
