//! Charts: a table that says all, which a script draws.

use askama::Template;

/// A chart with its table.
#[derive(Template)]
#[template(path = "chart.html")]
pub(super) struct Chart {
    /// `line` over time, or `bars` of things.
    pub(super) kind: &'static str,
    pub(super) title: String,
    /// What opens the table.
    pub(super) summary: String,
    /// The heading of each column, that of the rows first.
    pub(super) head: Vec<String>,
    pub(super) rows: Vec<Row>,
    /// Columns that are only in the table.
    pub(super) plain: usize,
}

/// A row of its table.
pub(super) struct Row {
    pub(super) label: String,
    /// When it was, if it is about a time.
    pub(super) at: Option<String>,
    pub(super) cells: Vec<Cell>,
}

/// A number; none where there is nothing to count.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell(pub(super) Option<f64>);

impl From<u64> for Cell {
    #[expect(clippy::cast_precision_loss, reason = "counts of what people do")]
    fn from(count: u64) -> Self {
        Self(Some(count as f64))
    }
}

// Its own template has escaped what is in it.
impl askama::filters::HtmlSafe for Chart {}
