//! Comments per second: terms folded in full and 200 rules against a bare automaton over the same text.
//!
//! `STOA_BENCH_DATA` names a folder with `comments-20k.jsonl` and `terms-5000.txt`; by default it
//! is `../shared/data/bench` beside the repository. Without it a corpus of the same size is made.

#![expect(
    clippy::panic,
    clippy::expect_used,
    reason = "a benchmark without its input must stop"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::PathBuf;

use aho_corasick::AhoCorasick;
use criterion::{Criterion, Throughput};
use stoa_rules::{AuthorFacts, Input, RuleSet};

/// Lists that the terms are spread over, each with three rules.
const LISTS: usize = 40;

/// Conditions that need no word list; `{n}` is 2 to 5, `{m}` 10 to 40.
const CONDITIONS: [&str; 20] = [
    r#"comment.links.hits("shorteners") && author.new"#,
    "comment.links_count > {n}",
    "comment.capitals > 0.7 && comment.length > {m}",
    "comment.emoji > {m} && comment.emoji > comment.words",
    "author.recent >= {m} && !author.trusted",
    "author.rejected >= {n} && author.rejected > author.approved",
    r#"author.age < duration("{n}h") && comment.links_count > 0"#,
    r#"comment.language in ["xx", "yy"] && comment.length > {n}"#,
    "comment.depth > {m}",
    r#"comment.text.startsWith("FIRST{n}")"#,
    r#"comment.text.contains("stoa-canary-{n}")"#,
    "comment.words < 3 && comment.length > {m}00",
    r#"comment.link_domains.exists(d, d.endsWith(".zip{n}"))"#,
    r#"has(article.age) && article.age > duration("{m}d") && author.new"#,
    r#"author.name.hits("terms00")"#,
    "comment.revision > {n} && comment.links_count > 0",
    r#"comment.text.hits("spam") && author.approved < {m}"#,
    r#"author.role == "staff" && comment.length > {m}"#,
    "now.getHours() < {n} && comment.links_count > 1",
    "comment.is_reply && comment.depth > {m} && comment.words < 2",
];

/// A rule set of 40 word lists and 200 rules.
fn rule_set(terms: &[String]) -> RuleSet {
    let mut files = BTreeMap::new();
    let mut yaml = "lists:\n".to_owned();
    for list in 0..LISTS {
        let own: Vec<&str> = terms
            .iter()
            .skip(list)
            .step_by(LISTS)
            .map(String::as_str)
            .collect();
        files.insert(format!("terms{list:02}.txt"), own.join("\n").into_bytes());
        yaml += &format!("  terms{list:02}: {{ file: terms{list:02}.txt, fold: full }}\n");
    }
    yaml += "  spam: { terms: [buy now, click here, free money, gagnez de l'argent], match: substring }\n";
    yaml += "  shorteners: { terms: [bit.ly, t.co, goo.gl, tinyurl.com], match: domain }\nrules:\n";
    let mut conditions = Vec::new();
    for list in 0..LISTS {
        let hits = format!(r#"comment.text.hits("terms{list:02}")"#);
        conditions.push(format!("{hits} && !author.trusted"));
        conditions.push(format!("{hits} && comment.capitals > 0.5"));
        conditions.push(format!(r#"comment.text.hit_count("terms{list:02}") > 3"#));
    }
    for round in 0..4 {
        let (n, m) = ((round + 2).to_string(), (10 + 10 * round).to_string());
        let fill = |text: &&str| text.replace("{n}", &n).replace("{m}", &m);
        conditions.extend(CONDITIONS.iter().map(fill));
    }
    for (number, condition) in conditions.iter().enumerate() {
        yaml += &format!(
            "  - {{ id: r{number:03}, when: '{condition}', then: {{ verdict: hold }} }}\n"
        );
    }
    files.insert("stoa.yaml".to_owned(), yaml.into_bytes());
    RuleSet::from_sources(&files).unwrap_or_else(|errors| panic!("{errors}"))
}

/// Makes words that look like words, always the same.
fn made_up(number: usize) -> Vec<String> {
    let syllables = [
        "ba", "ré", "to", "mi", "ça", "lu", "ne", "ko", "vi", "sa", "dro", "pli", "gan", "zu", "fe",
    ];
    (0..number)
        .map(|word| {
            let mut rest = word + 10_000;
            let mut text = String::new();
            while rest > 0 {
                text += syllables
                    .get(rest % syllables.len())
                    .copied()
                    .unwrap_or_default();
                rest /= syllables.len();
            }
            text
        })
        .collect()
}

fn main() {
    let (texts, terms) = corpus();
    let set = rule_set(&terms);
    // As many terms as the name says, with the same hits: 500 real ones, and made-up ones.
    let few: Vec<String> = terms.iter().step_by(10).cloned().collect();
    let many: Vec<String> = few
        .iter()
        .cloned()
        .chain(made_up(50_000 - few.len()))
        .collect();
    let (few, many) = (rule_set(&few), rule_set(&many));
    let bare = AhoCorasick::new(&terms).expect("the terms compile");

    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    let mut group = criterion.benchmark_group("evaluate");
    group.throughput(Throughput::Elements(texts.len() as u64));
    for (name, set) in [
        ("5000 terms, 200 rules", &set),
        ("500 terms, 200 rules", &few),
        ("50000 terms, 200 rules", &many),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                texts
                    .iter()
                    .filter(|text| !set.evaluate(&input(text)).fired.is_empty())
                    .count()
            });
        });
    }
    group.bench_function("bare automaton, raw text", |bencher| {
        bencher.iter(|| {
            texts
                .iter()
                .map(|text| bare.find_iter(text.as_str()).count())
                .sum::<usize>()
        });
    });
    group.finish();

    let mut group = criterion.benchmark_group("largest comment");
    for (name, unit) in [
        ("one letter", "a"),
        ("accents", "é"),
        ("marks", "\u{301}"),
        ("scripts", "aжあ"),
        ("host", "www."),
    ] {
        let text: String = unit
            .chars()
            .cycle()
            .take_while({
                let mut bytes = 0;
                move |c| {
                    bytes += c.len_utf8();
                    bytes <= 64 * 1024
                }
            })
            .collect();
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(set.evaluate(&input(&text))).evaluated);
        });
    }
    group.finish();
    criterion.final_summary();
}

fn input(text: &str) -> Input<'_> {
    Input {
        site: "bench",
        article: "a-1",
        comment: "c-1",
        text,
        html: false,
        links: &[],
        language: Some("fr"),
        language_confidence: 0.9,
        author: AuthorFacts {
            id: "u-1",
            display_name: Some("Constantin N."),
            approved: 3,
            first_seen: Some(0),
            ..AuthorFacts::default()
        },
        parent: Some("c-0"),
        depth: 1,
        depth_known: true,
        revision: 1,
        article_published_at: Some(0),
        submitted_at: 86_400_000_000,
        now: 86_400_000_000,
        ..Input::neutral("", 0)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark has no configuration but this"
)]
fn folder() -> PathBuf {
    std::env::var("STOA_BENCH_DATA").map_or_else(
        |_| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/bench"),
        PathBuf::from,
    )
}

/// Reads texts and terms, or makes some.
fn corpus() -> (Vec<String>, Vec<String>) {
    let folder = folder();
    let comments = std::fs::read_to_string(folder.join("comments-20k.jsonl"));
    let terms = std::fs::read_to_string(folder.join("terms-5000.txt"));
    if let (Ok(comments), Ok(terms)) = (comments, terms) {
        let texts = comments
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .filter_map(|comment| Some(comment.get("text")?.as_str()?.to_owned()))
            .collect();
        let terms = terms
            .lines()
            .filter(|term| !term.trim().is_empty())
            .map(str::to_owned)
            .collect();
        return (texts, terms);
    }
    let mut state = 1_u64;
    let mut next = move |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap_or(0) % below
    };
    let syllables = ["ba", "ré", "to", "mi", "ça", "lu", "ne", "ko", "vi", "sa"];
    let mut word = |least: usize| -> String {
        (0..least + next(3))
            .filter_map(|_| syllables.get(next(syllables.len())).copied())
            .collect()
    };
    let terms: Vec<String> = (0..5_000).map(|_| word(4)).collect();
    let texts = (0..20_000)
        .map(|_| (0..45).map(|_| word(1)).collect::<Vec<_>>().join(" "))
        .collect();
    (texts, terms)
}
