//! Charts as SVG: bars by name, columns by day.

use std::fmt::Write as _;

use super::page::{escape, grouped};

/// Bars of one chart.
const BARS: usize = 12;
/// Columns of one chart; more days are joined.
const COLUMNS: usize = 60;

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
    const ROW: u64 = 24;
    let mut bars: Vec<&Bar> = all.iter().filter(|bar| bar.all() > 0).collect();
    bars.sort_by_key(|bar| std::cmp::Reverse(bar.all()));
    bars.truncate(BARS);
    let Some(most) = bars.first().map(|bar| bar.all()) else {
        return String::new();
    };
    let mut svg = format!(
        "<svg viewBox=\"0 0 480 {}\" role=\"img\" aria-label=\"{}\">",
        ROW * bars.len() as u64 + 4,
        escape(title)
    );
    for (bar, row) in bars.iter().zip(0_u64..) {
        let y = row * ROW + 4;
        let (strict, mild) = (
            scaled(bar.stricter, most, 250),
            scaled(bar.milder, most, 250),
        );
        let mut name: String = bar.name.chars().take(22).collect();
        if name.len() < bar.name.len() {
            name.push('…');
        }
        write!(
            svg,
            "<g><title>{}: {} stricter, {} milder</title>\
             <text class=\"name\" x=\"0\" y=\"{}\">{}</text>\
             <rect class=\"strict\" x=\"160\" y=\"{y}\" width=\"{strict}\" height=\"16\"/>\
             <rect class=\"mild\" x=\"{}\" y=\"{y}\" width=\"{mild}\" height=\"16\"/>\
             <text x=\"{}\" y=\"{}\">{}</text></g>",
            escape(&bar.name),
            bar.stricter,
            bar.milder,
            y + 13,
            escape(&name),
            160 + strict,
            160 + strict + mild + 6,
            y + 13,
            grouped(bar.all())
        )
        .ok();
    }
    svg.push_str("</svg>");
    svg
}

/// Draws columns in order; where there are too many, neighbours are joined.
pub(super) fn columns(title: &str, all: &[Bar]) -> String {
    let joined: Vec<Bar> = all
        .chunks(all.len().div_ceil(COLUMNS).max(1))
        .map(|chunk| Bar {
            name: match chunk {
                [first, .., last] => format!("{} to {}", first.name, last.name),
                _ => chunk.iter().map(|bar| bar.name.clone()).collect(),
            },
            stricter: chunk.iter().map(|bar| bar.stricter).sum(),
            milder: chunk.iter().map(|bar| bar.milder).sum(),
        })
        .collect();
    let most = joined.iter().map(Bar::all).max().unwrap_or_default();
    if most == 0 {
        return String::new();
    }
    let width = (900 / joined.len().max(1) as u64).clamp(4, 60);
    let mut svg = format!(
        "<svg viewBox=\"0 0 960 200\" role=\"img\" aria-label=\"{}\">\
         <line class=\"axis\" x1=\"40\" x2=\"950\" y1=\"170\" y2=\"170\"/>\
         <line class=\"axis\" x1=\"40\" x2=\"950\" y1=\"20\" y2=\"20\"/>\
         <text x=\"34\" y=\"24\" text-anchor=\"end\">{}</text>\
         <text x=\"34\" y=\"174\" text-anchor=\"end\">0</text>",
        escape(title),
        grouped(most)
    );
    for (bar, place) in joined.iter().zip(0_u64..) {
        let x = 42 + place * width;
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
    }
    let end = 42 + joined.len() as u64 * width;
    let label = |x: u64, anchor: &str, bar: Option<&Bar>| {
        let name = bar.map_or("", |bar| bar.name.as_str());
        format!(
            "<text x=\"{x}\" y=\"190\" text-anchor=\"{anchor}\">{}</text>",
            escape(name)
        )
    };
    svg.push_str(&label(42, "start", all.first()));
    if all.len() > 1 {
        svg.push_str(&label(end.max(240), "end", all.last()));
    }
    svg.push_str("</svg>");
    svg
}
