//! Envelopes: absent and wrong attributes, types, binary mode.

use serde_json::json;
use stoa_proto::Kind;
use stoa_proto::limits::{ID_BYTES, URI_BYTES};

use super::{BATCH, Case, dotted, event, with, without};

pub(super) fn cases() -> Vec<Case> {
    let mut all = shapes();
    all.extend(attributes());
    all.extend(types());
    all.extend(binary());
    all
}

fn shapes() -> Vec<Case> {
    let mut all: Vec<Case> = ["[1]", "[]", "12", "null", "true", "\"event\""]
        .into_iter()
        .map(|body| Case::bad(format!("{body} for an event"), body, "invalid_envelope", ""))
        .collect();
    all.push(Case::bad(
        "nothing in it",
        "{}",
        "missing_field",
        "specversion",
    ));
    for pointer in ["/specversion", "/id", "/source", "/type", "/data"] {
        let name = format!("without{}", pointer.replace('/', "-"));
        let null = format!("null{}", pointer.replace('/', "-"));
        let field = dotted(pointer);
        let body = without(event(&name), pointer);
        all.push(Case::bad(name, body, "missing_field", &field));
        let body = with(&null, pointer, json!(null));
        all.push(Case::bad(null, body, "missing_field", &field));
    }
    all
}

fn attributes() -> Vec<Case> {
    let long = |n: usize| json!("x".repeat(n));
    [
        ("/specversion", json!(1.0), "invalid_envelope"),
        ("/specversion", json!("0.3"), "invalid_envelope"),
        ("/specversion", json!(""), "invalid_envelope"),
        ("/id", json!(7), "invalid_envelope"),
        ("/id", json!({"a": 1}), "invalid_envelope"),
        ("/id", json!(""), "invalid_field"),
        ("/id", json!("a\nb"), "invalid_field"),
        ("/id", json!("a\u{1b}[31m"), "invalid_field"),
        ("/id", json!("a\u{85}b"), "invalid_field"),
        ("/id", json!("a\u{2028}b"), "invalid_field"),
        ("/id", long(ID_BYTES + 1), "too_large"),
        ("/source", json!(["a"]), "invalid_envelope"),
        ("/source", json!(""), "invalid_field"),
        ("/source", json!("two words"), "invalid_field"),
        ("/source", json!("a\r\nb"), "invalid_field"),
        ("/source", long(URI_BYTES + 1), "too_large"),
        ("/type", json!(true), "invalid_envelope"),
        ("/type", json!(""), "unknown_type"),
        ("/time", json!("soon"), "invalid_envelope"),
        ("/time", json!(1_700_000_000), "invalid_envelope"),
        ("/subject", json!(7), "invalid_envelope"),
        ("/subject", long(URI_BYTES + 1), "too_large"),
        ("/datacontenttype", json!(7), "invalid_envelope"),
        ("/datacontenttype", json!("text/xml"), "invalid_envelope"),
        ("/traceparent", json!([]), "invalid_envelope"),
        ("/traceparent", long(ID_BYTES + 1), "too_large"),
        ("/data_base64", json!("e30="), "invalid_envelope"),
        ("/data", json!("{}"), "invalid_field"),
        ("/data", json!([]), "invalid_field"),
        ("/data", json!(5), "invalid_field"),
    ]
    .into_iter()
    .enumerate()
    .map(|(n, (pointer, value, code))| {
        let name = format!("attribute-{n}");
        let body = with(&name, pointer, value);
        Case::bad(name, body, code, &dotted(pointer))
    })
    .collect()
}

fn types() -> Vec<Case> {
    let case = |kind: &str, code| {
        let body = with(kind, "/type", json!(kind));
        Case::bad(format!("type {kind}"), body, code, "type")
    };
    let mut all: Vec<Case> = [
        "org.other.thing.v1",
        "stoa.comment.shouted.v1",
        "stoa.comment.submitted",
        "STOA.COMMENT.SUBMITTED.V1",
        "stoa.comment.submitted.v",
        "stoa.comment.submitted.v1 ",
    ]
    .into_iter()
    .map(|kind| case(kind, "unknown_type"))
    .collect();
    for kind in Kind::ALL {
        if kind.is_inbound() {
            let next = kind.as_str().replace(".v1", ".v2");
            all.push(case(&next, "unsupported_version"));
        } else {
            all.push(case(kind.as_str(), "unknown_type"));
        }
    }
    all.push(case("stoa.comment.submitted.v0", "unsupported_version"));
    all.push(case(
        "stoa.comment.submitted.v99999999999",
        "unsupported_version",
    ));
    all
}

fn binary() -> Vec<Case> {
    const ENVELOPE: [(&str, &str); 4] = [
        ("specversion", "1.0"),
        ("id", "e-binary"),
        ("source", "https://journal.example/comments"),
        ("type", "stoa.comment.submitted.v1"),
    ];
    let data = event("binary")["data"].to_string();
    let all_but = |name: &str| {
        let mut envelope = ENVELOPE.to_vec();
        envelope.retain(|(attribute, _)| *attribute != name);
        envelope
    };
    let mut all = vec![Case::good("binary", data.clone()).with_attributes(&ENVELOPE)];
    // The same data each time: what differs is in the headers alone.
    for (absent, _) in ENVELOPE {
        let name = format!("binary without {absent}");
        let case = Case::bad(name, data.clone(), "missing_field", absent);
        all.push(case.with_attributes(&all_but(absent)));
    }
    for (name, value, code) in [
        ("specversion", "0.3", "invalid_envelope"),
        ("type", "stoa.comment.submitted.v2", "unsupported_version"),
        ("type", "nothing", "unknown_type"),
        ("source", "two words", "invalid_field"),
        ("time", "soon", "invalid_envelope"),
        ("datacontenttype", "text/xml", "invalid_envelope"),
    ] {
        let case = Case::bad(
            format!("binary with {name} {value}"),
            data.clone(),
            code,
            name,
        );
        let mut envelope = all_but(name);
        envelope.push((name, value));
        all.push(case.with_attributes(&envelope));
    }
    for (name, body, code, field) in [
        ("of-nothing", "", "invalid_json", "data"),
        ("of-a-list", "[]", "invalid_field", "data"),
        ("of-words", "bonjour", "invalid_json", "data"),
        ("of-an-empty-object", "{}", "missing_field", "data.site"),
        (
            "of-a-key-twice",
            r#"{"site":"s","site":"s"}"#,
            "invalid_json",
            "data.site",
        ),
    ] {
        all.push(Case::bad(name, body, code, field).with_attributes(&ENVELOPE));
    }
    let two = format!("[{},{}]", event("in-1"), event("in-2"));
    all.push(Case::good("batch of two", two).with_type(BATCH));
    all
}
