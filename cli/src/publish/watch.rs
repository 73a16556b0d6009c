//! `stoa publish --watch`: what was decided about what was published.
//!
//! moderation-rules' log of decisions is followed from where it ended before anything was sent. What had been taken
//! before was decided before: once the log is quiet, the comments that are still open are asked for one by one.

use std::collections::HashMap;

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::{Duration, Instant};

use super::Line;
use crate::client::rest::with_query;
use crate::desk::DeskArgs;
use crate::output;
use crate::rows::{list, text, texts};

/// Comments that are watched; of more, the last ones.
const MAX_WATCHED: usize = 100_000;
/// Comments that are asked for one by one in a round.
const ASKED: usize = 100;
/// Seconds that a request waits for something new.
const WAIT: &str = "2";
/// Decisions of a page.
const PAGE: &str = "500";

/// A revision of a comment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Watched {
    site: String,
    comment: String,
    revision: u64,
}

/// What is read of an event that is published.
#[derive(Deserialize)]
struct Sent {
    #[serde(rename = "type")]
    kind: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    site: String,
    comment: String,
    #[serde(default = "first")]
    revision: u64,
}

fn first() -> u64 {
    1
}

/// How watching ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Seen {
    /// Revisions of comments that were decided.
    pub(super) decided: u64,
    /// Revisions of comments that were published, and of which nothing was heard.
    pub(super) open: u64,
}

/// Follows the log.
pub(super) struct Watch {
    desk: DeskArgs,
    after: u64,
    open: HashMap<Watched, u64>,
    json: bool,
    seen: Seen,
}

impl Watch {
    /// Notes where the log ends.
    pub(super) async fn new(desk: DeskArgs, json: bool) -> anyhow::Result<Self> {
        let mut watch = Self {
            desk,
            after: 0,
            open: HashMap::new(),
            json,
            seen: Seen::default(),
        };
        let last = watch
            .ask(&[("order", Some("newest")), ("limit", Some("1"))])
            .await?;
        let seq = list(&last, "decisions").find_map(|decision| decision.get("seq")?.as_u64());
        watch.after = seq.unwrap_or(0);
        Ok(watch)
    }

    /// Notes a comment that is about to be sent.
    pub(super) fn sends(&mut self, line: &Line) {
        let Ok(Sent { kind, data }) = serde_json::from_slice(&line.body) else {
            return;
        };
        let is_decided =
            ["stoa.comment.submitted.v1", "stoa.comment.edited.v1"].contains(&kind.as_str());
        if is_decided && self.open.len() < MAX_WATCHED {
            let watched = Watched {
                site: data.site,
                comment: data.comment,
                revision: data.revision,
            };
            self.open.insert(watched, line.number);
        }
    }

    /// Forgets what was refused: nothing will be decided about it.
    pub(super) fn refused(&mut self, lines: impl Iterator<Item = u64>) {
        let lines: std::collections::HashSet<u64> = lines.collect();
        self.open.retain(|_, line| !lines.contains(line));
    }

    /// Prints decisions until all are there, or none came for so long.
    pub(super) async fn finish(mut self, patience: Duration) -> anyhow::Result<Seen> {
        let mut until = Instant::now() + patience;
        while !self.open.is_empty() && Instant::now() < until {
            let before = self.seen.decided;
            let after = self.after.to_string();
            let page = self
                .ask(&[
                    ("after", Some(&after)),
                    ("limit", Some(PAGE)),
                    ("wait", Some(WAIT)),
                ])
                .await?;
            self.after = page
                .get("next")
                .and_then(Value::as_u64)
                .unwrap_or(self.after);
            let is_quiet = list(&page, "decisions").next().is_none();
            for decision in list(&page, "decisions") {
                self.hear(decision);
            }
            if is_quiet {
                self.ask_each().await?;
            }
            if self.seen.decided > before {
                until = Instant::now() + patience;
            }
        }
        self.seen.open = self.open.len() as u64;
        Ok(self.seen)
    }

    async fn ask_each(&mut self) -> anyhow::Result<()> {
        let open: Vec<Watched> = self.open.keys().take(ASKED).cloned().collect();
        for watched in open {
            let query = [
                ("site", Some(watched.site.as_str())),
                ("comment", Some(&watched.comment)),
                ("order", Some("newest")),
                ("limit", Some("10")),
            ];
            let page = self.ask(&query).await?;
            for decision in list(&page, "decisions") {
                self.hear(decision);
            }
        }
        Ok(())
    }

    async fn ask(&self, query: &[(&str, Option<&str>)]) -> anyhow::Result<Value> {
        let url = with_query(&self.desk.url(["decisions"])?, query)?;
        self.desk.ask(Method::GET, &url, None).await
    }

    fn hear(&mut self, decision: &Value) {
        let word = |name: &str| decision.get(name).and_then(Value::as_str);
        let revision = decision.get("revision").and_then(Value::as_u64);
        let (Some(site), Some(comment), Some(revision)) = (word("site"), word("comment"), revision)
        else {
            return;
        };
        let watched = Watched {
            site: site.to_owned(),
            comment: comment.to_owned(),
            revision,
        };
        if self.open.remove(&watched).is_none() {
            return;
        }
        self.seen.decided += 1;
        if self.json {
            output::line(&decision.to_string());
        } else {
            output::line(&told(decision));
        }
    }
}

/// A decision on one line: verdict, comment, labels, and the rules that acted.
fn told(decision: &Value) -> String {
    let rules: Vec<String> = list(decision, "rules")
        .map(|rule| text(rule, "id"))
        .collect();
    let cells = [
        text(decision, "verdict"),
        text(decision, "comment"),
        text(decision, "revision"),
        texts(decision, "labels"),
        rules.join(", "),
    ];
    cells.join("\t").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;
    use crate::client::testing::{answer, serve};

    fn line(number: u64, kind: &str, comment: &str, revision: u64) -> Line {
        let event = json!({"type": format!("stoa.{kind}.v1"), "data": {"site": "s", "comment": comment, "revision": revision}});
        Line {
            number,
            body: Bytes::from(event.to_string()),
        }
    }

    fn decisions(rows: &[(u64, &str, u64)]) -> String {
        let rows: Vec<Value> = rows
            .iter()
            .map(|(seq, comment, revision)| json!({"seq": seq, "site": "s", "comment": comment, "revision": revision, "verdict": "approve"}))
            .collect();
        let next = rows.last().map_or(7, |row| row["seq"].as_u64().unwrap());
        let page = json!({"decisions": rows, "next": next, "more": false});
        answer(
            "200 OK",
            "content-type: application/json\r\n",
            &page.to_string(),
        )
    }

    async fn watched(answers: Vec<String>, lines: &[Line], refused: &[u64]) -> (Seen, Vec<String>) {
        let server = serve(answers).await;
        let desk = DeskArgs::new(server.url.clone(), None, None);
        let mut watch = Watch::new(desk, true).await.unwrap();
        for line in lines {
            watch.sends(line);
        }
        watch.refused(refused.iter().copied());
        let seen = watch.finish(Duration::from_millis(200)).await.unwrap();
        let requests = server.requests.lock().unwrap();
        let asked = requests
            .iter()
            .map(|(head, _)| head.lines().next().unwrap().to_owned());
        (seen, asked.collect())
    }

    #[tokio::test]
    async fn the_log_is_followed_from_where_it_was() {
        let lines = [
            line(1, "article.published", "", 1),
            line(2, "comment.submitted", "c-1", 1),
            line(3, "comment.edited", "c-1", 2),
            line(4, "comment.submitted", "c-2", 1),
        ];
        let answers = vec![
            decisions(&[(7, "old", 1)]),
            decisions(&[(8, "c-1", 1), (9, "other", 1)]),
            decisions(&[(10, "c-1", 2)]),
        ];
        let (seen, requests) = watched(answers, &lines, &[4]).await;
        assert_eq!(
            seen,
            Seen {
                decided: 2,
                open: 0
            }
        );
        assert!(requests[1].contains("after=7"), "{requests:?}");
        assert!(requests[2].contains("after=9"), "{requests:?}");
    }

    #[tokio::test]
    async fn what_was_decided_before_is_asked_for() {
        let answers = vec![
            decisions(&[(7, "c-1", 1)]),
            decisions(&[]),
            decisions(&[(3, "c-1", 1)]),
        ];
        let (seen, requests) =
            watched(answers, &[line(1, "comment.submitted", "c-1", 1)], &[]).await;
        assert_eq!(
            seen,
            Seen {
                decided: 1,
                open: 0
            }
        );
        assert!(requests[2].contains("comment=c-1"), "{requests:?}");
    }

    #[test]
    fn a_decision_is_told_on_a_line() {
        let decision = json!({"verdict": "hold", "comment": "c-2", "revision": 1, "labels": ["insult"], "rules": [{"id": "insult"}]});
        assert_eq!(told(&decision), "hold\tc-2\t1\tinsult\tinsult");
    }
}
