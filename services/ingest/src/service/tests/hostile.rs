//! Strings that break software, as body and as author's name, over both ways in.

use super::*;

/// Our own list: one string a kind of trouble.
const NAUGHTY: [&str; 46] = [
    "",
    " ",
    "\t\r\n",
    "null",
    "undefined",
    "true",
    "-1e309",
    "NaN",
    "99999999999999999999999",
    "0x80000000",
    "\\",
    "\\u0000",
    "\"'`",
    "../../../etc/passwd",
    "%00%0a%0d",
    "%s%n%x",
    "${jndi:ldap://x.example/a}",
    "{{7*7}}",
    "'; DROP TABLE comments; --",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<b",
    "<!--",
    "]]>",
    "&lt;&#0;&#x110000;&amp",
    "\u{0}",
    "\u{1b}[31mred\u{1b}[0m",
    "\u{7f}\u{80}\u{9f}",
    "line\r\nInjected: header",
    "\u{feff}byte order mark",
    "\u{fffe}\u{ffff}",
    "\u{200b}\u{200c}\u{200d}\u{2060}",
    "\u{202e}txet desrever\u{202c}",
    "\u{2066}isolate\u{2069}",
    "a\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}\u{308}\u{309}\u{30a}",
    "Z̮̞̠͙͔ͅḀ̗̞͈̻̗Ḷ͙͎̯̹̞͓G̻O̭̗̮",
    "ﷺ ﷽",
    "𝕿𝖍𝖊 𝔮𝔲𝔦𝔠𝔨",
    "👩‍👩‍👧‍👦🏳️‍🌈🇫🇷",
    "田中さんにあげて下さい",
    "الكل في المجمو عة",
    "пример",
    "\u{e0001}\u{e0067}",
    "İıſß",
    "\u{d7ff}\u{e000}\u{10ffff}",
    "𠜎𠜱𠝹",
];

#[tokio::test]
async fn every_string_gets_an_answer_that_says_what_it_is() {
    let fixture = Fixture::new();
    let running = fixture.start().await;
    for (index, text) in NAUGHTY.iter().enumerate() {
        for format in ["plain", "html", "markdown"] {
            let mut event = comment(&format!("b-{index}-{format}"), "c", text);
            event["data"]["comment"] = json!(format!("b-{index}-{format}"));
            event["data"]["format"] = json!(format);
            let expected = [
                "accepted",
                "invalid_field data.body",
                "invalid_encoding data.body",
            ];
            let found = running.one(&event).await;
            assert!(
                expected.contains(&found.as_str()),
                "{text:?} {format}: {found}"
            );
        }
        let mut event = comment(&format!("n-{index}"), "c", "bonjour");
        event["data"]["comment"] = json!(format!("n-{index}"));
        event["data"]["author"]["display_name"] = json!(text);
        let expected = [
            "accepted",
            "invalid_field data.author.display_name",
            "invalid_encoding data.author.display_name",
        ];
        let found = running.one(&event).await;
        assert!(
            expected.contains(&found.as_str()),
            "{text:?} as a name: {found}"
        );
    }
    let metrics = prometheus::TextEncoder::new()
        .encode_to_string(&running.context.registry.gather())
        .unwrap();
    assert!(
        !metrics.contains("kind=\"unknown\",result=\"rejected\"} 1"),
        "{metrics}"
    );
    for event in running.accepted() {
        let text = event["data"]["normalized"]["text"]
            .as_str()
            .unwrap_or_default();
        assert!(
            text.chars()
                .all(|c| !c.is_control() || c == '\n' || c == '\t'),
            "{text:?}"
        );
    }
    running.stop().await;
}

#[tokio::test]
async fn numbers_that_overflow_are_refused_by_field() {
    let fixture = Fixture::new();
    let running = fixture.start().await;
    for number in [
        "18446744073709551616",
        "1e400",
        "4294967296",
        "1.5",
        "0",
        "\"1\"",
        "true",
    ] {
        let body = comment("e-1", "c-1", "un")
            .to_string()
            .replace("\"revision\":1", &format!("\"revision\":{number}"));
        let (status, answer) = running.structured(body).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{number}: {answer}");
        assert_eq!(result(&answer), "invalid_field data.revision", "{number}");
    }
    running.stop().await;
}

#[tokio::test]
async fn ids_with_controls_are_refused_by_field() {
    let fixture = Fixture::new();
    let running = fixture.start().await;
    for pointer in [
        "/id",
        "/data/site",
        "/data/article",
        "/data/comment",
        "/data/author/id",
    ] {
        let field = pointer.trim_start_matches('/').replace('/', ".");
        for bad in ["", "a\u{0}b", "a\nb", "a\u{85}b", &"x".repeat(257)] {
            let mut event = comment("e-1", "c-1", "un");
            *event.pointer_mut(pointer).unwrap() = json!(bad);
            let found = running.one(&event).await;
            assert!(
                [
                    "invalid_field",
                    "too_large",
                    "invalid_encoding",
                    "missing_field"
                ]
                .iter()
                .any(|code| found == format!("{code} {field}")),
                "{pointer} {bad:?}: {found}"
            );
        }
    }
    running.stop().await;
}
