use serde_json::{Value, json};

use super::*;

fn comment() -> Value {
    json!({
        "specversion": "1.0", "id": "e-1", "source": "https://n.example/c",
        "type": "stoa.comment.submitted.v1",
        "data": {"site": "s", "article": "a", "comment": "c", "author": {"id": "u"}, "body": "bonjour"},
    })
}

fn with(path: &str, value: Value) -> String {
    let mut event = comment();
    *event.pointer_mut(path).unwrap() = value;
    event.to_string()
}

fn without(parent: &str, field: &str) -> String {
    let mut event = comment();
    event
        .pointer_mut(parent)
        .unwrap()
        .as_object_mut()
        .unwrap()
        .remove(field)
        .unwrap();
    event.to_string()
}

fn insert(parent: &str, field: &str, value: Value) -> String {
    let mut event = comment();
    event
        .pointer_mut(parent)
        .unwrap()
        .as_object_mut()
        .unwrap()
        .insert(field.into(), value);
    event.to_string()
}

fn message(body: impl Into<Vec<u8>>) -> Message {
    Message {
        content_type: Some(STRUCTURED.into()),
        body: body.into().into(),
        ..Message::default()
    }
}

#[track_caller]
fn refused(body: impl Into<Vec<u8>>, code: Code, field: Option<&str>) {
    let body = body.into();
    let error = decode(&message(body.clone())).remove(0).unwrap_err();
    assert_eq!(
        (error.rejection.code, error.rejection.field.as_deref()),
        (code, field),
        "{}",
        error.rejection
    );
    assert_eq!(error.original, body);
    assert!(!error.rejection.message.is_empty());
    if code == Code::TooLarge || code == Code::TooDeep {
        assert!(error.rejection.limit.is_some());
    }
}

#[test]
fn reads_a_comment_and_keeps_what_it_does_not_know() {
    let mut event = comment();
    event["tracestate"] = json!("x=1");
    event["data"]["mood"] = json!({"a": [1, 2.5, null]});
    event["data"]["author"]["badge"] = json!("gold");
    event["subject"] = Value::Null;
    let read = decode(&message(event.to_string())).remove(0).unwrap();
    assert_eq!(
        (read.site(), read.thread(), read.comment()),
        ("s", Some("a"), Some("c"))
    );
    let written: Value = serde_json::from_slice(&read.to_json()).unwrap();
    assert_eq!(written["tracestate"], "x=1");
    assert_eq!(written["data"]["mood"], json!({"a": [1, 2.5, null]}));
    assert_eq!(written["data"]["author"]["badge"], "gold");
    assert_eq!(written["data"]["revision"], 1);
    assert_eq!(Event::from_json(&read.to_json()).unwrap(), read);
}

#[test]
#[expect(clippy::too_many_lines, reason = "one line a case")]
fn refuses_with_code_and_field() {
    use Code::*;
    refused([0xff, 0xfe], InvalidEncoding, None);
    refused("\u{feff}{}", InvalidEncoding, None);
    refused(b"{\"id\": \"\xc0\xaf\"}".to_vec(), InvalidEncoding, None);
    refused("hello", InvalidJson, None);
    refused("", InvalidJson, None);
    refused("{\"a\":1} x", InvalidJson, None);
    refused("[1]", InvalidEnvelope, None);
    refused("12", InvalidEnvelope, None);
    refused("{}", MissingField, Some("specversion"));
    refused(
        with("/specversion", json!("0.3")),
        InvalidEnvelope,
        Some("specversion"),
    );
    refused(with("/id", json!(7)), InvalidEnvelope, Some("id"));
    refused(with("/type", json!([])), InvalidEnvelope, Some("type"));
    refused(without("", "id"), MissingField, Some("id"));
    refused(with("/id", json!("")), InvalidField, Some("id"));
    refused(with("/id", json!("a\u{1}b")), InvalidField, Some("id"));
    refused(with("/id", json!("é".repeat(129))), TooLarge, Some("id"));
    refused(without("", "source"), MissingField, Some("source"));
    refused(with("/source", json!("a b")), InvalidField, Some("source"));
    refused(without("", "type"), MissingField, Some("type"));
    refused(
        with("/type", json!("org.other.v1")),
        UnknownType,
        Some("type"),
    );
    refused(
        with("/type", json!("stoa.comment.decided.v1")),
        UnknownType,
        Some("type"),
    );
    refused(
        with("/type", json!("stoa.comment.submitted.v2")),
        UnsupportedVersion,
        Some("type"),
    );
    refused(without("", "data"), MissingField, Some("data"));
    refused(with("/data", json!("x")), InvalidField, Some("data"));
    refused(
        insert("", "data_base64", json!("eA==")),
        InvalidEnvelope,
        Some("data_base64"),
    );
    refused(
        insert("", "datacontenttype", json!("text/xml")),
        InvalidEnvelope,
        Some("datacontenttype"),
    );
    refused(
        insert("", "time", json!("soon")),
        InvalidEnvelope,
        Some("time"),
    );
    for field in ["site", "article", "comment", "author", "body"] {
        refused(
            without("/data", field),
            MissingField,
            Some(&format!("data.{field}")),
        );
        refused(
            with(&format!("/data/{field}"), json!(3)),
            InvalidField,
            Some(&format!("data.{field}")),
        );
    }
    refused(
        without("/data/author", "id"),
        MissingField,
        Some("data.author.id"),
    );
    refused(
        with("/data/author/id", json!("u\n")),
        InvalidField,
        Some("data.author.id"),
    );
    refused(
        with("/data/body", json!(" \n\t\u{a0}")),
        InvalidField,
        Some("data.body"),
    );
    refused(
        with("/data/body", json!("x".repeat(65_537))),
        TooLarge,
        Some("data.body"),
    );
    refused(
        with("/data/body", json!("a\u{0}b")),
        InvalidEncoding,
        Some("data.body"),
    );
    refused(
        insert("/data", "mo\u{0}od", json!(1)),
        InvalidEncoding,
        Some("data.mood"),
    );
    refused(
        insert("/data", "revision", json!(0)),
        InvalidField,
        Some("data.revision"),
    );
    refused(
        insert("/data", "revision", json!(-1)),
        InvalidField,
        Some("data.revision"),
    );
    refused(
        insert("/data", "format", json!("rtf")),
        InvalidField,
        Some("data.format"),
    );
    refused(
        insert("/data", "language", json!("français")),
        InvalidField,
        Some("data.language"),
    );
    refused(
        insert("/data", "submitted_at", json!("2022-02-30T00:00:00Z")),
        InvalidField,
        Some("data.submitted_at"),
    );
    refused(
        insert("/data", "score", json!(18_446_744_073_709_551_615_u64)),
        InvalidField,
        Some("data.score"),
    );
    refused("x".repeat(limits::EVENT_BYTES + 1), TooLarge, None);
    let raw = |value: &str| comment().to_string().replace("\"bonjour\"", value);
    refused(raw("1e400"), InvalidField, Some("data.body"));
    refused(raw("18446744073709551616"), InvalidField, Some("data.body"));
    refused(raw(r#""\ud800""#), InvalidEncoding, Some("data.body"));
    refused(raw(r#""a","body":"b""#), InvalidJson, Some("data.body"));
    refused(
        raw(r#""a","x":{"y":1,"y":1}"#),
        InvalidJson,
        Some("data.x.y"),
    );
    refused(raw(r#""a","x":[1,1e999]"#), InvalidField, Some("data.x.1"));
    refused(
        raw(&format!("{}{}", "[".repeat(200), "]".repeat(200))),
        TooDeep,
        None,
    );
    refused("[".repeat(1_000_000), TooDeep, None);
}

#[test]
fn a_refusal_never_repeats_a_value() {
    for body in [
        with("/data/author", json!("Secret Name")),
        with("/data/comment", json!({"Secret": 1})),
    ] {
        let error = decode(&message(body)).remove(0).unwrap_err();
        assert!(
            !error.rejection.message.contains("Secret"),
            "{}",
            error.rejection
        );
    }
}

#[test]
fn a_batch_is_judged_event_by_event() {
    let body = format!(
        "[{},{{\"id\":\"e-2\"}},{}]",
        comment(),
        with("/id", json!("e-3"))
    );
    let batch = Message {
        content_type: Some(format!("{BATCH}; charset=utf-8")),
        ..message(body)
    };
    let decoded = decode(&batch);
    assert_eq!(decoded.len(), 3);
    assert_eq!(decoded[0].as_ref().unwrap().id, "e-1");
    let error = decoded[1].as_ref().unwrap_err();
    assert_eq!(
        (error.id.as_deref(), &error.original[..]),
        (Some("e-2"), &b"{\"id\":\"e-2\"}"[..])
    );
    assert_eq!(decoded[2].as_ref().unwrap().id, "e-3");
    for body in ["{}", "[1,", "nothing"] {
        let decoded = decode(&Message {
            content_type: Some(BATCH.into()),
            ..message(body)
        });
        assert_eq!(decoded.len(), 1);
        assert_eq!(
            decoded[0].as_ref().unwrap_err().rejection.code,
            Code::InvalidJson
        );
    }
}

#[test]
fn binary_mode_takes_both_prefixes() {
    for prefix in ["cloudEvents_", "cloudEvents:", "ce-", "CE-"] {
        let headers = [
            ("specversion", "1.0"),
            ("id", "e-1"),
            ("source", "https://n.example/c"),
            ("type", "stoa.comment.submitted.v1"),
            ("time", "2022-12-13T09:38:00+01:00"),
            ("tracestate", "x=1"),
        ];
        let headers = headers.map(|(name, value)| (format!("{prefix}{name}"), value.to_owned()));
        let message = Message {
            content_type: Some("application/json".into()),
            headers: headers.to_vec(),
            body: comment()["data"].to_string().into(),
            ..Message::default()
        };
        let event = decode(&message).remove(0).unwrap();
        assert_eq!(event.time.unwrap().as_str(), "2022-12-13T09:38:00+01:00");
        assert_eq!(event.extensions["tracestate"], "x=1");

        let broken = Message {
            body: "{\"site\":\"s\",\"site\":\"s\"}".into(),
            ..message
        };
        let error = decode(&broken).remove(0).unwrap_err();
        assert_eq!(error.rejection.field.as_deref(), Some("data.site"));
        assert_eq!(error.id.as_deref(), Some("e-1"));

        let mut headers = headers.to_vec();
        headers.push((format!("{prefix}mood"), "a\u{0}b".to_owned()));
        let with_nul = Message {
            headers: headers.clone(),
            ..broken
        };
        let garbled = Message {
            headers: vec![(format!("{prefix}Mood"), "a\u{fffd}b".to_owned())],
            garbled: vec!["other".to_owned(), format!("{prefix}Mood")],
            ..with_nul.clone()
        };
        for message in [with_nul, garbled] {
            let error = decode(&message).remove(0).unwrap_err();
            assert_eq!(
                (error.rejection.code, error.rejection.field.as_deref()),
                (Code::InvalidEncoding, Some("mood"))
            );
        }
    }
}

#[test]
fn what_is_written_as_a_batch_is_read_as_one() {
    let event = decode(&message(comment().to_string())).remove(0).unwrap();
    let bodies = [event.to_json(), event.to_json()];
    let message = Message {
        content_type: Some(BATCH.into()),
        ..message(batch(&bodies))
    };
    let received = decode_trusted(&message).unwrap();
    assert_eq!(received, vec![event.clone().into(), event.into()]);
    // What was read is kept as it was, not written anew.
    let spaced = Message {
        body: format!("[ {} ]", comment()).into(),
        ..message
    };
    let received = decode_trusted(&spaced).unwrap().remove(0);
    assert_eq!(received.json(), &comment().to_string());
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_judged_without_a_panic(body in proptest::collection::vec(0_u8..=255, 0..200)) {
        for content_type in [STRUCTURED, BATCH, "application/json", "text/plain"] {
            let message = Message { content_type: Some(content_type.into()), ..message(body.clone()) };
            proptest::prop_assert!(decode(&message).iter().all(Result::is_err) || body.starts_with(b"[") );
        }
    }
}

#[test]
fn what_was_decided_elsewhere_comes_with_a_comment_and_excuses_no_empty_body_but_a_deleted_ones() {
    let imported = |state: &str, body: &str, kind: &str| {
        let mut event = comment();
        event["type"] = json!(format!("stoa.comment.{kind}.v1"));
        event["data"]["body"] = json!(body);
        event["data"]["imported"] = json!({"from": "disqus", "state": state, "note": 1});
        event.to_string()
    };
    for state in ["visible", "pending", "spam", "deleted"] {
        let text = imported(state, "bonjour", "submitted");
        let read = decode(&message(text)).remove(0).unwrap();
        let written: Value = serde_json::from_slice(&read.to_json()).unwrap();
        assert_eq!(
            written["data"]["imported"],
            json!({"from": "disqus", "state": state, "note": 1})
        );
        let empty = imported(state, " \n", "submitted");
        match state {
            "deleted" => drop(decode(&message(empty)).remove(0).unwrap()),
            _ => refused(empty, Code::InvalidField, Some("data.body")),
        }
    }
    for (body, field) in [
        (imported("gone", "x", "submitted"), "data.imported.state"),
        (imported("visible", "x", "edited"), "data.imported"),
        (
            imported("visible", "x", "submitted").replace("disqus", ""),
            "data.imported.from",
        ),
    ] {
        refused(body, Code::InvalidField, Some(field));
    }
}

#[test]
fn an_event_without_trace_has_that_of_its_message() {
    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let own = PARENT.replace("-01", "-00");
    let event = |id: &str, traceparent: Value| {
        json!({
            "specversion": "1.0", "id": id, "source": "/s", "type": "stoa.comment.withdrawn.v1",
            "traceparent": traceparent, "data": {"site": "s", "article": "a", "comment": "c"},
        })
    };
    let batch = json!([event("1", Value::Null), event("2", own.clone().into())]);
    let traces = |header: &str| -> Vec<Option<String>> {
        let message = Message {
            content_type: Some(BATCH.to_owned()),
            headers: vec![("Traceparent".to_owned(), header.to_owned())],
            body: batch.to_string().into(),
            ..Message::default()
        };
        let events = decode(&message).into_iter();
        events.map(|event| event.unwrap().traceparent).collect()
    };
    assert_eq!(traces(PARENT), [Some(PARENT.to_owned()), Some(own.clone())]);
    assert_eq!(traces("00-0-0-01"), [None, Some(own)]);
}
