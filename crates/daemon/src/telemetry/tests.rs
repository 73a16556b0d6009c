use std::io::Write;
use std::sync::{Arc, Mutex};

use super::*;

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn config(level: &str) -> LogConfig {
    LogConfig {
        level: level.to_owned(),
        ..LogConfig::default()
    }
}

/// Logs one event with hostile values, inside a span with one.
fn log_hostile(subscriber: impl tracing::Subscriber + Send + Sync + 'static) {
    tracing::subscriber::with_default(subscriber, || {
        let span = tracing::info_span!("delivery", queue = %"q\n1");
        let _entered = span.enter();
        let id = "e1\r\nERROR forged \u{1b}[2J";
        tracing::info!(event.id = %id, "first\nsecond");
        tracing::debug!("below the level");
    });
}

#[test]
fn a_pretty_line_cannot_be_broken() {
    let buffer = Buffer::default();
    let writer = buffer.clone();
    log_hostile(pretty(&config("info"), false, move || writer.clone()).unwrap());
    let text = buffer.text();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(
        text.contains("event.id=e1\\r\\nERROR forged \\u{1b}[2J"),
        "{text}"
    );
    assert!(text.contains("first\\nsecond"), "{text}");
    assert!(text.contains("queue=q\\n1"), "{text}");
}

#[test]
fn a_json_line_is_one_object() {
    let buffer = Buffer::default();
    let writer = buffer.clone();
    log_hostile(json(&config("info"), move || writer.clone()).unwrap());
    let text = buffer.text();
    assert_eq!(text.lines().count(), 1, "{text}");
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["event.id"], "e1\r\nERROR forged \u{1b}[2J");
    assert_eq!(line["message"], "first\nsecond");
    assert_eq!(line["span"]["queue"], "q\n1");
    assert_eq!(line["level"], "INFO");
}

#[test]
fn a_wrong_level_is_a_configuration_error() {
    let error = filter(&config("info,stoa_bus=loud"))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("log.level: `info,stoa_bus=loud` is not a log level"),
        "{error}"
    );
    assert!(!error.contains('\n'));
}

#[test]
fn a_panic_does_not_quote() {
    for (message, kept) in [
        (
            "index out of bounds: the len is 3 but the index is 7",
            "index out of bounds: the len is 3 but the index is 7",
        ),
        (
            "byte index 2 is not a char boundary; it is inside 'é' (bytes 1..3) of `né à Lyon`",
            "byte index 2 is not a char boundary; it is inside",
        ),
        (
            "assertion `left == right` failed\n  left: \"a comment\"",
            "assertion",
        ),
    ] {
        assert_eq!(without_quotation(message), kept);
    }
}
