//! The functions.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue};

use super::{Checked, Checker, dotted};
use crate::diagnostic::did_you_mean;
use crate::expr::ExprError;
use crate::expr::node::{Node, Slot, Subject, TextTest, TimePart};
use crate::list::{self, Match};
use crate::schema::{FUNCTIONS, Fact, Type};

impl Checker<'_> {
    /// Compiles a call of a function.
    pub(super) fn function(&mut self, expr: &IdedExpr, call: &CallExpr) -> Checked {
        let name = call.func_name.as_str();
        match (name, call.target.as_deref(), call.args.as_slice()) {
            ("hits", Some(target), [list]) => self.hits(target, list, false),
            ("hit_count", Some(target), [list]) => self.hits(target, list, true),
            ("matches", Some(target), [pattern]) | ("matches", None, [target, pattern]) => {
                self.matches(target, pattern)
            }
            ("contains", Some(target), [part]) => self.text_test(TextTest::Contains, target, part),
            ("startsWith", Some(target), [part]) => {
                self.text_test(TextTest::StartsWith, target, part)
            }
            ("endsWith", Some(target), [part]) => self.text_test(TextTest::EndsWith, target, part),
            ("lower", Some(target), []) => {
                let text = self.expect(target, &Type::String, "the text")?;
                Ok((Node::Lower(Box::new(text)), Type::String))
            }
            ("size", Some(value), []) | ("size", None, [value]) => {
                let (node, ty) = self.check(value)?;
                if !matches!(ty, Type::String | Type::List(_)) {
                    return Err(
                        self.error(value, format!("size() takes a string or list, not {ty}"))
                    );
                }
                Ok((Node::Size(Box::new(node)), Type::Int))
            }
            ("duration", None, [text]) => {
                let text = self.literal_text(text, "duration()", "duration(\"24h\")")?;
                let (at, text) = text;
                let micros = parse_duration(text).ok_or_else(|| {
                    ExprError::new(at, format!("`{text}` is not a length of time"))
                        .help("write it as `90s`, `10m`, `24h`, `7d` or `1h30m`")
                })?;
                Ok((Node::Duration(micros), Type::Duration))
            }
            ("timestamp", None, [text]) => {
                let example = "timestamp(\"2026-01-01T00:00:00Z\")";
                let (at, text) = self.literal_text(text, "timestamp()", example)?;
                let time = text.parse::<jiff::Timestamp>().map_err(|_| {
                    ExprError::new(at, format!("`{text}` is not a time"))
                        .help("write it as `2026-01-01T00:00:00Z`")
                })?;
                Ok((Node::Timestamp(time.as_microsecond()), Type::Timestamp))
            }
            ("int", None, [value]) => match self.check(value)? {
                (node, Type::Int | Type::Double) => Ok((Node::ToInt(Box::new(node)), Type::Int)),
                (_, ty) => Err(self.error(value, format!("int() takes a number, not {ty}"))),
            },
            ("double", None, [value]) => match self.check(value)? {
                (node, Type::Int | Type::Double) => {
                    Ok((Node::ToDouble(Box::new(node)), Type::Double))
                }
                (_, ty) => Err(self.error(value, format!("double() takes a number, not {ty}"))),
            },
            ("string", None, [value]) => match self.check(value)? {
                (node, Type::Int | Type::Bool | Type::String) => {
                    Ok((Node::ToText(Box::new(node)), Type::String))
                }
                (_, ty) => Err(self.error(value, format!("string() does not take {ty}"))),
            },
            ("getHours", Some(target), []) => self.time_part(TimePart::Hours, target),
            ("getMinutes", Some(target), []) => self.time_part(TimePart::Minutes, target),
            ("getSeconds", Some(target), []) => self.time_part(TimePart::Seconds, target),
            ("getDayOfWeek", Some(target), []) => self.time_part(TimePart::DayOfWeek, target),
            _ => Err(self.unknown(expr, call)),
        }
    }

    fn unknown(&self, expr: &IdedExpr, call: &CallExpr) -> ExprError {
        let name = call.func_name.as_str();
        // The parser places a call at its bracket, after the name.
        let at = self
            .info
            .offset_for(expr.id)
            .map_or(0, |(start, _)| start as usize);
        let at = at.saturating_sub(name.chars().count());
        if let Some(info) = FUNCTIONS.iter().find(|info| info.name == name) {
            return ExprError::new(at, format!("`{name}` is not called so"))
                .help(format!("call it as `{}`", info.signature));
        }
        if name.starts_with(['_', '@', '!']) || name.contains('_') && name.starts_with('-') {
            return self.error(
                expr,
                format!(
                    "the operator `{}` is not supported",
                    name.trim_matches(['_', '@'])
                ),
            );
        }
        let mut error = ExprError::new(at, format!("unknown function `{name}`"));
        error.help = did_you_mean(name, FUNCTIONS.iter().map(|info| info.name));
        error
    }

    /// Returns a text that must be known when the rule set is loaded.
    fn literal_text<'e>(
        &self,
        expr: &'e IdedExpr,
        what: &str,
        example: &str,
    ) -> Result<(usize, &'e str), ExprError> {
        match &expr.expr {
            Expr::Literal(LiteralValue::String(text)) => Ok((self.start(expr), text.inner())),
            _ => Err(self
                .error(expr, format!("{what} takes a text in quotes"))
                .help(format!("write it as `{example}`"))),
        }
    }

    fn hits(&mut self, target: &IdedExpr, list: &IdedExpr, count: bool) -> Checked {
        let (at, name) = self.literal_text(list, "hits()", "comment.text.hits(\"list\")")?;
        let Some((index, found)) = self
            .lists
            .iter()
            .zip(0u32..)
            .find(|(list, _)| list.name == name)
            .map(|(l, i)| (i, l))
        else {
            let mut error = ExprError::new(at, format!("there is no list `{name}`"));
            error.help = did_you_mean(name, self.lists.iter().map(|list| list.name.as_str()))
                .or_else(|| Some("declare it under `lists`".into()));
            return Err(error);
        };
        let subject = match dotted(target).as_deref() {
            Some("comment.text") => Subject::Text,
            Some("author.name") => Subject::Name,
            Some("comment.links" | "comment.link_domains") => Subject::Links,
            _ => {
                self.check(target)?;
                return Err(self
                    .error(target, "lists can't be looked for here")
                    .help("use `comment.text`, `author.name` or `comment.links`"));
            }
        };
        match (subject == Subject::Links, found.kind == Match::Domain) {
            (true, false) => {
                return Err(self
                    .error(target, format!("`{name}` is not a list of domains"))
                    .help("use `comment.text.hits(…)`, or declare the list with `match: domain`"));
            }
            (false, true) => {
                return Err(self
                    .error(target, format!("`{name}` is a list of domains"))
                    .help(format!("use `comment.links.hits(\"{name}\")`")));
            }
            _ => {}
        }
        let slot = Slot {
            subject,
            list: index,
        };
        Ok(match (found.kind, count) {
            (Match::Regex, false) => (Node::RegexHits(subject, index), Type::Bool),
            (Match::Regex, true) => (Node::RegexCount(subject, index), Type::Int),
            (_, false) => (Node::Hits(slot), Type::Bool),
            (_, true) => (Node::HitCount(slot), Type::Int),
        })
    }

    fn matches(&mut self, target: &IdedExpr, pattern: &IdedExpr) -> Checked {
        let (at, text) =
            self.literal_text(pattern, "matches()", "comment.text.matches(\"(?i)word\")")?;
        let named = self.lists.iter().find(|list| list.name == text);
        if named.is_some_and(|list| list.kind == Match::Regex) {
            return self.hits(target, pattern, false);
        }
        let regex = list::regex(text, false).map_err(|error| {
            let error = ExprError::new(at, format!("not a valid regular expression: {error}"));
            if text.contains("(?=") || text.contains("(?!") || text.contains("(?<") {
                error.help("look-around and back references are not supported, so that matching takes linear time")
            } else {
                error
            }
        })?;
        let target_node = self.expect(target, &Type::String, "what matches() looks at")?;
        let of_text = matches!(target_node, Node::Fact(Fact::Text, _));
        Ok((
            Node::Regex(Box::new(target_node), regex, of_text),
            Type::Bool,
        ))
    }

    fn text_test(&mut self, test: TextTest, target: &IdedExpr, part: &IdedExpr) -> Checked {
        let target = self.expect(target, &Type::String, "the text")?;
        let part = self.expect(part, &Type::String, "the text to look for")?;
        Ok((Node::Text(test, Box::new([target, part])), Type::Bool))
    }

    fn time_part(&mut self, part: TimePart, target: &IdedExpr) -> Checked {
        let (node, ty) = self.check(target)?;
        let fits = match part {
            TimePart::DayOfWeek => ty == Type::Timestamp,
            _ => matches!(ty, Type::Timestamp | Type::Duration),
        };
        if !fits {
            return Err(self.error(target, format!("this function does not take {ty}")));
        }
        Ok((Node::TimePart(part, Box::new(node)), Type::Int))
    }
}

/// Parses a length of time such as `1h30m` or `-1.5h` to microseconds.
pub(crate) fn parse_duration(text: &str) -> Option<i64> {
    const UNITS: [(&str, i64); 6] = [
        ("ms", 1_000),
        ("us", 1),
        ("d", 86_400_000_000),
        ("h", 3_600_000_000),
        ("m", 60_000_000),
        ("s", 1_000_000),
    ];
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if rest.is_empty() || rest.len() > 64 {
        return None;
    }
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let digits = rest
            .bytes()
            .take_while(|b| b.is_ascii_digit() || *b == b'.')
            .count();
        let (number, after) = rest.split_at_checked(digits)?;
        let (name, micros) = UNITS.iter().find(|(name, _)| after.starts_with(name))?;
        rest = after.strip_prefix(name)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() || fraction.len() > 9 || fraction.contains('.') {
            return None;
        }
        total = total.checked_add(whole.parse::<i64>().ok()?.checked_mul(*micros)?)?;
        if !fraction.is_empty() {
            let scale = 10_i64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
            let part = i128::from(fraction.parse::<i64>().ok()?) * i128::from(*micros);
            total = total.checked_add(i64::try_from(part / i128::from(scale)).ok()?)?;
        }
    }
    Some(if negative { -total } else { total })
}

#[cfg(test)]
mod tests {
    use super::parse_duration;

    #[test]
    fn durations_parse() {
        let check =
            |text, expected: Option<i64>| assert_eq!(parse_duration(text), expected, "{text}");
        check("10m", Some(600_000_000));
        check("1h30m", Some(5_400_000_000));
        check("1.5h", Some(5_400_000_000));
        check("7d", Some(604_800_000_000));
        check("-2s", Some(-2_000_000));
        check("250ms", Some(250_000));
        check("", None);
        check("10", None);
        check("m", None);
        check("1..5h", None);
        check("99999999999999999999h", None);
        check("9223372036854775807h", None);
        check("1é", None);
    }
}
