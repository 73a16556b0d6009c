//! Payloads: what is required, what a field may hold.

use serde_json::{Value, json};
use stoa_proto::limits::{ID_BYTES, NAME_BYTES, NOTE_BYTES, TITLE_BYTES, URI_BYTES};

use super::{Case, SITE, THREAD, dotted, event, put, raw, with, without};

pub(super) fn cases() -> Vec<Case> {
    let mut all = required();
    all.extend(ids());
    all.extend(numbers());
    all.extend(values());
    all.extend(markup());
    all.extend(others());
    all
}

/// A payload of each type that platforms publish, with nothing in it but what is required.
fn payloads() -> [(&'static str, Value); 11] {
    let comment = json!({
        "site": SITE, "article": THREAD, "comment": "c-1", "author": {"id": "u-1"}, "body": "mots",
    });
    let of = |rest: &[(&str, &str)]| {
        let mut data = json!({"site": SITE});
        for (name, value) in rest {
            data[*name] = json!(value);
        }
        data
    };
    let subject = [("article", THREAD), ("comment", "c-1")];
    let mut scored = of(&subject);
    scored["score"] = json!(1);
    [
        ("article.published", of(&[("article", "a-2")])),
        ("article.updated", of(&[("article", "a-2")])),
        ("article.removed", of(&[("article", "a-2")])),
        ("comment.submitted", comment.clone()),
        ("comment.edited", comment),
        ("comment.withdrawn", of(&subject)),
        ("comment.scored", scored),
        (
            "comment.reported",
            of(&[&subject[..], &[("report", "r-1"), ("reason", "spam")]].concat()),
        ),
        (
            "author.updated",
            json!({"site": SITE, "author": {"id": "u-1"}}),
        ),
        ("author.erased", of(&[("author", "u-9"), ("scope", "all")])),
        (
            "decision.appealed",
            of(&[&subject[..], &[("decision", "d-1"), ("appeal", "x-1")]].concat()),
        ),
    ]
}

fn of_kind(name: &str, kind: &str, data: &Value) -> Value {
    let mut event = event(name);
    event["type"] = json!(format!("stoa.{kind}.v1"));
    event["data"] = data.clone();
    event
}

fn required() -> Vec<Case> {
    let mut all = Vec::new();
    for (kind, data) in payloads() {
        let mut pointers: Vec<String> = data
            .as_object()
            .unwrap()
            .keys()
            .map(|key| format!("/data/{key}"))
            .collect();
        if data["author"].is_object() {
            pointers.push("/data/author/id".to_owned());
        }
        for pointer in &pointers {
            let name = format!("{kind} without {}", dotted(pointer));
            let event = of_kind(&name, kind, &data);
            let field = dotted(pointer);
            all.push(Case::bad(
                &name,
                without(event.clone(), pointer),
                "missing_field",
                &field,
            ));
            let name = format!("{kind} with a list for {field}");
            let body = put(event.clone(), pointer, json!([]));
            all.push(Case::bad(name, body, "invalid_field", &field));
            let name = format!("{kind} with null for {field}");
            let body = put(event, pointer, json!(null));
            all.push(Case::bad(name, body, "invalid_field", &field));
        }
    }
    all
}

fn ids() -> Vec<Case> {
    let mut all = Vec::new();
    let bad = [
        ("", "invalid_field"),
        ("a\nb", "invalid_field"),
        ("a\tb", "invalid_field"),
        ("a\u{7f}b", "invalid_field"),
        ("a\u{9b}b", "invalid_field"),
        ("a\u{2029}b", "invalid_field"),
        (&"é".repeat(ID_BYTES / 2 + 1), "too_large"),
    ];
    for pointer in [
        "/data/site",
        "/data/article",
        "/data/comment",
        "/data/parent",
        "/data/author/id",
    ] {
        for (n, (value, code)) in bad.iter().enumerate() {
            let name = format!("id {n} {pointer}");
            let body = with(&name, pointer, json!(value));
            all.push(Case::bad(name, body, code, &dotted(pointer)));
        }
    }
    let longest = "é".repeat(ID_BYTES / 2);
    all.push(Case::good(
        "longest id",
        with("longest-id", "/data/comment", json!(longest)),
    ));
    all
}

fn numbers() -> Vec<Case> {
    let mut all = Vec::new();
    let anywhere = [
        "18446744073709551616",
        "1e400",
        "-1e400",
        "1e-400",
        "-0",
        "0.5",
        "\"1\"",
        "true",
        "[1]",
    ];
    let revision = ["0", "-1", "4294967296", "1.0"];
    let score = ["9223372036854775808", "-9223372036854775809", "1e3"];
    for (field, values) in [("revision", &revision[..]), ("score", &score[..])] {
        for value in anywhere.iter().chain(values) {
            let name = format!("{field} {value}");
            let body = raw(
                &name.replace('"', "-"),
                &format!("\"x\",\"{field}\":{value}"),
            );
            all.push(Case::bad(
                name,
                body,
                "invalid_field",
                &format!("data.{field}"),
            ));
        }
    }
    // Nobody knows the field, and a reader of what is passed on would break all the same.
    let body = raw("unknown-1e400", "\"x\",\"mood\":{\"depth\":[1e400]}");
    all.push(Case::bad(
        "1e400 in what is unknown",
        body,
        "invalid_field",
        "data.mood.depth.0",
    ));
    let body = raw("highest", "\"x\",\"revision\":4294967295");
    all.push(Case::good("highest revision", body));
    all
}

fn values() -> Vec<Case> {
    let long = |n: usize| json!("x".repeat(n + 1));
    [
        ("/data/body", json!(" \n\t\u{a0}"), "invalid_field"),
        ("/data/body", json!("\u{200b}\u{2060}"), "invalid_field"),
        ("/data/format", json!("rtf"), "invalid_field"),
        ("/data/format", json!("PLAIN"), "invalid_field"),
        ("/data/language", json!("français"), "invalid_field"),
        ("/data/language", json!(""), "invalid_field"),
        (
            "/data/submitted_at",
            json!("2022-02-30T00:00:00Z"),
            "invalid_field",
        ),
        ("/data/submitted_at", json!("yesterday"), "invalid_field"),
        ("/data/submitted_at", json!(1_700_000_000), "invalid_field"),
        (
            "/data/submitted_at",
            json!("2024-01-01T00:00:00"),
            "invalid_field",
        ),
        (
            "/data/submitted_at",
            json!("12024-01-01T00:00:00Z"),
            "invalid_field",
        ),
        ("/data/url", long(URI_BYTES), "too_large"),
        ("/data/author/role", json!("king"), "invalid_field"),
        ("/data/author/presence", json!("away"), "invalid_field"),
        ("/data/author/joined_at", json!("once"), "invalid_field"),
        ("/data/author/display_name", long(NAME_BYTES), "too_large"),
        ("/data/author/display_name", json!({}), "invalid_field"),
        ("/data/author/name", long(NAME_BYTES), "too_large"),
    ]
    .into_iter()
    .enumerate()
    .map(|(n, (pointer, value, code))| {
        let name = format!("value-{n}");
        let body = with(&name, pointer, value);
        Case::bad(name, body, code, &dotted(pointer))
    })
    .collect()
}

fn markup() -> Vec<Case> {
    let mut all = Vec::new();
    let mut empty_markup = event("markup");
    empty_markup["data"]["format"] = json!("html");
    let body = put(empty_markup.clone(), "/data/body", json!("<p><br></p>"));
    all.push(Case::bad(
        "markup that shows nothing",
        body,
        "invalid_field",
        "data.body",
    ));
    let body = put(empty_markup, "/data/body", json!("<i>".repeat(300)));
    all.push(Case::bad(
        "markup that is too deep",
        body,
        "too_deep",
        "data.body",
    ));
    all
}

/// What other types than comments hold.
fn others() -> Vec<Case> {
    let long = |n: usize| json!("x".repeat(n + 1));
    let mut all = Vec::new();
    for (kind, pointer, value, code) in [
        (
            "comment.reported",
            "/data/reason",
            json!("boring"),
            "invalid_field",
        ),
        (
            "comment.reported",
            "/data/text",
            long(NOTE_BYTES),
            "too_large",
        ),
        (
            "author.erased",
            "/data/scope",
            json!("some"),
            "invalid_field",
        ),
        (
            "article.published",
            "/data/title",
            long(TITLE_BYTES),
            "too_large",
        ),
        (
            "article.published",
            "/data/authors",
            json!("Ada"),
            "invalid_field",
        ),
        (
            "article.published",
            "/data/authors",
            json!(vec!["A"; 257]),
            "too_large",
        ),
        (
            "article.published",
            "/data/tags",
            json!([long(NAME_BYTES)]),
            "too_large",
        ),
        (
            "article.published",
            "/data/media_credits",
            json!([long(NAME_BYTES)]),
            "too_large",
        ),
        (
            "decision.appealed",
            "/data/author",
            json!("u\n1"),
            "invalid_field",
        ),
        (
            "decision.appealed",
            "/data/text",
            long(NOTE_BYTES),
            "too_large",
        ),
        (
            "article.removed",
            "/data/reason",
            long(NOTE_BYTES),
            "too_large",
        ),
    ] {
        let (_, data) = payloads()
            .into_iter()
            .find(|(name, _)| *name == kind)
            .unwrap();
        let name = format!("{kind} {pointer} {code}");
        let body = put(of_kind(&name, kind, &data), pointer, value);
        all.push(Case::bad(name, body, code, &dotted(pointer)));
    }
    all
}
