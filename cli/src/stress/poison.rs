//! Events that ingest must refuse, each for one reason.

use bytes::Bytes;
use serde_json::{Value, json};
use stoa_proto::{Code, Event, limits};

/// What is wrong with an event.
///
/// What would spoil the batch that it is in, such as bytes that are not JSON, is not among them:
/// over AMQP nobody would learn what became of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Poison {
    /// It has no body.
    MissingField,
    /// Its text is longer than a comment's may be.
    TooLarge,
    /// There is no such type.
    UnknownType,
    /// Its id came before, with other content.
    IdConflict,
    /// Its revision is a word.
    InvalidField,
    /// Its body stands twice.
    InvalidJson,
    /// Its type has a version that nobody knows.
    UnsupportedVersion,
    /// Its comment's first revision came before, with other words.
    StaleRevision,
}

impl Poison {
    /// All kinds, in the order in which they take turns.
    pub(super) const ALL: [Self; 8] = [
        Self::MissingField,
        Self::TooLarge,
        Self::UnknownType,
        Self::IdConflict,
        Self::InvalidField,
        Self::InvalidJson,
        Self::UnsupportedVersion,
        Self::StaleRevision,
    ];

    /// Returns the kind whose turn it is.
    pub(super) fn turn(n: u32) -> Self {
        let place = usize::try_from(n).unwrap_or_default() % Self::ALL.len();
        Self::ALL.get(place).copied().unwrap_or(Self::MissingField)
    }

    /// Returns the code by which it must be refused.
    pub(super) fn code(self) -> Code {
        match self {
            Self::MissingField => Code::MissingField,
            Self::TooLarge => Code::TooLarge,
            Self::UnknownType => Code::UnknownType,
            Self::IdConflict => Code::IdConflict,
            Self::InvalidField => Code::InvalidField,
            Self::InvalidJson => Code::InvalidJson,
            Self::UnsupportedVersion => Code::UnsupportedVersion,
            Self::StaleRevision => Code::StaleRevision,
        }
    }

    /// Tells whether it is refused because of what came before it.
    pub(super) fn needs_base(self) -> bool {
        matches!(self, Self::IdConflict | Self::StaleRevision)
    }

    /// Makes a sound comment's event wrong.
    pub(super) fn spoil(self, event: &Event) -> Bytes {
        let sound = event.to_json();
        let mut json: Value = serde_json::from_slice(&sound).unwrap_or_default();
        match self {
            // These are wrong by what came before.
            Self::IdConflict | Self::StaleRevision => return sound,
            Self::InvalidJson => {
                let text = String::from_utf8_lossy(&sound);
                let twice = text.replacen("\"body\":", "\"body\":\"\",\"body\":", 1);
                return Bytes::from(twice);
            }
            Self::MissingField => {
                if let Some(data) = json.get_mut("data").and_then(Value::as_object_mut) {
                    data.remove("body");
                }
            }
            Self::TooLarge => set(
                &mut json,
                &["data", "body"],
                &"x".repeat(limits::COMMENT_BYTES + 1),
            ),
            Self::InvalidField => set(&mut json, &["data", "revision"], "one"),
            Self::UnknownType => set(&mut json, &["type"], "stoa.comment.sung.v1"),
            Self::UnsupportedVersion => {
                set(&mut json, &["type"], "stoa.comment.submitted.v9");
            }
        }
        Bytes::from(json.to_string())
    }
}

fn set(json: &mut Value, path: &[&str], text: &str) {
    let field = path.iter().try_fold(json, |json, key| json.get_mut(*key));
    if let Some(field) = field {
        *field = json!(text);
    }
}
