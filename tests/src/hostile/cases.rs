//! Bytes, encodings, JSON, sizes, depths, repeats and threads.

use serde_json::{Value, json};
use stoa_proto::limits::{BATCH_BYTES, BATCH_EVENTS, COMMENT_BYTES, DEPTH, EVENT_BYTES};

use super::{BATCH, Case, SITE, envelopes, event, fields, put, raw, with};

/// `{}`, compressed.
const GZIP: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\x02\xff\xab\xae\x05\0\x43\xbf\xa6\xa3\x02\0\0\0";

/// The whole table, in the order in which it is to be sent.
pub fn cases() -> Vec<Case> {
    let mut all = encodings();
    all.extend(texts());
    all.extend(envelopes::cases());
    all.extend(fields::cases());
    all.extend(sizes());
    all.extend(depths());
    all.extend(repeats());
    all.extend(threads());
    all
}

/// What no process keeps in memory: a byte more than a message may have.
pub fn oversize() -> Vec<u8> {
    padded_batch(BATCH_BYTES + 1)
}

fn encodings() -> Vec<Case> {
    let encoding = |name: &str, body: Vec<u8>| Case::unreadable(name, body, "invalid_encoding", "");
    let inside = |name: &str, bytes: &[u8]| {
        let text = with(name, "/data/body", json!("BODY"));
        let at = text.windows(4).position(|part| part == b"BODY").unwrap();
        encoding(name, [&text[..at], bytes, &text[at + 4..]].concat())
    };
    let utf16 = String::from_utf8(put(event("utf-16"), "/data/body", json!("é")))
        .unwrap()
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect::<Vec<u8>>();
    let mut all = vec![
        encoding("bytes that are no text", b"\xff\xfe".to_vec()),
        encoding("utf-16 with its mark", [b"\xff\xfe", &utf16[..]].concat()),
        encoding(
            "byte order mark",
            [b"\xef\xbb\xbf", &event("bom").to_string().into_bytes()[..]].concat(),
        ),
        inside("latin-1", b"\xe9t\xe9"),
        inside("overlong slash", b"\xc0\xaf"),
        inside("overlong nul", b"\xc0\x80"),
        inside("overlong in three bytes", b"\xe0\x80\xaf"),
        inside("surrogates in utf-8", b"\xed\xa0\x80\xed\xb0\x80"),
        inside("beyond unicode", b"\xf4\x90\x80\x80"),
        inside("cut character", b"\xe2\x82"),
        Case {
            gzip: true,
            ..encoding("compressed", GZIP.to_vec())
        },
    ];
    for (name, escape) in [
        ("lone high surrogate", r"\ud800"),
        ("lone low surrogate", r"\udc00"),
        ("high surrogate before a letter", r"\ud800a"),
        ("two high surrogates", r"\ud800\ud800"),
        ("nul", r"a\u0000b"),
    ] {
        let body = raw(&name.replace(' ', "-"), &format!("\"{escape}\""));
        all.push(Case::bad(name, body, "invalid_encoding", "data.body"));
    }
    let nul = |name: &str, json: &str, field| {
        let body = raw(name, &format!("\"x\",{json}"));
        Case::bad(name, body, "invalid_encoding", field)
    };
    all.extend([
        nul(
            "nul-in-what-is-unknown",
            r#""mood":["\u0000"]"#,
            "data.mood.0",
        ),
        nul("nul-in-a-key", r#""mo\u0000od":1"#, "data.mood"),
        Case::bad(
            "nul in a name",
            with("nul-name", "/data/author/display_name", json!("A\0B")),
            "invalid_encoding",
            "data.author.display_name",
        ),
    ]);
    all
}

fn texts() -> Vec<Case> {
    let whole = |name: &str, body: &str| Case::unreadable(name, body, "invalid_json", "");
    let mut all = vec![
        whole("empty", ""),
        whole("white space", " \r\n\t "),
        whole("words", "hello"),
        whole("markup", "<event/>"),
        whole("form", "specversion=1.0&id=1"),
        whole("comment", "// {}\n{}"),
        whole("single quotes", "{'id':'1'}"),
        whole("trailing comma", r#"{"id":"1",}"#),
        whole("bare keys", "{id:1}"),
        Case::unreadable("no colon", r#"{"id" "1"}"#, "invalid_json", "id"),
        whole("only a bracket", "{"),
        whole(
            "two events",
            &format!("{}{}", event("two-1"), event("two-2")),
        ),
        whole("trailing words", &format!("{} x", event("trailing"))),
        Case::unreadable("id twice", r#"{"id":"a","id":"b"}"#, "invalid_json", "id"),
        Case::unreadable("batch that is no list", "{ }", "invalid_json", "").with_type(BATCH),
        Case::unreadable("batch that is cut", "[{},", "invalid_json", "").with_type(BATCH),
    ];
    let text = event("cut").to_string();
    for part in 1..8 {
        let body = &text.as_bytes()[..text.len() * part / 8];
        let name = format!("cut at {part}/8");
        let mut case = Case::unreadable(name, body, "invalid_json", "");
        // Where it is cut inside a value, the value is named.
        if let super::Expected::Refused { field, .. } = &mut case.expected {
            *field = Some("*".to_owned());
        }
        all.push(case);
    }
    for (name, json) in [
        ("nan", "NaN"),
        ("infinity", "-Infinity"),
        ("leading-zero", "007"),
        ("hexadecimal", "0x1"),
        ("plus", "+1"),
        ("half-a-number", "1."),
        ("raw-newline", "\"a\nb\""),
        ("raw-escape", "\"a\u{1b}[31m\""),
        ("wrong-escape", r#""\q""#),
        ("capital-true", "True"),
    ] {
        all.push(Case::unreadable(name, raw(name, json), "invalid_json", "*"));
    }
    for (name, json, field) in [
        ("body-twice", r#""a","body":"b""#, "data.body"),
        ("unknown-twice", r#""a","x":{"y":1,"y":2}"#, "data.x.y"),
        ("twice-by-escape", r#""a","b\u006fdy":"b""#, "data.body"),
    ] {
        all.push(Case::bad(name, raw(name, json), "invalid_json", field));
    }
    all
}

/// Makes an event of exactly so many bytes, with a field that nobody knows.
fn padded(name: &str, n_bytes: usize) -> Vec<u8> {
    let empty = with(name, "/data/padding", json!("")).len();
    with(name, "/data/padding", json!("x".repeat(n_bytes - empty)))
}

/// Makes a batch of exactly so many bytes, of events that are below their own limit.
fn padded_batch(n_bytes: usize) -> Vec<u8> {
    let name = |n: usize| format!("of-{n_bytes}-{n}");
    let events: Vec<Vec<u8>> = (0..9)
        .map(|n| padded(&name(n), EVENT_BYTES / 2 * 9 / 5))
        .collect();
    let mut body = join(&events[..8]);
    let rest = n_bytes - body.len();
    body.pop();
    body.push(b',');
    body.extend(padded(&name(8), rest - 1));
    body.push(b']');
    assert_eq!(body.len(), n_bytes);
    body
}

fn join(events: &[Vec<u8>]) -> Vec<u8> {
    [b"[", &events.join(&b","[..])[..], b"]"].concat()
}

fn sizes() -> Vec<Case> {
    let body_of = |name, n| with(name, "/data/body", json!("x".repeat(n)));
    let many = |name: &str, n_events: usize| {
        // Apart from the others, whose thread is to fit one page.
        let one = |n| crate::comment("crowd", &format!("{name}-{n}"), None, "foule");
        let one = |n| one(n).to_string().into_bytes();
        join(&(0..n_events).map(one).collect::<Vec<_>>())
    };
    vec![
        Case::good("longest comment", body_of("longest", COMMENT_BYTES)),
        Case::bad(
            "too long a comment",
            body_of("too-long", COMMENT_BYTES + 1),
            "too_large",
            "data.body",
        ),
        Case::good("largest event", padded("largest", EVENT_BYTES)),
        Case::bad(
            "too large an event",
            padded("too-large", EVENT_BYTES + 1),
            "too_large",
            "",
        ),
        Case::good("largest batch", padded_batch(BATCH_BYTES)).with_type(BATCH),
        Case::good("empty batch", "[]").with_type(BATCH),
        Case::good("batch of many", many("many", BATCH_EVENTS)).with_type(BATCH),
        Case::unreadable(
            "too many",
            many("too-many", BATCH_EVENTS + 1),
            "too_large",
            "",
        )
        .with_type(BATCH)
        .with_status(413),
    ]
}

fn depths() -> Vec<Case> {
    // The event and its data are two levels.
    let nested = |name: &str, levels: usize, open: &str, close: &str| {
        let n = levels - 2;
        let json = format!("\"x\",\"deep\":{}1{}", open.repeat(n), close.repeat(n));
        raw(name, &json)
    };
    let mut all = vec![
        Case::good("deepest lists", nested("deepest-lists", DEPTH, "[", "]")),
        Case::good("deepest objects", nested("deepest", DEPTH, "{\"a\":", "}")),
    ];
    for levels in [DEPTH + 1, 129, 10_000, 200_000] {
        let name = format!("{levels}-lists");
        let body = nested(&name, levels, "[", "]");
        all.push(Case::bad(name, body, "too_deep", ""));
    }
    let objects = nested("objects", 10_000, "{\"a\":", "}");
    all.push(Case::bad("10000 objects", objects, "too_deep", ""));
    for levels in [129, 10_000, 1_000_000] {
        let open = Case::unreadable(
            format!("{levels} open brackets"),
            "[".repeat(levels),
            "too_deep",
            "",
        );
        all.push(open);
    }
    all
}

fn repeats() -> Vec<Case> {
    let first = event("first");
    let mut moved = first.clone();
    moved["id"] = json!("e-under-another-id");
    vec![
        Case::good("first", first.to_string()),
        Case::good("first again", first.to_string()),
        Case::bad(
            "other words under the same id",
            put(first.clone(), "/data/body", json!("others")),
            "id_conflict",
            "id",
        ),
        Case::bad(
            "another type under the same id",
            put(first, "/type", json!("stoa.comment.edited.v1")),
            "id_conflict",
            "id",
        ),
        Case::bad(
            "other words for the same revision",
            put(moved, "/data/body", json!("others")),
            "stale_revision",
            "data.revision",
        ),
    ]
}

/// Threads that never end, and text that is only odd: accepted, each of them.
fn threads() -> Vec<Case> {
    let reply = |id: &str, parent: &str| with(id, "/data/parent", json!(parent));
    let odd = |name: &str, text: String| Case::good(name, with(name, "/data/body", json!(text)));
    let named = |name: &str, text: &str| {
        Case::good(name, with(name, "/data/author/display_name", json!(text)))
    };
    let other: Value = json!({
        "site": SITE, "article": "elsewhere", "comment": "c-elsewhere",
        "author": {"id": "u-2"}, "body": "ailleurs",
    });
    vec![
        Case::good("its own parent", reply("self", "self")),
        Case::good("one of two", reply("loop-1", "loop-2")),
        Case::good("two of two", reply("loop-2", "loop-1")),
        Case::good("one of three", reply("ring-1", "ring-3")),
        Case::good("two of three", reply("ring-2", "ring-1")),
        Case::good("three of three", reply("ring-3", "ring-2")),
        Case::good("no such parent", reply("orphan", "never")),
        Case::good("in another thread", put(event("other"), "/data", other)),
        Case::good("parent in another thread", reply("stray", "c-elsewhere")),
        odd("marks", format!("Z{}algo", "\u{335}".repeat(10_000))),
        odd("one-word", "x".repeat(60_000)),
        odd(
            "bidi",
            "abc \u{202e}def\u{202c} \u{2066}ghi\u{2069}".to_owned(),
        ),
        odd("zero-width", "in\u{200b}vi\u{200d}si\u{2060}ble".to_owned()),
        named("terminal", "\u{1b}[2J\u{1b}]0;owned\u{7}"),
        named(
            "forged-line",
            "Ada\r\n2026-01-01T00:00:00Z  INFO forged: line",
        ),
        named("spoofed", "\u{202e}rotaredom"),
        Case::good(
            "score of minus nine",
            with("minus", "/data/score", json!(i64::MIN)),
        ),
    ]
}
