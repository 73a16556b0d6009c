//! Dates as pages write them, and the time zone that they are in.

use jiff::civil::{Date, DateTime, Time as Clock};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use stoa_proto::Time;

use super::words;

/// What a text says of a moment.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Moment {
    /// With its own offset.
    Absolute(Time),
    /// As a clock on a wall shows it.
    Local(DateTime),
}

/// Why a text is no moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unclear {
    /// It is no date at all.
    NoDate,
    /// It is a date without a time of day.
    NoTime,
    /// Day and month can be read either way.
    DayOrMonth,
}

/// Reads a moment; `month_first` is true where English is written and `1/2/2022` may be either.
pub(super) fn parse(text: &str, english: bool) -> Result<Moment, Unclear> {
    let text = text.trim();
    if let Ok(time) = Time::parse(text) {
        return Ok(Moment::Absolute(time));
    }
    let mut date: Option<Date> = None;
    let (mut day, mut month, mut year) = (None, None, None);
    let (mut clock, mut half) = (None, None);
    for token in tokens(text) {
        if let Some(found) = numeric_date(&token, english)? {
            set(&mut date, found)?;
        } else if let Some(found) = clock_of(&token) {
            set(&mut clock, found)?;
        } else if let Some(found) = words::month(&token).filter(|_| month.is_none()) {
            month = Some(found);
        } else if let Some(afternoon) = half_of_day(&token).filter(|_| clock.is_some()) {
            set(&mut half, afternoon)?;
        } else if let Some(number) = number(&token) {
            match number {
                1..=31 if day.is_none() && token.len() <= 4 => day = i8::try_from(number).ok(),
                1000..=9999 if year.is_none() => year = Some(number),
                _ => return Err(Unclear::NoDate),
            }
        } else if !words::DATE_FILLERS.contains(&token.trim_end_matches('.')) {
            return Err(Unclear::NoDate);
        }
    }
    if date.is_none()
        && let (Some(year), Some(month), Some(day)) = (year, month, day)
    {
        date = Date::new(year, month, day).ok();
    }
    let date = date.ok_or(Unclear::NoDate)?;
    let (hour, minute, second) = clock.ok_or(Unclear::NoTime)?;
    let hour = match (half, hour) {
        (None, hour) => hour,
        (Some(false), 12) => 0,
        (Some(true), 12) => 12,
        (Some(afternoon), 1..=11) => hour + if afternoon { 12 } else { 0 },
        _ => return Err(Unclear::NoDate),
    };
    let clock = Clock::new(hour, minute, second, 0).map_err(|_| Unclear::NoDate)?;
    Ok(Moment::Local(date.to_datetime(clock)))
}

fn set<T>(place: &mut Option<T>, value: T) -> Result<(), Unclear> {
    if place.is_some() {
        return Err(Unclear::NoDate);
    }
    *place = Some(value);
    Ok(())
}

/// Splits into lower-case words; `10: 33` becomes one, and a `T` between date and time a gap.
fn tokens(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let mut joined = String::new();
    let mut chars = lower.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ',' | '|' | '•' | '·' | '(' | ')' => joined.push(' '),
            ':' => {
                while joined.ends_with(char::is_whitespace) {
                    joined.pop();
                }
                joined.push(':');
                while chars.peek().is_some_and(|c| c.is_whitespace()) {
                    chars.next();
                }
            }
            't' if joined.ends_with(|c: char| c.is_ascii_digit())
                && chars.peek().is_some_and(char::is_ascii_digit) =>
            {
                joined.push(' ');
            }
            _ => joined.push(c),
        }
    }
    joined
        .split_whitespace()
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .map(str::to_owned)
        .collect()
}

fn number(token: &str) -> Option<i16> {
    let digits = token.trim_end_matches('.');
    let digits = ["er", "st", "nd", "rd", "th", "º"]
        .iter()
        .find_map(|suffix| digits.strip_suffix(suffix))
        .unwrap_or(digits);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

fn half_of_day(token: &str) -> Option<bool> {
    match token.replace('.', "").as_str() {
        "am" => Some(false),
        "pm" => Some(true),
        _ => None,
    }
}

fn clock_of(token: &str) -> Option<(i8, i8, i8)> {
    let (token, half) = ["am", "pm"]
        .iter()
        .find_map(|half| Some((token.strip_suffix(half)?, *half)))
        .unwrap_or((token, ""));
    if !half.is_empty() {
        return None;
    }
    let parts: Vec<&str> = token.split([':', 'h']).collect();
    let two = |text: &&str| {
        let fits = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        fits.then(|| text.parse::<i8>().ok()).flatten()
    };
    match parts.as_slice() {
        [hour, minute] => Some((two(hour)?, two(minute)?, 0)),
        [hour, minute, second] => Some((two(hour)?, two(minute)?, two(second)?)),
        _ => None,
    }
}

fn numeric_date(token: &str, english: bool) -> Result<Option<Date>, Unclear> {
    for separator in ['.', '/', '-'] {
        let parts: Vec<&str> = token.trim_end_matches('.').split(separator).collect();
        let [a, b, c] = parts.as_slice() else {
            continue;
        };
        let (Ok(first), Ok(second), Ok(third)) =
            (a.parse::<i16>(), b.parse::<i16>(), c.parse::<i16>())
        else {
            continue;
        };
        let (year, month, day) = if a.len() == 4 {
            (first, second, third)
        } else if c.len() == 4 {
            let slashes = separator == '/' && english;
            match (first, second) {
                (1..=12, 1..=12) if slashes && first != second => return Err(Unclear::DayOrMonth),
                (1..=12, 13..=31) if slashes => (third, first, second),
                _ => (third, second, first),
            }
        } else {
            continue;
        };
        let small = |number: i16| i8::try_from(number).map_err(|_| Unclear::NoDate);
        return Date::new(year, small(month)?, small(day)?)
            .map(Some)
            .map_err(|_| Unclear::NoDate);
    }
    Ok(None)
}

/// Places a moment on the time line; the flag tells that its hour was there twice, or not at all.
pub(super) fn place(moment: Moment, zone: Option<&TimeZone>) -> Option<(Time, bool)> {
    match moment {
        Moment::Absolute(time) => Some((time, false)),
        Moment::Local(local) => {
            let zone = zone?;
            let ambiguous = zone.to_ambiguous_zoned_datetime(local);
            let unsure = !matches!(ambiguous.offset(), AmbiguousOffset::Unambiguous { .. });
            let zoned = ambiguous.compatible().ok()?;
            let text = zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
            Some((Time::parse(&text).ok()?, unsure))
        }
    }
}

/// Reads a time zone: a name such as `Europe/Paris`, or an offset such as `+01:00`.
pub(super) fn zone(text: &str) -> Result<TimeZone, String> {
    if matches!(text, "Z" | "z") {
        return Ok(TimeZone::UTC);
    }
    if text.starts_with(['+', '-']) {
        return offset(text)
            .map(TimeZone::fixed)
            .ok_or_else(|| format!("`{text}` is no offset: use one such as +01:00"));
    }
    TimeZone::get(text)
        .map_err(|_| format!("`{text}` is no time zone: use a name such as Europe/Paris or +01:00"))
}

fn offset(text: &str) -> Option<Offset> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let (hours, minutes, seconds) = clock_of(text.get(1..)?)?;
    let fits = (0..24).contains(&hours) && (0..60).contains(&minutes) && seconds == 0;
    let seconds = (i32::from(hours) * 60 + i32::from(minutes)) * 60;
    fits.then(|| Offset::from_seconds(sign * seconds).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, zone_name: &str, english: bool, expected: &str) {
        let zone = zone(zone_name).unwrap();
        let moment = parse(text, english).unwrap_or_else(|why| panic!("{text}: {why:?}"));
        assert_eq!(
            place(moment, Some(&zone)).unwrap().0.as_str(),
            expected,
            "{text}"
        );
    }

    #[test]
    fn reads_dates_of_many_languages() {
        let winter = "2023-01-05T10:33:00+01:00";
        for text in [
            "5 janvier 2023 10: 33",
            "5 janvier 2023 à 10h33",
            "Le 5 janv. 2023, 10:33",
            "January 5, 2023 10:33",
            "5th January 2023 at 10:33 am",
            "Jan 5, 2023, 10:33 AM",
            "5. Januar 2023 um 10:33 Uhr",
            "5. Januar 2023, 10 : 33",
            "5 января 2023 г. в 10:33",
            "5 января 2023, 10:33",
            "5 янв 2023 10:33",
            "5 de enero de 2023 10:33",
            "5 gennaio 2023 alle 10:33",
            "5 de janeiro de 2023 às 10:33",
            "5 ianuarie 2023 ora 10:33",
            "05.01.2023 10:33",
            "05/01/2023 10:33",
            "2023-01-05 10:33",
            "2023-01-05T10:33:00",
            "2023-01-05T10:33:00+01:00",
            "05.01.2023, 10:33",
        ] {
            check(text, "Europe/Paris", false, winter);
        }
        check(
            "1/25/2023 9:05 PM",
            "+00:00",
            true,
            "2023-01-25T21:05:00+00:00",
        );
        check("25/1/2023 9:05", "UTC", true, "2023-01-25T09:05:00+00:00");
        check(
            "1er août 2022 00:07",
            "Europe/Paris",
            false,
            "2022-08-01T00:07:00+02:00",
        );
    }

    #[test]
    fn says_what_is_unclear() {
        for (text, why) in [
            ("12 décembre 2022", Unclear::NoTime),
            ("", Unclear::NoDate),
            ("hier à 10:33", Unclear::NoDate),
            ("il y a 3 heures", Unclear::NoDate),
            ("31 février 2022 10:33", Unclear::NoDate),
            ("12 décembre 2022 25:33", Unclear::NoDate),
            ("12 décembre 2022 10:33 11:44", Unclear::NoDate),
            ("the 12th of never 2022 10:33", Unclear::NoDate),
            ("99999999999999999999 10:33", Unclear::NoDate),
        ] {
            assert_eq!(parse(text, false), Err(why), "{text}");
        }
        assert_eq!(parse("1/2/2022 10:33", true), Err(Unclear::DayOrMonth));
    }

    #[test]
    fn knows_the_hours_of_clock_changes() {
        let paris = zone("Europe/Paris").unwrap();
        let unsure = |text: &str| place(parse(text, false).unwrap(), Some(&paris)).unwrap().1;
        assert!(unsure("30.10.2022 02:30"));
        assert!(unsure("27.03.2022 02:30"));
        assert!(!unsure("30.10.2022 04:30"));
        assert!(place(parse("30.10.2022 04:30", false).unwrap(), None).is_none());
        for text in ["Europe/Atlantis", "+1", "+25:00", ""] {
            assert!(zone(text).is_err(), "{text}");
        }
    }
}
