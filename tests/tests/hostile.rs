//! Bad input, end to end: each message is refused by its code and field and kept, byte for byte.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on has failed"
)]

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::{Value, json};
use stoa_tests::broker::{Platform, queues};
use stoa_tests::hostile::check::{
    all_rejections, check_all, check_amqp, check_http, kept, newest, original_of, same,
};
use stoa_tests::hostile::{
    BATCH, BINARY, CANARY, Case, EVENT, Expected, SITE, THREAD, cases, event, oversize, raw,
};
use stoa_tests::{Bus, Stack, Vhost, comment, eventually, needed};

/// Checks that a system which has seen all of it is as good as new.
fn is_unharmed(stack: &mut Stack, after: &str) {
    assert!(stack.is_well(), "a process is gone or not ready");
    let (status, answer) = stack.post(
        EVENT,
        comment(after, &format!("c-{after}"), None, "bonjour").to_string(),
    );
    assert_eq!((status, &answer["accepted"]), (202, &json!(1)), "{answer}");
    let thread = stack.decided("journal", after, 1);
    assert_eq!(thread["comments"][0]["text"], "bonjour");
}

/// The comments of the table's thread that are accepted.
fn accepted(cases: &[Case]) -> BTreeSet<String> {
    let good = cases
        .iter()
        .filter(|case| case.expected == Expected::Accepted);
    good.flat_map(|case| match serde_json::from_slice(&case.body).unwrap() {
        Value::Array(events) => events
            .into_iter()
            .map(|event| event["data"].clone())
            .collect(),
        event if case.attributes.is_empty() => vec![event["data"].clone()],
        data => vec![data],
    })
    .filter(|data| data["article"] == THREAD)
    .map(|data| data["comment"].as_str().unwrap().to_owned())
    .collect()
}

/// Checks that what was accepted of the table is decided and in one finite thread.
fn is_archived(stack: &Stack, cases: &[Case]) {
    let accepted = accepted(cases);
    let thread = stack.decided(SITE, THREAD, accepted.len());
    let captured: BTreeSet<String> = thread["comments"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|comment| comment["ghost"] != true)
        .map(|comment| comment["comment"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(captured, accepted);
    let problem = |id: &str| {
        let comments = thread["comments"].as_array().unwrap();
        let found = comments.iter().find(|comment| comment["comment"] == id);
        found.unwrap_or_else(|| panic!("{id} is not in the thread"))["parent_problem"].clone()
    };
    assert_eq!(problem("self"), "self");
    assert_eq!(problem("stray"), "other_article");
    let cut = |ids: &[&str]| ids.iter().filter(|id| problem(id) == "loop").count();
    assert_eq!(cut(&["loop-1", "loop-2"]), 1);
    assert_eq!(cut(&["ring-1", "ring-2", "ring-3"]), 1);
    for shape in ["", "?shape=nested"] {
        let url = format!(
            "{}/v1/sites/{SITE}/threads/{THREAD}{shape}",
            stack.archive()
        );
        assert_eq!(stack.get_text(&url, true).0, 200, "{shape}");
    }
    let (status, page) = stack.get_text(
        &format!("{}/sites/{SITE}/threads/{THREAD}", stack.archive()),
        true,
    );
    assert_eq!(status, 200);
    assert!(!page.contains('\u{1b}'), "an escape reaches the page");
}

/// Checks that each line of each log is one event, and that none repeats what was said.
fn logs_are_clean(stack: &Stack) {
    for log in stack.logs() {
        let bytes = std::fs::read(&log).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.is_empty(), "{}", log.display());
        for said in [CANARY, "owned", "forged", "rotaredom"] {
            assert!(!text.contains(said), "{}: {said}", log.display());
        }
        for line in text.lines() {
            let whole = serde_json::from_str::<Value>(line).is_ok() || log.ends_with("up.log");
            assert!(whole, "{}: not an event: {line:?}", log.display());
            assert!(!line.contains(['\u{1b}', '\r']), "{line:?}");
        }
    }
}

#[test]
fn every_case_has_bytes_of_its_own() {
    // The same refusal of the same message is kept once, which would hide a case.
    let mut seen = BTreeSet::new();
    for case in cases() {
        let refused = case.expected != Expected::Accepted;
        let as_what = format!("{} {:?}", case.content_type, case.attributes);
        let new = seen.insert((case.body.clone(), as_what));
        assert!(new || !refused, "{} comes twice", case.name);
    }
    assert!(seen.len() > 300, "{}", seen.len());
}

#[test]
fn embedded_refuses_by_code_and_keeps_the_bytes() {
    let mut stack = Stack::start(Bus::Embedded);
    let cases = cases();
    check_all(&cases, |case| check_http(&stack, case));
    let before = all_rejections(&stack);
    let refused = cases
        .iter()
        .filter(|case| case.expected != Expected::Accepted)
        .count();
    assert_eq!(before.len(), refused);
    not_taken(&stack);
    assert_eq!(
        all_rejections(&stack).len(),
        refused,
        "what is not taken is not kept"
    );
    is_archived(&stack, &cases);
    is_unharmed(&mut stack, "afterwards");
    logs_are_clean(&stack);

    stack.process("up").kill();
    stack.launch("up");
    stack.ready();
    assert_eq!(all_rejections(&stack), before, "a crash loses no rejection");
    let last = cases
        .iter()
        .rfind(|case| case.expected != Expected::Accepted)
        .unwrap();
    kept(&stack, last, &Value::Null).unwrap();
    is_unharmed(&mut stack, "after-the-crash");
}

/// Requests that are answered before anybody looks for events in them.
fn not_taken(stack: &Stack) {
    let mut good = comment("taken", "c-taken", None, "bonjour").to_string();
    good.push('\n');
    for media in [
        "text/plain",
        "text/html",
        "application/xml",
        "multipart/form-data; boundary=x",
        "application/cloudevents+avro",
        "application/cloudevents+json; charset=utf-16",
        "",
        "///",
    ] {
        let (status, answer) = stack.post_with(&[("content-type", media)], good.clone());
        assert_eq!(status, 415, "{media}: {answer}");
        assert_eq!(answer["field"], "content-type", "{media}: {answer}");
    }
    let (status, answer) = stack.post_with(&[], good.clone());
    assert_eq!(status, 415, "{answer}");
    for n_bytes in [oversize().len(), 20 << 20] {
        let (status, answer) = stack.post(BATCH, vec![b' '; n_bytes]);
        assert_eq!(
            (status, &answer["code"]),
            (413, &json!("too_large")),
            "{answer}"
        );
        assert!(answer["limit"].is_string(), "{answer}");
    }
    let (status, answer) = stack.post(&format!("{EVENT}; charset=UTF-8"), good);
    assert_eq!((status, &answer["accepted"]), (202, &json!(1)), "{answer}");
}

#[test]
fn a_batch_is_judged_event_by_event() {
    let stack = Stack::start(Bus::Embedded);
    let mut others = event("mixed-3");
    others["id"] = json!("e-hostile-mixed-0");
    let mut parts: Vec<String> = (0..4)
        .map(|n| event(&format!("mixed-{n}")).to_string())
        .collect();
    parts[1] = parts[1].replace("\"1.0\"", "\"9\"");
    parts.insert(2, "17".to_owned());
    parts.insert(3, r#"{ "id" : "x\ud800" }"#.to_owned());
    parts.push(others.to_string());
    parts.push(format!(
        "{{\"id\":\"deep\",\"a\":{}{}}}",
        "[".repeat(500),
        "]".repeat(500)
    ));
    let body = format!(" [ {} ] ", parts.join(" ,\n"));
    let (status, answer) = stack.post(BATCH, body);
    assert_eq!((status, &answer["accepted"]), (202, &json!(3)), "{answer}");
    let refused: Vec<Value> = answer["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|refused| {
            json!([
                refused["index"],
                refused["id"],
                refused["code"],
                refused["field"]
            ])
        })
        .collect();
    let expected = json!([
        [1, "e-hostile-mixed-1", "invalid_envelope", "specversion"],
        [2, null, "invalid_envelope", null],
        [3, null, "invalid_encoding", "id"],
        [6, "e-hostile-mixed-0", "id_conflict", "id"],
        [7, "deep", "too_deep", null],
    ]);
    assert_eq!(json!(refused), expected);
    // Each is kept by itself, newest first, with its own bytes and no more.
    let kept = all_rejections(&stack);
    let originals: Vec<Vec<u8>> = kept
        .iter()
        .rev()
        .map(|one| stack.get_bytes(&original_of(&stack, one)).1)
        .collect();
    let sent: Vec<&[u8]> = [1, 2, 3, 6, 7]
        .iter()
        .map(|n: &usize| parts[*n].as_bytes())
        .collect();
    assert_eq!(originals, sent);
    stack.decided(SITE, THREAD, 3);
}

#[test]
fn amqp_refuses_by_code_tells_and_keeps_the_bytes() {
    let vhost = Vhost::new();
    let mut stack = Stack::start_logging(Bus::Amqp(vhost.url.clone()), "debug");
    let mut platform = Platform::listening_to(&vhost, "stoa.rejected");
    let cases = cases();
    check_all(&cases, |case| check_amqp(&stack, &mut platform, case));
    let media = [
        "text/plain",
        "application/xml",
        "application/cloudevents+avro",
    ];
    let of_media = |(n, media): (usize, &&'static str)| {
        let body = event(&format!("media-{n}")).to_string();
        Case::bad(*media, body, "invalid_envelope", "content_type").with_type(media)
    };
    let mut of_media: Vec<Case> = media.iter().enumerate().map(of_media).collect();
    // Without headers, `application/json` is an event as it is.
    of_media.push(Case::good("json", event("json").to_string()).with_type(BINARY));
    check_all(&of_media, |case| check_amqp(&stack, &mut platform, case));
    pika(&stack, &vhost, &mut platform);

    // What is too large to be a message is told of, and parked as it came.
    let large = oversize();
    platform.publish(BATCH, &[], &large);
    let news = platform.hear();
    assert_eq!(
        (&news["data"]["code"], &news["data"]["field"]),
        (&json!("too_large"), &json!("message")),
        "{news}"
    );
    let parked = || stack.get(&format!("{}/admin/parked", stack.ingest_admin()));
    eventually("it is parked", || parked()["parked"][0].is_object());
    assert_eq!(parked()["parked"].as_array().unwrap().len(), 1);
    let id = &parked()["parked"][0]["id"];
    let whole = stack.get(&format!("{}/admin/parked/{id}", stack.ingest_admin()));
    assert!(whole["body"].as_str().unwrap().as_bytes() == large);
    eventually("nothing in the queues", || {
        queues(&vhost).iter().all(|(_, n)| *n == 0)
    });

    let accepted: Vec<Case> = cases.into_iter().chain(of_media).collect();
    is_archived(&stack, &accepted);
    is_unharmed(&mut stack, "afterwards");
    let before = all_rejections(&stack);
    for name in stack.names() {
        stack.process(name).kill();
        stack.launch(name);
    }
    stack.ready();
    assert_eq!(all_rejections(&stack), before, "a crash loses no rejection");
    is_unharmed(&mut stack, "after-the-crash");
    eventually("empty queues", || {
        queues(&vhost).iter().all(|(_, n)| *n == 0)
    });
    logs_are_clean(&stack);
}

/// A foreign client library sends the same bytes, and is judged the same.
fn pika(stack: &Stack, vhost: &Vhost, platform: &mut Platform) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/pika/raw.py");
    let body = raw("pika", r#""\udfff""#);
    let case = Case::bad("from pika", body, "invalid_encoding", "data.body");
    let file = stack.folder.path().join("raw");
    std::fs::write(&file, &case.body).unwrap();
    let before = newest(stack);
    let output = Command::new(needed("STOA_TEST_PYTHON"))
        .args([
            script,
            &vhost.url,
            file.to_str().unwrap(),
            case.content_type,
        ])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    same(&case, &platform.hear()["data"]).unwrap();
    eventually("it is kept", || newest(stack)["seq"] != before["seq"]);
    kept(stack, &case, &before).unwrap();
}
