//! The report on a terminal.

use stoa_moderation_rules::backtest::{Report, Score, SetReport, VERDICTS};

use crate::output;

/// Rows of a list that may be long.
const ROWS: usize = 20;

/// Prints the report as tables.
pub(super) fn print(report: &Report) {
    let input = &report.input;
    output::line(&format!(
        "{} comments from {} to {}; {} came again, {} before the range are history alone",
        input.comments,
        input.first.as_deref().unwrap_or("?"),
        input.last.as_deref().unwrap_or("?"),
        input.repeats,
        input.before
    ));
    output::line(&format!("live   {}", report.live.hash));
    output::line(&format!("draft  {}", report.draft.hash));
    output::line(&format!(
        "\n{} flips ({})",
        report.flips,
        percent(share(report.flips, input.comments))
    ));
    let cell = |live: &str, draft: &str| {
        let row = report.matrix.get(live);
        row.and_then(|row| row.get(draft))
            .copied()
            .unwrap_or_default()
    };
    let rows: Vec<[String; 5]> = VERDICTS
        .iter()
        .map(|live| {
            let [a, b, c] = VERDICTS.map(|draft| cell(live.as_str(), draft.as_str()));
            [
                live.as_str().to_owned(),
                a.to_string(),
                b.to_string(),
                c.to_string(),
                (a + b + c).to_string(),
            ]
        })
        .collect();
    output::table(
        ["live, then draft:", "approve", "hold", "reject", "all"],
        &rows,
    );
    flips(report);
    rules(report);
    scores(report);
    samples(report);
}

fn flips(report: &Report) {
    if report.flips == 0 {
        return;
    }
    output::line("\nflips by the rule that decided");
    let rows: Vec<[String; 5]> = report
        .flips_by_rule
        .iter()
        .take(ROWS)
        .map(|row| {
            [
                row.rule.clone(),
                row.flips.to_string(),
                row.stricter.to_string(),
                row.milder.to_string(),
                row.involved.to_string(),
            ]
        })
        .collect();
    output::table(["rule", "flips", "stricter", "milder", "involved"], &rows);
    for (title, buckets) in [("site", &report.by_site), ("day", &report.by_day)] {
        let rows: Vec<[String; 5]> = buckets
            .iter()
            .filter(|row| row.flips > 0)
            .take(ROWS)
            .map(|row| {
                [
                    row.name.clone(),
                    row.comments.to_string(),
                    row.flips.to_string(),
                    row.stricter.to_string(),
                    row.milder.to_string(),
                ]
            })
            .collect();
        output::line(&format!("\nflips by {title}"));
        output::table([title, "comments", "flips", "stricter", "milder"], &rows);
    }
}

fn rules(report: &Report) {
    for (name, set) in [("live", &report.live), ("draft", &report.draft)] {
        output::line(&format!(
            "\nrules of the {name} set, {} partial",
            set.partial
        ));
        let mut rules: Vec<_> = set
            .rules
            .iter()
            .filter(|rule| rule.evaluations > 0)
            .collect();
        rules.sort_by_key(|rule| std::cmp::Reverse(rule.hits));
        let rows: Vec<[String; 8]> = rules
            .into_iter()
            .take(2 * ROWS)
            .map(|rule| {
                [
                    rule.id.clone(),
                    rule.mode.clone(),
                    rule.hits.to_string(),
                    rule.acted.to_string(),
                    rule.failures.to_string(),
                    rule.evaluations.to_string(),
                    rule.mean_ns.to_string(),
                    percent(rule.scores.and_then(|score| score.precision)),
                ]
            })
            .collect();
        let header = [
            "rule",
            "mode",
            "hits",
            "acted",
            "failed",
            "evaluated",
            "mean ns",
            "precision",
        ];
        output::table(header, &rows);
    }
    let rows: Vec<[String; 4]> = report
        .draft
        .overlap
        .iter()
        .map(|pair| {
            [
                pair.a.clone(),
                pair.b.clone(),
                pair.both.to_string(),
                percent(Some(pair.share)),
            ]
        })
        .collect();
    if !rows.is_empty() {
        output::line("\nrules of the draft that fire together");
        output::table(["rule", "and", "comments", "of those of either"], &rows);
    }
}

fn scores(report: &Report) {
    let Some(labels) = &report.labels else {
        return;
    };
    output::line(&format!(
        "\nagainst {} ({} comments with a label, {} positive; {} labels of other comments)",
        if labels.source == "file" {
            "the labels"
        } else {
            "moderators' decisions"
        },
        labels.matched,
        labels.positive,
        labels.unmatched
    ));
    let read: Vec<String> = labels
        .vocabulary
        .iter()
        .take(ROWS)
        .map(|(label, row)| format!("{label} {} ({})", row.comments, row.read_as))
        .collect();
    if !read.is_empty() {
        output::line(&format!("read as: {}", read.join(", ")));
    }
    let row = |name: &str, score: Option<Score>| {
        let score = score.unwrap_or_default();
        [
            name.to_owned(),
            percent(score.precision),
            percent(score.recall),
            percent(score.f1),
            score.true_positives.to_string(),
            score.false_positives.to_string(),
            score.false_negatives.to_string(),
            score.true_negatives.to_string(),
        ]
    };
    let of = |name: &str, set: &SetReport| {
        [
            row(&format!("{name}: hold or reject"), set.scores),
            row(&format!("{name}: reject alone"), set.strict_scores),
        ]
    };
    let rows = [of("live", &report.live), of("draft", &report.draft)].concat();
    let header = [
        "positive",
        "precision",
        "recall",
        "F1",
        "true +",
        "false +",
        "false -",
        "true -",
    ];
    output::table(header, &rows);
}

fn samples(report: &Report) {
    for kind in &report.samples {
        output::line(&format!(
            "\n{} → {}: {} comments",
            kind.live, kind.draft, kind.flips
        ));
        let rows: Vec<[String; 3]> = kind
            .comments
            .iter()
            .take(3)
            .map(|sample| {
                let rules = format!(
                    "{} → {}",
                    sample.live_rules.join(" "),
                    sample.draft_rules.join(" ")
                );
                let text: String = sample.text.chars().take(160).collect();
                [format!("{}/{}", sample.site, sample.comment), rules, text]
            })
            .collect();
        output::table(["comment", "rules", "text"], &rows);
    }
}

/// Writes a share; a dash where there is none.
pub(super) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.1} %", share * 100.0))
}

/// Returns a share; none of nothing.
#[expect(
    clippy::cast_precision_loss,
    reason = "shares are shown with one digit"
)]
pub(super) fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then_some(part as f64 / whole as f64)
}
