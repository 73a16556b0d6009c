//! Conversions and numbers.

use std::borrow::Cow;

use super::{BOOL as B, DOUBLE as D, DURATION as L, INT as I, STRING as S, TIMESTAMP as T, global};
use crate::expr::check::parse_duration;
use crate::expr::eval::{Evaluation, Fault, times};
use crate::expr::value::{Value, duration_text, timestamp_text, to_double, whole};
use crate::facts::seconds;
use crate::schema::Overload;

type Answer<'v> = Result<Value<'v>, Fault>;

pub(crate) static INT: &[Overload] = &[
    global(&[I], I, same),
    global(&[D], I, int),
    global(&[S], I, int),
    global(&[T], I, int),
];

pub(crate) static DOUBLE: &[Overload] = &[
    global(&[D], D, same),
    global(&[I], D, double),
    global(&[S], D, double),
];

pub(crate) static STRING: &[Overload] = &[
    global(&[S], S, same),
    global(&[I], S, string),
    global(&[D], S, string),
    global(&[B], S, string),
    global(&[L], S, string),
    global(&[T], S, string),
];

pub(crate) static BOOL: &[Overload] = &[global(&[B], B, same), global(&[S], B, bool)];

pub(crate) static DURATION: &[Overload] = &[global(&[L], L, same), global(&[S], L, duration)];

pub(crate) static TIMESTAMP: &[Overload] = &[
    global(&[T], T, same),
    global(&[S], T, timestamp),
    global(&[I], T, timestamp),
];

pub(crate) static ABS: &[Overload] = &[global(&[I], I, abs), global(&[D], D, abs)];

fn same<'v>(_: &mut Evaluation<'v, '_>, arguments: &[Value<'v>]) -> Answer<'v> {
    arguments.first().cloned().ok_or(Fault::Type)
}

fn int<'v>(_: &mut Evaluation<'v, '_>, arguments: &[Value<'v>]) -> Answer<'v> {
    match arguments {
        // The language leaves out the least int here, because its neighbours share its double.
        [Value::Double(value)] => match whole(*value)? {
            i64::MIN => Err(Fault::Overflow),
            value => Ok(Value::Int(value)),
        },
        [Value::Text(text)] => text
            .parse()
            .map(Value::Int)
            .map_err(|_| Fault::Convert("an int")),
        [Value::Timestamp(at)] => Ok(Value::Int(seconds(*at))),
        _ => Err(Fault::Type),
    }
}

fn double<'v>(_: &mut Evaluation<'v, '_>, arguments: &[Value<'v>]) -> Answer<'v> {
    match arguments {
        [Value::Int(value)] => Ok(Value::Double(to_double(*value))),
        [Value::Text(text)] => text
            .parse()
            .map(Value::Double)
            .map_err(|_| Fault::Convert("a double")),
        _ => Err(Fault::Type),
    }
}

fn string<'v>(_: &mut Evaluation<'v, '_>, arguments: &[Value<'v>]) -> Answer<'v> {
    let text = match arguments {
        [Value::Int(value)] => value.to_string(),
        [Value::Double(value)] => double_text(*value),
        [Value::Bool(value)] => value.to_string(),
        [Value::Duration(length)] => duration_text(*length),
        [Value::Timestamp(at)] => timestamp_text(*at).ok_or(Fault::Range)?,
        _ => return Err(Fault::Type),
    };
    Ok(Value::Text(Cow::Owned(text)))
}

/// Writes a double as the shortest text that reads as the same number.
pub(crate) fn double_text(value: f64) -> String {
    let size = value.abs();
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    if size != 0.0 && !(1e-4..1e21).contains(&size) && !value.is_nan() {
        let text = format!("{value:e}");
        // The exponent has a sign and two digits at least.
        return match text.split_once('e') {
            Some((digits, exponent)) => {
                let (sign, number) = match exponent.strip_prefix('-') {
                    Some(number) => ('-', number),
                    None => ('+', exponent),
                };
                format!("{digits}e{sign}{number:0>2}")
            }
            None => text,
        };
    }
    value.to_string()
}

fn bool<'v>(_: &mut Evaluation<'v, '_>, arguments: &[Value<'v>]) -> Answer<'v> {
    let [Value::Text(text)] = arguments else {
        return Err(Fault::Type);
    };
    match text.as_ref() {
        "1" | "t" | "T" | "true" | "True" | "TRUE" => Ok(Value::Bool(true)),
        "0" | "f" | "F" | "false" | "False" | "FALSE" => Ok(Value::Bool(false)),
        _ => Err(Fault::Convert("`true` or `false`")),
    }
}

fn duration<'v>(_: &mut Evaluation<'v, '_>, arguments: &[Value<'v>]) -> Answer<'v> {
    let [Value::Text(text)] = arguments else {
        return Err(Fault::Type);
    };
    let length = parse_duration(text).ok_or(Fault::Convert("a length of time"))?;
    times::length(length).map(Value::Duration)
}

fn timestamp<'v>(_: &mut Evaluation<'v, '_>, arguments: &[Value<'v>]) -> Answer<'v> {
    let micros = match arguments {
        [Value::Text(text)] => text
            .parse::<jiff::Timestamp>()
            .map_err(|_| Fault::Convert("a time"))?
            .as_microsecond(),
        [Value::Int(seconds)] => seconds.checked_mul(1_000_000).ok_or(Fault::Range)?,
        _ => return Err(Fault::Type),
    };
    times::instant(micros).map(Value::Timestamp)
}

fn abs<'v>(_: &mut Evaluation<'v, '_>, arguments: &[Value<'v>]) -> Answer<'v> {
    match arguments {
        [Value::Int(value)] => value.checked_abs().map(Value::Int).ok_or(Fault::Overflow),
        [Value::Double(value)] => Ok(Value::Double(value.abs())),
        _ => Err(Fault::Type),
    }
}
