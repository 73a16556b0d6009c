//! W3C trace context: the attribute `traceparent` of an event, and the header of a message or a request.

use memchr::memmem;
use serde::Deserialize;

/// The name of the attribute, and of the header.
pub const TRACEPARENT: &str = "traceparent";

/// Returns whether a text is a `traceparent` of the [Trace Context](https://www.w3.org/TR/trace-context/)
/// recommendation: version, trace, parent and flags in lower-case hexadecimal, neither id all zeros.
pub fn is_traceparent(text: &str) -> bool {
    let mut parts = text.split('-');
    let mut part = |digits: usize| {
        parts.next().filter(|part| {
            let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            part.len() == digits && part.bytes().all(is_digit)
        })
    };
    let (version, trace, parent, flags) = (part(2), part(32), part(16), part(2));
    let is_id = |id: Option<&str>| id.is_some_and(|id| id.bytes().any(|byte| byte != b'0'));
    // A later version may have more behind the flags; 00 has not, and ff is none.
    let ends = match version {
        Some("00") => parts.next().is_none(),
        Some(version) => version != "ff",
        None => false,
    };
    is_id(trace) && is_id(parent) && flags.is_some() && ends
}

/// Returns the `traceparent` of an event in structured JSON, if it has one that can be passed on.
///
/// An event without it is not parsed.
pub fn of_json(json: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Head {
        traceparent: Option<String>,
    }
    memmem::find(json, b"\"traceparent\"")?;
    let head: Head = serde_json::from_slice(json).ok()?;
    head.traceparent.filter(|text| is_traceparent(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_traceparent_is_known() {
        assert!(is_traceparent(PARENT));
        assert!(is_traceparent(&PARENT.replace("00-0af", "cc-0af")));
        assert!(is_traceparent(&format!(
            "cc{}-more",
            PARENT.trim_start_matches("00")
        )));
        for wrong in [
            "",
            "00",
            PARENT.trim_start_matches('0'),
            &PARENT.to_uppercase(),
            &format!("{PARENT}-more"),
            &PARENT.replace("00-0af", "ff-0af"),
            &PARENT.replace("b7ad6b7169203331", "0000000000000000"),
            &PARENT.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            &PARENT.replace("-01", "-0g"),
            &PARENT.replace('-', "_"),
        ] {
            assert!(!is_traceparent(wrong), "{wrong}");
        }
    }

    #[test]
    fn it_is_read_from_an_event() {
        let event =
            |parent: &str| format!(r#"{{"id": "1", "traceparent": {parent}, "data": {{}}}}"#);
        let read = |json: &str| of_json(json.as_bytes());
        assert_eq!(
            read(&event(&format!("\"{PARENT}\""))).as_deref(),
            Some(PARENT)
        );
        assert_eq!(read(&event("null")), None);
        assert_eq!(read(&event("\"0\"")), None);
        assert_eq!(read(r#"{"data": {"body": "traceparent"}}"#), None);
        let nested = format!(r#"{{"data": {{"traceparent": "{PARENT}"}}}}"#);
        assert_eq!(read(&nested), None);
    }
}
