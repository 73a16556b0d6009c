//! A record of the archive's journal as a line of text, from which it can be made again byte by byte.
//!
//! The line of an event is the event, and behind its own attributes stand those of its record, whose
//! names begin with `stoa`. What is no event, or is not there any more, is a line of these alone. The
//! last line says how many records there are, their chain hash and the root of their tree:
//! `docs/export.md`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stoa_journal::{Content, Kept};

use crate::archive::hex;

/// Where the attributes of the record begin.
const MARK: &[u8] = b",\"stoaseq\":";
const ALONE: &[u8] = b"{\"stoaseq\":";
const LAST: &[u8] = b"{\"stoarecords\":";

/// What a line is.
#[derive(Debug, PartialEq)]
pub(crate) enum Line {
    /// A record.
    Record(Box<Kept>),
    /// The last line.
    End(End),
    /// Something else: an event of another origin, perhaps.
    Other,
}

/// What the last line says of all before it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) records: u64,
    pub(crate) head: [u8; 32],
    pub(crate) root: [u8; 32],
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EndLine {
    stoarecords: String,
    stoahead: String,
    stoaroot: String,
}

/// The attributes of a record; `CloudEvents` have no numbers above 32 bits.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    stoaseq: String,
    stoatime: Timestamp,
    stoakind: u8,
    /// What there is of it; absent for all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stoacontent: Option<String>,
    /// The length of a payload that is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stoalength: Option<u32>,
    /// A payload that can't be the rest of the line, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stoapayload: Option<String>,
    stoasalt: String,
    stoacommitment: String,
    stoachain: String,
}

/// Writes a record with its line feed.
pub(crate) fn write(kept: &Kept, out: &mut Vec<u8>) -> anyhow::Result<()> {
    let is_event = kept.content == Content::Whole && is_line(&kept.payload);
    let has_payload = kept.content.has_payload();
    let attributes = Attributes {
        stoaseq: kept.seq.to_string(),
        stoatime: Timestamp::from_microsecond(kept.time_us)?,
        stoakind: kept.kind,
        stoacontent: (kept.content != Content::Whole).then(|| kept.content.as_str().to_owned()),
        stoalength: (!has_payload).then_some(kept.length),
        stoapayload: (has_payload && !is_event).then(|| STANDARD.encode(&kept.payload)),
        stoasalt: hex(&kept.salt),
        stoacommitment: hex(&kept.commitment),
        stoachain: hex(&kept.chain),
    };
    let from = if is_event {
        let open = kept.payload.strip_suffix(b"}").unwrap_or(&kept.payload);
        out.extend_from_slice(open);
        out.push(b',');
        1
    } else {
        0
    };
    let written = serde_json::to_vec(&attributes)?;
    out.extend_from_slice(written.get(from..).unwrap_or_default());
    out.push(b'\n');
    Ok(())
}

/// Writes the last line.
pub(crate) fn write_end(end: &End, out: &mut Vec<u8>) -> anyhow::Result<()> {
    let line = EndLine {
        stoarecords: end.records.to_string(),
        stoahead: hex(&end.head),
        stoaroot: hex(&end.root),
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.push(b'\n');
    Ok(())
}

/// Whether a payload can be the beginning of a line: a JSON object, not empty, on one line.
fn is_line(payload: &[u8]) -> bool {
    let is_json = || {
        let text = std::str::from_utf8(payload).ok()?;
        serde_json::from_str::<serde::de::IgnoredAny>(text).ok()
    };
    payload.starts_with(b"{\"")
        && payload.ends_with(b"}")
        && !payload.iter().any(|byte| matches!(byte, b'\n' | b'\r'))
        && find(payload, b"\"stoaseq\"").is_none()
        && is_json().is_some()
}

/// Reads a line without its line feed; says what is wrong with one that was meant to be a record's.
pub(crate) fn read(line: &[u8]) -> Result<Line, String> {
    if line.starts_with(LAST) {
        return read_end(line).map(Line::End);
    }
    let (event, attributes) = if line.starts_with(ALONE) {
        (None, line.to_vec())
    } else if let Some(at) = find(line, MARK) {
        let (event, rest) = line.split_at(at);
        let rest = rest.get(1..).unwrap_or_default();
        (
            Some([event, b"}".as_slice()].concat()),
            [b"{", rest].concat(),
        )
    } else {
        return Ok(Line::Other);
    };
    let read: Attributes = serde_json::from_slice(&attributes)
        .map_err(|error| format!("the record's attributes can't be read: {error}"))?;
    let content = match read.stoacontent.as_deref() {
        None => Content::Whole,
        Some(name) => Content::ALL
            .into_iter()
            .find(|content| content.as_str() == name)
            .ok_or_else(|| {
                format!("`stoacontent` is `{name}`, which this version does not know")
            })?,
    };
    let coded = read.stoapayload.map(|coded| STANDARD.decode(coded));
    let coded = coded
        .transpose()
        .map_err(|_| "`stoapayload` is not base64".to_owned())?;
    let payload = match (content.has_payload(), event, coded) {
        (true, Some(payload), None) | (true, None, Some(payload)) => payload,
        (false, None, None) => Vec::new(),
        _ => return Err("what it has of the payload is not what `stoacontent` says".to_owned()),
    };
    let length = match read.stoalength {
        Some(length) => length,
        None => u32::try_from(payload.len()).map_err(|_| "it is too long".to_owned())?,
    };
    Ok(Line::Record(Box::new(Kept {
        seq: number("stoaseq", &read.stoaseq)?,
        time_us: read.stoatime.as_microsecond(),
        kind: read.stoakind,
        content,
        length,
        salt: unhex("stoasalt", &read.stoasalt)?,
        commitment: unhex("stoacommitment", &read.stoacommitment)?,
        chain: unhex("stoachain", &read.stoachain)?,
        payload: Bytes::from(payload),
    })))
}

fn read_end(line: &[u8]) -> Result<End, String> {
    let read: EndLine = serde_json::from_slice(line)
        .map_err(|error| format!("the last line can't be read: {error}"))?;
    Ok(End {
        records: number("stoarecords", &read.stoarecords)?,
        head: unhex("stoahead", &read.stoahead)?,
        root: unhex("stoaroot", &read.stoaroot)?,
    })
}

fn number(name: &str, text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("`{name}` is no number"))
}

/// Reads hexadecimal; the name is for the error.
pub(crate) fn unhex<const N: usize>(name: &str, text: &str) -> Result<[u8; N], String> {
    let wrong = || format!("`{name}` is not {N} bytes in hexadecimal");
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return Err(wrong());
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
    }
    Ok(bytes)
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let mut windows = text.windows(wanted.len());
    windows.rposition(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(content: Content, payload: &[u8]) -> Kept {
        Kept {
            seq: 7,
            time_us: 1_700_000_000_123_456,
            kind: 16,
            content,
            length: u32::try_from(payload.len()).unwrap(),
            salt: [1; 16],
            commitment: [0xab; 32],
            chain: [3; 32],
            payload: Bytes::copy_from_slice(payload),
        }
    }

    fn written(kept: &Kept) -> String {
        let mut out = Vec::new();
        write(kept, &mut out).unwrap();
        let line = String::from_utf8(out).unwrap();
        line.strip_suffix('\n').unwrap().to_owned()
    }

    #[test]
    fn records_come_back_byte_by_byte() {
        for payload in [
            "{\"id\":\"e\",\"data\":{\"body\":\"a \\n b\"}}",
            "{\"a\": 1 }",
            "{}",
            "{\"a\":1}\n",
            "{\n\"a\":1}",
            "{\"a\":1,\"stoaseq\":\"3\"}",
            "{\"a\":\",\\\"stoaseq\\\":\"}",
            "{\"broken}",
            "[1]",
            "",
            "\u{0}\u{1}",
        ] {
            let kept = kept(Content::Whole, payload.as_bytes());
            let line = written(&kept);
            assert!(!line.contains('\n'), "{line}");
            let value: serde_json::Value = serde_json::from_str(&line).unwrap();
            assert_eq!(value["stoaseq"], "7", "{line}");
            assert_eq!(read(line.as_bytes()), Ok(Line::Record(Box::new(kept))));
        }
        let kept = kept(Content::Repair, &[0xff, 0, 1]);
        assert_eq!(
            read(written(&kept).as_bytes()),
            Ok(Line::Record(Box::new(kept)))
        );
    }

    #[test]
    fn what_was_erased_keeps_its_commitment_alone() {
        let erased = Kept {
            length: 512,
            salt: [0; 16],
            ..kept(Content::Redacted, b"")
        };
        let line = written(&erased);
        assert!(line.contains("\"stoacontent\":\"redacted\""), "{line}");
        assert_eq!(read(line.as_bytes()), Ok(Line::Record(Box::new(erased))));
    }

    #[test]
    fn an_event_s_line_is_an_event() {
        let line = written(&kept(Content::Whole, b"{\"id\":\"e\"}"));
        assert!(
            line.starts_with("{\"id\":\"e\",\"stoaseq\":\"7\""),
            "{line}"
        );
        assert!(line.contains("\"stoatime\":\"2023-11-14T22:13:20.123456Z\""));
    }

    #[test]
    fn lines_of_others_and_broken_ones() {
        assert_eq!(read(b"{\"id\":\"e\"}"), Ok(Line::Other));
        assert_eq!(read(b"no json"), Ok(Line::Other));
        let line = written(&kept(Content::Whole, b"{\"id\":\"e\"}"));
        for (from, to) in [
            ("\"7\"", "\"x\""),
            ("abab", "abxx"),
            ("abab", "ab"),
            ("stoakind", "stoaking"),
            ("}", ""),
        ] {
            assert!(
                read(line.replacen(from, to, 1).as_bytes()).is_err(),
                "{from}"
            );
        }
        let end = End {
            records: 9,
            head: [4; 32],
            root: [5; 32],
        };
        let mut out = Vec::new();
        write_end(&end, &mut out).unwrap();
        assert_eq!(read(out.trim_ascii_end()), Ok(Line::End(end)));
    }
}
