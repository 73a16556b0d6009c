//! The functions.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue};
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};

use super::{Checked, Checker, dotted};
use std::sync::Arc;

use crate::counter::{Counter, Kind};
use crate::diagnostic::did_you_mean;
use crate::expr::ExprError;
use crate::expr::eval::times;
use crate::expr::macros::State;
use crate::expr::node::{Node, Slot, Subject, TextTest, TimePart};
use crate::list::{self, List, Match};
use crate::schema::{FUNCTIONS, Overload, Type};
use crate::score::is_score_name;
use crate::text::via::Via;

impl<'c> Checker<'c> {
    /// Compiles a call of a function.
    pub(super) fn function(&mut self, expr: &IdedExpr, call: &CallExpr) -> Checked {
        let name = call.func_name.as_str();
        match (name, call.target.as_deref(), call.args.as_slice()) {
            ("greatest" | "least", Some(target), arguments) if is_math(target) => {
                self.extreme(name == "greatest", expr, arguments)
            }
            (_, Some(target), arguments) if is_math(target) => {
                self.strict(&format!("math.{name}"), expr, call, None, arguments)
            }
            ("count" | "sum" | "distinct", None, [counter]) => self.counter(name, counter),
            ("score", None, [name]) => self.score(name),
            ("rate", None, [counter, unit]) => self.rate(counter, unit),
            ("in_list", Some(target), [list]) => self.in_list(target, list),
            ("hits", Some(target), [list]) => self.hits(target, list, None, false),
            ("hits", Some(target), [list, vias]) => self.hits(target, list, Some(vias), false),
            ("hit_count", Some(target), [list]) => self.hits(target, list, None, true),
            ("hit_count", Some(target), [list, vias]) => self.hits(target, list, Some(vias), true),
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
            ("duration", None, [text]) if is_literal_text(text) => {
                let text = self.literal_text(text, "duration()", "duration(\"24h\")")?;
                let (at, text) = text;
                let length = parse_duration(text).and_then(|length| times::length(length).ok());
                let micros = length.ok_or_else(|| {
                    ExprError::new(at, format!("`{text}` is not a length of time"))
                        .help("write it as `90s`, `10m`, `24h`, `7d` or `1h30m`")
                })?;
                Ok((Node::Duration(micros), Type::Duration))
            }
            ("timestamp", None, [text]) if is_literal_text(text) => {
                let example = "timestamp(\"2026-01-01T00:00:00Z\")";
                let (at, text) = self.literal_text(text, "timestamp()", example)?;
                let time = text.parse::<jiff::Timestamp>().ok();
                let time = time.and_then(|time| times::instant(time.as_microsecond()).ok());
                let micros = time.ok_or_else(|| {
                    ExprError::new(at, format!("`{text}` is not a time"))
                        .help("write it as `2026-01-01T00:00:00Z`")
                })?;
                Ok((Node::Timestamp(micros), Type::Timestamp))
            }
            (name, Some(target), arguments) => match TimePart::named(name) {
                Some(part) => self.time_part(part, expr, call, target, arguments),
                None => self.strict(name, expr, call, Some(target), arguments),
            },
            (name, None, arguments) => self.strict(name, expr, call, None, arguments),
        }
    }

    /// Compiles a call of a function whose arguments are all evaluated before it.
    fn strict(
        &mut self,
        name: &str,
        expr: &IdedExpr,
        call: &CallExpr,
        target: Option<&IdedExpr>,
        arguments: &[IdedExpr],
    ) -> Checked {
        let Some(info) = FUNCTIONS.iter().find(|info| info.name == name) else {
            return Err(self.unknown(expr, call));
        };
        let n = usize::from(target.is_some()) + arguments.len();
        let possible = || {
            info.overloads
                .iter()
                .filter(|one| one.method == target.is_some() && one.takes.len() == n)
        };
        if possible().next().is_none() {
            return Err(self.unknown(expr, call));
        }
        let mut nodes = Vec::with_capacity(n);
        let mut types = Vec::with_capacity(n);
        for argument in target.into_iter().chain(arguments) {
            let (node, ty) = self.check(argument)?;
            nodes.push(node);
            types.push(ty);
        }
        let fits = |one: &&Overload| {
            let takes = one.takes.iter().map(|kind| Type::from(*kind));
            takes
                .zip(&types)
                .all(|(wanted, ty)| wanted.join(ty).is_some())
        };
        let Some(overload) = possible().find(fits) else {
            // The first argument that no overload takes in its place is to blame.
            let blamed = (0..n)
                .find(|index| {
                    !possible().any(|one| {
                        one.takes
                            .iter()
                            .zip(&types)
                            .take(index + 1)
                            .all(|(kind, ty)| Type::from(*kind).join(ty).is_some())
                    })
                })
                .unwrap_or(0);
            let at = target
                .into_iter()
                .chain(arguments)
                .nth(blamed)
                .unwrap_or(expr);
            let ty = types.get(blamed).cloned().unwrap_or(Type::Any);
            return Err(self
                .error(at, format!("{name}() does not take {ty} here"))
                .help(format!("call it as `{}`", info.signature)));
        };
        Ok((
            Node::Call(overload, nodes.into_boxed_slice()),
            overload.gives.into(),
        ))
    }

    /// Compiles `math.greatest` and `math.least`.
    fn extreme(&mut self, greatest: bool, expr: &IdedExpr, arguments: &[IdedExpr]) -> Checked {
        let mut of: Option<Type> = None;
        let mut nodes = Vec::with_capacity(arguments.len());
        for argument in arguments {
            let (node, ty) = self.check(argument)?;
            let one = match ty {
                Type::List(element) if arguments.len() == 1 => *element,
                ty => ty,
            };
            if !matches!(one, Type::Int | Type::Double) {
                return Err(self.error(argument, format!("a number is wanted here, not {one}")));
            }
            if of.as_ref().is_some_and(|of| *of != one) {
                return Err(self
                    .error(argument, "the numbers are of different types")
                    .help("convert them with `double(…)` or `int(…)`"));
            }
            of = Some(one);
            nodes.push(node);
        }
        match of {
            Some(ty) => Ok((Node::Extreme(greatest, nodes), ty)),
            None => Err(self.error(expr, "numbers are wanted here")),
        }
    }

    fn in_list(&mut self, target: &IdedExpr, list: &IdedExpr) -> Checked {
        let (at, name) = self.literal_text(list, "in_list()", "author.id.in_list(\"list\")")?;
        let (index, found) = self.find_list(at, name)?;
        if found.kind == Match::Regex {
            return Err(
                ExprError::new(at, format!("`{name}` is a list of regular expressions"))
                    .help(format!("use `.matches(\"{name}\")`")),
            );
        }
        let members = self.env.members(index, found);
        let text = self.expect(target, &Type::String, "what in_list() looks up")?;
        Ok((Node::InList(Box::new(text), members), Type::Bool))
    }

    fn unknown(&self, expr: &IdedExpr, call: &CallExpr) -> ExprError {
        let name = call.func_name.as_str();
        // The parser places a call at its bracket, after the name.
        let at = self
            .info
            .offset_for(expr.id)
            .map_or(0, |(start, _)| start as usize);
        let at = at.saturating_sub(name.chars().count());
        let of_math = call.target.as_deref().is_some_and(is_math);
        let full = if of_math {
            format!("math.{name}")
        } else {
            name.to_owned()
        };
        if let Some(info) = FUNCTIONS.iter().find(|info| info.name == full) {
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
        let (missing, help) = match full.as_str() {
            "uint" => ("unsigned numbers are", "use `int(…)`"),
            "bytes" => ("bytes are", "use `size(…)` for the characters of a text"),
            "dyn" | "type" => (
                "types that are not known when the rules are loaded are",
                "use the value itself",
            ),
            _ => ("", ""),
        };
        if !missing.is_empty() {
            return ExprError::new(at, format!("{missing} not supported")).help(help);
        }
        let mut error = ExprError::new(at, format!("unknown function `{full}`"));
        error.help = did_you_mean(&full, FUNCTIONS.iter().map(|info| info.name));
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

    fn find_list(&self, at: usize, name: &str) -> Result<(u32, &'c List), ExprError> {
        let lists = self.env.lists;
        if let Some((list, index)) = lists.iter().zip(0u32..).find(|(l, _)| l.name == name) {
            return Ok((index, list));
        }
        let mut error = ExprError::new(at, format!("there is no list `{name}`"));
        error.help = did_you_mean(name, lists.iter().map(|list| list.name.as_str()))
            .or_else(|| Some("declare it under `lists`".into()));
        Err(error)
    }

    fn hits(
        &mut self,
        target: &IdedExpr,
        list: &IdedExpr,
        vias: Option<&IdedExpr>,
        count: bool,
    ) -> Checked {
        let (at, name) = self.literal_text(list, "hits()", "comment.text.hits(\"list\")")?;
        let (index, found) = self.find_list(at, name)?;
        // A macro may stand for the subject.
        let name_of_target = dotted(target).and_then(|name| match self.env.macros.state(&name) {
            Some(State::Ready(body)) => dotted(&body.root),
            _ => Some(name),
        });
        let subject = match name_of_target.as_deref() {
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
        let via = match vias {
            None => Via::FULL,
            Some(vias) if matches!(found.kind, Match::Domain | Match::Regex) => {
                return Err(self
                    .error(vias, format!("`{name}` has no transformations"))
                    .help("leave out the second argument"));
            }
            Some(vias) => self.vias(vias)?,
        };
        let slot = Slot {
            subject,
            list: index,
            via,
        };
        Ok(match (found.kind, count) {
            (Match::Regex, false) => (Node::RegexHits(subject, index), Type::Bool),
            (Match::Regex, true) => (Node::RegexCount(subject, index), Type::Int),
            (_, false) => (Node::Hits(slot), Type::Bool),
            (_, true) => (Node::HitCount(slot), Type::Int),
        })
    }

    fn find_counter(&self, counter: &IdedExpr, example: &str) -> Result<Arc<Counter>, ExprError> {
        let (at, name) = self.literal_text(counter, "a counter", example)?;
        let counters = self.env.counters;
        let found = counters.iter().find(|counter| counter.name == name);
        found.map(Arc::clone).ok_or_else(|| {
            let mut error = ExprError::new(at, format!("unknown counter `{name}`"));
            error.help = did_you_mean(name, counters.iter().map(|counter| counter.name.as_str()))
                .or_else(|| Some("declare it under `counters`".into()));
            error
        })
    }

    fn counter(&self, function: &str, counter: &IdedExpr) -> Checked {
        let found = self.find_counter(counter, &format!("{function}(\"counter\")"))?;
        let is = match found.kind {
            Kind::Count(_) => "count",
            Kind::Sum(_) => "sum",
            Kind::Distinct(_) => "distinct",
        };
        if is != function {
            let message = format!("`{}` is declared with `{is}`", found.name);
            let help = format!("read it with `{is}(\"{}\")`", found.name);
            return Err(self.error(counter, message).help(help));
        }
        let whole = is != "sum";
        let ty = if whole { Type::Int } else { Type::Double };
        Ok((Node::Counter(found, 1.0, whole), ty))
    }

    /// What a classifier outside says: which ones there are, the rule set does not know.
    fn score(&self, name: &IdedExpr) -> Checked {
        let (at, text) = self.literal_text(name, "score()", "score(\"toxicity\")")?;
        if !is_score_name(text) {
            return Err(
                ExprError::new(at, format!("`{text}` is no name of a score"))
                    .help("use lower-case letters, digits and `_`, such as `severe_toxicity`"),
            );
        }
        Ok((Node::Score(text.into()), Type::Double))
    }

    /// A count or sum by a unit of time.
    fn rate(&self, counter: &IdedExpr, unit: &IdedExpr) -> Checked {
        let example = "rate(\"counter\", \"1m\")";
        let found = self.find_counter(counter, example)?;
        if matches!(found.kind, Kind::Distinct(_)) {
            let message = format!("`{}` has no rate: it counts distinct values", found.name);
            return Err(self
                .error(counter, message)
                .help("read it with `distinct(…)`"));
        }
        let (at, text) = self.literal_text(unit, "rate()", example)?;
        let unit = parse_duration(text)
            .filter(|unit| *unit > 0)
            .ok_or_else(|| {
                ExprError::new(at, format!("`{text}` is not a length of time"))
                    .help("write it as `1s`, `1m` or `1h`")
            })?;
        #[expect(clippy::cast_precision_loss, reason = "a rate is floating point")]
        let factor = unit as f64 / found.window as f64;
        Ok((Node::Counter(found, factor, false), Type::Double))
    }

    /// Reads the names of transformations.
    fn vias(&self, vias: &IdedExpr) -> Result<Via, ExprError> {
        let example = "comment.text.hits(\"list\", [\"leet\", \"spacing\"])";
        let Expr::List(names) = &vias.expr else {
            let error = self.error(vias, "the transformations are not a list");
            return Err(error.help(format!("call it as `{example}`")));
        };
        let mut all = Via::NONE;
        for name in &names.elements {
            let (at, text) = self.literal_text(name, "hits()", example)?;
            all |= Via::named(text).ok_or_else(|| {
                let mut error = ExprError::new(at, format!("unknown transformation `{text}`"));
                error.help = did_you_mean(text, list::VIAS)
                    .or_else(|| Some(format!("known are {}", list::VIAS.join(", "))));
                error
            })?;
        }
        Ok(all)
    }

    fn matches(&mut self, target: &IdedExpr, pattern: &IdedExpr) -> Checked {
        let (at, text) =
            self.literal_text(pattern, "matches()", "comment.text.matches(\"(?i)word\")")?;
        let named = self.env.lists.iter().find(|list| list.name == text);
        if named.is_some_and(|list| list.kind == Match::Regex) {
            return self.hits(target, pattern, None, false);
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
        let of_text = matches!(target_node, Node::Fact(info) if info.name == "comment.text");
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

    fn time_part(
        &mut self,
        part: TimePart,
        expr: &IdedExpr,
        call: &CallExpr,
        target: &IdedExpr,
        zone: &[IdedExpr],
    ) -> Checked {
        if zone.len() > 1 {
            return Err(self.unknown(expr, call));
        }
        let (node, ty) = self.check(target)?;
        let fits = match ty {
            Type::Timestamp => true,
            Type::Duration => part.is_of_durations() && zone.is_empty(),
            _ => false,
        };
        if !fits {
            return Err(self.error(target, format!("this function does not take {ty}")));
        }
        let Some(zone) = zone.first() else {
            return Ok((Node::TimePart(part, Box::new(node)), Type::Int));
        };
        let example = "now.getHours(\"Europe/Paris\")";
        let (at, name) = self.literal_text(zone, "a time zone", example)?;
        let zone = time_zone(name).ok_or_else(|| {
            ExprError::new(at, format!("there is no time zone `{name}`"))
                .help("use a name such as `Europe/Paris`, or a distance such as `+01:00`")
        })?;
        Ok((Node::ZonedPart(part, Box::new(node), zone), Type::Int))
    }
}

/// Tells whether a call's target is the name before the functions of numbers.
fn is_math(target: &IdedExpr) -> bool {
    matches!(&target.expr, Expr::Ident(name) if name == "math")
}

fn is_literal_text(expr: &IdedExpr) -> bool {
    matches!(&expr.expr, Expr::Literal(LiteralValue::String(_)))
}

/// Finds a time zone by its IANA name or its distance from UTC, such as `-03:30`.
fn time_zone(name: &str) -> Option<TimeZone> {
    let (sign, distance) = match name.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => (1, name),
    };
    if let Some((hours, minutes)) = distance.split_once(':') {
        let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
        let within = (0..24).contains(&hours) && (0..60).contains(&minutes);
        let seconds = within.then_some(sign * (hours * 3_600 + minutes * 60))?;
        return Offset::from_seconds(seconds).ok().map(TimeZone::fixed);
    }
    // Not the machine's own: the same rule set answers the same everywhere.
    TimeZoneDatabase::bundled().get(name).ok()
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
