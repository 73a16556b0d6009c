//! Files that are cut off, in another encoding, made to be too much, or something else altogether.

use super::*;

const HEAD: &str = r#"<disqus xmlns="http://disqus.com" xmlns:dsq="http://disqus.com/disqus-internals">
<thread dsq:id="1"><link>https://a.example/1</link></thread>
"#;

fn post(id: &str, more: &str) -> String {
    format!(r#"<post dsq:id="{id}"><thread dsq:id="1"/>{more}</post>"#)
}

fn disqus(posts: &str) -> String {
    format!("{HEAD}{posts}</disqus>")
}

/// Checks that reading ends with a message, after this many items.
#[track_caller]
fn ends(format: Format, bytes: &[u8], n_items: usize, message: &str) {
    let made = import(format, bytes);
    assert!(made.error().contains(message), "{}", made.error());
    assert_eq!(made.jobs.len(), n_items, "{:?}", made.lines());
}

#[test]
fn what_is_cut_off_is_taken_as_far_as_it_is_whole() {
    let text = sample("disqus.xml");
    let cut = &text[..text.len() - 20];
    ends(Format::Disqus, cut, 8, "cut off");
    for end in (0..text.len()).step_by(97) {
        let made = import(Format::Disqus, &text[..end]);
        assert!(!made.error().is_empty(), "{end}");
    }
    let packed = gzip(&text);
    ends(Format::Disqus, &packed[..packed.len() - 9], 10, "cut off");
    let mut damaged = packed;
    let crc = damaged.len() - 6;
    damaged[crc] ^= 1;
    ends(Format::Disqus, &damaged, 10, "corrupt");
    let text = String::from_utf8(sample("wordpress.xml")).unwrap();
    let end = text.rfind("</wp:comment>").unwrap();
    ends(Format::Wordpress, &text.as_bytes()[..end], 6, "cut off");
    let text = sample("remark42.jsonl");
    let made = import(Format::Remark42, &text[..text.len() - 30]);
    assert!(
        made.lines()
            .last()
            .unwrap()
            .starts_with("line 6 -: malformed EOF"),
        "{:?}",
        made.lines()
    );
    for (format, name) in [
        (Format::Isso, "isso.json"),
        (Format::Commento, "commento.json"),
    ] {
        let text = sample(name);
        ends(format, &text[..text.len() - 30], 0, "EOF");
    }
}

#[test]
fn what_is_something_else_is_said_to_be() {
    for format in [
        Format::Disqus,
        Format::Wordpress,
        Format::Remark42,
        Format::Isso,
        Format::Commento,
        Format::Html,
    ] {
        ends(format, b"", 0, "the file is empty");
        ends(format, &gzip(b""), 0, "the file is empty");
        ends(
            format,
            b"PK\x03\x04....",
            0,
            "this is a ZIP file; unpack it first",
        );
        ends(
            format,
            &gzip(b"PK\x03\x04...."),
            0,
            "this is a ZIP file; unpack it first",
        );
        ends(format, b"\x89PNG\r\n\x1a\n", 0, "this is a PNG picture");
        ends(format, b"\x1f\x8b\x08broken", 0, "");
    }
    ends(
        Format::Disqus,
        &sample("wordpress.xml"),
        0,
        "its root is <rss>",
    );
    ends(
        Format::Wordpress,
        &sample("disqus.xml"),
        0,
        "its root is <disqus>",
    );
    ends(Format::Disqus, b"hello", 0, "no XML");
    ends(Format::Disqus, b"SQLite format 3\0", 0, "stoa import isso");
    ends(
        Format::Isso,
        b"SQLite format 3\0",
        0,
        "can't be read as Isso's",
    );
    ends(Format::Isso, b"{}", 0, "neither");
    ends(Format::Commento, b"[]", 0, "no Commento export");
    ends(Format::Commento, br#"{"version":2}"#, 0, "version 2");
    ends(Format::Remark42, b"{\"id\":\"1\"}\n", 0, "not the header");
    ends(Format::Remark42, b"{\"version\":9}\n", 0, "version 9");
    let missing = Reading {
        format: Format::Disqus,
        files: vec!["/nowhere/at/all.xml".into()],
        encoding: None,
        bar: ProgressBar::hidden(),
    };
    let (out, _waiting) = mpsc::channel(1);
    let ended = missing.run(
        Maker::new(Format::Disqus, "s", None, true),
        Batches::new(1, out),
    );
    assert!(ended.error.unwrap().contains("can't be read"));
}

#[test]
fn encodings() {
    let words = |made: &Made| made.lines().last().cloned().unwrap_or_default();
    let text = |head: &str| {
        format!(
            "{head}{}",
            disqus(&post("1", "<message>Été à Ő…</message>"))
        )
    };
    let latin = |text: &str| encoding_rs::WINDOWS_1252.encode(text).0.into_owned();
    let plain = |head: &str| text(head).replace(" à Ő…", "");
    // Declared.
    let declared = latin(&plain(r#"<?xml version="1.0" encoding="ISO-8859-1"?>"#));
    assert!(words(&import(Format::Disqus, &declared)).ends_with(r#"html "Été""#));
    // Neither declared nor UTF-8: nothing is guessed, and nothing garbled gets in.
    let undeclared = latin(&plain("<?xml version='1.0'?>"));
    ends(Format::Disqus, &undeclared, 0, "--encoding");
    let files: [(&str, &[u8]); 1] = [("export", &undeclared)];
    let latin1 = Some(input::encoding("latin1").unwrap());
    let made = import_as(Format::Disqus, latin1, &files);
    assert!(words(&made).ends_with(r#"html "Été""#));
    // UTF-16, with and without a byte order mark, and a mark before UTF-8.
    let whole = text(r#"<?xml version="1.0" encoding="UTF-16"?>"#);
    for (big, mark) in [(false, true), (false, false), (true, true), (true, false)] {
        let mut bytes = Vec::new();
        for unit in mark
            .then_some(0xfeff)
            .into_iter()
            .chain(whole.encode_utf16())
        {
            bytes.extend(if big {
                unit.to_be_bytes()
            } else {
                unit.to_le_bytes()
            });
        }
        let made = import(Format::Disqus, &bytes);
        assert!(
            words(&made).ends_with(r#"html "Été à Ő…""#),
            "{} {:?}",
            made.error(),
            made.lines()
        );
        let odd = &bytes[..bytes.len() - 1];
        assert!(!import(Format::Disqus, odd).error().is_empty());
    }
    for head in [
        "\u{feff}<?xml version='1.0'?>",
        r#"<?xml version="1.0" encoding="UTF-16"?>"#,
    ] {
        assert!(
            words(&import(Format::Disqus, text(head).as_bytes())).ends_with(r#"html "Été à Ő…""#)
        );
    }
    ends(
        Format::Disqus,
        br#"<?xml version="1.0" encoding="klingon"?><disqus/>"#,
        0,
        "klingon",
    );
    assert!(input::encoding("klingon").is_err());
}

#[test]
fn entities_are_never_expanded() {
    let mut bomb = String::from("<?xml version=\"1.0\"?>\n<!DOCTYPE disqus [<!ENTITY a0 \"lol\">");
    for n in 1..20 {
        bomb.push_str(&format!(
            "<!ENTITY a{n} \"{}\">",
            format!("&a{};", n - 1).repeat(10)
        ));
    }
    bomb.push_str("<!ENTITY file SYSTEM \"file:///etc/passwd\">]>\n");
    bomb.push_str(&disqus(&post(
        "1",
        "<message>&a19;&file;&lt;b&gt;&#33;&#x1F600;&nope;&</message>",
    )));
    let made = import(Format::Disqus, bomb.as_bytes());
    assert!(
        made.lines()[1].ends_with(r#""&a19;&file;<b>!😀&nope;&""#),
        "{:?} {}",
        made.lines(),
        made.error()
    );
}

#[test]
fn depth_and_size_have_a_bound() {
    let deep = disqus(&post(
        "1",
        &format!("{}{}", "<a>".repeat(1_000), "</a>".repeat(1_000)),
    ));
    ends(Format::Disqus, deep.as_bytes(), 0, "more than 64 deep");
    let huge = "x".repeat(input::TEXT_BYTES + 100_000);
    for text in [
        disqus(&post("1", &format!("<message>{huge}</message>"))),
        disqus(&post(
            "1",
            &format!("<message><![CDATA[{huge}]]></message>"),
        )),
        disqus(&format!("<{huge}/>")),
        disqus(&format!("<post dsq:id='{huge}'/>")),
        disqus(&post(
            "1",
            &format!(
                "<message>{}</message>",
                "<![CDATA[0123456789]]>".repeat(30_000)
            ),
        )),
        format!("<!-- {huge} --><disqus/>"),
    ] {
        let made = import(Format::Disqus, text.as_bytes());
        assert!(
            !made.error().is_empty() && made.jobs.is_empty(),
            "{}",
            made.error()
        );
    }
    let line = format!("{{\"version\":1}}\n{{\"id\":\"{huge}\"}}\n");
    ends(Format::Remark42, line.as_bytes(), 0, "more than");
    // A comment that is longer than a comment may be is told of, and the next one is taken.
    let long = post("1", &format!("<message>{}</message>", "x".repeat(70_000)));
    let made = import(
        Format::Disqus,
        disqus(&(long + &post("2", "<message>b</message>"))).as_bytes(),
    );
    assert!(
        made.lines()[1].contains("disqus-1: too_large data.body"),
        "{:?}",
        made.lines()[1]
    );
    assert!(made.lines()[2].starts_with("visible disqus-2"));
    let nested = format!("{{\"version\":1}}\n{}\n", "[".repeat(100_000));
    let made = import(Format::Remark42, nested.as_bytes());
    assert!(made.lines()[0].contains("malformed"), "{:?}", made.lines());
    let nested = format!(
        "<script type='application/ld+json'>{}</script>",
        "[".repeat(100_000)
    );
    assert_eq!(import(Format::Html, nested.as_bytes()).jobs.len(), 1);
    let scope = "<div itemscope itemtype='https://schema.org/Comment'><div itemprop='text'>x";
    ends(Format::Html, scope.repeat(900).as_bytes(), 0, "too often");
    let deep = "<div>".repeat(50_000);
    ends(Format::Html, deep.as_bytes(), 0, "more than 2000 deep");
    // What need not be closed is not deep.
    let flat = "<p>a<br><li>b<td>".repeat(3_000) + &"<div><b>x</b></div>".repeat(3_000);
    assert_eq!(import(Format::Html, flat.as_bytes()).jobs.len(), 1);
}

#[test]
fn one_that_is_malformed_does_not_keep_the_next_from_being_taken() {
    let good = "<message>b</message><createdAt>2014-09-12T10:00:00Z</createdAt>";
    for (bad, message) in [
        (
            post(
                "1",
                "<message>a</message><createdAt>2011-x09-30T22:48:43Z</createdAt>",
            ),
            "createdAt",
        ),
        (
            post(
                "1",
                "<message>a</message><createdAt>9999-12-31T23:59:59Z</createdAt>",
            ),
            "createdAt",
        ),
        (
            post("1", "<message>a</message><isSpam>123</isSpam>"),
            "isSpam",
        ),
        (post("1", ""), "empty"),
        (post("", good), "dsq:id"),
        ("<post><thread dsq:id='1'/></post>".to_owned(), "dsq:id"),
        (
            "<post dsq:id='1'><thread dsq:id=1 /></post>".to_owned(),
            "enclosed",
        ),
        (
            "<post dsq:id=1><thread dsq:id='1'/></post>".to_owned(),
            "enclosed",
        ),
        (
            "<post dsq:id='1'><thread dsq:id='7'/></post>".to_owned(),
            "not in the file",
        ),
        ("<post dsq:id='1'></post>".to_owned(), "not in the file"),
        (
            "<thread dsq:id='9'><createdAt>never</createdAt></thread>".to_owned(),
            "createdAt",
        ),
        (post("a\u{1}b", good), "control"),
    ] {
        let made = import(
            Format::Disqus,
            disqus(&format!("\n{bad}\n{}", post("2", good))).as_bytes(),
        );
        let lines = made.lines();
        assert_eq!(made.error(), "", "{bad}");
        let told = lines.iter().find(|line| line.starts_with("line 4 "));
        assert!(
            told.is_some_and(|line| line.contains(message)),
            "{bad}: {lines:?}"
        );
        assert!(
            lines.last().unwrap().starts_with("visible disqus-2"),
            "{lines:?}"
        );
    }
    // The year 0 is what some write for no date.
    let none = post(
        "1",
        "<message>a</message><createdAt>0000-01-01T00:00:00Z</createdAt>",
    );
    let made = import(Format::Disqus, disqus(&none).as_bytes());
    assert!(made.jobs[1].entry.undated && made.jobs[1].body.is_some());
    // Words before the root, as one exporter has them.
    let text = format!("`<?xml version=\"1.0\"?>{}", disqus(&post("1", good)));
    assert_eq!(import(Format::Disqus, text.as_bytes()).jobs.len(), 2);
}

#[test]
fn damage_never_ends_in_a_panic() {
    let database = isso_database();
    let samples = [
        (Format::Disqus, sample("disqus.xml")),
        (Format::Disqus, gzip(&sample("disqus.xml"))),
        (Format::Wordpress, sample("wordpress.xml")),
        (Format::Remark42, sample("remark42.jsonl")),
        (Format::Isso, sample("isso.json")),
        (Format::Isso, database),
        (Format::Commento, sample("commento.json")),
        (Format::Html, sample("jsonld.html")),
        (Format::Html, sample("microdata.html")),
    ];
    let mut state: u64 = 42;
    let mut below = |n: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(state >> 33).unwrap() % n
    };
    for (format, whole) in &samples {
        for _ in 0..40 {
            let mut bytes = whole.clone();
            for _ in 0..=below(4) {
                if bytes.is_empty() {
                    break;
                }
                let (at, to) = (below(bytes.len()), below(bytes.len()));
                let (at, to) = (at.min(to), at.max(to).min(at + 200));
                match below(4) {
                    0 => bytes[at] = u8::try_from(below(256)).unwrap(),
                    1 => drop(bytes.drain(at..to)),
                    2 => {
                        let part = bytes[at..to].to_vec();
                        drop(bytes.splice(to..to, part));
                    }
                    _ => bytes[at] ^= 1 << below(8),
                }
            }
            let made = import(*format, &bytes);
            // Whatever came of it, it can be reported.
            assert_eq!(made.lines().len(), made.jobs.len());
        }
    }
}
