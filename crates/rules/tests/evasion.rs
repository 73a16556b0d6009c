//! Disguised words that must be found, innocent texts that must not be touched, and the page about
//! both: `docs/evasion.md` is what this test counts. `UPDATE=1` writes it anew.
//!
//! The corpus is our own writing. `cases.tsv` says for each case the term and exactly which
//! characters are it; a case counts as found only if a span of that term covers these and no others.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::string_slice,
    reason = "a helper of tests may stop the test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use stoa_rules::{AuthorFacts, Input, RuleSet, Span};

/// Languages with columns of their own, in the order of the page.
const LANGUAGES: [&str; 4] = ["fr", "en", "de", "ru"];

/// Of all cases so many must be found.
const RECALL: f64 = 0.98;

struct Case {
    id: String,
    language: String,
    transformation: String,
    term: String,
    text: String,
    hit: String,
    via: Vec<String>,
}

struct Innocent {
    id: String,
    language: String,
    text: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/evasion")
}

/// Undoes `\n`, `\t`, `\r`, `\\` and `\u{…}`.
fn unescaped(field: &str) -> String {
    let mut out = String::new();
    let mut rest = field;
    while let Some((plain, escape)) = rest.split_once('\\') {
        out.push_str(plain);
        let mut chars = escape.chars();
        match chars.next().unwrap() {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            '\\' => out.push('\\'),
            'u' => {
                let (code, after) = escape
                    .strip_prefix("u{")
                    .and_then(|code| code.split_once('}'))
                    .unwrap();
                let code = u32::from_str_radix(code, 16).unwrap();
                out.push(char::from_u32(code).unwrap());
                chars = after.chars();
            }
            other => panic!("unknown escape `\\{other}` in {field:?}"),
        }
        rest = chars.as_str();
    }
    out + rest
}

fn rows(name: &str, columns: usize) -> Vec<Vec<String>> {
    let file = std::fs::read_to_string(folder().join(name)).unwrap();
    let rows: Vec<Vec<String>> = file
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("# "))
        .map(|line| line.split('\t').map(unescaped).collect())
        .collect();
    for row in &rows {
        assert_eq!(row.len(), columns, "{row:?}");
    }
    rows
}

fn cases() -> Vec<Case> {
    let case = |row: Vec<String>| {
        let [id, language, transformation, term, text, hit, via] = row.try_into().unwrap();
        Case {
            id,
            language,
            transformation,
            term,
            text,
            hit,
            via: via.split_whitespace().map(str::to_owned).collect(),
        }
    };
    rows("cases.tsv", 7).into_iter().map(case).collect()
}

fn innocents() -> Vec<Innocent> {
    let innocent = |row: Vec<String>| {
        let [id, language, _, text] = row.try_into().unwrap();
        Innocent { id, language, text }
    };
    rows("innocent.tsv", 4).into_iter().map(innocent).collect()
}

/// The reasons why some cases are not found, by id.
fn misses() -> BTreeMap<String, String> {
    rows("misses.tsv", 2)
        .into_iter()
        .map(|row| {
            let [id, reason] = row.try_into().unwrap();
            (id, reason)
        })
        .collect()
}

fn spans(set: &RuleSet, text: &str) -> Vec<Span> {
    let input = Input {
        site: "site",
        article: "article",
        comment: "comment",
        text,
        html: false,
        links: &[],
        language: None,
        language_confidence: 0.0,
        author: AuthorFacts::default(),
        parent: None,
        depth: 0,
        depth_known: true,
        revision: 1,
        article_published_at: None,
        submitted_at: 0,
        now: 0,
        ..Input::neutral("", 0)
    };
    let outcome = set.evaluate(&input);
    assert!(outcome.partial.is_empty(), "{text:?}");
    let fired = outcome.fired.into_iter();
    fired.flat_map(|fired| fired.spans).collect()
}

/// The span of a case, if it was found as it should be; what was found instead otherwise.
fn find(set: &RuleSet, case: &Case) -> Result<Span, String> {
    let at = case
        .text
        .find(&case.hit)
        .unwrap_or_else(|| panic!("{}: the hit is not in the text", case.id));
    let start = case.text[..at].chars().count();
    let end = start + case.hit.chars().count();
    let all = spans(set, &case.text);
    let exact = |span: &&Span| {
        span.term.as_deref() == Some(&*case.term)
            && (span.start as usize, span.end as usize) == (start, end)
            && span.text == case.hit
    };
    let found = all.iter().find(exact).cloned();
    found.ok_or_else(|| {
        let show = |span: &Span| format!("{:?} as {:?}", span.text, span.term);
        all.iter().map(show).collect::<Vec<_>>().join(", ")
    })
}

#[derive(Default)]
struct Count {
    cases: usize,
    found: usize,
}

impl Count {
    fn add(&mut self, found: bool) {
        self.cases += 1;
        self.found += usize::from(found);
    }

    fn cell(&self) -> String {
        if self.cases == 0 {
            return "–".to_owned();
        }
        format!("{} / {}", self.found, self.cases)
    }

    fn percent(&self) -> String {
        // In tenths, rounded down: 99.96 % is not all.
        let tenths = self.found * 1_000 / self.cases.max(1);
        format!("{}.{} %", tenths / 10, tenths % 10)
    }
}

/// The table: transformations in the order of the corpus, by language.
fn table(results: &[(&Case, bool)]) -> String {
    let mut order: Vec<&str> = Vec::new();
    let mut cells: BTreeMap<(&str, &str), Count> = BTreeMap::new();
    for (case, found) in results {
        if !order.contains(&&*case.transformation) {
            order.push(&case.transformation);
        }
        let column = LANGUAGES
            .iter()
            .find(|language| **language == case.language);
        for column in [column.copied().unwrap_or("others"), "all"] {
            let rows = [&*case.transformation, "**all**"];
            for row in rows {
                cells.entry((row, column)).or_default().add(*found);
            }
        }
    }
    let mut out = String::from(
        "| transformation | fr | en | de | ru | others | all | recall |\n|---|---|---|---|---|---|---|---|\n",
    );
    let none = Count::default();
    for row in order.into_iter().chain(["**all**"]) {
        write!(out, "| {row} |").unwrap();
        for column in LANGUAGES.iter().chain(&["others", "all"]) {
            let count = cells.get(&(row, *column)).unwrap_or(&none);
            write!(out, " {} |", count.cell()).unwrap();
        }
        let all = cells.get(&(row, "all")).unwrap_or(&none);
        writeln!(out, " {} |", all.percent()).unwrap();
    }
    out
}

fn innocents_table(innocents: &[Innocent]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for innocent in innocents {
        *counts.entry(&innocent.language).or_default() += 1;
    }
    let mut out = String::from("| language | innocent texts | hit |\n|---|---|---|\n");
    for (language, n) in &counts {
        writeln!(out, "| {language} | {n} | 0 |").unwrap();
    }
    writeln!(out, "| **all** | {} | 0 |", innocents.len()).unwrap();
    out
}

#[test]
fn disguised_words_are_found_and_innocent_texts_are_not() {
    let set = RuleSet::load(&folder()).unwrap_or_else(|errors| panic!("{errors}"));
    let (cases, innocents, reasons) = (cases(), innocents(), misses());
    assert!(cases.len() >= 450, "{} cases", cases.len());
    assert!(innocents.len() >= 320, "{} innocent texts", innocents.len());
    let ids: BTreeSet<&str> = cases.iter().map(|case| &*case.id).collect();
    assert_eq!(ids.len(), cases.len(), "an id stands twice");

    let mut wrong = String::new();
    for innocent in &innocents {
        for span in spans(&set, &innocent.text) {
            writeln!(
                wrong,
                "{}: {:?} as {:?} by {:?} in {:?}",
                innocent.id,
                span.text,
                span.term.unwrap_or_default(),
                span.via,
                innocent.text
            )
            .unwrap();
        }
    }
    let mut results = Vec::new();
    let mut missed = String::from("| case | term | written | why |\n|---|---|---|---|\n");
    for case in &cases {
        let found = find(&set, case);
        results.push((case, found.is_ok()));
        match (found, reasons.get(&case.id)) {
            (Ok(span), None) => {
                if span.via != case.via {
                    writeln!(wrong, "{}: {:?} by {:?}", case.id, case.hit, span.via).unwrap();
                }
            }
            (Ok(_), Some(_)) => {
                writeln!(wrong, "{} is found, and listed as a miss", case.id).unwrap();
            }
            (Err(_), Some(reason)) => {
                let written = case.hit.replace('|', "\\|").replace('\n', "\\n");
                writeln!(
                    missed,
                    "| {} | {} | `{written}` | {reason} |",
                    case.id, case.term
                )
                .unwrap();
            }
            (Err(instead), None) => writeln!(
                wrong,
                "{}: {:?} is not found as {:?} in {:?}; instead {instead}",
                case.id, case.hit, case.term, case.text
            )
            .unwrap(),
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    for id in reasons.keys() {
        assert!(ids.contains(&**id), "no case {id}");
    }
    let n_found = results.iter().filter(|(_, found)| *found).count();
    #[expect(
        clippy::cast_precision_loss,
        reason = "a corpus has thousands of cases at most"
    )]
    let recall = n_found as f64 / cases.len() as f64;
    assert!(recall >= RECALL, "recall {recall}");

    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/evasion.md");
    let written = std::fs::read_to_string(&page).unwrap();
    let mut current = put(&written, "found", &table(&results));
    current = put(&current, "innocents", &innocents_table(&innocents));
    current = put(&current, "misses", &missed);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&page, &current).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(&page).unwrap(),
        current,
        "run the tests with UPDATE=1"
    );
}

/// Replaces what stands between a pair of marks.
fn put(page: &str, mark: &str, table: &str) -> String {
    let (open, close) = (format!("<!-- {mark} -->"), format!("<!-- /{mark} -->"));
    let (before, rest) = page.split_once(&open).unwrap();
    let (_, after) = rest.split_once(&close).unwrap();
    format!("{before}{open}\n{table}{close}{after}")
}
