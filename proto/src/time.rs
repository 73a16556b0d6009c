//! A moment that keeps the text it came as.

use std::borrow::Cow;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A moment as RFC 3339 text, kept letter for letter, with the instant that it names.
///
/// The text is kept because its offset says what the platform's clock showed; order and
/// arithmetic use the instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Time {
    text: Box<str>,
    at: Timestamp,
}

impl Time {
    /// Parses RFC 3339 text.
    pub fn parse(text: &str) -> Result<Self, jiff::Error> {
        Ok(Self {
            at: text.parse()?,
            text: text.into(),
        })
    }

    /// Takes an instant, written in UTC.
    pub fn from_timestamp(at: Timestamp) -> Self {
        Self {
            text: at.to_string().into(),
            at,
        }
    }

    /// Takes microseconds since 1970, written in UTC; what no calendar has a date for is 1970.
    pub fn from_micros(micros: i64) -> Self {
        Self::from_timestamp(Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH))
    }

    /// Returns the instant.
    pub fn timestamp(&self) -> Timestamp {
        self.at
    }

    /// Returns the instant in microseconds since 1970 in UTC.
    pub fn micros(&self) -> i64 {
        self.at.as_microsecond()
    }

    /// Returns the text as it came.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl PartialOrd for Time {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Time {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at
            .cmp(&other.at)
            .then_with(|| self.text.cmp(&other.text))
    }
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(|_| {
            de::Error::invalid_value(
                de::Unexpected::Other("text"),
                &"an RFC 3339 date and time such as 2022-12-13T09:38:00+01:00",
            )
        })
    }
}

impl JsonSchema for Time {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date-time"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_text_and_orders_by_instant() {
        let paris: Time = serde_json::from_str("\"2022-12-13T09:38:00+01:00\"").unwrap();
        let utc = Time::parse("2022-12-13T08:38:00.001Z").unwrap();
        assert_eq!(
            serde_json::to_string(&paris).unwrap(),
            "\"2022-12-13T09:38:00+01:00\""
        );
        assert!(paris < utc);
        assert_eq!(utc.micros() - paris.micros(), 1_000);
    }

    #[test]
    fn refuses_what_is_no_moment() {
        for text in [
            "\"yesterday\"",
            "\"2022-13-01T00:00:00Z\"",
            "\"2022-12-01\"",
            "12",
            "\"\"",
        ] {
            assert!(serde_json::from_str::<Time>(text).is_err(), "{text}");
        }
    }
}
