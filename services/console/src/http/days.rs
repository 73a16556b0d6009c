//! Days that forms ask for, in UTC.

use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Which end of a time a day is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Edge {
    /// The first that is in.
    First,
    /// The last that is in.
    Last,
}

/// The moment at which a day begins, or is over, as RFC 3339; nothing where no day is named.
pub(super) fn edge(day: &str, edge: Edge) -> Result<Option<String>, jiff::Error> {
    if day.is_empty() {
        return Ok(None);
    }
    let mut day: Date = day.parse()?;
    if matches!(edge, Edge::Last) {
        day = day.checked_add(1.day())?;
    }
    let begins = TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0))?;
    Ok(Some(begins.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_in_from_its_beginning_to_its_end() {
        let at = |day, end| edge(day, end).ok().flatten();
        assert_eq!(
            at("2026-11-24", Edge::First).unwrap(),
            "2026-11-24T00:00:00Z"
        );
        assert_eq!(
            at("2026-12-31", Edge::Last).unwrap(),
            "2027-01-01T00:00:00Z"
        );
        assert_eq!(at("", Edge::First), None);
        for wrong in ["2026-02-30", "yesterday", "9999-99-99"] {
            assert!(edge(wrong, Edge::First).is_err(), "{wrong}");
        }
        assert!(edge("9999-12-31", Edge::Last).is_err());
    }
}
