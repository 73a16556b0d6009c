//! The command, from files to exit codes and pages.

use std::fs;

use clap::Parser as _;
use stoa_journal::{Entry, Journal};

use super::*;

#[derive(Debug, clap::Parser)]
struct Cli {
    #[command(flatten)]
    args: BacktestArgs,
}

const RULE: &str = r#"
lists:
  bad: { match: word, terms: [scoundrel] }
rules:
  - id: insult
    when: comment.text.hits("bad")
    then: { verdict: hold }
    reason: { code: offensive }
    explain: { en: "Abusive language." }
"#;

fn event(n: u32, more: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"e-{n}","source":"https://a.example/","type":"stoa.comment.submitted.v1","time":"2026-11-{:02}T12:00:00Z","data":{{"site":"a","article":"x","comment":"c-{n}","author":{{"id":"u-{n}"}},{more}}}}}"#,
        n % 20 + 1
    )
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, rules) in [
            ("live", RULE.to_owned()),
            ("draft", RULE.replace("hold", "reject")),
        ] {
            fs::create_dir(folder.path(name)).unwrap();
            fs::write(folder.path(name).join("stoa.yaml"), rules).unwrap();
        }
        let lines = [
            event(1, r#""body":"You scoundrel <b>&amp;</b> \"co\"""#),
            event(2, r#""body":"Fine.""#),
            event(
                3,
                r#""body":"<p>You s<i>coun</i>drel!</p><script>alert(1)</script>","format":"html""#,
            ),
            event(2, r#""body":"Fine.""#),
        ];
        fs::write(folder.path("events.jsonl"), lines.join("\n")).unwrap();
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, args: &[&str]) -> anyhow::Result<u8> {
        let (draft, live) = (self.path("draft"), self.path("live"));
        let mut all: Vec<String> = vec!["backtest".into()];
        for (name, folder) in [("--rules", draft), ("--live", live)] {
            if !args.contains(&name) {
                all.extend([name.into(), folder.display().to_string()]);
            }
        }
        let own = |arg: &&str| match arg.strip_prefix('@') {
            Some(name) => self.path(name).display().to_string(),
            None => (*arg).to_owned(),
        };
        all.extend(args.iter().map(own));
        let code = run(&Cli::try_parse_from(all)?.args)?;
        let codes =
            (0..=u8::MAX).find(|n| format!("{:?}", ExitCode::from(*n)) == format!("{code:?}"));
        Ok(codes.unwrap())
    }

    fn error(&self, args: &[&str]) -> String {
        format!("{:#}", self.run(args).unwrap_err())
    }
}

#[test]
fn compares_and_writes_a_page() {
    let folder = Folder::new();
    let args = ["--events", "@events.jsonl", "--html", "@page.html"];
    assert_eq!(folder.run(&args).unwrap(), 0);
    let page = fs::read_to_string(folder.path("page.html")).unwrap();
    assert!(
        page.contains("<mark title=\"scoundrel\">scoundrel</mark> &lt;b&gt;&amp;amp;"),
        "{page}"
    );
    // The HTML comment was read as ingest reads it: without its markup and its script.
    assert!(
        page.contains("You <mark title=\"scoundrel\">scoundrel</mark>!"),
        "{page}"
    );
    assert!(!page.contains("alert(1)"));
    assert_eq!(page.matches("<script>").count(), 1);
    for outside in ["http:", "https:", "src=", "href=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn says_what_is_wrong() {
    let folder = Folder::new();
    let missing = folder.error(&["--events", "@nowhere.jsonl"]);
    assert!(missing.contains("nowhere.jsonl can't be read"), "{missing}");
    fs::write(
        folder.path("bad.jsonl"),
        format!("{}\n\n{{\n", event(1, r#""body":"x""#)),
    )
    .unwrap();
    let bad = folder.error(&["--events", "@bad.jsonl"]);
    assert!(
        bad.contains("line 3: invalid_json") && bad.contains("--skip-bad"),
        "{bad}"
    );
    assert_eq!(
        folder
            .run(&["--events", "@bad.jsonl", "--skip-bad"])
            .unwrap(),
        0
    );
    fs::write(folder.path("blank.jsonl"), event(1, r#""body":"  ""#)).unwrap();
    let blank = folder.error(&["--events", "@blank.jsonl"]);
    assert!(blank.contains("(data.body)"), "{blank}");
    let range = folder.error(&[
        "--events",
        "@events.jsonl",
        "--since",
        "2027-01-01T00:00:00Z",
    ]);
    assert!(
        range.contains("no comment is in the range: 3 are before"),
        "{range}"
    );
    let turned = [
        "--events",
        "@events.jsonl",
        "--since",
        "2026-01-02T00:00:00Z",
        "--until",
        "2026-01-01T00:00:00Z",
    ];
    assert!(
        folder
            .error(&turned)
            .contains("--since is not before --until")
    );
    let time = folder.error(&["--events", "@events.jsonl", "--since", "yesterday"]);
    assert!(time.contains("it is no time"), "{time}");
    fs::write(folder.path("labels.tsv"), "a c-1 reject\n").unwrap();
    let labels = folder.error(&["--events", "@events.jsonl", "--labels", "@labels.tsv"]);
    assert!(labels.contains("line 1"), "{labels}");
    let data = folder.error(&["--data", "@live"]);
    assert!(data.contains("there is no archive in"), "{data}");
    fs::write(folder.path("draft").join("stoa.yaml"), "rules: [").unwrap();
    assert_eq!(
        folder.run(&["--events", "@events.jsonl"]).unwrap(),
        BAD_CONFIGURATION
    );
}

#[tokio::test]
async fn reads_an_archive_that_is_in_use() {
    let folder = Folder::new();
    let dir = folder.path("data/archive/journal");
    fs::create_dir_all(&dir).unwrap();
    let clock = std::sync::Arc::new(|| 1_700_000_000_000_000);
    let journal = Journal::open(&dir, stoa_journal::Options::default(), clock)
        .unwrap()
        .journal;
    let entries: Vec<Entry> = (1..=3)
        .map(|n| Entry {
            kind: 16,
            payload: event(n, r#""body":"You scoundrel""#).into(),
        })
        .chain([Entry {
            kind: 19,
            payload: "not read".into(),
        }])
        .collect();
    journal.append(entries).await.unwrap();
    let args = ["--data", "@data", "--html", "@page.html", "--json"];
    assert_eq!(folder.run(&args).unwrap(), 0);
    let page = fs::read_to_string(folder.path("page.html")).unwrap();
    assert!(
        page.contains("hold → reject <span class=\"soft\">(3 of 3)"),
        "{page}"
    );
    journal.close().await;
}
