//! The report as one page.

use std::fmt::Write as _;

use stoa_moderation_rules::backtest::{Bucket, Report, Sample, Score, SetReport, VERDICTS};

use super::chart::{self, Bar};
use super::page::{Cell, escape, frame, grouped, table};
use super::tables::{percent, share};

/// Writes the page.
pub(super) fn page(report: &Report) -> String {
    let mut body = head(report);
    body.push_str(&matrix(report));
    body.push_str(&flips(report));
    body.push_str(&scores(report));
    body.push_str(&samples(report));
    body.push_str(&rules(report));
    frame("Backtest", &body)
}

/// Writes a time to the minute.
fn minute(time: &str) -> String {
    time.get(..16).map_or_else(
        || time.to_owned(),
        |time| format!("{} UTC", time.replace('T', " ")),
    )
}

fn head(report: &Report) -> String {
    let input = &report.input;
    let (stricter, milder) = report
        .by_site
        .iter()
        .fold((0, 0), |(s, m), site| (s + site.stricter, m + site.milder));
    let mut html = format!(
        "<h1>Backtest</h1><p class=\"soft\">{} to {}</p>\
         <p class=\"soft\">live <code>{}</code><br>draft <code>{}</code></p><div class=\"tiles\">",
        escape(&minute(input.first.as_deref().unwrap_or_default())),
        escape(&minute(input.last.as_deref().unwrap_or_default())),
        escape(&report.live.hash),
        escape(&report.draft.hash)
    );
    let tiles = [
        (grouped(input.comments), "comments".to_owned()),
        (
            grouped(report.flips),
            format!("flips, {}", percent(share(report.flips, input.comments))),
        ),
        (grouped(stricter), "become stricter".to_owned()),
        (grouped(milder), "become milder".to_owned()),
        (
            grouped(report.draft.partial),
            format!("partial, {} live", grouped(report.live.partial)),
        ),
    ];
    for (number, what) in tiles {
        write!(
            html,
            "<div class=\"tile\"><b>{number}</b><span>{what}</span></div>"
        )
        .ok();
    }
    html.push_str("</div>");
    let rest: Vec<String> = [
        (input.repeats, "revisions came again"),
        (input.before, "before the range are history alone"),
        (input.after, "events are behind the range"),
        (input.moderator_decisions, "decisions of moderators"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{} {what}", grouped(count)))
    .collect();
    if !rest.is_empty() {
        write!(html, "<p class=\"soft\">{}.</p>", rest.join(", ")).ok();
    }
    html
}

fn matrix(report: &Report) -> String {
    let mut html = "<h2>Verdicts</h2><div class=\"card scroll\"><table class=\"matrix\"><caption>\
                    Rows: the live verdict. Columns: the draft’s.</caption><thead><tr><th></th>"
        .to_owned();
    for verdict in VERDICTS {
        write!(
            html,
            "<th scope=\"col\" class=\"n\">{}</th>",
            verdict.as_str()
        )
        .ok();
    }
    html.push_str("<th scope=\"col\" class=\"n\">all</th></tr></thead><tbody>");
    for live in VERDICTS {
        write!(html, "<tr><th scope=\"row\">{}</th>", live.as_str()).ok();
        let row = report.matrix.get(live.as_str());
        for draft in VERDICTS {
            let count = row.and_then(|row| row.get(draft.as_str())).copied();
            let count = count.unwrap_or_default();
            let class = if live == draft {
                "same".to_owned()
            } else {
                let heat = match share(count, report.flips).unwrap_or_default() {
                    part if part > 0.5 => " h3",
                    part if part > 0.15 => " h2",
                    part if part > 0.0 => " h1",
                    _ => "",
                };
                format!("flip{heat}")
            };
            write!(html, "<td class=\"{class}\">{}</td>", grouped(count)).ok();
        }
        let all = report.live.verdicts.get(live.as_str()).copied();
        write!(html, "<td>{}</td></tr>", grouped(all.unwrap_or_default())).ok();
    }
    html.push_str("<tr><th scope=\"row\">all</th>");
    for draft in VERDICTS {
        let all = report.draft.verdicts.get(draft.as_str()).copied();
        write!(html, "<td>{}</td>", grouped(all.unwrap_or_default())).ok();
    }
    let comments = grouped(report.input.comments);
    write!(html, "<td>{comments}</td></tr></tbody></table></div>").ok();
    html
}

fn flips(report: &Report) -> String {
    if report.flips == 0 {
        return "<p>No verdict changes.</p>".to_owned();
    }
    let by = |buckets: &[Bucket]| -> Vec<Bar> {
        buckets
            .iter()
            .map(|bucket| Bar {
                name: bucket.name.clone(),
                stricter: bucket.stricter,
                milder: bucket.milder,
            })
            .collect()
    };
    let rules: Vec<Bar> = report
        .flips_by_rule
        .iter()
        .map(|row| Bar {
            name: row.rule.clone(),
            stricter: row.stricter,
            milder: row.milder,
        })
        .collect();
    let mut html = format!(
        "<h2>Flips</h2><p class=\"key soft\"><i class=\"s\"></i>stricter<i class=\"m\"></i>milder</p>\
         <div class=\"card scroll\"><h3>By day</h3>{}</div><div class=\"two\">\
         <div class=\"card\"><h3>By rule</h3>{}</div>",
        chart::columns("Flips by day", &by(&report.by_day)),
        chart::bars("Flips by rule", &rules),
    );
    if report.by_site.len() > 1 {
        let bars = chart::bars("Flips by site", &by(&report.by_site));
        write!(html, "<div class=\"card\"><h3>By site</h3>{bars}</div>").ok();
    }
    html.push_str("</div>");
    let rows: Vec<Vec<Cell>> = report
        .flips_by_rule
        .iter()
        .map(|row| {
            vec![
                Cell::Text(row.rule.clone()),
                Cell::Count(row.flips),
                Cell::Count(row.stricter),
                Cell::Count(row.milder),
                Cell::Count(row.involved),
            ]
        })
        .collect();
    html.push_str(&table(
        "Each flip counts for the rule that decided it; “involved” counts every rule that acted in \
         one set alone.",
        &["rule", "flips", "stricter", "milder", "involved"],
        &rows,
    ));
    for (name, buckets) in [("site", &report.by_site), ("day", &report.by_day)] {
        let rows: Vec<Vec<Cell>> = buckets
            .iter()
            .map(|bucket| {
                vec![
                    Cell::Text(bucket.name.clone()),
                    Cell::Count(bucket.comments),
                    Cell::Count(bucket.flips),
                    Cell::Share(share(bucket.flips, bucket.comments)),
                    Cell::Count(bucket.stricter),
                    Cell::Count(bucket.milder),
                ]
            })
            .collect();
        let header = [name, "comments", "flips", "share", "stricter", "milder"];
        let rows = table("", &header, &rows);
        write!(
            html,
            "<details><summary>Flips by {name}</summary>{rows}</details>"
        )
        .ok();
    }
    html
}

fn scores(report: &Report) -> String {
    let Some(labels) = &report.labels else {
        return String::new();
    };
    let row = |set: &str, what: &str, score: Option<Score>| {
        let score = score.unwrap_or_default();
        vec![
            Cell::Text(set.to_owned()),
            Cell::Text(what.to_owned()),
            Cell::Share(score.precision),
            Cell::Share(score.recall),
            Cell::Share(score.f1),
            Cell::Count(score.true_positives),
            Cell::Count(score.false_positives),
            Cell::Count(score.false_negatives),
            Cell::Count(score.true_negatives),
        ]
    };
    let mut rows = Vec::new();
    for (name, set) in [("live", &report.live), ("draft", &report.draft)] {
        rows.push(row(name, "hold or reject", set.scores));
        rows.push(row(name, "reject alone", set.strict_scores));
    }
    let source = if labels.source == "file" {
        "labels"
    } else {
        "moderators’ decisions"
    };
    let mut html = format!(
        "<h2>Against {source}</h2><p class=\"soft\">{} comments have a label, {} of them positive; \
         {} labels are of comments that were not judged.</p>",
        grouped(labels.matched),
        grouped(labels.positive),
        grouped(labels.unmatched)
    );
    html.push_str(&table(
        "",
        &[
            "set",
            "counts as positive",
            "precision",
            "recall",
            "F1",
            "true +",
            "false +",
            "false −",
            "true −",
        ],
        &rows,
    ));
    let rows: Vec<Vec<Cell>> = labels
        .vocabulary
        .iter()
        .map(|(label, row)| {
            vec![
                Cell::Text(label.clone()),
                Cell::Count(row.comments),
                Cell::Text(row.read_as.to_owned()),
            ]
        })
        .collect();
    let rows = table("", &["label", "comments", "read as"], &rows);
    if !rows.is_empty() {
        write!(
            html,
            "<details><summary>How labels were read</summary>{rows}</details>"
        )
        .ok();
    }
    html
}

fn samples(report: &Report) -> String {
    if report.samples.is_empty() {
        return String::new();
    }
    let mut html = "<h2>Samples</h2>".to_owned();
    for kind in &report.samples {
        write!(
            html,
            "<details open><summary>{} → {} <span class=\"soft\">({} of {})</span></summary>",
            kind.live,
            kind.draft,
            grouped(kind.comments.len() as u64),
            grouped(kind.flips)
        )
        .ok();
        html.extend(kind.comments.iter().map(sample));
        html.push_str("</details>");
    }
    html
}

fn sample(sample: &Sample) -> String {
    let mut tags = String::new();
    for (rules, others, class) in [
        (&sample.live_rules, &sample.draft_rules, "tag gone"),
        (&sample.draft_rules, &sample.live_rules, "tag"),
    ] {
        for rule in rules {
            let both = others.contains(rule);
            if both && class != "tag" {
                continue;
            }
            write!(tags, "<span class=\"{class}\">{}</span>", escape(rule)).ok();
        }
    }
    format!(
        "<div class=\"card sample\"><div class=\"meta\">{} / {} / {} · revision {} · {}</div>\
         <p class=\"text\" dir=\"auto\">{}{}</p><div>{tags}</div></div>",
        escape(&sample.site),
        escape(&sample.article),
        escape(&sample.comment),
        sample.revision,
        escape(&minute(&sample.at)),
        marked(sample),
        if sample.cut { " …" } else { "" },
    )
}

/// Writes a sample's text with its matches marked; matches that overlap are joined.
fn marked(sample: &Sample) -> String {
    let chars: Vec<char> = sample.text.chars().collect();
    let mut html = String::new();
    let mut at = 0;
    let text = |from: usize, to: usize| -> String {
        escape(
            &chars
                .get(from..to)
                .unwrap_or_default()
                .iter()
                .collect::<String>(),
        )
    };
    for span in &sample.spans {
        let start = (span.start as usize).max(at).min(chars.len());
        let end = (span.end as usize).min(chars.len());
        if start >= end {
            continue;
        }
        html.push_str(&text(at, start));
        let title = span.term.as_deref().unwrap_or_default();
        write!(
            html,
            "<mark title=\"{}\">{}</mark>",
            escape(title),
            text(start, end)
        )
        .ok();
        at = end;
    }
    html.push_str(&text(at, chars.len()));
    html
}

fn rules(report: &Report) -> String {
    let mut html = "<h2>Rules</h2>".to_owned();
    for (name, set) in [("draft", &report.draft), ("live", &report.live)] {
        let open = if name == "draft" { " open" } else { "" };
        write!(
            html,
            "<details{open}><summary>Rules of the {name} set</summary>{}{}</details>",
            rule_table(set),
            overlap(set)
        )
        .ok();
    }
    html
}

fn rule_table(set: &SetReport) -> String {
    let mut rules: Vec<_> = set.rules.iter().collect();
    rules.sort_by_key(|rule| std::cmp::Reverse(rule.hits));
    let rows: Vec<Vec<Cell>> = rules
        .into_iter()
        .map(|rule| {
            let mut row = vec![
                Cell::Text(rule.id.clone()),
                Cell::Text(rule.mode.clone()),
                Cell::Text(rule.verdict.to_owned()),
                Cell::Count(rule.hits),
                Cell::Count(rule.acted),
                Cell::Count(rule.failures),
                Cell::Count(rule.evaluations),
                // None of the comments in which it was evaluated was measured.
                match rule.mean_ns {
                    0 => Cell::Share(None),
                    mean => Cell::Count(mean),
                },
            ];
            if let Some(score) = rule.scores {
                row.push(Cell::Share(score.precision));
                row.push(Cell::Share(score.recall));
            }
            row
        })
        .collect();
    table(
        "“Mean ns” is measured on a sample of comments; the first rule that reads the text pays \
         for reading it.",
        &[
            "rule",
            "mode",
            "verdict",
            "hits",
            "acted",
            "failed",
            "evaluated",
            "mean ns",
            "precision",
            "recall",
        ],
        &rows,
    )
}

fn overlap(set: &SetReport) -> String {
    let rows: Vec<Vec<Cell>> = set
        .overlap
        .iter()
        .map(|pair| {
            vec![
                Cell::Text(pair.a.clone()),
                Cell::Text(pair.b.clone()),
                Cell::Count(pair.both),
                Cell::Share(Some(pair.share)),
            ]
        })
        .collect();
    table(
        "Rules that fire on the same comments",
        &["rule", "and", "comments", "of those of either"],
        &rows,
    )
}
