//! Charts as SVG: bars by name, columns by day.

use std::fmt::Write as _;

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::page::{escape, grouped};

/// Bars of one chart.
const BARS: usize = 12;
/// Columns of one chart; where there are more days, each stands for several.
const COLUMNS: usize = 60;
/// So many columns have room for a date below each.
const DATED: usize = 12;

/// A bar in two parts.
#[derive(Clone, Debug, Default)]
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) stricter: u64,
    pub(super) milder: u64,
}

impl Bar {
    fn all(&self) -> u64 {
        self.stricter + self.milder
    }
}

/// Returns a length in proportion, in pixels.
fn scaled(part: u64, whole: u64, length: u64) -> u64 {
    part.saturating_mul(length) / whole.max(1)
}

/// Draws the longest bars, one below the other.
pub(super) fn bars(title: &str, all: &[Bar]) -> String {
    const ROW: u64 = 40;
    let mut bars: Vec<&Bar> = all.iter().filter(|bar| bar.all() > 0).collect();
    bars.sort_by_key(|bar| std::cmp::Reverse(bar.all()));
    bars.truncate(BARS);
    let Some(most) = bars.first().map(|bar| bar.all()) else {
        return String::new();
    };
    let mut svg = format!(
        "<svg class=\"bars\" viewBox=\"0 0 480 {}\" role=\"img\" aria-label=\"{}\">",
        ROW * bars.len() as u64,
        escape(title)
    );
    for (bar, row) in bars.iter().zip(0_u64..) {
        let y = row * ROW;
        let (strict, mild) = (
            scaled(bar.stricter, most, 420),
            scaled(bar.milder, most, 420),
        );
        // The name has the whole width, above its bar.
        let mut name: String = bar.name.chars().take(64).collect();
        if name.len() < bar.name.len() {
            name.push('…');
        }
        write!(
            svg,
            "<g><title>{}: {} stricter, {} milder</title>\
             <text class=\"name\" x=\"0\" y=\"{}\">{}</text>\
             <rect class=\"strict\" x=\"0\" y=\"{}\" width=\"{strict}\" height=\"14\"/>\
             <rect class=\"mild\" x=\"{strict}\" y=\"{}\" width=\"{mild}\" height=\"14\"/>\
             <text x=\"{}\" y=\"{}\">{}</text></g>",
            escape(&bar.name),
            bar.stricter,
            bar.milder,
            y + 13,
            escape(&name),
            y + 18,
            y + 18,
            strict + mild + 6,
            y + 30,
            grouped(bar.all())
        )
        .ok();
    }
    svg.push_str("</svg>");
    svg
}

/// Puts days on a calendar: days without a bar are there, and where there are too many, each column
/// stands for as many days as the next. Returns how many these are, too.
fn calendar(days: &[Bar]) -> (Vec<Bar>, usize) {
    let dated: Vec<(Date, &Bar)> = days
        .iter()
        .filter_map(|bar| Some((bar.name.parse().ok()?, bar)))
        .collect();
    let (Some(&(first, _)), Some(&(last, _))) = (dated.first(), dated.last()) else {
        return (Vec::new(), 1);
    };
    let since = |day: Date| usize::try_from((day - first).get_days()).unwrap_or_default();
    let after = |days: usize| {
        let days = i32::try_from(days).unwrap_or(i32::MAX);
        first.checked_add(days.days()).unwrap_or(last).min(last)
    };
    let n_days = since(last) + 1;
    let step = n_days.div_ceil(COLUMNS);
    let mut columns: Vec<Bar> = (0..n_days)
        .step_by(step)
        .map(|start| {
            let (from, to) = (after(start), after(start + step - 1));
            let name = if from == to {
                from.to_string()
            } else {
                format!("{from} to {to}")
            };
            Bar {
                name,
                ..Bar::default()
            }
        })
        .collect();
    for (day, bar) in dated {
        if let Some(column) = columns.get_mut(since(day) / step) {
            column.stricter += bar.stricter;
            column.milder += bar.milder;
        }
    }
    (columns, step)
}

/// Draws days as columns, in order.
pub(super) fn columns(title: &str, days: &[Bar]) -> String {
    let (columns, step) = calendar(days);
    let most = columns.iter().map(Bar::all).max().unwrap_or_default();
    if most == 0 {
        return String::new();
    }
    let width = (900 / columns.len().max(1) as u64).clamp(4, 75);
    let mut svg = format!(
        "<svg viewBox=\"0 0 960 200\" role=\"img\" aria-label=\"{}\">\
         <line class=\"axis\" x1=\"40\" x2=\"950\" y1=\"170\" y2=\"170\"/>\
         <line class=\"axis\" x1=\"40\" x2=\"950\" y1=\"20\" y2=\"20\"/>\
         <text x=\"34\" y=\"24\" text-anchor=\"end\">{}</text>\
         <text x=\"34\" y=\"174\" text-anchor=\"end\">0</text>",
        escape(title),
        grouped(most)
    );
    if step > 1 {
        write!(
            svg,
            "<text x=\"950\" y=\"13\" text-anchor=\"end\">a column is {step} days</text>"
        )
        .ok();
    }
    // One below each column, or below every sixth part of them.
    let every = if columns.len() <= DATED {
        1
    } else {
        columns.len().div_ceil(6)
    };
    for (place, bar) in columns.iter().enumerate() {
        let x = 42 + place as u64 * width;
        let (strict, mild) = (
            scaled(bar.stricter, most, 150),
            scaled(bar.milder, most, 150),
        );
        write!(
            svg,
            "<g><title>{}: {} stricter, {} milder</title>\
             <rect class=\"strict\" x=\"{x}\" y=\"{}\" width=\"{}\" height=\"{strict}\"/>\
             <rect class=\"mild\" x=\"{x}\" y=\"{}\" width=\"{}\" height=\"{mild}\"/></g>",
            escape(&bar.name),
            bar.stricter,
            bar.milder,
            170 - strict,
            width - 2,
            170 - strict - mild,
            width - 2
        )
        .ok();
        if place.is_multiple_of(every) {
            let date: String = bar.name.chars().take_while(|c| *c != ' ').collect();
            let date = escape(&date);
            write!(svg, "<text x=\"{x}\" y=\"190\">{date}</text>").ok();
        }
    }
    svg.push_str("</svg>");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(days: &[(&str, u64)]) -> Vec<Bar> {
        let bar = |(name, stricter): &(&str, u64)| Bar {
            name: (*name).to_owned(),
            stricter: *stricter,
            milder: 0,
        };
        days.iter().map(bar).collect()
    }

    #[test]
    fn days_stand_where_the_calendar_has_them() {
        let check = |bars: &[(&str, u64)], expected: &[(&str, u64)]| {
            let (columns, step) = calendar(&days(bars));
            assert_eq!(step, 1);
            let found: Vec<(&str, u64)> = columns
                .iter()
                .map(|bar| (bar.name.as_str(), bar.stricter))
                .collect();
            assert_eq!(found, expected);
        };
        check(&[], &[]);
        check(&[("2024-02-28", 3)], &[("2024-02-28", 3)]);
        // A day without comments is there, and the 29th.
        check(
            &[("2024-02-27", 1), ("2024-03-01", 2)],
            &[
                ("2024-02-27", 1),
                ("2024-02-28", 0),
                ("2024-02-29", 0),
                ("2024-03-01", 2),
            ],
        );
    }

    #[test]
    fn columns_of_several_days_keep_every_flip() {
        let bars = days(&[("2014-06-18", 1), ("2014-06-19", 2), ("2024-10-03", 4)]);
        let (columns, step) = calendar(&bars);
        assert_eq!(step, 63);
        assert!(columns.len() <= COLUMNS);
        assert_eq!(columns[0].name, "2014-06-18 to 2014-08-19");
        assert_eq!(columns[0].stricter, 3);
        let last = columns.last().unwrap();
        assert!(last.name.ends_with("2024-10-03"), "{}", last.name);
        assert_eq!(columns.iter().map(Bar::all).sum::<u64>(), 7);
    }

    #[test]
    fn a_long_name_is_whole() {
        let name = "questions-to-somebody-who-is-not-there-any-more";
        let bars = bars("Flips", &days(&[(name, 1)]));
        assert!(bars.contains(&format!(">{name}</text>")), "{bars}");
    }
}
