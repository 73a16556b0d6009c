//! When something was written: what files say, and what can be.

use jiff::Timestamp;
use stoa_proto::Time;

/// Before and after these years nobody wrote a comment on the web.
const YEARS: std::ops::Range<i16> = 1970..2200;

/// Reads RFC 3339; what systems write for "no date" is none.
pub(super) fn rfc3339(field: &str, text: &str) -> Result<Option<Time>, String> {
    let text = text.trim();
    if text.is_empty() || text.starts_with("0000-") || text.starts_with("0001-") {
        return Ok(None);
    }
    let time = Time::parse(text)
        .map_err(|_| format!("`{field}` is not a date and time such as 2014-09-10T03:27:52Z"))?;
    possible(field, time).map(Some)
}

/// Reads `2014-09-10 03:27:52` of UTC.
pub(super) fn sql(field: &str, text: &str) -> Result<Option<Time>, String> {
    let text = text.trim();
    let Some((date, time)) = text.split_once(' ') else {
        return rfc3339(field, text);
    };
    rfc3339(field, &format!("{date}T{}Z", time.trim()))
}

/// Reads seconds since 1970.
pub(super) fn seconds(field: &str, seconds: f64) -> Result<Option<Time>, String> {
    if seconds == 0.0 {
        return Ok(None);
    }
    let wrong = || format!("`{field}` is not a number of seconds since 1970");
    if !seconds.is_finite() {
        return Err(wrong());
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what is out of range is refused below"
    )]
    let micros = (seconds * 1e6).round() as i64;
    let at = Timestamp::from_microsecond(micros).map_err(|_| wrong())?;
    possible(field, Time::from_timestamp(at)).map(Some)
}

fn possible(field: &str, time: Time) -> Result<Time, String> {
    let year = jiff::tz::TimeZone::UTC.to_datetime(time.timestamp()).year();
    if YEARS.contains(&year) {
        return Ok(time);
    }
    Err(format!(
        "`{field}` is in the year {year}, which can't be; correct it in the file"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_that_are_none_and_dates_that_can_not_be() {
        let read = |text: &str| rfc3339("createdAt", text).map(|time| time.map(|t| t.to_string()));
        assert_eq!(
            read(" 2014-09-10T03:27:52Z "),
            Ok(Some("2014-09-10T03:27:52Z".into()))
        );
        for none in ["", "0001-01-01T00:00:00Z", "0000-01-01T00:00:00Z"] {
            assert_eq!(read(none), Ok(None), "{none}");
        }
        for wrong in [
            "2011-x09-30T22:48:43Z",
            "9999-12-31T23:59:59Z",
            "9999-01-01T00:00:00Z",
            "1066-10-14T09:00:00Z",
            "-9999-01-01T00:00:00Z",
            "tomorrow",
        ] {
            assert!(read(wrong).unwrap_err().contains("createdAt"), "{wrong}");
        }
        let read = |text: &str| sql("d", text).map(|time| time.map(|t| t.to_string()));
        assert_eq!(
            read("2014-01-14 17:32:12"),
            Ok(Some("2014-01-14T17:32:12Z".into()))
        );
        assert_eq!(read("0000-00-00 00:00:00"), Ok(None));
        assert!(read("2014-13-14 17:32:12").is_err());
        let read = |at| seconds("created", at).map(|time| time.map(|t| t.to_string()));
        assert_eq!(
            read(1_400_000_000.5),
            Ok(Some("2014-05-13T16:53:20.5Z".into()))
        );
        assert_eq!(read(0.0), Ok(None));
        for wrong in [f64::NAN, f64::INFINITY, 1e300, -1e12, 1e11] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
