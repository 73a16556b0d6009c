//! Sends one message of the table and says what is not as it must be.

use std::fmt::Display;
use std::time::Duration;

use lapin::types::AMQPValue;
use serde_json::{Value, json};
use stoa_proto::Kind;

use super::{CANARY, Case, Expected};
use crate::broker::Platform;
use crate::{Stack, eventually};

/// Returns the newest rejection that ingest keeps; null while there is none.
pub fn newest(stack: &Stack) -> Value {
    let url = format!("{}/admin/rejections?limit=1", stack.ingest_admin());
    stack.get(&url)["rejections"][0].clone()
}

/// Returns every rejection that ingest keeps, newest first.
pub fn all_rejections(stack: &Stack) -> Vec<Value> {
    let mut all = Vec::new();
    let mut after = String::new();
    loop {
        let url = format!("{}/admin/rejections?limit=500{after}", stack.ingest_admin());
        let page = stack.get(&url);
        all.extend(page["rejections"].as_array().unwrap().iter().cloned());
        match page["next"].as_u64() {
            Some(next) => after = format!("&after={next}"),
            None => return all,
        }
    }
}

/// What is not as it must be, in words.
pub type Verdict = Result<(), String>;

fn ensure(holds: bool, case: &Case, found: impl Display) -> Verdict {
    let wanted = || format!("{} is to be {:?}, found {found}", case.name, case.expected);
    holds.then_some(()).ok_or_else(wanted)
}

/// Compares code and field; `*` stands for whichever field.
pub fn same(case: &Case, found: &Value) -> Verdict {
    let Expected::Refused { code, field, .. } = &case.expected else {
        return ensure(false, case, found);
    };
    let any = field.as_deref() == Some("*");
    let message = found["message"].as_str().or(found["detail"].as_str());
    let said = found.to_string().contains(CANARY);
    ensure(
        found["code"] == *code
            && (any || found["field"] == json!(field))
            && message.is_some_and(|text| text.len() > 10)
            && !said,
        case,
        found,
    )
}

/// Checks that a message's rejection is the newest and that its bytes are as they came.
pub fn kept(stack: &Stack, case: &Case, before: &Value) -> Verdict {
    let rejection = newest(stack);
    ensure(
        rejection["seq"] != before["seq"],
        case,
        "that it is not kept",
    )?;
    same(case, &rejection)?;
    ensure(
        rejection["original_bytes"] == case.body.len(),
        case,
        &rejection,
    )?;
    let (status, bytes) = stack.get_bytes(&original_of(stack, &rejection));
    ensure(
        status == 200 && bytes == case.body,
        case,
        "other bytes than were sent",
    )
}

/// Where the bytes of a rejection are.
pub fn original_of(stack: &Stack, rejection: &Value) -> String {
    format!(
        "{}/admin/rejections/{}/original",
        stack.ingest_admin(),
        rejection["seq"]
    )
}

/// Sends a message over HTTP, and checks the answer and what is kept.
pub fn check_http(stack: &Stack, case: &Case) -> Verdict {
    let before = newest(stack);
    let attributes: Vec<(String, &str)> = case
        .attributes
        .iter()
        .map(|(name, value)| (format!("ce-{name}"), value.as_str()))
        .collect();
    let mut headers = vec![("content-type", case.content_type)];
    headers.extend(
        attributes
            .iter()
            .map(|(name, value)| (name.as_str(), *value)),
    );
    if case.gzip {
        headers.push(("content-encoding", "gzip"));
    }
    let (status, answer) = stack.post_with(&headers, case.body.clone());
    let found = format!("{status} {answer}");
    match &case.expected {
        Expected::Accepted => ensure(
            status == 202 && answer["rejected"] == json!([]),
            case,
            found,
        ),
        Expected::Refused { status: wanted, .. } => {
            ensure(status == *wanted, case, found)?;
            same(
                case,
                if status == 202 {
                    &answer["rejected"][0]
                } else {
                    &answer
                },
            )?;
            kept(stack, case, &before)
        }
    }
}

/// Publishes a message, and checks the news of its rejection and what is kept.
pub fn check_amqp(stack: &Stack, platform: &mut Platform, case: &Case) -> Verdict {
    let before = newest(stack);
    // Both prefixes of the contract, in turn.
    let prefix = if case.name.len().is_multiple_of(2) {
        "cloudEvents:"
    } else {
        "cloudEvents_"
    };
    let headers: Vec<(String, AMQPValue)> = case
        .attributes
        .iter()
        .map(|(name, value)| {
            (
                format!("{prefix}{name}"),
                AMQPValue::LongString(value.as_str().into()),
            )
        })
        .collect();
    platform.publish(case.content_type, &headers, &case.body);
    if case.expected == Expected::Accepted {
        // Its neighbours show that it led to no news; the thread shows that it arrived.
        return Ok(());
    }
    // Of news there is no news, or an inbox bound to its own rejections would never come to rest;
    // what the next case hears shows that there was none.
    if case.name != format!("type {}", Kind::EventRejected.as_str()) {
        let news = platform.within(NEWS).unwrap_or_default();
        ensure(news["type"] == "stoa.event.rejected.v1", case, &news)?;
        ensure(news["data"]["received_at"].is_string(), case, &news)?;
        same(case, &news["data"])?;
    }
    // The news leaves with the journal; the list that the admin listener shows follows at once.
    eventually(&format!("{} is kept", case.name), || {
        newest(stack)["seq"] != before["seq"]
    });
    kept(stack, case, &before)
}

/// How long the news of a rejection may take; a case that leads to none must not stop the others.
const NEWS: Duration = Duration::from_secs(10);

/// Sends all of it, and says everything that is not as it must be.
#[track_caller]
pub fn check_all(cases: &[Case], mut check: impl FnMut(&Case) -> Verdict) {
    let wrong: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}
