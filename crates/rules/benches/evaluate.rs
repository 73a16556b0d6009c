//! Comments per second: a large list and twenty rules against a bare automaton over the same text.
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

const RULES: &str = r#"
lists:
  terms: { file: terms.txt, match: word, fold: full }
  spam: { terms: [buy now, click here, free money, gagnez de l'argent], match: substring }
  shorteners: { terms: [bit.ly, t.co, goo.gl, tinyurl.com], match: domain }
rules:
  - { id: r01, when: 'comment.text.hits("terms") && !author.trusted', then: { verdict: hold } }
  - { id: r02, when: 'comment.text.hits("terms") && comment.capitals > 0.5', then: { verdict: reject } }
  - { id: r03, when: 'comment.text.hit_count("terms") > 3', then: { verdict: hold } }
  - { id: r04, when: 'comment.text.hits("spam")', then: { verdict: hold } }
  - { id: r05, when: 'comment.links.hits("shorteners") && author.new', then: { verdict: reject } }
  - { id: r06, when: 'comment.links_count > 3', then: { verdict: hold } }
  - { id: r07, when: 'comment.capitals > 0.7 && comment.length > 40', then: { labels: [shouting] } }
  - { id: r08, when: 'comment.emoji > 15 && comment.emoji > comment.words', then: { verdict: hold } }
  - { id: r09, when: 'author.recent >= 10 && !author.trusted', then: { verdict: hold } }
  - { id: r10, when: 'author.rejected >= 3 && author.rejected > author.approved', then: { verdict: hold } }
  - { id: r11, when: 'author.age < duration("24h") && comment.links_count > 0', then: { verdict: hold } }
  - { id: r12, when: 'comment.language in ["xx", "yy"] && comment.length > 10', then: { verdict: hold } }
  - { id: r13, when: 'comment.depth > 50', then: { labels: [deep] } }
  - { id: r14, when: 'comment.text.startsWith("FIRST")', then: { labels: [first] } }
  - { id: r15, when: 'comment.text.contains("stoa-canary")', then: { verdict: hold } }
  - { id: r16, when: 'comment.words < 3 && comment.length > 200', then: { verdict: hold } }
  - { id: r17, when: 'comment.link_domains.exists(d, d.endsWith(".zip"))', then: { verdict: hold } }
  - { id: r18, when: 'has(article.age) && article.age > duration("30d") && author.new', then: { verdict: hold } }
  - { id: r19, when: 'author.name.hits("terms")', then: { verdict: hold } }
  - { id: r20, when: 'comment.revision > 1 && comment.links_count > 0', then: { verdict: hold } }
"#;

fn main() {
    let (texts, terms) = corpus();
    let mut files = BTreeMap::new();
    files.insert("stoa.yaml".to_owned(), RULES.as_bytes().to_vec());
    files.insert("terms.txt".to_owned(), terms.join("\n").into_bytes());
    let set = RuleSet::from_sources(&files).unwrap_or_else(|errors| panic!("{errors}"));
    let bare = AhoCorasick::builder()
        .kind(Some(aho_corasick::AhoCorasickKind::DFA))
        .build(&terms)
        .expect("the terms compile");

    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    let mut group = criterion.benchmark_group("evaluate");
    group.throughput(Throughput::Elements(texts.len() as u64));
    group.bench_function("5000 terms, 20 rules", |bencher| {
        bencher.iter(|| {
            texts
                .iter()
                .filter(|text| !set.evaluate(&input(text)).fired.is_empty())
                .count()
        });
    });
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
        parent_author: None,
        article_tags: &[],
        scores: &[],
        counters: None,
        similar_by_author: 0,
        similar_in_thread: 0,
        article_published_at: Some(0),
        submitted_at: 86_400_000_000,
        now: 86_400_000_000,
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
