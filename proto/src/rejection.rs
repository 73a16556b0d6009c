//! Why an event was refused, in words that a developer can act on.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The closed set of reasons for which an event is refused.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The bytes are not UTF-8, begin with a byte order mark, or hold a NUL or a lone surrogate.
    InvalidEncoding,
    /// The text is not JSON, or an object names a key twice.
    InvalidJson,
    /// The envelope is not a `CloudEvents` 1.0 event.
    InvalidEnvelope,
    /// No such event type can be published to Stoa.
    UnknownType,
    /// The type is known, its major version is not.
    UnsupportedVersion,
    /// A required field is absent.
    MissingField,
    /// A field has the wrong type or a value that is not allowed.
    InvalidField,
    /// A field or the whole event is over its limit.
    TooLarge,
    /// Arrays and objects are nested too deep.
    TooDeep,
    /// The same `(source, id)` came before with other content.
    IdConflict,
    /// This revision of the comment came before with other content.
    StaleRevision,
    /// The site is not configured.
    UnknownSite,
    /// The source may not publish for this site.
    ForbiddenSource,
    /// The signature does not fit the content.
    BadSignature,
}

impl Code {
    /// All codes, in the order of the contract.
    pub const ALL: [Self; 14] = [
        Self::InvalidEncoding,
        Self::InvalidJson,
        Self::InvalidEnvelope,
        Self::UnknownType,
        Self::UnsupportedVersion,
        Self::MissingField,
        Self::InvalidField,
        Self::TooLarge,
        Self::TooDeep,
        Self::IdConflict,
        Self::StaleRevision,
        Self::UnknownSite,
        Self::ForbiddenSource,
        Self::BadSignature,
    ];

    /// Returns the code as it stands in events and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidEncoding => "invalid_encoding",
            Self::InvalidJson => "invalid_json",
            Self::InvalidEnvelope => "invalid_envelope",
            Self::UnknownType => "unknown_type",
            Self::UnsupportedVersion => "unsupported_version",
            Self::MissingField => "missing_field",
            Self::InvalidField => "invalid_field",
            Self::TooLarge => "too_large",
            Self::TooDeep => "too_deep",
            Self::IdConflict => "id_conflict",
            Self::StaleRevision => "stale_revision",
            Self::UnknownSite => "unknown_site",
            Self::ForbiddenSource => "forbidden_source",
            Self::BadSignature => "bad_signature",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A refusal: the code, the field it is about, what is wrong and what to do, and the limit if
/// there is one.
///
/// The message never repeats what the field held: it may be a person's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rejection {
    /// The reason.
    pub code: Code,
    /// The field's path from the event's root, such as `data.author.id`.
    pub field: Option<String>,
    /// What is wrong and what to do.
    pub message: String,
    /// The limit that was passed, with its unit.
    pub limit: Option<String>,
}

impl Rejection {
    /// Makes a refusal about a field.
    pub fn field(code: Code, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            field: Some(field.into()),
            message: message.into(),
            limit: None,
        }
    }

    /// Makes a refusal about the event as a whole.
    pub fn whole(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            field: None,
            message: message.into(),
            limit: None,
        }
    }

    /// Adds the limit that was passed, such as `65536 bytes`.
    #[must_use]
    pub fn with_limit(mut self, limit: impl Into<String>) -> Self {
        self.limit = Some(limit.into());
        self
    }

    /// Makes the refusal of a field that is absent.
    pub fn missing(field: impl Into<String>) -> Self {
        let field = field.into();
        let message = format!("`{field}` is required and absent");
        Self::field(Code::MissingField, field, message)
    }

    /// Makes the refusal of a field of `n` units, where `limit` are allowed.
    pub fn too_large(field: impl Into<String>, n: usize, limit: usize, unit: &str) -> Self {
        let field = field.into();
        let message = format!("`{field}` has {n} {unit}, the limit is {limit}");
        Self::field(Code::TooLarge, field, message).with_limit(format!("{limit} {unit}"))
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Rejection {}
