//! From batches to the report: what is told of each item, and the exit code.

use super::*;
use crate::client::testing::{answer, serve};

/// Sends the sample in batches of two, and returns the report's lines, the totals and the exit code.
async fn send(answers: Vec<String>) -> (Vec<Value>, Value, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.jsonl");
    let server = serve(answers).await;
    let target = Target::new(&server.url, None).unwrap();
    let (out, waiting) = mpsc::channel(100);
    let reader = tokio::task::spawn_blocking(move || {
        let mut batches = Batches::new(2, out);
        for job in import(Format::Disqus, &sample("disqus.xml")).jobs {
            if batches.push(job).is_err() {
                return;
            }
        }
        batches.finish().ok();
    });
    let report = Report::new(false, Some(&file)).unwrap();
    let patience = Duration::from_millis(200);
    let report = send::all(waiting, Some(target), patience, report)
        .await
        .unwrap();
    reader.await.unwrap();
    let exit = format!("{:?}", report.print().unwrap());
    let text = std::fs::read_to_string(&file).unwrap();
    let mut lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let totals = lines.pop().unwrap();
    (lines, totals, exit)
}

fn code(exit: ExitCode) -> String {
    format!("{exit:?}")
}

#[tokio::test]
async fn each_item_is_told_what_became_of_it() {
    let first = r#"{"accepted":1,"duplicate":1,"duplicates":[0],"rejected":[]}"#;
    let second = r#"{"accepted":1,"duplicate":0,"rejected":[{"index":1,"id":"x",
        "code":"stale_revision","field":"data.revision","message":"it came before"}]}"#;
    let rest = r#"{"accepted":2,"duplicate":0,"rejected":[]}"#;
    let ok = |body| answer("202 Accepted", "", body);
    let (lines, totals, exit) = send(vec![ok(first), ok(second), ok(rest)]).await;
    let results: Vec<&str> = lines
        .iter()
        .map(|line| line["result"].as_str().unwrap())
        .collect();
    assert_eq!(
        results[..5],
        ["duplicate", "imported", "imported", "refused", "imported"]
    );
    assert_eq!(lines[3]["id"], "disqus-3");
    assert_eq!(
        (&lines[3]["code"], &lines[3]["state"]),
        (&"stale_revision".into(), &"spam".into())
    );
    let told = lines[3]["message"].as_str().unwrap();
    assert!(told.contains("an import does not rewrite"), "{told}");
    assert_eq!(lines[3].get("field"), None);
    assert_eq!(totals["events"]["spam"]["refused"], 1, "{totals}");
    assert_eq!(totals["events"]["articles"]["duplicate"], 1, "{totals}");
    assert_eq!(exit, code(ExitCode::FAILURE));
    let (.., exit) = send(vec![ok(rest)]).await;
    assert_eq!(exit, code(ExitCode::SUCCESS));
}

#[tokio::test]
async fn what_is_not_delivered_is_counted_and_ends_it() {
    let ok = answer(
        "202 Accepted",
        "",
        r#"{"accepted":2,"duplicate":0,"rejected":[]}"#,
    );
    let no = answer(
        "403 Forbidden",
        "",
        r#"{"code":"forbidden","detail":"no such token"}"#,
    );
    let (lines, totals, exit) = send(vec![ok, no]).await;
    assert_eq!(lines.len(), 4, "nothing is tried after it");
    assert_eq!(lines[2]["result"], "undelivered");
    assert!(
        totals["error"].as_str().unwrap().contains("no such token"),
        "{totals}"
    );
    assert_eq!(exit, code(ExitCode::FAILURE));
}
