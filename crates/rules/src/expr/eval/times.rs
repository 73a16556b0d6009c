//! Times: their parts, in UTC and elsewhere, and their range.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Fault;
use crate::expr::node::TimePart;
use crate::expr::value::Value;
use crate::facts::seconds;

/// The first and the last microsecond that the language knows: years 1 to 9999.
const YEARS: std::ops::RangeInclusive<i64> = -62_135_596_800_000_000..=253_402_300_799_999_999;

/// Refuses a point in time outside of the years that the language knows.
pub(crate) fn instant(micros: i64) -> Result<i64, Fault> {
    if YEARS.contains(&micros) {
        Ok(micros)
    } else {
        Err(Fault::Range)
    }
}

/// Refuses a length of time that no two points in time have between them.
pub(crate) fn length(micros: i64) -> Result<i64, Fault> {
    if micros.unsigned_abs() <= YEARS.end().abs_diff(*YEARS.start()) {
        Ok(micros)
    } else {
        Err(Fault::Range)
    }
}

/// Returns a part of a length of time, or of a point in time in UTC.
pub(crate) fn part(part: TimePart, value: &Value<'_>) -> Result<i64, Fault> {
    Ok(match (part, value) {
        (TimePart::Hours, Value::Timestamp(at)) => seconds(*at).div_euclid(3_600).rem_euclid(24),
        (TimePart::Minutes, Value::Timestamp(at)) => seconds(*at).div_euclid(60).rem_euclid(60),
        (TimePart::Seconds, Value::Timestamp(at)) => seconds(*at).rem_euclid(60),
        // The first of January 1970 was a Thursday.
        (TimePart::DayOfWeek, Value::Timestamp(at)) => {
            (seconds(*at).div_euclid(86_400) + 4).rem_euclid(7)
        }
        (TimePart::Milliseconds, Value::Timestamp(at)) => at.div_euclid(1_000).rem_euclid(1_000),
        (TimePart::Hours, Value::Duration(length)) => length / 3_600_000_000,
        (TimePart::Minutes, Value::Duration(length)) => length / 60_000_000,
        (TimePart::Seconds, Value::Duration(length)) => length / 1_000_000,
        (TimePart::Milliseconds, Value::Duration(length)) => length / 1_000 % 1_000,
        (_, Value::Timestamp(_)) => zoned(part, value, &TimeZone::UTC)?,
        _ => return Err(Fault::Type),
    })
}

/// Returns a part of a point in time as clocks and calendars of a time zone show it.
pub(crate) fn zoned(part: TimePart, value: &Value<'_>, zone: &TimeZone) -> Result<i64, Fault> {
    let Value::Timestamp(at) = value else {
        return Err(Fault::Type);
    };
    let time = Timestamp::from_microsecond(*at).map_err(|_| Fault::Range)?;
    let local = zone.to_datetime(time);
    Ok(match part {
        TimePart::Hours => i64::from(local.hour()),
        TimePart::Minutes => i64::from(local.minute()),
        TimePart::Seconds => i64::from(local.second()),
        TimePart::Milliseconds => i64::from(local.millisecond()),
        TimePart::DayOfWeek => i64::from(local.weekday().to_sunday_zero_offset()),
        TimePart::Date => i64::from(local.day()),
        TimePart::DayOfMonth => i64::from(local.day()) - 1,
        TimePart::DayOfYear => i64::from(local.day_of_year()) - 1,
        TimePart::Month => i64::from(local.month()) - 1,
        TimePart::FullYear => i64::from(local.year()),
    })
}
